/** What a frame holds: the line-of-sight field, or the radial one, or the field's inclination. */

import { number } from "./axes.js";
import { ABOVE, BELOW, MISSING } from "./frame.js";

/** By what the server calls it; `per` is how many steps of a stored number make a unit. */
const KINDS = {
  los: {
    title: "B along the line of sight (G)",
    picture: "Magnetogram",
    field: "the line-of-sight field",
    symbol: "B",
    unit: "G",
    per: 1,
  },
  br: {
    title: "radial field Br (G)",
    picture: "Radial field",
    field: "the radial field Br",
    symbol: "Br",
    unit: "G",
    per: 1,
  },
  inclination: {
    title: "inclination from the vertical (deg)",
    picture: "Inclination of the field",
    field: "the inclination of the field from the vertical; 0 to 90",
    symbol: "inclination",
    unit: "deg",
    per: 10,
    range: [0, 90],
  },
};

/** What a frame holds: title, words, symbol, unit, `per`, and its range if that is fixed. */
export function shownOf(frame) {
  return KINDS[frame?.shown ?? "los"];
}

/** A stored number of a frame in words. */
export function valueWords(frame, stored) {
  const { unit, per, range } = shownOf(frame);
  const marks = {
    [MISSING]: "off the disk",
    [BELOW]: "below −32 000 G",
    [ABOVE]: "above +32 000 G",
  };
  return (!frame.compared && marks[stored]) || inWords(stored / per, unit, per, !range || frame.compared);
}

/** A value with its unit, its sign where it has one. */
export function inWords(value, unit, per, signed) {
  const sign = signed && value > 0 ? "+" : "";
  return `${sign}${number(value, 1 / per)} ${unit}`.replace(" deg", "°");
}
