/** Three steps for who is here for the first time; gone for good once they were read. */

const KEY = "hnnFirstSteps";

export default function ({ parentElement }) {
  const card = parentElement.querySelector("section");
  card.hidden = localStorage.getItem(KEY) !== null;
  card.querySelector("button").onclick = () => {
    localStorage.setItem(KEY, "read");
    card.hidden = true;
  };
}
