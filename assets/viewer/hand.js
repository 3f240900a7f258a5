/** What the hand does on the picture: zoom, pan, read a value, step. */

import { number } from "./axes.js";
import { MISSING_DIFFERENCE } from "./compare.js";
import { position } from "./frame.js";
import { pictureOf, picturedBy } from "./picture.js";
import { valueWords } from "./shown.js";

const HINT =
  "Scroll or pinch to zoom, drag to pan, double click for the whole patch; keys J and L step.";
export const LEAST_BOX = 6; // CSS pixels; less is a click

/** Listens on a viewer's canvases; keys of the whole page are the transport's. */
export class Hand {
  constructor(viewer) {
    this.viewer = viewer;
    this.pointers = new Map();
    this.pane = null; // that is pressed
    this.box = null; // being drawn
    this.leaving = new AbortController();
    this.attach(viewer.panes[0].canvas);
  }

  attach(canvas) {
    const acts = {
      wheel: (event) => this.wheel(event),
      dblclick: () => this.viewer.part.reset(),
      pointerdown: (event) => this.press(event),
      pointermove: (event) => this.move(event),
      pointerup: (event) => this.release(event),
      pointercancel: (event) => this.release(event),
      pointerleave: () => this.readOut(null),
      keydown: (event) => this.key(event),
    };
    for (const [name, act] of Object.entries(acts)) {
      canvas.addEventListener(name, act, { passive: false });
    }
  }

  leave() {
    this.leaving.abort();
  }

  wheel(event) {
    const { part } = this.viewer;
    if (event.deltaY > 0 && part.whole && !event.ctrlKey) return; // the page scrolls
    event.preventDefault();
    const factor = Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0018));
    part.zoom(factor, event.offsetX, event.offsetY);
  }

  /** Dragging pans; with Shift, or while everything is shown, it draws a box to zoom to. */
  press(event) {
    if (event.button) return;
    const { currentTarget: canvas, offsetX: x, offsetY: y } = event;
    canvas.setPointerCapture(event.pointerId);
    this.pane = this.viewer.second.on(canvas);
    this.pointers.set(event.pointerId, { x, y });
    if (this.tool("press", { x, y })) return;
    const { whole } = this.viewer.part;
    const boxes = event.pointerType === "mouse" && (event.shiftKey || whole);
    this.box = boxes ? { from: { x, y }, to: { x, y } } : null;
    canvas.classList.toggle("panning", !this.box && !whole);
  }

  /** Give the pointer to the tool, if there is one; its place is on the pane's array too. */
  tool(act, at) {
    const { viewer, pane } = this;
    if (!viewer.tool || !pane.frame) return false;
    const [col, row] = pane.projection.toPixel(at.x, at.y);
    viewer.tool[act](pane, { ...at, col, row });
    return true;
  }

  move(event) {
    const { part } = this.viewer;
    const at = { x: event.offsetX, y: event.offsetY };
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.readOut(at, this.viewer.second.on(event.currentTarget));
      return;
    }
    this.pointers.set(event.pointerId, at);
    if (this.pointers.size === 2) {
      const [, other] = [...this.pointers].find(([id]) => id !== event.pointerId);
      const apart = ({ x, y }) => Math.hypot(x - other.x, y - other.y) || 1;
      part.zoom(apart(at) / apart(before), (at.x + other.x) / 2, (at.y + other.y) / 2);
    } else if (this.tool("move", at)) return;
    else if (this.box) {
      this.box.to = at;
      this.viewer.draw();
    } else if (!part.whole) part.pan(at.x - before.x, at.y - before.y);
  }

  release(event) {
    const pressed = this.pointers.delete(event.pointerId);
    event.currentTarget.classList.remove("panning");
    if (pressed && this.tool("release", { x: event.offsetX, y: event.offsetY })) return;
    if (!this.box) return;
    const { from, to } = this.box;
    this.box = null;
    const large = Math.min(Math.abs(to.x - from.x), Math.abs(to.y - from.y)) >= LEAST_BOX;
    if (large) this.viewer.part.zoomTo(from, to);
    else this.viewer.draw();
  }

  /** Draw the box that is being drawn, and the cross-hair of two pictures. */
  paint(context, pane) {
    const { cross } = this.viewer;
    context.setLineDash([]);
    const shapes = new Path2D();
    if (cross && this.viewer.panes.length > 1) {
      const { col, row } = pane.fromGrid(cross);
      const [x, y] = pane.projection.toCanvas(col, row);
      const { area } = pane;
      if (x >= area.x && x <= area.x + area.width) {
        shapes.moveTo(x, area.y);
        shapes.lineTo(x, area.y + area.height);
      }
      if (y >= area.y && y <= area.y + area.height) {
        shapes.moveTo(area.x, y);
        shapes.lineTo(area.x + area.width, y);
      }
    }
    if (this.box && this.pane === pane) {
      const { from, to } = this.box;
      shapes.rect(from.x, from.y, to.x - from.x, to.y - from.y);
    }
    for (const [colour, width] of [["rgba(0, 0, 0, 0.6)", 3], ["rgba(255, 255, 255, 0.9)", 1]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.stroke(shapes);
    }
  }

  key(event) {
    const { part } = this.viewer;
    const acts = {
      "+": () => part.zoom(1.5),
      "=": () => part.zoom(1.5),
      "-": () => part.zoom(1 / 1.5),
      0: () => part.reset(),
      ArrowLeft: () => part.pan(60, 0),
      ArrowRight: () => part.pan(-60, 0),
      ArrowUp: () => part.pan(0, 60),
      ArrowDown: () => part.pan(0, -60),
    };
    const scrolls = event.key.startsWith("Arrow") && part.whole;
    if (event.ctrlKey || event.metaKey || event.altKey || !acts[event.key] || scrolls) return;
    event.preventDefault();
    acts[event.key]();
  }

  /** Open the sheet on which what is drawn is saved, once the page has followed to this hour. */
  save() {
    const { viewer } = this;
    if (viewer.pending || viewer.resting) setTimeout(() => this.save(), 200);
    else globalThis.hnnFigure?.(() => pictureOf(viewer), picturedBy(viewer));
  }

  /** Write what is under the pointer in each picture; the cross-hair goes there. */
  readOut(at, pane) {
    const { viewer } = this;
    const line = viewer.root.querySelector(".readout");
    const found = at && pane.under(at.x, at.y);
    const before = viewer.cross;
    viewer.cross = found ? pane.toGrid(...pane.projection.toPixel(at.x, at.y)) : null;
    if (viewer.panes.length > 1 && (before || viewer.cross)) viewer.draw();
    if (!found) {
      line.textContent = HINT;
      return;
    }
    const lines = viewer.second.differs || viewer.panes.length === 1 ? [found] : [];
    if (!lines.length) {
      for (const one of viewer.panes) {
        const { col, row } = one.frame ? one.fromGrid(viewer.cross) : {};
        lines.push(one === pane ? found : one.frame && one.at(col, row));
      }
    }
    line.replaceChildren(...lines.flatMap((one, i) => [...(i ? [document.createElement("br")] : []), ...written(one)]));
  }
}

/** The field to 1 G, the position, the map and the pixel, as nodes. */
function written(found) {
  const field = document.createElement("b");
  if (!found) {
    field.textContent = "beside it";
    return [field];
  }
  const { frame, col, row, value, map } = found;
  const words = [];
  if (frame.geometry) {
    const { longitude, latitude, carrington } = position(frame.geometry, col, row);
    words.push(`longitude ${signed(longitude, 0.01)}°, latitude ${signed(latitude, 0.01)}°`);
    words.push(`Carrington ${number(carrington, 0.01)}°`);
  }
  if (value !== null) {
    const text = String(Number(value.toPrecision(3))).replaceAll("-", "−");
    words.push(`${map.name} ${text} ${map.unit}`);
  }
  words.push(`column ${col}, row ${row}`);
  const stored = frame.field[row * frame.cols + col];
  const none = stored === MISSING_DIFFERENCE;
  field.textContent = none ? "missing in one hour" : valueWords(frame, stored);
  return [field, ` · ${words.join(" · ")}`];
}

export function signed(value, step) {
  return (value > 0 ? "+" : "") + number(value, step);
}

/** Whether keys are text for what has the focus; a list of choices takes text only while open. */
export function isTyping(target) {
  const closed = target.getAttribute?.("role") === "combobox" && target.ariaExpanded !== "true";
  const takes = "textarea, input:not([type=range], [type=checkbox], [type=radio])";
  return target.isContentEditable || (!closed && Boolean(target.matches?.(takes)));
}
