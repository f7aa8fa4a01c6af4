/* ---- shapes: see shapes.py for how they were packed ---- */
const digits = {};
[..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"].forEach((char, at) => (digits[char] = at));
function numbers(text) { // whole numbers, zigzag-coded, 32 values a character
  const found = [];
  let value = 0, scale = 1;
  for (let at = 0; at < text.length; at++) {
    const digit = digits[text[at]];
    value += (digit & 31) * scale;
    scale *= 32;
    if (digit < 32) {
      found.push(value % 2 ? -(value + 1) / 2 : value / 2);
      value = 0;
      scale = 1;
    }
  }
  return found;
}
function ring(text) {
  const steps = numbers(text), corners = [];
  let x = 0, y = 0;
  for (let at = 0; at < steps.length; at += 2) {
    x += steps[at];
    y += steps[at + 1];
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
function text(content, attributes) {
  const node = svg("text", attributes);
  node.textContent = content;
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
  if (look.ground) window.append(svg("rect", { width: 26, height: 14, fill: look.ground }));
  if (look.hatch === ".") {
    window.append(svg("rect", { width: 26, height: 14, fill: data.colours.bright }));
    for (let x = 3; x < 26; x += 5) for (let y = 2; y < 14; y += 5) window.append(svg("circle", { cx: x, cy: y, r: 1, fill: look.fill }));
  } else for (let x = -14; x < 40; x += 7) {
    const [along] = STRIPES[look.hatch];
    window.append(svg("line", { x1: x, y1: 0, x2: x + 14 * along, y2: 14, stroke: look.fill, "stroke-width": 1, opacity: 0.8 }));
  }
  return window;
}
const patterns = {};
function pattern(hatch, colour, ground) { // drawn instead of a tint, which would change the colours below
  const name = hatch + colour + (ground || ""), size = hatch === "." ? 5 : 9;
  if (patterns[name]) return patterns[name];
  const tile = el("canvas", { width: size, height: size });
  const pen = tile.getContext("2d");
  pen.fillStyle = ground || data.colours.bright;
  if (ground || hatch === ".") pen.fillRect(0, 0, size, size);
  pen.fillStyle = pen.strokeStyle = colour;
  pen.lineWidth = ground ? 1.6 : 1;
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
  const ground = (more) => box.append(svg("rect", { x: 0, y: 2, width: 28, height: 14, fill: data.colours.ground, ...more }));
  const line = () => box.append(svg("line", { x1: 0, x2: 28, y1: 9, y2: 9, ...paint }));
  if (look.shape === "line" || look.shape === "rail") line();
  else if (look.shape === "name") box.append(text("Aa", { x: 4, y: 14, "font-size": 12, fill: data.colours.soft }));
  else if (look.shape === "stop") box.append(svg("circle", { cx: 14, cy: 9, r: 3.5, fill: look.fill, stroke: look.stroke, "stroke-width": 2 }));
  else if (look.shape === "street") (ground(), line());
  else if (look.hatch && look.shape === "cell") box.append(hatching(look));
  else if (look.shape === "cell") (ground(), ground({ fill: look.fill, "fill-opacity": look.opacity, stroke: look.stroke }));
  else if (look.shape === "area") (box.append(hatching(look)), ground({ x: 1, width: 26, fill: "none", ...paint }));
  else box.append(svg("g", { transform: "translate(5 0)" }, shape(look, 18)));
  return box;
}

