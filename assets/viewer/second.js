/** The second picture: what it shows, and how both are shown: side by side, in turn, subtracted. */

import { difference } from "./compare.js";
import { mapLimits, prepare } from "./draw.js";
import { Pane } from "./pane.js";
import { Supply } from "./supply.js";

const CHOSEN = { hours: ["hour2"], models: ["model2"], regions: ["region2", "hour2"] };
const EARLIER = 6; // hours between the two, until they are chosen
const REST_AT_SECOND_MS = 350; // of the hand, before the server is asked
const ASK_AGAIN_MS = 8000; // what is requested while the page runs may be lost

export class Second {
  constructor(viewer) {
    this.viewer = viewer;
    this.supply = new Supply(() => viewer.show()); // of another region
    this.sent = null; // by the server
    this.asked = false;
    this.turn = 0; // of the pictures that blink
  }

  leave() {
    this.supply.settle();
    clearTimeout(this.again);
    clearTimeout(this.resting);
    clearInterval(this.blinking);
  }

  get kind() {
    return this.viewer.settings.panes;
  }

  get way() {
    const { panes, show } = this.viewer.settings;
    if (panes === "one") return "one";
    return show === "difference" && panes !== "hours" ? "side" : show;
  }

  /** Whether each picture has its own canvas. */
  get apart() {
    return this.way === "side";
  }

  get differs() {
    return this.way === "difference";
  }

  get busy() {
    return Boolean(this.resting || this.asked || this.supply.busy);
  }

  /** Hours of the first region that it needs. */
  get hours() {
    return this.kind === "hours" ? [this.viewer.settings.hour2] : [];
  }

  /** Whether the server has sent what is chosen now. */
  get current() {
    const names = ["panes", ...(CHOSEN[this.kind] ?? [])];
    const chosen = this.sent?.chosen;
    return Boolean(chosen) && names.every((name) => chosen[name] === this.viewer.settings[name]);
  }

  /** Make the second pane, or remove it; say which hour it should show, of which region. */
  arrange() {
    const { panes, settings, hours, index } = this.viewer;
    this.supply.more = { shows: this.shows };
    const [first] = panes;
    if (!this.apart && panes[1] && panes[1].canvas !== first.canvas) {
      panes[1].canvas.remove();
      panes[1].canvas = first.canvas;
    }
    if (this.way === "one") panes.splice(1);
    else {
      const pane = (panes[1] ??= new Pane(this.viewer, first.canvas));
      if (this.apart && pane.canvas === first.canvas) {
        pane.canvas = first.canvas.cloneNode();
        first.canvas.after(pane.canvas);
        this.viewer.hand.attach(pane.canvas);
      }
      const other = this.sent?.chosen.region2 === settings.region2;
      if (!other) this.supply.patch = null;
      pane.supply = this.kind === "regions" ? this.supply : this.viewer.supply;
      if (this.kind === "hours" && !hours.includes(settings.hour2)) {
        settings.hour2 = hours[index >= EARLIER ? index - EARLIER : index + EARLIER] ?? hours[0];
      }
      const own = CHOSEN[this.kind]?.includes("hour2");
      pane.hour = own ? settings.hour2 : this.viewer.hour;
    }
    clearInterval(this.blinking);
    if (this.way === "blink") {
      this.blinking = setInterval(() => {
        this.turn = 1 - this.turn;
        this.viewer.draw();
      }, 1000 / settings.rate);
    }
    this.fillControls();
  }

  /** Say what else the panes show: titles, maps, what of the settings is their own. */
  dress() {
    const { panes, now, maps, settings } = this.viewer;
    const [first, pane] = panes;
    const time = ({ drawn }) => this.viewer.words(drawn);
    first.look = {};
    first.title = `${now.title} · ${time(first)}`;
    if (!pane) return;
    const own = this.kind === "models" || this.kind === "regions";
    pane.map = own
      ? this.current && this.viewer.mapOf(pane.drawn, this.sent.maps)
      : this.viewer.mapOf(pane.drawn, maps);
    pane.note = this.current ? this.sent.note : "";
    pane.look = {};
    if (this.kind === "map") {
      first.look = { attention: false };
      pane.look = { attention: true, opacity: 100, bare: true };
    }
    const titles = {
      map: (one) => (one === first ? "Field" : (one.map?.name ?? "No map")),
      hours: time,
      models: (one) => one.map?.model ?? (one === first ? "" : settings.model2),
      regions: (one) => `${one.patch?.title ?? ""} · ${time(one)}`,
    };
    for (const one of panes) {
      const chance = one.map?.probability;
      const answer = chance === undefined ? "" : ` · P(eruptive) ${chance.toFixed(2)}`;
      one.title = titles[this.kind](one) + (this.kind === "map" ? "" : answer);
    }
  }

  /** The panes that are painted now. */
  get visible() {
    const { panes } = this.viewer;
    if (this.apart) return panes;
    return [panes[this.way === "blink" ? this.turn : 0] ?? panes[0]];
  }

  /** Limits of the colours of two maps of one kind, which are compared; null for one alone. */
  get limits() {
    const found = this.viewer.panes.map((pane) => pane.map).filter((map) => map?.values);
    if (found.length < 2 || found[0].name !== found[1].name) return null;
    const [one, two] = found.map(mapLimits);
    return [Math.min(one[0], two[0]), Math.max(one[1], two[1])];
  }

  /** The pane that is on a canvas now. */
  on(canvas) {
    return this.visible.find((pane) => pane.canvas === canvas) ?? this.viewer.panes[0];
  }

  /** The two hours subtracted, while both are here; null where they cannot be. */
  get difference() {
    const [one, two] = this.viewer.panes.map((pane) => pane.frame);
    if (!one || !two) return null;
    if (this.made?.one !== one || this.made.two !== two) {
      this.made = { one, two, frame: difference(one, two) };
    }
    return this.made.frame;
  }

  /** What the difference is of, and how the hours lie on each other. */
  get words() {
    const [one, two] = this.viewer.panes.map((pane) => this.viewer.words(pane.drawn));
    return `${one} minus ${two}, aligned ${this.difference.compared}`;
  }

  /** Why there is no picture though the hours are here; else empty. */
  get fault() {
    const here = this.differs && this.viewer.panes.every((pane) => pane.frame);
    return here && !this.difference ? "No difference: these hours have no coordinates." : "";
  }

  /** Two regions go through the hours together. */
  follow(count) {
    const hours = this.supply.patch?.hours;
    if (this.kind !== "regions" || !hours) return;
    const at = hours.indexOf(this.viewer.settings.hour2) + count;
    this.viewer.settings.hour2 = hours[Math.min(Math.max(at, 0), hours.length - 1)];
    this.viewer.writeSoon();
  }

  toggleBlink() {
    if (this.way === "one") return;
    this.viewer.settings.show = this.way === "blink" ? "side" : "blink";
    this.viewer.show();
    this.viewer.writeSoon();
  }

  /** A control of the viewer has changed. */
  changed(name) {
    const { settings } = this.viewer;
    if (name === "region2") settings.hour2 = ""; // the server chooses one
    if (name === "hour2") {
      clearTimeout(this.resting);
      this.resting = setTimeout(() => {
        this.resting = 0;
        this.viewer.show();
      }, REST_AT_SECOND_MS);
      this.viewer.announce("hourchange");
    }
    if (["panes", "show", "rate", "hour2", "model2", "region2"].includes(name)) this.viewer.show();
  }

  hourAt(index) {
    return this.viewer.panes[1].patch.hours[index];
  }

  async take(header, blobs, want) {
    const { settings } = this.viewer;
    this.want = want;
    // The server chooses what the request leaves open; what was chosen here meanwhile stays.
    const asked = Object.entries(header.request);
    if (asked.every(([name, value]) => settings[name] === value)) {
      Object.assign(settings, header.chosen);
    }
    this.sent = header;
    this.settle();
    if (header.maps) this.viewer.keepMaps(header.maps);
    if (header.hours) {
      await this.supply.take(header.hours, blobs, want, (frame) => prepare(frame, settings));
    }
  }

  /** Ask the server for what is chosen, unless it will come by itself. */
  ask() {
    const { settings, pending, resting } = this.viewer;
    if (this.kind === "regions" && this.supply.patch) this.supply.ask([settings.hour2], !pending);
    if (this.current || this.asked || !this.want) return;
    if (pending || resting || this.resting) return;
    this.asked = true;
    this.again = setTimeout(() => {
      this.settle();
      this.viewer.show();
    }, ASK_AGAIN_MS);
    this.want("want", { key: "", hours: [], have: [], shows: this.shows });
  }

  /** What is chosen for the second picture, as the server takes it. */
  get shows() {
    const { panes, hour2, model2, region2 } = this.viewer.settings;
    return { panes, hour2, model2, region2 };
  }

  settle() {
    this.asked = false;
    clearTimeout(this.again);
  }

  fillControls() {
    const { viewer, kind, way } = this;
    const { settings } = viewer;
    const own = CHOSEN[kind] ?? [];
    for (const [name, options] of [
      ["model2", this.sent?.models ?? []],
      ["region2", this.sent?.regions ?? []],
    ]) {
      const field = viewer.field(name);
      field.hidden = !own.includes(name);
      if (field.options.length !== options.length || field.dataset.of !== viewer.now.key) {
        field.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
        field.dataset.of = viewer.now.key;
      }
      field.value = settings[name];
    }
    viewer.field("panes").value = kind;
    viewer.field("show").hidden = way === "one";
    viewer.field("show").value = way === "one" ? "side" : way;
    viewer.field("show").querySelector("[value=difference]").disabled = kind !== "hours";
    viewer.field("rate").parentElement.hidden = way !== "blink";
    const hours = viewer.panes[1]?.patch?.hours;
    const row = viewer.root.querySelector(".time.second");
    row.hidden = !own.includes("hour2") || !hours;
    if (row.hidden) return;
    viewer.field("hour2").max = hours.length - 1;
    viewer.field("hour2").value = hours.indexOf(settings.hour2);
    const text = viewer.words(settings.hour2);
    viewer.field("hour2").setAttribute("aria-valuetext", text);
    viewer.field("hour2_text").value = text;
  }
}
