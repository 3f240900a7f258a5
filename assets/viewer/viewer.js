/**
 * The viewer: the hours it has, which of them are drawn, and which part.
 *
 * The server gives hours and maps (`take`); everything else happens here, without it. It is called
 * again when the hand has rested at another hour, and for hours that are likely to be next.
 *
 * Other parts of the page reach it as `globalThis.hnnViewer` (undefined while there is none):
 *   hours, hour, index    the hours of the region (ISO minutes, TAI), and the one that the hand is at
 *   go(index), step(n)    go there; the rest of the page follows when the hand rests
 *   hold(held)            while it is held, as by play, the rest of the page does not follow
 *   isHere(hour)          whether an hour can be drawn at once
 *   panes                 the pictures, see pane.js: `hour`, `drawn`, `frame`, `map`, `title`, `view`,
 *                         `area`, `projection` (`toCanvas(col, row)`, `toPixel(x, y)`), `under(x, y)`
 *   painters              functions (context, pane), called in CSS pixels after a pane was painted
 *   tool                  null, or what takes the pointer instead of zoom and pan: an object with
 *                         `press`, `move` and `release`, each called with (pane, {x, y, col, row})
 *   draw()                paint anew
 * Events on globalThis, each with the viewer as its `detail`: "hnn-hourchange" when the hand is at
 * another hour (also of the second pane), "hnn-frames" when the server gave hours or maps.
 */

import { USUAL, writeAddress } from "./address.js";
import { Cut } from "./cut/cut.js";
import { MARGIN, prepare } from "./draw.js";
import { splitPayload, unpackNumbers } from "./frame.js";
import { Hand } from "./hand.js";
import { Pane } from "./pane.js";
import { Part } from "./part.js";
import { Second } from "./second.js";
import { Supply } from "./supply.js";

const REST_MS = 350; // of the hand, before the rest of the page follows
const CALL_MS = 8000; // until the page is called once more
const UPKEEP_MS = 1000; // of the address
const MOST_MAPS = 400;
const GAP = 8; // between two pictures, CSS pixels
const NARROW = 700; // below it they are one above the other

// What is kept while another page is shown.
const kept = { settings: { ...USUAL }, view: null, region: "", maps: new Map() };

class Viewer {
  constructor(root, setTriggerValue) {
    this.root = root;
    this.rest = setTriggerValue;
    this.size = { width: 0, height: 0 }; // of a picture
    this.hour = "";
    this.pending = ""; // that the rest of the page has yet to follow to
    this.linked = false; // the view is a link's, which may lead outside
    this.held = false; // by play: the rest of the page does not follow
    this.painters = [];
    this.tool = null;
    this.cross = null; // where the pointer is, on the grid, while there are two pictures
    this.supply = new Supply(() => this.show());
    this.panes = [new Pane(this, root.querySelector("canvas"))];
    this.panes[0].supply = this.supply;
    this.part = new Part(this, kept);
    this.second = new Second(this);
    this.hand = new Hand(this);
    this.cut = new Cut(this);
    this.listen();
    globalThis.hnnViewer = this;
    for (const give of (globalThis.hnnFeeds ?? []).splice(0)) give(this);
  }

  listen() {
    for (const name of Object.keys(USUAL)) {
      this.field(name).addEventListener("input", () => this.changed(name));
    }
    this.field("in").onclick = () => this.part.zoom(1.5);
    this.field("out").onclick = () => this.part.zoom(1 / 1.5);
    this.field("whole").onclick = () => this.part.reset();
    this.field("save").onclick = () => this.hand.save();
    // The server writes its part of the address as well, and not always with the latest of ours.
    const elsewhere = (event) => this.fold(event);
    for (const name of ["pointerdown", "focusin", "keydown"]) {
      globalThis.addEventListener(name, elsewhere, { signal: this.hand.leaving.signal });
    }
    this.upkeep = setInterval(() => this.now && this.write(), UPKEEP_MS);
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
    this.cut.leave();
    this.sizes.disconnect();
    this.themes.disconnect();
    this.supply.settle();
    this.second.leave();
    clearTimeout(this.resting);
    clearTimeout(this.calling);
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

  get settings() {
    return kept.settings;
  }

  /** What the server last sent of the region. */
  get now() {
    return this.supply.patch;
  }

  get hours() {
    return this.now?.hours ?? [];
  }

  get index() {
    return this.hours.indexOf(this.hour);
  }

  /** The hour that is in the (first) picture. */
  get drawn() {
    return this.panes[0].drawn;
  }

  /** Whether hours are on their way, or the page has yet to follow. */
  get busy() {
    const here = this.supply.busy || this.second.busy;
    return Boolean(here || this.held || this.resting || this.pending);
  }

  field(name) {
    return this.root.querySelector(`[name="${name}"]`);
  }

  /** Call the page to the hour once more where it rests without having come: calls may be lost. */
  callAgain() {
    clearTimeout(this.calling);
    this.calling = setTimeout(() => {
      if (!this.pending || !this.connected) return;
      const page = document.querySelector("[data-testid=stApp]");
      if (page?.dataset.testScriptState !== "running") this.rest("hour", this.pending);
      this.callAgain();
    }, CALL_MS);
  }

  announce(what) {
    globalThis.dispatchEvent(new CustomEvent(`hnn-${what}`, { detail: this }));
  }

  /** Take what the server sent: hours, maps, or what is for the second picture. */
  async take(bytes, want) {
    const { header, blobs } = splitPayload(bytes);
    if (header.kind === "hours") await this.takeHours(header, blobs, want);
    else if (header.kind === "maps") this.takeMaps(header);
    else await this.second.take(header, blobs, want);
    this.show();
    this.announce("frames");
  }

  async takeHours(header, blobs, want) {
    const first = !this.now;
    if (first) Object.assign(kept.settings, header.link.settings);
    if (header.region !== kept.region) {
      kept.view = null;
      kept.region = header.region;
      this.arrive();
    }
    if (first && header.link.extent) {
      kept.view = header.link.extent;
      this.linked = true;
    }
    if (this.pending === header.hour) this.pending = "";
    const following = !this.pending && !this.resting && !this.held;
    this.cut.take(header, first);
    this.supply.keep(header);
    if (following && this.hour !== header.hour) {
      this.hour = header.hour;
      this.announce("hourchange");
    }
    this.fillControls();
    await this.supply.take(header, blobs, want, (frame) => prepare(frame, kept.settings));
    if (this.connected) this.write();
  }

  /** At another region no hour of the one before is waited for. */
  arrive() {
    clearTimeout(this.resting);
    Object.assign(this, { resting: 0, pending: "", held: false });
  }

  takeMaps(header) {
    this.maps = header;
    this.field("palette").disabled = header.signed; // which has one of its own
    this.keepMaps(header);
  }

  keepMaps(header) {
    const { name, unit, signed, model } = header;
    for (const [hour, { box, values, probability }] of Object.entries(header.hours)) {
      const map = values ? unpackNumbers(values) : {};
      const facts = { name, unit, signed, model, box, probability };
      kept.maps.set(`${header.key} ${hour}`, { ...facts, ...map });
    }
    while (kept.maps.size > MOST_MAPS) kept.maps.delete(kept.maps.keys().next().value);
  }

  /** An hour as it is written, in TAI or UTC. */
  words(hour) {
    return globalThis.hnnTransport?.words(hour) ?? `${hour.replace("T", " ")} TAI`;
  }

  frameOf(hour) {
    return this.supply.frame(hour);
  }

  isHere(hour) {
    return this.supply.isHere(hour);
  }

  mapOf(hour, maps = this.maps) {
    return (maps && kept.maps.get(`${maps.key} ${hour}`)) ?? null;
  }

  /** Go to an hour by its number; the rest of the page follows when the hand rests. */
  go(index) {
    const { hours } = this;
    const last = this.index;
    const hour = hours[Math.min(Math.max(index, 0), hours.length - 1)];
    if (hour === this.hour) return;
    this.hour = hour;
    this.second.follow(this.index - last);
    this.follow();
    this.show();
    this.announce("hourchange");
  }

  /** While it is held, as by play, the rest of the page stays where it is. */
  hold(held) {
    this.held = held;
    this.follow();
  }

  /** Let the rest of the page follow once the hand rests. */
  follow() {
    clearTimeout(this.resting);
    this.resting = 0;
    if (this.held) return;
    this.resting = setTimeout(() => {
      this.resting = 0;
      // While the page is on its way to another hour, it has to be called back even to its own.
      this.pending = this.hour === this.now.hour && !this.pending ? "" : this.hour;
      if (this.pending) {
        this.rest("hour", this.hour);
        this.callAgain();
      } else this.show();
    }, REST_MS);
  }

  step(count) {
    this.go(this.index + count);
  }

  /** Draw the hours if they are here, and ask for them and their neighbours where they are not. */
  show() {
    if (!this.now || !this.connected) return;
    this.second.arrange();
    this.panes[0].hour = this.hour;
    this.panes[0].map = this.mapOf(this.hour);
    for (const pane of this.panes) {
      if (pane.supply.frame(pane.hour)) pane.drawn = pane.hour;
      else if (!pane.frame) pane.drawn = ""; // nothing of another region stays
    }
    this.panes[0].map = this.mapOf(this.drawn);
    this.second.dress();
    this.draw();
    this.supply.ask([this.hour, ...this.second.hours], !this.pending, this.cut.wanted());
    this.second.ask();
  }

  draw() {
    this.frameAsked ??= requestAnimationFrame(() => {
      this.frameAsked = null;
      this.drawNow();
    });
  }

  drawNow() {
    if (!this.now) return;
    const [first] = this.panes;
    const shown = this.second.visible.filter((pane) => pane.pictured);
    if (!first.frame || (this.second.differs && !shown.length)) {
      for (const pane of this.panes) pane.canvas.width = 0;
      const absent = this.panes.find((pane) => !pane.frame);
      this.element.dataset.hour = "";
      this.root.querySelector(".readout").textContent = this.second.fault || absent.waiting;
      return;
    }
    this.resize();
    if (this.linked && this.panes.length === 1) this.part.look(this.part.view); // inside the patch
    this.linked = false;
    this.theme = this.readTheme();
    const ratio = devicePixelRatio || 1;
    const { width, height } = this.size;
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    for (const pane of this.second.visible) {
      const { canvas } = pane;
      if (canvas.width !== wide || canvas.height !== high) {
        Object.assign(canvas, { width: wide, height: high });
      }
      const context = canvas.getContext("2d");
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      if (pane.pictured) {
        pane.paint(context);
        this.hand.paint(context, pane);
      } else pane.excuse(context);
      canvas.setAttribute("aria-label", pane.pictured ? pane.alt() : pane.waiting);
      canvas.style.touchAction = kept.view ? "none" : "pan-y";
    }
    this.cut.draw();
    this.field("arrows").disabled = !this.panes.some((pane) => pane.frame?.arrows);
    const { col, row, across } = first.view;
    if (!this.element.dataset.hour) this.hand.readOut(null);
    this.element.dataset.hour = this.drawn;
    this.element.dataset.view = [col, row, across].map((one) => one.toFixed(2)).join(",");
    this.element.dataset.map = this.mapOf(this.drawn)?.values ? this.maps.key : "";
  }

  readTheme() {
    const look = getComputedStyle(this.element);
    const colour = (name) => look.getPropertyValue(`--st-${name}`).trim();
    return {
      text: colour("text-color"),
      ground: colour("background-color"),
      missing: colour("secondary-background-color"),
      edge: "rgba(128, 136, 150, 0.8)",
      font: look.fontFamily,
    };
  }

  /** As high as everything that there is asks for at this width, up to what the page has room for. */
  resize() {
    const room = Math.floor(this.element.getBoundingClientRect().width); // clientWidth may be more
    const side = this.second.apart && room >= NARROW;
    const width = side ? Math.floor((room - GAP) / 2) : room;
    const across = width - MARGIN.left - MARGIN.right;
    const { x0, y0, x1, y1 } = this.part.reach;
    const wanted = (across * (y1 - y0)) / (x1 - x0) + MARGIN.top + MARGIN.bottom;
    const { minHeight, maxHeight } = getComputedStyle(this.panes[0].canvas);
    const most = (this.second.apart && !side ? 0.7 : 1) * parseFloat(maxHeight);
    const height = Math.max(Math.min(wanted, most), parseFloat(minHeight));
    this.size = { width, height: Math.round(height) };
    for (const { canvas } of this.panes) {
      canvas.style.width = side ? `${width}px` : "";
      canvas.style.height = `${this.size.height}px`;
    }
  }

  fillControls() {
    for (const [name, value] of Object.entries(kept.settings)) {
      const field = this.field(name);
      if (field.type === "checkbox") field.checked = value;
      else if (name !== "hour2") field.value = value;
    }
    this.field("clip_text").value = kept.settings.clip;
    this.field("arrows").parentElement.hidden = !this.now.vectors;
    for (const [name, colour] of Object.entries(this.now.style.colours)) {
      this.field(name)?.parentElement.style.setProperty("--layer", colour);
    }
  }

  changed(name) {
    const field = this.field(name);
    const numeric = field.type === "range";
    const value =
      field.type === "checkbox" ? field.checked : numeric ? Number(field.value) : field.value;
    kept.settings[name] = name === "hour2" ? this.second.hourAt(value) : value;
    this.field("clip_text").value = kept.settings.clip;
    this.second.changed(name);
    this.draw();
    this.writeSoon();
  }

  write() {
    writeAddress(kept.settings, kept.view, this.cut.text);
  }

  writeSoon() {
    clearTimeout(this.writing);
    this.writing = setTimeout(() => this.write(), 200);
  }

  /** What is drawn, for tests. */
  shown() {
    const [first] = this.panes;
    const layers = Object.keys(kept.settings).filter((name) => kept.settings[name] === true);
    const sum = first.frame.field.reduce((total, gauss, i) => total + gauss * ((i % 9973) + 1), 0);
    const drawn = { ...kept.settings, ...first.look }.attention;
    const name = first.map?.values && drawn ? first.map.name : "";
    const { title } = this.now;
    return { hour: this.drawn, layers, sum, map: name, view: first.view, title };
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
