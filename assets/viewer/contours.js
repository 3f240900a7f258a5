/** A map as lines round the tokens at and above percentiles of its values. */

import { Line } from "./frame.js";

const PERCENTILES = [50, 75, 90, 97];
const SHARES = [0.35, 0.6, 0.8, 1]; // of the colour scale, one a percentile

/**
 * Levels of a map with their colours, the lowest first.
 *
 * @param map `values` (row 0 south, NaN where there is none) and `signed`: then the percentiles are
 *   those of the size of the values, with a line on either side of 0
 * @param stops of the palette: [place, [red, green, blue, alpha]]
 */
export function mapLevels({ values, signed }, stops) {
  const known = [...values].filter((value) => !Number.isNaN(value));
  const sizes = known.map((value) => (signed ? Math.abs(value) : value)).sort((a, b) => a - b);
  return PERCENTILES.flatMap((percent, i) => {
    const level = sizes[Math.min(Math.floor((percent / 100) * sizes.length), sizes.length - 1)];
    const line = (value, share) => {
      const [red, green, blue] = stopColour(stops, share).map(Math.round);
      return { percent, level: value, width: 1 + 0.5 * i, colour: `rgb(${red},${green},${blue})` };
    };
    if (!signed) return [line(level, SHARES[i])];
    return [line(-level, 0.5 - SHARES[i] / 2), line(level, 0.5 + SHARES[i] / 2)];
  });
}

/** A colour of a palette, from 0 to 1: red, green, blue and alpha. */
export function stopColour(stops, place) {
  const part = Math.min(Math.max(place, 0), 1);
  const next = Math.max(stops.findIndex(([at]) => at >= part), 1);
  const [[from, first], [to, second]] = [stops[next - 1], stops[next]];
  const share = (part - from) / (to - from);
  return first.map((one, i) => one + share * (second[i] - one));
}

/** Edges between the tokens at or beyond a level and the others, as native pixels. */
export function levelPath({ values, shape: [rows, cols], box }, level) {
  const inside = (row, col) => {
    if (row < 0 || col < 0 || row >= rows || col >= cols) return false;
    const value = values[row * cols + col];
    return level < 0 ? value <= level : value >= level && value > 0;
  };
  const x = (col) => box.col0 - 0.5 + (box.size / cols) * col;
  const y = (row) => box.row0 - 0.5 + (box.size / rows) * row;
  const path = new Line();
  const edge = (...ends) => {
    path.moveTo(x(ends[0]), y(ends[1]));
    path.lineTo(x(ends[2]), y(ends[3]));
  };
  for (let row = 0; row <= rows; row++) {
    for (let col = 0; col <= cols; col++) {
      const here = inside(row, col);
      if (here !== inside(row - 1, col)) edge(col, row, col + 1, row);
      if (here !== inside(row, col - 1)) edge(col, row, col, row + 1);
    }
  }
  return path;
}

/** The legend of the levels, where the bar of the map stands otherwise. */
export function drawLevels(context, { x, y, height }, levels, titles, theme) {
  context.font = `12px ${theme.font}`;
  context.textAlign = "left";
  context.setLineDash([]);
  const step = Math.min(height / levels.length, 22);
  [...levels].reverse().forEach(({ percent, level, width, colour }, i) => {
    const at = y + (i + 0.5) * step;
    for (const [stroke, wide] of [["rgba(0, 0, 0, 0.65)", width + 2], [colour, width]]) {
      context.strokeStyle = stroke;
      context.lineWidth = wide;
      context.beginPath();
      context.moveTo(x, at);
      context.lineTo(x + 14, at);
      context.stroke();
    }
    context.fillStyle = theme.text;
    context.fillText(`${level < 0 ? "−" : ""}${percent} %`, x + 19, at);
  });
  context.save();
  context.translate(x + 64, y + height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  titles.forEach((title, i) => context.fillText(title, 0, 14 * i, height + 20));
  context.restore();
  context.font = `13px ${theme.font}`;
}
