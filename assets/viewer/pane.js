/** One picture of the viewer: a canvas, and which hour, with which map, is on it. */

import { extent, mapValue, paint, plotArea, projection } from "./draw.js";
import { shownOf } from "./shown.js";

export class Pane {
  constructor(viewer, canvas) {
    this.viewer = viewer;
    this.canvas = canvas;
    this.supply = null; // hours of its region
    this.hour = ""; // that it should show
    this.drawn = ""; // that it shows
    this.map = null; // of the hour that it shows
    this.look = {}; // what of the settings is its own
    this.title = "";
  }

  get patch() {
    return this.supply?.patch ?? null;
  }

  get frame() {
    return this.supply?.frame(this.drawn) ?? null;
  }

  /** What is painted: its hour, or the difference to the other one's. */
  get pictured() {
    const { second } = this.viewer;
    return second.differs ? second.difference : this.frame;
  }

  /** The square that the network sees, while it is drawn. */
  get box() {
    return this.viewer.settings.crop ? this.map?.box : null;
  }

  get area() {
    return plotArea(this.viewer.size);
  }

  /** How its pixels lie on the canvas: `toCanvas(col, row)`, `toPixel(x, y)`, `scale`. */
  get projection() {
    return projection(this.view, this.area);
  }

  /** Where its array lies on the grid of the first pane: at + factor × (column, row). */
  get place() {
    const { frame } = this;
    const [row, col] = frame.origin;
    const first = this.viewer.panes[0];
    if (this.supply === first.supply || !first.frame) return { factor: 1, col, row };
    // Another region: equal lengths, middle on middle.
    const other = first.frame;
    const factor = frame.mm && other.mm ? frame.mm / other.mm : 1;
    const middle = (rows, pixels, start) => start + (rows - 1) / 2 - (factor * (pixels - 1)) / 2;
    return {
      factor,
      col: middle(other.cols, frame.cols, other.origin[1]),
      row: middle(other.rows, frame.rows, other.origin[0]),
    };
  }

  toGrid(col, row) {
    const { factor, ...at } = this.place;
    return { col: at.col + factor * col, row: at.row + factor * row };
  }

  fromGrid({ col, row }) {
    const { factor, ...at } = this.place;
    return { col: (col - at.col) / factor, row: (row - at.row) / factor };
  }

  /** The part shown, on its own array: centre (column, row) and columns across. */
  get view() {
    const { view } = this.viewer.part;
    return { ...this.fromGrid(view), across: view.across / this.place.factor };
  }

  /** Edges of the patch, and of the network's square if that is drawn, on the first pane's grid. */
  get edges() {
    const { x0, y0, x1, y1 } = extent(this.frame, this.box);
    return [this.toGrid(x0, y0), this.toGrid(x1, y1)];
  }

  /** The pixel under a point of the canvas and what is known of it; null beside the patch. */
  under(x, y) {
    const { area } = this;
    const inside =
      x >= area.x && x <= area.x + area.width && y >= area.y && y <= area.y + area.height;
    return this.frame && inside ? this.at(...this.projection.toPixel(x, y)) : null;
  }

  at(x, y) {
    const frame = this.pictured;
    const [col, row] = [x, y].map(Math.round);
    if (!frame || col < 0 || row < 0 || col >= frame.cols || row >= frame.rows) return null;
    const { map } = this;
    const drawn = { ...this.viewer.settings, ...this.look }.attention && !frame.compared;
    return { frame, col, row, map, value: drawn ? mapValue(map, col, row) : null };
  }

  /** What `paint` of draw.js takes. */
  scene(theme) {
    const { viewer } = this;
    const frame = this.pictured;
    const late = (viewer.second.differs ? viewer.panes : [this]).find((one) => one.hour !== one.drawn);
    return {
      frame,
      map: this.map,
      view: this.view,
      settings: { ...viewer.settings, ...this.look, ...(frame.compared && { attention: false }) },
      style: viewer.now.style,
      limits: viewer.second.limits,
      title: frame.compared ? viewer.second.words : this.title,
      named: viewer.panes.length === 1,
      note: late ? "" : this.note || frame.note || "",
      waiting: late?.waiting ?? "",
      theme,
    };
  }

  /** What there is to say of an hour that is not in the picture. */
  get waiting() {
    if (!this.patch) return "reading …";
    const fault = this.patch.unreadable[this.hour];
    const { hours, lacking = [] } = this.patch;
    const others = hours.length - lacking.length;
    const none = `no field vector (${others} of ${hours.length} hours ${others === 1 ? "has" : "have"} one)`;
    const words = lacking.includes(this.hour) ? none : fault ? "cannot be read" : "reading …";
    return `${this.hour.replace("T", " ")}: ${words}`;
  }

  /** Write, where there is no picture, why. */
  excuse(context) {
    const { size, theme } = this.viewer;
    context.clearRect(0, 0, size.width, size.height);
    Object.assign(context, { font: `14px ${theme.font}`, fillStyle: theme.text, textAlign: "center" });
    context.fillText(this.waiting, size.width / 2, size.height / 2);
  }

  alt() {
    const { second } = this.viewer;
    const { picture, symbol } = shownOf(this.frame);
    const differs = this.frame?.shown ? `Difference of ${symbol}` : "Difference of magnetograms";
    const what = second.differs ? differs : picture;
    const when = second.differs ? second.words : this.viewer.words(this.drawn);
    return `${what} of ${this.patch.title} at ${when}`;
  }

  /** Paint it, and what others paint over it. */
  paint(context, more = {}) {
    paint(context, this.viewer.size, { ...this.scene(this.viewer.theme), ...more });
    for (const painter of this.viewer.painters) painter(context, this);
  }
}
