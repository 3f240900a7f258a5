/**
 * The transport: steps, play and the marks of a passage, in sight wherever the page is scrolled to.
 *
 * The viewer draws the hours (`hnnViewer.go`); the rest of the page follows when the hand rests or
 * play stops. Play goes from hour to hour in order, waits for hours that are not there yet, and
 * starts over at the end of the loop, if there is one.
 */

const SPEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]; // hours a second
const USUAL_SPEED = 3;
const WAIT_MS = 40; // until a frame that was not there is looked for again
const UPKEEP_MS = 1000; // of the address
const HOUR_MS = 3600_000;
const ICONS = { play: "M4 3v10l9-5z", pause: "M4 3h3v10H4zM9 3h3v10H9z" };
const SHAPES = {
  eruptive: { d: "M1 2h10L6 11z", filled: true },
  unlinked: { d: "M1 2h10L6 11z", filled: false },
  confined: { d: "M1 2h10L6 11z", filled: false },
  unknown: { d: "M1 2h10L6 11zM6 4v3", filled: false },
  cme: { d: "M6 2a4 4 0 1 0 .01 0z", filled: false },
};

// Kept while another page is shown.
const kept = { region: "", loop: null, span: null, speed: 0, predictions: {} };

class Transport {
  constructor(root) {
    this.root = root;
    Object.assign(this, { playing: 0, wanted: "" }); // timer; hour that no viewer was there to draw
    this.leaving = new AbortController();
    this.listen();
    globalThis.hnnTransport = this;
  }

  listen() {
    const acts = {
      first: () => this.goTo(0),
      back: () => this.step(-1),
      play: () => this.togglePlay(),
      ahead: () => this.step(1),
      last: () => this.goTo(Infinity),
      scale: () => this.send("time", this.data.scale === "utc" ? "tai" : "utc"),
    };
    for (const [name, act] of Object.entries(acts)) this.field(name).onclick = act;
    this.field("speed").append(...SPEEDS.map((one) => new Option(`${one} h/s`, one)));
    this.field("speed").onchange = (event) => {
      kept.speed = Number(event.target.value);
      this.writeAddress();
    };
    const slider = this.field("hour");
    slider.oninput = () => this.goTo(this.nearest(this.first + slider.value * HOUR_MS));
    slider.onpointermove = (event) => this.explain(event);
    for (const end of this.root.querySelectorAll(".end")) this.listenToEnd(end);
    const everywhere = { capture: true, signal: this.leaving.signal };
    globalThis.addEventListener("keydown", (event) => this.key(event), everywhere);
    globalThis.addEventListener("hnn-hourchange", () => this.follow(), everywhere);
    // The server writes its part of the address as well, and not always with the latest of ours.
    this.upkeep = setInterval(() => this.writeAddress(), UPKEEP_MS);
  }

  leave() {
    this.pause();
    this.leaving.abort();
    clearInterval(this.upkeep);
    if (globalThis.hnnTransport === this) globalThis.hnnTransport = undefined;
  }

  field(name) {
    return this.root.querySelector(`[name="${name}"]`);
  }

  get viewer() {
    const viewer = globalThis.hnnViewer;
    return viewer?.connected && viewer.hours.length === this.hours.length ? viewer : null;
  }

  get hours() {
    return this.data.hours;
  }

  /** The hour that the hand is at; the rest of the page may have yet to follow. */
  get hour() {
    const hour = this.viewer?.hour || this.wanted;
    return this.hours.includes(hour) ? hour : this.data.hour;
  }

  get at() {
    return this.hours.indexOf(this.hour);
  }

  /** First and last hour of the loop, by number; all hours where none is set. */
  get range() {
    const ends = kept.loop?.map((hour) => this.hours.indexOf(hour)) ?? [-1, -1];
    return ends[0] < 0 || ends[1] < 0 ? [0, this.hours.length - 1] : ends;
  }

  /** Take what the server knows of the passage. */
  take(data, send) {
    this.send = send;
    this.data = data;
    this.wanted = "";
    this.times = data.hours.map(milliseconds);
    this.first = this.times[0];
    this.span = Math.max(this.times.at(-1) - this.first, HOUR_MS);
    if (data.region !== kept.region) {
      this.pause();
      kept.loop = data.link.loop;
      kept.span = data.link.span;
      kept.region = data.region;
    }
    kept.speed ||= data.link.speed ?? USUAL_SPEED;
    this.viewer?.show(); // with times in the scale that is chosen
    this.draw();
  }

  /** Take the probabilities of the passage, by hour; where there are none, there is no prediction. */
  predicted({ region, probabilities, threshold }) {
    kept.predictions = { region, probabilities, threshold };
    this.drawHours();
    this.follow();
  }

  probability(hour) {
    const { region, probabilities } = kept.predictions;
    return region === this.data.region ? probabilities[hour] : undefined;
  }

  /** Go to an hour by its number; playing stops. */
  goTo(index) {
    this.pause();
    this.show(index);
  }

  show(index) {
    const hour = this.hours[Math.min(Math.max(index, 0), this.hours.length - 1)];
    if (this.viewer) this.viewer.go(this.hours.indexOf(hour));
    else if (hour !== this.hour) {
      this.wanted = hour;
      this.send("hour", hour);
    }
    this.follow();
  }

  step(count) {
    this.goTo(this.at + count);
  }

  /** Number of the hour that is nearest to a time in milliseconds of TAI. */
  nearest(time) {
    const away = this.times.map((one) => Math.abs(one - time));
    return away.indexOf(Math.min(...away));
  }

  togglePlay() {
    if (this.playing) return this.pause();
    const [start, end] = this.range;
    this.viewer?.hold(true);
    if (this.at < start || this.at >= end) this.show(start);
    this.playing = setTimeout(() => this.next(), 1000 / kept.speed);
    this.follow();
  }

  pause() {
    if (!this.playing) return;
    clearTimeout(this.playing);
    this.playing = 0;
    this.viewer?.hold(false);
    this.follow();
  }

  /** One hour on, if the one before is in the picture. */
  next() {
    const { viewer } = this;
    const [start, end] = this.range;
    const waits = viewer && viewer.drawn !== viewer.hour && !viewer.now.unreadable[viewer.hour];
    if (!waits && this.at >= end && !kept.loop) return this.pause();
    this.playing = setTimeout(() => this.next(), waits ? WAIT_MS : 1000 / kept.speed);
    if (!waits) this.show(this.at >= end ? start : this.at + 1);
  }

  /** J, K, L, arrows, brackets and B, which blinks, wherever the focus is, unless they are text or the widget's. */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.root.host.isConnected) return;
    const target = event.composedPath()[0];
    const acts = {
      j: () => this.step(-1),
      k: () => event.repeat || this.togglePlay(),
      l: () => this.step(1),
      b: () => this.viewer?.second.toggleBlink(),
      "[": () => this.setEnd(0, this.at),
      "]": () => this.setEnd(1, this.at),
    };
    const arrows = { ArrowLeft: acts.j, ArrowRight: acts.l };
    const act = acts[event.key?.toLowerCase()] ?? arrows[event.key];
    if (!act || isTyping(target) || (arrows[event.key] && hasArrows(target))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    act();
  }

  /** Set one end of the loop to an hour; a loop of less than two hours is none. */
  setEnd(end, index) {
    const ends = [...this.range];
    ends[end] = Math.min(Math.max(index, 0), this.hours.length - 1);
    if (ends[0] >= ends[1]) ends[1 - end] = end ? 0 : this.hours.length - 1;
    const whole = ends[0] === 0 && ends[1] === this.hours.length - 1;
    kept.loop = whole || ends[0] >= ends[1] ? null : ends.map((one) => this.hours[one]);
    this.drawLoop();
    this.writeAddress();
  }

  listenToEnd(end) {
    const which = Number(end.dataset.end);
    end.onpointerdown = (event) => end.setPointerCapture(event.pointerId);
    end.onpointermove = (event) => {
      if (end.hasPointerCapture(event.pointerId)) this.setEnd(which, this.under(event));
    };
    end.ondblclick = () => this.setEnd(which, which ? Infinity : 0);
    end.onkeydown = (event) => {
      const count = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (count) this.setEnd(which, this.range[which] + count);
      if (event.key === "Delete" || event.key === "Backspace") this.setEnd(which, which ? Infinity : 0);
    };
  }

  /** Number of the hour under a pointer. */
  under(event) {
    const { left, width } = this.root.querySelector(".hours").getBoundingClientRect();
    return this.nearest(this.first + ((event.clientX - left) / width) * this.span);
  }

  explain(event) {
    const hour = this.hours[this.under(event)];
    this.field("hour").title = `${this.words(hour)}: ${this.answer(hour)}`;
  }

  /** P(eruptive) of an hour, in words. */
  answer(hour) {
    const found = this.probability(hour);
    return found === undefined ? "no prediction" : `P(eruptive) ${found.toFixed(3)}`;
  }

  /** An hour in the chosen scale. */
  words(hour) {
    const utc = this.data.scale === "utc" && this.data.utc[this.hours.indexOf(hour)];
    return utc ? `${utc.replace("T", " ")} UTC` : `${hour.replace("T", " ")} TAI`;
  }

  draw() {
    const slider = this.field("hour");
    slider.max = Math.round(this.span / HOUR_MS);
    slider.setAttribute("aria-label", `Hour (${this.data.scale.toUpperCase()})`);
    this.field("scale").textContent = this.data.scale.toUpperCase();
    this.field("scale").setAttribute("aria-label", `Times in ${this.data.scale.toUpperCase()}`);
    this.field("speed").value = kept.speed;
    this.drawHours();
    this.drawEvents();
    this.drawLoop();
    this.follow();
  }

  /** Probabilities as bars from below, hours without one as a low line, and where hours are missing. */
  drawHours() {
    if (!this.data) return;
    const { colours } = this.data;
    const { threshold } = kept.predictions;
    const bars = this.times.map((time, at) => {
      const found = this.probability(this.hours[at]);
      const height = found === undefined ? 1.5 : 3 + 17 * found;
      const fill = found >= threshold ? colours.eruptive : colours.confined;
      const start = (time - this.first) / HOUR_MS - 0.42;
      return part("rect", {
        ...{ x: start, y: 20 - height, width: 0.84, height },
        ...(found === undefined ? { fill: "currentColor", opacity: 0.45 } : { fill }),
      });
    });
    const gaps = this.times.slice(1).flatMap((time, at) => {
      const [from, to] = [this.times[at], time].map((one) => (one - this.first) / HOUR_MS);
      if (to - from < 1.5) return [];
      const box = { x: from + 0.5, y: 0, width: to - from - 1, height: 20 };
      return [part("rect", { ...box, fill: "currentColor", opacity: 0.22, class: "missing" })];
    });
    const picture = this.root.querySelector(".hours");
    picture.setAttribute("viewBox", `0 0 ${this.span / HOUR_MS} 20`);
    picture.style.overflow = "visible";
    picture.replaceChildren(...gaps, ...bars);
  }

  drawEvents() {
    const lane = this.root.querySelector(".events");
    const room = lane.clientWidth || 400;
    const taken = [];
    const marks = this.data.events.map((event) => {
      const share = Math.min(Math.max((milliseconds(event.time) - this.first) / this.span, 0), 1);
      const mark = document.createElement("span");
      mark.style.left = `${100 * share}%`;
      mark.title = event.words;
      mark.dataset.kind = event.kind;
      mark.append(shape(event.kind, this.data.colours[event.kind]));
      const wide = 14 + 7 * event.label.length;
      const late = share * room + wide > room;
      const from = share * room - (late ? wide : 6);
      mark.classList.toggle("late", late);
      if (taken.every(([low, high]) => from > high || from + wide < low)) {
        mark.append(event.label);
        taken.push([from, from + wide]);
      }
      const before = this.times.filter((one) => one <= milliseconds(event.time));
      mark.onclick = () => this.goTo(before.length - 1);
      return mark;
    });
    lane.replaceChildren(...marks.reverse()); // the largest above the others
  }

  drawLoop() {
    const places = this.range.map((at) => (this.times[at] - this.first) / this.span);
    const area = this.root.querySelector(".loop");
    area.classList.toggle("on", Boolean(kept.loop));
    area.style.setProperty("--from", `${100 * places[0]}%`);
    area.style.setProperty("--to", `${100 * places[1]}%`);
    for (const end of this.root.querySelectorAll(".end")) {
      const which = Number(end.dataset.end);
      const at = this.range[which];
      end.style.setProperty("--at", places[which]);
      end.classList.toggle("set", Boolean(kept.loop));
      const range = { now: at, min: 0, max: this.hours.length - 1, text: this.words(this.hours[at]) };
      for (const [name, value] of Object.entries(range)) end.setAttribute(`aria-value${name}`, value);
    }
  }

  /** Show where the viewer is; it calls this at every hour. */
  follow() {
    if (!this.data) return;
    const { hour, at } = this;
    const slider = this.field("hour");
    slider.value = Math.round((this.times[at] - this.first) / HOUR_MS);
    slider.setAttribute("aria-valuetext", this.words(hour));
    this.field("hour_text").value = this.words(hour);
    const answered = kept.predictions.probabilities;
    this.field("probability_text").value = answered ? this.answer(hour) : "";
    for (const name of ["first", "back"]) this.field(name).disabled = at === 0;
    for (const name of ["ahead", "last"]) this.field(name).disabled = at === this.hours.length - 1;
    const play = this.field("play");
    play.querySelector("path").setAttribute("d", this.playing ? ICONS.pause : ICONS.play);
    play.setAttribute("aria-label", this.playing ? "Pause" : "Play");
    play.title = this.playing ? "Pause (key K)" : "Play (key K)";
    globalThis.hnnCharts?.follow(hour);
  }

  /** Keep what part of the passage the charts over it show; null is the whole. */
  keepSpan(span) {
    kept.span = span;
    this.send("span", span?.join("_") ?? "");
    this.writeAddress();
  }

  /** Keep loop, span and speed in the address, without a run of the server. */
  writeAddress() {
    if (!this.data || !this.root.host.isConnected) return;
    const own = kept.loop ? [`loop=${kept.loop.join("_")}`] : [];
    if (kept.span) own.push(`span=${kept.span.join("_")}`);
    if (kept.speed !== USUAL_SPEED) own.push(`speed=${kept.speed}`);
    const parts = location.search.slice(1).split("&").filter(Boolean);
    const is = (part) => /^(loop|span|speed)=/.test(part);
    if (parts.filter(is).map(decodeURIComponent).join("&") === own.join("&")) return;
    const search = [...parts.filter((one) => !is(one)), ...own].join("&");
    const address = `${location.pathname}${search && "?"}${search}${location.hash}`;
    history.replaceState(history.state, "", address);
  }
}

function milliseconds(time) {
  return Date.parse(`${time}Z`); // a zone has no part in differences
}

function part(name, attributes) {
  const found = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  return found;
}

function shape(kind, colour) {
  const { d, filled } = SHAPES[kind];
  const mark = part("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" });
  const look = { stroke: colour, "stroke-width": 1.6, fill: filled ? colour : "none" };
  mark.append(part("path", { d, ...look }));
  return mark;
}

/** Whether keys are text for what has the focus; a list of choices takes text only while open. */
function isTyping(target) {
  const closed = target.getAttribute?.("role") === "combobox" && target.ariaExpanded !== "true";
  const takes = "textarea, input:not([type=range], [type=checkbox], [type=radio])";
  return target.isContentEditable || (!closed && Boolean(target.matches?.(takes)));
}

/** Whether the arrows have a meaning for what has the focus, as in a list or on a zoomed picture. */
function hasArrows(target) {
  if (target.matches?.("canvas")) return !globalThis.hnnViewer?.part.whole;
  const roles = ["slider", "combobox", "listbox", "option", "radio", "tab", "grid", "spinbutton"];
  const takes = `input:not([type=checkbox]), select, ${roles.map((one) => `[role=${one}]`)}`;
  return Boolean(target.matches?.(takes));
}

const transports = new WeakMap();

/** Called at every run of the page; the element, and with it the transport, stays. */
export default function ({ data, parentElement, setTriggerValue }) {
  const transport = transports.get(parentElement) ?? new Transport(parentElement);
  transports.set(parentElement, transport);
  transport.take(data, setTriggerValue);
  // This is called at every change of the data as well, before or after the next call.
  return () =>
    setTimeout(() => {
      if (parentElement.isConnected) return;
      transport.leave();
      transports.delete(parentElement);
    });
}
