/** One hour of a region drawn on a canvas: field, map, masks, and what tells where one looks. */

import { ABOVE, BELOW, MISSING, ROPI, framePaths, pixel, position } from "./frame.js";

/** Room about the axes for titles, ticks and colour bars, CSS pixels. */
export const MARGIN = { left: 58, right: 92, top: 26, bottom: 42 };

const OVER = "#ff3b30"; // field beyond the clip, or saturated: positive and negative
const UNDER = "#2f6bff";
const VEIL = "rgba(0, 0, 0, 0.65)";

/** The rectangle inside the axes. */
export function plotArea({ width, height }) {
  const { left, right, top, bottom } = MARGIN;
  return { x: left, y: top, width: width - left - right, height: height - top - bottom };
}

/**
 * How native pixels lie on the canvas.
 *
 * @param view centre (column and row) and the number of columns across the axes
 */
export function projection(view, area) {
  const scale = area.width / view.across;
  const middle = { x: area.x + area.width / 2, y: area.y + area.height / 2 };
  return {
    scale,
    toCanvas: (col, row) => [
      middle.x + (col - view.col) * scale,
      middle.y - (row - view.row) * scale,
    ],
    toPixel: (x, y) => [view.col + (x - middle.x) / scale, view.row - (y - middle.y) / scale],
  };
}

/**
 * Draw a scene.
 *
 * @param context of a canvas, in CSS pixels
 * @param size width and height there
 * @param scene `frame`, `map` (or null), `view`, `settings`, `style` (colours of layers, palettes),
 *   `theme` (text, ground, font), `title`, `waiting` (what is being read, or empty)
 */
export function paint(context, size, scene) {
  const { frame, view, settings, theme } = scene;
  const area = plotArea(size);
  context.clearRect(0, 0, size.width, size.height);
  if (scene.solid) fillRect(context, theme.ground, 0, 0, size.width, size.height);
  context.font = `13px ${theme.font}`;
  context.textBaseline = "middle";
  const on = projection(view, area);
  context.save();
  context.beginPath();
  context.rect(area.x, area.y, area.width, area.height);
  context.clip();
  fillRect(context, theme.missing, area.x, area.y, area.width, area.height);
  context.globalAlpha = scene.waiting ? 0.35 : 1;
  drawLayers(context, on, scene);
  context.globalAlpha = 1;
  if (settings.graticule && frame.geometry) drawGraticule(context, on, area, frame.geometry);
  drawMarks(context, on, area, scene);
  context.restore();
  drawAxes(context, on, area, scene);
  drawTop(context, area, scene);
  drawBars(context, area, scene);
}

function fillRect(context, colour, x, y, width, height) {
  context.fillStyle = colour;
  context.fillRect(x, y, width, height);
}

/** Everything that lies on pixels: x is the column and y the row, northwards. */
function drawLayers(context, on, { frame, map, settings, style }) {
  const [x0, y0] = on.toCanvas(0, 0);
  context.save();
  context.transform(on.scale, 0, 0, -on.scale, x0, y0);
  const pictures = (image, smooth, x, y, width, height) => {
    context.imageSmoothingEnabled = smooth;
    context.drawImage(image, x, y, width, height);
  };
  const whole = [-0.5, -0.5, frame.cols, frame.rows];
  pictures(fieldImage(frame, settings.clip, settings.clipped), on.scale < 1, ...whole);
  if (settings.attention && map?.values) {
    context.save();
    if (!settings.crop) {
      context.beginPath();
      context.rect(...whole);
      context.clip();
    }
    const { row0, col0, size } = map.box;
    const image = mapImage(map, mapScale(map, settings, style), settings.opacity / 100);
    pictures(image, false, col0 - 0.5, row0 - 0.5, size, size);
    context.restore();
  }
  const paths = framePaths(frame);
  const line = (path, colour, width, dash = []) => {
    for (const [stroke, wide] of [[VEIL, width + 2], [colour, width]]) {
      context.strokeStyle = stroke;
      context.lineWidth = wide / on.scale;
      context.setLineDash(dash.map((length) => length / on.scale));
      context.stroke(path);
    }
  };
  if (settings.ropi) {
    pictures(maskImage(frame, ROPI, style.colours.ropi), false, ...whole);
    line(paths.ropi, style.colours.ropi, 1);
  }
  if (settings.hull) line(paths.hull, style.colours.hull, 1.6, [7, 5]);
  if (settings.pil) line(paths.pil, style.colours.pil, 2.2);
  if (settings.crop && map?.box) {
    const { row0, col0, size } = map.box;
    const square = new Path2D();
    square.rect(col0 - 0.5, row0 - 0.5, size, size);
    line(square, style.colours.crop, 2, [8, 6]);
  }
  context.restore();
}

/** The field in grey, kept with its frame while the clip stays. */
function fieldImage(frame, clip, marked) {
  const wanted = `${clip} ${marked}`;
  if (frame.grey?.name !== wanted) {
    const colours = new Uint32Array(65536);
    for (let gauss = -clip; gauss <= clip; gauss++) {
      colours[gauss + 32768] = word(...Array(3).fill(Math.round((127.5 * (gauss + clip)) / clip)));
    }
    colours.fill(marked ? word(...rgb(UNDER)) : word(0, 0, 0), 0, 32768 - clip);
    colours.fill(marked ? word(...rgb(OVER)) : word(255, 255, 255), 32768 + clip + 1);
    colours[BELOW + 32768] = word(...rgb(UNDER));
    colours[ABOVE + 32768] = word(...rgb(OVER));
    colours[MISSING + 32768] = 0;
    const pixels = Uint32Array.from(frame.field, (gauss) => colours[gauss + 32768]);
    frame.grey = { name: wanted, image: picture(pixels, frame.cols, frame.rows) };
  }
  return frame.grey.image;
}

function maskImage(frame, bit, colour) {
  frame.filled ??= {};
  frame.filled[bit] ??= (() => {
    const fill = word(...rgb(colour), 90);
    const pixels = Uint32Array.from(frame.masks, (bits) => (bits & bit ? fill : 0));
    return picture(pixels, frame.cols, frame.rows);
  })();
  return frame.filled[bit];
}

function mapImage(map, scale, opacity) {
  const pixels = Uint32Array.from(map.values, (value) => {
    if (Number.isNaN(value)) return 0;
    const [red, green, blue, alpha] = scale.colour(value);
    return word(red, green, blue, Math.round(255 * alpha * opacity));
  });
  return picture(pixels, map.shape[1], map.shape[0]);
}

function picture(pixels, cols, rows) {
  const canvas = new OffscreenCanvas(cols, rows);
  const data = new ImageData(new Uint8ClampedArray(pixels.buffer), cols, rows);
  canvas.getContext("2d").putImageData(data, 0, 0);
  return canvas;
}

function word(red, green, blue, alpha = 255) {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

/** Limits and colours of a map: (value) → red, green, blue (0 to 255) and alpha (0 to 1). */
function mapScale(map, settings, style) {
  const known = map.values.filter((value) => !Number.isNaN(value));
  let [low, high] = [Math.min(...known), Math.max(...known)];
  if (map.signed) {
    high = Math.max(-low, high) || 1;
    low = -high;
  } else if (!(high > low)) high = low + 1;
  const stops = map.signed ? style.palettes.signed : style.palettes[settings.palette];
  const colour = (value) => {
    const part = Math.min(Math.max((value - low) / (high - low), 0), 1);
    const next = Math.max(stops.findIndex(([at]) => at >= part), 1);
    const [[from, first], [to, second]] = [stops[next - 1], stops[next]];
    const share = (part - from) / (to - from);
    return first.map((one, i) => one + share * (second[i] - one));
  };
  return { low, high, colour };
}

/** A step of 1, 2 or 5 times a power of ten, of which `most` fit into a length. */
function roundStep(length, most) {
  const power = 10 ** Math.floor(Math.log10(length / most));
  return [1, 2, 5, 10].map((one) => one * power).find((step) => length / step <= most);
}

function multiples(low, high, step) {
  const found = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + 1e-9; n++) found.push(n * step);
  return found;
}

/** Meridians and parallels, as dense as the view asks for. */
function drawGraticule(context, on, area, geometry) {
  const edge = [];
  for (let i = 0; i <= 20; i++) {
    const [x, y] = [area.x + (area.width * i) / 20, area.y + (area.height * i) / 20];
    edge.push([x, area.y], [x, area.y + area.height], [area.x, y], [area.x + area.width, y]);
  }
  const seen = edge.map(([x, y]) => position(geometry, ...on.toPixel(x, y)));
  const range = (name) => {
    const values = seen.map((one) => one[name]);
    return [Math.min(...values), Math.max(...values)];
  };
  const [west, north] = [range("longitude"), range("latitude")];
  const step = [1, 2, 5, 10, 30].find((one) => (west[1] - west[0]) / one <= 8) ?? 30;
  context.strokeStyle = "rgba(120, 190, 255, 0.6)";
  context.lineWidth = 1;
  context.setLineDash([]);
  const curve = (place) => {
    context.beginPath();
    for (let i = 0; i <= 60; i++) context.lineTo(...on.toCanvas(...place(i / 60)));
    context.stroke();
  };
  const between = ([low, high], share) => low + share * (high - low);
  for (const longitude of multiples(...west, step)) {
    curve((share) => pixel(geometry, longitude, between(north, share)));
  }
  for (const latitude of multiples(...north, step)) {
    curve((share) => pixel(geometry, between(west, share), latitude));
  }
}

/** Scale bar, north and west, "simulated data", and what is being read. */
function drawMarks(context, on, area, { frame, waiting, theme }) {
  const [right, bottom] = [area.x + area.width - 14, area.y + area.height - 16];
  if (frame.mm) {
    const most = (0.25 * area.width * frame.mm) / on.scale;
    const length = roundStep(most, 1.99);
    const long = (length / frame.mm) * on.scale;
    for (const [colour, width] of [[VEIL, 6], ["#ffffff", 3]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(right - long, bottom);
      context.lineTo(right, bottom);
      context.stroke();
    }
    label(context, `${number(length)} Mm`, right - long / 2, bottom - 13, "center");
  }
  label(context, "N ↑", right, area.y + 16, "right");
  label(context, "W →", right, area.y + 36, "right");
  if (frame.simulated) label(context, "simulated data", area.x + 12, area.y + 16, "left", "#ffb454");
  if (waiting) {
    const middle = [area.x + area.width / 2, area.y + area.height / 2];
    context.font = `15px ${theme.font}`;
    label(context, waiting, ...middle, "center");
  }
}

function label(context, text, x, y, align, colour = "#ffffff") {
  context.textAlign = align;
  context.lineJoin = "round";
  context.lineWidth = 4;
  context.strokeStyle = VEIL;
  context.setLineDash([]);
  context.strokeText(text, x, y);
  context.fillStyle = colour;
  context.fillText(text, x, y);
}

function drawAxes(context, on, area, { frame, settings, theme }) {
  context.strokeStyle = theme.edge;
  context.lineWidth = 1;
  context.strokeRect(area.x - 0.5, area.y - 0.5, area.width + 1, area.height + 1);
  const { titles, along } = axisKinds(frame, settings.axes);
  const bottom = area.y + area.height;
  context.fillStyle = theme.text;
  for (const [axis, length] of [[0, area.width], [1, area.height]]) {
    const values = [];
    const places = [];
    for (let i = 0; i <= 200; i++) {
      const at = (length * i) / 200;
      const [x, y] = axis ? [area.x, bottom - at] : [area.x + at, bottom];
      values.push(along[axis](...on.toPixel(x, y)));
      places.push(axis ? bottom - at : area.x + at);
    }
    const [low, high] = [values[0], values[200]];
    const step = roundStep(high - low, axis ? length / 34 : length / 64);
    for (const value of multiples(low, high, step)) {
      const next = Math.max(values.findIndex((one) => one >= value - 1e-9), 1);
      const share = (value - values[next - 1]) / (values[next] - values[next - 1]);
      const at = places[next - 1] + share * (places[next] - places[next - 1]);
      tick(context, area, axis, at, number(value, step) + (titles.unit === "°" ? "°" : ""));
    }
  }
  context.textAlign = "center";
  context.fillText(titles.x, area.x + area.width / 2, bottom + 33);
  context.save();
  context.translate(11, area.y + area.height / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(titles.y, 0, 0);
  context.restore();
}

function tick(context, area, axis, at, text) {
  const bottom = area.y + area.height;
  context.beginPath();
  context.moveTo(...(axis ? [area.x - 5, at] : [at, bottom + 5]));
  context.lineTo(...(axis ? [area.x, at] : [at, bottom]));
  context.stroke();
  context.textAlign = axis ? "right" : "center";
  context.fillText(text, ...(axis ? [area.x - 8, at] : [at, bottom + 15]));
}

/** What the axes count: titles, and the value along each as a function of column and row. */
function axisKinds({ geometry, mm, rows, cols }, wanted) {
  if (wanted === "deg" && geometry) {
    return {
      titles: { x: "longitude from the central meridian", y: "latitude", unit: "°" },
      along: [
        (col, row) => position(geometry, col, row).longitude,
        (col, row) => position(geometry, col, row).latitude,
      ],
    };
  }
  if (wanted === "px" || !mm) {
    return {
      titles: { x: "column (px)", y: "row (px)", unit: "px" },
      along: [(col) => col, (col, row) => row],
    };
  }
  return {
    titles: { x: "west of the patch's middle (Mm)", y: "north of it (Mm)", unit: "Mm" },
    along: [
      (col) => (col - (cols - 1) / 2) * mm,
      (col, row) => (row - (rows - 1) / 2) * mm,
    ],
  };
}

/** Title at the left, names of the lines that are drawn at the right. */
function drawTop(context, area, { title, settings, style, map, theme }) {
  const y = area.y - 13;
  context.fillStyle = theme.text;
  context.textAlign = "left";
  context.fillText(title, area.x, y);
  const names = { pil: "PIL", ropi: "RoPI", hull: "convex hull", crop: "network's view" };
  let x = area.x + area.width;
  for (const [layer, name] of Object.entries(names).reverse()) {
    if (!settings[layer] || (layer === "crop" && !map?.box)) continue;
    context.textAlign = "right";
    context.fillStyle = theme.text;
    context.fillText(name, x, y);
    x -= context.measureText(name).width + 24;
    context.strokeStyle = style.colours[layer];
    context.lineWidth = 3;
    context.setLineDash(layer === "hull" || layer === "crop" ? [5, 3] : []);
    context.beginPath();
    context.moveTo(x + 2, y);
    context.lineTo(x + 19, y);
    context.stroke();
    context.setLineDash([]);
    x -= 12;
  }
}

/** The bars of the field and, as it lies over middle grey, of the map. */
function drawBars(context, area, { map, settings, style, theme }) {
  const x = area.x + area.width + 12;
  const withMap = settings.attention && map?.values;
  const height = withMap ? (area.height - 24) / 2 : area.height;
  const clip = settings.clip;
  const grey = (value) => Array(3).fill(Math.round((127.5 * (value + clip)) / clip));
  bar(context, { x, y: area.y, height }, [-clip, clip], grey, "B along the line of sight (G)", theme);
  if (!withMap) return;
  const { low, high, colour } = mapScale(map, settings, style);
  const over = (value) => {
    const [red, green, blue, alpha] = colour(value);
    const share = (alpha * settings.opacity) / 100;
    return [red, green, blue].map((one) => Math.round(share * one + (1 - share) * 128));
  };
  const y = area.y + area.height - height;
  bar(context, { x, y, height }, [low, high], over, `${map.name} (${map.unit})`, theme);
}

function bar(context, { x, y, height }, [low, high], colour, title, theme) {
  const wide = 13;
  for (let i = 0; i < height; i++) {
    const value = high - ((i + 0.5) / height) * (high - low);
    fillRect(context, `rgb(${colour(value).join(",")})`, x, y + i, wide, 1.5);
  }
  context.strokeStyle = theme.edge;
  context.strokeRect(x - 0.5, y - 0.5, wide + 1, height + 1);
  context.fillStyle = theme.text;
  context.textAlign = "left";
  context.font = `12px ${theme.font}`;
  const step = roundStep(high - low, Math.max(Math.min(height / 26, 5), 2));
  for (const value of multiples(low, high, step)) {
    const at = y + ((high - value) / (high - low)) * height;
    context.fillText(number(value, step), x + wide + 5, Math.min(Math.max(at, y + 6), y + height - 6));
  }
  context.save();
  context.translate(x + 68, y + height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.font = `12px ${theme.font}`;
  context.fillText(title, 0, 0, height + 14);
  context.restore();
  context.font = `13px ${theme.font}`;
}

/** A number with as many digits as its step asks for, and a real minus sign. */
export function number(value, step = value) {
  const digits = Math.max(0, -Math.floor(Math.log10(Math.abs(step) || 1) + 1e-9));
  const text = digits > 4 ? value.toPrecision(2) : value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}
