// Matrices of samples: one per sign, range of steps and component, packed as base64; lists choose
// one and the order of the samples.
function setUpSampleMaps() {
  const source = document.getElementById("sample-maps");
  if (!source) { return; }
  const maps = JSON.parse(source.textContent);
  const values = Int8Array.from(atob(maps.values), (letter) => letter.charCodeAt(0));
  const [sign, range, component, order] = ["sign", "range", "component", "order"].map(
    (name) => document.getElementById(`sample-${name}`));
  const saturated = document.getElementById("sample-saturated");
  const [, ranges, components, rows, columns] = maps.shape;

  function draw() {
    const map = (sign.selectedIndex * ranges + range.selectedIndex) * components +
      component.selectedIndex;
    const {validation, train} = maps.orders[order.selectedIndex];
    const [start, scale, limit] = [map * rows * columns, maps.scale[map], maps.limit[map]];
    const cell = (row, column) => {
      const level = values[start + row * columns + column] / maps.levels;
      return Math.sign(level) * level * level * scale;
    };
    const cells = validation.places.map((row) => train.places.map((column) => cell(row, column)));
    const strong = cells.flat().filter((value) => Math.abs(value) > limit).length;
    saturated.textContent = `${Number((100 * strong / (rows * columns)).toFixed(2))} %`;
    const label = order.selectedOptions[0].textContent;
    const [[x, xKeys], [y, yKeys]] = [sampleTicks(train), sampleTicks(validation)];
    const layout = {
      "xaxis.tickvals": x, "xaxis.ticktext": xKeys, "yaxis.tickvals": y, "yaxis.ticktext": yKeys,
      "xaxis.title.text": `training samples, sorted by ${label}`,
      "yaxis.title.text": `validation samples, sorted by ${label}`,
    };
    const trace = {z: [cells], x: [train.names], y: [validation.names], ...colourScale(limit)};
    Plotly.update("sample-map", trace, layout, [0]);
  }

  [sign, range, component, order].forEach((list) => list.addEventListener("change", draw));
  draw();
}
setUpSampleMaps();
