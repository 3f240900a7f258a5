/** What the hand does on the picture: zoom, pan, read a value, step. */

import { number } from "./axes.js";
import { paint } from "./draw.js";
import { ABOVE, BELOW, MISSING, position } from "./frame.js";

const HINT =
  "Scroll or pinch to zoom, drag to pan, double click for the whole patch; keys J and L step.";
export const LEAST_BOX = 6; // CSS pixels; less is a click

/** Listens on a viewer's canvas, and for J and L on the whole page. */
export class Hand {
  constructor(viewer) {
    this.viewer = viewer;
    this.canvas = viewer.canvas;
    this.pointers = new Map();
    this.box = null; // being drawn
    this.leaving = new AbortController();
    const acts = {
      wheel: (event) => this.wheel(event),
      dblclick: () => viewer.reset(),
      pointerdown: (event) => this.press(event),
      pointermove: (event) => this.move(event),
      pointerup: (event) => this.release(event),
      pointercancel: (event) => this.release(event),
      pointerleave: () => this.readOut(null),
      keydown: (event) => this.key(event),
    };
    for (const [name, act] of Object.entries(acts)) {
      this.canvas.addEventListener(name, act, { passive: false });
    }
    const everywhere = { capture: true, signal: this.leaving.signal };
    globalThis.addEventListener("keydown", (event) => this.anyKey(event), everywhere);
  }

  leave() {
    this.leaving.abort();
  }

  wheel(event) {
    const { viewer } = this;
    if (event.deltaY > 0 && viewer.whole && !event.ctrlKey) return; // the page scrolls
    event.preventDefault();
    const factor = Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0018));
    viewer.zoom(factor, event.offsetX, event.offsetY);
  }

  /** Dragging pans; with Shift, or while the whole patch is shown, it draws a box to zoom to. */
  press(event) {
    if (event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    const at = { x: event.offsetX, y: event.offsetY };
    this.pointers.set(event.pointerId, at);
    const boxes = event.pointerType === "mouse" && (event.shiftKey || this.viewer.whole);
    this.box = boxes ? { from: at, to: at } : null;
    this.canvas.classList.toggle("panning", !this.box && !this.viewer.whole);
  }

  move(event) {
    const at = { x: event.offsetX, y: event.offsetY };
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.readOut(at);
      return;
    }
    this.pointers.set(event.pointerId, at);
    if (this.pointers.size === 2) {
      const [, other] = [...this.pointers].find(([id]) => id !== event.pointerId);
      const apart = ({ x, y }) => Math.hypot(x - other.x, y - other.y) || 1;
      this.viewer.zoom(apart(at) / apart(before), (at.x + other.x) / 2, (at.y + other.y) / 2);
    } else if (this.box) {
      this.box.to = at;
      this.viewer.draw();
    } else if (!this.viewer.whole) this.viewer.pan(at.x - before.x, at.y - before.y);
  }

  release(event) {
    this.pointers.delete(event.pointerId);
    this.canvas.classList.remove("panning");
    if (!this.box) return;
    const { from, to } = this.box;
    this.box = null;
    const large = Math.min(Math.abs(to.x - from.x), Math.abs(to.y - from.y)) >= LEAST_BOX;
    if (large) this.viewer.zoomTo(from, to);
    else this.viewer.draw();
  }

  /** Draw the box that is being drawn. */
  paint(context) {
    if (!this.box) return;
    const { from, to } = this.box;
    context.setLineDash([]);
    for (const [colour, width] of [["rgba(0, 0, 0, 0.7)", 3], ["#ffffff", 1]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
    }
  }

  key(event) {
    const { viewer } = this;
    const acts = {
      "+": () => viewer.zoom(1.5),
      "=": () => viewer.zoom(1.5),
      "-": () => viewer.zoom(1 / 1.5),
      0: () => viewer.reset(),
      ArrowLeft: () => viewer.pan(60, 0),
      ArrowRight: () => viewer.pan(-60, 0),
      ArrowUp: () => viewer.pan(0, 60),
      ArrowDown: () => viewer.pan(0, -60),
    };
    const scrolls = event.key.startsWith("Arrow") && viewer.whole;
    if (event.ctrlKey || event.metaKey || event.altKey || !acts[event.key] || scrolls) return;
    event.preventDefault();
    acts[event.key]();
  }

  /** J and L step wherever the focus is, unless one is typing. */
  anyKey(event) {
    const count = { j: -1, l: 1 }[event.key?.toLowerCase()];
    if (!count || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.composedPath()[0])) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.viewer.step(count);
  }

  /** Save what is drawn as PNG at twice its size, on an opaque ground. */
  async save() {
    const { viewer } = this;
    const { width, height } = viewer.size;
    const canvas = new OffscreenCanvas(2 * width, 2 * height);
    const context = canvas.getContext("2d");
    context.scale(2, 2);
    const scene = viewer.scene(viewer.frameOf(viewer.drawn));
    paint(context, viewer.size, { ...scene, solid: true });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await canvas.convertToBlob({ type: "image/png" }));
    link.download = `${viewer.alt().replace(/\W+/g, "_")}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  /** Write what is under the pointer: the field to 1 G, the position, the map, the pixel. */
  readOut(at) {
    const line = this.viewer.root.querySelector(".readout");
    const found = at && this.viewer.under(at.x, at.y);
    if (!found) {
      line.textContent = HINT;
      return;
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
    const field = document.createElement("b");
    field.textContent = gaussWords(frame.field[row * frame.cols + col]);
    line.replaceChildren(field, ` · ${words.join(" · ")}`);
  }
}

function gaussWords(gauss) {
  const marks = {
    [MISSING]: "off the disk",
    [BELOW]: "below −32 000 G",
    [ABOVE]: "above +32 000 G",
  };
  return marks[gauss] ?? `${signed(gauss, 1)} G`;
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
