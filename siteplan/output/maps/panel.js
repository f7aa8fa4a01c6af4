/* ---- what is asked, and the answer in one line ---- */
function radios(name, legend, values, spoken, chosen, choose) {
  const made = values.map((value) => {
    const box = el("input", { type: "radio", name, value });
    box.checked = value === chosen;
    box.addEventListener("change", () => choose(value));
    return el("label", {}, box, el("span", {}, spoken(value)));
  });
  return el("fieldset", { class: "radios" }, el("legend", {}, legend), ...made);
}
function controls() {
  const section = document.querySelector("#controls");
  if (!plan) return section.remove();
  const change = (name) => (value) => (state[name] = value, update());
  const who = el("select", { id: "who" }, ...plan.subjects.map((name, at) => el("option", { value: at }, capital(groupName(name)))));
  who.value = String(state.subject);
  who.addEventListener("change", () => change("subject")(Number(who.value)));
  section.replaceChildren(
    radios("mode", words.how, plan.choices, (mode) => capital(modeName(mode)), state.mode, takeMode),
    radios("limit", words.within_limit, limitsOf(state.mode), minutes, state.limit, change("limit")),
    plan.subjects.length > 1 ? el("p", { class: "who" }, el("label", { for: "who" }, `${words.whom} `), who) : "",
    el("div", { id: "totals", role: "status", "aria-live": "polite" }));
}
function takeMode(mode) { // which may have limits of its own
  state.mode = mode;
  state.limit = limitFor(mode);
  controls();
  document.querySelector(`#controls input[name=mode][value="${mode}"]`).focus();
  update();
}
function totals() {
  const box = document.querySelector("#totals");
  if (!box) return;
  const sites = known.open.filter(Boolean).length, lone = totalsOf((point) => known.times[point] === 1, state.subject).all;
  const [main, ...rest] = [state.subject, ...plan.subjects.keys()].filter((each, at, all) => all.indexOf(each) === at).map((subject) => {
    const covered = totalsOf((point) => known.times[point], subject).all, all = totalsOf(() => true, subject).all;
    return { name: groupName(plan.subjects[subject]), covered, all };
  });
  box.replaceChildren(
    other ? el("p", { class: "hint" }, known === other ? `${capital(words.scenario)}: ${scenarios[state.scenario].name}` : capital(words.the_study)) : "",
    el("p", { class: "big" }, el("strong", { "data-total": "covered" }, count(main.covered)), ` ${fill(words.of_covered, { all: number(main.all), who: main.name, share: percent(main.covered, main.all) })}`),
    el("p", {}, plural("lone", sites, { people: count(lone) })),
    other ? changeLine() : "",
    plan.several ? wayTable() : "",
    ...rest.map((each) => el("p", { "data-total": each.name }, `${capital(each.name)}: ${count(each.covered)} ${words.of} ${number(each.all)} (${percent(each.covered, each.all)})`)));
}
const wayName = (mode) => (mode === "best" ? words.together : plan.rides.includes(mode) ? fill(words.with_walking, { mode: modeName(mode) }) : modeName(mode));
function wayTable() { // who is covered by each mode and by all together; then of each public, by the mode that is asked for
  const part = (seen, who) => totalsOf((point) => seen(point) && (who === null || Math.floor(point / plan.places) === who), state.subject).all;
  const row = (name, seen, who) => [capital(name), count(part(seen, who)), percent(part(seen, who), part(() => true, who))];
  const whole = plan.who.map((name, at) => part(() => true, at)), everybody = whole.reduce((sum, each) => sum + each, 0);
  const { publics: able } = known === other ? scenarios[state.scenario] : plan;
  const can = (mode) => (mode === "best" ? everybody : able.reduce((sum, modes, at) => (!modes || modes.includes(mode) ? sum + whole[at] : sum), able.length ? 0 : everybody));
  const whose = (name, people) => (people < everybody ? fill(words.way_of, { way: name, share: percent(people, everybody) }) : name);
  const named = (mode) => whose(plan.own[mode] ? `${wayName(mode)}, ${minutes(limitFor(mode))}` : wayName(mode), can(mode));
  const rows = waysNow().map(({ mode, seen }) => row(named(mode), (point) => seen[point], null));
  const publics = plan.who.map((name, at) => row(say(name), (point) => known.times[point], at));
  const made = table(["", capital(words.covered), "%"], [...rows, ...(publics.length > 1 ? publics : [])]);
  made.dataset.total = "ways";
  made.querySelectorAll("tbody tr").forEach((each, at) => each.classList.toggle("public", at >= rows.length));
  return made;
}
function changeLine() {
  const all = change(state.subject);
  return el("p", { "data-total": "change" }, `${scenarios[state.scenario].name}: `, ["gained", "lost", "kept"].map((name) => `${words[name]} ${count(all[name].all)}`).join(" · "));
}
function openSites(open, phase = -1) {
  state.open = open;
  state.phase = phase;
  update();
}
function countAgain() {
  start = reached(plan.base);
  other = state.scenario >= 0 ? reached(scenarios[state.scenario]) : null;
  known = state.after && other ? other : start;
}
function update() { // count again, and show it everywhere
  countAgain();
  totals();
  siteTable();
  if (data.territories.length) territoryTable();
  if (data.phases.length) phasePanel();
  if (scenarios.length) comparePanel();
  data.layers.filter((layer) => layer.live).forEach((layer) => {
    const row = rows.get(layer.id);
    row.box.disabled = idle(layer);
    if (idle(layer) && shown.has(layer.id)) return set(data.layers.find((each) => each.live === "minutes"), true);
    row.label.textContent = capital(layer.title());
    if (shown.has(layer.id)) (drawCells(layer), fillLegend(layer));
  });
  standing();
  showCard();
  keepAddress();
}

/* ---- places by name ---- */
const FOUND = 7;
function search() {
  const section = document.querySelector("#search"), results = el("ul", {});
  const label = words.search, box = el("input", { type: "search", id: "find", placeholder: label, autocomplete: "off", "aria-label": label });
  const named = data.layers.filter((layer) => layer.kind === "territories").flatMap((layer) => layer.names.map(([lat, lng, name]) => [name, words.territory, () => map.setView([lat, lng], 13)]));
  const places = data.layers.filter((layer) => layer.kind === "places").flatMap((layer) => layer.places.map(([lat, lng, name]) => [name, words.place, () => map.setView([lat, lng], 14)]));
  const stops = data.found.map(([lat, lng, name]) => [name, words.stop, () => map.setView([lat, lng], 16)]);
  const all = [...data.sites.map((site, at) => [called(at), words.site, () => (map.setView(site.at, Math.max(map.getZoom(), 14)), pick(at))]), ...named, ...places, ...stops];
  box.addEventListener("input", () => {
    const wanted = plain(box.value.trim());
    const fit = wanted ? all.filter(([name]) => plain(name).includes(wanted)).sort((a, b) => plain(b[0]).startsWith(wanted) - plain(a[0]).startsWith(wanted)) : [];
    results.replaceChildren(...fit.slice(0, FOUND).map(([name, kind, go]) => el("li", {}, button(`${name} · ${kind}`, "link", () => (go(), results.replaceChildren(), (box.value = name))))));
    if (wanted && !fit.length) results.append(el("li", {}, words.not_found));
  });
  box.addEventListener("keydown", (event) => event.key === "Enter" && results.querySelector("button") && results.querySelector("button").click());
  section.replaceChildren(box, results);
}

/* ---- what stands farther down, by its heading ---- */
function contents() {
  const headings = [...document.querySelectorAll("#panel h2")], list = el("select", { id: "jump", "aria-label": words.go_to }, el("option", { value: "" }, `${words.go_to} …`));
  list.append(...headings.map((heading, at) => el("option", { value: at }, capital(heading.textContent))));
  list.addEventListener("change", () => {
    const heading = document.querySelectorAll("#panel h2")[Number(list.value)];
    list.value = "";
    heading.tabIndex = -1;
    heading.scrollIntoView({ block: "start" });
    heading.focus({ preventScroll: true });
  });
  document.querySelector("#search").append(list);
}

/* ---- language, link, paper ---- */
function tools() {
  const section = document.querySelector("#tools");
  const tongues = Object.keys(data.words).map((name) => {
    const made = button(name.toUpperCase(), "plain", () => speak(name));
    made.title = data.words[name].language;
    made.setAttribute("aria-pressed", String(name === language));
    made.setAttribute("lang", name);
    return made;
  });
  const link = el("a", { id: "link", href: address() }, words.link);
  const paper = ["A4", "A3"].map((size) => button(`${words.print} ${size}`, "plain", () => printOn(size)));
  section.replaceChildren(el("span", { role: "group", "aria-label": words.languages }, ...tongues), ...paper, link);
}
function speak(name) {
  [language, words] = [name, data.words[name]];
  sheet();
  const pressed = document.querySelector("#tools [aria-pressed=true]");
  if (pressed) pressed.focus();
}
function notes() { // folded; who made the data stands there in any case
  const section = document.querySelector("#notes"), unfolded = section.querySelector("details[open]") !== null;
  const told = el("details", {}, el("summary", {}, words.notes), ...data.notes[language].map((note) => el("p", {}, note)));
  told.open = unfolded;
  section.replaceChildren(told, el("p", {}, "© OpenStreetMap contributors (ODbL)"));
}
function sheet() { // everything that has words
  document.documentElement.lang = language;
  document.querySelector("#head h1").textContent = data.title;
  document.querySelector("#skip").textContent = words.skip;
  notes();
  [["panel", "panel_name"], ["card", "card_name"], ["side", "layers"]].forEach(([id, name]) => document.querySelector(`#${id}`).setAttribute("aria-label", words[name]));
  map.getContainer().setAttribute("aria-label", words.map_name);
  document.querySelectorAll(".leaflet-control-zoom-in").forEach((each) => (each.setAttribute("aria-label", words.zoom_in), (each.title = words.zoom_in)));
  document.querySelectorAll(".leaflet-control-zoom-out").forEach((each) => (each.setAttribute("aria-label", words.zoom_out), (each.title = words.zoom_out)));
  document.querySelectorAll("canvas[aria-label]").forEach((each) => each.setAttribute("aria-label", words.cells));
  document.querySelector(".north text").textContent = words.north;
  layerPanel();
  search();
  tools();
  if (document.querySelector("#controls")) controls();
  if (document.querySelector("#trial")) trialPanel();
  if (document.querySelector("#tradeoffs")) tradeoffPanel();
  if (document.querySelector("#curve")) curvePlot();
  if (document.querySelector("#answers")) answerPanel();
  if (document.querySelector("#topics")) topicPanel();
  if (plan) update();
  else siteTable();
  contents();
  showCard();
}
