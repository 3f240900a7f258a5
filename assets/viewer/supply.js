/** Hours of a region in the browser: which are here, and asking the server for others. */

import { unpackArrows } from "./arrows.js";
import { unpackFrame } from "./frame.js";

const AHEAD = [1, -1, 2, -2, 3, -3, 4]; // hours fetched before they are needed
const AGAIN_MS = { needed: 4000, ahead: 15000 }; // until hours that did not come are wanted again
const MOST_FRAMES = 60; // kept, 1 to 2 MB each

const frames = new Map(); // by region and hour; kept while another page is shown

export class Supply {
  /** @param changed called when hours have come, or should have come */
  constructor(changed) {
    this.changed = changed;
    this.patch = null; // what the server sent of the region: key, title, hours, unreadable …
    this.want = null; // calls the server
    this.more = {}; // that the server should know then
    this.asked = new Set();
    this.coming = new Set(); // being unpacked
  }

  /** Whether hours are on their way. */
  get busy() {
    return Boolean(this.asked.size || this.coming.size);
  }

  /** Take what the server sent of the region; an answer names only its own unreadable hours. */
  keep(patch) {
    const known = this.patch?.key === patch.key ? this.patch.unreadable : {};
    this.patch = Object.assign(patch, { unreadable: { ...known, ...patch.unreadable } });
  }

  async take(patch, blobs, want, ready) {
    this.keep(patch);
    this.want = want;
    const found = Object.entries(patch.frames);
    await Promise.all(
      found.map(async ([hour, { blob, arrows, ...facts }]) => {
        const name = `${patch.key} ${hour}`;
        if (frames.has(name) || this.coming.has(name)) return;
        this.coming.add(name);
        const frame = await unpackFrame(facts, blobs[blob]);
        if (arrows !== undefined) frame.arrows = await unpackArrows(blobs[arrows]);
        this.coming.delete(name);
        frames.set(name, frame);
        requestIdleCallback(() => ready(frame));
      }),
    );
    this.settle();
    while (frames.size > MOST_FRAMES) frames.delete(frames.keys().next().value);
  }

  frame(hour) {
    return this.patch && frames.get(`${this.patch.key} ${hour}`);
  }

  isHere(hour) {
    return Boolean(this.frame(hour)) || this.coming.has(`${this.patch.key} ${hour}`);
  }

  /** Ask for hours that are needed, then, unless that is put off, for their neighbours; then more. */
  ask(needed, ahead, more = []) {
    const { key, hours, unreadable } = this.patch;
    const at = hours.indexOf(needed[0]);
    const near = ahead ? AHEAD.map((step) => hours[at + step]) : [];
    for (const hour of [...near, ...needed]) this.touch(`${key} ${hour}`);
    const missing = [...needed, ...near, ...more].filter(
      (hour) => hour && !unreadable[hour] && !this.isHere(hour),
    );
    if (!missing.length || this.asked.size) return;
    const urgent = needed.includes(missing[0]);
    const wanted = missing.slice(0, urgent ? 1 : 2);
    wanted.forEach((hour) => this.asked.add(hour));
    // What is requested while the page runs may be lost.
    this.again = setTimeout(
      () => {
        this.settle();
        this.changed();
      },
      urgent ? AGAIN_MS.needed : AGAIN_MS.ahead,
    );
    const have = hours.filter((hour) => this.isHere(hour));
    this.want("want", { key, hours: wanted, have, ...this.more });
  }

  /** Let a frame be the last that goes. */
  touch(name) {
    const frame = frames.get(name);
    if (frames.delete(name)) frames.set(name, frame);
  }

  settle() {
    this.asked.clear();
    clearTimeout(this.again);
  }
}
