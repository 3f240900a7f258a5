/** Asks the server again, once a second, while something is computed for what a person looks at. */

let timers = [];

export default function ({ data, setTriggerValue }) {
  const stop = () => {
    timers.forEach(clearTimeout);
    timers = [];
  };
  stop();
  if (!data.pending) return stop;
  const ask = () => {
    if (!document.hidden) setTriggerValue("again", data.tick);
  };
  timers = [setTimeout(ask, 1000), setInterval(ask, 5000)]; // a request that is lost is repeated
  return stop;
}
