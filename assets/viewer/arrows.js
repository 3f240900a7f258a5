/** Arrows of the horizontal field: up is north, right is west, the head at the end. */

import { VEIL, label } from "./axes.js";
import { unpackPlanes } from "./frame.js";

const STEP = 25; // gauss, as of ARROW_STEP in analysis/figures/packed_frame.py
const APART = 26; // CSS pixels between arrows
const PER_GAUSS = 0.022; // CSS pixels of length
const LENGTH = STEP * PER_GAUSS; // of a step
const HEAD = 0.4; // of an arrow, and its most in CSS pixels
const MOST_HEAD = 6;
const SCALE_G = 1000; // of the arrow that shows how long they are

/**
 * Unpack the horizontal field of an hour.
 *
 * @param blob two planes, a grey WebP
 * @returns `west` and `north`, Int8Array, steps of 25 G; both 0 where there is no arrow
 */
export async function unpackArrows(blob) {
  const { grey, size } = await unpackPlanes(blob, 2);
  const part = (plane) => {
    const steps = new Int8Array(size);
    for (let i = 0; i < size; i++) {
      const stored = grey[4 * (i + plane * size)];
      if (stored) steps[i] = stored - 128;
    }
    return steps;
  };
  return { west: part(0), north: part(1) };
}

/** Pixels between the arrows of a picture, at least one. */
export function arrowStep(scale) {
  return Math.max(1, Math.round(APART / scale));
}

/** Draw the arrows that start inside the axes; they stay on their pixels while one pans. */
export function drawArrows(context, on, area, { arrows, rows, cols }) {
  const step = arrowStep(on.scale);
  const [west, south] = on.toPixel(area.x, area.y + area.height);
  const [east, north] = on.toPixel(area.x + area.width, area.y);
  const first = (low) => Math.max(Math.floor(low / step), 0) * step + (step >> 1);
  const drawn = [];
  for (let row = first(south); row < Math.min(rows, north + 1); row += step) {
    for (let col = first(west); col < Math.min(cols, east + 1); col += step) {
      const at = row * cols + col;
      const [x, y] = [arrows.west[at], arrows.north[at]];
      if (x || y) drawn.push([...on.toCanvas(col, row), LENGTH * x, -LENGTH * y]);
    }
  }
  strokeAll(context, drawn);
}

/** Draw the arrow of 1000 G that tells lengths, its end at a place. */
export function drawArrowScale(context, right, y) {
  const long = PER_GAUSS * SCALE_G;
  strokeAll(context, [[right - long, y, long, 0]]);
  label(context, `${SCALE_G} G horizontal`, right - long - 8, y, "right");
}

function strokeAll(context, drawn) {
  context.setLineDash([]);
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const [colour, width] of [[VEIL, 3.6], ["#ffffff", 1.5]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    for (const [x, y, along, down] of drawn) arrow(context, x, y, along, down);
    context.stroke();
  }
  context.lineCap = "butt";
}

function arrow(context, x, y, along, down) {
  const [endX, endY] = [x + along, y + down];
  const length = Math.hypot(along, down);
  const head = Math.min(HEAD * length, MOST_HEAD);
  const angle = Math.atan2(down, along);
  context.moveTo(x, y);
  context.lineTo(endX, endY);
  context.moveTo(endX - head * Math.cos(angle - 0.5), endY - head * Math.sin(angle - 0.5));
  context.lineTo(endX, endY);
  context.lineTo(endX - head * Math.cos(angle + 0.5), endY - head * Math.sin(angle + 0.5));
}
