/* ---- one site at a time: its card, and only its own rings ---- */
const notice = el("div", { class: "picked", hidden: "" });
const card = document.querySelector("#card");
const light = (at, lit) => marks[at] && marks[at].getElement() && marks[at].getElement().classList.toggle("on", lit);
function pick(at) {
  if (at === state.picked) return;
  if (state.picked !== null) light(state.picked, false);
  state.picked = at;
  if (at !== null && state.tried) untry();
  const rings = data.layers.filter((layer) => layer.kind === "rings");
  const visible = rings.filter((layer) => shown.has(layer.id));
  (visible.length || at === null ? visible : rings.filter((layer) => layer.first)).forEach((layer) => set(layer, true));
  showCard();
  keepAddress();
  if (at === null) return;
  light(at, true);
  map.closePopup();
  besideCard(data.sites[at].at);
}
// the card lies over the map on a wide sheet
const besideCard = (place) => map.panInside(place, { paddingTopLeft: [telephone.matches ? 60 : 450, 60], paddingBottomRight: [60 + underLegend(), 60] });
function showCard() {
  const at = state.picked;
  document.querySelectorAll("#ranking tr").forEach((row) => row.classList.toggle("on", row.dataset.at === String(at)));
  notice.hidden = at === null;
  card.hidden = at === null && !state.tried;
  if (at === null && state.tried) card.replaceChildren(triedCard(), button("×", "close", untry, words.close));
  if (at === null) return;
  notice.replaceChildren(el("span", {}, `${words.of_site} ${called(at)}`), button(words.all_sites, "link", () => pick(null)));
  card.replaceChildren(siteCard(at), button("×", "close", () => pick(null), words.close));
}

/* ---- the table of sites: sorted by any column, linked with the map ---- */
const sorted = { by: null, down: false };
const reachedMeasures = () => {
  const all = data.measures.filter((each) => each.kind === "reached" && each.group === "people");
  const best = all.filter((each) => each.mode === "best");
  return (best.length ? best : all).sort((a, b) => b.minutes - a.minutes)[0];
};
function columns() {
  const ranked = data.sites.some((site) => site.rank !== null), named = { name: "name", label: words.name, value: (at) => data.sites[at].name };
  const rank = !anyChosen && ranked ? [{ name: "rank", label: words.rank, value: (at) => data.sites[at].rank, show: number }] : []; // the mark of a chosen site is its order
  const label = { name: "label", label: words.label, value: (at) => data.sites[at].label };
  if (plan) {
    const counts = siteCounts(state.subject);
    return [{ name: "open", label: words.open, value: (at) => Number(known.open[at]) }, label, named,
      { name: "reach", label: words.reached, value: (at) => counts[at].reach, show: count },
      { name: "alone", label: words.alone, value: (at) => counts[at].alone, show: count }, ...rank];
  }
  const main = reachedMeasures();
  const find = (kind) => (main ? data.measures.findIndex((each) => each.kind === kind && each.group === "people" && each.mode === main.mode && each.minutes === main.minutes) : -1);
  const counted = (name, kind, label) => (find(kind) < 0 ? [] : [{ name, label, value: (at) => data.sites[at].counted[find(kind)], show: count }]);
  return [label, named, ...counted("reach", "reached", words.people), ...counted("adds", "added", words.added),
    ...(ranked ? [{ name: "score", label: words.score, value: (at) => data.sites[at].score, show: score }] : []), ...rank];
}
function siteTable() {
  const section = document.querySelector("#ranking");
  if (!data.sites.length) return section.remove();
  const all = columns(), by = all.find((each) => each.name === sorted.by), focused = section.contains(document.activeElement) && document.activeElement.dataset.key;
  const order = byOrder.filter(stands);
  if (by) order.sort((a, b) => {
    const [x, y] = [by.value(a), by.value(b)];
    const way = x === null ? 1 : y === null ? -1 : typeof x === "string" ? x.localeCompare(y, language, { numeric: true }) : x - y;
    return sorted.down && x !== null && y !== null ? -way : way;
  });
  const head = all.map((each) => {
    const sort = button(capital(each.label), "sort", () => {
      Object.assign(sorted, { down: sorted.by === each.name ? !sorted.down : !["label", "name", "rank", "order"].includes(each.name), by: each.name });
      siteTable();
    });
    sort.dataset.key = `sort ${each.name}`;
    return el("th", { scope: "col", class: each.show ? "num" : null, "aria-sort": sorted.by === each.name ? (sorted.down ? "descending" : "ascending") : "none" }, sort);
  });
  const body = order.slice(0, MANY).map((at) => {
    const row = el("tr", { "data-at": at, class: at === state.picked ? "on" : null });
    all.forEach((each) => {
      if (each.name === "open") {
        const box = el("input", { type: "checkbox", "data-key": `open ${at}`, "data-open": data.sites[at].id, "aria-label": `${capital(words.open)}: ${called(at)}` });
        box.checked = known ? known.open[at] : state.open[at];
        box.disabled = data.sites[at].status === "excluded" || (known === other && (other.source.opens.has(at) || other.source.closes.has(at)));
        box.addEventListener("change", () => openSites(state.open.map((old, site) => (site === at ? box.checked : old))));
        row.append(el("td", {}, box));
      } else if (each.name === "name") {
        const open = button(data.sites[at].name, "link", () => pick(at));
        open.dataset.key = `site ${at}`;
        open.addEventListener("mouseenter", () => light(at, true));
        open.addEventListener("mouseleave", () => at !== state.picked && light(at, false));
        row.append(el("td", {}, open));
      } else if (each.name === "label") row.append(el("td", { class: "label", title: data.sites[at].id }, each.value(at)));
      else row.append(el("td", { class: "num" }, each.show(each.value(at))));
    });
    return row;
  });
  const main = reachedMeasures(), said = [];
  if (plan) said.push(words.alone_note);
  else if (main) said.push(`${capital(words.people)} ${modeName(main.mode)}, ${minutes(main.minutes)}`);
  if (!plan && all.some((each) => each.name === "adds")) said.push(capital(words.added_note));
  const buttons = plan ? el("p", { class: "sets" }, ...Object.keys(sets).filter((name) => name !== "chosen" || data.sites.some((site) => site.chosen !== null))
    .map((name) => button(words[`open_${name}`], "plain", () => openSites(sets[name]())))) : null;
  section.replaceChildren(
    el("h2", {}, data.sites.some((site) => site.rank !== null) && !plan ? words.ranked : words.sites), ...(buttons ? [buttons] : []),
    ...said.map((text) => el("p", { class: "hint" }, text)),
    el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body)));
  if (order.length > MANY) section.append(el("p", {}, fill(words.shown, { shown: number(MANY), all: number(order.length) })));
  const again = focused && section.querySelector(`[data-key="${focused}"]`);
  if (again) again.focus();
}

/* ---- territories, phases, comparison, curve ---- */
function territoryTable() {
  const section = document.querySelector("#communes");
  if (!plan || !data.territories.length) return section.remove();
  const all = totalsOf(() => true, state.subject), now = totalsOf((point) => known.times[point], state.subject);
  const rows = data.territories.map((name, at) => [name, count(now.parts[at]), count(all.parts[at]), percent(now.parts[at], all.parts[at])]);
  section.replaceChildren(el("h2", {}, words.territories),
    table([capital(words.name_territory), capital(words.covered), capital(words.of_all), "%"], rows), plan.several ? territoryWays(all) : "");
}
function territoryWays(all) { // the shares by each mode side by side
  const open = document.querySelector("#communes details")?.open, ways = waysNow();
  const near = ways.map(({ seen }) => totalsOf((point) => seen[point], state.subject).parts);
  const rows = data.territories.map((name, at) => [name, ...near.map((parts) => percent(parts[at], all.parts[at]))]);
  return el("details", open ? { open: "" } : {}, el("summary", {}, words.by_each_mode), table([capital(words.name_territory), ...ways.map(({ mode }) => capital(wayName(mode)))], rows));
}
function stepSaid(open) { // how many sites are open then, whom they cover, what has been spent
  const sites = data.sites.filter((site, at) => open[at]), covered = coveredBy(open, state.subject), all = coveredBy(null, state.subject);
  const unknown = sites.filter((site) => site.status !== "existing" && site.cost === null).length;
  const cost = sites.reduce((sum, site) => sum + (site.status === "existing" ? 0 : site.cost || 0), 0);
  return [plural("sites_open", sites.length),
    `${count(covered)} ${groupName(plan.subjects[state.subject])} (${percent(covered, all)})`,
    data.sites.some((site) => site.cost !== null) ? unknown ? plural("cost_plus", unknown, { cost: money(cost) }) : fill(words.cost_sum, { cost: money(cost) }) : ""].filter(Boolean).join(" · ");
}
function phasePanel() {
  const section = document.querySelector("#phases");
  if (!plan || !data.phases.length) return section.remove();
  const openAfter = (phase) => {
    const opened = new Set(data.phases.slice(0, phase + 1).flatMap(([, sites]) => sites));
    return data.sites.map((site, at) => fixed(site) || opened.has(at));
  };
  const go = (phase) => {
    state.phase = phase;
    openSites(openAfter(phase), phase);
  };
  const back = button(words.back, "plain", () => go(state.phase - 1)), next = button(words.next, "plain", () => go(state.phase + 1));
  back.disabled = state.phase < 0;
  next.disabled = state.phase >= data.phases.length - 1;
  [back.dataset.key, next.dataset.key] = ["back", "next"];
  const list = data.phases.map(([name, sites], at) => {
    const opened = sites.map(setOff).join(", ") || words.nothing_new;
    return el("li", at === state.phase ? { "aria-current": "step" } : {},
      button(name ? fill(words.phase_number, { phase: name }) : opened, "link", () => go(at)), name ? el("span", {}, ` ${opened}`) : null, el("div", { class: "hint" }, stepSaid(openAfter(at))));
  });
  const heading = data.phases.some(([name]) => name) ? words.phases : words.opening;
  const focused = section.contains(document.activeElement) && document.activeElement.dataset.key;
  section.replaceChildren(el("h2", {}, heading), el("ol", {}, ...list), el("p", { class: "sets" }, back, next));
  const again = focused && section.querySelector(`[data-key="${focused}"]:not([disabled])`);
  if (again) again.focus();
}
function tradeoffPanel() {
  const section = document.querySelector("#tradeoffs"), said = data.tradeoffs[language];
  if (!said.length) return section.remove();
  section.replaceChildren(el("h2", {}, words.tradeoffs), ...said.map((text) => el("p", {}, text)));
}
function comparePanel() {
  const section = document.querySelector("#compare");
  if (!scenarios.length) return section.remove();
  const choice = el("select", { id: "against" }, el("option", { value: -1 }, words.nothing), ...scenarios.map((each, at) => el("option", { value: at }, each.name)));
  choice.value = String(state.scenario);
  choice.addEventListener("change", () => {
    state.scenario = Number(choice.value);
    state.after = false;
    update();
    set(data.layers.find((layer) => layer.id === (other ? "cells change" : "cells minutes")) || data.layers[0], true);
    keepAddress();
    document.querySelector("#against").focus();
  });
  section.replaceChildren(el("h2", {}, words.compare), el("p", {}, el("label", { for: "against" }, `${words.against} `), choice));
  if (!other) return;
  const { about, opens, closes, moved } = scenarios[state.scenario], named = (sites) => [...sites].map(setOff).join(", ");
  const said = [say(about), opens.size ? plural("opens", opens.size, { sites: named(opens) }) : "", closes.size ? plural("closes", closes.size, { sites: named(closes) }) : "",
    Object.keys(moved).length ? plural("moves", Object.keys(moved).length, { sites: named(Object.keys(moved)) }) : ""].filter(Boolean);
  section.append(...said.map((text) => el("p", {}, text)),
    radios("shown", words.counted, ["before", "after"], (value) => (value === "after" ? words.the_scenario : words.the_study), state.after ? "after" : "before", (value) => {
      state.after = value === "after";
      update();
      const layer = data.layers.find((each) => each.live === "minutes");
      if (layer && shown.has("cells change")) set(layer, true);
      keepAddress();
      document.querySelector(`#compare [value=${value}]`).focus();
    }), el("p", { class: "hint" }, words.by_hand));
  const all = change(state.subject), names = ["before", "after", "gained", "lost", "kept"];
  section.append(table(["", ...names.map((name) => words[name])],
    [[words.in_all, ...names.map((name) => count(all[name].all))], ...data.territories.map((name, at) => [name, ...names.map((each) => count(all[each].parts[at]))])]));
}
const MOST_PLACES = 12;
function answerPanel() { // of the whole territory
  const section = document.querySelector("#answers"), { desks, spaces, week, commuting, places } = data.answers;
  section.replaceChildren();
  if (places.length) {
    const shown = places.slice(0, MOST_PLACES).map(([lat, lng, name, people, site, away]) => [
      el("button", { type: "button" }, name), count(people), site === null ? words.nobody_helps : `${site}, ${minutes(away)}`, [lat, lng]]);
    const list = table([words.place, words.people, words.would_help], shown.map((row) => row.slice(0, 3)));
    list.querySelectorAll("button").forEach((button, at) => button.addEventListener("click", () => map.setView(shown[at][3], Math.max(map.getZoom(), 14))));
    const more = places.length - shown.length;
    section.append(el("h2", {}, words.left_out), list,
      el("p", { class: "hint" }, (more ? `${capital(plural("and_more", more))}. ` : "") + words.left_out_note));
  }
  if (desks.length) section.append(el("h2", {}, words.how_big),
    table([words.uptake, words.fullest_day, words.desks, "m²"], desks.map(([share, ...values]) => [percent(share, 1), ...values.map(number)])),
    el("p", { class: "hint" }, words.desks_nearest));
  const told = (data.topics[language] || []).find((topic) => topic.key === "spaces");
  if (spaces.length) section.append(el("h2", {}, words.spaces), ...(told ? told.texts : []).map((said) => el("p", {}, said)),
    table([words.space, words.col_spaces_alone, words.col_spaces_needed, "m²"], spaces.map(([space, ...values]) => [named("space", space), ...values.map(number)])),
    el("p", { class: "hint" }, `${words.week_caption}. ${words.week_alt}`), ...week.map(weekPlot));
  if (commuting.length) section.append(el("h2", {}, words.what_for),
    table([words.uptake, words.rebound, words.car_km, "kg CO₂e", words.hours, "€"], commuting.map(([share, again, ...values]) => [percent(share, 1), again ? percent(again, 1) : number(0), ...values.map(number)])),
    el("p", { class: "hint" }, words.commuting_note));
}
const named = (kind, name) => words[`${kind}_${name}`] || name.replaceAll("_", " ");
const WEEK = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
function weekPlot([use, space, wanted]) { // a row a day, a column an hour
  const [wide, left, top, row, most] = [340, 24, 14, 12, Math.max(...wanted)];
  const hours = data.answers.week.flatMap((each) => each[2].map((value, at) => (value ? at % 24 : -1))).filter((hour) => hour >= 0);
  const first = Math.min(...hours), column = (wide - left) / (Math.max(...hours) + 1 - first);
  const said = fill(words.week_panel, { use: capital(named("use", use)), most: number(Math.round(most * 10) / 10), space: named("space", space) });
  const plot = svg("svg", { viewBox: `0 0 ${wide} ${top + 7 * row + 2}`, role: "img", "aria-label": said });
  for (let hour = first + (first % 2); (hour - first) * column < wide - left - 8; hour += 2) plot.append(text(String(hour), { x: left + (hour - first) * column, y: top - 4, "font-size": 10, fill: data.colours.soft }));
  WEEK.forEach((day, at) => plot.append(text(capital(words[`day_${day}`].slice(0, 2)), { x: 0, y: top + at * row + 10, "font-size": 10, fill: data.colours.soft })));
  wanted.forEach((value, at) => {
    if (value > 0) plot.append(svg("rect", { x: left + ((at % 24) - first) * column, y: top + Math.floor(at / 24) * row, width: column - 1, height: row - 1, fill: data.colours.deep, "fill-opacity": (0.08 + 0.92 * value / most).toFixed(2) }));
  });
  return el("div", {}, el("p", { class: "hint" }, said), plot);
}
function curvePlot() {
  const section = document.querySelector("#curve"), rows = data.curve;
  if (!rows.length) return section.remove();
  const [wide, high, left, top, right, low] = [340, 190, 58, 12, 10, 34];
  const most = Math.max(...rows.map((row) => Math.max(row[1] || 0, row[2] || 0))), last = Math.max(...rows.map((row) => row[0])), first = Math.min(...rows.map((row) => row[0]));
  const x = (value) => left + ((value - first) / Math.max(last - first, 1)) * (wide - left - right), y = (value) => high - low - (value / (most || 1)) * (high - top - low);
  const plot = svg("svg", { viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": words.curve_label });
  const unit = 10 ** Math.floor(Math.log10(most || 1)), tick = [0.2, 0.25, 0.5, 1, 2].map((each) => each * unit).find((each) => most / each <= 5) || unit;
  for (let value = 0; value <= most; value += tick)
    plot.append(svg("line", { x1: left, x2: wide - right, y1: y(value), y2: y(value), stroke: data.colours.rule }),
      text(number(value), { x: left - 6, y: y(value) + 4, "text-anchor": "end", "font-size": 11, fill: data.colours.soft }));
  const step = Math.max(1, Math.ceil((last - first) / 8));
  rows.filter(([sites]) => (sites - first) % step === 0).forEach(([sites]) => plot.append(text(number(sites), { x: x(sites), y: high - low + 15, "text-anchor": "middle", "font-size": 11, fill: data.colours.soft })));
  plot.append(text(words.sites, { x: (left + wide - right) / 2, y: high - 3, "text-anchor": "middle", "font-size": 11, fill: data.colours.soft }));
  const line = (which, more) => {
    const path = rows.filter((row) => row[which] !== null).map((row) => `${x(row[0]).toFixed(1)} ${y(row[which]).toFixed(1)}`);
    if (path.length) plot.append(svg("path", { d: `M${path.join("L")}`, fill: "none", ...more }));
  };
  line(2, { stroke: data.colours.soft, "stroke-dasharray": "4 3", "stroke-width": 1.4 });
  line(1, { stroke: data.colours.accent, "stroke-width": 2 });
  rows.forEach(([sites, covered]) => covered !== null && plot.append(svg("circle", { cx: x(sites), cy: y(covered), r: 3, fill: data.colours.accent })));
  const bound = rows.some((row) => row[2] !== null), opened = data.sites.filter((site) => fixed(site) || site.chosen !== null).length;
  const marked = anyChosen && opened >= first && opened <= last;
  if (marked) plot.append(svg("line", { class: "chosen", x1: x(opened), x2: x(opened), y1: top, y2: high - low, stroke: data.halo, "stroke-width": 2 }));
  const said = [fill(data.curveOf.decayed ? words.curve_note_decayed : words.curve_note, { who: groupName(data.curveOf.group) }), bound ? words.curve_bound : "", marked ? words.curve_chosen : ""];
  section.replaceChildren(el("h2", {}, words.curve), plot, el("p", { class: "hint" }, said.filter(Boolean).join(" ")),
    el("details", {}, el("summary", {}, words.as_table), table([words.sites, words.covered, ...(bound ? [words.bound] : [])], rows.map((row) => row.slice(0, bound ? 3 : 2).map((value) => number(value === null ? null : Math.floor(value + 0.5)))))));
}
