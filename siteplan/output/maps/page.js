/* ---- the sheet ---- */
map.attributionControl.setPrefix('<a href="https://leafletjs.com">Leaflet</a>');
map.attributionControl.addAttribution('<a href="https://www.openstreetmap.org/copyright">© OpenStreetMap contributors</a>');
L.control.zoom({ position: "topleft", zoomInTitle: words.zoom_in, zoomOutTitle: words.zoom_out }).addTo(map);
L.control.scale({ imperial: false, maxWidth: 160 }).addTo(map);
const north = L.control({ position: "bottomleft" });
north.onAdd = () => el("div", { class: "north", "aria-hidden": "true" }, svg("svg", { width: 22, height: 34, viewBox: "0 0 22 34" },
  svg("path", { d: "M11 1L17 21L11 17L5 21Z", fill: "#1d2733" }), text("N", { x: 11, y: 33, "text-anchor": "middle", "font-size": 11, "font-weight": 700, fill: "#1d2733" })));
north.addTo(map);
map.getContainer().setAttribute("role", "region");
openPlan();
readAddress();
const [southEnd, westEnd, northEnd, eastEnd] = data.bounds;
map.invalidateSize(false);
if (state.view) map.setView(...state.view, { animate: false });
else map.fitBounds([[southEnd, westEnd], [northEnd, eastEnd]], { paddingTopLeft: [14, 14], paddingBottomRight: [14 + besideLegend(), 14], maxZoom: 15, animate: false });
liveLayers();
if (plan) known = reached(plan.base);
if (matchMedia("(max-width: 760px)").matches) document.querySelector("#layers").open = false;
if (!plan || !scenarios.length) document.querySelector("#compare").remove();
if (!plan || !data.phases.length) document.querySelector("#phases").remove();
if (!plan || !data.territories.length) document.querySelector("#communes").remove();
if (!data.curve.length) document.querySelector("#curve").remove();
if (!plan) document.querySelector("#controls").remove();
if (!data.sites.length) document.querySelector("#ranking").remove();
const asked = data.layers.find((layer) => layer.kind === "cells" && layer.id.slice(6) === state.cells && (layer.live !== "change" || state.scenario >= 0));
layerPanel();
data.layers.filter((layer) => (asked && layer.kind === "cells" ? layer === asked : layer.on)).forEach((layer) => set(layer, true));
sheet();
if (state.wanted >= 0) pick(state.wanted);
map.on("click", (event) => {
  const at = cellCanvas && cellCanvas._map ? cellCanvas.at(event.latlng) : -1;
  if (at >= 0) map.openPopup(cellCard(at), event.latlng, { maxWidth: 320, autoPanPadding: [10, 10] });
  else pick(null);
});
map.on("zoomend", arrange);
map.on("moveend", keepAddress);
