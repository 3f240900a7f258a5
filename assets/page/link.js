/** The button that copies the address of the view. */

const SHOWN_MS = 2500;

/** The clipboard is there on secure pages only; elsewhere a selected text is copied. */
async function copy(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // not allowed by the browser
    }
  }
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  return copied;
}

export default function ({ parentElement }) {
  const button = parentElement.querySelector("button");
  const status = parentElement.querySelector("[role=status]");
  let back;
  button.onclick = async () => {
    const copied = await copy(location.href);
    button.focus();
    button.textContent = status.textContent = copied ? "Link copied" : "Copy the address above";
    clearTimeout(back);
    back = setTimeout(() => {
      button.textContent = "Copy link";
      status.textContent = "";
    }, SHOWN_MS);
  };
  return () => clearTimeout(back);
}
