/**
 * A cut: a line or a marker that the hand sets, and the field along it hour by hour.
 *
 * Its ends are Carrington longitude and latitude, so that it stays where it is on the Sun.
 */

import { number } from "../axes.js";
import { mapValue } from "../draw.js";
import { position } from "../frame.js";
import { LEAST_BOX, isTyping, signed } from "../hand.js";
import { inWords, shownOf } from "../shown.js";
import { drawOver, drawPassage, drawProfile, hourWords, panelArea, passageHours } from "./panel.js";
import { cutPixel, cutPlaces, fieldAt, longestLine } from "./places.js";

const REACH = { mouse: 10, touch: 22 }; // CSS pixels about a handle
const HALF_ACROSS_MM = 20;
const SET = "Drag a line on the picture; a click sets a marker. Or follow the longest PIL:";

// What is kept while another page is shown.
const keptCut = { ends: null, region: "" };

/** Sets, moves and draws the cut of a viewer, and what its panel shows. */
export class Cut {
  constructor(viewer) {
    this.viewer = viewer;
    this.armed = false; // a press on the picture sets the cut
    this.held = null; // which end the hand moves
    this.place = null; // of the cut, under the pointer
    this.profiles = new Map();
    this.leaving = new AbortController();
    const options = { capture: true, signal: this.leaving.signal }; // before the hand zooms or pans
    const acts = { pointerdown: "press", pointermove: "move", pointerup: "release", pointercancel: "release" };
    const pictures = viewer.root.querySelector(".panes");
    for (const [name, act] of Object.entries(acts)) {
      pictures.addEventListener(name, (event) => this.hand(act, event), options);
    }
    viewer.painters.push((context, pane) => this.paint(context, pane));
    globalThis.addEventListener("keydown", (event) => this.key(event), options);
    viewer.field("cut").onclick = () => this.toggle();
    viewer.field("cut_along").onclick = () => this.follow(false);
    viewer.field("cut_across").onclick = () => this.follow(true);
    viewer.field("cut_csv").onclick = () => this.save();
  }

  leave() {
    this.leaving.abort();
  }

  get ends() {
    return keptCut.ends;
  }

  /** The cut as the address has it; empty without one. */
  get text() {
    return (keptCut.ends ?? []).flat().join("_");
  }

  get panel() {
    return this.viewer.root.querySelector(".cut");
  }

  /** Of the first picture. */
  get frame() {
    return this.viewer.panes[0].frame;
  }

  /** Take up the cut of the link; one of another region goes. */
  take(header, first) {
    if (header.region !== keptCut.region) keptCut.ends = null;
    keptCut.region = header.region;
    if (first && header.link.cut) keptCut.ends = header.link.cut;
  }

  /** Hours that the picture of all hours has yet to get, the nearest first. */
  wanted() {
    const { now, index } = this.viewer;
    if (!keptCut.ends || this.held !== null) return [];
    const missing = now.hours.filter((one) => !now.unreadable[one] && !this.profile(one));
    const apart = (one) => Math.abs(now.hours.indexOf(one) - index);
    return missing.sort((a, b) => apart(a) - apart(b));
  }

  /** The places of the cut. */
  get places() {
    const { text, frame } = this;
    if (this.placed?.text !== text) this.placed = { text, places: cutPlaces(this.ends, frame) };
    return this.placed.places;
  }

  /** The field along the cut at an hour, in its unit; null while the hour is not here. */
  profile(hour) {
    const name = `${this.viewer.now.key} ${hour} ${this.text}`;
    const frame = this.viewer.frameOf(hour);
    if (!this.profiles.has(name) && frame && this.frame?.geometry) {
      const { per } = shownOf(frame);
      const value = (one) =>
        frame.geometry ? fieldAt(frame, ...cutPixel(frame, one)) / per : NaN;
      this.profiles.set(name, this.places.map(value));
    }
    return this.profiles.get(name) ?? null;
  }

  toggle() {
    if (keptCut.ends) this.set(null);
    else this.arm(!this.armed);
  }

  arm(armed) {
    this.armed = armed && Boolean(this.frame?.geometry);
    this.viewer.draw();
  }

  set(ends) {
    const rounded = (value) => Math.round(1000 * value) / 1000; // as the address has it
    keptCut.ends = ends?.map((end) => end.map(rounded)) ?? null;
    this.place = null;
    if (this.held === null) {
      this.armed = false;
      this.profiles.clear();
      this.viewer.show();
      this.viewer.writeSoon();
    } else this.viewer.draw();
  }

  /** Lay the cut along the longest inversion line of the hour, or across its middle. */
  follow(across) {
    const { frame } = this;
    const line = frame?.geometry && longestLine(frame);
    this.none = !line;
    if (!line) {
      this.viewer.draw();
      return;
    }
    const half = HALF_ACROSS_MM / frame.mm;
    const [x, y] = line.direction;
    const [ahead, reach] = across ? [[-y, x], [-half, half]] : [[x, y], line.reach];
    this.set(
      reach.map((length) => {
        const [col, row] = line.middle.map((middle, i) => middle + length * ahead[i]);
        const inside = [[col, frame.cols], [row, frame.rows]];
        return this.sun(frame, ...inside.map(([at, size]) => Math.min(Math.max(at, 0), size - 1)));
      }),
    );
  }

  /** Where a pixel of a frame lies on the Sun. */
  sun({ geometry }, col, row) {
    const { carrington, latitude } = position(geometry, col, row);
    return [carrington, latitude];
  }

  /** Whether the cut can lie on a picture: one of its region, with coordinates. */
  fits({ patch, frame }) {
    return Boolean(frame?.geometry && patch.region === keptCut.region);
  }

  /** The place on the Sun under the pointer, or at the nearest point inside the axes. */
  under(pane, { offsetX, offsetY }) {
    const { x, y, width, height } = pane.area;
    const inside = [
      Math.min(Math.max(offsetX, x), x + width),
      Math.min(Math.max(offsetY, y), y + height),
    ];
    return this.sun(pane.frame, ...pane.projection.toPixel(...inside));
  }

  /** Number of the end whose handle is under the pointer; -1 where none is. */
  handle(pane, { offsetX, offsetY, pointerType }) {
    const reach = REACH[pointerType] ?? REACH.touch;
    return (keptCut.ends ?? []).findLastIndex(([longitude, latitude]) => {
      const [x, y] = pane.projection.toCanvas(...cutPixel(pane.frame, { longitude, latitude }));
      return Math.hypot(x - offsetX, y - offsetY) <= reach;
    });
  }

  /** Take what the pointer does on a picture before it zooms or pans. */
  hand(act, event) {
    const pane = this.viewer.second.visible.find(({ canvas }) => canvas === event.target);
    if (pane && this.fits(pane)) this[act](pane, event);
  }

  press(pane, event) {
    const end = this.armed ? 1 : this.handle(pane, event);
    if (event.button || end < 0 || this.held !== null) return;
    event.stopImmediatePropagation();
    pane.canvas.setPointerCapture(event.pointerId);
    this.held = end;
    this.from = [event.offsetX, event.offsetY];
    if (this.armed) this.set([this.under(pane, event)]);
  }

  move(pane, event) {
    if (this.held === null) {
      pane.canvas.classList.toggle("grab", !this.armed && this.handle(pane, event) >= 0);
      return;
    }
    event.stopImmediatePropagation();
    const ends = [...keptCut.ends];
    const far = Math.hypot(event.offsetX - this.from[0], event.offsetY - this.from[1]);
    if (this.armed && ends.length === 1 && far < LEAST_BOX) return; // still a click
    ends[this.held] = this.under(pane, event);
    this.set(ends);
  }

  release(pane, event) {
    if (this.held === null) return;
    event.stopImmediatePropagation();
    this.held = null;
    this.set(keptCut.ends);
  }

  /** X sets or removes it wherever the focus is, unless one is typing; Escape removes it. */
  key(event) {
    const target = event.composedPath()[0];
    const plain = !(event.ctrlKey || event.metaKey || event.altKey || isTyping(target));
    const own = target === document.body || this.viewer.root.contains(target);
    const ends = event.key === "Escape" && own && (this.armed || keptCut.ends);
    if (!plain || !(ends || event.key?.toLowerCase() === "x") || !this.viewer.now) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.toggle();
  }

  /** Draw the cut on a picture. */
  paint(context, pane) {
    if (!keptCut.ends || !this.fits(pane) || !this.frame?.geometry) return;
    const { area, frame, projection } = pane;
    const points = this.places.map((place) => projection.toCanvas(...cutPixel(frame, place)));
    const marked = this.place === null ? null : points[this.place];
    context.save();
    context.beginPath();
    context.rect(area.x, area.y, area.width, area.height);
    context.clip();
    drawOver(context, points, marked, this.places.at(-1).mm);
    context.restore();
  }

  /** Draw the panel: there is one while a cut is set or about to be. */
  draw() {
    const { viewer, frame, panel } = this;
    const button = viewer.field("cut");
    button.disabled = !frame?.geometry;
    button.title = frame?.geometry
      ? "Field along a line, through the hours (key X; Escape removes it)"
      : "The file of this hour has no coordinates, so that no place can be kept through the hours";
    button.setAttribute("aria-pressed", String(Boolean(this.armed || keptCut.ends)));
    for (const { canvas } of viewer.panes) canvas.classList.toggle("armed", this.armed);
    panel.hidden = !(this.armed || keptCut.ends);
    const plots = panel.querySelector(".plots");
    if (!keptCut.ends || !frame?.geometry) plots.replaceChildren();
    else if (!plots.childElementCount) this.addPlots(plots);
    viewer.field("cut_csv").disabled = !keptCut.ends;
    if (panel.hidden) return;
    panel.querySelector(".words").textContent = this.none ? "This hour has no PIL." : this.words();
    this.none = false;
    if (plots.childElementCount) this.drawPlots(plots);
  }

  words() {
    if (!keptCut.ends) return SET;
    if (!this.frame?.geometry) return "This hour has no coordinates.";
    const { now } = this.viewer;
    const read = now.hours.filter((hour) => this.profile(hour)).length;
    const all = now.hours.length;
    const unable = now.hours.filter((hour) => now.unreadable[hour]).length;
    const some = `${read} of ${all} hours${read + unable === all ? "; the others have none." : " read …"}`;
    const done = read === all ? `${read} hours.` : some;
    const what = keptCut.ends.length > 1 ? "Drag its ends to move it" : "Drag it to move it";
    return `${what}; Escape removes it. ${done}`;
  }

  /** Milliseconds that TAI is ahead, while times are in UTC; else 0. */
  get late() {
    const { scale, hours, utc } = globalThis.hnnTransport?.data ?? {};
    return scale === "utc" ? Date.parse(`${hours[0]}Z`) - Date.parse(`${utc[0]}Z`) : 0;
  }

  addPlots(plots) {
    for (const name of keptCut.ends.length > 1 ? ["profile", "passage"] : ["passage"]) {
      const canvas = document.createElement("canvas");
      canvas.className = name;
      canvas.setAttribute("role", "img");
      canvas.addEventListener("pointermove", (event) => this.point(event));
      canvas.addEventListener("pointerleave", () => this.point(null));
      if (name === "passage") canvas.addEventListener("click", (event) => this.go(event));
      plots.append(canvas);
    }
  }

  drawPlots(plots) {
    if (plots.childElementCount !== keptCut.ends.length) {
      plots.replaceChildren();
      this.addPlots(plots);
    }
    const { viewer, frame, places } = this;
    const { theme } = viewer;
    const scene = { settings: viewer.settings, style: viewer.now.style };
    const map = viewer.settings.attention ? viewer.mapOf(viewer.drawn) : null;
    const values = map?.values
      ? places.map((one) => mapValue(map, ...cutPixel(frame, one).map(Math.round)) ?? NaN)
      : null;
    const here = this.profile(viewer.drawn) ?? places.map(() => NaN);
    const common = { places, theme, frame, hour: viewer.drawn, late: this.late, place: this.place };
    const profile = plots.querySelector(".profile");
    if (profile) drawProfile(profile, { ...common, field: here, map: values && { ...map, values } });
    const hours = passageHours(viewer.now.hours);
    const columns = hours.map((hour) => ({
      hour,
      values: this.profile(hour),
      missing: !viewer.now.hours.includes(hour) || Boolean(viewer.now.unreadable[hour]),
    }));
    this.hours = hours;
    drawPassage(plots.querySelector(".passage"), { ...common, columns, scene });
  }

  /** Show the value under the pointer of a plot, and the place on the picture. */
  point(event) {
    const line = this.panel.querySelector(".value");
    const at = event && this.at(event);
    this.place = at?.place ?? null;
    line.textContent = at ? at.words : "";
    this.viewer.draw();
  }

  /** Hour, place and value under the pointer of a plot; null beside its axes. */
  at(event) {
    const { places, viewer, hours } = this;
    const { x, y, width, height } = panelArea(event.target);
    const [across, up] = [(event.offsetX - x) / width, (y + height - event.offsetY) / height];
    const time = event.target.className === "passage";
    const hour = time ? hours[Math.floor(across * hours.length)] : viewer.drawn;
    const share = time ? up : across;
    if (!hour || !(share >= 0 && share <= 1)) return null;
    const place = Math.round(share * (places.length - 1));
    const value = this.profile(hour)?.[place];
    const { mm, longitude, latitude } = places[place];
    const { unit, per, range } = shownOf(this.frame);
    const words = [hourWords(hour, this.late)];
    if (places.length > 1) words.push(`${number(mm, 0.1)} Mm`);
    words.push(value === undefined ? "no hour here" : Number.isNaN(value) ? "no value" : inWords(value, unit, per, !range));
    words.push(`Carrington ${number(longitude, 0.01)}°, latitude ${signed(latitude, 0.01)}°`);
    return { hour, place, words: words.join(" · ") };
  }

  go(event) {
    const { hour } = this.at(event) ?? {};
    const index = this.viewer.now.hours.indexOf(hour);
    if (index >= 0) this.viewer.go(index);
  }

  /** The field along the cut at all hours that are here, as a table. */
  csv() {
    const { viewer, frame, places } = this;
    const { symbol, field, unit } = shownOf(frame);
    const { title, source, hours } = viewer.now;
    const read = hours.filter((hour) => this.profile(hour));
    const ends = keptCut.ends.map(([lon, lat]) => `${lon} ${lat}`).join(" to ");
    const words = [
      `# HNN Explorer: field along a cut of ${title}; source ${source};`,
      `simulated: ${frame.simulated ? "yes" : "no"};`,
      `cut (Carrington longitude latitude; degrees) ${ends}; ${read.length} of ${hours.length} hours;`,
      `${symbol} is ${field} in ${unit === "G" ? "gauss" : unit}; interpolated bilinearly; empty where it is not known;`,
      "distance along the great circle from the first end; hours are TAI",
    ];
    const lines = read.flatMap((hour) => {
      const values = this.profile(hour);
      return places.map(({ mm, longitude, latitude }, i) => {
        const gauss = Number.isNaN(values[i]) ? "" : values[i].toFixed(1);
        return [hour, mm.toFixed(3), longitude.toFixed(4), latitude.toFixed(4), gauss].join(",");
      });
    });
    const head = `hour_tai,distance_Mm,carrington_longitude_deg,latitude_deg,${symbol}_${unit}`;
    return [words.join(" ").replace(/[\r\n]/g, " "), head, ...lines, ""].join("\n");
  }

  save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([this.csv()], { type: "text/csv" }));
    link.download = `cut_${this.viewer.now.title.replace(/\W+/g, "_")}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
}
