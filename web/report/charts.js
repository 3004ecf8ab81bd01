// Draws charts on cards, with their numbers as a table for whoever cannot or will not see them.
import { BarController, BarElement, CategoryScale, Chart, Legend, LinearScale, LineController, LineElement, PointElement, Tooltip } from "chart.js";
import { el, number, table } from "./text.js";

Chart.register(BarController, BarElement, CategoryScale, Legend, LinearScale, LineController, LineElement, PointElement, Tooltip);
Chart.defaults.animation = false;
Chart.defaults.maintainAspectRatio = false;
Chart.defaults.font.size = 12;

const dark = matchMedia("(prefers-color-scheme: dark)");
const charts = [];

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** From low to high, orange to blue: told apart with every kind of colour vision, on light and dark. */
const ramp = ["#a6480a", "#d9741a", "#f1a340", "#fdd49e", "#c6dbef", "#8bbbdc", "#4a90c4", "#1f5f9e"];
export const step = (i, n) => `ramp:${n < 2 ? 0 : Math.round((i / (n - 1)) * (ramp.length - 1))}`;
const paint = (name) => (name.startsWith("ramp:") ? ramp[Number(name.slice(5))] : color(name));

function axis(spec = {}) {
  const { format, ...rest } = spec;
  return {
    grid: { color: color("grid") },
    border: { color: color("line") },
    ...rest,
    title: { display: Boolean(spec.title), text: spec.title, color: color("soft") },
    ticks: { color: color("soft"), precision: 0, ...(format ? { callback: format } : {}), ...rest.ticks },
  };
}

function configure(spec) {
  const flat = spec.horizontal ? "y" : "x";
  const format = spec.format ?? number;
  const category = axis({ ...spec.category, stacked: spec.stacked, grid: { display: false } });
  if (spec.horizontal) category.ticks.callback = function (i) { const t = String(this.getLabelForValue(i)); return t.length > 26 ? `…${t.slice(-25)}` : t; };
  const value = axis({ beginAtZero: true, stacked: spec.stacked, format, ...spec.value });
  const scales = spec.horizontal ? { x: value, y: category } : { x: category, y: value };
  if (spec.second) scales.second = axis({ position: "right", beginAtZero: true, ...spec.second, grid: { display: false } });
  return {
    type: "bar",
    data: {
      labels: spec.labels,
      datasets: spec.series.map((s) => ({
        label: s.name,
        data: s.values,
        type: s.line ? "line" : "bar",
        yAxisID: s.second ? "second" : undefined,
        backgroundColor: paint(s.color),
        borderColor: paint(s.color),
        borderWidth: s.line ? 2 : 0,
        borderDash: s.dash,
        pointRadius: s.line && spec.labels.length < 40 ? 2 : 0,
        maxBarThickness: 46,
        categoryPercentage: spec.dense ? 1 : 0.82,
        barPercentage: spec.dense ? 0.96 : 0.92,
        minBarLength: s.line ? undefined : 0,
        order: s.line ? 0 : 1,
      })),
    },
    options: {
      indexAxis: flat,
      interaction: { mode: "index", intersect: false, axis: flat },
      onClick: spec.onPick ? (_, hits) => hits.length && spec.onPick(hits[0].index) : undefined,
      onHover: spec.onPick ? (event, hits) => { event.native.target.style.cursor = hits.length ? "pointer" : ""; } : undefined,
      scales,
      plugins: {
        legend: { display: spec.series.length > 1, position: "bottom", labels: { color: color("ink"), boxWidth: 12, boxHeight: 12 } },
        tooltip: { callbacks: { label: (item) => ` ${item.dataset.label}: ${(item.dataset.yAxisID ? spec.second.format : format)(item.raw)}` } },
      },
    },
  };
}

/** spec: title, note, labels, series [{ name, values, color, line, second }], horizontal, stacked, ...; without labels
 * its `empty` is a sentence that stands in the place of the plot. */
export function card(spec) {
  const box = el("article", { class: "card" }, el("h3", {}, spec.title), spec.note && el("p", {}, spec.note));
  if (!spec.labels?.length) {
    box.append(el("p", { class: "empty" }, spec.empty));
    return box;
  }
  const canvas = el("canvas", { role: "img", "aria-label": `${spec.title}. ${spec.note ?? ""} The numbers follow as a table.` });
  const holder = el("div", { class: "canvas" }, canvas);
  if (spec.horizontal) holder.style.height = `${Math.max(250, 70 + spec.labels.length * 24)}px`;
  box.append(holder);
  const rows = () => spec.labels.map((label, i) => [String(label), ...spec.series.map((s) => ((s.second ? spec.second.format : spec.format) ?? number)(s.values[i]))]);
  const details = el("details", {}, el("summary", {}, "Numbers"));
  details.addEventListener("toggle", () => details.open && details.children.length === 1 && details.append(table(["", ...spec.series.map((s) => s.name)], rows())));
  box.append(details);
  if (spec.after) box.append(spec.after);
  charts.push({ canvas, spec, chart: null });
  return box;
}

export function drawAll() {
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  for (const entry of charts) {
    entry.chart?.destroy();
    entry.chart = new Chart(entry.canvas, configure(entry.spec));
  }
}

dark.addEventListener("change", drawAll);
