/** How the viewer's button opens the sheet of its picture. */

export default function ({ setTriggerValue }) {
  globalThis.hnnFigure = (picture, settings) => {
    globalThis.hnnPicture = picture;
    setTriggerValue("open", { ...settings });
  };
}
