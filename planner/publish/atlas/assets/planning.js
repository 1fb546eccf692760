"use strict";
// The planning map: where residents are and are not served, how stations are used, and what is proposed.
function startPage(map, tiles) {
  const {data, say, said, number, share, onLanguage, el, svg, nameOf, mark, swatch} = Atlas;
  const at = (id) => document.getElementById(id);
  const under = Atlas.furnish(map, tiles);
  const bands = data.bands;
  const towns = Atlas.towns();

  /* ---- residents, need, gaps: one painted surface at a time ---- */
  const cells = unpackCells(data.cells);
  const walkBreaks = bands.map((band) => band.minutes).reverse();
  const walkColours = bands.map((band) => band.colour).reverse();
  const within = (value, breaks) => breaks.filter((b) => value >= b).length;
  const classed = (key) => {
    const {breaks, legend} = data.cells.classes[key];
    return {colour: (i) => (cells[key][i] > 0 ? legend[within(cells[key][i], breaks)].colour : null), legend: () => legend};
  };
  const surfaces = {
    people: classed("people"),
    gap: classed("gap"),
    ...(cells.need ? {need: classed("need")} : {}),
    walk: {
      colour: (i) => (cells.walk[i] === null ? data.beyond : walkColours[Math.min(walkBreaks.filter((b) => cells.walk[i] > b).length, walkColours.length - 1)]),
      legend: () => [...bands].reverse().map((band) => ({colour: band.colour, label: band.label})).concat([{colour: data.beyond, label: say("beyond", {minutes: data.minutes})}]),
    },
    overlap: {
      colour: (i) => data.overlap_colours[Math.min(Math.round(cells.stations[i]), 3)],
      legend: () => data.overlap_colours.map((colour, i) => ({colour, label: say("overlap_" + i)})),
    },
  };

  function unpackCells(packed) {
    const column = (text) => Atlas.numbers(text).map((value) => (value === 0 ? null : (value - 1) / 10));
    const points = Atlas.polygon(packed.points)[0] || [], world = points.map(([lat, lon]) => Atlas.toWorld(lat, lon));
    return {
      points, x: Float64Array.from(world, (p) => p[0]), y: Float64Array.from(world, (p) => p[1]),
      half: Float64Array.from(points, ([lat]) => packed.side_m / 2 / (40075016.7 * Math.cos(lat * Math.PI / 180))),
      people: column(packed.people), gap: column(packed.gap), walk: column(packed.walk), stations: column(packed.stations),
      need: packed.need ? column(packed.need) : null,
      groups: data.groups.filter((group) => group.name in packed.groups).map((group) => [group.label, column(packed.groups[group.name])]),
      turn: packed.turn, square: packed.form === "square",
    };
  }

  function paintCells(colours) {
    const cos = Math.cos(cells.turn), sin = Math.sin(cells.turn);
    return new Atlas.Painted((context, scale, box) => {
      context.globalAlpha = 0.82;
      for (let i = 0; i < cells.x.length; i++) {
        const reach = Math.max(cells.half[i], 1.3 / scale);
        if (!colours[i] || cells.x[i] + reach * 1.5 < box[0] || cells.x[i] - reach * 1.5 > box[2] || cells.y[i] + reach * 1.5 < box[1] || cells.y[i] - reach * 1.5 > box[3]) continue;
        const x = cells.x[i] * scale, y = cells.y[i] * scale, r = reach * scale;
        context.fillStyle = colours[i];
        context.beginPath();
        if (cells.square) {
          const a = r * (cos - sin), b = r * (cos + sin);
          context.moveTo(x + b, y - a); context.lineTo(x - a, y - b); context.lineTo(x - b, y + a); context.lineTo(x + a, y + b);
          context.closePath();
        } else context.arc(x, y, r, 0, 2 * Math.PI);
        context.fill();
      }
    }, {pane: "cells"});
  }

  const choropleth = L.layerGroup(towns.map((town) => {
    const value = townValue(town.name, "coverage");
    const fill = value === null ? data.beyond : data.share_classes[within(value, data.share_breaks)].colour;
    return Atlas.outline(town.rings, {color: "#fff", weight: 1, fillColor: fill, fillOpacity: value === null ? 0.25 : 0.66});
  }));

  function townValue(name, key) {
    const table = data.tables.towns, row = table.keys.indexOf(name), column = table.columns.findIndex((c) => c.key === key);
    return row < 0 || column < 0 ? null : table.rows[row][column];
  }

  const shown = {none: null, towns: choropleth};
  let surface = "gap";
  function show(name) {
    if (shown[surface]) shown[surface].remove();
    surface = name;
    if (!(name in shown)) shown[name] = paintCells(cells.points.map((_, i) => surfaces[name].colour(i)));
    if (shown[name]) shown[name].addTo(map);
    keys();
  }
  const keyList = el("ul", {class: "keys"});
  function keys() {
    const legend = surface === "towns" ? data.share_classes : surfaces[surface] ? surfaces[surface].legend() : [];
    keyList.replaceChildren(...legend.map((entry) => el("li", {}, swatch(entry.colour), el("span", {}, said(entry.label)))));
  }
  for (const name of [...["gap", "people", "need", "walk", "overlap"].filter((key) => key in surfaces), "towns", "none"]) {
    const radio = el("input", {type: "radio", name: "surface", value: name}), text = el("span", {});
    radio.checked = name === surface;
    radio.addEventListener("change", () => show(name));
    onLanguage(() => { text.textContent = say("surface_" + name, {per: say(cells.square ? "per_square" : "per_point", {n: number(data.cells.side_m)})}); });
    at("surface").append(el("label", {}, radio, text));
  }
  at("surface").append(keyList);
  show(surface);
  onLanguage(keys);

  /* ---- outlines, stations, sites, host premises ---- */
  const unions = bands.map((band) => Atlas.outline(Atlas.polygon(band.union), {color: "#1c2733", weight: 1, opacity: 0.85, fillColor: band.colour, fillOpacity: 0.16}));
  const scored = data.tables.stations;
  const figures = (table, id) => {
    const row = table.keys.indexOf(id);
    return row < 0 ? [] : table.columns.map((column, i) => [said(column.label), shownCell(table.rows[row][i], column)]);
  };
  const hall = Atlas.stations(map, bands, (station) => figures(scored, station.id).filter((_, i) => !["name", "town"].includes(scored.columns[i].key)));
  hall.onChoose((station) => mark_row("stations", station ? station.id : null));

  const sites = L.featureGroup().addTo(map);
  for (const site of data.sites) {
    site.pin = Atlas.marker(map, [site.lat, site.lon], "pentagon", data.proposed, () => say("site_n", {n: site.order, name: site.name}), {size: 30, text: String(site.order), lift: 500});
    Atlas.bindCard(map, site.pin, () => card(site.name, say("proposed"), figures(data.tables.sites, site.id).filter((_, i) => data.tables.sites.columns[i].key !== "name")));
    site.pin.on("popupopen", () => mark_row("sites", site.id));
    sites.addLayer(site.pin);
  }
  const hosts = L.featureGroup(data.candidates.map(([lat, lon, name, host, address]) => L.circleMarker([lat, lon], {radius: 4.5, weight: 1.4, color: "#3c4650", fillColor: "#fff", fillOpacity: 0.9, bubblingMouseEvents: false})
    .bindPopup(() => card(name, say("candidate"), [[say("host"), host], [say("address"), address]]), Atlas.popup(map))));

  function card(name, tag, rows) {
    return el("div", {class: "card", tabindex: "-1", role: "group", "aria-label": name || tag}, el("h2", {}, nameOf(name || tag)), name ? el("p", {class: "tag"}, tag) : null,
      el("dl", {}, rows.filter(([, value]) => value !== "" && value !== null).flatMap(([key, value]) => [el("dt", {}, key), el("dd", {dir: "auto"}, value)])));
  }

  const layers = at("layers");
  Atlas.stationLayer(map, layers, hall);
  if (data.sites.length) layers.append(Atlas.layer(map, "sites", mark("pentagon", data.proposed, 20), () => [sites], true));
  if (data.candidates.length) layers.append(Atlas.layer(map, "candidates", mark("circle", "#fff", 16), () => [hosts], false));
  bands.forEach((band, i) => layers.append(Atlas.layer(map, band.legend, swatch(band.colour), () => [unions[i]], i === 0)));
  Atlas.groundLayers(map, layers, under, towns, tiles);

  /* ---- what is here ---- */
  function ask(point) {
    const town = towns.find((one) => Atlas.inside(one.rings, point.lat, point.lng));
    const i = nearestCell(point), rows = [];
    if (i >= 0) {
      rows.push([say("residents"), number(cells.people[i])], [say("not_covered"), number(cells.gap[i])]);
      if (cells.need) rows.push([say("need"), cells.need[i] === null ? withheld() : number(cells.need[i])]);
      for (const [label, column] of cells.groups) rows.push([label, column[i] === null ? withheld() : number(column[i])]);
      rows.push([say("walk_nearest"), cells.walk[i] === null ? say("beyond", {minutes: data.minutes}) : say("min", {n: number(cells.walk[i], 1)})]);
      rows.push([say("in_reach"), number(cells.stations[i], cells.square ? 1 : 0)]);
    }
    if (town) rows.push([say("town"), nameOf(town.name)]);
    if (town && townValue(town.name, "coverage") !== null) rows.push([say("town_share"), share(townValue(town.name, "coverage"))]);
    mark_row("towns", town ? town.name : null);
    if (rows.length) L.popup(Atlas.popup(map)).setLatLng(point).setContent(card("", say(i >= 0 ? (cells.square ? "square_here" : "point_here") : "town"), rows)).openOn(map);
  }
  function nearestCell(point) {
    if (!(surface in surfaces)) return -1;
    const [x, y] = Atlas.toWorld(point.lat, point.lng);
    let best = -1, least = Infinity;
    for (let i = 0; i < cells.x.length; i++) {
      const far = cells.square ? Math.max(Math.abs(cells.x[i] - x), Math.abs(cells.y[i] - y)) : Math.hypot(cells.x[i] - x, cells.y[i] - y);
      if (far < least && far <= cells.half[i] * 1.25) { best = i; least = far; }
    }
    return best;
  }
  map.on("click", (event) => { hall.choose(null); ask(event.latlng); });
  at("centre").addEventListener("click", () => { hall.choose(null); ask(map.getCenter()); });

  /* ---- tables ---- */
  function withheld() { return el("span", {class: "withheld"}, say("withheld")); }
  function shownCell(value, column) {
    if (column.kind === "text") return value;
    if (column.kind === "phase") return data.phases[value - 1] ? said(data.phases[value - 1]) : number(value);
    if (value === null) return column.withheld ? withheld() : "–";
    if (column.kind === "flag") return say(value ? "yes" : "no");
    if (column.kind === "share") return share(value);
    if (column.kind === "minutes") return number(value, 1);
    return number(value);
  }

  const bodies = {};
  function table(name, title, go) {
    const facts = data.tables[name], box = at(name);
    if (!facts || !facts.rows.length) { box.replaceChildren(el("p", {class: "note"}, say("nothing"))); return; }
    let order = facts.rows.map((_, i) => i), sorted = -1, rising = true;
    const sort = (column) => {
      rising = sorted === column ? !rising : facts.columns[column].kind === "text";
      sorted = column;
      const value = (i) => facts.rows[i][column];
      order = facts.rows.map((_, i) => i).sort((a, b) => {
        if (value(a) === null || value(b) === null) return (value(a) === null) - (value(b) === null) || a - b;
        const less = typeof value(a) === "string" ? value(a).localeCompare(value(b), "zh") : value(a) - value(b);
        return (rising ? less : -less) || a - b;
      });
      draw();
    };
    const named = Math.max(0, facts.columns.findIndex((column) => ["name", "town", "label"].includes(column.key)));
    const draw = () => {
      const focused = box.contains(document.activeElement) ? document.activeElement.dataset.sort : null;
      const heads = facts.columns.map((column, j) => {
        const button = el("button", {type: "button", "data-sort": String(j)}, said(column.label));
        button.addEventListener("click", () => sort(j));
        return el("th", {scope: "col", class: ["text", "phase"].includes(column.kind) ? "text" : said(column.label).length > 9 ? "long" : "", ...(sorted === j ? {"aria-sort": rising ? "ascending" : "descending"} : {})}, button);
      });
      const rows = order.map((i) => {
        const row = el("tr", {"data-key": facts.keys[i]}, facts.columns.map((column, j) => {
          const shownValue = shownCell(facts.rows[i][j], column);
          if (j !== named || !go) return el("td", {class: column.kind === "text" ? "text" : column.kind, dir: "auto"}, shownValue);
          const button = el("button", {type: "button"}, nameOf(shownValue));
          button.addEventListener("click", (event) => go(facts.keys[i], event.detail === 0 ? button : null));
          return el("td", {class: "text"}, button);
        }));
        row.classList.toggle("chosen", bodies[name] && bodies[name].chosen === facts.keys[i]);
        return row;
      });
      const body = el("tbody", {}, rows);
      bodies[name] = {body, chosen: bodies[name] ? bodies[name].chosen : null};
      box.replaceChildren(el("div", {class: "wide", tabindex: "0", role: "region", "aria-label": say(title)}, el("table", {}, el("caption", {class: "unseen"}, say(title)), el("thead", {}, el("tr", {}, heads)), body)),
        facts.columns.some((column, j) => column.withheld && facts.rows.some((row) => row[j] === null)) ? el("p", {class: "note"}, say("withheld_why", {n: data.minimum})) : "");
      if (focused) box.querySelector(`[data-sort="${Number(focused)}"]`).focus();
    };
    onLanguage(draw);
  }

  function mark_row(name, key) {
    if (!bodies[name]) return;
    bodies[name].chosen = key;
    for (const row of bodies[name].body.children) row.classList.toggle("chosen", row.dataset.key === key);
  }
  function toMap() { if (matchMedia("(max-width: 860px)").matches) map.getContainer().scrollIntoView({block: "start"}); }

  const spot = L.layerGroup().addTo(map);
  function goTown(name) {
    const town = towns.find((one) => one.name === name);
    spot.clearLayers();
    mark_row("towns", name);
    if (!town || !town.rings.length) return;
    spot.addLayer(Atlas.outline(town.rings, {fill: false, color: "#b3500a", weight: 3.5}));
    map.fitBounds(L.latLngBounds(town.rings.flat()), {padding: [20, 20], animate: false});
    toMap();
  }
  function goSite(id, from) {
    const site = data.sites.find((one) => one.id === id);
    site.pin.byKeyboard = Boolean(from);
    site.pin.calledFrom = from;
    if (!map.hasLayer(sites)) sites.addTo(map);
    map.setView([site.lat, site.lon], Math.max(map.getZoom(), 15), {animate: false});
    site.pin.openPopup();
    toMap();
  }
  table("sites", "sites_table", goSite);
  table("towns", "towns_table", goTown);
  table("groups", "groups_table", null);
  table("stations", "stations_table", (id, from) => hall.open(data.stations.find((station) => station.id === id), from));
  at("sites-block").hidden = !data.tables.sites;

  /* ---- headline and frontier ---- */
  onLanguage(() => {
    const {heads} = data, line = (key, value, more) => el("div", {}, el("dt", {}, say(key)), el("dd", {}, value, more ? el("small", {}, more) : null));
    at("heads").replaceChildren(
      ...(heads.share === null ? [] : [line("head_share", share(heads.share), say("of_people", {n: number(heads.people)}))]),
      line("head_gap", number(heads.gap), say("people")),
      line("head_stations", number(heads.stations)),
      ...(heads.after === null ? [] : [line("head_after", share(heads.after), say("with_sites", {n: heads.sites, gain: number(heads.gain)}))]));
  });
  at("frontier-block").hidden = data.frontier.length < 2;
  if (data.frontier.length > 1) onLanguage(() => at("frontier").replaceChildren(curve(), el("figcaption", {class: "note"}, say("frontier_note"))));

  function curve() {
    const points = data.frontier, wide = 480, high = 250, left = 46, right = 14, top = 14, bottom = 40;
    const [first, last] = [points[0][0], points[points.length - 1][0]];
    const low = Math.floor(Math.min(...points.map((p) => p[1])) * 10) / 10, full = Math.min(1, Math.ceil(Math.max(...points.map((p) => p[2])) * 10) / 10);
    const x = (n) => left + ((n - first) / Math.max(last - first, 1)) * (wide - left - right);
    const y = (s) => high - bottom - ((s - low) / Math.max(full - low, 0.1)) * (high - top - bottom);
    const path = (k) => points.map((p, i) => (i ? "L" : "M") + x(p[0]).toFixed(1) + " " + y(p[k]).toFixed(1)).join("");
    const step = Math.max(1, Math.ceil((last - first) / 6)), ticks = [];
    for (let n = first; n <= last; n += step) ticks.push(svg("text", {x: x(n), y: high - bottom + 17, "text-anchor": "middle"}, String(n)));
    for (let s = low; s <= full + 1e-9; s += 0.1) ticks.push(svg("line", {x1: left, x2: wide - right, y1: y(s), y2: y(s), stroke: "#e1e5e9"}), svg("text", {x: left - 7, y: y(s) + 4, "text-anchor": "end"}, Math.round(s * 100) + "%"));
    const dot = (p, colour, words) => [svg("circle", {cx: x(p[0]), cy: y(p[1]), r: 5, fill: colour, stroke: "#1c2733"}),
      svg("text", {x: x(p[0]) + 9, y: y(p[1]) + 16}, words)];
    const plan = data.sites.length ? points.find((p) => p[0] === first + data.sites.length) : null;
    const summary = say("frontier_said", {a: first, s: share(points[0][1]), b: last, t: share(points[points.length - 1][1])});
    return svg("svg", {viewBox: `0 0 ${wide} ${high}`, class: "curve", role: "img", "aria-label": summary}, ticks,
      svg("path", {d: path(2), fill: "none", stroke: "#8a8f98", "stroke-width": 1.5, "stroke-dasharray": "4 4"}),
      svg("path", {d: path(1), fill: "none", stroke: "#0072B2", "stroke-width": 2.5}),
      dot(points[0], "#0072B2", say("today")), plan ? dot([plan[0], data.heads.after], data.proposed, say("plan")) : [],
      svg("text", {x: (left + wide - right) / 2, y: high - 6, "text-anchor": "middle"}, say("frontier_x")));
  }

  Atlas.languageSwitch(at("languages"));
  Atlas.sources(at("strip"), at("about"));
  Atlas.begin(map, hall);
}
