// Cosine maps: one per functional, component and interval, packed as base64; controls choose one
// and the order of the samples.
function setUpCosineMaps() {
  const source = document.getElementById("cosine-maps");
  if (!source) { return; }
  const maps = JSON.parse(source.textContent);
  const values = Int8Array.from(atob(maps.values), (letter) => letter.charCodeAt(0));
  const control = (name) => document.getElementById(`cosine-${name}`);
  const [functional, component, order] = ["functional", "component", "order"].map(control);
  const interval = control("interval"), label = control("interval-label");
  const [components, intervals] = [component.options.length, maps.intervals.length];

  function draw() {
    const k = Number(interval.value);
    const number = (functional.selectedIndex * components + component.selectedIndex) * intervals + k;
    const chosen = maps.orders[order.selectedIndex];
    label.textContent = maps.intervals[k];
    let start = number * maps.plots.reduce((sum, plot) => sum + plot.rows * plot.columns, 0);
    maps.plots.forEach(function (plot) {
      const [rows, columns] = [chosen.samples.validation, chosen.samples[plot.split]];
      const cell = (row, column) => values[start + row * plot.columns + column];
      const cells = rows.places.map((row) => columns.places.map(function (column) {
        const value = cell(row, column);
        return value === maps.missing ? null : value / maps.scale;
      }));
      const [y, x] = [rows, columns].map((side) => side.names);
      const [[yTicks, yKeys], [xTicks, xKeys]] = [rows, columns].map(sampleTicks);
      Plotly.update(plot.id, {z: [cells], x: [x], y: [y]}, {
        "xaxis.categoryarray": x, "yaxis.categoryarray": y,
        "xaxis.tickvals": xTicks, "xaxis.ticktext": xKeys,
        "yaxis.tickvals": yTicks, "yaxis.ticktext": yKeys,
        "xaxis.title.text": `${plot.split} samples, sorted by ${chosen.label}`,
        "yaxis.title.text": `validation samples, sorted by ${chosen.label}`,
      }, [0]);
      start += plot.rows * plot.columns;
    });
  }

  interval.addEventListener("input", draw);
  [functional, component, order].forEach((list) => list.addEventListener("change", draw));
  draw();
}
setUpCosineMaps();
