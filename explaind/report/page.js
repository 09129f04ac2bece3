"use strict";

const plots = [...document.querySelectorAll(".js-plotly-plot")];

// Keyboard: the buttons over a plot serve the mouse; with them, Tab would stop ten times at each.
function skipButtons(plot) {
  plot.querySelectorAll(".modebar-btn").forEach((button) => { button.tabIndex = -1; });
}
plots.forEach(function (plot) {
  skipButtons(plot);
  plot.on("plotly_afterplot", () => skipButtons(plot));
});

// Titles longer than their axis are broken into lines; on a phone they would be cut off.
const CHARACTER_WIDTH = 6.6, TITLE_OVERHANG = 20;
const titles = new Map(plots.map((plot) => [plot, {}]));  // by axis: the whole title, and in lines
function inLines(text, length) {
  const lines = [""];
  text.split(" ").forEach(function (word) {
    const last = lines[lines.length - 1];
    if (last && last.length + 1 + word.length > length) { lines.push(word); return; }
    lines[lines.length - 1] = last ? `${last} ${word}` : word;
  });
  return lines.join("<br>");
}
function breakTitles(plot) {
  const changes = {}, known = titles.get(plot);
  const named = (key) => /^[xy]axis/.test(key) && plot.layout[key].title && plot.layout[key].title.text;
  Object.keys(plot.layout).filter(named).forEach(function (axis) {
    const text = plot.layout[axis].title.text, last = known[axis];
    const whole = last && last.broken === text ? last.whole : text;  // a choice gave it another one
    const room = plot._fullLayout[axis]._length + TITLE_OVERHANG;
    const broken = inLines(whole, room / CHARACTER_WIDTH);
    known[axis] = {whole: whole, broken: broken};
    if (broken !== text) { changes[`${axis}.title.text`] = broken; }
  });
  if (Object.keys(changes).length) { Plotly.relayout(plot, changes); }
}
plots.forEach(function (plot) {
  breakTitles(plot);
  plot.on("plotly_afterplot", () => breakTitles(plot));
});

// Maps of square cells: on a narrow page, where they are small, the figure ends where its map does.
const extent = (axis) => Math.abs(axis.range[1] - axis.range[0]);
const squares = new Map(plots
  .filter((plot) => plot.layout.yaxis && plot.layout.yaxis.scaleanchor && !plot.layout.xaxis2)
  .map((plot) => [plot, {height: parseFloat(plot.parentElement.style.height),
    ratio: extent(plot._fullLayout.yaxis) / extent(plot._fullLayout.xaxis)}]));
const FITS = 3;  // for each width: names on the axes change with the height, and the map with them
function fitHeight(plot) {
  const {width, height, _size: area} = plot._fullLayout, square = squares.get(plot);
  if (square.width !== width) { Object.assign(square, {width: width, fits: 0}); }
  const fitting = Math.round(height - area.h + area.w * square.ratio);
  const wanted = Math.min(square.height, fitting);
  if (Math.abs(wanted - height) <= 1 || square.fits === FITS) { return; }
  square.fits += 1;
  plot.parentElement.style.height = `${wanted}px`;
  Plotly.relayout(plot, {height: wanted});
}
[...squares.keys()].forEach(function (plot) {
  fitHeight(plot);
  plot.on("plotly_afterplot", () => fitHeight(plot));
});

// Screen readers: what was chosen is said. A slider has an <output>, which says it itself.
document.addEventListener("change", function (event) {
  const control = event.target, label = control.closest(".controls label");
  if (!label || control.type === "range") { return; }
  const words = [...label.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
  const name = words.map((node) => node.textContent.trim()).join(" ").trim();
  const value = control.type === "checkbox" ? (control.checked ? "on" : "off") :
    control.selectedOptions ? control.selectedOptions[0].textContent.trim() : control.value;
  document.getElementById("announcement").textContent = `${name}: ${value}. Plots updated.`;
});

// Paper: plots are as wide as A4 or Letter within its margins, and as before afterwards.
const PAPER_WIDTH = 680;
window.addEventListener("beforeprint", function () {
  plots.forEach((plot) => Plotly.relayout(plot, {width: PAPER_WIDTH}));
});
window.addEventListener("afterprint", function () {
  plots.forEach((plot) => Plotly.relayout(plot, {width: null, autosize: true}));
});

// Curves: exchange the drawn values (y) with the stored alternative (customdata) of every trace.
document.querySelectorAll("[data-swap]").forEach(function (control) {
  control.addEventListener("change", function () {
    control.dataset.swap.split(" ").forEach(function (id) {
      const plot = document.getElementById(id);
      const traces = [...plot.data.keys()].filter((index) => plot.data[index].customdata);
      Plotly.restyle(plot, {
        y: traces.map((index) => plot.data[index].customdata),
        customdata: traces.map((index) => plot.data[index].y),
      }, traces);
    });
  });
});

// Tables: a click on a title sorts the rows by that column, a second one the other way round.
// Texts that begin with a number go by it, before all others.
function sortKey(row, column) {
  const text = row.cells[column].textContent.trim();
  const number = /^([+\u2212]?[\d.,]+)(?: \u00d7 10([\u207b\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+))?/.exec(text);
  if (!number) { return [1, 0, text]; }
  const plain = (digits) => Number(digits.replace(/,/g, "").replace("\u2212", "-"));
  const power = [...(number[2] || "")].map((digit) => "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
    .indexOf(digit)).map((place) => place ? place - 1 : "-").join("");
  return [0, plain(number[1]) * 10 ** Number(power || 0), text];
}
document.querySelectorAll(".columns table").forEach(function (table) {
  const titles = [...table.querySelectorAll("th")], body = table.tBodies[0];
  titles.forEach((title, column) => title.addEventListener("click", function () {
    const up = title.getAttribute("aria-sort") !== "ascending", sign = up ? 1 : -1;
    titles.forEach((other) => other.setAttribute("aria-sort", "none"));
    title.setAttribute("aria-sort", up ? "ascending" : "descending");
    const keyed = [...body.rows].map((row) => [sortKey(row, column), row]);
    keyed.sort(([a], [b]) => a[0] - b[0] || sign * (a[1] - b[1] || a[2].localeCompare(b[2])));
    body.append(...keyed.map(([, row]) => row));
  }));
});

// About twelve ticks with the keys that samples are sorted by: their places and texts.
function sampleTicks(side) {
  const stride = Math.max(1, Math.ceil(side.names.length / 12));
  const shown = [...side.names.keys()].filter((place) => place % stride === 0);
  return [shown.map((place) => side.names[place]), shown.map((place) => side.keys[place])];
}

// Ends of the colour scale of a map, in the words that the page was written with.
function colourScale(limit) {
  const text = (value) => (value > 0 ? "+" : "") + String(Number(value.toPrecision(2)))
    .replace("-", "\u2212");
  const ticks = [-limit, -limit / 2, 0, limit / 2, limit];
  const texts = ticks.map(text);
  texts[0] = `≤ ${texts[0]}`;
  texts[4] = `≥ ${texts[4]}`;
  return {zmin: -limit, zmax: limit, "colorbar.tickvals": [ticks], "colorbar.ticktext": [texts]};
}

// Class maps: one per (interval, component), packed as base64; two controls choose one together.
function setUpClassMaps() {
  const source = document.getElementById("class-maps");
  if (!source) { return; }
  const maps = JSON.parse(source.textContent);
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  const values = new Int16Array(bytes(maps.values));
  const profiles = new Float32Array(bytes(maps.profiles));
  const classes = maps.classes;
  const component = document.getElementById("map-component");
  const interval = document.getElementById("map-interval");
  const label = document.getElementById("map-interval-label");
  const common = document.getElementById("map-common-scale");
  const play = document.getElementById("map-play");
  const saturated = document.getElementById("map-saturated");
  const overSteps = [...document.querySelectorAll(".js-plotly-plot")].filter(
    (plot) => plot.layout.meta === "over steps");
  const shapes = new Map(overSteps.map((plot) => [plot, plot.layout.shapes || []]));
  let timer = null;

  function matrix(index) {
    const offset = index * classes * classes;
    const row = (r) => Array.from(
      values.subarray(offset + r * classes, offset + (r + 1) * classes),
      (value) => value === maps.missing ? null : value * maps.scale[index]);
    return Array.from({length: classes}, (_, r) => row(r));
  }

  // Marks steps [start, stop) on the plots over training steps.
  function mark([start, stop], whole) {
    const band = {type: "rect", xref: "x", yref: "paper", x0: start - 0.5, x1: stop - 0.5, y0: 0,
      y1: 1, fillcolor: "#5b6472", opacity: 0.16, line: {width: 0}, layer: "below"};
    shapes.forEach((drawn, plot) => Plotly.relayout(plot, {
      shapes: whole ? drawn : [...drawn, band]}));
  }

  function draw() {
    const k = Number(interval.value);
    const index = k * maps.components.length + component.selectedIndex;
    const limit = common.checked ? maps.common_limit[component.selectedIndex] : maps.limit[index];
    const offset = index * classes;
    const profile = Array.from(profiles.subarray(offset, offset + classes));
    const cells = matrix(index);
    const known = cells.flat().filter((value) => value !== null);
    const strong = known.filter((value) => Math.abs(value) > limit).length;
    label.textContent = maps.intervals[k];
    saturated.textContent = `${Number((100 * strong / known.length).toFixed(2))} %`;
    Plotly.restyle("class-map", {z: [cells], ...colourScale(limit)}, [0]);
    mark(maps.bounds[k], k === 0);
    Plotly.restyle("class-profile", {y: [profile]}, [0]);
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "▶ Play";
  }

  function step() {
    const next = Number(interval.value) + 1;
    if (next > Number(interval.max)) { stop(); return; }
    interval.value = next;
    draw();
  }

  play.addEventListener("click", function () {
    if (timer) { stop(); return; }
    interval.value = 0;
    play.textContent = "❚❚ Stop";
    timer = setInterval(step, 900);
    step();
  });
  interval.addEventListener("input", draw);
  component.addEventListener("change", draw);
  common.addEventListener("change", draw);
}
setUpClassMaps();
