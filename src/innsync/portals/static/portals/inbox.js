// A run of replays goes on by itself; how many messages are ticked stands on the button.
const again = document.querySelector("form[data-again]");
if (again) again.requestSubmit();

const many = document.getElementById("many");
if (many) {
  const told = many.querySelector("[data-ticked]");
  const count = () => {
    const ticked = document.querySelectorAll("input[name=message]:checked").length;
    told.textContent = ticked ? `(${ticked})` : "";
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches("input[name=message]")) count();
  });
  count();
}
