"use strict";
// The planning map: where residents are and are not served, how stations are used, and what is proposed.
const Planning = (() => {
  const {data, say, said, number, share, onLanguage, el, svg, nameOf, swatch} = Atlas;
  const at = (id) => document.getElementById(id);
  const classOf = (value, breaks) => breaks.filter((b) => value >= b).length;

  /* ---- cells: demand points, or squares where there are too many ---- */
  function unpackCells(packed) {
    const column = (text) => Atlas.numbers(text).map((value) => (value === 0 ? null : (value - 1) / 10));
    const points = Atlas.polygon(packed.points)[0] || [], world = points.map(([lat, lon]) => Atlas.toWorld(lat, lon));
    const metre = (lat) => 1 / (40075016.7 * Math.cos(lat * Math.PI / 180)); // in the unit square of Mercator
    return {
      x: Float64Array.from(world, (p) => p[0]), y: Float64Array.from(world, (p) => p[1]),
      half: Float64Array.from(points, ([lat]) => packed.side_m / 2 * metre(lat)),
      people: column(packed.people), gap: column(packed.gap), walk: column(packed.walk), stations: column(packed.stations),
      need: packed.need ? column(packed.need) : null,
      groups: data.groups.filter((group) => group.name in packed.groups).map((group) => [group.label, column(packed.groups[group.name])]),
      turn: packed.turn, square: packed.form === "square",
    };
  }

  // What cells can be coloured by: a colour for each (null: not drawn), and a legend.
  function surfacesOf(cells) {
    const classed = (key) => {
      const {breaks, legend} = data.cells.classes[key];
      return {colour: (i) => (cells[key][i] > 0 ? legend[classOf(cells[key][i], breaks)].colour : null), legend: () => legend};
    };
    const bands = [...data.bands].reverse(); // from the nearest
    const band = (minutes) => bands[Math.min(bands.filter((b) => minutes > b.minutes).length, bands.length - 1)];
    const beyond = () => ({colour: data.beyond, label: say("beyond", {minutes: data.minutes})});
    return {
      gap: classed("gap"),
      people: classed("people"),
      ...(cells.need ? {need: classed("need")} : {}),
      walk: {colour: (i) => (cells.walk[i] === null ? data.beyond : band(cells.walk[i]).colour), legend: () => [...bands, beyond()]},
      overlap: {
        colour: (i) => data.overlap_colours[Math.min(Math.round(cells.stations[i]), 3)],
        legend: () => data.overlap_colours.map((colour, i) => ({colour, label: say("overlap_" + i)})),
      },
    };
  }

  function paintCells(cells, colours) {
    const cos = Math.cos(cells.turn), sin = Math.sin(cells.turn);
    return new Atlas.Painted((context, scale, box) => {
      context.globalAlpha = 0.82;
      for (let i = 0; i < cells.x.length; i++) {
        const half = Math.max(cells.half[i], 1.3 / scale), wide = half * 1.5;
        if (!colours[i] || !Atlas.meets([cells.x[i] - wide, cells.y[i] - wide, cells.x[i] + wide, cells.y[i] + wide], box)) continue;
        const x = cells.x[i] * scale, y = cells.y[i] * scale, r = half * scale, a = r * (cos - sin), b = r * (cos + sin);
        context.fillStyle = colours[i];
        context.beginPath();
        if (cells.square) {
          [[b, -a], [-a, -b], [-b, a], [a, b]].forEach(([dx, dy]) => context.lineTo(x + dx, y + dy));
          context.closePath();
        } else context.arc(x, y, r, 0, 2 * Math.PI);
        context.fill();
      }
    }, {pane: "cells"});
  }

  function cellAt(cells, point) {
    const [x, y] = Atlas.toWorld(point.lat, point.lng);
    let best = -1, least = Infinity;
    for (let i = 0; i < cells.x.length; i++) {
      const dx = Math.abs(cells.x[i] - x), dy = Math.abs(cells.y[i] - y), far = cells.square ? Math.max(dx, dy) : Math.hypot(dx, dy);
      if (far < least && far <= cells.half[i] * 1.25) { best = i; least = far; }
    }
    return best;
  }

  function cellRows(cells, i) {
    const counted = (value) => (value === null ? withheld() : number(value));
    return [
      [say("residents"), number(cells.people[i])],
      [say("not_covered"), number(cells.gap[i])],
      ...(cells.need ? [[say("need"), counted(cells.need[i])]] : []),
      ...cells.groups.map(([label, column]) => [label, counted(column[i])]),
      [say("walk_nearest"), cells.walk[i] === null ? say("beyond", {minutes: data.minutes}) : say("min", {n: number(cells.walk[i], 1)})],
      [say("in_reach"), number(cells.stations[i], cells.square ? 1 : 0)],
    ];
  }

  /* ---- towns ---- */
  function townValue(name, key) {
    const table = data.tables.towns, row = table.keys.indexOf(name), column = table.columns.findIndex((c) => c.key === key);
    return row < 0 || column < 0 ? null : table.rows[row][column];
  }

  function choropleth(towns) {
    return L.layerGroup(towns.map((town) => {
      const value = townValue(town.name, "coverage");
      const fill = value === null ? data.beyond : data.share_classes[classOf(value, data.share_breaks)].colour;
      return Atlas.outline(town.rings, {color: "#fff", weight: 1, fillColor: fill, fillOpacity: value === null ? 0.25 : 0.66});
    }));
  }

  // One surface at a time: the radio buttons, their legend, and the layer. Gives back which one is shown.
  function surfaceSwitch(map, cells, towns) {
    const surfaces = surfacesOf(cells), layers = {none: null, towns: choropleth(towns)}, list = el("ul", {class: "keys"});
    let shown = "gap";
    const legend = () => (shown === "towns" ? data.share_classes : shown in surfaces ? surfaces[shown].legend() : []);
    const keys = () => list.replaceChildren(...legend().map((entry) => el("li", {}, swatch(entry.colour), el("span", {}, said(entry.label)))));
    const show = (name) => {
      if (layers[shown]) layers[shown].remove();
      shown = name;
      if (!(name in layers)) layers[name] = paintCells(cells, Array.from(cells.x, (_, i) => surfaces[name].colour(i)));
      if (layers[name]) layers[name].addTo(map);
      keys();
    };
    for (const name of [...Object.keys(surfaces), "towns", "none"]) {
      const radio = el("input", {type: "radio", name: "surface", value: name}), text = el("span", {});
      radio.checked = name === shown;
      radio.addEventListener("change", () => show(name));
      onLanguage(() => { text.textContent = say("surface_" + name, {per: say(cells.square ? "per_square" : "per_point", {n: number(data.cells.side_m)})}); });
      at("surface").append(el("label", {}, radio, text));
    }
    at("surface").append(list);
    show(shown);
    onLanguage(keys);
    return () => (shown in surfaces ? shown : null);
  }

  /* ---- tables ---- */
  const withheld = () => el("span", {class: "withheld"}, say("withheld"));

  function shownCell(value, column) {
    if (column.kind === "text") return value;
    if (value === null) return column.withheld ? withheld() : "–";
    const shown = {
      phase: () => (data.phases[value - 1] ? said(data.phases[value - 1]) : number(value)),
      flag: () => say(value ? "yes" : "no"),
      share: () => share(value),
      minutes: () => number(value, 1),
    };
    return (shown[column.kind] || (() => number(value)))();
  }

  // The row of a table as pairs of label and value, for a card; without the columns named.
  function rowOf(name, key, without) {
    const table = data.tables[name], row = table.keys.indexOf(key);
    if (row < 0) return [];
    return table.columns.map((column, i) => [column, table.rows[row][i]]).filter(([column]) => !without.includes(column.key))
      .map(([column, value]) => [said(column.label), shownCell(value, column)]);
  }

  function inOrder(facts, column, rising) {
    const value = (i) => facts.rows[i][column];
    const less = (a, b) => (typeof value(a) === "string" ? value(a).localeCompare(value(b), "zh") : value(a) - value(b));
    return facts.rows.map((_, i) => i).sort((a, b) => {
      if (value(a) === null || value(b) === null) return (value(a) === null) - (value(b) === null) || a - b;
      return (rising ? less(a, b) : -less(a, b)) || a - b;
    });
  }

  // A table that sorts; `go(key, button)` leads from a row to the map. Gives back how to mark a row.
  function table(name, title, go) {
    const facts = data.tables[name], box = at(name);
    if (!facts || !facts.rows.length) {
      onLanguage(() => box.replaceChildren(el("p", {class: "note"}, say("nothing"))));
      return () => {};
    }
    const named = Math.max(0, facts.columns.findIndex((column) => ["name", "town", "label"].includes(column.key)));
    const hides = facts.columns.some((column, j) => column.withheld && facts.rows.some((row) => row[j] === null));
    let order = facts.rows.map((_, i) => i), sorted = -1, rising = true, chosen = null, body = null;

    const head = (column, j) => {
      const button = el("button", {type: "button", "data-sort": String(j)}, said(column.label));
      button.addEventListener("click", () => {
        rising = sorted === j ? !rising : column.kind === "text";
        sorted = j;
        order = inOrder(facts, j, rising);
        draw();
        box.querySelectorAll("[data-sort]")[j].focus();
      });
      const looks = ["text", "phase"].includes(column.kind) ? "text" : said(column.label).length > 9 ? "long" : "";
      return el("th", {scope: "col", class: looks, ...(sorted === j ? {"aria-sort": rising ? "ascending" : "descending"} : {})}, button);
    };
    const cell = (i, column, j) => {
      const shown = shownCell(facts.rows[i][j], column);
      if (j !== named || !go) return el("td", {class: column.kind, dir: "auto"}, shown);
      const button = el("button", {type: "button"}, nameOf(shown));
      button.addEventListener("click", (event) => go(facts.keys[i], event.detail === 0 ? button : null));
      return el("td", {class: "text"}, button);
    };
    const light = () => { for (const row of body.children) row.classList.toggle("chosen", row.dataset.key === chosen); };
    const draw = () => {
      body = el("tbody", {}, order.map((i) => el("tr", {"data-key": facts.keys[i]}, facts.columns.map((column, j) => cell(i, column, j)))));
      const whole = el("table", {}, el("caption", {class: "unseen"}, say(title)), el("thead", {}, el("tr", {}, facts.columns.map(head))), body);
      box.replaceChildren(el("div", {class: "wide", tabindex: "0", role: "region", "aria-label": say(title)}, whole),
        ...(hides ? [el("p", {class: "note"}, say("withheld_why", {n: data.minimum}))] : []));
      light();
    };
    onLanguage(draw);
    return (key) => { chosen = key; light(); };
  }

  /* ---- headline and frontier ---- */
  function headline() {
    const {heads} = data, line = (key, value, more) => el("div", {}, el("dt", {}, say(key)), el("dd", {}, value, more ? el("small", {}, more) : null));
    at("heads").replaceChildren(
      ...(heads.share === null ? [] : [line("head_share", share(heads.share), say("of_people", {n: number(heads.people)}))]),
      line("head_gap", number(heads.gap), say("people")),
      line("head_stations", number(heads.stations)),
      ...(heads.after === null ? [] : [line("head_after", share(heads.after), say("with_sites", {n: heads.sites, gain: number(heads.gain)}))]));
  }

  function curve(points) {
    const wide = 480, high = 250, left = 46, right = 14, top = 14, floor = high - 40, first = points[0], last = points[points.length - 1];
    const low = Math.floor(Math.min(...points.map((p) => p[1])) * 10) / 10, full = Math.min(1, Math.ceil(Math.max(...points.map((p) => p[2])) * 10) / 10);
    const x = (n) => left + ((n - first[0]) / Math.max(last[0] - first[0], 1)) * (wide - left - right);
    const y = (s) => floor - ((s - low) / Math.max(full - low, 0.1)) * (floor - top);
    const path = (k) => points.map((p, i) => (i ? "L" : "M") + x(p[0]).toFixed(1) + " " + y(p[k]).toFixed(1)).join("");
    const scale = [], step = Math.max(1, Math.ceil((last[0] - first[0]) / 6));
    for (let n = first[0]; n <= last[0]; n += step) scale.push(svg("text", {x: x(n), y: floor + 17, "text-anchor": "middle"}, String(n)));
    for (let s = low; s <= full + 1e-9; s += 0.1) {
      scale.push(svg("line", {x1: left, x2: wide - right, y1: y(s), y2: y(s), stroke: "#e1e5e9"}));
      scale.push(svg("text", {x: left - 7, y: y(s) + 4, "text-anchor": "end"}, Math.round(s * 100) + "%"));
    }
    const dot = (n, s, colour, words) => [svg("circle", {cx: x(n), cy: y(s), r: 5, fill: colour, stroke: "#1c2733"}), svg("text", {x: x(n) + 9, y: y(s) + 16}, words)];
    const summary = say("frontier_said", {a: first[0], s: share(first[1]), b: last[0], t: share(last[1])});
    return svg("svg", {viewBox: `0 0 ${wide} ${high}`, class: "curve", role: "img", "aria-label": summary}, scale,
      svg("path", {d: path(2), fill: "none", stroke: "#8a8f98", "stroke-width": 1.5, "stroke-dasharray": "4 4"}),
      svg("path", {d: path(1), fill: "none", stroke: "#0072B2", "stroke-width": 2.5}),
      dot(first[0], first[1], "#0072B2", say("today")),
      data.sites.length && first[0] + data.sites.length <= last[0] ? dot(first[0] + data.sites.length, data.heads.after, data.proposed, say("plan")) : [],
      svg("text", {x: (left + wide - right) / 2, y: high - 6, "text-anchor": "middle"}, say("frontier_x")));
  }

  function card(name, tag, rows) {
    const shown = rows.filter(([, value]) => value !== "" && value !== null);
    return el("div", {class: "card", tabindex: "-1", role: "group", "aria-label": name || tag}, el("h2", {}, nameOf(name || tag)), name ? el("p", {class: "tag"}, tag) : null,
      el("dl", {}, shown.flatMap(([key, value]) => [el("dt", {}, key), el("dd", {dir: "auto"}, value)])));
  }

  return {at, unpackCells, cellAt, cellRows, townValue, surfaceSwitch, table, rowOf, headline, curve, card};
})();

function startPage(map) {
  const {data, say, share, onLanguage, el, nameOf, mark, swatch} = Atlas, {at, card, rowOf, townValue} = Planning;
  const tiles = Atlas.tiles(), under = Atlas.furnish(map, tiles), towns = Atlas.towns(), cells = Planning.unpackCells(data.cells);
  const surface = Planning.surfaceSwitch(map, cells, towns);
  const toMap = () => { if (matchMedia("(max-width: 860px)").matches) map.getContainer().scrollIntoView({block: "start"}); };

  /* ---- stations, sites, host premises, outlines ---- */
  const hall = Atlas.stations(map, data.bands, (station) => rowOf("stations", station.id, ["name", "town"]));
  const sites = L.featureGroup().addTo(map);
  for (const site of data.sites) {
    const label = () => say("site_n", {n: site.order, name: site.name});
    site.pin = Atlas.marker(map, [site.lat, site.lon], "pentagon", data.proposed, label, {size: 30, text: String(site.order), lift: 500});
    Atlas.bindCard(map, site.pin, () => card(site.name, say("proposed"), rowOf("sites", site.id, ["name"])));
    site.pin.on("popupopen", () => marks.sites(site.id));
    sites.addLayer(site.pin);
  }
  const hosts = L.featureGroup(data.candidates.map(([lat, lon, name, host, address]) =>
    L.circleMarker([lat, lon], {radius: 4.5, weight: 1.4, color: "#3c4650", fillColor: "#fff", fillOpacity: 0.9, bubblingMouseEvents: false})
      .bindPopup(() => card(name, say("candidate"), [[say("host"), host], [say("address"), address]]), Atlas.popup(map))));
  const unions = data.bands.map((band) => Atlas.outline(Atlas.polygon(band.union), {color: "#1c2733", weight: 1, opacity: 0.85, fillColor: band.colour, fillOpacity: 0.16}));

  const layers = at("layers");
  Atlas.stationLayer(map, layers, hall);
  if (data.sites.length) layers.append(Atlas.layer(map, "sites", mark("pentagon", data.proposed, 20), () => [sites], true));
  if (data.candidates.length) layers.append(Atlas.layer(map, "candidates", mark("circle", "#fff", 16), () => [hosts], false));
  data.bands.forEach((band, i) => layers.append(Atlas.layer(map, band.legend, swatch(band.colour), () => [unions[i]], i === 0)));
  Atlas.groundLayers(map, layers, under, towns, tiles);

  /* ---- tables, each linked to the map ---- */
  const spot = L.layerGroup().addTo(map);
  const goTown = (name) => {
    const town = towns.find((one) => one.name === name);
    spot.clearLayers();
    marks.towns(name);
    if (!town || !town.rings.length) return;
    spot.addLayer(Atlas.outline(town.rings, {fill: false, color: "#b3500a", weight: 3.5}));
    map.fitBounds(L.latLngBounds(town.rings.flat()), {padding: [20, 20], animate: false});
    toMap();
  };
  const goSite = (id, from) => {
    const {pin, lat, lon} = data.sites.find((one) => one.id === id);
    pin.byKeyboard = Boolean(from);
    pin.calledFrom = from;
    sites.addTo(map);
    map.setView([lat, lon], Math.max(map.getZoom(), 15), {animate: false});
    pin.openPopup();
    toMap();
  };
  const marks = {
    sites: Planning.table("sites", "sites_table", goSite),
    towns: Planning.table("towns", "towns_table", goTown),
    groups: Planning.table("groups", "groups_table", null),
    stations: Planning.table("stations", "stations_table", (id, from) => hall.open(data.stations.find((station) => station.id === id), from)),
  };
  hall.onChoose((station) => marks.stations(station ? station.id : null));
  at("sites-block").hidden = !data.tables.sites;

  /* ---- what is here ---- */
  function ask(point) {
    hall.choose(null);
    const town = towns.find((one) => Atlas.inside(one.rings, point.lat, point.lng)), i = surface() ? Planning.cellAt(cells, point) : -1;
    const rows = i < 0 ? [] : Planning.cellRows(cells, i);
    if (town) rows.push([say("town"), nameOf(town.name)]);
    if (town && townValue(town.name, "coverage") !== null) rows.push([say("town_share"), share(townValue(town.name, "coverage"))]);
    marks.towns(town ? town.name : null);
    const title = say(i < 0 ? "town" : cells.square ? "square_here" : "point_here");
    if (rows.length) L.popup(Atlas.popup(map)).setLatLng(point).setContent(card("", title, rows)).openOn(map);
  }
  map.on("click", (event) => ask(event.latlng));
  at("centre").addEventListener("click", () => ask(map.getCenter()));

  onLanguage(Planning.headline);
  at("frontier-block").hidden = data.frontier.length < 2;
  if (data.frontier.length > 1) onLanguage(() => at("frontier").replaceChildren(Planning.curve(data.frontier), el("figcaption", {class: "note"}, say("frontier_note"))));
  Atlas.languageSwitch(at("languages"));
  Atlas.sources(at("strip"), at("about"));
  Atlas.begin(map, hall);
}
