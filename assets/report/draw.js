// Draws every figure in order, one at a time, so that the page can be read meanwhile.
'use strict';
(async () => {
  const read = id => JSON.parse(document.getElementById(id).textContent);
  const shared = read('shared-arrays');
  const fill = value => {
    if (Array.isArray(value)) return value.map(fill);
    if (value && typeof value === 'object') {
      if (typeof value.shared === 'string') return {...shared[value.shared]};
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fill(one)]));
    }
    return value;
  };
  const figures = [...document.querySelectorAll('.figure')];
  for (const place of figures) {
    const {data, layout} = fill(read(place.dataset.json));
    delete layout.width;
    const name = {filename: place.dataset.name, scale: 2};
    const config = {responsive: true, displaylogo: false, toImageButtonOptions: name};
    await Plotly.newPlot(place, data, {...layout, autosize: true}, config);
    await new Promise(done => setTimeout(done));
  }
  const fit = width => figures.forEach(place => Plotly.relayout(place, {width}));
  addEventListener('beforeprint', () => {
    document.querySelectorAll('details:not(.screen)').forEach(one => { one.open = true; });
    fit(680);
  });
  addEventListener('afterprint', () => figures.forEach(place => {
    Plotly.relayout(place, {width: null, autosize: true});
  }));
  document.documentElement.dataset.drawn = figures.length;
})();
