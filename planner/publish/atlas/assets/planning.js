"use strict";
// The planning map: where residents are and are not served, how stations are used, and what is proposed.
const Planning = (() => {
  const {data, say, said, number, share, onLanguage, el, svg, nameOf, swatch} = Atlas;
  const at = (id) => document.getElementById(id);
  const classOf = (value, breaks) => breaks.filter((b) => value >= b).length;

  /* ---- cells: demand points, or squares where there are too many ---- */
  // Of each spot the residents not covered today, and after each phase; `then` is the phase that covers them.
  function leftOf(people, then, phases) {
    const left = (past) => people.map((value, i) => (then[i] > past ? value : 0));
    return {gap: left(0), after: Array.from({length: phases}, (_, i) => left(i + 1))};
  }

  function unpackCells(packed) {
    const column = (text) => Atlas.numbers(text).map((value) => (value === 0 ? null : (value - 1) / 10));
    const points = Atlas.polygon(packed.points)[0] || [], world = points.map(([lat, lon]) => Atlas.toWorld(lat, lon));
    const people = column(packed.people);
    const metre = (lat) => 1 / (40075016.7 * Math.cos(lat * Math.PI / 180)); // in the unit square of Mercator
    const cells = {
      x: Float64Array.from(world, (p) => p[0]), y: Float64Array.from(world, (p) => p[1]),
      half: Float64Array.from(points, ([lat]) => packed.side_m / 2 * metre(lat)),
      people, ...(packed.form === "square" ? {gap: column(packed.gap), after: packed.after.map(column)} : leftOf(people, Atlas.numbers(packed.then), packed.phases)), walk: column(packed.walk), stations: column(packed.stations),
      need: packed.need ? column(packed.need) : null,
      groups: data.groups.filter((group) => Object.hasOwn(packed.groups, group.name)).map((group) => [group.label, column(packed.groups[group.name])]),
      turn: packed.turn, square: packed.form === "square",
    };
    cells.widest = cells.half.reduce((a, b) => Math.max(a, b), 0);
    cells.near = bucketsOf(cells);
    return cells;
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

  // Cells by squares of the unit square of Mercator, so that a tile or a tap looks only at those near it.
  function bucketsOf(cells) {
    const count = cells.x.length, box = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < count; i++) {
      box[0] = Math.min(box[0], cells.x[i]); box[1] = Math.min(box[1], cells.y[i]);
      box[2] = Math.max(box[2], cells.x[i]); box[3] = Math.max(box[3], cells.y[i]);
    }
    const side = Math.max(box[2] - box[0], box[3] - box[1], 1e-9) / Math.max(1, Math.ceil(Math.sqrt(count / 32)));
    const wide = Math.floor((box[2] - box[0]) / side) + 1, high = Math.floor((box[3] - box[1]) / side) + 1;
    const at = (i) => Math.floor((cells.y[i] - box[1]) / side) * wide + Math.floor((cells.x[i] - box[0]) / side);
    const first = new Int32Array(wide * high + 1), list = new Int32Array(count);
    for (let i = 0; i < count; i++) first[at(i) + 1] += 1;
    for (let b = 0; b < wide * high; b++) first[b + 1] += first[b];
    const next = first.slice();
    for (let i = 0; i < count; i++) list[next[at(i)]++] = i;
    return (found, act) => { // act on every cell in a box, and some around it
      const from = [0, 1].map((k) => Math.max(0, Math.floor((found[k] - box[k]) / side) - 1));
      const to = [Math.min(wide - 1, Math.floor((found[2] - box[0]) / side) + 1), Math.min(high - 1, Math.floor((found[3] - box[1]) / side) + 1)];
      for (let row = from[1]; row <= to[1]; row++) {
        for (let column = from[0]; column <= to[0]; column++) {
          const b = row * wide + column;
          for (let k = first[b]; k < first[b + 1]; k++) act(list[k]);
        }
      }
    };
  }

  const SMALL = 1.3; // pixels; smaller cells are drawn dot by dot into the tile's own picture
  const OPACITY = 0.82;
  function paintCells(cells, colours, pane = "cells") {
    const cos = Math.cos(cells.turn), sin = Math.sin(cells.turn);
    const shape = (context, x, y, r) => {
      const a = r * (cos - sin), b = r * (cos + sin);
      context.beginPath();
      if (cells.square) {
        [[b, -a], [-a, -b], [-b, a], [a, b]].forEach(([dx, dy]) => context.lineTo(x + dx, y + dy));
        context.closePath();
      } else context.arc(x, y, r, 0, 2 * Math.PI);
      context.fill();
    };
    return new Atlas.Painted((context, scale, box, zoom, tile) => {
      const wide = cells.widest * 1.5;
      const seen = [box[0] - wide, box[1] - wide, box[2] + wide, box[3] + wide];
      if (cells.widest * scale >= SMALL) {
        context.globalAlpha = OPACITY;
        cells.near(seen, (i) => {
          if (!colours[i]) return;
          context.fillStyle = colours[i];
          shape(context, cells.x[i] * scale, cells.y[i] * scale, cells.half[i] * scale);
        });
        return;
      }
      const {width, height} = tile, picture = context.getImageData(0, 0, width, height), dots = new Uint32Array(picture.data.buffer), cache = new Map();
      const grain = width / (box[2] - box[0] - 2 * tile.edge), left = box[0] + tile.edge, top = box[1] + tile.edge, size = Math.max(1, Math.round(cells.widest * 2 * grain));
      cells.near(seen, (i) => {
        if (!colours[i]) return;
        if (!cache.has(colours[i])) cache.set(colours[i], pixel(colours[i]));
        const x = Math.floor((cells.x[i] - left) * grain - (size - 1) / 2), y = Math.floor((cells.y[i] - top) * grain - (size - 1) / 2), dot = cache.get(colours[i]);
        for (let v = Math.max(0, y); v < Math.min(height, y + size); v++) {
          for (let u = Math.max(0, x); u < Math.min(width, x + size); u++) dots[v * width + u] = dot;
        }
      });
      context.putImageData(picture, 0, 0);
    }, {pane});
  }
  function pixel(colour) { // as the bytes of a picture: red first, whichever end the machine begins at
    const bytes = new Uint8Array([1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16)).concat(Math.round(OPACITY * 255)));
    return new Uint32Array(bytes.buffer)[0];
  }

  function cellAt(cells, point) {
    const [x, y] = Atlas.toWorld(point.lat, point.lng), reach = cells.widest * 1.25;
    let best = -1, least = Infinity;
    cells.near([x - reach, y - reach, x + reach, y + reach], (i) => {
      const dx = Math.abs(cells.x[i] - x), dy = Math.abs(cells.y[i] - y), far = cells.square ? Math.max(dx, dy) : Math.hypot(dx, dy);
      if (far < least && far <= cells.half[i] * 1.25) { best = i; least = far; }
    });
    return best;
  }

  function cellRows(cells, i) {
    const counted = (value) => (value === null ? withheld() : number(value));
    return [
      [say("residents"), number(cells.people[i])],
      [say("not_covered"), number(cells.gap[i])],
      ...(cells.after.length && cells.gap[i] > 0 ? [[say("not_covered_after"), number(cells.after[cells.after.length - 1][i])]] : []),
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

  // Areas of priority: drawn with their names, the line of their kind in the legend. Gives back each with its rings.
  function areas(map, list) {
    const zones = data.areas.map((area) => ({...area, rings: Atlas.polygon(area.shape)}));
    if (!zones.length) return zones;
    const drawn = zones.map((zone) => {
      const [color, dashArray] = zone.line, name = nameOf("");
      onLanguage(() => { name.textContent = say("area_said", zone); });
      return Atlas.outline(zone.rings, {color, dashArray, weight: 2.6, opacity: 1, fillColor: color, fillOpacity: 0.06})
        .bindTooltip(name, {permanent: true, direction: "center", className: "area-name", pane: "areas"});
    });
    const sample = ([stroke, dashes]) => svg("svg", {viewBox: "0 0 30 14", width: 30, height: 14, "aria-hidden": "true", focusable: "false"},
      svg("line", {x1: 0, x2: 30, y1: 7, y2: 7, stroke, "stroke-width": 2.6, "stroke-dasharray": dashes}));
    const kinds = [...new Map(zones.map((zone) => [zone.line[0], zone])).values()].map(({kind, line}) => {
      const name = el("span", {});
      onLanguage(() => { name.textContent = said(kind); });
      return el("li", {}, sample(line), name);
    });
    list.append(Atlas.layer(map, "areas", sample(zones[0].line), () => drawn, true), el("ul", {class: "keys"}, kinds));
    return zones;
  }

  // One surface at a time: the radio buttons, their legend, and the layer. Gives back which one is shown.
  function surfaceSwitch(map, cells, towns, told = () => {}) {
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
      radio.addEventListener("change", () => { show(name); told(name); });
      onLanguage(() => { text.textContent = say("surface_" + name, {per: say(cells.square ? "per_square" : "per_point", {n: number(data.cells.side_m)})}); });
      at("surface").append(el("label", {}, radio, text));
    }
    at("surface").append(list);
    show(shown);
    onLanguage(keys);
    return {
      shown: () => (shown in surfaces ? shown : null),
      choose: (name) => { at("surface").querySelector(`input[value=${name}]`).checked = true; show(name); },
      colours: (values) => Array.from(values, (value) => (value > 0 ? data.cells.classes.gap.legend[classOf(value, data.cells.classes.gap.breaks)].colour : null)),
    };
  }

  // Before and after: today's gaps left of a line, those that are left after a phase right of it.
  function swipe(map, cells, surface, onPhase) {
    const bar = at("swipe"), range = at("swipe-range"), line = el("div", {class: "swipe-line"}), phases = el("select", {id: "swipe-phase"}), layers = [];
    let shown = null;
    map.createPane("cells-after").style.zIndex = 351;
    map.getPane("cells-after").style.pointerEvents = "none";
    map.createPane("swipe").style.zIndex = 550; // over shapes, under marks and cards
    map.getPane("swipe").append(line);
    line.hidden = true;
    const clip = () => {
      const {x: wide, y: high} = map.getSize(), from = map.containerPointToLayerPoint([0, 0]), at_x = from.x + wide * range.value / 100;
      const box = (a, b) => `polygon(${a}px ${from.y}px, ${b}px ${from.y}px, ${b}px ${from.y + high}px, ${a}px ${from.y + high}px)`;
      map.getPane("cells").style.clipPath = shown ? box(from.x, at_x) : "";
      map.getPane("cells-after").style.clipPath = box(at_x, from.x + wide);
      Object.assign(line.style, {left: at_x + "px", top: from.y + "px", height: high + "px"});
    };
    const draw = () => {
      if (shown) shown.remove();
      const phase = Number(phases.value);
      layers[phase] ||= paintCells(cells, surface.colours(cells.after[phase]), "cells-after");
      shown = layers[phase].addTo(map);
      onPhase(data.after[phase].phase);
      clip();
    };
    const set = (on) => {
      bar.hidden = line.hidden = !on;
      if (on) { surface.choose("gap"); draw(); } else if (shown) { shown.remove(); shown = null; onPhase(null); clip(); }
      return on;
    };
    onLanguage(() => {
      const chosen = phases.value || String(data.after.length - 1);
      phases.replaceChildren(...data.after.map((one, i) => el("option", {value: String(i)}, say("swipe_after", {phase: phaseName(one.phase), share: share(one.share)}))));
      phases.value = chosen;
    });
    phases.setAttribute("aria-label", say("phase"));
    onLanguage(() => phases.setAttribute("aria-label", say("phase")));
    at("swipe-after").append(phases);
    phases.addEventListener("change", draw);
    range.addEventListener("input", clip);
    map.on("move zoomend resize viewreset", clip);
    return {set, isOn: () => Boolean(shown)};
  }

  const phaseName = (phase) => (data.phases[phase - 1] ? said(data.phases[phase - 1]) : say("phase_n", {n: phase}));

  /* ---- tables ---- */
  const withheld = () => el("span", {class: "withheld"}, say("withheld"));

  function shownCell(value, column, open = false) { // `open`: nothing is withheld here, what is missing there is none
    if (column.kind === "text") return said(value);
    if (value === null) return column.withheld && !open ? withheld() : "–";
    const shown = {
      phase: () => (data.phases[value - 1] ? said(data.phases[value - 1]) : number(value)),
      flag: () => say(value ? "yes" : "no"),
      share: () => share(value),
      minutes: () => number(value, 1),
      amount: () => value.toLocaleString("en-US", {maximumFractionDigits: 2}),
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
    const value = (i) => (facts.columns[column].kind === "text" ? said(facts.rows[i][column]) : facts.rows[i][column]);
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
    const open = new Set(facts.open || []), hides = facts.columns.some((column, j) => column.withheld && facts.rows.some((row, i) => row[j] === null && !open.has(i)));
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
      const shown = shownCell(facts.rows[i][j], column, open.has(i));
      if (j !== named || !go) return el("td", {class: column.kind, dir: "auto"}, shown);
      const button = el("button", {type: "button"}, nameOf(shown));
      button.addEventListener("click", (event) => go(facts.keys[i], event.detail === 0 ? button : null));
      return el("td", {class: "text go"}, button);
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

  // The host premises as buttons, for their circles on the map are small; `go(i, button)` leads to the map.
  function premises(go) {
    const MOST_FOUND = 30, box = at("host-search"), texts = data.candidates.map(([, , ...words]) => Atlas.fold(words.flatMap((word) => (typeof word === "string" ? word : Object.values(word))).join(" ")));
    const entry = (i) => {
      const [, , name, host, address] = data.candidates[i];
      const button = el("button", {type: "button"}, el("span", {}, nameOf(name || say("candidate")),
        [said(host), address].filter(Boolean).map((line) => el("small", {dir: "auto"}, line))));
      button.addEventListener("click", (event) => go(i, event.detail === 0 ? button : null));
      return el("li", {}, button);
    };
    const find = () => {
      const words = Atlas.fold(box.value).split(" ").filter(Boolean);
      const found = texts.flatMap((text, i) => (words.every((word) => text.includes(word)) ? [i] : []));
      at("host-count").textContent = say(found.length > MOST_FOUND ? "hosts_first" : "hosts_found", {n: number(found.length), m: MOST_FOUND});
      at("hosts").replaceChildren(...found.slice(0, MOST_FOUND).map(entry));
    };
    at("hosts-block").hidden = !data.candidates.length;
    box.addEventListener("input", find);
    onLanguage(find);
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
    const dot = (n, s, colour, words) => [svg("circle", {cx: x(n), cy: y(s), r: 5, fill: colour, stroke: "#1c2733"}), svg("text", {...(x(n) > wide - 90 ? {x: x(n) - 9, "text-anchor": "end"} : {x: x(n) + 9}), y: y(s) + 16}, words)];
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

  return {at, unpackCells, cellAt, cellRows, townValue, surfaceSwitch, areas, swipe, phaseName, table, premises, rowOf, headline, curve, card};
})();

function startPage(map) {
  const {data, say, share, onLanguage, el, nameOf, mark, swatch} = Atlas, {at, card, rowOf, townValue} = Planning;
  const tiles = Atlas.tiles(), under = Atlas.furnish(map, tiles), towns = Atlas.towns(), cells = Planning.unpackCells(data.cells);
  let both = null;
  const compare = el("input", {type: "checkbox", id: "compare"});
  const surface = Planning.surfaceSwitch(map, cells, towns, (name) => { if (both && both.isOn() && name !== "gap") { compare.checked = false; both.set(false); } });
  const toMap = () => Atlas.toMap(map);

  /* ---- stations, sites, host premises, outlines ---- */
  const hall = Atlas.stations(map, data.bands, (station) => rowOf("stations", station.id, ["name", "town"]));
  const sites = L.featureGroup().addTo(map);
  for (const site of data.sites) {
    const label = () => say("site_n", {n: site.order, name: site.name});
    site.pin = Atlas.marker(map, [site.lat, site.lon], "pentagon", data.proposed, label, {size: 30, text: String(site.order), lift: 500});
    Atlas.bindCard(map, site.pin, () => card(site.name, say("proposed"), rowOf("sites", site.id, ["name"])));
    site.pin.on("popupopen", () => { marks.sites(site.id); reached(site); });
    sites.addLayer(site.pin);
    site.area = Atlas.outline(Atlas.polygon(site.outline), {color: "#7a4b00", weight: 1.6, dashArray: "6 4", opacity: 0.95, fillColor: data.proposed, fillOpacity: 0.14});
  }
  const areas = L.layerGroup(data.sites.map((site) => site.area)), one = L.layerGroup().addTo(map);
  const reached = (site) => {
    one.clearLayers();
    hall.choose(null);
    one.addLayer(Atlas.outline(Atlas.polygon(site.outline), {color: "#7a4b00", weight: 2.2, fillColor: data.proposed, fillOpacity: 0.3}));
  };
  const upTo = (phase) => {
    for (const site of data.sites) {
      const there = phase === null || site.phase <= phase;
      if (there) { sites.addLayer(site.pin); areas.addLayer(site.area); } else { sites.removeLayer(site.pin); areas.removeLayer(site.area); }
    }
  };
  const most = Math.max(1, ...Object.values(data.loads));
  const loads = L.layerGroup(data.stations.filter((station) => data.loads[station.id] > 0).map((station) => L.circleMarker([station.lat, station.lon],
    {radius: 6 + 34 * Math.sqrt(data.loads[station.id] / most), weight: 1.5, color: "#1c2733", opacity: 0.9, fillColor: "#3c4650", fillOpacity: 0.18, interactive: false})));
  const hostCard = ([, , name, host, address]) => card(name, say("candidate"), [[say("host"), Atlas.said(host)], [say("address"), address]]);
  const hosts = L.featureGroup(data.candidates.map((one) =>
    L.circleMarker(one.slice(0, 2), {radius: 4.5, weight: 1.4, color: "#3c4650", fillColor: "#fff", fillOpacity: 0.9, bubblingMouseEvents: false})
      .bindPopup(() => hostCard(one), Atlas.popup(map))));
  const unions = data.bands.map((band) => Atlas.outline(Atlas.polygon(band.union), {color: "#1c2733", weight: 1, opacity: 0.85, fillColor: band.colour, fillOpacity: 0.16}));

  const layers = at("layers");
  Atlas.stationLayer(map, layers, hall);
  if (data.sites.length) layers.append(
    Atlas.layer(map, "sites", mark("pentagon", data.proposed, 20), () => [sites], true),
    Atlas.layer(map, "site_areas", swatch(data.proposed), () => [areas], false));
  if (Object.keys(data.loads).length) layers.append(Atlas.layer(map, () => say("loads", {n: Atlas.number(most)}), mark("circle", "#d5d9dd", 20), () => [loads], false));
  if (data.candidates.length) layers.append(Atlas.layer(map, "candidates", mark("circle", "#fff", 16), () => [hosts], false));
  data.bands.forEach((band, i) => layers.append(Atlas.layer(map, band.legend, swatch(band.colour), () => [unions[i]], i === 0)));
  const zones = Planning.areas(map, layers), facilities = Atlas.facilities(map, layers);
  Atlas.groundLayers(map, layers, under, towns, tiles);

  /* ---- tables, each linked to the map ---- */
  const spot = L.layerGroup().addTo(map);
  const goGround = (rings, draw, from) => {
    spot.clearLayers();
    if (!rings.length) return;
    map.closePopup();
    spot.addLayer(Atlas.outline(rings, {fill: false, color: "#b3500a", weight: 3.5}));
    const box = L.latLngBounds(rings.flat());
    map.fitBounds(box, {padding: [20, 20], animate: false});
    Atlas.cardAt(map, box.getCenter(), draw, from);
    toMap();
  };
  const goTown = (name, from) => {
    const town = towns.find((one) => one.name === name);
    marks.towns(name);
    goGround(town ? town.rings : [], () => card(name, say("town"), rowOf("towns", name, ["town"])), from);
  };
  const goArea = (name, from) => {
    const {label, rings} = zones.find((one) => one.name === name);
    marks.areas(name);
    goGround(rings, () => card(label, say("area_table_one"), rowOf("areas", name, ["label"])), from);
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
  const goHost = (i, from) => {
    const one = data.candidates[i], place = one.slice(0, 2);
    spot.clearLayers();
    spot.addLayer(L.circleMarker(place, {radius: 9, weight: 3, color: "#b3500a", fillColor: "#fff", fillOpacity: 0.9, interactive: false}));
    map.setView(place, Math.max(map.getZoom(), 15), {animate: false});
    Atlas.cardAt(map, place, () => hostCard(one), from);
    toMap();
  };
  Planning.premises(goHost);
  const marks = {
    sites: Planning.table("sites", "sites_table", goSite),
    towns: Planning.table("towns", "towns_table", goTown),
    areas: Planning.table("areas", "areas_table", goArea),
    groups: Planning.table("groups", "groups_table", null),
    workplaces: Planning.table("workplaces", "workplaces_table", null),
    stations: Planning.table("stations", "stations_table", (id, from) => hall.open(data.stations.find((station) => station.id === id), from)),
  };
  hall.onChoose((station) => marks.stations(station ? station.id : null));
  at("sites-block").hidden = !data.tables.sites;
  at("areas-block").hidden = !data.tables.areas;
  at("workplaces-block").hidden = !data.tables.workplaces;

  /* ---- what is here ---- */
  function ask(point) {
    hall.choose(null);
    one.clearLayers();
    const town = towns.find((one) => Atlas.inside(one.rings, point.lat, point.lng)), i = surface.shown() ? Planning.cellAt(cells, point) : -1;
    const within = zones.filter((zone) => Atlas.inside(zone.rings, point.lat, point.lng));
    marks.towns(town ? town.name : null);
    if (i < 0 && !town && !within.length) return;
    const rows = () => [
      ...(i < 0 ? [] : Planning.cellRows(cells, i)),
      ...(town ? [[say("town"), nameOf(town.name)]] : []),
      ...(town && townValue(town.name, "coverage") !== null ? [[say("town_share"), share(townValue(town.name, "coverage"))]] : []),
      ...within.map((zone) => [say("area"), nameOf(say("area_said", zone))]),
    ];
    Atlas.cardAt(map, point, () => card("", say(i < 0 ? "town" : cells.square ? "square_here" : "point_here"), rows()));
  }
  map.on("click", (event) => {
    const met = facilities && facilities.at(event.latlng);
    if (met) facilities.tell(met); else ask(event.latlng);
  });
  at("centre").addEventListener("click", () => ask(map.getCenter()));

  if (data.after.length) {
    both = Planning.swipe(map, cells, surface, upTo);
    const text = el("span", {});
    onLanguage(() => { text.textContent = say("compare"); });
    compare.addEventListener("change", () => both.set(compare.checked));
    at("surface").querySelector("legend").after(el("label", {class: "compare"}, compare, text));
    onLanguage(() => at("phases").replaceChildren(...data.after.map((step) => el("li", {}, el("strong", {}, Planning.phaseName(step.phase)),
      el("span", {}, say("phase_said", {n: step.sites, gain: Atlas.number(step.gain), share: share(step.share)}))))));
  }

  onLanguage(Planning.headline);
  at("frontier-block").hidden = data.frontier.length < 2;
  if (data.frontier.length > 1) onLanguage(() => at("frontier").replaceChildren(Planning.curve(data.frontier), el("figcaption", {class: "note"}, say("frontier_note"))));
  Atlas.languageSwitch(at("languages"));
  Atlas.sources(at("strip"), at("about"), () => (data.model ? [say("model", {n: Atlas.said(data.model)})] : []));
  Atlas.begin(map, hall);
}
