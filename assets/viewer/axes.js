/** Axes, graticule, colour bars and words of a picture. */

import { drawLevels } from "./contours.js";
import { pixel, position } from "./frame.js";

/** About what is drawn on the field, so that it stands out. */
export const VEIL = "rgba(0, 0, 0, 0.65)";

/** A step of 1, 2 or 5 times a power of ten, of which `most` fit into a length. */
export function roundStep(length, most) {
  const power = 10 ** Math.floor(Math.log10(length / most));
  return [1, 2, 5, 10].map((one) => one * power).find((step) => length / step <= most);
}

function multiples(low, high, step) {
  const found = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + 1e-9; n++) found.push(n * step);
  return found;
}

/** Meridians and parallels, as dense as the view asks for. */
export function drawGraticule(context, on, area, geometry) {
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

/** Frame, ticks and titles. */
export function drawAxes(context, on, area, { frame, settings, theme }) {
  context.strokeStyle = theme.edge;
  context.lineWidth = 1;
  context.setLineDash([]);
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
  context.translate(8, area.y + area.height / 2);
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
  context.fillText(text, ...(axis ? [area.x - 7, at] : [at, bottom + 15]));
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

/**
 * The bars of the field and, as it lies over middle grey, of the map.
 *
 * @param field limits, colours and title of the field, or null where it is not drawn
 * @param scale limits and colours of the map, or null where there is none
 */
export function drawBars(context, area, { map, settings, theme }, field, scale) {
  const x = area.x + area.width + 12;
  const height = scale && field ? (area.height - 24) / 2 : area.height;
  if (field) {
    const { low, high, colour, title } = field;
    bar(context, { x, y: area.y, height }, [low, high], colour, [title], theme);
  }
  if (!scale) return;
  const { low, high, colour } = scale;
  const composed = (value) => over(colour(value), settings.opacity / 100, 128);
  const y = area.y + area.height - height;
  if (scale.levels) {
    drawLevels(context, { x, y, height }, scale.levels, [map.name, "percentiles of the tokens"], theme);
    return;
  }
  bar(context, { x, y, height }, [low, high], composed, [map.name, map.unit], theme);
}

/** A colour with alpha, made fainter, over a grey. */
export function over([red, green, blue, alpha], opacity, grey) {
  const share = alpha * opacity;
  return [red, green, blue].map((one) => Math.round(share * one + (1 - share) * grey));
}

function bar(context, { x, y, height }, [low, high], colour, titles, theme) {
  const wide = 13;
  for (let i = 0; i < height; i++) {
    const value = high - ((i + 0.5) / height) * (high - low);
    context.fillStyle = `rgb(${colour(value).join(",")})`;
    context.fillRect(x, y + i, wide, 1.5);
  }
  context.strokeStyle = theme.edge;
  context.lineWidth = 1;
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
  context.translate(x + 64, y + height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  titles.forEach((title, line) => context.fillText(title, 0, 14 * line, height + 20));
  context.restore();
  context.font = `13px ${theme.font}`;
}

/** A number with as many digits as its step asks for, and a real minus sign. */
export function number(value, step = value) {
  const digits = Math.max(0, -Math.floor(Math.log10(Math.abs(step) || 1) + 1e-9));
  const text = digits > 4 ? value.toPrecision(2) : value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

/** Words on the field. */
export function label(context, text, x, y, align, colour = "#ffffff") {
  context.textAlign = align;
  context.lineJoin = "round";
  context.lineWidth = 4;
  context.strokeStyle = VEIL;
  context.setLineDash([]);
  context.strokeText(text, x, y);
  context.fillStyle = colour;
  context.fillText(text, x, y);
}
