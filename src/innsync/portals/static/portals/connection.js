// A bar that is pointed at, or reached with the keyboard, tells below the picture what it stands for.
for (const figure of document.querySelectorAll("[data-bars]")) {
  const told = figure.querySelector("[data-told]");
  const whole = told.textContent;
  const tell = (event) => {
    const words = event.target.getAttribute("aria-label");
    if (event.target.matches("rect") && words) told.textContent = words;
  };
  const silent = () => { told.textContent = whole; };
  figure.addEventListener("pointerover", tell);
  figure.addEventListener("focusin", tell);
  figure.addEventListener("pointerleave", silent);
  figure.addEventListener("focusout", silent);
}
