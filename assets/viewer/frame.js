/**
 * Hours of a region as the server packs them (analysis/figures/packed_frame.py), unpacked.
 *
 * Rows count from the south and columns from the east, from 0, whole numbers at pixel centres.
 */

export const MISSING = -32768; // off the disk
export const BELOW = -32767; // saturated
export const ABOVE = 32767;
export const PIL = 1;
export const ROPI = 2;
export const HULL = 4;

const ZERO = 32768 + 128;
export const DEGREE = Math.PI / 180;

/** Split a payload: its header, and its blobs as views of the same bytes. */
export function splitPayload(bytes) {
  const start = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, start)));
  let at = start;
  const blobs = header.sizes.map((size) => bytes.subarray(at, (at += size)));
  return { header, blobs };
}

/** Numbers of a header: their shape and a Float32Array. */
export function unpackNumbers({ shape, float32 }) {
  const bytes = Uint8Array.from(atob(float32), (sign) => sign.charCodeAt(0));
  return { shape, values: new Float32Array(bytes.buffer) };
}

/**
 * Unpack an hour.
 *
 * @param facts what the header holds of it
 * @param blob its planes, a grey WebP
 * @returns facts with `rows`, `cols`, `field` (Int16Array, gauss or a mark) and `masks` (bits)
 */
export async function unpackFrame(facts, blob) {
  const { grey, size, rows, cols } = await unpackPlanes(blob, 3);
  const field = new Int16Array(size);
  const masks = new Uint8Array(size);
  for (let i = 0; i < size; i++) {
    const stored = (grey[4 * i] << 8) + grey[4 * (i + size)];
    if (stored === 0) field[i] = MISSING;
    else if (stored === 1) field[i] = BELOW;
    else if (stored === 65535) field[i] = ABOVE;
    else field[i] = stored - ZERO;
    masks[i] = grey[4 * (i + 2 * size)];
  }
  return { ...facts, rows, cols, field, masks };
}

/** The pixels of planes that lie one above the other: every fourth number of `grey` is one. */
export async function unpackPlanes(blob, planes) {
  const image = await createImageBitmap(new Blob([blob], { type: "image/webp" }), {
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
  });
  const cols = image.width;
  const rows = image.height / planes;
  const context = new OffscreenCanvas(cols, image.height).getContext("2d", {
    willReadFrequently: true,
  });
  context.drawImage(image, 0, 0);
  image.close();
  const grey = context.getImageData(0, 0, cols, planes * rows).data;
  return { grey, rows, cols, size: rows * cols };
}

/** Heliographic position of a pixel, degrees: Stonyhurst and Carrington longitude, latitude. */
export function position({ reference, step, rotation, meridian }, column, row) {
  const west = (column - reference[0]) * step[0] * DEGREE;
  const sine = (row - reference[1]) * step[1] * DEGREE;
  const cosine = Math.sqrt(Math.max(1 - sine * sine, 0));
  const [x, y, z] = turned(rotation, [cosine * Math.cos(west), cosine * Math.sin(west), sine]);
  const carrington = Math.atan2(y, x) / DEGREE;
  return {
    carrington: (carrington + 360) % 360,
    longitude: wrapped(carrington - meridian),
    latitude: Math.asin(Math.min(Math.max(z, -1), 1)) / DEGREE,
  };
}

/** Column and row of a position, degrees; longitude from the central meridian. */
export function pixel({ reference, step, rotation, meridian }, longitude, latitude) {
  const [lon, lat] = [(longitude + meridian) * DEGREE, latitude * DEGREE];
  const seen = [Math.cos(lat) * Math.cos(lon), Math.cos(lat) * Math.sin(lon), Math.sin(lat)];
  const back = [0, 1, 2].map((j) => [0, 1, 2].map((i) => rotation[i][j]));
  const [x, y, z] = turned(back, seen);
  return [
    reference[0] + Math.atan2(y, x) / DEGREE / step[0],
    reference[1] + z / DEGREE / step[1],
  ];
}

function turned(matrix, vector) {
  return matrix.map((line) => line.reduce((sum, one, j) => sum + one * vector[j], 0));
}

function wrapped(degrees) {
  return ((((degrees + 180) % 360) + 360) % 360) - 180;
}

/** A line of a frame to draw at any zoom, made once: x is the column, y the row. */
export function framePath(frame, layer) {
  const made = {
    pil: () => thinLines(frame, PIL),
    ropi: () => outline(frame, ROPI),
    hull: () => convexOutline(frame, HULL),
  };
  frame.paths ??= {};
  frame.paths[layer] ??= made[layer]();
  return frame.paths[layer];
}

/** A path that a file can hold too: what is drawn stands in `text`, as SVG has it. */
export class Line extends Path2D {
  text = "";

  moveTo(x, y) {
    super.moveTo(x, y);
    this.text += `M${x} ${y}`;
  }

  lineTo(x, y) {
    super.lineTo(x, y);
    this.text += `L${x} ${y}`;
  }

  rect(x, y, width, height) {
    super.rect(x, y, width, height);
    this.text += `M${x} ${y}h${width}v${height}h${-width}Z`;
  }

  closePath() {
    super.closePath();
    this.text += "Z";
  }
}

/** Segments between neighbouring pixels; a diagonal that cuts a corner would draw a triangle. */
function thinLines({ rows, cols, masks }, bit) {
  const path = new Line();
  const on = (row, col) =>
    row >= 0 && row < rows && col >= 0 && col < cols && (masks[row * cols + col] & bit) !== 0;
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      if (!on(row, col)) continue;
      for (const [down, right] of [[0, 1], [1, 0], [1, 1], [1, -1]]) {
        if (!on(row + down, col + right)) continue;
        if (down && right && (on(row, col + right) || on(row + down, col))) continue;
        path.moveTo(col, row);
        path.lineTo(col + right, row + down);
      }
    }
  }
  return path;
}

/** Edges between a mask and its outside; edges in one row or column are one segment. */
function outline({ rows, cols, masks }, bit) {
  const path = new Line();
  const on = (row, col) =>
    row >= 0 && row < rows && col >= 0 && col < cols ? masks[row * cols + col] & bit : 0;
  const runs = (lines, length, differ, draw) => {
    for (let line = 0; line <= lines; line++) {
      for (let start = 0; start < length; start++) {
        if (!differ(line, start)) continue;
        let stop = start + 1;
        while (stop < length && differ(line, stop)) stop++;
        draw(line - 0.5, start - 0.5, stop - 0.5);
        start = stop;
      }
    }
  };
  const segment = (x0, y0, x1, y1) => {
    path.moveTo(x0, y0);
    path.lineTo(x1, y1);
  };
  const level = (row, col) => on(row - 1, col) !== on(row, col);
  const upright = (col, row) => on(row, col - 1) !== on(row, col);
  runs(rows, cols, level, (y, x0, x1) => segment(x0, y, x1, y));
  runs(cols, rows, upright, (x, y0, y1) => segment(x, y0, x, y1));
  return path;
}

/** Outline of a convex mask: up its eastern side, down its western one. */
function convexOutline({ rows, cols, masks }, bit) {
  const east = [];
  const west = [];
  for (let row = 0; row < rows; row++) {
    const line = masks.subarray(row * cols, (row + 1) * cols);
    const first = line.findIndex((bits) => bits & bit);
    if (first < 0) continue;
    const last = line.findLastIndex((bits) => bits & bit);
    east.push([first - 0.5, row - 0.5], [first - 0.5, row + 0.5]);
    west.push([last + 0.5, row - 0.5], [last + 0.5, row + 0.5]);
  }
  const path = new Line();
  [...east, ...west.reverse()].forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
  path.closePath();
  return path;
}
