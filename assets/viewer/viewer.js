/**
 * The viewer: the hours it has, which of them is drawn, and which part.
 *
 * The server gives hours and maps (`take`); everything else happens here, without it. It is called
 * again when the hand has rested at another hour, and for hours that are likely to be next.
 */

import { USUAL, writeAddress } from "./address.js";
import { MARGIN, extent, mapValue, paint, plotArea, prepare, projection } from "./draw.js";
import { splitPayload, unpackFrame, unpackNumbers } from "./frame.js";
import { Hand } from "./hand.js";

const REST_MS = 350; // of the hand, before the rest of the page follows
const AHEAD = [1, -1, 2, -2, 3, -3, 4]; // hours fetched before they are needed
const AGAIN_MS = { needed: 4000, ahead: 15000 }; // until hours that did not come are wanted again
const UPKEEP_MS = 1000; // of the address
const MOST_FRAMES = 60; // kept, 1 to 2 MB each
const MOST_MAPS = 400;
const NARROWEST = 12; // columns across

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
    this.coming = new Set(); // frames that are being unpacked
    this.hand = new Hand(this);
    this.listen();
    globalThis.hnnViewer = this;
    for (const give of (globalThis.hnnFeeds ?? []).splice(0)) give(this);
  }

  listen() {
    for (const name of Object.keys(USUAL)) {
      this.field(name).addEventListener("input", () => this.changed(name));
    }
    this.field("hour").addEventListener("input", (event) => this.go(Number(event.target.value)));
    this.field("in").onclick = () => this.zoom(1.5);
    this.field("out").onclick = () => this.zoom(1 / 1.5);
    this.field("whole").onclick = () => this.reset();
    this.field("save").onclick = () => this.hand.save();
    // The server writes its part of the address as well, and not always with the latest of ours.
    const elsewhere = (event) => this.fold(event);
    for (const name of ["pointerdown", "focusin", "keydown"]) {
      globalThis.addEventListener(name, elsewhere, { signal: this.hand.leaving.signal });
    }
    this.upkeep = setInterval(() => this.now && writeAddress(kept.settings, kept.view), UPKEEP_MS);
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(this.element);
    // A change of theme comes as another class of what is about the component.
    this.themes = new MutationObserver(() => this.draw());
    const about = this.root.host.closest(".stBidiComponent");
    this.themes.observe(about, { attributes: true, subtree: true, attributeFilter: ["class"] });
  }

  /** Close what is unfolded in the row of tools at a press elsewhere, or by Escape. */
  fold(event) {
    const open = this.root.querySelector("details[open]");
    const closes = event.key ? event.key === "Escape" : !event.composedPath().includes(open);
    if (open && closes) open.open = false;
  }

  leave() {
    this.hand.leave();
    this.sizes.disconnect();
    this.themes.disconnect();
    clearTimeout(this.resting);
    clearTimeout(this.again);
    clearTimeout(this.writing);
    clearInterval(this.upkeep);
    if (globalThis.hnnViewer === this) globalThis.hnnViewer = undefined;
  }

  get connected() {
    return this.root.host.isConnected;
  }

  get element() {
    return this.root.querySelector(".eyepiece");
  }

  /** Whether hours are on their way, or the page has yet to follow. */
  get busy() {
    return Boolean(this.asked.size || this.coming.size || this.resting || this.pending);
  }

  /** Whether the whole patch is shown. */
  get whole() {
    return !kept.view;
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
    if (first && header.link.extent) kept.view = header.link.extent;
    this.now = header;
    this.want = want;
    this.fillControls();
    if (this.pending === header.hour) this.pending = "";
    if (!this.pending && !this.resting) this.hour = header.hour;
    if (!this.frameOf(this.drawn)) this.drawn = "";
    const found = Object.entries(header.frames);
    await Promise.all(
      found.map(async ([hour, { blob, ...facts }]) => {
        const name = `${header.key} ${hour}`;
        if (kept.frames.has(name) || this.coming.has(name)) return;
        this.coming.add(name);
        const frame = await unpackFrame(facts, blobs[blob]);
        this.coming.delete(name);
        kept.frames.set(name, frame);
        if (hour !== this.hour) requestIdleCallback(() => prepare(frame, kept.settings));
      }),
    );
    this.asked.clear();
    clearTimeout(this.again);
    while (kept.frames.size > MOST_FRAMES) kept.frames.delete(kept.frames.keys().next().value);
    if (this.connected) writeAddress(kept.settings, kept.view);
  }

  takeMaps(header) {
    this.maps = header;
    this.field("palette").disabled = header.signed; // which has one of its own
    for (const [hour, { box, values }] of Object.entries(header.hours)) {
      const { name, unit, signed } = header;
      const map = values ? unpackNumbers(values) : {};
      kept.maps.set(`${header.key} ${hour}`, { name, unit, signed, box, ...map });
    }
    while (kept.maps.size > MOST_MAPS) kept.maps.delete(kept.maps.keys().next().value);
  }

  /** The square that the network sees, while it is drawn. */
  get box() {
    return kept.settings.crop ? this.mapOf(this.drawn)?.box : null;
  }

  frameOf(hour) {
    return this.now && kept.frames.get(`${this.now.key} ${hour}`);
  }

  isHere(hour) {
    return Boolean(this.frameOf(hour)) || this.coming.has(`${this.now.key} ${hour}`);
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
    if (!this.now || !this.connected) return;
    if (this.frameOf(this.hour)) this.drawn = this.hour;
    this.field("hour").value = this.now.hours.indexOf(this.hour);
    const hour = `${this.hour.replace("T", " ")} TAI`;
    this.field("hour_text").value = hour;
    this.field("hour").setAttribute("aria-valuetext", hour);
    this.draw();
    const at = this.now.hours.indexOf(this.hour);
    const missing = [0, ...(this.pending ? [] : AHEAD)]
      .map((step) => this.now.hours[at + step])
      .filter((hour) => hour && !this.now.unreadable[hour] && !this.isHere(hour));
    if (!missing.length || this.asked.size) return;
    const hours = missing.slice(0, missing[0] === this.hour ? 1 : 2);
    hours.forEach((hour) => this.asked.add(hour));
    clearTimeout(this.again);
    const patience = hours[0] === this.hour ? AGAIN_MS.needed : AGAIN_MS.ahead;
    this.again = setTimeout(() => this.askAgain(), patience);
    const have = this.now.hours.filter((hour) => this.isHere(hour));
    this.want("want", { key: this.now.key, hours, have });
  }

  /** What is requested while the page runs may be lost. */
  askAgain() {
    this.asked.clear();
    this.show();
  }

  draw() {
    this.frameAsked ??= requestAnimationFrame(() => {
      this.frameAsked = null;
      this.drawNow();
    });
  }

  drawNow() {
    if (!this.now) return;
    const frame = this.frameOf(this.drawn);
    if (!frame) {
      this.canvas.width = 0; // nothing of another region stays
      this.element.dataset.hour = "";
      this.root.querySelector(".readout").textContent = this.waiting;
      return;
    }
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
    this.hand.paint(context);
    this.canvas.setAttribute("aria-label", this.alt());
    this.canvas.style.touchAction = kept.view ? "none" : "pan-y";
    const { col, row, across } = this.view(frame);
    if (!this.element.dataset.hour) this.hand.readOut(null);
    this.element.dataset.hour = this.drawn;
    this.element.dataset.view = [col, row, across].map((one) => one.toFixed(2)).join(",");
    this.element.dataset.map = this.mapOf(this.drawn)?.values ? this.maps.key : "";
  }

  alt() {
    return `Magnetogram of ${this.now.title} at ${this.drawn.replace("T", " ")} TAI`;
  }

  /** What there is to say of an hour that is not in the picture. */
  get waiting() {
    const fault = this.now.unreadable[this.hour];
    return `${this.hour.replace("T", " ")}: ${fault ? "cannot be read" : "reading …"}`;
  }

  scene(frame) {
    const look = getComputedStyle(this.element);
    const colour = (name) => look.getPropertyValue(`--st-${name}`).trim();
    return {
      frame,
      map: this.mapOf(this.drawn),
      view: this.view(frame),
      settings: kept.settings,
      style: this.now.style,
      title: `${this.now.title} · ${this.drawn.replace("T", " ")} TAI`,
      waiting: this.hour === this.drawn ? "" : this.waiting,
      theme: {
        text: colour("text-color"),
        ground: colour("background-color"),
        missing: colour("secondary-background-color"),
        edge: "rgba(128, 136, 150, 0.8)",
        font: look.fontFamily,
      },
    };
  }

  /** As high as the whole patch asks for at this width, up to what the page has room for. */
  resize(frame) {
    const width = this.element.clientWidth;
    const across = width - MARGIN.left - MARGIN.right;
    const ends = MARGIN.top + MARGIN.bottom;
    const { minHeight, maxHeight } = getComputedStyle(this.canvas);
    const height = Math.min((across * frame.rows) / frame.cols + ends, parseFloat(maxHeight));
    this.size = { width, height: Math.round(Math.max(height, parseFloat(minHeight))) };
    this.canvas.style.height = `${this.size.height}px`;
  }

  /** The view on the array of a frame; hands keep it on the region's grid. */
  view(frame) {
    const [row, col] = frame.origin;
    if (kept.view) {
      return { ...kept.view, col: kept.view.col - col, row: kept.view.row - row };
    }
    const { x0, y0, x1, y1 } = extent(frame, this.box);
    const area = plotArea(this.size);
    const across = Math.max(x1 - x0, ((y1 - y0) * area.width) / area.height);
    return { col: (x0 + x1) / 2, row: (y0 + y1) / 2, across };
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
      const { x0, y0, x1, y1 } = extent(frame, this.box);
      const [south, east] = frame.origin;
      const rounded = (value) => Math.round(10 * value) / 10; // as the address has it
      kept.view = {
        col: rounded(Math.min(Math.max(col, x0), x1) + east),
        row: rounded(Math.min(Math.max(row, y0), y1) + south),
        across: rounded(Math.max(across, NARROWEST)),
      };
    }
    this.draw();
    this.writeSoon();
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

  /** Zoom to a box between two points of the canvas. */
  zoomTo(from, to) {
    const area = plotArea(this.size);
    const on = projection(this.view(this.frameOf(this.drawn)), area);
    const [col, row] = on.toPixel((from.x + to.x) / 2, (from.y + to.y) / 2);
    const wide = Math.abs(to.x - from.x);
    const high = (Math.abs(to.y - from.y) * area.width) / area.height;
    this.look({ col, row, across: Math.max(wide, high) / on.scale });
  }

  pan(right, down) {
    const view = this.view(this.frameOf(this.drawn));
    const { scale } = projection(view, plotArea(this.size));
    this.look({ ...view, col: view.col - right / scale, row: view.row + down / scale });
  }

  reset() {
    kept.view = null;
    this.draw();
    this.writeSoon();
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
    this.writeSoon();
  }

  writeSoon() {
    clearTimeout(this.writing);
    this.writing = setTimeout(() => writeAddress(kept.settings, kept.view), 200);
  }

  /** The pixel under a point of the canvas, with the value of the map there; null beside it. */
  under(x, y) {
    const frame = this.frameOf(this.drawn);
    const area = plotArea(this.size);
    const inside =
      x >= area.x && x <= area.x + area.width && y >= area.y && y <= area.y + area.height;
    if (!frame || !inside) return null;
    const place = projection(this.view(frame), area).toPixel(x, y);
    const [col, row] = place.map(Math.round);
    if (col < 0 || row < 0 || col >= frame.cols || row >= frame.rows) return null;
    const map = this.mapOf(this.drawn);
    return { frame, col, row, map, value: kept.settings.attention ? mapValue(map, col, row) : null };
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
