/* ---- the study's further questions in short, with the report's sentences and figures ---- */
const WIDE = 340; // of a picture in the panel
function picture(topic) {
  const { title, names, rows, axis, xs, ys, falls } = topic.picture;
  return el("figure", {}, rows ? pairsPlot(title, names, rows) : stairsPlot(title, axis, xs, ys, falls), el("figcaption", { class: "hint" }, title));
}
function pairsPlot(title, names, rows) { // two bars a row, as in the report
  const step = 37, top = 20, most = Math.max(1, ...rows.flatMap(([, ...both]) => both)), colours = [data.colours.low, data.colours.deep];
  const plot = svg("svg", { viewBox: `0 0 ${WIDE} ${top + step * rows.length}`, role: "img", "aria-label": title });
  names.forEach((name, at) => plot.append(svg("rect", { x: (at * WIDE) / 2, y: 2, width: 10, height: 10, fill: colours[at] }),
    text(name, { x: (at * WIDE) / 2 + 14, y: 11, "font-size": 11, fill: data.colours.soft })));
  rows.forEach(([name, ...both], at) => {
    const y = top + step * at;
    plot.append(text(name, { x: 0, y: y + 11, "font-size": 11, fill: data.colours.ink }));
    both.forEach((value, low) => {
      const width = Math.max((Math.max(value, 0) / most) * (WIDE - 60), 0.5);
      plot.append(svg("rect", { x: 0, y: y + 14 + 10 * low, width, height: 9, fill: colours[low] }),
        text(number(Math.round(value)), { x: width + 4, y: y + 22 + 10 * low, "font-size": 10, fill: data.colours.ink }));
    });
  });
  return plot;
}
function roundStep(rough) { // 1, 2 or 5 times a power of ten, at least so much
  const unit = 10 ** Math.floor(Math.log10(rough > 0 ? rough : 1));
  return [1, 2, 5, 10].map((each) => each * unit).find((each) => each >= rough * (1 - 1e-9)) || 1;
}
function stairsPlot(title, axis, xs, ys, falls) { // in between, no more than the last that is paid for
  const [high, left, right, top, low] = [180, 52, 12, 8, 34], last = Math.max(...xs) || 1, most = Math.max(...ys);
  const rise = roundStep((most - Math.min(...ys)) / 4), base = Math.floor(Math.min(...ys) / rise) * rise;
  const x = (value) => left + ((WIDE - left - right) * value) / last, y = (value) => high - low - ((high - low - top) * (value - base)) / (most - base || 1);
  const plot = svg("svg", { viewBox: `0 0 ${WIDE} ${high}`, role: "img", "aria-label": title }), soft = { "font-size": 11, fill: data.colours.soft };
  for (let value = base; value <= most; value += rise)
    plot.append(svg("line", { x1: left, x2: WIDE - right, y1: y(value), y2: y(value), stroke: data.colours.rule }), text(number(value), { ...soft, x: left - 6, y: y(value) + 4, "text-anchor": "end" }));
  const step = roundStep(last / 4);
  for (let value = 0; value <= last; value += step) plot.append(text(number(value), { ...soft, x: x(value), y: high - low + 15, "text-anchor": "middle" }));
  plot.append(text(axis, { ...soft, x: (left + WIDE - right) / 2, y: high - 3, "text-anchor": "middle" }));
  const corners = xs.flatMap((value, at) => (at ? [falls ? [xs[at - 1], ys[at]] : [value, ys[at - 1]], [value, ys[at]]] : [[value, ys[at]]]));
  plot.append(svg("path", { d: `M${corners.map(([a, b]) => `${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join("L")}`, fill: "none", stroke: data.colours.deep, "stroke-width": 2 }));
  xs.forEach((value, at) => plot.append(svg("circle", { cx: x(value), cy: y(ys[at]), r: 3, fill: data.colours.deep })));
  return plot;
}
function topicPanel() {
  const section = document.querySelector("#topics"), topics = (data.topics[language] || []).filter((topic) => topic.key !== "spaces");
  if (!topics.length) return section.remove();
  section.replaceChildren(...topics.flatMap((topic) => [
    el("h2", { "data-topic": topic.key }, topic.title), ...topic.texts.map((said) => el("p", {}, said)), topic.picture ? picture(topic) : null,
    topic.rows.length ? el("details", {}, el("summary", {}, words.as_table), table(topic.headings, topic.rows)) : null,
  ].filter(Boolean)));
}
function doubtLines(id) { // what may explain that a site reaches far fewer than those beside it
  const told = data.doubts[id], from = told.from_site ? data.sites.findIndex((site) => site.id === told.from_site) : -1;
  const values = {
    street: told.street, highway: told.highway, how: modeName(told.mode), minutes: number(told.minutes), people: count(told.people), usual: count(told.usual),
    place: from < 0 ? "" : called(from), straight: number(told.straight_m), metres: number(told.way_m), off: number(told.off_m),
  };
  return [
    fill(words.doubt_reach, values),
    told.highway ? fill(told.street ? words.doubt_street : words.doubt_way, values) : words.doubt_no_street,
    from < 0 ? "" : fill(told.way_m === null ? words.doubt_cut : words.doubt_detour, values),
  ].filter(Boolean);
}
