// A constructed stylesheet needs no leave of the page's Content-Security-Policy, as a <style> element would.
const STYLE = `
:host { display: block; container-type: inline-size; color: var(--innsync-text, #1f2937); font: 1rem/1.5 var(--innsync-font, system-ui, sans-serif);
  --accent: var(--innsync-accent, #1d4ed8); --accent-text: var(--innsync-accent-text, #fff); --background: var(--innsync-background, #fff);
  --muted: var(--innsync-muted, #4b5563); --border: var(--innsync-border, #c3c9d2); --radius: var(--innsync-radius, 8px); --wrong: var(--innsync-wrong, #b42318); }
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
.box { background: var(--background); border: 1px solid var(--border); border-radius: var(--radius); padding: 1rem; }
h2, h3, h4 { line-height: 1.25; margin: 0 0 .75rem; } h2 { font-size: 1.375rem; } h3 { font-size: 1.125rem; } h4 { margin: 0 0 .25rem; font-size: 1rem; } h2:focus { outline: none; }
p { margin: 0 0 .5rem; } ul, dl { margin: 0 0 .75rem; } ul { padding-left: 1.25rem; }
button, select, input, textarea { font: inherit; color: inherit; }
select, input, textarea { width: 100%; min-height: 2.75rem; padding: .375rem .625rem; background: var(--background); border: 1px solid var(--muted); border-radius: var(--radius); }
textarea { min-height: 5rem; }
button { min-height: 2.75rem; padding: .375rem 1rem; border-radius: var(--radius); border: 1px solid var(--accent); background: var(--background); color: var(--accent); cursor: pointer; }
button.main { background: var(--accent); color: var(--accent-text); font-weight: 600; }
button[aria-disabled=true] { cursor: default; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.bar { display: flex; gap: .75rem; flex-wrap: wrap; align-items: center; margin-top: 1rem; }
.field { min-width: 0; } .field label { display: block; font-weight: 600; margin-bottom: .125rem; }
.wrong { color: var(--wrong); margin: .25rem 0 0; } [aria-invalid=true] { border-color: var(--wrong); border-width: 2px; }
.alert { border-left: 4px solid var(--wrong); padding: .5rem .75rem; margin: 0 0 1rem; } .alert:empty { display: none; }
.note, .muted { color: var(--muted); } .note { margin: .75rem 0; }
.fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); gap: .75rem; margin-top: 1rem; }
.fields.wide { grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); }
.chosen { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; margin-bottom: .75rem; } .chosen dt { color: var(--muted); font-size: .875rem; } .chosen dd { margin: 0; font-weight: 600; }
.months { display: grid; gap: 1.5rem; } .month { min-width: 0; } .month.second { display: none; }
.month caption { font-weight: 600; padding: .5rem 0; min-height: 2.75rem; }
.turn { display: flex; justify-content: space-between; } .turn button { min-width: 2.75rem; padding: 0; }
table { width: 100%; border-collapse: collapse; table-layout: fixed; } th { font-weight: 400; color: var(--muted); font-size: .8125rem; padding: .25rem 0; } td { padding: 1px; }
td button { width: 100%; min-height: 3.25rem; padding: .125rem 0; border-color: transparent; color: inherit; line-height: 1.2; display: block; overflow: hidden; }
td button small { display: block; font-size: .6875rem; color: var(--muted); white-space: nowrap; }
td button:hover:not([aria-disabled=true]) { border-color: var(--accent); }
td button[aria-disabled=true] { color: var(--muted); } td button[aria-disabled=true] > span { text-decoration: line-through; }
td button.within { background: color-mix(in srgb, var(--accent) 14%, var(--background)); }
td button.end, td button.end small { background: var(--accent); color: var(--accent-text); }
.offer { border-top: 1px solid var(--border); padding: 1rem 0; } .offer:first-of-type { border-top: 0; }
.offer img { width: 100%; height: auto; aspect-ratio: 3 / 2; object-fit: cover; border-radius: var(--radius); margin-bottom: .75rem; }
.plan { border: 1px solid var(--border); border-radius: var(--radius); padding: .75rem; margin-top: .75rem; display: grid; gap: .5rem; }
.plan ul { list-style: none; padding: 0; margin: 0; } .price { font-size: 1.25rem; font-weight: 700; margin: 0; } .few { color: var(--wrong); }
summary { cursor: pointer; min-height: 1.75rem; } .lines td { padding: .125rem 0; vertical-align: top; } .lines td:last-child { text-align: right; white-space: nowrap; }
.code { font-size: 1.5rem; font-weight: 700; letter-spacing: .04em; }
fieldset { border: 0; margin: .75rem 0 0; padding: 0; min-width: 0; } legend { font-weight: 600; padding: 0; }
.extra { display: flex; gap: .625rem; align-items: center; min-height: 2.75rem; } .extra select { width: auto; } .extra input { width: 1.25rem; min-height: 1.25rem; flex: none; }
.quiet { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@container (min-width: 40rem) { .box { padding: 1.5rem; max-width: 60rem; margin: 0 auto; } .months { grid-template-columns: 1fr 1fr; } .month.second { display: table; }
  .room { display: grid; grid-template-columns: 14rem 1fr; gap: 1.25rem; } .plan { grid-template-columns: 1fr auto; align-items: end; } .plan .ask { text-align: right; } }
@media (prefers-reduced-motion: no-preference) { button { transition: background-color .15s, border-color .15s; } }
`;

function dress(root) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
}
