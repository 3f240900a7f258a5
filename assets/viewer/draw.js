/** One hour of a region drawn on a canvas: field, map, masks, and what tells where one looks. */

import { drawArrowScale, drawArrows } from "./arrows.js";
import { VEIL, drawAxes, drawBars, drawGraticule, label, number, over, roundStep } from "./axes.js";
import { MISSING_DIFFERENCE } from "./compare.js";
import { levelPath, mapLevels, stopColour } from "./contours.js";
import { ABOVE, BELOW, Line, MISSING, ROPI, framePath } from "./frame.js";
import { shownOf } from "./shown.js";

/** Room about the axes for titles, ticks and colour bars, CSS pixels. */
export const MARGIN = { left: 68, right: 98, top: 26, bottom: 42 };

const OVER = "#ff3b30"; // field beyond the clip, or saturated: positive and negative
const UNDER = "#2f6bff";

/** The rectangle inside the axes. */
export function plotArea({ width, height }) {
  const { left, right, top, bottom } = MARGIN;
  return { x: left, y: top, width: width - left - right, height: height - top - bottom };
}

/** Edges of a patch, and of the square that the network sees if that is given, native pixels. */
export function extent({ rows, cols }, box) {
  const { row0, col0, size } = box ?? { row0: 0, col0: 0, size: 0 };
  return {
    x0: Math.min(0, col0) - 0.5,
    y0: Math.min(0, row0) - 0.5,
    x1: Math.max(cols, col0 + size) - 0.5,
    y1: Math.max(rows, row0 + size) - 0.5,
  };
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
 *   `theme` (text, ground, font), `limits` of the map's colours (its own where there are none),
 *   `title`, `named` (whether lines are named above), `note` and
 *   `waiting` (what is being read), both empty where there is nothing to say
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
  if (settings.arrows && frame.arrows) drawArrows(context, on, area, frame);
  context.globalAlpha = 1;
  if (settings.graticule && frame.geometry) drawGraticule(context, on, area, frame.geometry);
  drawMarks(context, on, area, scene);
  context.restore();
  drawAxes(context, on, area, scene);
  drawTop(context, area, scene);
  const { map } = scene;
  const scale = settings.attention && map?.values ? mapScale(scene) : null;
  drawBars(context, area, scene, settings.bare ? null : fieldScale(scene), scale);
}

/** Make what takes time of a frame before it is drawn. */
export function prepare(frame, settings) {
  fieldImage({ frame, settings });
  for (const layer of ["pil", "ropi", "hull"]) if (settings[layer]) framePath(frame, layer);
}

function fillRect(context, colour, x, y, width, height) {
  context.fillStyle = colour;
  context.fillRect(x, y, width, height);
}

/** Everything that lies on pixels: x is the column and y the row, northwards. */
function drawLayers(context, on, scene) {
  const { frame, map, settings, style } = scene;
  const [x0, y0] = on.toCanvas(0, 0);
  context.save();
  context.transform(on.scale, 0, 0, -on.scale, x0, y0);
  const pictures = (image, smooth, x, y, width, height) => {
    context.imageSmoothingEnabled = smooth;
    context.drawImage(image, x, y, width, height);
  };
  const whole = [-0.5, -0.5, frame.cols, frame.rows];
  if (settings.bare) fillRect(context, "rgb(128, 128, 128)", ...whole);
  else pictures(fieldImage(scene), on.scale < 1, ...whole);
  if (settings.attention && map?.values && !settings.contours) {
    context.save();
    if (!settings.crop) {
      context.beginPath();
      context.rect(...whole);
      context.clip();
    }
    const { row0, col0, size } = map.box;
    const image = mapImage(map, mapScale(scene), settings.opacity / 100);
    pictures(image, false, col0 - 0.5, row0 - 0.5, size, size);
    context.restore();
  }
  const line = (path, colour, width, dash = []) => {
    for (const [stroke, wide] of [[VEIL, width + 2], [colour, width]]) {
      context.strokeStyle = stroke;
      context.lineWidth = wide / on.scale;
      context.setLineDash(dash.map((length) => length / on.scale));
      context.stroke(path);
    }
  };
  if (settings.attention && map?.values && settings.contours) {
    context.save();
    context.globalAlpha *= Math.min(1, settings.opacity / 60); // at the usual opacity in full
    for (const { level, colour, width } of mapLevels(map, paletteOf(map, settings, style))) {
      line(levelPath(map, level), colour, width);
    }
    context.restore();
  }
  context.globalAlpha *= settings.lines / 100;
  if (settings.ropi) {
    pictures(maskImage(frame, ROPI, style.colours.ropi), false, ...whole);
    line(framePath(frame, "ropi"), style.colours.ropi, 1);
  }
  if (settings.hull) line(framePath(frame, "hull"), style.colours.hull, 1.6, [7, 5]);
  if (settings.pil) line(framePath(frame, "pil"), style.colours.pil, 2.2);
  if (settings.crop && map?.box) {
    const { row0, col0, size } = map.box;
    const square = new Line();
    square.rect(col0 - 0.5, row0 - 0.5, size, size);
    line(square, style.colours.crop, 2, [8, 6]);
  }
  context.restore();
}

/** Limits and colours of what the frame holds, or of a difference: (value) → red, green, blue. */
function fieldScale({ frame, settings, style }) {
  const { title: of, symbol, unit, per, range } = shownOf(frame);
  if (range && !frame.compared) {
    const [low, high] = range;
    const colour = (value) => over(stopColour(style.palettes.inclination, value / high), 1, 128);
    return { low, high, colour, title: of, per };
  }
  const clip = range ? range[1] : settings.clip;
  const grey = (gauss) => Array(3).fill(Math.round((127.5 * (gauss + clip)) / clip));
  const diverging = (gauss) => {
    const colour = stopColour(style.palettes.signed, (gauss + clip) / (2 * clip));
    return over(colour, 1, 128);
  };
  const title = frame.compared ? `difference of ${symbol} (${unit})` : of;
  return { low: -clip, high: clip, colour: frame.compared ? diverging : grey, title, per };
}

/** The field in its colours, kept with its frame while the clip stays. */
export function fieldImage(scene) {
  const { frame, settings } = scene;
  const { clip, clipped } = settings;
  const wanted = `${clip} ${clipped}`;
  if (frame.grey?.name !== wanted) {
    const { low, high, colour, per } = fieldScale(scene);
    const [least, most] = [32768 + low * per, 32768 + high * per];
    const colours = new Uint32Array(65536);
    for (let at = least; at <= most; at++) colours[at] = word(...colour((at - 32768) / per));
    const marked = clipped && !frame.compared;
    const [under, beyond] = marked ? [rgb(UNDER), rgb(OVER)] : [low, high].map(colour);
    colours.fill(word(...under), 0, least);
    colours.fill(word(...beyond), most + 1);
    if (!frame.compared) {
      colours[BELOW + 32768] = word(...rgb(UNDER));
      colours[ABOVE + 32768] = word(...rgb(OVER));
    }
    colours[MISSING + 32768] = 0;
    const { field, cols, rows } = frame;
    const pixels = new Uint32Array(field.length);
    const within = frame.compared ? bounded : (gauss) => gauss;
    for (let i = 0; i < field.length; i++) pixels[i] = colours[within(field[i]) + 32768];
    frame.grey = { name: wanted, image: picture(pixels, cols, rows) };
  }
  return frame.grey.image;
}

/** A difference may be twice as large as a field; what is missing stays it. */
function bounded(gauss) {
  if (gauss === MISSING_DIFFERENCE) return MISSING;
  return Math.min(Math.max(gauss, MISSING + 1), 32767);
}

function maskImage(frame, bit, colour) {
  frame.filled ??= {};
  frame.filled[bit] ??= (() => {
    const fill = word(...rgb(colour), 90);
    const { masks, cols, rows } = frame;
    const pixels = new Uint32Array(masks.length);
    for (let i = 0; i < masks.length; i++) if (masks[i] & bit) pixels[i] = fill;
    return picture(pixels, cols, rows);
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

/** The least and the greatest value of a map. */
export function mapLimits(map) {
  const known = map.values.filter((value) => !Number.isNaN(value));
  return [Math.min(...known), Math.max(...known)];
}

/** Limits and colours of a map: (value) → red, green, blue (0 to 255) and alpha (0 to 1). */
function mapScale({ map, limits, settings, style }) {
  let [low, high] = limits ?? mapLimits(map);
  if (map.signed) {
    high = Math.max(-low, high) || 1;
    low = -high;
  } else if (!(high > low)) high = low + 1;
  const stops = paletteOf(map, settings, style);
  const colour = (value) => stopColour(stops, (value - low) / (high - low));
  const levels = settings.contours ? mapLevels(map, stops) : null;
  return { low, high, colour, levels };
}

function paletteOf(map, settings, style) {
  return map.signed ? style.palettes.signed : style.palettes[settings.palette];
}

/** The value of a map at a pixel; null where it has none. */
export function mapValue(map, col, row) {
  if (!map?.values) return null;
  const { row0, col0, size } = map.box;
  const [down, across] = map.shape;
  const line = Math.floor(((row - row0) * down) / size);
  const place = Math.floor(((col - col0) * across) / size);
  const inside = line >= 0 && place >= 0 && line < down && place < across;
  return inside ? map.values[line * across + place] : null;
}

/** Scale bar, north and west, "simulated data", and what is being read. */
function drawMarks(context, on, area, { frame, settings, note, waiting, theme }) {
  const [right, bottom] = [area.x + area.width - 14, area.y + area.height - 16];
  if (frame.mm) {
    const most = (0.25 * area.width * frame.mm) / on.scale;
    const length = roundStep(most, 1.99);
    const long = (length / frame.mm) * on.scale;
    context.setLineDash([]);
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
  if (settings.arrows && frame.arrows) drawArrowScale(context, right, bottom - 34);
  label(context, "N ↑", right, area.y + 16, "right");
  label(context, "W →", right, area.y + 36, "right");
  if (frame.simulated) label(context, "simulated data", area.x + 12, area.y + 16, "left", "#ffb454");
  if (note) label(context, note, area.x + 12, area.y + area.height - 16, "left", "#ffb454");
  if (waiting) {
    const middle = [area.x + area.width / 2, area.y + area.height / 2];
    context.font = `15px ${theme.font}`;
    label(context, waiting, ...middle, "center");
  }
}

/** Title at the left, where it fits, and names of the lines that are drawn at the right. */
function drawTop(context, area, { frame, title, named, settings, style, map, theme }) {
  const y = area.y - 13;
  const pil = frame.pil === "br" ? "PIL of Br" : "PIL";
  const names = { pil, ropi: "RoPI", hull: "convex hull", crop: "network's view" };
  let x = area.x + area.width;
  for (const [layer, name] of Object.entries(names).reverse()) {
    if (!named || !settings[layer] || (layer === "crop" && !map?.box)) continue;
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
    x -= 12;
  }
  context.setLineDash([]);
  if (named && area.x + context.measureText(title).width > x) return;
  context.fillStyle = theme.text;
  context.textAlign = "left";
  context.fillText(title, area.x, y, area.width + MARGIN.right);
}
