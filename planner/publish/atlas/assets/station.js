"use strict";
// The public station map: find a station, see what it offers, and what is within the walk.
function startPage(map, tiles) {
  const {data, say, said, number, way, onLanguage, el, nameOf, mark, swatch} = Atlas;
  const at = (id) => document.getElementById(id);
  const under = Atlas.furnish(map, tiles);
  const bands = data.bands; // from the farthest to the nearest
  const here = L.layerGroup().addTo(map);
  let place = null;

  const unions = bands.map((band) => Atlas.outline(Atlas.polygon(band.union), {
    color: band.colour, weight: 1, opacity: 0.75, fillColor: band.colour, fillOpacity: 0.28,
  }));
  const hall = Atlas.stations(map, bands, () => []);
  hall.onChoose((station) => {
    for (const button of document.querySelectorAll(".list button")) button.setAttribute("aria-current", String(Boolean(station) && button.dataset.id === station.id));
  });
  for (const station of data.stations) {
    const words = [station.tier, ...station.services].flatMap((one) => (typeof one === "string" ? one : Object.values(one)));
    station.text = Atlas.fold([station.name, station.address, station.town, station.kind, station.host, ...words].filter(Boolean).join(" "));
  }

  function entry(station, far) {
    const about = [[station.kind, said(station.tier)].filter(Boolean).join(" · "), station.address || station.town].filter(Boolean);
    const button = el("button", {type: "button", "data-id": station.id, "aria-current": String(hall.chosen() === station)},
      mark(station.form, station.colour, 20),
      el("span", {}, nameOf(station.name), ...about.map((line) => el("small", {dir: "auto"}, line))),
      far === undefined ? null : el("span", {class: "far"}, way(far)));
    button.addEventListener("click", (event) => hall.open(station, event.detail === 0 ? button : null));
    return el("li", {}, button);
  }

  /* ---- search ---- */
  const box = at("search"), list = at("list"), count = at("count");
  function find() {
    const words = Atlas.fold(box.value).split(" ").filter(Boolean);
    const found = data.stations.filter((station) => words.every((word) => station.text.includes(word)));
    list.replaceChildren(...found.map((station) => entry(station)));
    count.textContent = words.length ? say("found", {n: number(found.length)}) : say("all_stations", {n: number(data.stations.length)});
    return found;
  }
  box.addEventListener("input", find);
  box.addEventListener("keydown", (event) => {
    const first = list.querySelector("button");
    if (event.key === "ArrowDown" && first) { event.preventDefault(); first.focus(); }
    if (event.key === "Enter" && box.value.trim() && first) { event.preventDefault(); first.click(); }
    if (event.key === "Escape") { box.value = ""; find(); }
  });
  list.addEventListener("keydown", (event) => {
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (!step) return;
    const buttons = [...list.querySelectorAll("button")], next = buttons.indexOf(document.activeElement) + step;
    event.preventDefault();
    (buttons[next] || (next < 0 ? box : buttons[buttons.length - 1])).focus();
  });

  /* ---- nearest to a place: by the outlines that hold it ---- */
  const answer = at("answer");
  const metres = (station) => map.distance(place, [station.lat, station.lon]);

  function tell() {
    if (!place) { answer.replaceChildren(); return; }
    const rest = new Set(data.stations), parts = [];
    [...bands].reverse().forEach((band, i) => {
      const index = bands.length - 1 - i;
      const found = [...rest].filter((station) => Atlas.inside(hall.reached(station)[index] || [], place.lat, place.lng));
      found.forEach((station) => rest.delete(station));
      if (found.length) parts.push(el("p", {class: "band"}, said(band.label)), el("ul", {}, found.sort((a, b) => metres(a) - metres(b)).map((station) => entry(station, metres(station)))));
    });
    if (!parts.length) {
      const [nearest] = [...data.stations].sort((a, b) => metres(a) - metres(b));
      parts.push(el("p", {class: "band"}, say("none_within", {minutes: data.minutes})));
      if (nearest) parts.push(el("p", {class: "note"}, say("nearest_straight")), el("ul", {}, entry(nearest, metres(nearest))));
    } else parts.push(el("p", {class: "note"}, say("straight_note")));
    answer.replaceChildren(...parts);
  }

  function stand(point) {
    place = point;
    map.closePopup();
    here.clearLayers();
    here.addLayer(L.circleMarker(point, {radius: 9, weight: 3, color: "#fff", fillColor: "#1c2733", fillOpacity: 1, interactive: false}));
    here.addLayer(L.circleMarker(point, {radius: 4, weight: 0, fillColor: "#fff", fillOpacity: 1, interactive: false}));
    hall.choose(null);
    tell();
  }
  map.on("click", (event) => stand(event.latlng));
  at("centre").addEventListener("click", () => stand(map.getCenter()));
  at("locate").addEventListener("click", () => {
    const fail = () => answer.replaceChildren(el("p", {}, say("no_position")));
    if (!navigator.geolocation) { fail(); return; }
    answer.replaceChildren(el("p", {}, say("locating")));
    navigator.geolocation.getCurrentPosition(({coords}) => {
      const point = L.latLng(coords.latitude, coords.longitude);
      stand(point);
      if (L.latLngBounds(data.bounds).pad(0.5).contains(point)) map.setView(point, Math.max(map.getZoom(), 15), {animate: false});
    }, fail, {enableHighAccuracy: true, timeout: 15000, maximumAge: 60000});
  });

  /* ---- layers, which are the legend too ---- */
  const layers = at("layers");
  Atlas.stationLayer(map, layers, hall);
  bands.forEach((band, i) => layers.append(Atlas.layer(map, band.legend, swatch(band.colour), () => [unions[i]], i === 0)));
  Atlas.groundLayers(map, layers, under, Atlas.towns(), tiles);

  Atlas.languageSwitch(at("languages"));
  Atlas.sources(at("strip"), at("about"));
  onLanguage(() => { find(); tell(); });
  Atlas.begin(map, hall);
}
