// A form whose answer takes a while says so, and is not sent twice.
for (const form of document.querySelectorAll("form[data-busy]")) {
  form.addEventListener("submit", () => {
    form.querySelector(".busy").hidden = false;
    // Later, so that the button's own submission is not stopped by it.
    setTimeout(() => { for (const button of form.querySelectorAll("button")) button.disabled = true; });
  });
}
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const busy of document.querySelectorAll("form[data-busy] .busy")) busy.hidden = true;
  for (const button of document.querySelectorAll("form[data-busy] button")) button.disabled = false;
});
