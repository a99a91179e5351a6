"use strict";
// What a page does with a script; without one, every link and form works the same.

// Copying needs a secure context: elsewhere the buttons stay hidden.
function showCopies() {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const before = button.textContent;
  button.textContent = "✓";
  setTimeout(() => { button.textContent = before; }, 1200);
});

// The chart of a page's figure, in the place of the picture that needs no script.
function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function drawCharts() {
  for (const figure of document.querySelectorAll("figure.chart:not(.drawn)")) {
    const times = figure.dataset.times.split(" ").map((at) => Date.parse(at) / 1000);
    const values = figure.dataset.values.split(" ").map(Number);
    const axis = { stroke: color("--muted"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false } };
    const two = (number) => String(number).padStart(2, "0");
    const clock = (at) => `${two(at.getHours())}:${two(at.getMinutes())}`;
    const day = (at) => `${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    const short = (_, marks, __, ___, step) => marks.map((seconds) => {
      const at = new Date(seconds * 1000);
      return step < 86400 && clock(at) !== "00:00" ? clock(at) : day(at);
    });
    const whole = (_, seconds) => seconds === null ? "–" : `${day(new Date(seconds * 1000))} ${clock(new Date(seconds * 1000))}`;
    figure.classList.add("drawn");
    new uPlot({
      width: figure.clientWidth - 16,
      height: 200,
      cursor: { drag: { x: true, y: false } },
      scales: { y: { range: (_, low, high) => [0, Math.max(high, 1)] } },
      axes: [{ ...axis, values: short }, { ...axis, size: 64 }],
      series: [{ label: figure.dataset.time, value: whole }, { label: figure.dataset.label, stroke: color("--accent"), width: 2, fill: color("--accent") + "2e", points: { show: false } }],
    }, [times, values], figure);
  }
}

function refresh() {
  showCopies();
  drawCharts();
}

// A press of a button or a marked text is not to be lost to an update.
function busy() {
  const live = document.getElementById("live");
  const marked = document.getSelection();
  const inside = (node) => live && node && live.contains(node);
  return (inside(document.activeElement) && document.activeElement.closest("form"))
    || (marked && !marked.isCollapsed && inside(marked.anchorNode));
}

let source = null;

function pulse(live) {
  const place = document.getElementById("pulse");
  if (!place) return;
  place.textContent = live ? place.dataset.live : place.dataset.lost;
  place.classList.toggle("lost", !live);
}

function listen() {
  const events = document.body.dataset.events;
  if (!events) return;
  if (document.hidden) {
    if (source) source.close();
    source = null;
    return;
  }
  if (source) return;
  source = new EventSource(events);
  source.addEventListener("open", () => pulse(true));
  source.addEventListener("error", () => pulse(false));
  source.addEventListener("changed", () => {
    if (!busy()) htmx.trigger(document.body, "wikiembed:changed");
  });
}

document.addEventListener("visibilitychange", () => {
  const wasSilent = !source;
  listen();
  if (source && wasSilent) htmx.trigger(document.body, "wikiembed:changed");
});
window.addEventListener("pagehide", () => { if (source) source.close(); source = null; });
window.addEventListener("pageshow", listen);
document.addEventListener("htmx:afterSettle", refresh);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const figure of document.querySelectorAll("figure.chart.drawn")) {
    figure.classList.remove("drawn");
    figure.querySelector(".uplot")?.remove();
  }
  drawCharts();
});
refresh();
