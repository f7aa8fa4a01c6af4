const shown = new Map(); // layer id -> what stands on the map
/* ---- layers ---- */
const order = ["ground", "cells", "streets", "transit", "rings", "territories", "leaders", "names"];
const canvas = {};
order.forEach((name, at) => {
  map.createPane(name).style.zIndex = 310 + 10 * at;
  if (name !== "cells" && name !== "names") canvas[name] = L.canvas({ pane: name, padding: 0.3 });
});
const on = (name, more) => ({ pane: name, renderer: canvas[name], interactive: false, ...more });

const cellCanvas = data.cells ? new CellCanvas({ pane: "cells" }) : null;
function drawCells(layer) {
  if (layer.live) Object.assign(layer, live[layer.live]());
  else layer.paints = layer.paints || [...layer.classes].map((each) => layer.fills[each]);
  cellCanvas.paint(layer.paints);
  return cellCanvas;
}
function drawRings(layer) {
  const shape = areas(state.picked === null ? layer.union : layer.own[state.picked] || "");
  // inside a town every block is a hole: only the larger ones get a line
  const large = ([outer, ...holes]) => [outer, ...holes.filter((hole) => extent(hole) > LARGE_M2)];
  const edges = shape.flatMap(large).map((edge) => [...edge, edge[0]]);
  const line = (more) => L.polyline(edges, on("rings", { smoothFactor: 0.6, ...more }));
  return L.featureGroup([
    L.polygon(shape, on("rings", { stroke: false, fillColor: pattern(layer.hatch, layer.colour), fillOpacity: 0.7, smoothFactor: 0.6 })),
    line({ color: data.colours.paper, opacity: 0.75, weight: 4 }),
    line({ color: layer.colour, weight: 1.8, dashArray: layer.dash || null }),
  ]);
}
function drawTerritories(layer) {
  const look = on("territories", { color: data.outline, weight: 1.4, dashArray: "8 3 2 3" });
  names = layer.names.map(([y, x, name]) =>
    L.tooltip({ pane: "names", permanent: true, direction: "center", className: "territory" }).setLatLng([y, x]).setContent(el("span", {}, name)));
  return L.featureGroup([L.polyline(lines(layer.borders), look), ...names]);
}
function drawStreets(layer) {
  return L.featureGroup(layer.lines.map(([text, weight, color = data.colours.paper]) =>
    L.polyline(lines(text), on("streets", { color, weight, opacity: 0.8, smoothFactor: 0.8 }))));
}
function drawAreas(layer) {
  return L.featureGroup([
    ...layer.areas.map((text) => L.polygon(areas(text), on("ground", { stroke: false, fillColor: layer.colour, fillOpacity: 1 }))),
    ...layer.lines.map((text) => L.polyline(lines(text), on("ground", { color: layer.colour, weight: 2 }))),
  ]);
}
function drawLines(layer) {
  const look = on("streets", { color: layer.colour, weight: layer.weight, dashArray: layer.dash, smoothFactor: 0.8 });
  return L.featureGroup(layer.lines.map((text) => L.polyline(lines(text), look)));
}
function drawTransit(layer) {
  return L.featureGroup(layer.lines.flatMap(([text, name]) => {
    const way = lines(text), line = L.polyline(way, on("transit", { color: layer.colour, weight: 2.2, opacity: 0.85, smoothFactor: 0.8 }));
    return [line, L.marker(way[0][Math.floor(way[0].length / 2)], { pane: "names", interactive: false, keyboard: false,
      icon: L.divIcon({ className: "line", html: el("span", {}, name), iconSize: null }) })];
  }));
}
function drawStops(layer) {
  return L.featureGroup(layer.stops.map(([lat, lng]) =>
    L.circleMarker([lat, lng], on("transit", { radius: 2.5, weight: 1.4, color: layer.colour, fillColor: data.colours.paper, fillOpacity: 1 }))));
}
function drawPlaces(layer) {
  const told = data.layers.some((each) => each.kind === "territories") ? data.territories : []; // once is enough
  const labels = layer.places.filter(([, , name]) => !told.includes(name)).map(([lat, lng, name, rank]) =>
    L.tooltip({ pane: "names", permanent: true, direction: "center", className: `territory place rank${rank}` }).setLatLng([lat, lng]).setContent(el("span", {}, name)));
  placeNames = labels;
  return L.featureGroup(labels);
}
function drawTiles() {
  return L.tileLayer("https://tile.openstreetmap.org/{z}/{x}/{y}.png", { maxZoom: 19, referrerPolicy: "strict-origin-when-cross-origin" });
}
const MANY = 500; // from here on a site is a dot without its id, and the list is cut
const crowd = L.canvas({ pane: "markerPane" });
const LABEL_SIZES = { 3: 10, 4: 8.5 };
const marks = [];
const narrow = matchMedia("(max-width: 1150px)"), telephone = matchMedia("(max-width: 760px)");
const side = telephone.matches ? 22 : 26;
const many = data.sites.length > MANY;
const last = (site) => (site.rank === null ? Infinity : site.rank);
const byRank = data.sites.map((site, at) => at).sort((a, b) => last(data.sites[a]) - last(data.sites[b]) || a - b || 0);
const anyChosen = data.sites.some((site) => site.chosen !== null);
const byOrder = [...byRank].sort((a, b) => (data.sites[a].chosen || Infinity) - (data.sites[b].chosen || Infinity) || 0);
const opensNew = (site) => site.chosen !== null && !fixed(site);
const matters = (at) => !anyChosen || fixed(data.sites[at]) || data.sites[at].chosen !== null || !!data.sites[at].only;
function drawSites() {
  return L.featureGroup(data.sites.map((site, at) => {
    const look = data.status[site.only ? "candidate" : site.status];
    if (many) {
      const ringed = opensNew(site);
      marks[at] = L.circleMarker(site.at, { pane: "markerPane", renderer: crowd, radius: ringed ? 6 : 4, weight: ringed ? 3 : 1,
        color: ringed ? data.halo : look.stroke, fillColor: look.fill, fillOpacity: 0.9, bubblingMouseEvents: false });
      return marks[at].on("click", () => pick(at));
    }
    const box = svg("svg", { width: side, height: side, viewBox: "0 0 26 26" });
    if (opensNew(site)) box.append(svg("circle", { cx: 13, cy: 13, r: 14.5, fill: "none", stroke: data.halo, "stroke-width": 4 }));
    box.append(shape(look, 26));
    if (look.shape !== "cross") box.append(text(site.label, { x: 13, y: 16.8, "text-anchor": "middle", "font-size": LABEL_SIZES[site.label.length] || 11, "font-weight": 700, fill: look.text }));
    const icon = L.divIcon({ className: "mark", html: box, iconSize: [side, side] });
    marks[at] = L.marker(site.at, { icon, title: called(at), alt: called(at), riseOnHover: true, zIndexOffset: (anyChosen && matters(at) ? 1000 : 0) + (site.rank ? 1000 - site.rank : 0) });
    return marks[at].on("click", () => pick(at)).on("keypress", (event) => event.originalEvent.key === "Enter" && pick(at));
  }));
}

/* ---- where sites stand: in a scenario some are new, gone or elsewhere ---- */
const stands = (at) => !data.sites[at].only || (other !== null && other.open[at]);
const placeOf = (at) => (known && known.source.moved && known.source.moved[at]) || data.sites[at].at;
const doubtful = (at) => data.sites[at].id in data.doubts;
const unchanged = { opens: new Set(), closes: new Set(), moved: {} };
function standing() { // a sign on its mark says what a scenario does to a site, and the legend what the sign says
  const { opens, closes, moved } = other ? other.source : unchanged, layer = data.layers.find((each) => each.kind === "sites");
  const signs = [[opens.size, words.sign_opens], [closes.size, words.sign_closes], [Object.keys(moved).length, words.sign_moves],
    [data.sites.some((_, at) => doubtful(at)), words.sign_doubtful]];
  if (layer) (layer.note = signs.filter(([some]) => some).map(([, said]) => said).join(" · "), fillLegend(layer));
  marks.forEach((mark, at) => {
    mark.setLatLng(placeOf(at));
    const icon = mark.getElement();
    if (!icon) return;
    icon.classList.toggle("closed", !known.open[at]);
    icon.classList.toggle("opens", opens.has(at));
    icon.classList.toggle("closes", closes.has(at));
    icon.classList.toggle("moves", at in moved && !opens.has(at));
    icon.classList.toggle("doubts", doubtful(at) && !opens.has(at) && !closes.has(at) && !(at in moved));
    if (!many) icon.hidden = !stands(at);
  });
  arrange();
}

/* ---- every number in sight: a mark that would lie on a better one stands aside, with a line to its place ---- */
const leaders = L.layerGroup().addTo(map);
const GAP = side + 2;
const TURNS = [0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6].map((turn) => (turn * Math.PI) / 6);
let names = [], placeNames = [];
function spot(place, taken) {
  const near = taken.filter((other) => other.distanceTo(place) < GAP);
  if (!near.length) return place;
  const away = Math.atan2(place.y - near[0].y, place.x - near[0].x);
  for (let radius = GAP / 2; radius <= 3 * GAP; radius += GAP / 4)
    for (const turn of TURNS) {
      const aside = place.add([radius * Math.cos(away + turn), radius * Math.sin(away + turn)]);
      if (taken.every((other) => other.distanceTo(aside) >= GAP)) return aside;
    }
  return null; // no room near by: a small mark without its number, below the others
}
function standAside() {
  const places = data.sites.map((_, at) => map.latLngToLayerPoint(placeOf(at)));
  // where some are chosen, the others make room: seen from afar they are small where they stand too close
  const far = map.getZoom() < map.getBoundsZoom([data.bounds.slice(0, 2), data.bounds.slice(2)]) + 2, yields = (at) => far && !matters(at);
  const alone = (at) => places.every((other, each) => each === at || !stands(each) || (!yields(at) && yields(each)) || other.distanceTo(places[at]) >= GAP);
  const inSight = byRank.filter(stands), taken = inSight.filter(alone).map((at) => places[at]);
  [...inSight.filter((at) => !yields(at)), ...inSight.filter(yields)].forEach((at) => {
    const free = alone(at) ? places[at] : yields(at) ? null : spot(places[at], taken);
    const by = (free || places[at]).subtract(places[at]);
    const { classList, style } = marks[at].getElement();
    classList.toggle("small", !free);
    style.marginLeft = `${by.x - side / 2}px`;
    style.marginTop = `${by.y - side / 2}px`;
    if (free && !alone(at)) taken.push(free);
    if (!by.x && !by.y) return;
    const line = [placeOf(at), map.layerPointToLatLng(places[at].add(by))];
    leaders.addLayer(L.polyline(line, on("leaders", { color: data.colours.ink, weight: 1.4 })));
    leaders.addLayer(L.circleMarker(line[0], on("leaders", { radius: 2.5, stroke: false, fillColor: data.colours.ink, fillOpacity: 1 })));
  });
  if (other) Object.entries(other.source.moved).filter(([at]) => !data.sites[at].only).forEach(([at, there]) => { // from where to where a site moves
    leaders.addLayer(L.polyline([data.sites[at].at, there], on("leaders", { color: data.colours.ink, weight: 1.6, dashArray: "2 5" })));
    [data.sites[at].at, there].forEach((place) => leaders.addLayer(L.circleMarker(place, on("leaders", { radius: 4, weight: 1.6, color: data.colours.ink, fillColor: data.colours.paper, fillOpacity: 1 }))));
  });
  return taken;
}
function nameAside(taken) {
  const boxes = taken.map(({ x, y }) => [x - GAP / 2, y - GAP / 2, x + GAP / 2, y + GAP / 2]);
  const view = map.getPixelBounds(), origin = map.getPixelOrigin();
  const inView = ([left, , right]) => left + origin.x >= view.min.x && right + origin.x <= view.max.x;
  const shownNames = [...(shown.has("territories") ? names : []), ...(shown.has("places") ? placeNames : [])];
  shownNames.forEach((name) => {
    const { offsetWidth: wide, offsetHeight: high } = name.getElement();
    const { x, y } = map.latLngToLayerPoint(name.getLatLng());
    const around = (right, down) => [x + right - wide / 2, y + down - high / 2, x + right + wide / 2, y + down + high / 2];
    const clear = ([left, top, right, bottom]) => boxes.every((box) => right <= box[0] || left >= box[2] || bottom <= box[1] || top >= box[3]);
    const downs = [0, 1, -1, 2, -2, 3, -3].map((step) => (step * high) / 2);
    const free = [0, 0.25, -0.25, 0.5, -0.5].flatMap((step) => downs.map((down) => [step * wide, down])).filter((by) => clear(around(...by)));
    const found = free.find((by) => inView(around(...by))) || free[0];
    name.getElement().style.visibility = found ? "" : "hidden";
    if (!found) return;
    boxes.push(around(...found));
    name.options.offset = L.point(found);
    name.update();
  });
}
function arrange() {
  leaders.clearLayers();
  const taken = shown.has("sites") && !many ? standAside() : [];
  if (shown.has("territories") || shown.has("places")) nameAside(taken);
}

const draw = {
  sites: drawSites, rings: drawRings, cells: drawCells, territories: drawTerritories,
  streets: drawStreets, areas: drawAreas, lines: drawLines, transit: drawTransit, stops: drawStops, places: drawPlaces, tiles: drawTiles,
};

/* ---- which layers stand on the map, and their legends ---- */
const rows = new Map();
function set(layer, wanted) {
  const row = rows.get(layer.id);
  row.box.checked = wanted;
  row.legend.hidden = !wanted;
  if (layer.kind === "cells") state.cells = wanted ? layer.id.slice(6) : state.cells === layer.id.slice(6) ? "" : state.cells;
  if (shown.has(layer.id)) shown.get(layer.id).remove();
  shown.delete(layer.id);
  if (!wanted) return void arrange();
  if (layer.kind === "cells") data.layers.filter((each) => each.kind === "cells" && each !== layer).forEach((each) => set(each, false));
  shown.set(layer.id, draw[layer.kind](layer).addTo(map));
  if (layer.live) fillLegend(layer);
  if (layer.kind === "sites" || layer.kind === "territories") arrange();
  if (layer.kind === "rings") // the smaller area lies on top
    data.layers.filter((each) => each.kind === "rings" && shown.has(each.id)).sort((a, b) => b.minutes - a.minutes)
      .forEach((each) => shown.get(each.id).bringToFront());
}
function fillLegend(layer) {
  const { legend } = rows.get(layer.id);
  legend.replaceChildren(...layer.legend.flatMap((entry) => [swatch(entry), el("span", {}, say(entry.text))]));
  if (layer.note) legend.append(el("p", { class: "hint" }, say(layer.note)));
}
const underLegend = () => (narrow.matches && !telephone.matches && document.querySelector("#layers").open ? 272 : 0);
function layerPanel() {
  const section = document.querySelector("#layers"), list = el("div", { class: "list" });
  section.replaceChildren(el("summary", {}, el("h2", {}, words.layers)), list);
  let group = null, block;
  data.layers.forEach((layer) => {
    const name = say(layer.group);
    if (layer === data.layers[0] || name !== group) list.append((block = el("div", { class: "block" })));
    if (name !== group && name) block.append(el("div", { class: "group" }, name));
    if (name !== group && layer.kind === "rings") block.append(notice);
    group = name;
    const box = el("input", { type: "checkbox", "data-layer": layer.id });
    box.checked = shown.has(layer.id);
    box.addEventListener("change", () => (set(layer, box.checked), keepAddress()));
    const single = layer.legend.length === 1 && !layer.live;
    const legend = el("div", { class: single ? "legend" : "legend list", "data-legend": layer.id });
    legend.hidden = !shown.has(layer.id);
    const label = el("span", {}, capital(layer.live ? layer.title() : say(layer.label)));
    block.append(el("div", { class: "layer" }, el("label", {}, box, label), legend));
    rows.set(layer.id, { box, legend, label });
    fillLegend(layer);
  });
}
