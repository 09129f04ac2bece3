// Choices: in the section of a control only that is shown which fits the chosen values.
function setUpChoices(section) {
  const controls = [...section.querySelectorAll("[data-choice]")];

  function show() {
    const chosen = controls.map((control) => [control.dataset.choice, control.value]);
    const fits = (values) => chosen.every(([name, value]) => (values[name] ?? value) === value);
    section.querySelectorAll("[data-shown-for]").forEach(function (element) {
      element.hidden = !fits(JSON.parse(element.dataset.shownFor));
    });
    section.querySelectorAll(".js-plotly-plot").forEach(function (plot) {
      const layouts = plot.layout.meta || {};
      const changes = chosen.map(([name, value]) => (layouts[name] || {})[value] || {});
      const visible = plot.data.map((trace) => fits(trace.meta || {}));
      Plotly.update(plot, {visible: visible}, Object.assign({}, ...changes));
    });
  }

  controls.forEach((control) => control.addEventListener("change", show));
  show();  // a reloaded page may remember what was chosen
}
new Set([...document.querySelectorAll("[data-choice]")].map((control) => control.closest("section")))
  .forEach(setUpChoices);
