/* ---- on paper: the map in the size of the page, drawn anew and finer ---- */
const PAPER = { A4: [1047, 718], A3: [1512, 1047] }; // what 10 mm of margin leave of a landscape page, in CSS pixels
const MAY_BE_LONG = { "#side": ".layer", "#controls": "#totals p:not(.big)", "#notes": "details p", "#phases": "li", "#ranking": "tbody tr", "#communes": "tbody tr" };
const LEGEND_WIDE = 250, HEAD_HIGH = 46, FOOT_HIGH = 176;
const paperStyle = document.head.appendChild(el("style", {}));
let paper = "A4", before = null;
function choosePaper(size) {
  paper = size;
  paperStyle.textContent = `@page { size: ${size} landscape; margin: 10mm; }`;
}
choosePaper(paper);
function toPaper() {
  if (before) return;
  const [wide, high] = PAPER[paper], box = map.getContainer(), [legend, notes, panel] = ["#layers", "#notes details", "#panel"].map((name) => document.querySelector(name));
  const seen = map.getSize().subtract([underLegend(), 0]); // what a box of layers does not hide
  const bounds = L.latLngBounds(map.containerPointToLatLng([0, 0]), map.containerPointToLatLng(seen));
  const everything = L.latLngBounds([data.bounds.slice(0, 2), data.bounds.slice(2)]);
  before = { back: map.getBounds(), retina: L.Browser.retina, unfolded: legend.open, told: notes.open, read: panel.scrollTop, copies: [] };
  legend.open = notes.open = true;
  panel.scrollTop = 0;
  document.body.classList.add("printing");
  document.body.style.setProperty("--sheet-wide", `${wide}px`);
  document.body.style.setProperty("--sheet-high", `${high}px`);
  Object.assign(box.style, { width: `${wide - LEGEND_WIDE - 12}px`, height: `${high - HEAD_HIGH - FOOT_HIGH}px` });
  L.Browser.retina = true;
  redraw(bounds.contains(everything) ? everything : bounds);
  Object.entries(MAY_BE_LONG).forEach(([part, items]) => cutToSheet(document.querySelector(part), items));
  before.copies = [...box.querySelectorAll("canvas")].map(standIn);
}
function cutToSheet(box, items) { // what has no room is counted, never cut through
  const all = box ? [...box.querySelectorAll(items)].filter((each) => each.offsetParent) : [], told = el("p", { class: "no-room" });
  for (let at = all.length - 1; at >= 0 && box.scrollHeight > box.clientHeight; at -= 1) {
    all[at].classList.add("left-out");
    told.textContent = plural("and_more", all.length - at);
    box.append(told);
  }
}
function standIn(drawn) { // a canvas drawn in this very moment is blank on paper; its copy in plain memory is not
  const copy = el("canvas", { width: drawn.width, height: drawn.height, class: drawn.className, style: drawn.style.cssText, "aria-hidden": "true" });
  if (drawn.width && drawn.height) copy.getContext("2d", { willReadFrequently: true }).drawImage(drawn, 0, 0);
  drawn.after(copy);
  drawn.style.display = "none";
  return [drawn, copy];
}
function fromPaper() {
  if (!before) return;
  const { back, retina, unfolded, told, read, copies } = before;
  copies.forEach(([drawn, copy]) => (copy.remove(), (drawn.style.display = "")));
  document.body.classList.remove("printing");
  document.querySelectorAll(".no-room").forEach((each) => each.remove());
  document.querySelectorAll(".left-out").forEach((each) => each.classList.remove("left-out"));
  document.querySelector("#layers").open = unfolded;
  document.querySelector("#notes details").open = told;
  document.querySelector("#panel").scrollTop = read;
  Object.assign(map.getContainer().style, { width: "", height: "" });
  L.Browser.retina = retina;
  before = null;
  redraw(back);
}
function printOn(size) {
  choosePaper(size);
  toPaper();
  print();
}
function redraw(bounds) {
  map.invalidateSize({ animate: false, pan: false });
  map.fitBounds(bounds, { animate: false });
  Object.values(canvas).concat(crowd, cellCanvas || []).forEach((each) => each._map && each._update());
  Object.values(canvas).concat(crowd).forEach((each) => each._map && each._updatePaths());
}
addEventListener("beforeprint", toPaper);
addEventListener("afterprint", fromPaper);
