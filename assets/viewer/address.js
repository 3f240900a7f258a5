/** What is drawn and which part, in the address of the page. */

export const USUAL = {
  attention: true,
  opacity: 60,
  palette: "plasma",
  pil: true,
  ropi: false,
  hull: false,
  crop: false,
  graticule: false,
  clip: 500,
  clipped: false,
  contours: false,
  arrows: false,
  axes: "deg",
  lines: 100, // opacity of all lines, percent
  panes: "one",
  show: "side",
  rate: 1, // pictures a second while they blink
  hour2: "",
  model2: "",
  region2: "",
};

/** Put what differs from the usual into the address, without a run of the server. */
export function writeAddress(settings, view, cut) {
  const own = Object.entries(settings)
    .filter(([name, value]) => value !== USUAL[name])
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  if (view) own.push(`extent=${view.col}_${view.row}_${view.across}`);
  if (cut) own.push(`cut=${cut}`);
  const parts = location.search.slice(1).split("&").filter(Boolean);
  const others = parts.filter((part) => {
    const [name] = part.split("=");
    return name !== "extent" && name !== "cut" && !(name in USUAL);
  });
  const search = [...others, ...own].join("&");
  if (search === parts.join("&")) return;
  const address = `${location.pathname}${search && "?"}${search}${location.hash}`;
  history.replaceState(history.state, "", address);
}
