/* ---- cards ---- */
const facts = (pairs) => pairs.filter(([, value]) => value !== "–").map(([name, value]) => `${name} ${value}`).join(" · ");
function table(headings, rows) {
  const cell = (tag) => (text, at) => el(tag, { class: at ? "num" : null, scope: tag === "th" ? "col" : null }, text);
  return el("table", {},
    el("thead", {}, el("tr", {}, ...headings.map((text, at) => cell(text ? "th" : "td")(text, at)))),
    el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map(cell("td"))))));
}
function counted(site, subject) {
  const kinds = ["reached", "unique", "added"].filter((kind) =>
    data.measures.some((each) => each.kind === kind && each.group === subject));
  const rows = new Map();
  data.measures.forEach((each, at) => {
    if (each.group !== subject) return;
    const name = `${capital(modeName(each.mode))}, ${number(each.minutes)} ${words.minute}`;
    if (!rows.has(name)) rows.set(name, kinds.map(() => "–"));
    rows.get(name)[kinds.indexOf(each.kind)] = count(site.counted[at]);
  });
  const body = [...rows].map(([name, values]) => [name, ...values]);
  return el("details", subject === "people" ? { open: "" } : {}, el("summary", {}, capital(groupName(subject))), table(["", ...kinds.map((kind) => words[kind])], body));
}
function siteCard(at) {
  const site = data.sites[at], subjects = [...new Set(data.measures.map((each) => each.group))];
  const chosen = site.order ? ` · ${words.chosen}, ${words.order} ${site.order}` : "";
  const served = data.served[site.id] || [];
  return el("div", { class: "card", "data-site": site.id },
    el("h2", {}, site.name),
    el("p", {}, capital(site.only ? words.only_there : words[site.status] || site.status) + chosen + ` · ${site.id}${site.label === site.id || site.order ? "" : ` (${words.label} ${site.label})`}`),
    el("p", {}, facts([[words.rank, number(site.rank)], [words.score, score(site.score)], [words.cost, site.cost === null ? "–" : money(site.cost)], [words.capacity, number(site.capacity)]])),
    site.id in data.doubts ? el("p", { class: "doubtful" }, el("strong", {}, `${words.doubtful}. `), doubtLines(site.id).join(" ")) : null,
    plan ? nowTable(at) : null,
    data.layers.some((layer) => layer.kind === "rings" && layer.own[at] === null) ? el("p", { class: "hint" }, words.no_area) : null,
    ...subjects.map((subject) => counted(site, subject)),
    data.measures.some((each) => each.kind === "added") ? el("p", { class: "hint" }, words.added_note) : null,
    ...siteAnswers(data.answers.sites[site.id] || {}),
    served.length ? table([words.line, words.people, words.lost_without], served.map(([line, people, lost]) => [line, count(people), count(lost)])) : null);
}
function siteAnswers({ desks, alone, sure, gains }) { // how big it must be, how sure its rank is, and what it takes from others
  const shown = [];
  if (desks) shown.push(table([words.uptake, words.desks, words.rooms, "m²"], desks.map(([share, ...values]) => [percent(share, 1), ...values.map(number)])),
    el("p", { class: "hint" }, alone ? words.desks_alone : words.desks_nearest));
  if (sure) {
    const [times, first, variants, low, high] = sure;
    shown.push(el("p", { class: "sure" }, fill(words.sure, { times: number(times), first: number(first), variants: number(variants), low: count(low), high: count(high) })));
  }
  if (gains) shown.push(el("p", { class: "gains" }, fill(words.gains, Object.fromEntries(["all", "net", "taken"].map((name, at) => [name, count(gains[at])])))));
  return shown;
}
function nowTable(at) { // with the sites that are open now
  const rows = plan.subjects.map((subject, which) => {
    const { reach, alone } = siteCounts(which)[at];
    return [capital(groupName(subject)), count(reach), count(alone)];
  });
  return el("div", { class: "now" }, el("p", { class: "hint" }, `${capital(modeName(state.mode))}, ${minutes(state.limit)} · ${known.open[at] ? words.is_open : words.is_closed}`),
    table(["", words.reached, known.open[at] ? words.only_open : words.would_add], rows));
}
function cellCard(at) {
  const cells = data.cells;
  const title = el("h2", {}, cells.people[at] === null ? capital(words.withheld) : plural("people_counted", cells.people[at], { count: count(cells.people[at]) }));
  const name = el("p", {}, [`${words.cell} ${cells.names[at]}`, whereabouts(at)].filter(Boolean).join(", "));
  if (plan) return el("div", { class: "card" }, title, name, ...cellSites(at));
  const best = data.sites[cells.best[at]];
  const rows = Object.entries(cells.minutes).map(([mode, values]) =>
    [capital(modeName(mode)), values[at] === null ? words.out_of_reach : minutes(values[at])]);
  const shares = cells.covered.map(([mode, limit, values]) =>
    [`${capital(modeName(mode))}, ${limit} ${words.minute}`, values[at] === null ? "–" : inPercent(values[at])]);
  return el("div", { class: "card" }, title, name,
    best ? el("p", {}, `${capital(words.best_site)}: ${called(cells.best[at])}`) : null,
    rows.length ? table([words.cells_minutes, ""], rows) : null,
    shares.length ? table([words.covered, ""], shares) : null);
}
const FAR = 3000;
function whereabouts(at) { // the territory of a cell; where there are none, the nearest place with a name
  const territory = plan && plan.pointsOf[at].length ? plan.territoryOf[plan.pointsOf[at][0]] : -1, cell = cellShapes()[at];
  if (territory >= 0) return data.territories[territory];
  if (data.territories.length || !cell) return "";
  const [left, top, right, bottom] = cell.box, middle = L.CRS.EPSG3857.pointToLatLng(L.point((left + right) / 2, (top + bottom) / 2), 0);
  const places = data.layers.filter((layer) => layer.kind === "places").flatMap((layer) => layer.places)
    .map(([lat, lng, name]) => ({ name, away: map.distance(middle, [lat, lng]) })).filter(({ name, away }) => name && away < FAR);
  const nearest = places.sort((a, b) => a.away - b.away)[0];
  return nearest ? fill(words.near, { place: nearest.name }) : "";
}
const LISTED = 8;
function cellSites(at) { // which open site reaches the cell, by what mode, in how many minutes; the nearest first
  const points = new Set(plan.pointsOf[at]), found = [];
  const modes = state.mode === "best" ? plan.modes : [state.mode];
  modes.forEach((mode) => ways(known.source, mode).forEach((way, site) => {
    if (!known.open[site]) return;
    let low = Infinity, high = 0;
    way.points.forEach((point, each) => {
      if (!points.has(point) || way.units[each] > within()) return;
      low = Math.min(low, way.units[each]);
      high = Math.max(high, way.units[each]);
    });
    if (high) found.push({ site, mode, low: low * plan.unit, high: high * plan.unit });
  }));
  if (!found.length) return [el("p", {}, capital(words.out_of_reach))];
  found.sort((a, b) => a.low - b.low || a.site - b.site);
  const share = cellMeans()[at].share;
  const spoken = ({ low, high }) => (low === high ? minutes(low) : `${number(low)} – ${minutes(high)}`);
  return [
    el("p", {}, `${capital(words.best_site)}: ${called(found[0].site)}, ${modeName(found[0].mode)}, ${spoken(found[0])}`),
    el("p", {}, `${capital(words.covered)}: ${percent(share, 1)}`),
    table([capital(words.name), words.by_mode, words.minute], found.slice(0, LISTED).map((each) => [called(each.site), modeName(each.mode), spoken(each)])),
    found.length > LISTED ? el("p", { class: "hint" }, plural("and_more", found.length - LISTED)) : null,
  ].filter(Boolean);
}
