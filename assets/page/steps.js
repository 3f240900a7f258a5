/** Three steps for who is here for the first time; gone for good once they were read. */

const KEY = "hnnFirstSteps";

export default function ({ parentElement }) {
  const card = parentElement.querySelector("section");
  const place = parentElement.host.closest(".st-key-first_steps").parentElement;
  const show = (shown) => {
    card.hidden = !shown;
    place.style.display = shown ? "" : "none"; // else it takes a gap of the page
  };
  show(localStorage.getItem(KEY) === null);
  card.querySelector("button").onclick = () => {
    localStorage.setItem(KEY, "read");
    show(false);
  };
}
