/** What a canvas draws, written as SVG: the same `paint` makes the picture on the page and in a file. */

const PRINTED = {
  text: "#1c2230",
  ground: "#ffffff",
  missing: "#e9ecf1",
  edge: "#8a919d",
  font: "'Figure Sans', sans-serif",
};
const BETWEEN = 12; // between two pictures
const SMALLEST = 600; // pixels across a picture whose blocks stay sharp in every reader

/** Stands for the 2D context of a canvas, as far as the viewer uses it. */
export class SvgContext {
  constructor() {
    this.parts = [];
    this.kept = [];
    this.clips = 0;
    this.look = {
      matrix: [1, 0, 0, 1, 0, 0],
      open: 0, // groups with a clip since the last `save`
      fillStyle: "#000000",
      strokeStyle: "#000000",
      lineWidth: 1,
      lineJoin: "miter",
      lineCap: "butt",
      globalAlpha: 1,
      font: "10px sans-serif",
      textAlign: "left",
      textBaseline: "alphabetic",
      imageSmoothingEnabled: true,
      dash: [],
    };
    this.path = "";
    this.measuring = new OffscreenCanvas(1, 1).getContext("2d");
    for (const name of Object.keys(this.look)) {
      Object.defineProperty(this, name, {
        get: () => this.look[name],
        set: (value) => (this.look[name] = value),
      });
    }
  }

  get svg() {
    return this.parts.join("");
  }

  save() {
    this.kept.push({ ...this.look });
    this.look.open = 0;
  }

  restore() {
    this.parts.push("</g>".repeat(this.look.open));
    this.look = this.kept.pop();
  }

  transform(a, b, c, d, e, f) {
    const [A, B, C, D, E, F] = this.matrix;
    this.matrix = [
      A * a + C * b, B * a + D * b, A * c + C * d, B * c + D * d, A * e + C * f + E, B * e + D * f + F,
    ];
  }

  translate(x, y) {
    this.transform(1, 0, 0, 1, x, y);
  }

  scale(x, y) {
    this.transform(x, 0, 0, y, 0, 0);
  }

  rotate(angle) {
    const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
    this.transform(cosine, sine, -sine, cosine, 0, 0);
  }

  setLineDash(dash) {
    this.dash = dash;
  }

  beginPath() {
    this.path = "";
  }

  moveTo(x, y) {
    this.path += `M${short(x)} ${short(y)}`;
  }

  lineTo(x, y) {
    this.path += `${this.path ? "L" : "M"}${short(x)} ${short(y)}`;
  }

  closePath() {
    this.path += "Z";
  }

  rect(x, y, width, height) {
    this.path += rectangle(x, y, width, height);
  }

  arc(x, y, radius) {
    this.path +=
      `M${short(x - radius)} ${short(y)}a${short(radius)} ${short(radius)} 0 1 0 ${short(2 * radius)} 0` +
      `a${short(radius)} ${short(radius)} 0 1 0 ${short(-2 * radius)} 0Z`;
  }

  /** Everything until `restore` stays inside the path. */
  clip() {
    const name = `inside${++this.clips}`;
    this.parts.push(`<clipPath id="${name}"><path d="${this.path}"${this.place()}/></clipPath>`);
    this.parts.push(`<g clip-path="url(#${name})">`);
    this.look.open += 1;
  }

  stroke(path) {
    this.parts.push(`<path d="${path?.text ?? this.path}" fill="none"${this.line()}${this.place()}/>`);
  }

  fill(path) {
    this.parts.push(`<path d="${path?.text ?? this.path}"${this.filled()}${this.place()}/>`);
  }

  strokeRect(...box) {
    this.parts.push(`<path d="${rectangle(...box)}" fill="none"${this.line()}${this.place()}/>`);
  }

  fillRect(...box) {
    this.parts.push(`<path d="${rectangle(...box)}"${this.filled()}${this.place()}/>`);
  }

  /** A file's ground is white already. */
  clearRect() {}

  fillText(text, x, y) {
    this.write(text, x, y, this.filled());
  }

  strokeText(text, x, y) {
    this.write(text, x, y, ` fill="none"${this.line()}`);
  }

  measureText(text) {
    this.measuring.font = this.font;
    return this.measuring.measureText(text);
  }

  drawImage(image, x, y, width, height) {
    const flat = document.createElement("canvas");
    const sharp = !this.imageSmoothingEnabled;
    const times = sharp ? Math.max(Math.ceil(SMALLEST / image.width), 1) : 1;
    Object.assign(flat, { width: times * image.width, height: times * image.height });
    const context = flat.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(image, 0, 0, flat.width, flat.height);
    const box = `x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"`;
    this.parts.push(
      `<image ${box} preserveAspectRatio="none" xlink:href="${flat.toDataURL("image/png")}"` +
        `${sharp ? ' style="image-rendering:pixelated"' : ""}${this.seen("opacity")}${this.place()}/>`,
    );
  }

  write(text, x, y, look) {
    if (text === "") return;
    const [, weight, size, family] = /^(bold |\d{3} )?([\d.]+)px (.+)$/.exec(this.font);
    const anchor = { left: "start", start: "start", center: "middle", right: "end", end: "end" };
    // Not every reader knows baselines: the middle lies a third of the size above the line.
    const down = { middle: 0.34, top: 0.8 }[this.textBaseline] ?? 0;
    this.parts.push(
      `<text x="${short(x)}" y="${short(y + down * size)}" font-size="${size}"` +
        `${weight ? ` font-weight="${weight.trim()}"` : ""} font-family="${escaped(family)}"` +
        ` text-anchor="${anchor[this.textAlign]}"${look}${this.place()}>${escaped(text)}</text>`,
    );
  }

  line() {
    const dash = this.dash.length ? ` stroke-dasharray="${this.dash.map(short).join(" ")}"` : "";
    return (
      ` stroke="${escaped(this.strokeStyle)}" stroke-width="${short(this.lineWidth)}"` +
      ` stroke-linejoin="${this.lineJoin}" stroke-linecap="${this.lineCap}"${dash}${this.seen("stroke-opacity")}`
    );
  }

  filled() {
    return ` fill="${escaped(this.fillStyle)}"${this.seen("fill-opacity")}`;
  }

  seen(name) {
    return this.globalAlpha === 1 ? "" : ` ${name}="${short(this.globalAlpha)}"`;
  }

  place() {
    const whole = this.matrix.join() === "1,0,0,1,0,0";
    return whole ? "" : ` transform="matrix(${this.matrix.map((one) => Number(one.toFixed(6))).join(" ")})"`;
  }
}

/** What a caption says of the pictures: what is switched on, and their titles if there are two. */
export function picturedBy(viewer) {
  const { second } = viewer;
  const { differs } = second;
  const titles = differs ? [second.words] : second.visible.map((pane) => pane.title);
  const frames = second.visible.map((pane) => pane.frame).filter(Boolean);
  const arrows = viewer.settings.arrows && !differs && frames.some((frame) => frame.arrows);
  const { shown, pil: pil_of } = frames[0] ?? {};
  return { ...viewer.settings, shown, pil_of, arrows, differs, titles: viewer.panes.length > 1 ? titles : [] };
}

/** The viewer's pictures one next to the other, in light colours, as SVG text. */
export function pictureOf(viewer) {
  const { width, height } = viewer.size;
  const panes = viewer.second.visible.filter((pane) => pane.pictured);
  // The sheet has the title of the hour, if that is all there is.
  const more = { theme: PRINTED, ...(viewer.panes.length === 1 && { title: "" }) };
  const context = new SvgContext();
  for (const pane of panes) {
    context.save();
    pane.paint(context, more);
    context.restore();
    context.translate(width + BETWEEN, 0);
  }
  const whole = panes.length * (width + BETWEEN) - BETWEEN;
  const box = `width="${whole}" height="${height}" viewBox="0 0 ${whole} ${height}"`;
  const names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"';
  return `<svg ${names} ${box}>${context.svg}</svg>`;
}

function rectangle(x, y, width, height) {
  return `M${short(x)} ${short(y)}h${short(width)}v${short(height)}h${short(-width)}Z`;
}

function short(value) {
  return Number(Number(value).toFixed(3));
}

function escaped(text) {
  const signs = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return String(text).replace(/[&<>"]/g, (sign) => signs[sign]);
}
