// A season's form: further lines for periods. Without it there are always two to spare.
"use strict";

(() => {
const periods = document.getElementById("periods");
const more = document.getElementById("more-periods");
if (!periods || !more) return;

const arrange = () => {
  more.hidden = periods.children.length >= Number(more.dataset.most);
};

more.addEventListener("click", () => {
  const number = periods.children.length;
  const fresh = periods.lastElementChild.cloneNode(true);
  for (const wrong of fresh.querySelectorAll(".wrong")) wrong.remove();
  fresh.querySelector("legend").textContent = more.dataset.say.replace("{number}", number + 1);
  for (const input of fresh.querySelectorAll("input")) {
    const [, name] = input.name.split("-");
    const label = fresh.querySelector(`label[for="${input.id}"]`);
    input.name = `p${number}-${name}`;
    input.id = label.htmlFor = `s-p${number}-${name}`;
    input.value = "";
    for (const told of ["aria-invalid", "aria-describedby"]) input.removeAttribute(told);
  }
  periods.append(fresh);
  arrange();
  fresh.querySelector("input").focus();
});

arrange();
})();
