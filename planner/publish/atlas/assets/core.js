"use strict";
// What both pages share: the data block, both languages, shapes unpacked, painted ground, markers.
// Every text of the data reaches the page as a text node or through setAttribute of a harmless attribute; nothing is parsed as HTML.
const Atlas = (() => {
  const data = JSON.parse(document.getElementById("atlas-data").textContent);
  const heard = [];
  let language = data.languages[0];

  /* ---- words ---- */
  const has = (object, key) => Object.prototype.hasOwnProperty.call(object, key);

  function say(key, values) {
    const text = has(data.words, key) ? data.words[key][language] : key;
    if (!values) return text;
    return text.split(/(\{\w+\})/).map((part) => {
      const name = part.slice(1, -1);
      return part.startsWith("{") && has(values, name) ? String(values[name]) : part;
    }).join("");
  }

  const said = (both) => (typeof both === "string" ? both : both[language]);
  const number = (value, digits = 0) => value.toLocaleString("en-US", {minimumFractionDigits: digits, maximumFractionDigits: digits});

  function share(value) { // never says all or none unless it is, as planner.style.shown_share
    if (value <= 0 || value >= 1) return number(Math.min(Math.max(value, 0), 1) * 100) + "%";
    if (value >= 0.01 && value <= 0.99) return number(value * 100) + "%";
    return number(Math.min(Math.max(value, 0.001), 0.999) * 100, 1) + "%";
  }

  function way(metres) {
    return metres < 950 ? say("metres", {n: number(Math.round(metres / 10) * 10)}) : say("kilometres", {n: number(metres / 1000, 1)});
  }

  function onLanguage(act) { heard.push(act); act(); }

  function speak(chosen) {
    language = chosen;
    document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
    document.title = said(data.title);
    for (const node of document.querySelectorAll("[data-say]")) node.textContent = say(node.dataset.say);
    for (const node of document.querySelectorAll("[data-say-label]")) node.setAttribute("aria-label", say(node.dataset.sayLabel));
    for (const node of document.querySelectorAll("[data-say-hint]")) node.setAttribute("placeholder", say(node.dataset.sayHint));
    for (const node of document.querySelectorAll("[data-fact]")) node.textContent = said(data[node.dataset.fact]);
    for (const act of heard) act();
  }

  function languageSwitch(box) {
    box.hidden = data.languages.length < 2;
    const buttons = data.languages.map((name) => el("button", {type: "button", lang: name === "zh" ? "zh-CN" : "en"}, name === "zh" ? "中文" : "English"));
    const show = () => buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(data.languages[i] === language)));
    buttons.forEach((button, i) => button.addEventListener("click", () => { speak(data.languages[i]); remember("lang", data.languages[i]); }));
    box.append(...buttons);
    onLanguage(show);
  }

  /* ---- the address keeps what is chosen, so that it can be shared ---- */
  function remembered(key) { return new URLSearchParams(location.hash.slice(1)).get(key); }

  function remember(key, value) {
    const kept = new URLSearchParams(location.hash.slice(1));
    if (value === null) kept.delete(key); else kept.set(key, value);
    try { history.replaceState(null, "", "#" + kept.toString()); } catch { /* a viewer that forbids it loses only the link */ }
  }

  /* ---- elements ---- */
  function fill(node, attributes, children) {
    for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
    node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  }
  function el(tag, attributes, ...children) { return fill(document.createElement(tag), attributes, children); }
  function svg(tag, attributes, ...children) { return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children); }
  function nameOf(text) { return el("span", {class: "name", dir: "auto"}, text); }

  /* ---- unpacking; the packing is in shapes.py ---- */
  const VALUE = new Int8Array(128).fill(-1);
  [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"].forEach((letter, i) => { VALUE[letter.charCodeAt(0)] = i; });

  function numbers(text) {
    const out = [];
    for (let i = 0, value = 0, unit = 1; i < text.length; i++) {
      const digit = VALUE[text.charCodeAt(i)];
      value += (digit & 31) * unit;
      if (digit & 32) { unit *= 32; continue; }
      out.push(value % 2 ? -(value + 1) / 2 : value / 2);
      value = 0; unit = 1;
    }
    return out;
  }

  // Shapes of rings (or lines) of points [lat, lon].
  function shapes(text) {
    if (!text) return [];
    let lat = 0, lon = 0;
    return text.split("!").map((shape) => shape.split(".").map((ring) => {
      const moves = numbers(ring), points = [];
      for (let i = 0; i < moves.length; i += 2) {
        lat += moves[i]; lon += moves[i + 1];
        points.push([lat / 1e5, lon / 1e5]);
      }
      return points;
    }));
  }
  const polygon = (text) => shapes(text).flat();

  function inside(rings, lat, lon) { // even-odd, as the rings are filled
    let within = false;
    for (const ring of rings) {
      for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
        const [ya, xa] = ring[i], [yb, xb] = ring[j];
        if ((ya > lat) !== (yb > lat) && lon < ((xb - xa) * (lat - ya)) / (yb - ya) + xa) within = !within;
      }
    }
    return within;
  }

  /* ---- painted layers: drawn tile by tile, so that panning costs nothing however many lines there are ---- */
  function toWorld(lat, lon) {
    const s = Math.sin(lat * Math.PI / 180);
    return [lon / 360 + 0.5, 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)];
  }

  function worldParts(text) { // parts with their bounds, in the unit square of Mercator
    return shapes(text).map((rings) => {
      const box = [1, 1, 0, 0];
      const parts = rings.map((ring) => {
        const flat = new Float64Array(ring.length * 2);
        ring.forEach(([lat, lon], i) => {
          const [x, y] = toWorld(lat, lon);
          flat[2 * i] = x; flat[2 * i + 1] = y;
          box[0] = Math.min(box[0], x); box[1] = Math.min(box[1], y); box[2] = Math.max(box[2], x); box[3] = Math.max(box[3], y);
        });
        return flat;
      });
      return {box, parts};
    });
  }
  function worldLines(text) { // every line with bounds of its own
    return polygon(text).flatMap((line) => {
      const flat = new Float64Array(line.length * 2);
      const box = [1, 1, 0, 0];
      line.forEach(([lat, lon], i) => {
        const [x, y] = toWorld(lat, lon);
        flat[2 * i] = x; flat[2 * i + 1] = y;
        box[0] = Math.min(box[0], x); box[1] = Math.min(box[1], y); box[2] = Math.max(box[2], x); box[3] = Math.max(box[3], y);
      });
      return [{box, parts: [flat]}];
    });
  }

  const Painted = L.GridLayer.extend({
    initialize(paint, options) { this.paint = paint; L.GridLayer.prototype.initialize.call(this, options); },
    createTile(coords) {
      const size = this.getTileSize().x, ratio = Math.min(Math.max(window.devicePixelRatio || 1, 1.5), 2); // zooms between whole ones stretch a tile
      const tile = el("canvas", {width: size * ratio, height: size * ratio});
      const context = tile.getContext("2d");
      const scale = size * 2 ** coords.z;
      context.scale(ratio, ratio);
      context.translate(-coords.x * size, -coords.y * size);
      const edge = 24 / scale;
      const box = [coords.x * size / scale - edge, coords.y * size / scale - edge, (coords.x + 1) * size / scale + edge, (coords.y + 1) * size / scale + edge];
      tile.edge = edge;
      this.paint(context, scale, box, coords.z, tile);
      return tile;
    },
  });

  const meets = (a, b) => a[0] <= b[2] && a[2] >= b[0] && a[1] <= b[3] && a[3] >= b[1];

  function trace(context, shape, scale, closed) {
    for (const flat of shape.parts) {
      context.moveTo(flat[0] * scale, flat[1] * scale);
      for (let i = 2; i < flat.length; i += 2) context.lineTo(flat[i] * scale, flat[i + 1] * scale);
      if (closed) context.closePath();
    }
  }

  function ground() {
    const colours = data.ground_colours;
    const areas = ["green", "water"].map((kind) => [colours[kind], worldParts(data.backdrop[kind])]);
    const lines = {main: worldLines(data.streets.main), side: worldLines(data.streets.side), short: worldLines(data.streets.short)};
    const nature = new Painted((context, scale, box) => {
      for (const [colour, list] of areas) {
        context.fillStyle = colour;
        for (const shape of list) {
          if (!meets(shape.box, box)) continue;
          context.beginPath();
          trace(context, shape, scale, true);
          context.fill("evenodd");
        }
      }
    }, {zIndex: 1, pane: "tilePane"});
    const streets = new Painted((context, scale, box, zoom) => {
      const widths = {short: zoom < 14 ? 0 : zoom - 13.4, side: Math.max(0.5, (zoom - 11.6) * 0.55), main: Math.max(0.8, (zoom - 10.6) * 0.62)};
      context.lineJoin = context.lineCap = "round";
      for (const kind of ["short", "side", "main"]) {
        if (!widths[kind]) continue;
        context.strokeStyle = kind === "main" ? colours.main : colours.street;
        context.lineWidth = Math.min(widths[kind], kind === "main" ? 4.5 : 3);
        context.beginPath();
        for (const line of lines[kind]) if (meets(line.box, box)) trace(context, line, scale, false);
        context.stroke();
      }
    }, {zIndex: 2, pane: "tilePane"});
    return {nature, streets};
  }

  /* ---- tiles, if the study asks for them; those drawn in GCJ-02 are laid where they belong ---- */
  // The shift of planner.datum, in degrees: exact in WGS-84 to GCJ-02, back by fixed point.
  function toGcj(lat, lon) {
    const x = lon - 105, y = lat - 35, {sin, PI, sqrt, abs} = Math;
    if (lon < 72.004 || lon > 137.8347 || lat < 0.8293 || lat > 55.8271) return [lat, lon];
    const both = 20 * (sin(6 * PI * x) + sin(2 * PI * x)), root = 0.2 * sqrt(abs(x)), product = 0.1 * x * y;
    const north = 20 * sin(PI * y) + 40 * sin(PI / 3 * y) + 160 * sin(PI / 12 * y) + 320 * sin(PI / 30 * y);
    const east = 20 * sin(PI * x) + 40 * sin(PI / 3 * x) + 150 * sin(PI / 12 * x) + 300 * sin(PI / 30 * x);
    const up = -100 + 2 * x + 3 * y + 0.2 * y * y + product + root + (both + north) * 2 / 3;
    const over = 300 + x + 2 * y + 0.1 * x * x + product + 0.5 * root + (both + east) * 2 / 3;
    const radius = 6378245, ee = 0.00669342162296594323, phi = lat * PI / 180, flat = 1 - ee * sin(phi) ** 2;
    return [lat + up / (radius * (1 - ee) / flat ** 1.5) * 180 / PI, lon + over / (radius / sqrt(flat) * Math.cos(phi)) * 180 / PI];
  }
  function fromGcj(lat, lon) {
    let [north, east] = [lat, lon];
    for (let i = 0; i < 4; i++) {
      const [a, b] = toGcj(north, east);
      north -= a - lat; east -= b - lon;
    }
    return [north, east];
  }

  // Each tile's corners are drawn in GCJ-02; it is laid between the places that they are.
  const Shifted = L.TileLayer.extend({
    corner(x, y) {
      const map = this._map, size = this.getTileSize(), drawn = map.unproject(L.point(x * size.x, y * size.y), this._tileZoom);
      return map.project(fromGcj(drawn.lat, drawn.lng), this._tileZoom).subtract(this._level.origin).round();
    },
    _getTilePos(coords) { return this.corner(coords.x, coords.y); },
    _addTile(coords, container) {
      L.TileLayer.prototype._addTile.call(this, coords, container);
      const {el: tile} = this._tiles[this._tileCoordsToKey(coords)], span = this.corner(coords.x + 1, coords.y + 1).subtract(this.corner(coords.x, coords.y));
      tile.style.width = span.x + "px";
      tile.style.height = span.y + "px";
    },
    _getTiledPixelBounds(centre) {
      const bounds = L.TileLayer.prototype._getTiledPixelBounds.call(this, centre), map = this._map, zoom = this._tileZoom;
      const off = map.project(toGcj(centre.lat, centre.lng), zoom).subtract(map.project(centre, zoom));
      return L.bounds(bounds.min.add(off).subtract([2, 2]), bounds.max.add(off).add([2, 2]));
    },
  });

  function tiles() {
    const asked = data.tiles;
    if (!asked) return null;
    const Layer = asked.datum === "gcj02" ? Shifted : L.TileLayer;
    return L.layerGroup(asked.addresses.map((address, i) => new Layer(address, {
      subdomains: asked.subdomains, maxNativeZoom: asked.deepest, maxZoom: 20, zIndex: i, crossOrigin: false, referrerPolicy: "strict-origin-when-cross-origin",
    })));
  }

  /* ---- marks ---- */
  const MARKS = {
    circle: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18z",
    square: "M4 4h16v16h-16z",
    diamond: "M12 1.5l10.5 10.5l-10.5 10.5l-10.5-10.5z",
    triangle: "M12 2l11 19h-22z",
    pentagon: "M12 1.8l10.6 7.7l-4 12.5h-13.2l-4-12.5z",
  };
  function mark(form, colour, size = 22, text = "") {
    const drawn = svg("svg", {viewBox: "0 0 24 24", width: size, height: size, "aria-hidden": "true", focusable: "false"},
      svg("path", {d: MARKS[form] || MARKS.circle, fill: colour, stroke: "#fff", "stroke-width": 2}),
      svg("path", {d: MARKS[form] || MARKS.circle, fill: "none", stroke: "#1c2733", "stroke-width": 0.8}));
    if (text) drawn.append(svg("text", {x: 12, y: 16.4, "text-anchor": "middle", class: "ordinal", fill: "#000"}, text));
    return drawn;
  }

  const LEAST_TARGET = 24; // pixels; WCAG 2.2
  function marker(map, place, form, colour, label, options = {}) {
    const size = options.size || 22;
    const icon = L.divIcon({html: mark(form, colour, size, options.text), className: "pin", iconSize: [Math.max(size, LEAST_TARGET), Math.max(size, LEAST_TARGET)], popupAnchor: [0, -size / 2]});
    const pin = L.marker(place, {icon, riseOnHover: true, keyboard: true, pane: options.pane || "markerPane", zIndexOffset: options.lift || 0});
    const name = () => { const node = pin.getElement(); if (node) { node.setAttribute("aria-label", label()); node.setAttribute("title", label()); } };
    pin.on("add", name);
    heard.push(name);
    return pin;
  }

  function popup(map) { // clear of the zoom buttons and the scale, and never taller than the map
    const {x, y} = map.getSize();
    return {
      maxWidth: Math.min(300, x - 121), minWidth: 180, maxHeight: Math.max(160, y - 120),
      autoPanPaddingTopLeft: [12, 36], autoPanPaddingBottomRight: [64, 28],
    };
  }

  function bindCard(map, pin, draw) {
    pin.bindPopup(() => draw(), popup(map));
    pin.on("popupopen", (event) => {
      const card = event.popup.getElement().querySelector(".card");
      if (pin.byKeyboard && card) card.focus({preventScroll: true});
    });
    pin.on("popupclose", () => {
      if (pin.byKeyboard && pin.getElement()) (pin.calledFrom || pin.getElement()).focus({preventScroll: true});
      pin.byKeyboard = false; pin.calledFrom = null;
    });
    pin.on("keydown", (event) => { if (event.originalEvent.key === "Enter") pin.byKeyboard = true; });
    heard.push(() => { if (pin.isPopupOpen()) pin.setPopupContent(() => draw()); });
  }

  // A card at a place that has no mark of its own; `from` is the button that a key called it from, which gets the focus back.
  let loose = null;
  function cardAt(map, place, draw, from = null) {
    const open = L.popup(popup(map)).setLatLng(place).setContent(draw()).openOn(map), card = open.getElement().querySelector(".card");
    loose = {open, draw};
    if (!from) return;
    card.focus({preventScroll: true});
    open.on("remove", () => from.focus({preventScroll: true}));
  }
  heard.push(() => { if (loose && loose.open.isOpen()) loose.open.setContent(loose.draw()); });

  /* ---- the map ---- */
  function furnish(map, tiles) {
    shared.map = map;
    map.createPane("cells").style.zIndex = 350;
    map.createPane("facilities").style.zIndex = 450; // over outlines, under marks
    map.createPane("areas").style.zIndex = 440;
    for (const name of ["cells", "facilities", "areas"]) map.getPane(name).style.pointerEvents = "none";
    const bounds = L.latLngBounds(data.bounds);
    map.setMaxBounds(bounds.pad(2));
    const under = ground();
    if (!tiles) { under.nature.addTo(map); under.streets.addTo(map); }
    let controls = [];
    onLanguage(() => {
      controls.forEach((control) => control.remove());
      controls = [
        L.control.zoom({position: "topright", zoomInTitle: say("zoom_in"), zoomOutTitle: say("zoom_out")}),
        L.control.scale({imperial: false, position: "topleft"}),
      ].map((control) => control.addTo(map));
      map.getContainer().setAttribute("aria-label", say("map_label"));
    });
    map.getContainer().setAttribute("role", "region");
    map.getContainer().addEventListener("keydown", (event) => { if (event.key === "Escape") map.closePopup(); });
    map.on("popupopen", (event) => {
      const node = event.popup.getElement(), text = node.querySelector(".leaflet-popup-content");
      node.querySelector(".leaflet-popup-close-button").setAttribute("aria-label", say("close"));
      if (text.scrollHeight > text.clientHeight) text.setAttribute("tabindex", "0");
    });
    onPaper(map);
    return under;
  }

  function layer(map, key, swatch, drawn, shown) {
    const box = el("input", {type: "checkbox"});
    const text = el("span", {});
    const set = () => drawn().forEach((one) => { if (box.checked) one.addTo(map); else one.remove(); });
    box.checked = shown;
    box.addEventListener("change", set);
    onLanguage(() => { text.textContent = typeof key === "function" ? key() : typeof key === "string" ? say(key) : said(key); });
    set();
    return el("label", {}, box, swatch, text);
  }
  function swatch(colour, kind = "") {
    const node = el("span", {class: ("swatch " + kind).trim(), "aria-hidden": "true"});
    if (kind) node.style.borderTopColor = colour; else node.style.background = colour;
    return node;
  }

  function towns() {
    return data.towns.map((town) => ({...town, rings: polygon(town.shape)}));
  }
  function outline(rings, style) { return L.polygon(rings, {interactive: false, smoothFactor: 0.6, ...style}); }

  function sources(strip, list, more = () => []) {
    onLanguage(() => {
      const lines = [...data.sources, data.tile_credit].filter(Boolean).map(said);
      const issued = [data.publisher && say("published_by", {n: data.publisher}), data.approval && say("approval", {n: data.approval})];
      // Over the map stands who must be named there; every source is told in the panel below.
      const credits = [data.sources[0], data.tile_credit].filter(Boolean).map(said).concat(issued.filter(Boolean));
      strip.replaceChildren(...credits.flatMap((line, i) => (i ? [" · ", nameOf(line)] : [nameOf(line)])));
      const facts = [[say("date"), said(data.as_of)], [say("publisher"), data.publisher], [say("approval_name"), data.approval]];
      list.replaceChildren(
        el("p", {class: "note"}, said(data.pace)),
        ...data.paces.map((line) => el("p", {class: "note"}, said(line))),
        el("p", {class: "note"}, say("how_measured")),
        ...more().map((line) => el("p", {class: "note"}, line)),
        ...facts.filter(([, value]) => value).map(([key, value]) => el("p", {class: "note"}, say("fact", {key, value}))),
        ...lines.map((line) => el("p", {class: "note"}, nameOf(line))),
        ...(data.streets.drawn < 0.999 ? [el("p", {class: "note"}, say("streets_thinned", {share: share(data.streets.drawn)}))] : []),
        el("p", {class: "note"}, said(data.palette)),
        el("p", {class: "note"}, say("made_with")),
      );
    });
  }

  function groundLayers(map, list, under, townList, tiles) {
    const colours = data.ground_colours;
    const borders = townList.map((town) => outline(town.rings, {fill: false, color: colours.border, weight: 1.2, opacity: 0.8, dashArray: "5 4"}));
    list.append(layer(map, "borders", swatch(colours.border, "dash"), () => borders, true));
    list.append(layer(map, "streets", swatch(colours.main, "line"), () => [under.streets], !tiles));
    const {water, green} = data.backdrop, nature = water && green ? ["nature", `linear-gradient(90deg, ${colours.water} 50%, ${colours.green} 50%)`] : water ? ["water", colours.water] : ["green", colours.green];
    if (water || green) list.append(layer(map, nature[0], swatch(nature[1]), () => [under.nature], !tiles));
    if (tiles) list.append(layer(map, "tiles", swatch("#e9e5dc"), () => [tiles], true));
  }

  function stationLayer(map, list, hall) {
    const entry = (one) => {
      const name = nameOf("");
      onLanguage(() => { name.textContent = one.name ? said(one.name) : say("unnamed"); });
      return el("li", {}, mark(one.form, one.colour, 18), name);
    };
    list.append(layer(map, "stations", mark(data.marks.mark.form, data.marks.mark.colour, 20), () => [hall.pins], true));
    for (const group of data.marks.lists) list.append(el("ul", {class: "keys"}, el("li", {class: "heading", "data-say": group.heading}), group.marks.map(entry)));
  }

  /* ---- facilities of daily life: painted tile by tile, told where one taps, found by search ---- */
  const NUMBERED = 15; // from this zoom on each carries the number of its service
  const TAP = 14; // pixels from a facility that are still a tap on it
  function facilityMark({number: n, colour}) {
    return svg("svg", {viewBox: "0 0 20 20", width: 18, height: 18, "aria-hidden": "true", focusable: "false"},
      svg("rect", {x: 1, y: 1, width: 18, height: 18, rx: 2, fill: colour}), svg("text", {x: 10, y: 14.4, "text-anchor": "middle", class: "facility-number", fill: "#fff"}, String(n)));
  }

  // The layers are off at first. Gives back how to find and to tell a facility; null where the page has none.
  function facilities(map, list, changed = () => {}) {
    const packed = data.facilities;
    if (!packed) return null;
    const services = packed.services.map((service, i) => ({...service, number: i + 1, shown: false}));
    const placesOf = (service) => (service.places ||= (polygon(service.points)[0] || []).map(([lat, lon], i) => {
      const [x, y] = toWorld(lat, lon);
      return {service, lat, lon, x, y, name: service.names[i] || ""};
    }));
    const shown = () => services.filter((service) => service.shown).flatMap(placesOf);
    const painted = new Painted((context, scale, box, zoom) => {
      const numbered = zoom >= NUMBERED, half = numbered ? 8 : 3;
      Object.assign(context, {font: "700 11px sans-serif", textAlign: "center", textBaseline: "middle"});
      for (const {service, x, y} of shown()) {
        if (x < box[0] || x > box[2] || y < box[1] || y > box[3]) continue;
        const left = x * scale - half, top = y * scale - half;
        context.fillStyle = "#fff";
        context.fillRect(left - 1, top - 1, 2 * half + 2, 2 * half + 2);
        context.fillStyle = service.colour;
        context.fillRect(left, top, 2 * half, 2 * half);
        context.fillStyle = "#fff";
        if (numbered) context.fillText(String(service.number), x * scale, y * scale + 0.5);
      }
    }, {pane: "facilities"});
    const draw = () => {
      if (!services.some((service) => service.shown)) painted.remove();
      else if (map.hasLayer(painted)) painted.redraw();
      else painted.addTo(map);
      changed();
    };

    const row = (service) => {
      const set = (on) => { if (service.shown !== on) { service.shown = on; draw(); } };
      return layer(map, () => say("facility_n", {name: said(service.label), n: number(service.count)}), facilityMark(service), () => [{addTo: () => set(true), remove: () => set(false)}], false);
    };
    const group = (word, quality) => {
      const own = services.filter((service) => service.quality === quality);
      for (const service of own) service.row = row(service);
      return own.length ? el("fieldset", {}, el("legend", {"data-say": word}), own.map((service) => service.row)) : null;
    };
    const about = el("div", {}), names = (some) => some.map((one) => said(one)).join(say("list_separator"));
    onLanguage(() => {
      about.replaceChildren(...[
        packed.unmapped.length ? say("facilities_unmapped", {n: names(packed.unmapped)}) : "",
        packed.every > 1 ? say("facilities_thinned", {n: number(packed.every)}) : "",
        packed.unnamed.length ? say("facilities_unnamed", {n: names(packed.unnamed)}) : "",
      ].filter(Boolean).map((line) => el("p", {class: "note"}, line)));
    });
    list.append(el("details", {class: "facilities"}, el("summary", {"data-say": "facilities"}), group("facility_basic", false), group("facility_quality", true), about));

    const titled = (place) => place.name || said(place.service.label);
    const tag = (place) => say("facility_tag", {n: said(place.service.label)});
    // `from`: the button that a key pressed, false where a list was clicked; null where the map was tapped, which then stays.
    function tell(place, from = null) {
      const box = place.service.row.querySelector("input");
      if (!box.checked) box.click();
      if (from !== null) map.setView([place.lat, place.lon], Math.max(map.getZoom(), 16), {animate: false});
      cardAt(map, [place.lat, place.lon], () => el("div", {class: "card", tabindex: "-1", role: "group", "aria-label": titled(place)},
        el("h2", {}, nameOf(titled(place))), el("p", {class: "tag"}, tag(place))), from || null);
    }
    function at(point) {
      const [x, y] = toWorld(point.lat, point.lng), scale = 256 * 2 ** map.getZoom();
      let best = null, least = TAP / scale;
      for (const place of shown()) {
        const far = Math.hypot(place.x - x, place.y - y);
        if (far < least) { best = place; least = far; }
      }
      return best;
    }
    // Of each service that is shown the nearest place in a straight line, with its metres.
    function near(point) {
      return services.filter((service) => service.shown).map((service) => placesOf(service)
        .reduce((best, place) => { const far = map.distance(point, place); return far < best[1] ? [place, far] : best; }, [null, Infinity]))
        .sort((a, b) => a[1] - b[1]);
    }
    const text = (place) => (place.text ||= fold([place.name, place.service.label.zh, place.service.label.en].join(" ")));
    const search = (words) => services.flatMap(placesOf).filter((place) => words.every((word) => text(place).includes(word)));
    function entry(place, far) {
      const button = el("button", {type: "button"}, facilityMark(place.service), el("span", {}, nameOf(titled(place)), el("small", {}, tag(place))),
        far === undefined ? null : el("span", {class: "far"}, far));
      button.addEventListener("click", (event) => { tell(place, event.detail === 0 ? button : false); toMap(map); });
      return el("li", {}, button);
    }
    return {tell, at, near, search, entry};
  }

  /* ---- stations: their marks, cards and outlines ---- */
  function card(station, more, foot) {
    const rows = ["address", "town", "hours"].map((key) => [say(key), station[key]]);
    const dial = station.phone.replace(/[^\d+]/g, "");
    rows.push([say("phone"), dial.length >= 3 && /^[\d\s+()（）.\-－—]+$/.test(station.phone) ? el("a", {href: "tel:" + dial}, station.phone) : station.phone]);
    rows.push([say("host"), said(station.host)]);
    const items = el("ul", {class: "items"}, station.services.map((item) => el("li", {dir: "auto"}, said(item)))), many = station.services.length > 6;
    if (!many) rows.push([say("services"), station.services.length ? items : ""]);
    const kinds = [station.kind, said(station.tier)].filter(Boolean).join(" · ");
    return el("div", {class: "card", tabindex: "-1", role: "group", "aria-label": station.name},
      el("h2", {}, nameOf(station.name)), kinds ? el("p", {class: "tag", dir: "auto"}, kinds) : null,
      el("dl", {}, rows.concat(more).filter(([, value]) => value).flatMap(([key, value]) => [el("dt", {}, key), el("dd", {dir: "auto"}, value)])),
      many ? el("details", {class: "all-items"}, el("summary", {}, say("services_n", {n: station.services.length})), items) : null, foot || null);
  }

  // Where the page is longer than the window, what was asked for in a table or list is shown.
  function toMap(map) {
    const box = map.getContainer().getBoundingClientRect();
    if (box.top < 0 || box.bottom > window.innerHeight + 1) map.getContainer().scrollIntoView({block: "start"});
  }

  // `foot(station)` gives what stands at the end of its card, `more(station)` gives further rows for its card.
  function stations(map, bands, more, foot) {
    const pins = L.featureGroup().addTo(map), drawn = L.layerGroup().addTo(map), told = [];
    let chosen = null;
    const reached = (station) => (station.rings ||= station.outlines.map(polygon));

    function choose(station) {
      if (chosen && chosen.pin.getElement()) chosen.pin.getElement().classList.remove("chosen");
      chosen = station;
      if (station && station.pin.getElement()) station.pin.getElement().classList.add("chosen");
      drawn.clearLayers();
      if (station) {
        reached(station).forEach((rings, i) => {
          if (rings.length) drawn.addLayer(outline(rings, {color: "#1c2733", weight: 1.2, opacity: 0.8, fillColor: bands[i].colour, fillOpacity: 0.42}));
        });
      }
      remember("station", station ? station.id : null);
      for (const act of told) act(station);
    }

    function open(station, from) {
      if (!map.hasLayer(pins)) pins.addTo(map);
      station.pin.byKeyboard = Boolean(from);
      station.pin.calledFrom = from;
      const wide = reached(station)[0];
      if (wide && wide.length) map.fitBounds(L.latLngBounds(wide.flat()), {padding: [12, 12], maxZoom: 16, animate: false});
      else map.setView([station.lat, station.lon], Math.max(map.getZoom(), 15), {animate: false});
      station.pin.openPopup();
      toMap(map);
    }

    // Where the whole area shows so many stations that they would hide one another, their marks are drawn smaller.
    const crowd = () => {
      const [a, b] = data.bounds.map((corner) => map.project(corner)), all = data.stations.length * LEAST_TARGET ** 2;
      map.getContainer().classList.toggle("crowded", all > 0.12 * Math.abs((a.x - b.x) * (a.y - b.y)));
    };
    map.on("zoomend", crowd);

    for (const station of data.stations) {
      station.pin = marker(map, [station.lat, station.lon], station.form, station.colour, () => station.name);
      bindCard(map, station.pin, () => card(station, more(station), foot && foot(station)));
      station.pin.on("popupopen", () => choose(station));
      pins.addLayer(station.pin);
    }
    return {pins, choose, open, reached, chosen: () => chosen, onChoose: (act) => told.push(act)};
  }

  // Before printing: the layout of paper, everything unfolded, the whole area on the map, and an open card below it; afterwards as it was.
  function onPaper(map) {
    let folded = [], seen = null, below = null;
    const settle = (paper) => {
      document.documentElement.classList.toggle("paper", paper);
      map.invalidateSize({animate: false});
    };
    window.addEventListener("beforeprint", () => {
      seen = [map.getCenter(), map.getZoom()];
      const open = map.getContainer().querySelector(".leaflet-popup .card");
      if (open) {
        below = el("section", {class: "block"}, open.cloneNode(true));
        map.getContainer().closest(".map-room").after(below);
      }
      folded = [...document.querySelectorAll("details:not([open])")];
      folded.forEach((one) => { one.open = true; });
      settle(true);
      fit(map);
    });
    window.addEventListener("afterprint", () => {
      folded.forEach((one) => { one.open = false; });
      if (below) below.remove();
      below = null;
      settle(false);
      if (seen) map.setView(seen[0], seen[1], {animate: false});
    });
  }

  function fit(map) { map.fitBounds(L.latLngBounds(data.bounds), {paddingTopLeft: [4, 4], paddingBottomRight: [4, 26], animate: false}); }

  // The last step of a page: speak its language, fit the map into what is left, and open the station its address names.
  function begin(map, hall) {
    if (matchMedia("(max-width: 860px)").matches) for (const one of document.querySelectorAll("details[data-fold]")) one.open = false;
    const wished = remembered("lang");
    speak(data.languages.includes(wished) ? wished : data.languages[0]);
    map.invalidateSize({animate: false});
    fit(map);
    const follow = () => {
      const linked = data.stations.find((station) => station.id === remembered("station"));
      if (linked && linked !== hall.chosen()) hall.open(linked, null);
    };
    follow();
    window.addEventListener("hashchange", follow);
    document.getElementById("print").addEventListener("click", () => window.print());
  }

  // As people type: in any case and width, and without accents.
  const fold = (text) => text.normalize("NFKD").replace(/\p{Mn}/gu, "").normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();

  const shared = {
    data, say, said, language: () => language, number, share, way, onLanguage, speak, languageSwitch, remember, remembered, el, svg, nameOf, numbers, shapes, polygon,
    inside, cardAt, facilities, toWorld, Painted, meets, mark, marker, bindCard, furnish, layer, swatch, towns, outline, sources, popup, toMap, tiles, toGcj, fromGcj, groundLayers, stationLayer, stations, begin, fold,
  };
  return shared;
})();
