/* ---- a new site where the reader points: whom it would reach, as searched from the nearest place beforehand ---- */
const trials = data.trials && data.trials.places ? data.trials : null;
const FAR_OFF = 2000; // metres: what is reached from a place so far off says nothing of the one asked for
function nearestTrial([lat, lng]) { // the place to count for, and how far off it is
  if (!trials || !Number.isFinite(lat) || !Number.isFinite(lng)) return null;
  const away = trials.places.map((place) => L.CRS.Earth.distance(L.latLng(lat, lng), L.latLng(place)));
  const at = away.indexOf(Math.min(...away));
  return { asked: [lat, lng], at, away: away[at], ways: {} };
}
function levels(text) { // the points that are reached and the limit within which, in units; see trials.py
  const code = numbers(text), points = [], units = [];
  for (let at = 0, point = 0; at < code.length; at += 3) {
    point += code[at];
    for (let left = code[at + 1]; left > 0; left--) (points.push(point++), units.push(Math.round(trials.limits[code[at + 2]] / plan.unit)));
  }
  return { points: Int32Array.from(points), units: Int32Array.from(units), how: null };
}
function triedWay(mode) { // as `ways` gives those of a site
  const { at, ways: found } = state.tried;
  if (!found[mode]) found[mode] = mode === "best" && plan.several ? shortest(plan.modes.map(triedWay)) : able(plan.base, levels((trials.ways[mode] || [])[at] || ""), mode);
  return found[mode];
}
function triedPoints(mode, limit) { // by point: does it reach it, and does a site that is open now in today's plan
  const most = Math.round(limit / plan.unit), { points, units } = triedWay(mode), inside = new Uint8Array(plan.count);
  points.forEach((point, each) => units[each] <= most && (inside[point] = 1));
  return { inside, seen: seenBy(plan.base, state.open, mode, most) };
}
function triedCounts(mode, limit, subject) { // whom it reaches and who of them is new, in all and by territory
  const { inside, seen } = triedPoints(mode, limit), amounts = plan.base.amounts[subject];
  return { reach: sums((point) => (inside[point] ? amounts[point] : 0)), fresh: sums((point) => (inside[point] && !seen[point] ? amounts[point] : 0)) };
}
function tryAt({ lat, lng }) {
  pick(null);
  map.closePopup();
  state.tried = nearestTrial([lat, lng]);
  showTried();
  besideCard([lat, lng]);
}
function untry() {
  state.tried = null;
  showTried();
}
const pins = L.layerGroup().addTo(map);
function showTried(painted = true) {
  pins.clearLayers();
  if (state.tried) {
    const { asked, at, away } = state.tried, place = trials.places[at], near = away <= FAR_OFF;
    if (near) pins.addLayer(L.polyline([asked, place], on("leaders", { color: data.colours.ink, weight: 1.6, dashArray: "2 5" })));
    const sign = svg("svg", { width: 26, height: 26, viewBox: "0 0 26 26" },
      svg("circle", { cx: 13, cy: 13, r: 11, fill: data.colours.paper, stroke: data.colours.ink, "stroke-width": 2, "stroke-dasharray": "4 2" }),
      text("?", { x: 13, y: 18, "text-anchor": "middle", "font-size": 15, "font-weight": 700, fill: data.colours.ink }));
    pins.addLayer(L.marker(near ? place : asked, { icon: L.divIcon({ className: "mark tried", html: sign, iconSize: [26, 26] }), interactive: false, keyboard: false, zIndexOffset: 3000 }));
  }
  const layer = data.layers.find((each) => each.live === "tried");
  if (layer && state.tried && painted) set(layer, true);
  update();
}
function triedCard() {
  const { at, away } = state.tried, [lat, lng] = trials.places[at];
  if (away > FAR_OFF) return el("div", { class: "card" }, el("h2", {}, words.try_title), el("p", {}, fill(words.try_far, { km: number(FAR_OFF / 1000) })));
  const row = (name, mode, limit, subject) => {
    const { reach, fresh } = triedCounts(mode, limit, subject);
    return [name, count(reach.all), count(fresh.all)];
  };
  const heads = [capital(words.reached), capital(words.try_new)], ways = plan.choices.flatMap((mode) => limitsOf(mode).map((limit) => row(`${capital(wayName(mode))}, ${minutes(limit)}`, mode, limit, state.subject)));
  const asked = `${capital(wayName(state.mode))}, ${minutes(state.limit)}`, { reach, fresh } = triedCounts(state.mode, state.limit, state.subject);
  const groups = plan.subjects.map((name, subject) => row(capital(groupName(name)), state.mode, state.limit, subject));
  const parts = data.territories.map((name, part) => [name, reach.parts[part], fresh.parts[part]]).filter(([, some]) => some).sort((a, b) => b[2] - a[2] || b[1] - a[1]);
  return el("div", { class: "card", "data-tried": at },
    el("h2", {}, words.try_title),
    el("p", {}, fill(words.try_where, { place: `${lat.toFixed(6)}, ${lng.toFixed(6)}`, away: number(Math.round(away)), count: number(trials.places.length) })),
    table([capital(groupName(plan.subjects[state.subject])), ...heads], ways),
    el("p", { class: "hint" }, words.try_new_note + (known === other ? ` ${words.try_base}` : "")),
    groups.length > 1 ? el("details", { open: "" }, el("summary", {}, asked), table(["", ...heads], groups)) : null,
    parts.length ? el("details", { open: "" }, el("summary", {}, `${capital(words.territories)}: ${asked}`), table([capital(words.name_territory), ...heads], parts.map(([name, ...values]) => [name, ...values.map(count)]))) : null);
}
function trialPanel() {
  const section = document.querySelector("#trial");
  if (!data.trials) return section.remove();
  if (!trials) return section.replaceChildren(el("p", { class: "hint" }, say(data.trials.why)));
  const start = button(state.trying ? words.try_stop : words.try_start, "plain", () => tryPlaces(!state.trying));
  start.setAttribute("aria-pressed", String(state.trying));
  section.replaceChildren(start, el("p", { class: "hint", role: "status" }, state.trying ? words.try_how : ""));
}
function tryPlaces(wanted) {
  state.trying = wanted;
  document.body.classList.toggle("trying", wanted);
  trialPanel();
  if (!wanted) return void document.querySelector("#trial button").focus();
  map.getContainer().focus();
  map.getContainer().scrollIntoView({ block: "nearest" });
}
map.getContainer().addEventListener("keydown", (event) => {
  if (!state.trying || event.target !== map.getContainer()) return;
  if (event.key === "Enter") tryAt(map.getCenter());
  else if (event.key === "Escape") tryPlaces(false);
});
