/** What is drawn of a cut: its line on the picture, the field along it, and that of all hours. */

import { VEIL, label, number, roundStep } from "../axes.js";
import { fieldImage } from "../draw.js";
import { MISSING } from "../frame.js";
import { shownOf } from "../shown.js";

const HOUR_MS = 3_600_000;
const ROOM = { left: 58, right: 58, top: 10, bottom: 36 };
const LINE = "#ffffff";
const MAP = "#7c5cff";
const ABSENT = "#ff9f1c";

/** The rectangle inside the axes of a plot, CSS pixels. */
export function panelArea({ clientWidth, clientHeight }) {
  const { left, right, top, bottom } = ROOM;
  return { x: left, y: top, width: clientWidth - left - right, height: clientHeight - top - bottom };
}

/** Every whole hour from the first to the last of a passage, whether it has a record or not. */
export function passageHours(hours) {
  const [first, last] = [hours[0], hours.at(-1)].map((hour) => Date.parse(`${hour}Z`));
  const count = Math.round((last - first) / HOUR_MS) + 1;
  const name = (i) => new Date(first + i * HOUR_MS).toISOString().slice(0, 16);
  return Array.from({ length: count }, (_, i) => name(i));
}

/** An hour in words, in UTC where TAI is `late` milliseconds ahead of it, else in TAI. */
export function hourWords(hour, late) {
  const text = new Date(Date.parse(`${hour}Z`) - late).toISOString().replace("T", " ");
  return late ? `${text.slice(0, 19)} UTC` : `${text.slice(0, 16)} TAI`;
}

/** Draw the cut on the picture: its line, its ends, and the place under the pointer of a plot. */
export function drawOver(context, points, marked, length) {
  context.setLineDash([]);
  context.lineJoin = "round";
  for (const [colour, width] of [[VEIL, 5], [LINE, 2]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    for (const point of points) context.lineTo(...point);
    context.stroke();
  }
  const dot = ([x, y], radius, fill) => {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    for (const [colour, width] of [[VEIL, 4], [LINE, 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.stroke();
    }
    context.fillStyle = fill;
    context.fill();
  };
  dot(points[0], 5, "rgba(0, 0, 0, 0.25)");
  if (points.length > 1) {
    dot(points.at(-1), 5, "rgba(0, 0, 0, 0.25)");
    const right = points.at(-1)[0] >= points[0][0];
    const beyond = ([x, y], text, side) => label(context, text, x + 10 * side, y, side > 0 ? "left" : "right");
    beyond(points[0], "0", right ? -1 : 1);
    beyond(points.at(-1), `${number(length, length < 10 ? 0.1 : 1)} Mm`, right ? 1 : -1);
  }
  if (marked) dot(marked, 4, ABSENT);
}

/**
 * Draw the field along the cut at the hour of the picture, and the map's values there.
 *
 * @param canvas to draw on, as large as the page shows it
 * @param plot `places`, `field` (in the unit of the `frame`, NaN where unknown), `map` (name, unit, values) or null,
 *   `theme`, `hour`, `late` (as of `hourWords`), `place` (under the pointer, or null)
 */
export function drawProfile(canvas, { places, field, frame, map, theme, hour, late, place }) {
  const { picture, symbol, unit } = shownOf(frame);
  const { context, area } = begun(canvas, theme);
  const length = places.at(-1).mm;
  const x = (mm) => area.x + (mm / length) * area.width;
  const [low, high] = limits(field, 0);
  horizontal(context, area, [0, length], theme, (mm) => number(mm, roundStep(length, 6)), "along the cut (Mm)");
  vertical(context, area, [low, high], theme, `${symbol} (${unit})`);
  const zero = area.y + (high / (high - low)) * area.height;
  stroke(context, [[area.x, zero], [area.x + area.width, zero]], theme.edge, 1);
  if (map) {
    const range = limits(map.values);
    vertical(context, area, range, { ...theme, text: MAP }, map.name, true);
    curve(context, area, places.map(({ mm }) => x(mm)), map.values, range, MAP);
  }
  curve(context, area, places.map(({ mm }) => x(mm)), field, [low, high], theme.text);
  if (place !== null) {
    const at = x(places[place].mm);
    stroke(context, [[at, area.y], [at, area.y + area.height]], ABSENT, 1);
  }
  const known = field.filter((gauss) => !Number.isNaN(gauss));
  const range = known.length ? `${number(Math.min(...known), 1)} to ${number(Math.max(...known), 1)} ${unit}` : "not known";
  canvas.ariaLabel = `${named(picture)} along the cut, ${number(length, 0.1)} Mm, at ${hourWords(hour, late)}: ${range}`;
}

/**
 * Draw the field along the cut at every hour: time to the right, distance upwards, B in grey.
 *
 * Of a marker it is a curve. Hours without a record, or whose file cannot be read, stay empty and
 * have a mark at the top; so do those that are not here yet, without one.
 *
 * @param plot as of `drawProfile`, with `columns` (hour, values or null, missing) and the `scene`
 *   of the picture, for its grey
 */
export function drawPassage(canvas, { places, columns, frame: shown, scene, theme, hour, late, place }) {
  const { picture, symbol, unit, per } = shownOf(shown);
  const { context, area } = begun(canvas, theme);
  const wide = area.width / columns.length;
  const middle = (i) => area.x + (i + 0.5) * wide;
  if (places.length > 1) {
    const stacked = new Int16Array(columns.length * places.length).fill(MISSING);
    columns.forEach(({ values }, i) =>
      values?.forEach((gauss, j) => {
        if (!Number.isNaN(gauss)) stacked[j * columns.length + i] = Math.round(gauss * per);
      }),
    );
    const frame = { shown: shown.shown, field: stacked, cols: columns.length, rows: places.length };
    context.save();
    context.imageSmoothingEnabled = false;
    context.translate(area.x, area.y + area.height);
    context.scale(1, -1);
    context.drawImage(fieldImage({ ...scene, frame }), 0, 0, area.width, area.height);
    context.restore();
    vertical(context, area, [0, places.at(-1).mm], theme, "along the cut (Mm)");
  } else {
    const values = columns.map((column) => column.values?.[0] ?? NaN);
    const range = limits(values, 0);
    vertical(context, area, range, theme, `${symbol} (${unit})`);
    curve(context, area, values.map((_, i) => middle(i)), values, range, theme.text, true);
  }
  context.fillStyle = ABSENT;
  columns.forEach(({ missing }, i) => {
    if (missing) context.fillRect(area.x + i * wide, area.y, Math.max(wide - 0.5, 1), 5);
  });
  const step = [1, 2, 3, 6, 12, 24, 48, 96].find((one) => (one * area.width) / columns.length > 52) ?? 192;
  const names = columns.map((column, i) => [column.hour, i]).filter(
    ([name]) => (Date.parse(`${name}Z`) / HOUR_MS) % step === 0,
  );
  // A whole hour of UTC lies as much after that of TAI as TAI is ahead.
  const ticked = ([name, i]) => [middle(i + late / HOUR_MS), name.endsWith("T00:00") ? name.slice(5, 10) : name.slice(11)];
  ticks(context, area, names.map(ticked), theme, `hour (${late ? "UTC" : "TAI"})`);
  const here = columns.findIndex((column) => column.hour === hour);
  context.strokeStyle = ABSENT;
  context.lineWidth = 1.5;
  context.strokeRect(area.x + here * wide - 0.75, area.y - 0.75, wide + 1.5, area.height + 1.5);
  if (place !== null && places.length > 1) {
    const y = area.y + area.height * (1 - (place + 0.5) / places.length);
    stroke(context, [[area.x, y], [area.x + area.width, y]], ABSENT, 1);
  }
  const gaps = columns.filter((column) => column.missing).length;
  canvas.ariaLabel = `${named(picture)} at the cut from ${hourWords(columns[0].hour, late)} to ${hourWords(columns.at(-1).hour, late)}, ${gaps} hours without a magnetogram`;
}

/** What a plot is of. */
function named(picture) {
  return picture === "Magnetogram" ? "Field" : picture;
}

/** Fit a canvas to its place in the page and draw the frame of its axes. */
function begun(canvas, theme) {
  const ratio = devicePixelRatio || 1;
  Object.assign(canvas, { width: Math.round(canvas.clientWidth * ratio), height: Math.round(canvas.clientHeight * ratio) });
  const context = canvas.getContext("2d");
  const area = panelArea(canvas);
  context.scale(ratio, ratio);
  context.font = `12px ${theme.font}`;
  context.textBaseline = "middle";
  context.fillStyle = theme.missing;
  context.fillRect(area.x, area.y, area.width, area.height);
  context.strokeStyle = theme.edge;
  context.strokeRect(area.x - 0.5, area.y - 0.5, area.width + 1, area.height + 1);
  return { context, area };
}

/** Least and largest of the values that are known, with `also` between them, and never alike. */
function limits(values, also = Infinity) {
  const known = [...values, ...(Number.isFinite(also) ? [also] : [])].filter(Number.isFinite);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  if (!known.length || low === high) return [(known[0] ?? 0) - 1, (known[0] ?? 0) + 1];
  const room = 0.05 * (high - low);
  return [low - room, high + room];
}

function horizontal(context, area, [low, high], theme, name, title) {
  const step = roundStep(high - low, Math.max(area.width / 64, 2));
  const values = [];
  for (let value = Math.ceil(low / step) * step; value <= high + 1e-9; value += step) values.push(value);
  ticks(context, area, values.map((value) => [area.x + ((value - low) / (high - low)) * area.width, name(value)]), theme, title);
}

function ticks(context, area, places, theme, title) {
  const bottom = area.y + area.height;
  context.fillStyle = theme.text;
  context.textAlign = "center";
  for (const [x, text] of places) {
    stroke(context, [[x, bottom], [x, bottom + 4]], theme.edge, 1);
    context.fillText(text, x, bottom + 12);
  }
  context.fillText(title, area.x + area.width / 2, bottom + 28);
}

function vertical(context, area, [low, high], theme, title, right = false) {
  const step = roundStep(high - low, Math.max(area.height / 26, 2));
  const edge = right ? area.x + area.width : area.x;
  const side = right ? 1 : -1;
  context.fillStyle = theme.text;
  context.textAlign = right ? "left" : "right";
  for (let value = Math.ceil(low / step) * step; value <= high + 1e-9; value += step) {
    const y = area.y + ((high - value) / (high - low)) * area.height;
    stroke(context, [[edge, y], [edge + 4 * side, y]], theme.edge, 1);
    context.fillText(number(value, step), edge + 7 * side, y);
  }
  context.save();
  context.translate(right ? area.x + area.width + ROOM.right - 8 : 8, area.y + area.height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(title, 0, 0, area.height + 20);
  context.restore();
}

/** A line through values, broken where they are not known. */
function curve(context, area, xs, values, [low, high], colour, dots = false) {
  context.strokeStyle = colour;
  context.fillStyle = colour;
  context.lineWidth = 1.6;
  context.setLineDash([]);
  context.beginPath();
  let broken = true;
  values.forEach((value, i) => {
    if (Number.isNaN(value)) {
      broken = true;
      return;
    }
    const y = area.y + ((high - value) / (high - low)) * area.height;
    if (broken) context.moveTo(xs[i], y);
    else context.lineTo(xs[i], y);
    if (dots) context.fillRect(xs[i] - 1.5, y - 1.5, 3, 3);
    broken = false;
  });
  context.stroke();
}

function stroke(context, points, colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.setLineDash([]);
  context.beginPath();
  for (const point of points) context.lineTo(...point);
  context.stroke();
}
