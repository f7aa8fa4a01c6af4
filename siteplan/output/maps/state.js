/* ---- what is asked (mode, limit, open sites) and what follows from it, to the person ---- */
const plan = data.plan;
const state = {
  mode: null, limit: null, subject: 0, scenario: -1, after: false, phase: -1, picked: null, cells: null, trying: false, tried: null,
  open: data.sites.map((site) => site.status !== "excluded"),
};
const fixed = (site) => site.status === "existing" || site.status === "required";
const sets = { // sets of sites that one button opens
  all: () => data.sites.map((site) => site.status !== "excluded"),
  existing: () => data.sites.map(fixed),
  chosen: () => data.sites.map((site) => fixed(site) || site.chosen !== null),
};
const scenarios = [];
const NEVER = 0x7fffffff; // units to a point out of reach
let start = null; // what the base reaches now; see `reached`
let other = null; // what the scenario reaches
let known = null; // the one of both that is shown

function openPlan() {
  if (!plan) return;
  plan.places = plan.count;
  const each = (values) => (plan.publics.length ? plan.publics.flatMap(() => values) : values); // as often as there are publics
  plan.cellOf = each(numbers(plan.cell));
  plan.territoryOf = each(numbers(plan.territory));
  plan.count = plan.cellOf.length;
  plan.room = { least: new Int32Array(plan.count).fill(NEVER), by: new Uint8Array(plan.count) }; // lent to one call of `shortest` after the other
  plan.amounts = plan.amounts.map(numbers);
  plan.several = plan.modes.length > 1;
  plan.choices = plan.several ? [...plan.modes, "best"] : plan.modes;
  plan.base = { minutes: plan.minutes, amounts: plan.amounts, publics: plan.publics, ways: {}, runs: {} };
  plan.scenarios.forEach((each) => scenarios.push({
    name: each.name, about: each.about, publics: each.publics || plan.publics, ways: {}, runs: {}, amounts: each.amounts ? each.amounts.map(numbers) : plan.amounts,
    minutes: each.minutes, opens: new Set(each.opens), closes: new Set(each.closes), moved: each.moved,
  }));
  state.mode = plan.choices[plan.choices.length - 1];
  state.limit = Math.max(...plan.limits);
  if (data.sites.some((site) => site.chosen !== null)) state.open = sets.chosen();
  if (!data.cells) return;
  plan.pointsOf = data.cells.names.map(() => []);
  plan.cellOf.forEach((cell, point) => cell >= 0 && plan.pointsOf[cell].push(point));
}
function run(text) { // points (ascending) and their minutes in units; see plan.py
  const code = numbers(text), points = [], units = [];
  let point = 0, unit = 0;
  for (let at = 0; at < code.length;) {
    point += code[at++];
    for (let left = code[at++]; left > 0; left--) {
      points.push(point++);
      units.push((unit += code[at++]));
    }
  }
  return { points: Int32Array.from(points), units: Int32Array.from(units), how: null };
}
function runs(source, mode) { // by site: the places within reach by one mode
  if (!source.runs[mode])
    source.runs[mode] = data.sites.map((_, at) => {
      const text = (source.minutes[mode] || [])[at];
      return text === 0 ? runs(plan.base, mode)[at] : run(text || ""); // 0 = as in the base
    });
  return source.runs[mode];
}
function ways(source, mode) { // by site: the points within reach, by one mode or by the best of those that each can use
  if (!source.ways[mode])
    source.ways[mode] = mode === "best" && plan.several ? best(source) : runs(source, mode).map((way) => able(source, way, mode));
  return source.ways[mode];
}
function able(source, way, mode) { // the points are public after public: those of each that can use the mode
  if (!source.publics.length) return way;
  const who = source.publics.flatMap((modes, at) => (!modes || modes.includes(mode) ? [at] : []));
  const points = Int32Array.from(who.flatMap((at) => Array.from(way.points, (point) => point + at * plan.places)));
  return { points, units: Int32Array.from(who.flatMap(() => Array.from(way.units))), how: null };
}
// by site: is it open there, with what the reader opened and closed by hand
const openIn = (source) => (source.opens ? state.open.map((now, at) => source.opens.has(at) || (now && !source.closes.has(at))) : state.open);
const best = (source) => data.sites.map((_, at) => shortest(plan.modes.map((mode) => ways(source, mode)[at])));
function shortest(each) { // of the ways by every mode, the shortest to each point
  const { least, by } = plan.room;
  const met = new Int32Array(each.reduce((sum, { points }) => sum + points.length, 0));
  let count = 0;
  each.forEach(({ points, units }, which) => points.forEach((point, at) => {
    if (least[point] === NEVER) met[count++] = point;
    if (units[at] < least[point]) [least[point], by[point]] = [units[at], which];
  }));
  const points = met.slice(0, count).sort(), found = { points, units: points.map((point) => least[point]), how: Uint8Array.from(points, (point) => by[point]) };
  points.forEach((point) => (least[point] = NEVER));
  return found;
}
const limitsOf = (mode) => plan.own[mode] || plan.limits; // those of the mode, where each has its own
const limitFor = (mode) => Math.max(...limitsOf(mode).filter((limit) => limit <= state.limit), limitsOf(mode)[0]);
const within = (mode = state.mode) => Math.round(limitFor(mode) / plan.unit);
function reached(source) { // by point: how many open sites, the nearest of them, its minutes and mode
  const times = new Uint16Array(plan.count), site = new Int32Array(plan.count).fill(-1);
  const units = new Int32Array(plan.count).fill(NEVER), how = new Uint8Array(plan.count), limit = within();
  const which = plan.modes.indexOf(state.mode), open = openIn(source);
  ways(source, state.mode).forEach((way, at) => {
    if (!open[at]) return;
    for (let each = 0; each < way.points.length; each++) {
      if (way.units[each] > limit) continue;
      const point = way.points[each];
      times[point]++;
      if (way.units[each] >= units[point]) continue;
      units[point] = way.units[each];
      site[point] = at;
      how[point] = way.how ? way.how[each] : which;
    }
  });
  return { source, open, times, site, units, how };
}
const persons = (sum) => Math.floor(sum / plan.person + 0.5);
function siteCounts(subject) { // by site: reach, and whom no other open site reaches
  const { source, open, times } = known, amounts = source.amounts[subject], limit = within();
  return ways(source, state.mode).map((way, at) => {
    let reach = 0, alone = 0;
    const self = open[at] ? 1 : 0;
    for (let each = 0; each < way.points.length; each++) {
      if (way.units[each] > limit) continue;
      const amount = amounts[way.points[each]];
      reach += amount;
      if (times[way.points[each]] === self) alone += amount;
    }
    return { reach: persons(reach), alone: persons(alone) };
  });
}
function sums(peopleAt) { // in all and by territory
  let all = 0;
  const parts = new Float64Array(data.territories.length);
  for (let point = 0; point < plan.count; point++) {
    const amount = peopleAt(point);
    all += amount;
    if (plan.territoryOf[point] >= 0) parts[plan.territoryOf[point]] += amount;
  }
  return { all: persons(all), parts: Array.from(parts, persons) };
}
function seenBy(source, open, mode, limit = within(mode)) { // by point: is one of these sites within the limit by one mode
  const seen = new Uint8Array(plan.count);
  ways(source, mode).forEach((way, at) => open[at] && way.points.forEach((point, each) => way.units[each] <= limit && (seen[point] = 1)));
  return seen;
}
function coveredBy(open, subject) { // of today's plan, whatever is open now; null: everybody
  const seen = open && seenBy(plan.base, open, state.mode);
  return sums((point) => (!open || seen[point] ? plan.base.amounts[subject][point] : 0)).all;
}
const waysNow = () => plan.choices.map((mode) => ({ mode, seen: seenBy(known.source, known.open, mode) })); // side by side, whichever is asked for
const totalsOf = (keep, subject) => sums((point) => (keep(point) ? known.source.amounts[subject][point] : 0));
function change(subject) { // gained, lost and unchanged by the scenario: who lives there changes as well
  const people = [[start, plan.base], [other, other.source]].map(([now, { amounts }]) => amounts[subject].map((amount, point) => (now.times[point] ? amount : 0)));
  const by = (value) => sums((point) => value(people[0][point], people[1][point]));
  return {
    before: by((had) => had), after: by((_, has) => has), gained: by((had, has) => Math.max(has - had, 0)),
    lost: by((had, has) => Math.max(had - has, 0)), kept: by((had, has) => Math.min(had, has)),
  };
}

/* ---- the address keeps the view ---- */
const bits = (open) => open.map((each) => (each ? "1" : "0")).join("").replace(/.{1,4}/g, (four) => parseInt(four.padEnd(4, "0"), 2).toString(16));
const unbits = (text) => data.sites.map((site, at) => site.status !== "excluded" && !!((parseInt(text[at >> 2], 16) >> (3 - (at % 4))) & 1));
function address() {
  const middle = map.getCenter(), view = new URLSearchParams();
  view.set("lang", language);
  if (plan) [["mode", state.mode], ["limit", state.limit], ["open", bits(state.open)]].forEach(([name, value]) => view.set(name, value));
  if (state.subject) view.set("count", plan.subjects[state.subject]);
  if (state.scenario >= 0) view.set("against", scenarios[state.scenario].name);
  if (state.after) view.set("show", "after");
  if (state.picked !== null) view.set("site", data.sites[state.picked].id);
  if (state.cells) view.set("cells", state.cells);
  if (state.tried) view.set("try", state.tried.asked.map((each) => each.toFixed(5)).join(","));
  view.set("at", [middle.lat.toFixed(5), middle.lng.toFixed(5), map.getZoom()].join(","));
  return `#${view}`;
}
function keepAddress() {
  const link = document.querySelector("#link");
  if (link) link.setAttribute("href", address());
  try {
    history.replaceState(null, "", address());
  } catch { /* a frame without an address of its own */ }
}
function readAddress() {
  const view = new URLSearchParams(location.hash.slice(1)), take = (name, use) => view.has(name) && use(view.get(name));
  take("lang", (name) => data.words[name] && ([language, words] = [name, data.words[name]]));
  take("cells", (name) => (state.cells = name));
  take("site", (id) => (state.wanted = data.sites.findIndex((site) => site.id === id)));
  take("at", (text) => {
    const [lat, lng, zoom] = text.split(",").map(Number);
    if ([lat, lng, zoom].every(Number.isFinite)) state.view = [[lat, lng], zoom];
  });
  if (!plan) return;
  take("try", (text) => (state.tried = nearestTrial(text.split(",").map(Number))));
  take("mode", (mode) => plan.choices.includes(mode) && (state.mode = mode));
  take("limit", (limit) => limitsOf(state.mode).includes(Number(limit)) && (state.limit = Number(limit)));
  state.limit = limitFor(state.mode);
  take("open", (text) => (state.open = unbits(text)));
  take("count", (name) => (state.subject = Math.max(0, plan.subjects.indexOf(name))));
  take("against", (name) => (state.scenario = scenarios.findIndex((each) => each.name === name)));
  take("show", (name) => (state.after = name === "after" && state.scenario >= 0));
}
