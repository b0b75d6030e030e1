// Light or dark, before the first stroke is drawn: as chosen on this device, else as the device itself is set.
"use strict";

const dusk = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  const chosen = localStorage.getItem("theme");
  return chosen ? chosen === "dark" : dusk.matches;
}

function dress() {
  document.documentElement.dataset.bsTheme = isDark() ? "dark" : "light";
}

dress();
dusk.addEventListener("change", dress);

addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("theme");
  if (!button) return;
  button.hidden = false;
  const show = () => button.setAttribute("aria-pressed", String(isDark()));
  button.addEventListener("click", () => {
    localStorage.setItem("theme", isDark() ? "light" : "dark");
    dress();
    show();
  });
  show();
});
