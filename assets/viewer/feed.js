/** What the server sends to the viewer, and how the viewer reaches this part of the page. */

export default function ({ data, setTriggerValue }) {
  const give = (viewer) => viewer.take(data, setTriggerValue);
  const viewer = globalThis.hnnViewer;
  if (viewer?.connected) give(viewer);
  else (globalThis.hnnFeeds ??= []).push(give); // until it is there
}
