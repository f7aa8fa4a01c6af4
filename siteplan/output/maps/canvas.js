/* ---- all cells on one canvas: 20,000 shapes of their own would take seconds ---- */
const SIDE = 256; // the world at zoom 0
const CellCanvas = L.Renderer.extend({
  options: { padding: 0.2 },
  _initContainer() {
    this._container = el("canvas", { role: "img", "aria-label": words.cells });
  },
  _destroyContainer() {
    this._container.remove();
    delete this._container;
  },
  _update() {
    if (this._map._animatingZoom && this._bounds) return;
    L.Renderer.prototype._update.call(this);
    const { min } = this._bounds, size = this._bounds.getSize(), ratio = L.Browser.retina ? 2 : 1;
    L.DomUtil.setPosition(this._container, min);
    Object.assign(this._container, { width: ratio * size.x, height: ratio * size.y });
    Object.assign(this._container.style, { width: `${size.x}px`, height: `${size.y}px` });
    const pen = this._container.getContext("2d");
    pen.scale(ratio, ratio);
    pen.translate(-min.x, -min.y);
    this._paint(pen);
  },
  _updatePaths() {},
  paint(paints) { // by cell: how it looks
    this._paints = paints;
    if (this._map) this._update();
  },
  _paint(pen) {
    const scale = this._map.options.crs.scale(this._map.getZoom()) / SIDE, origin = this._map.getPixelOrigin();
    const { min, max } = this._bounds, byLook = new Map();
    cellShapes().forEach((cell, at) => {
      const look = this._paints[at];
      if (!look || !cell) return;
      const [left, top, right, bottom] = cell.box;
      if (right * scale - origin.x < min.x || left * scale - origin.x > max.x) return;
      if (bottom * scale - origin.y < min.y || top * scale - origin.y > max.y) return;
      if (!byLook.has(look)) byLook.set(look, new Path2D());
      const path = byLook.get(look);
      cell.rings.forEach((ring) => {
        for (let each = 0; each < ring.length; each += 2) {
          const x = ring[each] * scale - origin.x, y = ring[each + 1] * scale - origin.y;
          if (data.cells.points) (path.moveTo(x + 5, y), path.arc(x, y, 5, 0, 7));
          else if (each) path.lineTo(x, y);
          else path.moveTo(x, y);
        }
        // not closePath, which takes a hundred times as long in a path of thousands of rings
        if (!data.cells.points) path.lineTo(ring[0] * scale - origin.x, ring[1] * scale - origin.y);
      });
    });
    pen.lineWidth = 0.5;
    pen.strokeStyle = "rgb(255 255 255 / 50%)";
    byLook.forEach((path, look) => {
      const [colour, opacity, hatch, ground] = look;
      pen.globalAlpha = hatch ? 1 : opacity;
      pen.fillStyle = hatch ? pattern(hatch, colour, ground) : colour;
      pen.fill(path, "evenodd");
      pen.globalAlpha = 1;
      pen.stroke(path);
    });
  },
  at(latlng) { // the cell at a place, or -1
    const { x, y } = L.CRS.EPSG3857.latLngToPoint(latlng, 0), near = data.cells.points ? 6 / this._map.getZoomScale(this._map.getZoom(), 0) : 0;
    return cellShapes().findIndex((cell, at) => {
      if (!cell || !this._paints[at]) return false;
      const [left, top, right, bottom] = cell.box;
      if (x < left - near || x > right + near || y < top - near || y > bottom + near) return false;
      return data.cells.points || inside(cell.rings, x, y);
    });
  },
});
let flat = null;
function cellShapes() { // corners as x, y, x, y ... of the world at zoom 0, and the box around them
  if (flat) return flat;
  const place = ([lat, lng]) => {
    const { x, y } = L.CRS.EPSG3857.latLngToPoint(L.latLng(lat, lng), 0);
    return [x, y];
  };
  return (flat = data.cells.shapes.map((text) => {
    const rings = (data.cells.points ? [ring(text)] : areas(text).flat()).map((each) => each.flatMap(place));
    if (!rings.length || !rings[0].length) return null;
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    rings.forEach((each) => each.forEach((value, at) => {
      box[at % 2] = Math.min(box[at % 2], value);
      box[2 + (at % 2)] = Math.max(box[2 + (at % 2)], value);
    }));
    return { rings, box };
  }));
}
function inside(rings, x, y) {
  let odd = false;
  rings.forEach((ring) => {
    for (let at = 0, last = ring.length - 2; at < ring.length; last = at, at += 2) {
      const [x1, y1, x2, y2] = [ring[at], ring[at + 1], ring[last], ring[last + 1]];
      if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) odd = !odd;
    }
  });
  return odd;
}

/* ---- what the cells show of the counts of this moment ---- */
const DOTS = [data.colours.unknown, 1, "."];
function shades(sequence, count) {
  const colours = data.colours[sequence], last = colours.length - 1;
  return Array.from({ length: count }, (_, at) => colours[Math.round((at * last) / Math.max(count - 1, 1))]);
}
const swatchOf = ([colour, opacity, hatch, ground], text) =>
  ({ shape: "cell", fill: colour, stroke: data.colours.paper, opacity, hatch: hatch || "", ground, text });
function cellMeans() { // by cell: minutes of whom the open sites reach, their share, the most of how
  return plan.pointsOf.map((points, at) => {
    let weight = 0, all = 0, sum = 0, most = 0;
    const by = new Map(), people = known.source.amounts[0], empty = points.every((point) => !people[point]);
    points.forEach((point) => {
      const each = empty ? 1 : people[point];
      all += each;
      if (!known.times[point]) return;
      weight += each;
      sum += each * known.units[point] * plan.unit;
      most = Math.max(most, known.times[point]);
      by.set(known.how[point], (by.get(known.how[point]) || 0) + each);
    });
    const how = [...by].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0];
    return { minutes: weight ? sum / weight : null, share: all ? weight / all : null, most, how: how ? how[0] : -1, at };
  });
}
const live = {
  minutes() {
    const step = [5, 10, 15, 30, 60, 120, 1440].find((each) => state.limit <= 6 * each), ends = [];
    for (let end = step; end < state.limit + step; end += step) ends.push(Math.min(end, state.limit));
    const looks = shades("minutes", ends.length).map((colour) => [colour, 0.65]);
    const legend = looks.map((look, at) => swatchOf(look, `${number(at ? ends[at - 1] : 0)} – ${minutes(ends[at])}`));
    return {
      paints: cellMeans().map((cell) => (cell.minutes === null ? DOTS : looks[ends.findIndex((end) => cell.minutes <= end)])),
      legend: [...legend, swatchOf(DOTS, words.out_of_reach)], note: words.minutes_note,
    };
  },
  sites() {
    const colours = shades("people", 4), looks = [[colours[0], 0.7, "/", data.colours.tints.people], [colours[1], 0.75], [colours[2], 0.8], [colours[3], 0.8]];
    const names = [words.one_site, number(2), number(3), words.four_sites];
    return {
      paints: cellMeans().map((cell) => (cell.most ? looks[Math.min(cell.most, 4) - 1] : DOTS)),
      legend: [...looks.map((look, at) => swatchOf(look, names[at])), swatchOf(DOTS, words.out_of_reach)], note: "",
    };
  },
  mode() {
    const looks = plan.modes.map((mode, at) => [data.colours.modes[mode], at ? 0.75 : 0.7, ["", "/", "\\", ""][at % 4], ["", data.colours.tints.bike, data.colours.tints.transit, ""][at % 4]]);
    return {
      paints: cellMeans().map((cell) => (cell.how < 0 ? DOTS : looks[cell.how])),
      legend: [...looks.map((look, at) => swatchOf(look, modeName(plan.modes[at]))), swatchOf(DOTS, words.out_of_reach)], note: "",
    };
  },
  change() {
    const looks = { gained: [data.change.gained, 0.8, "/", data.colours.tints.gained], lost: [data.change.lost, 0.8, "\\", data.colours.tints.lost], kept: [data.change.kept, 0.55] };
    const kind = (points) => {
      let gained = 0, lost = 0, kept = 0;
      const [before, after] = [start, other].map((side) => side.source.amounts[state.subject]);
      const empty = points.every((point) => !before[point] && !after[point]);
      points.forEach((point) => {
        const had = start.times[point] && (empty ? 1 : before[point]), has = other.times[point] && (empty ? 1 : after[point]);
        kept += Math.min(had, has);
        gained += Math.max(has - had, 0);
        lost += Math.max(had - has, 0);
      });
      return lost > gained ? looks.lost : gained ? looks.gained : kept ? looks.kept : DOTS;
    };
    return {
      paints: plan.pointsOf.map(kind),
      legend: [...["gained", "lost", "kept"].map((name) => swatchOf(looks[name], words[name])), swatchOf(DOTS, words.neither)], note: "",
    };
  },
  tried() {
    const looks = { fresh: [data.change.gained, 0.8, "/", data.colours.tints.gained], known: [data.change.kept, 0.55] };
    const { inside, seen } = triedPoints(state.mode, state.limit);
    const kind = (points) => {
      const reached = points.filter((point) => inside[point]);
      return reached.some((point) => !seen[point]) ? looks.fresh : reached.length ? looks.known : DOTS;
    };
    return {
      paints: plan.pointsOf.map(kind),
      legend: [swatchOf(looks.fresh, words.try_fresh), swatchOf(looks.known, words.try_known), swatchOf(DOTS, words.out_of_reach)], note: "",
    };
  },
};
const idle = (layer) => (layer.live === "change" && !other) || (layer.live === "tried" && !state.tried);
function liveLayers() {
  if (!plan || !data.cells) return;
  const named = {
    minutes: () => fill(words.live_minutes, { mode: modeName(state.mode) }), sites: () => words.live_sites,
    mode: () => words.live_mode, change: () => words.live_change, tried: () => words.live_tried,
  };
  const made = Object.keys(live).filter((name) => (name !== "mode" || plan.several) && (name !== "change" || scenarios.length) && (name !== "tried" || trials))
    .map((name) => ({ id: `cells ${name}`, kind: "cells", live: name, title: named[name], on: name === "minutes", legend: [], group: null }));
  const fixedLayers = data.layers.filter((layer) => layer.kind === "cells" && layer.id === "cells people");
  const at = data.layers.findIndex((layer) => layer.kind === "cells");
  data.layers = data.layers.filter((layer) => layer.kind !== "cells");
  made.forEach((layer) => (layer.group = fixedLayers[0].group));
  fixedLayers.forEach((layer) => (layer.on = false));
  data.layers.splice(at, 0, ...made, ...fixedLayers);
}
