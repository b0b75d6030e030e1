// The button that prints a page; without it the browser's own menu does.
"use strict";

const button = document.getElementById("print");
if (button) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
document.querySelector("form[data-submits]")?.addEventListener("change", (event) => event.currentTarget.requestSubmit());
