/* ---- on paper: the map in the size of the page, drawn anew and finer ---- */
const PAPER = { A4: [1047, 718], A3: [1512, 1047] }; // what 10 mm of margin leave of a landscape page, in CSS pixels
const LEGEND_WIDE = 250, HEAD_HIGH = 46, FOOT_HIGH = 112;
const paperStyle = document.head.appendChild(el("style", {}));
let paper = "A4", before = null;
function choosePaper(size) {
  paper = size;
  paperStyle.textContent = `@page { size: ${size} landscape; margin: 10mm; }`;
}
choosePaper(paper);
function toPaper(anew) {
  if (before) return;
  const [wide, high] = PAPER[paper], box = map.getContainer();
  const room = [wide - LEGEND_WIDE - 12, high - HEAD_HIGH - FOOT_HIGH];
  const now = [box.offsetWidth, box.offsetHeight];
  const seen = map.getSize().subtract([besideLegend(), 0]); // what the box of layers does not hide
  const bounds = L.latLngBounds(map.containerPointToLatLng([0, 0]), map.containerPointToLatLng(seen));
  const everything = L.latLngBounds([data.bounds.slice(0, 2), data.bounds.slice(2)]);
  before = { bounds: bounds.contains(everything) ? everything : bounds, back: map.getBounds(), retina: L.Browser.retina, anew };
  document.body.classList.add("printing");
  document.body.style.setProperty("--sheet-wide", `${wide}px`);
  document.body.style.setProperty("--sheet-high", `${high}px`);
  const [w, h] = anew ? room : now;
  Object.assign(box.style, { width: `${w}px`, height: `${h}px`, zoom: anew ? "" : Math.min(room[0] / w, room[1] / h) });
  if (!anew) return; // a canvas drawn in this moment would be blank on paper: what is there is scaled
  L.Browser.retina = true;
  redraw();
}
function fromPaper() {
  if (!before) return;
  document.body.classList.remove("printing");
  Object.assign(map.getContainer().style, { width: "", height: "", zoom: "" });
  L.Browser.retina = before.retina;
  if (before.anew) (before.bounds = before.back, redraw());
  before = null;
}
function printOn(size) { // two frames later the canvases are drawn
  choosePaper(size);
  toPaper(true);
  requestAnimationFrame(() => requestAnimationFrame(() => print()));
}
function redraw() {
  map.invalidateSize({ animate: false, pan: false });
  map.fitBounds(before.bounds, { animate: false });
  Object.values(canvas).concat(cellCanvas || []).forEach((each) => each._map && each._update());
  Object.values(canvas).forEach((each) => each._map && each._updatePaths());
}
addEventListener("beforeprint", () => toPaper(false));
addEventListener("afterprint", fromPaper);
