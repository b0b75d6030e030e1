// Elements without markup in texts: nothing that a hotel or guest wrote is ever read as HTML.
function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "hidden") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((one) => one !== null && one !== undefined && one !== false));
  return element;
}

let lastId = 0;
const newId = () => `i${++lastId}`;

// A label above its field; whatever is wrong with it stands below and is read with it.
function labelled(label, field, name) {
  const id = newId();
  field.id = id;
  field.name = name;
  return h("div", { class: "field", part: "field" }, h("label", { for: id }, label), field, h("p", { class: "wrong", id: `${id}-wrong`, hidden: true }));
}

function complain(field, words) {
  const wrong = field.parentElement.querySelector(".wrong");
  wrong.textContent = words ?? "";
  wrong.hidden = !words;
  field.toggleAttribute("aria-invalid", Boolean(words));
  if (words) {
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", wrong.id);
  } else field.removeAttribute("aria-describedby");
}

function select(from, to, chosen) {
  const field = h("select", { part: "input" });
  for (let number = from; number <= to; number += 1) field.append(h("option", { value: String(number), selected: number === chosen }, String(number)));
  return field;
}
