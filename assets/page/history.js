// Pages push, parameters replace: Back leads to the page before, not through every change on this
// one. Streamlit pushes an entry for each of its changes of the address; it is loaded after this.
const push = history.pushState.bind(history);
history.pushState = (state, unused, address) => {
  const samePage = new URL(address ?? "", location.href).pathname === location.pathname;
  (samePage ? history.replaceState.bind(history) : push)(state, unused, address);
};
