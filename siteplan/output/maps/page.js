"use strict";
function siteplan(map) {
  const data = JSON.parse(document.getElementById("siteplan-data").textContent);
  const words = data.words;
  const shown = new Map(); // layer id -> what stands on the map
  let picked = null; // the site whose own rings are shown

  /* ---- words and numbers: text from the data only ever becomes text ---- */
  function el(tag, attributes, ...children) {
    const node = document.createElement(tag);
    Object.entries(attributes || {}).forEach(([name, value]) => node.setAttribute(name, value));
    node.append(...children.filter((child) => child !== null));
    return node;
  }
  function number(value) {
    if (value === null || value === undefined) return "–";
    const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : 1;
    const [whole, part] = Math.abs(value).toFixed(digits).split(".");
    const apart = whole.replace(/\B(?=(\d{3})+$)/g, words.thousands);
    return (value < 0 ? "−" : "") + apart + (part ? words.decimal + part : "");
  }
  const score = (value) => (value === null ? "–" : value.toFixed(1).replace(".", words.decimal));
  const modeName = (mode) => words[`mode_${mode}`] || mode;
  const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
  const groupName = (subject) => (subject === "people" ? capital(words.people) : subject.replaceAll("_", " "));

  /* ---- shapes: see shapes.py for how they were packed ---- */
  const digits = {};
  [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"].forEach((char, at) => (digits[char] = at));
  function ring(text) {
    const numbers = [];
    let value = 0, scale = 1;
    for (const char of text) {
      const digit = digits[char];
      value += (digit & 31) * scale;
      scale *= 32;
      if (digit < 32) {
        numbers.push(value % 2 ? -(value + 1) / 2 : value / 2);
        value = 0;
        scale = 1;
      }
    }
    const corners = [];
    let x = 0, y = 0;
    for (let at = 0; at < numbers.length; at += 2) {
      x += numbers[at];
      y += numbers[at + 1];
      corners.push([y / 1e5, x / 1e5]);
    }
    return corners;
  }
  const areas = (text) => (text ? text.split("!").map((part) => part.split(".").map(ring)) : []);
  const lines = (text) => (text ? text.split("!").map(ring) : []);

  const LARGE_M2 = 200000;
  function extent(corners) { // the area of a ring, in square metres
    const metres = 111320, across = Math.cos((corners[0][0] * Math.PI) / 180);
    const twice = corners.reduce((sum, [y, x], at) => {
      const [nextY, nextX] = corners[(at + 1) % corners.length];
      return sum + (x - corners[0][1]) * (nextY - corners[0][0]) - (nextX - corners[0][1]) * (y - corners[0][0]);
    }, 0);
    return (Math.abs(twice) / 2) * metres * metres * across;
  }

  /* ---- small drawings for the legend and the sites ---- */
  const SVG = "http://www.w3.org/2000/svg";
  function svg(tag, attributes, ...children) {
    const node = document.createElementNS(SVG, tag);
    Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
    node.append(...children);
    return node;
  }
  function shape(look, size) {
    const paint = { fill: look.fill, stroke: look.stroke, "stroke-width": 1.6, "stroke-dasharray": look.dash || "none" };
    const half = size / 2;
    if (look.shape === "square") return svg("rect", { x: 2, y: 2, width: size - 4, height: size - 4, ...paint });
    if (look.shape === "diamond") return svg("path", { d: `M${half} 0L${size} ${half}L${half} ${size}L0 ${half}Z`, ...paint });
    if (look.shape === "halo") return svg("circle", { cx: half, cy: half, r: half - 1.5, ...paint, "stroke-width": 3, fill: "none" });
    const disc = svg("circle", { cx: half, cy: half, r: half - 1.5, ...paint });
    if (look.shape !== "cross") return disc;
    const bar = half * 0.38;
    const cross = `M${half - bar} ${half - bar}L${half + bar} ${half + bar}M${half + bar} ${half - bar}L${half - bar} ${half + bar}`;
    return svg("g", {}, disc, svg("path", { d: cross, stroke: look.stroke, "stroke-width": 1.6 }));
  }
  const STRIPES = { "/": [-1, 1], "\\": [1, 1] }; // how x and y run along a hatch
  function hatching(look) { // the same as `pattern` paints, for the legend
    const window = svg("svg", { x: 1, y: 2, width: 26, height: 14 });
    if (look.hatch === ".") {
      window.append(svg("rect", { width: 26, height: 14, fill: "#f6f6f4" }));
      for (let x = 3; x < 26; x += 5) for (let y = 2; y < 14; y += 5) window.append(svg("circle", { cx: x, cy: y, r: 1, fill: look.fill }));
    } else for (let x = -14; x < 40; x += 7) {
      const [along] = STRIPES[look.hatch];
      window.append(svg("line", { x1: x, y1: 0, x2: x + 14 * along, y2: 14, stroke: look.fill, "stroke-width": 1, opacity: 0.8 }));
    }
    return window;
  }
  const patterns = {};
  function pattern(hatch, colour) { // drawn instead of a tint, which would change the colours below
    const name = hatch + colour, size = hatch === "." ? 5 : 9;
    if (patterns[name]) return patterns[name];
    const tile = el("canvas", { width: size, height: size });
    const pen = tile.getContext("2d");
    pen.fillStyle = "#f6f6f4";
    if (hatch === ".") pen.fillRect(0, 0, size, size);
    pen.fillStyle = pen.strokeStyle = colour;
    pen.lineWidth = 1;
    pen.beginPath();
    if (hatch === ".") pen.arc(2.5, 2.5, 1, 0, 7);
    else {
      const [along] = STRIPES[hatch];
      for (const x of [-size, 0, size, 2 * size]) (pen.moveTo(x - along * 2, -2), pen.lineTo(x + along * (size + 2), size + 2));
    }
    if (hatch === ".") pen.fill();
    else pen.stroke();
    return (patterns[name] = pen.createPattern(tile, "repeat"));
  }
  function swatch(look) {
    const box = svg("svg", { width: 28, height: 18, "aria-hidden": "true" });
    const paint = { stroke: look.stroke, "stroke-width": 2, "stroke-dasharray": look.dash || "none" };
    const ground = (more) => box.append(svg("rect", { x: 0, y: 2, width: 28, height: 14, fill: "#e7e5df", ...more }));
    const line = () => box.append(svg("line", { x1: 0, x2: 28, y1: 9, y2: 9, ...paint }));
    if (look.shape === "line") line();
    else if (look.shape === "street") (ground(), line());
    else if (look.hatch && look.shape === "cell") box.append(hatching(look));
    else if (look.shape === "cell") (ground(), ground({ fill: look.fill, "fill-opacity": look.opacity, stroke: look.stroke }));
    else if (look.shape === "area") (box.append(hatching(look)), ground({ x: 1, width: 26, fill: "none", ...paint }));
    else box.append(svg("g", { transform: "translate(5 0)" }, shape(look, 18)));
    return box;
  }

  /* ---- cards ---- */
  const facts = (pairs) => pairs.filter(([, value]) => value !== "–").map(([name, value]) => `${name} ${value}`).join(" · ");
  function table(headings, rows) {
    const cell = (tag) => (text, at) => el(tag, at ? { class: "num" } : {}, text);
    return el("table", {},
      el("thead", {}, el("tr", {}, ...headings.map(cell("th")))),
      el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map(cell("td"))))));
  }
  function counted(site, subject) {
    const kinds = ["reached", "unique", "added"].filter((kind) =>
      data.measures.some((each) => each.kind === kind && each.subject === subject));
    const rows = new Map();
    data.measures.forEach((each, at) => {
      if (each.subject !== subject) return;
      const name = `${capital(modeName(each.mode))}, ${number(each.minutes)} ${words.minute}`;
      if (!rows.has(name)) rows.set(name, kinds.map(() => "–"));
      rows.get(name)[kinds.indexOf(each.kind)] = number(site.counted[at]);
    });
    const body = [...rows].map(([name, values]) => [name, ...values]);
    return el("details", subject === "people" ? { open: "" } : {}, el("summary", {}, groupName(subject)), table(["", ...kinds.map((kind) => words[kind])], body));
  }
  function siteCard(site) {
    const subjects = [...new Set(data.measures.map((each) => each.subject))];
    const chosen = site.chosen ? ` · ${words.chosen} (${site.chosen})` : "";
    return el("div", { class: "card", "data-site": site.id },
      el("h3", {}, site.name),
      el("p", {}, capital(words[site.status] || site.status) + chosen + ` · ${site.id}`),
      el("p", {}, facts([[words.rank, number(site.rank)], [words.score, score(site.score)], [words.cost, number(site.cost)], [words.capacity, number(site.capacity)]])),
      ...subjects.map((subject) => counted(site, subject)),
      data.measures.some((each) => each.kind === "added") ? el("p", { class: "hint" }, words.added_note) : null);
  }
  function cellCard(at) {
    const cells = data.cells;
    const best = data.sites[cells.best[at]];
    const rows = Object.entries(cells.minutes).map(([mode, values]) =>
      [capital(modeName(mode)), values[at] === null ? words.out_of_reach : `${number(values[at])} ${words.minute}`]);
    const shares = Object.entries(cells.covered).map(([name, values]) => {
      const cut = name.lastIndexOf("_");
      return [`${capital(modeName(name.slice(0, cut)))}, ${name.slice(cut + 1)} ${words.minute}`,
        values[at] === null ? "–" : `${number(values[at])} %`];
    });
    return el("div", { class: "card" },
      el("h3", {}, cells.people[at] === null ? capital(words.withheld) : `${number(cells.people[at])} ${words.people}`),
      el("p", {}, `${words.cell} ${cells.names[at]}`),
      best ? el("p", {}, `${capital(words.best_site)}: ${best.name}`) : null,
      rows.length ? table([words.cells_minutes, ""], rows) : null,
      shares.length ? table([words.covered, ""], shares) : null);
  }

  /* ---- layers ---- */
  const order = ["water", "cells", "streets", "rings", "territories", "leaders", "names"];
  const canvas = {};
  order.forEach((name, at) => {
    map.createPane(name).style.zIndex = 310 + 10 * at;
    canvas[name] = L.canvas({ pane: name, padding: 0.3 });
  });
  const on = (name, more) => ({ pane: name, renderer: canvas[name], interactive: false, ...more });

  function drawCells(layer) {
    const group = L.featureGroup();
    data.cells.shapes.forEach((text, at) => {
      const [fill, opacity, hatch] = layer.fills[layer.classes[at]];
      const look = on("cells", {
        interactive: true, bubblingMouseEvents: false, smoothFactor: 0, weight: 0.5, color: "#ffffff", opacity: 0.5,
        fillColor: hatch ? pattern(hatch, fill) : fill, fillOpacity: opacity,
      });
      const drawn = data.cells.points ? L.circleMarker(ring(text)[0], { ...look, radius: 5 }) : L.polygon(areas(text), look);
      drawn.at = at;
      group.addLayer(drawn);
    });
    return group.on("click", (event) => map.openPopup(cellCard(event.layer.at), event.latlng, { maxWidth: 300 }));
  }
  function drawRings(layer) {
    const shape = areas(picked === null ? layer.union : layer.own[picked]);
    // inside a town every block is a hole: only the larger ones get a line
    const large = ([outer, ...holes]) => [outer, ...holes.filter((hole) => extent(hole) > LARGE_M2)];
    const edges = shape.flatMap(large).map((edge) => [...edge, edge[0]]);
    const line = (more) => L.polyline(edges, on("rings", { smoothFactor: 0.6, ...more }));
    return L.featureGroup([
      L.polygon(shape, on("rings", { stroke: false, fillColor: pattern(layer.hatch, layer.colour), fillOpacity: 0.7, smoothFactor: 0.6 })),
      line({ color: "#ffffff", opacity: 0.75, weight: 4 }),
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
    return L.featureGroup(layer.lines.map(([text, weight]) =>
      L.polyline(lines(text), on("streets", { color: "#ffffff", weight, opacity: 0.8, smoothFactor: 0.8 }))));
  }
  function drawWater(layer) {
    return L.featureGroup([
      ...layer.areas.map((text) => L.polygon(areas(text), on("water", { stroke: false, fillColor: data.water, fillOpacity: 1 }))),
      ...layer.lines.map((text) => L.polyline(lines(text), on("water", { color: data.water, weight: 2 }))),
    ]);
  }
  function drawTiles() {
    return L.tileLayer("https://tile.openstreetmap.org/{z}/{x}/{y}.png", { maxZoom: 19, referrerPolicy: "strict-origin-when-cross-origin" });
  }
  const MANY = 500; // from here on a site is a dot without its rank, and the list is cut
  const crowd = L.canvas({ pane: "markerPane" });
  const marks = [];
  const side = map.getSize().x > 760 ? 26 : 22;
  const many = data.sites.length > MANY;
  const last = (site) => (site.rank === null ? Infinity : site.rank);
  const byRank = data.sites.map((site, at) => at).sort((a, b) => last(data.sites[a]) - last(data.sites[b]) || a - b || 0);
  function drawSites() {
    return L.featureGroup(data.sites.map((site, at) => {
      const look = data.status[site.status];
      if (many) {
        marks[at] = L.circleMarker(site.at, { pane: "markerPane", renderer: crowd, radius: 4, weight: 1, color: look.stroke, fillColor: look.fill,
          fillOpacity: 0.9, bubblingMouseEvents: false });
        return marks[at].on("click", () => pick(at));
      }
      const box = svg("svg", { width: side, height: side, viewBox: "0 0 26 26" });
      if (site.chosen) box.append(svg("circle", { cx: 13, cy: 13, r: 14.5, fill: "none", stroke: data.halo, "stroke-width": 4 }));
      box.append(shape(look, 26));
      if (site.rank !== null && look.shape !== "cross") {
        const text = svg("text", { x: 13, y: 17, "text-anchor": "middle", "font-size": 11, "font-weight": 700, fill: look.text });
        text.textContent = site.rank;
        box.append(text);
      }
      const icon = L.divIcon({ className: "mark", html: box, iconSize: [side, side] });
      marks[at] = L.marker(site.at, { icon, title: site.name, alt: site.name, riseOnHover: true, zIndexOffset: site.rank ? 1000 - site.rank : 0 });
      return marks[at].on("click", () => pick(at)).on("keypress", (event) => event.originalEvent.key === "Enter" && pick(at));
    }));
  }

  /* ---- every number in sight: a mark that would lie on a better one stands aside, with a line to its place ---- */
  const leaders = L.layerGroup().addTo(map);
  const GAP = side + 2;
  const TURNS = [0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6].map((turn) => (turn * Math.PI) / 6);
  let names = [];
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
    const places = data.sites.map((site) => map.latLngToLayerPoint(site.at));
    const alone = (at) => places.every((other, each) => each === at || other.distanceTo(places[at]) >= GAP);
    const taken = byRank.filter(alone).map((at) => places[at]);
    byRank.forEach((at) => {
      const free = alone(at) ? places[at] : spot(places[at], taken);
      const by = (free || places[at]).subtract(places[at]);
      const { classList, style } = marks[at].getElement();
      classList.toggle("small", !free);
      style.marginLeft = `${by.x - side / 2}px`;
      style.marginTop = `${by.y - side / 2}px`;
      if (free && !alone(at)) taken.push(free);
      if (!by.x && !by.y) return;
      const line = [data.sites[at].at, map.layerPointToLatLng(places[at].add(by))];
      leaders.addLayer(L.polyline(line, on("leaders", { color: "#1d2733", weight: 1.4 })));
      leaders.addLayer(L.circleMarker(line[0], on("leaders", { radius: 2.5, stroke: false, fillColor: "#1d2733", fillOpacity: 1 })));
    });
    return taken;
  }
  function nameAside(taken) {
    const boxes = taken.map(({ x, y }) => [x - GAP / 2, y - GAP / 2, x + GAP / 2, y + GAP / 2]);
    const view = map.getPixelBounds(), origin = map.getPixelOrigin();
    const inView = ([left, , right]) => left + origin.x >= view.min.x && right + origin.x <= view.max.x;
    names.forEach((name) => {
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
    if (shown.has("territories")) nameAside(taken);
  }

  const draw = {
    sites: drawSites, rings: drawRings, cells: drawCells, territories: drawTerritories,
    streets: drawStreets, water: drawWater, tiles: drawTiles,
  };

  /* ---- which layers stand on the map, and their legends ---- */
  const rows = new Map();
  function set(layer, wanted) {
    const row = rows.get(layer.id);
    row.box.checked = wanted;
    row.legend.hidden = !wanted;
    if (shown.has(layer.id)) shown.get(layer.id).remove();
    shown.delete(layer.id);
    if (!wanted) return void arrange();
    if (layer.kind === "cells") data.layers.filter((each) => each.kind === "cells" && each !== layer).forEach((each) => set(each, false));
    shown.set(layer.id, draw[layer.kind](layer).addTo(map));
    if (layer.kind === "sites" || layer.kind === "territories") arrange();
    if (layer.kind === "rings") // the smaller area lies on top
      data.layers.filter((each) => each.kind === "rings" && shown.has(each.id)).sort((a, b) => b.minutes - a.minutes)
        .forEach((each) => shown.get(each.id).bringToFront());
  }
  function panel() {
    const section = document.querySelector("#layers");
    section.querySelector("h2").textContent = words.layers;
    let group = null, block;
    data.layers.forEach((layer) => {
      if (layer.group !== group) section.append((block = el("div", { class: "block" })));
      if (layer.group !== group && layer.group) block.append(el("div", { class: "group" }, layer.group));
      if (layer.group !== group && layer.kind === "rings") block.append(notice);
      group = layer.group;
      const box = el("input", { type: "checkbox", "data-layer": layer.id });
      box.addEventListener("change", () => set(layer, box.checked));
      const single = layer.legend.length === 1;
      const legend = el("div", { class: single ? "legend" : "legend list", "data-legend": layer.id, hidden: "" });
      layer.legend.forEach((entry) => legend.append(swatch(entry), el("span", {}, entry.text)));
      block.append(el("div", { class: "layer" }, el("label", {}, box, el("span", {}, capital(layer.label))), legend));
      if (layer.note) legend.append(el("p", { class: "hint" }, layer.note));
      rows.set(layer.id, { box, legend });
    });
  }

  /* ---- one site at a time: its card, and only its own rings ---- */
  const notice = el("div", { class: "picked", hidden: "" });
  const card = document.querySelector("#card");
  const light = (at, lit) => marks[at] && marks[at].getElement() && marks[at].getElement().classList.toggle("on", lit);
  function pick(at) {
    if (at === picked) return;
    if (picked !== null) light(picked, false);
    picked = at;
    const rings = data.layers.filter((layer) => layer.kind === "rings");
    const visible = rings.filter((layer) => shown.has(layer.id));
    (visible.length || at === null ? visible : rings.filter((layer) => layer.first)).forEach((layer) => set(layer, true));
    document.querySelectorAll("#ranking tr").forEach((row) => row.classList.toggle("on", row.dataset.at === String(at)));
    notice.hidden = card.hidden = at === null;
    if (at === null) return;
    light(at, true);
    map.closePopup();
    notice.replaceChildren(el("span", {}, `${words.of_site} ${data.sites[at].name}`), button(words.all_sites, "link", () => pick(null)));
    card.replaceChildren(siteCard(data.sites[at]), button("×", "close", () => pick(null), words.close));
    const wide = map.getSize().x > 760;
    map.panInside(data.sites[at].at, { paddingTopLeft: [wide ? 430 : 60, 60], paddingBottomRight: [60, 60] });
  }
  function button(text, kind, action, label) {
    const made = el("button", { class: kind, type: "button", "aria-label": label || text }, text);
    made.addEventListener("click", action);
    return made;
  }
  function ranking() {
    const section = document.querySelector("#ranking");
    if (!data.sites.length) return section.remove();
    const listed = byRank.map((at) => [data.sites[at], at]);
    const reached = data.measures.map((each, at) => ({ ...each, at })).filter((each) => each.kind === "reached" && each.subject === "people");
    const ranked = data.sites.some((site) => site.rank !== null);
    const best = reached.filter((each) => each.mode === "best");
    const main = (best.length ? best : reached).sort((a, b) => b.minutes - a.minutes)[0];
    const adds = main ? data.measures.findIndex((each) =>
      each.kind === "added" && each.subject === "people" && each.mode === main.mode && each.minutes === main.minutes) : -1;
    const cells = (tag, rank, name, people, more, figure) => el("tr", {},
      ranked ? el(tag, { class: "num" }, rank) : null, el(tag, {}, name), main ? el(tag, { class: "num" }, people) : null,
      adds < 0 ? null : el(tag, { class: "num" }, more), ranked ? el(tag, { class: "num" }, figure) : null);
    section.querySelector("h2").textContent = ranked ? words.ranked : words.sites;
    const body = listed.slice(0, MANY).map(([site, at]) => {
      const open = button(site.name, "link", () => pick(at));
      const row = cells("td", number(site.rank), open, main && number(site.counted[main.at]), adds < 0 ? "" : number(site.counted[adds]), score(site.score));
      row.dataset.at = at;
      return row;
    });
    const head = cells("th", capital(words.rank), capital(words.name), capital(words.people), capital(words.added), capital(words.score));
    if (main) section.append(el("p", { class: "hint" }, `${capital(words.people)} ${modeName(main.mode)}, ${number(main.minutes)} ${words.minute}`));
    if (adds >= 0) section.append(el("p", { class: "hint" }, capital(words.added_note)));
    section.append(el("table", {}, el("thead", {}, head), el("tbody", {}, ...body)));
    if (listed.length > MANY)
      section.append(el("p", {}, words.shown.replace("{shown}", number(MANY)).replace("{all}", number(listed.length))));
  }

  /* ---- the sheet ---- */
  document.documentElement.lang = data.language;
  document.querySelector("#head h1").textContent = data.title;
  document.querySelector("#notes").append(...data.notes.map((note) => el("p", {}, note)));
  map.attributionControl.setPrefix('<a href="https://leafletjs.com">Leaflet</a>');
  map.attributionControl.addAttribution('<a href="https://www.openstreetmap.org/copyright">© OpenStreetMap contributors</a>');
  L.control.zoom({ position: "topright", zoomInTitle: words.zoom_in, zoomOutTitle: words.zoom_out }).addTo(map);
  L.control.scale({ imperial: false, maxWidth: 160 }).addTo(map);
  const [south, west, north, east] = data.bounds;
  map.invalidateSize(false);
  map.fitBounds([[south, west], [north, east]], { padding: [14, 14], maxZoom: 15, animate: false });
  panel();
  ranking();
  data.layers.filter((layer) => layer.on).forEach((layer) => set(layer, true));
  map.on("click", () => pick(null));
  map.on("zoomend", arrange);

  /* ---- on paper: what is seen now, as wide as an upright page; drawn anew, a canvas would be blank on paper ---- */
  const PAGE = 680;
  addEventListener("beforeprint", () => {
    const box = map.getContainer(), wide = box.offsetWidth, high = box.offsetHeight;
    Object.assign(box.style, { width: `${wide}px`, height: `${high}px`, zoom: Math.min(1, PAGE / wide) });
    document.body.classList.add("printing");
  });
  addEventListener("afterprint", () => {
    document.body.classList.remove("printing");
    Object.assign(map.getContainer().style, { width: "", height: "", zoom: "" });
  });
}
