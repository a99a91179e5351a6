"use strict";
// Draws `board`, the panels of tests/tools/docs/dashboard.py, about as Grafana does.

const COLORS = ["#56A64B", "#E0B400", "#3274D9", "#FF780A", "#E02F44", "#8F3BB8", "#37872D", "#1F60C4", "#C4162A", "#7C2EA3"];

function short(value) {
  const size = Math.abs(value);
  for (const [from, name] of [[1e9, "B"], [1e6, "M"], [1e3, "k"]]) {
    if (size >= from) return `${+(value / from).toPrecision(3)}${name}`;
  }
  return String(+value.toPrecision(3));
}

function seconds(value) {
  if (value === 0) return "0 s";
  if (value < 1) return `${+(value * 1000).toPrecision(3)} ms`;
  return value < 120 ? `${+value.toPrecision(3)} s` : `${+(value / 60).toPrecision(3)} min`;
}

const SECONDS = [0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600];
const UNITS = {
  percentunit: (value) => `${+(value * 100).toPrecision(3)}%`,
  s: seconds,
  ops: (value) => `${short(value)}/s`,
  reqps: (value) => `${short(value)}/s`,
  short,
};

function named(series) {
  const names = document.createElement("div");
  names.className = "names";
  series.forEach((one, n) => {
    const name = document.createElement("span");
    const line = document.createElement("i");
    line.style.background = COLORS[n % COLORS.length];
    name.append(line, one.name);
    names.append(name);
  });
  return names;
}

function draw(panel) {
  const section = document.createElement("section");
  Object.assign(section.style, { left: `${panel.x + 8}px`, top: `${panel.y + 8}px`, width: `${panel.w}px`, height: `${panel.h}px` });
  const title = document.createElement("h2");
  title.textContent = panel.title;
  const plot = document.createElement("div");
  const names = named(panel.series);
  section.append(title, plot, names);
  document.querySelector("main").append(section);
  const unit = UNITS[panel.unit];
  const axis = { stroke: "#464c54", grid: { stroke: "#e9edf2", width: 1 }, ticks: { show: false }, font: "11px sans-serif" };
  const clock = (_, marks) => marks.map((at) => new Date(at * 1000).toISOString().slice(11, 16));
  const top = (_, low, high) => [0, high > 0 ? high * 1.08 : 1];
  new uPlot({
    width: panel.w - 8,
    height: panel.h - 32 - names.offsetHeight,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: top } },
    axes: [
      { ...axis, size: 22, space: 56, incrs: [60, 120, 300, 600, 1800, 3600], values: clock },
      { ...axis, size: 62, space: 26, values: (_, marks) => marks.map(unit), ...(panel.unit === "s" && { incrs: SECONDS }) },
    ],
    series: [{}, ...panel.series.map((one, n) => ({
      stroke: COLORS[n % COLORS.length], width: 1.5, fill: COLORS[n % COLORS.length] + "1a", points: { show: false },
    }))],
  }, [panel.times, ...panel.series.map((one) => one.values)], plot);
}

board.forEach(draw);
requestAnimationFrame(() => requestAnimationFrame(() => { document.querySelector("main").dataset.drawn = ""; }));
