/**
 * The viewer: what the hand does, and the hours it has.
 *
 * The server gives hours and maps (`take`); everything else happens here, without it. It is called
 * again when the hand has rested at another hour, and for hours that are likely to be next.
 */

import { ABOVE, BELOW, MISSING, position, splitPayload, unpackFrame, unpackNumbers } from "./frame.js";
import { MARGIN, number, paint, plotArea, projection } from "./draw.js";

const USUAL = {
  attention: true, opacity: 60, palette: "plasma", pil: true, ropi: false, hull: false, crop: false,
  graticule: false, clip: 500, clipped: false, axes: "deg",
};
const REST_MS = 350; // of the hand, before the rest of the page follows
const AHEAD = [1, -1, 2, -2, 3, -3, 4]; // hours fetched before they are needed
const MOST_FRAMES = 60; // kept, 1 to 2 MB each
const NARROWEST = 12; // columns across
const HINT = "Scroll or pinch to zoom, drag to pan, double click for the whole patch; J and L step.";

// What is kept while another page is shown.
const kept = { settings: { ...USUAL }, view: null, region: "", frames: new Map(), maps: new Map() };

class Viewer {
  constructor(root, setTriggerValue) {
    this.root = root;
    this.rest = setTriggerValue;
    this.canvas = root.querySelector("canvas");
    this.size = { width: 0, height: 0 };
    this.hour = ""; // that the hand is at
    this.drawn = ""; // that is in the picture
    this.pending = ""; // that the rest of the page has yet to follow to
    this.asked = new Set();
    this.watch();
    globalThis.hnnViewer = this;
    for (const give of (globalThis.hnnFeeds ?? []).splice(0)) give(this);
  }

  get connected() {
    return this.root.host.isConnected;
  }

  field(name) {
    return this.root.querySelector(`[name="${name}"]`);
  }

  /** Take what the server sent: `now` and hours, or maps. */
  async take(bytes, want) {
    const { header, blobs } = splitPayload(bytes);
    if (header.kind === "maps") this.takeMaps(header);
    else await this.takeHours(header, blobs, want);
    this.show();
  }

  async takeHours(header, blobs, want) {
    const first = !this.now;
    if (first) Object.assign(kept.settings, header.link.settings);
    if (header.region !== kept.region) {
      kept.view = null;
      kept.region = header.region;
    }
    if (first && header.link.view) kept.view = header.link.view;
    this.now = header;
    this.want = want;
    this.fillControls();
    if (this.pending === header.hour) this.pending = "";
    if (!this.pending && !this.resting) this.hour = header.hour;
    this.asked.clear();
    const found = Object.entries(header.frames);
    await Promise.all(
      found.map(async ([hour, { blob, ...facts }]) => {
        const name = this.name(hour);
        if (kept.frames.has(name)) return;
        kept.frames.set(name, await unpackFrame(facts, blobs[blob]));
      }),
    );
    for (const name of kept.frames.keys()) {
      if (kept.frames.size <= MOST_FRAMES) break;
      kept.frames.delete(name);
    }
    this.writeLink();
  }

  takeMaps(header) {
    this.maps = header;
    for (const [hour, { box, values }] of Object.entries(header.hours)) {
      const { name, unit, signed } = header;
      const map = values ? unpackNumbers(values) : {};
      kept.maps.set(`${header.key} ${hour}`, { name, unit, signed, box, ...map });
    }
    while (kept.maps.size > 400) kept.maps.delete(kept.maps.keys().next().value);
  }

  name(hour) {
    return `${this.now.key} ${hour}`;
  }

  frameOf(hour) {
    return this.now && kept.frames.get(this.name(hour));
  }

  mapOf(hour) {
    return (this.maps && kept.maps.get(`${this.maps.key} ${hour}`)) ?? null;
  }

  /** Go to an hour by its number; the rest of the page follows when the hand rests. */
  go(index) {
    const { hours } = this.now;
    const hour = hours[Math.min(Math.max(index, 0), hours.length - 1)];
    if (hour === this.hour) return;
    this.hour = hour;
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      this.resting = 0;
      this.pending = this.hour === this.now.hour ? "" : this.hour;
      if (this.pending) this.rest("hour", this.hour);
    }, REST_MS);
    this.show();
  }

  step(count) {
    this.go(this.now.hours.indexOf(this.hour) + count);
  }

  /** Draw the hour if it is here, and ask for it and its neighbours where they are not. */
  show() {
    if (!this.now) return;
    if (this.frameOf(this.hour)) this.drawn = this.hour;
    this.field("hour").value = this.now.hours.indexOf(this.hour);
    this.field("hour_text").value = `${this.hour.replace("T", " ")} TAI`;
    this.draw();
    const at = this.now.hours.indexOf(this.hour);
    const missing = [0, ...(this.pending ? [] : AHEAD)]
      .map((step) => this.now.hours[at + step])
      .filter((hour) => hour && !this.frameOf(hour) && !this.now.unreadable[hour]);
    if (!missing.length || this.asked.size) return;
    const hours = missing.slice(0, missing[0] === this.hour ? 1 : 2);
    hours.forEach((hour) => this.asked.add(hour));
    const have = this.now.hours.filter((hour) => this.frameOf(hour));
    this.want("want", { key: this.now.key, hours, have });
  }

  draw() {
    this.frameAsked ??= requestAnimationFrame(() => {
      this.frameAsked = null;
      this.drawNow();
    });
  }

  drawNow() {
    const frame = this.frameOf(this.drawn);
    const region = this.root.querySelector(".eyepiece");
    if (!frame) return;
    this.resize(frame);
    const ratio = devicePixelRatio || 1;
    const { width, height } = this.size;
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== wide || this.canvas.height !== high) {
      Object.assign(this.canvas, { width: wide, height: high });
    }
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    paint(context, this.size, this.scene(frame));
    if (this.box) this.drawBox(context);
    this.canvas.setAttribute("aria-label", this.alt());
    this.canvas.style.touchAction = kept.view ? "none" : "pan-y";
    const { col, row, across } = this.view(frame);
    region.dataset.hour = this.drawn;
    region.dataset.view = [col, row, across].map((one) => one.toFixed(2)).join(",");
    region.dataset.map = this.mapOf(this.drawn)?.values ? this.maps.key : "";
  }

  alt() {
    return `Magnetogram of ${this.now.title} at ${this.drawn} TAI`;
  }

  scene(frame) {
    const look = getComputedStyle(this.root.querySelector(".eyepiece"));
    const colour = (name) => look.getPropertyValue(`--st-${name}`).trim();
    let waiting = "";
    if (this.hour !== this.drawn) {
      const bad = this.now.unreadable[this.hour];
      waiting = `${this.hour.replace("T", " ")}: ${bad ? "cannot be read" : "reading …"}`;
    }
    return {
      frame,
      map: this.mapOf(this.drawn),
      view: this.view(frame),
      settings: kept.settings,
      style: this.now.style,
      title: `${this.now.title} · ${this.drawn.replace("T", " ")} TAI`,
      waiting,
      theme: {
        text: colour("text-color"),
        ground: colour("background-color"),
        missing: colour("secondary-background-color"),
        edge: "rgba(128, 136, 150, 0.8)",
        font: look.fontFamily,
      },
    };
  }

  /** As high as the whole patch asks for at this width, up to most of the window. */
  resize(frame) {
    const width = this.root.querySelector(".eyepiece").clientWidth;
    const across = width - MARGIN.left - MARGIN.right;
    const ends = MARGIN.top + MARGIN.bottom;
    const height = Math.min((across * frame.rows) / frame.cols + ends, 0.62 * innerHeight);
    this.size = { width, height: Math.round(Math.max(height, 240)) };
    this.canvas.style.height = `${this.size.height}px`;
  }

  /** The view on the array of a frame; hands keep it on the region's grid. */
  view(frame) {
    const [row, col] = frame.origin;
    if (kept.view) {
      return { ...kept.view, col: kept.view.col - col, row: kept.view.row - row };
    }
    const { x0, y0, x1, y1 } = this.bounds(frame);
    const area = plotArea(this.size);
    const across = Math.max(x1 - x0, ((y1 - y0) * area.width) / area.height);
    return { col: (x0 + x1) / 2, row: (y0 + y1) / 2, across };
  }

  /** The patch, and the square that the network sees while that is drawn. */
  bounds(frame) {
    const bounds = { x0: -0.5, y0: -0.5, x1: frame.cols - 0.5, y1: frame.rows - 0.5 };
    const box = kept.settings.crop && this.mapOf(this.drawn)?.box;
    if (!box) return bounds;
    return {
      x0: Math.min(bounds.x0, box.col0 - 0.5),
      y0: Math.min(bounds.y0, box.row0 - 0.5),
      x1: Math.max(bounds.x1, box.col0 + box.size - 0.5),
      y1: Math.max(bounds.y1, box.row0 + box.size - 0.5),
    };
  }

  /** Look at another part; what shows more than everything shows the whole patch. */
  look({ col, row, across }) {
    const frame = this.frameOf(this.drawn);
    const view = kept.view;
    kept.view = null;
    const whole = this.view(frame);
    kept.view = view;
    if (across >= 0.999 * whole.across) kept.view = null;
    else {
      const { x0, y0, x1, y1 } = this.bounds(frame);
      const [south, east] = frame.origin;
      kept.view = {
        col: Math.min(Math.max(col, x0), x1) + east,
        row: Math.min(Math.max(row, y0), y1) + south,
        across: Math.max(across, NARROWEST),
      };
    }
    this.draw();
    this.writeLinkSoon();
  }

  /** Zoom by a factor, with the point (x, y) of the canvas staying where it is. */
  zoom(factor, x, y) {
    const frame = this.frameOf(this.drawn);
    if (!frame) return;
    const view = this.view(frame);
    const area = plotArea(this.size);
    const on = projection(view, area);
    const [col, row] = on.toPixel(x ?? area.x + area.width / 2, y ?? area.y + area.height / 2);
    const across = Math.max(view.across / factor, NARROWEST);
    const share = across / view.across;
    this.look({
      across,
      col: col + (view.col - col) * share,
      row: row + (view.row - row) * share,
    });
  }

  pan(right, down) {
    const view = this.view(this.frameOf(this.drawn));
    const { scale } = projection(view, plotArea(this.size));
    this.look({ ...view, col: view.col - right / scale, row: view.row + down / scale });
  }

  reset() {
    kept.view = null;
    this.draw();
    this.writeLinkSoon();
  }

  // What the hand does

  watch() {
    const { canvas, root } = this;
    for (const name of Object.keys(USUAL)) {
      this.field(name).addEventListener("input", () => this.changed(name));
    }
    this.field("hour").addEventListener("input", (event) => this.go(Number(event.target.value)));
    this.field("in").onclick = () => this.zoom(1.5);
    this.field("out").onclick = () => this.zoom(1 / 1.5);
    this.field("whole").onclick = () => this.reset();
    this.field("save").onclick = () => this.save();
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("dblclick", () => this.reset());
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, (event) => this.release(event));
    }
    canvas.addEventListener("pointerleave", () => this.readOut(null));
    canvas.addEventListener("keydown", (event) => this.key(event));
    this.pointers = new Map();
    this.readOut(null);
    this.keys = (event) => this.anyKey(event);
    globalThis.addEventListener("keydown", this.keys, { capture: true });
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(root.querySelector(".eyepiece"));
    // A change of theme comes as another class of what is about the component.
    this.themes = new MutationObserver(() => this.draw());
    const about = root.host.closest(".stBidiComponent");
    this.themes.observe(about, { attributes: true, subtree: true, attributeFilter: ["class"] });
  }

  leave() {
    globalThis.removeEventListener("keydown", this.keys, { capture: true });
    this.sizes.disconnect();
    this.themes.disconnect();
    clearTimeout(this.resting);
    if (globalThis.hnnViewer === this) globalThis.hnnViewer = undefined;
  }

  fillControls() {
    for (const [name, value] of Object.entries(kept.settings)) {
      const field = this.field(name);
      if (field.type === "checkbox") field.checked = value;
      else field.value = value;
    }
    this.field("clip_text").value = kept.settings.clip;
    this.field("hour").max = this.now.hours.length - 1;
    for (const [name, colour] of Object.entries(this.now.style.colours)) {
      this.field(name)?.parentElement.style.setProperty("--layer", colour);
    }
  }

  changed(name) {
    const field = this.field(name);
    const numeric = field.type === "range";
    kept.settings[name] =
      field.type === "checkbox" ? field.checked : numeric ? Number(field.value) : field.value;
    this.field("clip_text").value = kept.settings.clip;
    this.draw();
    this.writeLinkSoon();
  }

  wheel(event) {
    if (event.deltaY > 0 && !kept.view && !event.ctrlKey) return; // the page scrolls
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0018)), event.offsetX, event.offsetY);
  }

  /** Dragging pans; with Shift, or while the whole patch is shown, it draws a box to zoom to. */
  press(event) {
    if (event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    const at = { x: event.offsetX, y: event.offsetY };
    this.pointers.set(event.pointerId, at);
    const mouse = event.pointerType === "mouse";
    this.box = mouse && (event.shiftKey || !kept.view) ? { from: at, to: at } : null;
    if (this.pointers.size > 1) this.box = null;
    this.canvas.classList.toggle("panning", !this.box && Boolean(kept.view));
  }

  move(event) {
    const at = { x: event.offsetX, y: event.offsetY };
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.readOut(at);
      return;
    }
    if (this.pointers.size === 2) {
      const [, other] = [...this.pointers].find(([id]) => id !== event.pointerId);
      const apart = ({ x, y }) => Math.hypot(x - other.x, y - other.y) || 1;
      this.zoom(apart(at) / apart(before), (at.x + other.x) / 2, (at.y + other.y) / 2);
    } else if (this.box) {
      this.box.to = at;
      this.draw();
    } else if (kept.view) this.pan(at.x - before.x, at.y - before.y);
    this.pointers.set(event.pointerId, at);
  }

  release(event) {
    this.pointers.delete(event.pointerId);
    this.canvas.classList.remove("panning");
    if (!this.box) return;
    const { from, to } = this.box;
    this.box = null;
    this.draw();
    if (Math.abs(to.x - from.x) < 6 || Math.abs(to.y - from.y) < 6) return;
    const area = plotArea(this.size);
    const on = projection(this.view(this.frameOf(this.drawn)), area);
    const [col, row] = on.toPixel((from.x + to.x) / 2, (from.y + to.y) / 2);
    const wide = Math.abs(to.x - from.x);
    const high = (Math.abs(to.y - from.y) * area.width) / area.height;
    this.look({ col, row, across: Math.max(wide, high) / on.scale });
  }

  drawBox(context) {
    const { from, to } = this.box;
    context.setLineDash([]);
    for (const [colour, width] of [["rgba(0, 0, 0, 0.7)", 3], ["#ffffff", 1]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
    }
  }

  key(event) {
    const acts = {
      "+": () => this.zoom(1.5), "=": () => this.zoom(1.5), "-": () => this.zoom(1 / 1.5),
      0: () => this.reset(), ArrowLeft: () => this.pan(60, 0), ArrowRight: () => this.pan(-60, 0),
      ArrowUp: () => this.pan(0, 60), ArrowDown: () => this.pan(0, -60),
    };
    const arrow = event.key.startsWith("Arrow");
    if (event.ctrlKey || event.metaKey || !acts[event.key] || (arrow && !kept.view)) return;
    event.preventDefault();
    acts[event.key]();
  }

  /** J and L step wherever the focus is, unless one is typing. */
  anyKey(event) {
    const steps = { j: -1, l: 1 }[event.key.toLowerCase()];
    const [target] = event.composedPath();
    const typing = target.isContentEditable || target.matches?.("input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select");
    if (!steps || !this.now || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.step(steps);
  }

  /** What is under the pointer, to 1 G. */
  readOut(at) {
    const line = this.root.querySelector(".readout");
    const frame = at && this.frameOf(this.drawn);
    const [x, y] = frame ? projection(this.view(frame), plotArea(this.size)).toPixel(at.x, at.y) : [];
    const [col, row] = [Math.round(x), Math.round(y)];
    if (!frame || col < 0 || row < 0 || col >= frame.cols || row >= frame.rows) {
      line.textContent = HINT;
      return;
    }
    const gauss = frame.field[row * frame.cols + col];
    const marks = {
      [MISSING]: "off the disk", [BELOW]: "below −32 000 G", [ABOVE]: "above +32 000 G",
    };
    const sign = gauss > 0 ? "+" : "";
    const words = [];
    if (frame.geometry) {
      const { longitude, latitude, carrington } = position(frame.geometry, col, row);
      const signed = (value) => (value < 0 ? "" : "+") + number(value, 0.01);
      words.push(
        `longitude ${signed(longitude)}°, latitude ${signed(latitude)}°`,
        `Carrington ${number(carrington, 0.01)}°`,
      );
    }
    const value = this.mapValue(col, row);
    if (value !== null) {
      const { name, unit } = this.mapOf(this.drawn);
      words.push(`${name} ${Number(value.toPrecision(3))} ${unit}`.replace("-", "−"));
    }
    words.push(`column ${col}, row ${row}`);
    line.replaceChildren(Object.assign(document.createElement("b"), {
      textContent: marks[gauss] ?? `${sign}${number(gauss, 1)} G`,
    }), ` · ${words.join(" · ")}`);
  }

  mapValue(col, row) {
    const map = this.mapOf(this.drawn);
    if (!kept.settings.attention || !map?.values) return null;
    const { row0, col0, size } = map.box;
    const [down, right] = map.shape;
    const at = [((row - row0) * down) / size, ((col - col0) * right) / size].map(Math.floor);
    if (at[0] < 0 || at[1] < 0 || at[0] >= down || at[1] >= right) return null;
    return map.values[at[0] * right + at[1]];
  }

  // The link

  writeLinkSoon() {
    clearTimeout(this.writing);
    this.writing = setTimeout(() => this.writeLink(), 200);
  }

  /** Put what differs from the usual into the address, without a run of the server. */
  writeLink() {
    const own = Object.entries(kept.settings)
      .filter(([name, value]) => value !== USUAL[name])
      .map(([name, value]) => `${name}=${value}`);
    if (kept.view) {
      const { col, row, across } = kept.view;
      own.push(`view=${[col, row, across].map((one) => Number(one.toFixed(1))).join("_")}`);
    }
    const parts = location.search.slice(1).split("&").filter(Boolean);
    const others = parts.filter((part) => {
      const [name] = part.split("=");
      return name !== "view" && !(name in USUAL);
    });
    const search = [...others, ...own].join("&");
    if (search === parts.join("&")) return;
    const hash = location.hash;
    history.replaceState(history.state, "", `${location.pathname}${search && "?"}${search}${hash}`);
  }

  /** Save what is drawn as PNG at twice its size, on an opaque ground. */
  async save() {
    const { width, height } = this.size;
    const canvas = new OffscreenCanvas(2 * width, 2 * height);
    const context = canvas.getContext("2d");
    context.scale(2, 2);
    paint(context, this.size, { ...this.scene(this.frameOf(this.drawn)), solid: true });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await canvas.convertToBlob({ type: "image/png" }));
    link.download = `${this.alt().replace(/\W+/g, "_")}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  /** What is drawn, for tests. */
  shown() {
    const frame = this.frameOf(this.drawn);
    const layers = Object.keys(kept.settings).filter((name) => kept.settings[name] === true);
    const map = this.mapOf(this.drawn);
    const sum = frame.field.reduce((total, gauss, i) => total + gauss * ((i % 9973) + 1), 0);
    const name = map?.values && layers.includes("attention") ? map.name : "";
    return { hour: this.drawn, layers, sum, map: name, view: this.view(frame), title: this.now.title };
  }
}

const viewers = new WeakMap();

/** Called at every run of the page; the element, and with it the viewer, stays. */
export default function ({ parentElement, setTriggerValue }) {
  const viewer = viewers.get(parentElement) ?? new Viewer(parentElement, setTriggerValue);
  viewers.set(parentElement, viewer);
  viewer.rest = setTriggerValue;
  return () => {
    viewer.leave();
    viewers.delete(parentElement);
  };
}
