// Bulk edits: further ranges of nights, and the preview brought into sight. All else works without it.
"use strict";

(() => {
const spans = document.getElementById("spans");
const more = document.getElementById("more-nights");
if (!spans || !more) return;

function arrange() {
  const all = spans.querySelectorAll("[data-remove]");
  for (const button of all) button.hidden = all.length < 2;
  more.hidden = all.length >= 12;
}

more.addEventListener("click", () => {
  const fresh = spans.lastElementChild.cloneNode(true);
  for (const input of fresh.querySelectorAll("input")) input.value = "";
  spans.append(fresh);
  arrange();
  fresh.querySelector("input").focus();
});

spans.addEventListener("click", (event) => {
  const button = event.target.closest("[data-remove]");
  if (!button) return;
  button.closest(".span").remove();
  arrange();
  more.focus();
});

arrange();
const preview = document.getElementById("preview");
if (preview) {
  preview.focus({ preventScroll: true });
  preview.scrollIntoView({ block: "start" });
}
})();
