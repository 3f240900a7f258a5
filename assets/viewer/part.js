/**
 * Which part of a region is shown, on the region's grid: the array of its first hour.
 *
 * All pictures of a viewer are of one size and show the same part.
 */

import { plotArea, projection } from "./draw.js";

const NARROWEST = 12; // columns across

export class Part {
  /** @param kept its `view` is null while everything is shown */
  constructor(viewer, kept) {
    this.viewer = viewer;
    this.kept = kept;
  }

  /** Whether everything is shown. */
  get whole() {
    return !this.kept.view;
  }

  /** Centre (column and row) and columns across. */
  get view() {
    return this.kept.view ?? this.everything;
  }

  get everything() {
    const { x0, y0, x1, y1 } = this.reach;
    const area = plotArea(this.viewer.size);
    const across = Math.max(x1 - x0, ((y1 - y0) * area.width) / area.height);
    return { col: (x0 + x1) / 2, row: (y0 + y1) / 2, across };
  }

  /** Edges of all that there is. */
  get reach() {
    const corners = this.viewer.panes.filter((pane) => pane.frame).flatMap((pane) => pane.edges);
    const span = (name) => corners.map((corner) => corner[name]);
    return {
      x0: Math.min(...span("col")),
      y0: Math.min(...span("row")),
      x1: Math.max(...span("col")),
      y1: Math.max(...span("row")),
    };
  }

  /** How the grid lies on a canvas. */
  get projection() {
    return projection(this.view, plotArea(this.viewer.size));
  }

  /** Look at another part; what shows more than everything shows everything. */
  look({ col, row, across }) {
    if (across >= 0.999 * this.everything.across) this.kept.view = null;
    else {
      const { x0, y0, x1, y1 } = this.reach;
      const rounded = (value) => Math.round(10 * value) / 10; // as the address has it
      this.kept.view = {
        col: rounded(Math.min(Math.max(col, x0), x1)),
        row: rounded(Math.min(Math.max(row, y0), y1)),
        across: rounded(Math.max(across, NARROWEST)),
      };
    }
    this.viewer.draw();
    this.viewer.writeSoon();
  }

  /** Zoom by a factor, with the point (x, y) of the canvas staying where it is. */
  zoom(factor, x, y) {
    if (!this.viewer.panes[0].frame) return;
    const { view } = this;
    const area = plotArea(this.viewer.size);
    const middle = [area.x + area.width / 2, area.y + area.height / 2];
    const [col, row] = this.projection.toPixel(x ?? middle[0], y ?? middle[1]);
    const across = Math.max(view.across / factor, NARROWEST);
    const share = across / view.across;
    this.look({
      across,
      col: col + (view.col - col) * share,
      row: row + (view.row - row) * share,
    });
  }

  /** Zoom to a box between two points of a canvas. */
  zoomTo(from, to) {
    const area = plotArea(this.viewer.size);
    const on = this.projection;
    const [col, row] = on.toPixel((from.x + to.x) / 2, (from.y + to.y) / 2);
    const wide = Math.abs(to.x - from.x);
    const high = (Math.abs(to.y - from.y) * area.width) / area.height;
    this.look({ col, row, across: Math.max(wide, high) / on.scale });
  }

  pan(right, down) {
    const { view } = this;
    const { scale } = this.projection;
    this.look({ ...view, col: view.col - right / scale, row: view.row + down / scale });
  }

  reset() {
    this.kept.view = null;
    this.viewer.draw();
    this.viewer.writeSoon();
  }
}
