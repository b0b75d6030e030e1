// What takes longer than a moment shows that it is under way: a page that is asked for, a form that is sent, a part that is fetched.
const A_MOMENT_MS = 250;
const MOST_MS = 60_000; // an answer that is a file to keep leaves the page where it is, and tells nobody
const shown = document.getElementById("waiting");

let timer;
let fetching = 0;

function begin() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    shown.hidden = false;
    timer = setTimeout(end, MOST_MS);
  }, A_MOMENT_MS);
}

function end() {
  clearTimeout(timer);
  shown.hidden = true;
}

// What a page fetches by itself every so often is nobody's wish.
const isAsked = (event) => !/\bevery\b/.test(event.detail.elt.getAttribute("hx-trigger") ?? "");

document.addEventListener("htmx:beforeSend", (event) => {
  if (!isAsked(event)) return;
  fetching += 1;
  event.detail.xhr.addEventListener("loadend", () => {
    fetching -= 1;
    if (!fetching) end();
  });
  begin();
});

const isElsewhere = (target) => target !== "" && target !== "_self";

addEventListener("submit", (event) => {
  const form = event.target;
  const target = event.submitter?.getAttribute("formtarget") ?? form.getAttribute("target") ?? "";
  if (event.defaultPrevented || form.method === "dialog" || isElsewhere(target)) return;
  begin();
});

addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  if (link.hasAttribute("download") || isElsewhere(link.target) || !/^https?:$/.test(link.protocol)) return;
  if (link.hash && link.href.split("#")[0] === location.href.split("#")[0]) return;
  begin();
});

addEventListener("pageshow", end); // also of a page that the browser kept and shows again
