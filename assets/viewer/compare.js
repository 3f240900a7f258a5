/** Two hours of a region subtracted, on the pixels of the first. */

import { ABOVE, BELOW, MISSING, pixel, position } from "./frame.js";

const SAME_PIXEL = 1e-3;

/**
 * The field of the first less that of the second; NaN, here MISSING, where either has no number.
 *
 * Boxes that turn with their region and agree lie on each other pixel by pixel. Others are laid on
 * each other by Carrington longitude and latitude, the nearest pixel to each.
 *
 * @returns a frame with `field` as Int32Array and `compared`, words on how; null where neither serves
 */
export function difference(first, second) {
  const other = matched(first, second);
  if (!other) return null;
  const field = new Int32Array(first.field.length).fill(MISSING_DIFFERENCE);
  for (let row = 0, i = 0; row < first.rows; row++) {
    for (let col = 0; col < first.cols; col++, i++) {
      const at = other.index(col, row);
      if (at < 0 || !known(first.field[i]) || !known(second.field[at])) continue;
      field[i] = first.field[i] - second.field[at];
    }
  }
  const { grey, filled, paths, arrows, note, ...facts } = first;
  return { ...facts, field, compared: other.words };
}

export const MISSING_DIFFERENCE = -(2 ** 31);

function known(gauss) {
  return gauss !== MISSING && gauss !== BELOW && gauss !== ABOVE;
}

/** Where a pixel of the first lies in the array of the second; -1 where it lies outside. */
function matched(first, second) {
  const { rows, cols } = second;
  const inside = (col, row) =>
    col >= 0 && row >= 0 && col < cols && row < rows ? row * cols + col : -1;
  if (sameBox(first, second)) return { index: inside, words: "pixel by pixel of one box" };
  if (!first.geometry || !second.geometry) return null;
  const index = (col, row) => {
    const { carrington, latitude } = position(first.geometry, col, row);
    const at = pixel(second.geometry, carrington - second.geometry.meridian, latitude);
    return inside(...at.map(Math.round));
  };
  return { index, words: "by Carrington longitude and latitude" };
}

/** Arrays of one shape whose reference point, scale and latitude are the same. */
function sameBox(first, second) {
  if (first.rows !== second.rows || first.cols !== second.cols) return false;
  const [one, two] = [first.geometry, second.geometry];
  if (!one || !two) return !one && !two;
  return ["reference", "step"].every((name) =>
    one[name].every((value, i) => Math.abs(value - two[name][i]) < SAME_PIXEL),
  );
}
