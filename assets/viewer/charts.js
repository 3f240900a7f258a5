/**
 * Charts over time and the film strip answer the hand: a click goes to the hour under it, and the
 * lines that mark the hour follow the viewer. Nothing is selected, and the server has no part.
 * What part of the passage is shown goes to the address: Streamlit makes a chart anew at each step.
 */

const CLICK_PX = 4; // a pointer that moves farther draws a box
const DOUBLE_MS = 300; // between the two of a double click, as plotly has it
const HALF_HOUR_MS = 1800_000; // a record stands for the hour that is nearest
const MARKS = ["current hour", "sequence"];

class Charts {
  constructor() {
    this.bound = new WeakSet();
    this.leaving = new AbortController();
    const everywhere = { capture: true, signal: this.leaving.signal };
    document.addEventListener("pointerdown", (event) => this.press(event), everywhere);
    document.addEventListener("pointerup", (event) => this.release(event), everywhere);
    globalThis.hnnCharts = this;
  }

  leave() {
    this.leaving.abort();
    if (globalThis.hnnCharts === this) globalThis.hnnCharts = undefined;
  }

  press(event) {
    const plot = event.button ? null : event.target.closest?.(".js-plotly-plot");
    if (plot?._fullLayout?.meta?.scale) this.bind(plot);
    const inside = plot?._fullLayout?.meta && event.target.closest(".draglayer, .hoverlayer");
    this.from = inside ? { plot, x: event.clientX, y: event.clientY } : null;
  }

  release({ clientX, clientY }) {
    const { plot, x, y } = this.from ?? {};
    this.from = null;
    if (!plot || Math.hypot(clientX - x, clientY - y) > CLICK_PX) return;
    const transport = globalThis.hnnTransport;
    const index = transport && hourAt(plot, clientX, transport);
    const second = this.going;
    clearTimeout(second);
    this.going = 0;
    if (second || !(index >= 0)) return;
    const zoomed = !plot._fullLayout.meta.hours && !plot._fullLayout.xaxis.autorange;
    const act = () => {
      this.going = 0;
      transport.goTo(index);
    };
    if (zoomed) this.going = setTimeout(act, DOUBLE_MS); // a double click ends the zoom
    else act();
  }

  /** Give the transport the probabilities of the passage; it may come later than they. */
  give() {
    const { data } = this;
    if (!data || !globalThis.hnnTransport) return;
    this.data = null;
    globalThis.hnnTransport.predicted(data);
  }

  /** Move the lines that mark the hour, in every chart over time. */
  follow(hour) {
    this.give();
    for (const plot of document.querySelectorAll(".js-plotly-plot")) {
      if (!plot._fullLayout?.meta?.scale) continue;
      this.bind(plot);
      move(plot, hour);
    }
  }

  bind(plot) {
    if (this.bound.has(plot)) return;
    this.bound.add(plot);
    plot.on("plotly_afterplot", () => move(plot, globalThis.hnnTransport?.hour));
    plot.on("plotly_relayout", () => keepSpan(plot, globalThis.hnnTransport));
  }
}

/** Keep what part of the passage a chart shows, in TAI; null is the whole. */
function keepSpan({ _fullLayout: { meta, xaxis } }, transport) {
  if (meta.hours || !transport) return; // bars show the hours of a sequence
  const [from] = inScale(transport, meta.scale);
  const later = inScale(transport, "tai")[0] - from;
  const inTai = (time) => new Date(milliseconds(time) + later).toISOString().slice(0, 19);
  transport.keepSpan(xaxis.autorange ? null : xaxis.range.map(inTai));
}

/** Number of the hour at a place in a chart; -1 where it has none. */
function hourAt(plot, clientX, transport) {
  const { meta, xaxis } = plot._fullLayout;
  const place = xaxis.p2c(clientX - plot.getBoundingClientRect().left - xaxis._offset);
  const record = meta.hours?.[Math.round(place - meta.shift)];
  if (meta.hours && !record) return -1;
  const time = record ? milliseconds(record) : place;
  const times = inScale(transport, record ? "tai" : meta.scale);
  const away = times.map((one) => Math.abs(one - time));
  const least = Math.min(...away);
  return record && least > HALF_HOUR_MS ? -1 : away.indexOf(least); // interpolated: not an hour
}

function inScale({ data }, scale) {
  return (scale === "utc" ? data.utc : data.hours).map((time) => Date.parse(`${time}Z`));
}

/** Shift the marks of a chart to another hour, as drawn and as kept for its next drawing. */
function move(plot, hour) {
  const { layout, _fullLayout: full } = plot;
  const transport = globalThis.hnnTransport;
  const at = layout.shapes?.findIndex((one) => one.name === MARKS[0]) ?? -1;
  const to = transport && inScale(transport, full.meta.scale)[transport.hours.indexOf(hour)];
  if (at < 0 || !to) return;
  const by = to - milliseconds(layout.shapes[at].x0);
  if (!by) return;
  const shift = full.xaxis.c2p(to) - full.xaxis.c2p(to - by);
  layout.shapes.forEach((one, index) => {
    if (!MARKS.includes(one.name)) return;
    for (const end of ["x0", "x1"]) {
      const time = new Date(milliseconds(one[end]) + by).toISOString().replace("Z", "");
      one[end] = time;
      full.shapes[index][end] = time;
    }
    const drawn = `[data-index="${index}"]`; // the path itself, or the group that it is in
    for (const path of plot.querySelectorAll(`.shapelayer ${drawn} path, .shapelayer path${drawn}`)) {
      const moved = (_, letter, x) => `${letter}${Number(x) + shift}`;
      path.setAttribute("d", path.getAttribute("d").replace(/([MLH])(-?[\d.e-]+)/g, moved));
    }
  });
}

function milliseconds(time) {
  return Date.parse(`${time.replace(" ", "T")}Z`);
}

const charts = new WeakMap();

/** Called at every run of the page, with the probabilities of the passage. */
export default function ({ data, parentElement }) {
  if (!charts.has(parentElement)) charts.set(parentElement, new Charts());
  charts.get(parentElement).data = data;
  charts.get(parentElement).give();
  // This is called at every change of the data as well, before or after the next call.
  return () =>
    setTimeout(() => {
      if (parentElement.isConnected) return;
      charts.get(parentElement)?.leave();
      charts.delete(parentElement);
    });
}
