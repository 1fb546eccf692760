"use strict";
// The public station map: find a station, see what it offers, and what is within the walk.
function startPage(map, tiles) {
  const {data, say, said, number, way, onLanguage, el, nameOf, mark, swatch} = Atlas;
  const at = (id) => document.getElementById(id);
  const under = Atlas.furnish(map, tiles);
  const bands = data.bands; // from the farthest to the nearest
  const chosenBands = L.layerGroup().addTo(map);
  const here = L.layerGroup().addTo(map);
  let chosen = null, place = null;

  /* ---- outlines ---- */
  const unions = bands.map((band) => Atlas.outline(Atlas.polygon(band.union), {
    color: band.colour, weight: 1, opacity: 0.75, fillColor: band.colour, fillOpacity: 0.28,
  }));
  const reached = (station) => (station.rings ||= station.outlines.map(Atlas.polygon));

  function showBands(station) {
    chosenBands.clearLayers();
    if (!station) return;
    reached(station).forEach((rings, i) => {
      if (rings.length) chosenBands.addLayer(Atlas.outline(rings, {color: "#1c2733", weight: 1.2, opacity: 0.8, fillColor: bands[i].colour, fillOpacity: 0.42}));
    });
  }

  /* ---- stations ---- */
  function card(station) {
    const rows = [["address", station.address], ["town", station.town], ["hours", station.hours]].map(([key, value]) => [say(key), value]);
    const dial = (station.phone || "").replace(/[^\d+]/g, "");
    rows.push([say("phone"), dial.length >= 3 && /^[\d\s+()（）.\-－—转ext]+$/i.test(station.phone) ? el("a", {href: "tel:" + dial}, station.phone) : station.phone]);
    rows.push([say("host"), station.host]);
    rows.push([say("services"), station.services.length ? el("ul", {class: "items"}, station.services.map((item) => el("li", {dir: "auto"}, item))) : ""]);
    const kinds = [station.kind, station.tier].filter(Boolean).join(" · ");
    return el("div", {class: "card", tabindex: "-1", role: "group", "aria-label": station.name},
      el("h2", {}, nameOf(station.name)), kinds ? el("p", {class: "tag", dir: "auto"}, kinds) : null,
      el("dl", {}, rows.filter(([, value]) => value).flatMap(([key, value]) => [el("dt", {}, key), el("dd", {dir: "auto"}, value)])));
  }

  const pins = L.featureGroup().addTo(map);
  for (const station of data.stations) {
    station.text = Atlas.fold([station.name, station.address, station.town, station.kind, station.tier, station.host, ...station.services].filter(Boolean).join(" "));
    station.pin = Atlas.marker(map, [station.lat, station.lon], station.form, station.colour, () => station.name);
    Atlas.bindCard(map, station.pin, () => card(station));
    station.pin.on("popupopen", () => choose(station));
    pins.addLayer(station.pin);
  }

  function choose(station) {
    if (chosen && chosen.pin.getElement()) chosen.pin.getElement().classList.remove("chosen");
    chosen = station;
    if (station && station.pin.getElement()) station.pin.getElement().classList.add("chosen");
    showBands(station);
    Atlas.remember("station", station ? station.id : null);
    for (const button of document.querySelectorAll(".list button")) button.setAttribute("aria-current", String(Boolean(station) && button.dataset.id === station.id));
  }

  function open(station, from) {
    if (!pins.hasLayer(station.pin) || !map.hasLayer(pins)) return choose(station);
    station.pin.byKeyboard = Boolean(from);
    station.pin.calledFrom = from;
    const wide = reached(station)[0];
    if (wide && wide.length) map.fitBounds(L.latLngBounds(wide.flat()), {padding: [12, 12], maxZoom: 16, animate: false});
    else map.setView([station.lat, station.lon], Math.max(map.getZoom(), 15), {animate: false});
    station.pin.openPopup();
    if (matchMedia("(max-width: 860px)").matches) map.getContainer().scrollIntoView({block: "start"});
  }

  function entry(station, far) {
    const about = [[station.kind, station.tier].filter(Boolean).join(" · "), station.address || station.town].filter(Boolean);
    const button = el("button", {type: "button", "data-id": station.id, "aria-current": String(chosen === station)},
      mark(station.form, station.colour, 20),
      el("span", {}, nameOf(station.name), ...about.map((line) => el("small", {dir: "auto"}, line))),
      far === undefined ? null : el("span", {class: "far"}, way(far)));
    button.addEventListener("click", (event) => open(station, event.detail === 0 ? button : null));
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
      const found = [...rest].filter((station) => Atlas.inside(reached(station)[index] || [], place.lat, place.lng));
      found.forEach((station) => rest.delete(station));
      if (found.length) parts.push(el("h3", {}, said(band.label)), el("ul", {}, found.sort((a, b) => metres(a) - metres(b)).map((station) => entry(station, metres(station)))));
    });
    if (!parts.length) {
      const [nearest] = [...data.stations].sort((a, b) => metres(a) - metres(b));
      parts.push(el("h3", {}, say("none_within", {minutes: data.minutes})));
      if (nearest) parts.push(el("p", {class: "note"}, say("nearest_straight")), el("ul", {}, entry(nearest, metres(nearest))));
    } else parts.push(el("p", {class: "note"}, say("straight_note")));
    answer.replaceChildren(...parts);
  }

  function stand(point) {
    place = point;
    here.clearLayers();
    here.addLayer(L.circleMarker(point, {radius: 9, weight: 3, color: "#fff", fillColor: "#1c2733", fillOpacity: 1, interactive: false}));
    here.addLayer(L.circleMarker(point, {radius: 4, weight: 0, fillColor: "#fff", fillOpacity: 1, interactive: false}));
    choose(null);
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
  layers.append(Atlas.layer(map, "stations", mark(data.kinds[0].form, data.kinds[0].colour, 20), () => [pins], true));
  if (data.kinds.length > 1 || data.tiers.length > 1) {
    layers.append(el("ul", {class: "keys"},
      data.kinds.filter((kind) => kind.name).map((kind) => el("li", {}, mark(data.tiers.length > 1 ? "circle" : kind.form, kind.colour, 18), nameOf(kind.name))),
      data.tiers.filter((tier) => tier.name && data.tiers.length > 1).map((tier) => el("li", {}, mark(tier.form, "#8a95a1", 18), nameOf(tier.name)))));
  }
  bands.forEach((band, i) => layers.append(Atlas.layer(map, band.legend, swatch(band.colour), () => [unions[i]], i === 0)));
  const borders = Atlas.towns().map((town) => Atlas.outline(town.rings, {fill: false, color: data.ground_colours.border, weight: 1.2, opacity: 0.8, dashArray: "5 4"}));
  layers.append(Atlas.layer(map, "borders", swatch(data.ground_colours.border, "dash"), () => borders, true));
  layers.append(Atlas.layer(map, "streets", swatch(data.ground_colours.main, "line"), () => [under.streets], !tiles));
  if (data.backdrop.water || data.backdrop.green) layers.append(Atlas.layer(map, "nature", swatch(data.ground_colours.water), () => [under.nature], !tiles));
  if (tiles) layers.append(Atlas.layer(map, "tiles", swatch("#e9e5dc"), () => [tiles], true));

  Atlas.languageSwitch(at("languages"));
  Atlas.sources(at("strip"), at("about"));
  onLanguage(() => { find(); tell(); });
  const wished = Atlas.remembered("lang");
  Atlas.speak(data.languages.includes(wished) ? wished : data.languages[0]);
  const linked = data.stations.find((station) => station.id === Atlas.remembered("station"));
  if (linked) open(linked, null);
}
