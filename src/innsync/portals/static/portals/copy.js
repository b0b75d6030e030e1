// A button beside a field takes what stands in it to the clipboard, and says so for a moment.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const field = button.parentElement.querySelector("input");
    field.select();
    await navigator.clipboard.writeText(field.value);
    button.classList.add("btn-success");
    setTimeout(() => button.classList.remove("btn-success"), 1500);
  });
}
