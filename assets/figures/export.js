/**
 * A figure turned into a picture here, in the visitor's browser, without a network connection.
 *
 * The server sends a sheet (analysis/printed/publication.py) and a figure of plotly, or the viewer of
 * magnetograms draws itself. SVG and PNG are made here; the SVG goes to the server to become a PDF.
 */

const SEEN = "Saved from what is drawn below.";

/** Put a picture into a sheet, as `fill_sheet` does. */
function filled(sheet, picture) {
  const box = /<svg\b[^>]*?\bwidth="([\d.]+)"[^>]*?\bheight="([\d.]+)"/s.exec(picture);
  const [width, height] = box.slice(1).map((one) => Math.round(Number(one)));
  const [top, below] = ["top", "below"].map((name) =>
    Number(new RegExp(`data-${name}="(\\d+)"`).exec(sheet)[1]),
  );
  const whole = {
    width: Math.max(width, 640),
    height: top + height + below,
    credit: top + height + 18,
    picture: picture.slice(box.index),
  };
  return Object.entries(whole).reduce((text, [name, one]) => text.replaceAll(`{${name}}`, () => one), sheet);
}

function unpacked(base64) {
  return Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
}

/** Give the page the sheet's font before anything is measured with it. */
async function readFont(sheet) {
  const faces = [...sheet.matchAll(/font-weight:(\d+);src:url\(data:font\/ttf;base64,([^)]+)\)/g)];
  globalThis.hnnFigureFont ??= Promise.all(
    faces.map(async ([, weight, content]) => {
      const face = new FontFace("Figure Sans", unpacked(content), { weight });
      document.fonts.add(await face.load());
    }),
  );
  await globalThis.hnnFigureFont;
}

/** plotly.js, which comes once a visit. */
async function readPlotly(packed) {
  globalThis.hnnPlotly ??= (async () => {
    const stream = new Blob([unpacked(packed)]).stream();
    const text = await new Response(stream.pipeThrough(new DecompressionStream("gzip"))).blob();
    const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    const before = globalThis.Plotly;
    await new Promise((done, fail) => {
      const script = document.createElement("script");
      Object.assign(script, { src: address, onload: done, onerror: fail });
      document.head.append(script);
    });
    const found = globalThis.Plotly;
    globalThis.Plotly = before;
    URL.revokeObjectURL(address);
    return found;
  })();
  return globalThis.hnnPlotly;
}

async function drawn({ sheet, figure, plotly }) {
  await readFont(sheet);
  if (!figure) return filled(sheet, globalThis.hnnPicture());
  const { toImage } = await readPlotly(plotly);
  const { data, layout } = JSON.parse(figure);
  const { width, height } = layout;
  const options = { format: "svg", width, height, imageDataOnly: true };
  return filled(sheet, await toImage({ data, layout, config: { mathjax: false } }, options));
}

async function png(svg, scale) {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = scale * image.naturalWidth;
  canvas.height = scale * image.naturalHeight;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

function save(content, type, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

class Sheet {
  constructor(root) {
    this.root = root;
    this.made = "";
    this.saved = "";
    for (const name of ["png2", "png4", "svg", "pdf"]) this.button(name).onclick = () => this.take(name);
  }

  button(name) {
    return this.root.querySelector(`[name=${name}]`);
  }

  say(words) {
    this.root.querySelector(".state").textContent = words;
  }

  /** Draw once; a later call brings the PDF. */
  async show(data, send) {
    this.send = send;
    this.data = data;
    try {
      this.svg ??= drawn(data);
      const svg = await this.svg;
      if (!this.made) this.preview(svg);
    } catch (fault) {
      console.error(fault);
      this.say("This browser could not draw the figure.");
      return;
    }
    const { pdf } = data;
    if (pdf && pdf.number !== this.saved) {
      this.saved = pdf.number;
      this.say(pdf.fault || SEEN);
      if (pdf.content) save(unpacked(pdf.content), "application/pdf", `${data.name}.pdf`);
    }
  }

  preview(svg) {
    const image = this.root.querySelector("img");
    this.made = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
    Object.assign(image, { src: this.made, alt: this.data.alt, hidden: false });
    for (const button of this.root.querySelectorAll("button")) button.disabled = false;
    this.say(SEEN);
  }

  async take(name) {
    const svg = await this.svg;
    const file = this.data.name;
    if (name === "svg") save(svg, "image/svg+xml", `${file}.svg`);
    else if (name === "pdf") {
      this.say("Making the PDF …");
      this.send("pdf", svg);
    } else {
      const scale = Number(name.slice(3));
      save(await png(svg, scale), "image/png", `${file}_${scale}x.png`);
    }
  }
}

const sheets = new WeakMap();

export default function ({ parentElement, data, setTriggerValue }) {
  const sheet = sheets.get(parentElement) ?? new Sheet(parentElement);
  sheets.set(parentElement, sheet);
  sheet.show(data, setTriggerValue);
  return () => {
    URL.revokeObjectURL(sheet.made);
    sheets.delete(parentElement);
  };
}
