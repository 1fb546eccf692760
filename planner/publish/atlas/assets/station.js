"use strict";
// The public station map: find a station, see what it offers, and what is within the walk.

// Walking seconds from a place to the stations near it; the packing is in field.py.
function Field(packed) {
  const {rows, columns} = packed, count = rows * columns;
  const ranks = packed.stations.map((text, rank) => {
    const station = new Int32Array(count), steps = new Int32Array(count), runs = Atlas.numbers(text), moves = Atlas.numbers(packed.steps[rank]);
    for (let i = 0, at = 0; i < runs.length; i += 2) { station.fill(runs[i], at, at + runs[i + 1]); at += runs[i + 1]; }
    for (let i = 0, at = 0, value = 0; i < count; i++) if (station[i]) { value += moves[at]; at += 1; steps[i] = value; }
    return {station, steps};
  });

  // A station's place in the list and its seconds, nearest first: means over the four grid points around that know it. Where these
  // are far apart, a wall, a rail or a shore runs between them, and the least and the most of them follow.
  function read(lat, lon) {
    const up = (lat - packed.south) / packed.step_lat, over = (lon - packed.west) / packed.step_lon;
    const row = Math.floor(up), column = Math.floor(over), known = new Map();
    for (const [i, j] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
      if (row + i < 0 || row + i >= rows || column + j < 0 || column + j >= columns) continue;
      const weight = (i ? up - row : 1 - up + row) * (j ? over - column : 1 - over + column), at = (row + i) * columns + column + j;
      for (const {station, steps} of ranks) {
        if (!station[at]) continue;
        const seconds = steps[at] * packed.step_s, [all, sum, least, most] = known.get(station[at] - 1) || [0, 0, seconds, seconds];
        known.set(station[at] - 1, [all + weight, sum + weight * seconds, Math.min(least, seconds), Math.max(most, seconds)]);
      }
    }
    return [...known].filter(([, [weight]]) => weight >= packed.least_weight)
      .map(([station, [weight, sum, least, most]]) => [station, sum / weight, most - least > packed.most_apart ? [least, most] : null])
      .sort((a, b) => a[1] - b[1] || a[0] - b[0]);
  }

  // How long a walk may be for who lives there.
  function cutoff(place, towns) {
    const town = towns.find((one) => Object.hasOwn(packed.cutoffs, one.name) && Atlas.inside(one.rings, place.lat, place.lng));
    return town ? packed.cutoffs[town.name] : packed.cutoff;
  }
  return {read, cutoff, horizon: packed.horizon};
}

function startPage(map) {
  const {data, say, said, number, way, onLanguage, el, nameOf, mark, swatch} = Atlas;
  const at = (id) => document.getElementById(id);
  const tiles = Atlas.tiles(), under = Atlas.furnish(map, tiles);
  const bands = data.bands; // from the farthest to the nearest
  const field = data.field && Field(data.field), alike = data.field && data.field.alike && Field(data.field.alike);
  const here = L.layerGroup().addTo(map);
  let place = null, facilities = null;

  const unions = bands.map((band) => Atlas.outline(Atlas.polygon(band.union), {
    color: band.colour, weight: 1, opacity: 0.75, fillColor: band.colour, fillOpacity: 0.28,
  }));
  const hall = Atlas.stations(map, bands, () => [], shareLink);
  hall.onChoose((station) => {
    for (const button of document.querySelectorAll(".list button")) button.setAttribute("aria-current", String(Boolean(station) && button.dataset.id === station.id));
  });
  for (const station of data.stations) {
    const words = [station.tier, station.host, ...station.services].flatMap((one) => (typeof one === "string" ? one : Object.values(one)));
    station.text = Atlas.fold([station.name, station.address, station.town, station.kind, ...words].filter(Boolean).join(" "));
  }

  // A link that opens this page at this station: copied where the browser lets us, and always there to be copied by hand.
  function shareLink(station) {
    const address = () => location.href.split("#")[0] + "#" + new URLSearchParams({lang: Atlas.language(), station: station.id}).toString();
    const told = el("span", {role: "status", class: "note"});
    const text = el("input", {type: "text", readonly: "", class: "link", "aria-label": say("share_text"), value: address()});
    const button = el("button", {type: "button", class: "button small"}, say("share_link"));
    text.hidden = true;
    button.addEventListener("click", () => {
      const done = () => { told.textContent = say("share_done"); };
      const byHand = () => {
        text.hidden = false;
        text.select();
        try { if (document.execCommand("copy")) done(); } catch { /* the text is selected, to be copied by hand */ }
      };
      text.value = address();
      if (navigator.clipboard && window.isSecureContext) navigator.clipboard.writeText(text.value).then(done, byHand); else byHand();
    });
    return el("div", {class: "share-link"}, button, told, text);
  }

  function entry(station, far) {
    const about = [[station.kind, said(station.tier)].filter(Boolean).join(" · "), station.address || station.town].filter(Boolean);
    const button = el("button", {type: "button", "data-id": station.id, "aria-current": String(hall.chosen() === station)},
      mark(station.form, station.colour, 20),
      el("span", {}, nameOf(station.name), ...about.map((line) => el("small", {dir: "auto"}, line))),
      far === undefined ? null : el("span", {class: "far"}, far));
    button.addEventListener("click", (event) => hall.open(station, event.detail === 0 ? button : null));
    return el("li", {}, button);
  }

  /* ---- filters: only those that tell stations apart ---- */
  const FILTERS = {function: (s) => s.functions, service: (s) => s.services, kind: (s) => [s.kind], tier: (s) => [s.tier], town: (s) => [s.town]};
  const key = (one) => (typeof one === "string" ? one : JSON.stringify(one));
  const chosen = {}, selects = [];
  for (const [name, values] of Object.entries(FILTERS)) {
    const options = new Map(data.stations.flatMap(values).filter(Boolean).map((one) => [key(one), one]));
    const telling = [...options.keys()].filter((one) => !data.stations.every((station) => values(station).some((value) => key(value) === one)));
    if (!telling.length) continue;
    const select = el("select", {"data-filter": name}), text = el("span", {});
    select.addEventListener("change", () => { if (select.value) chosen[name] = select.value; else delete chosen[name]; pick(); });
    onLanguage(() => {
      text.textContent = say("filter_" + name);
      select.replaceChildren(el("option", {value: ""}, say("filter_any")), ...[...options].map(([value, one]) => el("option", {value}, said(one))));
      select.value = chosen[name] || "";
    });
    selects.push(select);
    at("choices").append(el("label", {}, text, select));
  }
  at("filters").hidden = !selects.length;
  const passes = (station) => Object.entries(chosen).every(([name, value]) => FILTERS[name](station).some((one) => key(one) === value));

  function pick() {
    for (const station of data.stations) {
      if (passes(station)) hall.pins.addLayer(station.pin); else hall.pins.removeLayer(station.pin);
    }
    if (hall.chosen() && !passes(hall.chosen())) { map.closePopup(); hall.choose(null); }
    at("clear").hidden = !Object.keys(chosen).length;
    at("chosen-filters").textContent = selects.filter((select) => select.value).map((select) => select.selectedOptions[0].textContent).join(" · ");
    find();
    tell();
  }
  at("clear").addEventListener("click", () => {
    for (const select of selects) { select.value = ""; delete chosen[select.dataset.filter]; }
    pick();
    selects[0].focus();
  });

  /* ---- search ---- */
  const box = at("search"), list = at("list"), count = at("count"), MOST_FOUND = 30;
  const results = () => [...document.querySelectorAll("#list button, #facility-list button")];
  function find() {
    const words = Atlas.fold(box.value).split(" ").filter(Boolean), all = !words.length && !Object.keys(chosen).length;
    const found = data.stations.filter((station) => passes(station) && words.every((word) => station.text.includes(word)));
    list.replaceChildren(...found.map((station) => entry(station)));
    count.textContent = say(all ? "all_stations" : "found", {n: number(found.length)});
    findFacilities(words);
  }
  function findFacilities(words) {
    const found = facilities && words.length ? facilities.search(words) : [];
    at("facility-found").hidden = !found.length;
    at("facility-count").textContent = say(found.length > MOST_FOUND ? "facilities_first" : "facilities_found", {n: number(found.length), m: MOST_FOUND});
    at("facility-list").replaceChildren(...found.slice(0, MOST_FOUND).map((place) => facilities.entry(place)));
  }
  box.addEventListener("input", find);
  box.addEventListener("keydown", (event) => {
    const [first] = results();
    if (event.key === "ArrowDown" && first) { event.preventDefault(); first.focus(); }
    if (event.key === "Enter" && box.value.trim() && first) { event.preventDefault(); first.click(); }
    if (event.key === "Escape") { box.value = ""; find(); }
  });
  for (const one of [list, at("facility-list")]) one.addEventListener("keydown", (event) => {
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (!step) return;
    const buttons = results(), next = buttons.indexOf(document.activeElement) + step;
    event.preventDefault();
    (buttons[next] || (next < 0 ? box : buttons[buttons.length - 1])).focus();
  });

  /* ---- nearest to a place: walking minutes out of the field that the page carries ---- */
  const answer = at("answer");
  const metres = (station) => map.distance(place, [station.lat, station.lon]);
  const whole = (seconds) => number(Math.max(1, Math.round(seconds / 60)));
  const minutes = (seconds, apart) => (apart ? say("about_min", {n: `${whole(apart[0])}–${whole(apart[1])}`}) : say("about_min", {n: whole(seconds)}));
  const list_of = (found) => el("ul", {}, found.map(([station, seconds, apart]) => entry(station, minutes(seconds, apart))));
  const MOST_TOLD = 4;

  function tell() {
    if (!place) { answer.replaceChildren(); return; }
    const known = (one) => (one ? one.read(place.lat, place.lng).map(([i, ...walk]) => [data.stations[i], ...walk]) : []), met = known(field);
    // The nearest few are all known; beyond them only the nearest of those that pass every choice together.
    const near = met.slice(0, field ? data.field.ranks : 0).filter(([station]) => passes(station)).slice(0, MOST_TOLD);
    const walked = near.length ? near : met.concat(known(alike)).filter(([station]) => passes(station)).slice(0, 1);
    const cutoff = field ? field.cutoff(place, towns) : 0, parts = [];
    const within = walked.filter(([, seconds]) => seconds <= cutoff * 60), farther = walked.filter(([, seconds]) => seconds > cutoff * 60);
    if (within.length) parts.push(el("p", {class: "band"}, say("within_walk", {minutes: number(cutoff)})), list_of(within));
    else if (met.length) parts.push(el("p", {class: "band"}, say(Object.keys(chosen).length ? "none_chosen_within" : "none_within", {minutes: number(cutoff)})));
    if (farther.length) parts.push(el("p", {class: "band"}, say("farther_walk", {minutes: number(cutoff)})), list_of(farther));
    if (!walked.length) {
      const [nearest] = data.stations.filter(passes).sort((a, b) => metres(a) - metres(b));
      parts.push(el("p", {}, !data.stations.length ? say("no_station") : !met.length ? say("no_way", {minutes: field ? field.horizon : 0})
        : data.field.complete ? say("none_chosen_within", {minutes: number(field.horizon)}) : say("none_chosen", {n: Math.min(met.length, data.field.ranks)})));
      if (nearest) parts.push(el("p", {class: "note"}, say("nearest_straight")), el("ul", {}, entry(nearest, way(metres(nearest)))));
    }
    const around = facilities ? facilities.near(place) : [];
    if (around.length) parts.push(el("p", {class: "band"}, say("facilities_near")), el("ul", {}, around.map(([one, far]) => facilities.entry(one, way(far)))));
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
  map.on("click", (event) => {
    const met = facilities && facilities.at(event.latlng);
    if (met) facilities.tell(met); else stand(event.latlng);
  });
  at("centre").addEventListener("click", () => stand(map.getCenter()));
  at("locate").addEventListener("click", () => {
    const fail = () => answer.replaceChildren(el("p", {}, say("no_position")));
    if (!navigator.geolocation) { fail(); return; }
    answer.replaceChildren(el("p", {}, say("locating")));
    navigator.geolocation.getCurrentPosition(({coords}) => {
      const turns = Math.round((map.getCenter().lng - coords.longitude) / 360); // districts at 180° go on beyond it
      const point = L.latLng(coords.latitude, coords.longitude + 360 * turns);
      stand(point);
      if (L.latLngBounds(data.bounds).pad(0.5).contains(point)) map.setView(point, Math.max(map.getZoom(), 15), {animate: false});
    }, fail, {enableHighAccuracy: true, timeout: 15000, maximumAge: 60000});
  });

  /* ---- layers, which are the legend too ---- */
  const layers = at("layers");
  Atlas.stationLayer(map, layers, hall);
  bands.forEach((band, i) => layers.append(Atlas.layer(map, band.legend, swatch(band.colour), () => [unions[i]], i === 0)));
  facilities = Atlas.facilities(map, layers, tell);
  const towns = Atlas.towns();
  Atlas.groundLayers(map, layers, under, towns, tiles);

  Atlas.languageSwitch(at("languages"));
  Atlas.sources(at("strip"), at("about"), field ? () => [
    say("field_note", {side: number(data.field.side_m), half: data.field.error_s[0], most: data.field.error_s[1]}),
    ...(alike ? [say("alike_note", {side: number(data.field.alike.side_m), half: data.field.alike.error_s[0], most: data.field.alike.error_s[1]})] : []),
  ] : undefined);
  onLanguage(pick);
  Atlas.begin(map, hall);
}
