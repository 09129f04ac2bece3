"""Style sheet and script of the pages.

They are Python constants, not package files, so that the code fingerprint of a figure covers them.
"""

STYLE = """
:root {
  --ink: #1d2430; --muted: #5b6472; --line: #e1e4ea; --paper: #f5f6f8; --card: #ffffff;
  --accent: #2f6fb5;
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
a { color: var(--accent); text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; }
code { font: 0.88em ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  background: #eef0f4; padding: 0.1em 0.35em; border-radius: 4px; }
.wrap { max-width: 1320px; margin: 0 auto; padding: 0 24px; }
header { background: var(--card); border-bottom: 1px solid var(--line); padding: 20px 0 26px; }
nav {
  font-size: 14px; color: var(--muted); margin-bottom: 18px; display: flex; flex-wrap: wrap;
  gap: 6px 20px;
}
nav .here { color: var(--ink); font-weight: 600; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -0.01em; }
.subtitle { color: var(--muted); margin: 0 0 18px; }
.lead { max-width: 82ch; margin: 0 0 18px; }
h2 { font-size: 20px; line-height: 1.3; margin: 0 0 6px; }
h2 .letter {
  display: inline-block; min-width: 1.65em; height: 1.65em; line-height: 1.65em;
  margin-right: 0.5em; font-size: 0.8em; text-align: center; border-radius: 50%;
  background: var(--ink); color: #fff; vertical-align: 0.08em;
}
h3 { font-size: 14px; font-weight: 600; margin: 0 0 2px; }
.facts {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(168px, 1fr)); gap: 12px; margin: 0;
}
.fact {
  border: 1px solid var(--line); border-radius: 10px; padding: 10px 14px; background: #fafbfc;
}
.fact dt { font-size: 13px; color: var(--muted); }
.fact dd { margin: 0; font-size: 21px; font-weight: 600; font-variant-numeric: tabular-nums; }
.fact dd.detail { font-size: 12.5px; font-weight: 400; color: var(--muted); line-height: 1.35; }
.equation { display: flex; flex-wrap: wrap; gap: 8px; align-items: stretch; margin: 0 0 20px; }
.equation .term {
  border: 1px solid var(--line); border-top: 3px solid var(--colour); border-radius: 8px;
  padding: 8px 14px; background: #fafbfc; flex: 1 1 150px; max-width: 240px;
}
.equation .sign { align-self: center; font-size: 20px; color: var(--muted); }
.equation .value { font-size: 19px; font-weight: 600; font-variant-numeric: tabular-nums; }
.equation .name { font-size: 13px; font-weight: 600; }
.equation .what { font-size: 12.5px; line-height: 1.35; color: var(--muted); }
main { padding: 22px 0 10px; display: grid; gap: 20px; grid-template-columns: minmax(0, 1fr); }
section, .card {
  background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 20px 22px 14px; min-width: 0;
}
.caption { color: #38414f; max-width: 95ch; margin: 0 0 12px; }
.plots {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 480px), 1fr));
  gap: 18px 22px;
}
.plots.single { grid-template-columns: minmax(0, 1fr); }
.plots > div { min-width: 0; }
.plots .modebar-container { top: -26px !important; }
.controls {
  display: flex; flex-wrap: wrap; align-items: center; gap: 10px 26px; padding: 10px 14px;
  margin: 0 0 14px; background: #f3f5f9; border-radius: 8px; font-size: 14px;
}
.controls label { display: inline-flex; align-items: center; gap: 8px; }
.controls select, .controls button {
  font: inherit; padding: 4px 10px; border: 1px solid #c3c8d1; border-radius: 6px;
  background: #fff; color: inherit;
}
.controls input[type=range] { width: 240px; accent-color: var(--accent); }
.controls output { min-width: 15ch; font-variant-numeric: tabular-nums; font-weight: 600; }
.missing {
  border: 1px dashed #c3c8d1; border-radius: 8px; padding: 14px 16px; color: var(--muted);
  background: #fafbfc;
}
.downloads {
  font-size: 13px; color: var(--muted); margin: 10px 0 0; padding-top: 8px;
  border-top: 1px solid var(--line);
}
table { border-collapse: collapse; font-size: 14px; width: 100%; }
th, td {
  text-align: left; padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line);
  vertical-align: top;
}
td.number {
  text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; font-weight: 600;
  padding-right: 18px;
}
td.meaning { color: var(--muted); }
.example { display: grid; grid-template-columns: 130px minmax(0, 1fr); gap: 6px 24px; }
.example > .picture img { width: 128px; }
.strip {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 4px 24px;
}
h4 { font-size: 13px; font-weight: 400; color: var(--muted); margin: 2px 0 4px; }
.pictures { display: flex; flex-wrap: wrap; gap: 8px; margin-bottom: 10px; }
.picture { margin: 0; font-size: 12.5px; line-height: 1.35; text-align: center; }
.picture img { width: 64px; image-rendering: pixelated; border: 1px solid var(--line); }
.picture figcaption { font-variant-numeric: tabular-nums; }
summary { cursor: pointer; font-size: 14px; margin: 4px 0; color: var(--accent); }
.cards {
  margin: 12px 0 8px; display: grid; grid-template-columns: repeat(auto-fit, minmax(270px, 1fr));
  gap: 16px;
}
.cards .card { display: block; color: inherit; padding: 16px 18px; }
.cards a.card:hover { border-color: var(--accent); text-decoration: none; }
.cards strong { color: var(--accent); font-size: 17px; }
pre {
  overflow: auto; max-height: 520px; background: #f7f8fa; border: 1px solid var(--line);
  border-radius: 8px; padding: 14px;
  font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
ul.files { columns: 2 300px; padding-left: 20px; font-size: 14px; }
footer { color: var(--muted); font-size: 13px; padding: 8px 0 30px; }
@media (max-width: 620px) {
  .wrap { padding: 0 12px; }
  section { padding: 16px 12px 10px; }
  h1 { font-size: 25px; }
}
"""

SCRIPT = """
"use strict";

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
  let timer = null;

  function matrix(index) {
    const offset = index * classes * classes;
    const row = (r) => Array.from(
      values.subarray(offset + r * classes, offset + (r + 1) * classes),
      (value) => value === maps.missing ? null : value * maps.scale[index]);
    return Array.from({length: classes}, (_, r) => row(r));
  }

  function draw() {
    const k = Number(interval.value);
    const index = k * maps.components.length + component.selectedIndex;
    const limit = common.checked ? maps.common_limit[component.selectedIndex] : maps.limit[index];
    const offset = index * classes;
    const profile = Array.from(profiles.subarray(offset, offset + classes));
    label.textContent = maps.intervals[k];
    Plotly.restyle("class-map", {z: [matrix(index)], zmin: -limit, zmax: limit}, [0]);
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
"""
