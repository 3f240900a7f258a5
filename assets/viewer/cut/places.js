/**
 * Places of a cut on the Sun, the field at them, and the longest inversion line of a frame.
 *
 * A cut runs along the great circle between its ends, in steps of a pixel at most. The field is
 * interpolated bilinearly; a value that rests on a missing or saturated pixel is NaN.
 */

import { ABOVE, BELOW, DEGREE, MISSING, PIL, pixel } from "../frame.js";

const MOST_PLACES = 1500;
const NEAR_MIDDLE = 25; // pixels of a line each way, for its direction

/** The field at a place of a frame between its pixels; NaN beside missing or saturated ones. */
export function fieldAt({ field, rows, cols }, col, row) {
  const [west, north] = [Math.floor(col), Math.floor(row)];
  const [x, y] = [col - west, row - north];
  let sum = 0;
  for (const [right, up, weight] of [
    [0, 0, (1 - x) * (1 - y)], [1, 0, x * (1 - y)], [0, 1, (1 - x) * y], [1, 1, x * y],
  ]) {
    if (!weight) continue;
    const [i, j] = [west + right, north + up];
    const inside = i >= 0 && j >= 0 && i < cols && j < rows;
    const gauss = inside ? field[j * cols + i] : MISSING;
    if (gauss === MISSING || gauss === BELOW || gauss === ABOVE) return NaN;
    sum += weight * gauss;
  }
  return sum;
}

/**
 * Places along the great circle between the ends of a cut, or the one of a marker.
 *
 * @param ends one or two of [Carrington longitude, latitude], degrees
 * @param frame gives the step of a pixel, and the radius of the Sun by its area
 * @returns array of { mm (from the first end), longitude (Carrington), latitude }
 */
export function cutPlaces(ends, { geometry, mm }) {
  const [a, b] = [ends[0], ends.at(-1)].map(([longitude, latitude]) => {
    const [lon, lat] = [longitude * DEGREE, latitude * DEGREE];
    return [Math.cos(lat) * Math.cos(lon), Math.cos(lat) * Math.sin(lon), Math.sin(lat)];
  });
  const normal = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
  const angle = Math.atan2(Math.hypot(...normal), a[0] * b[0] + a[1] * b[1] + a[2] * b[2]);
  const [wide, high] = geometry.step.map((degrees) => degrees * DEGREE);
  const radius = mm / Math.sqrt(wide * high);
  const steps = Math.min(Math.ceil(angle / Math.min(wide, high) - 1e-9), MOST_PLACES - 1);
  const length = ends.length < 2 ? 1 : Math.max(steps, 1) + 1;
  return Array.from({ length }, (_, i) => {
    const share = i && i / (length - 1);
    const weight = (one) => (angle ? Math.sin(one * angle) / Math.sin(angle) : one);
    const [x, y, z] = a.map((one, j) => weight(1 - share) * one + weight(share) * b[j]);
    return {
      mm: share * angle * radius,
      longitude: (Math.atan2(y, x) / DEGREE + 360) % 360,
      latitude: Math.asin(Math.min(Math.max(z, -1), 1)) / DEGREE,
    };
  });
}

/** Column and row of a place of a cut in a frame. */
export function cutPixel({ geometry }, { longitude, latitude }) {
  return pixel(geometry, longitude - geometry.meridian, latitude);
}

/**
 * The longest inversion line of a frame.
 *
 * @returns null without one, else its middle [column, row], the direction [x, y] of its part near
 *   the middle, and how far it reaches to both sides along that direction, pixels
 */
export function longestLine({ rows, cols, masks }) {
  const beside = (at) => {
    const [col, found] = [at % cols, []];
    for (const down of [-cols, 0, cols]) {
      for (const right of [-1, 0, 1]) {
        const there = at + down + right;
        const inside = col + right >= 0 && col + right < cols && there >= 0 && there < rows * cols;
        if (inside && there !== at && masks[there] & PIL) found.push(there);
      }
    }
    return found;
  };
  /** Every pixel that hangs together with one, by distance, with the one before it. */
  const walk = (start) => {
    const from = new Map([[start, -1]]);
    for (const at of from.keys()) {
      for (const next of beside(at)) if (!from.has(next)) from.set(next, at);
    }
    return from;
  };
  const seen = new Set();
  let longest = new Map();
  for (let at = 0; at < masks.length; at++) {
    if (!(masks[at] & PIL) || seen.has(at)) continue;
    const line = walk(at);
    for (const one of line.keys()) seen.add(one);
    if (line.size > longest.size) longest = line;
  }
  if (longest.size < 2) return null;
  const from = walk([...longest.keys()].at(-1)); // the last one is an end
  const path = [];
  for (let at = [...from.keys()].at(-1); at >= 0; at = from.get(at)) {
    path.push([at % cols, Math.floor(at / cols)]);
  }
  const half = path.length >> 1;
  const near = path.slice(Math.max(half - NEAR_MIDDLE, 0), half + NEAR_MIDDLE + 1);
  const mean = [0, 1].map((i) => near.reduce((sum, one) => sum + one[i], 0) / near.length);
  const product = (i, j) =>
    near.reduce((sum, one) => sum + (one[i] - mean[i]) * (one[j] - mean[j]), 0);
  const turn = Math.atan2(2 * product(0, 1), product(0, 0) - product(1, 1)) / 2;
  const direction = [Math.cos(turn), Math.sin(turn)];
  const along = path.map(([x, y]) => (x - mean[0]) * direction[0] + (y - mean[1]) * direction[1]);
  return { middle: mean, direction, reach: [Math.min(...along), Math.max(...along)] };
}
