// Puts the page together. Everything it shows stands in the page itself; it asks nobody for anything.
import { drawAll } from "./charts.js";
import { Blocks, readColumns, readFacts } from "./data.js";
import { Detail } from "./detail.js";
import { plots } from "./plots.js";
import { Rows } from "./rows.js";
import { figures, findings, origin, tiles } from "./sections.js";
import { describe, Table } from "./table.js";
import { clip, el, number, percent, plural, visible } from "./text.js";

const $ = (id) => document.getElementById(id);
const SEARCH_WAIT_MS = 150;
const CHOICES_MAX = 1000;

function option(value, text) {
  return el("option", { value }, text);
}

function fillFilters({ facts, columns }) {
  $("state").append(option("", "all"), option("0", "in the dataset"), option("1", "dropped"));
  $("state-label").hidden = !facts.n_dropped;
  const ratings = new Set();
  for (const v of columns.rating) if (v >= 0) ratings.add(Math.round(v / 100));
  $("rating").append(option("", "all"), ...[...ratings].sort((a, b) => a - b).slice(0, 101).map((v) => option(v, String(v))));
  $("rating-label").hidden = ratings.size === 0;
  const named = facts.sources.map((name, i) => [i, name]).sort((a, b) => (a[1] < b[1] ? -1 : 1));
  $("source").append(option("", "all"), ...named.slice(0, CHOICES_MAX).map(([i, name]) => option(i, visible(clip(name, 100)))));
  $("source-label").hidden = named.length === 0;
}

const chosen = (id) => ($(id).value === "" ? null : Number($(id).value));

function connect(context) {
  const rows = new Rows(context.facts, context.columns, context.blocks);
  let detail = null;
  const table = new Table(context, { onOpen: (at) => detail.open(at), onOrder: () => ask() });
  detail = new Detail(context, table);
  let timer = 0;

  async function ask() {
    const started = performance.now();
    const query = { text: $("search").value, order: table.order, state: chosen("state"), rating: chosen("rating"), source: chosen("source") };
    let first = true;
    await rows.query(query, (list, progress) => {
      const done = progress === 1;
      $("status").textContent = done ? describe(list.length, rows.n) : `${plural(list.length, "row")} found, ${percent(progress, 0)} searched …`;
      if (done) $("status").dataset.ms = Math.round(performance.now() - started);
      table.show(list, { keepPage: !first });
      first = false;
    });
  }
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, SEARCH_WAIT_MS);
  };
  $("search").addEventListener("input", soon);
  for (const id of ["state", "rating", "source"]) $(id).addEventListener("change", ask);
  $("filters").addEventListener("submit", (e) => { e.preventDefault(); ask(); });
  $("filters").addEventListener("reset", () => setTimeout(ask));
  const pick = (id) => (value) => {
    $(id).value = String(value);
    ask();
    $("rows").scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  };
  return { ask, onRating: pick("rating"), onSource: pick("source") };
}

async function start() {
  const facts = readFacts();
  if (!facts) throw new Error("the file is cut: its end is missing");
  document.title = `${facts.dataset} – dataset report`;
  $("title").textContent = visible(facts.dataset);
  tiles(facts);
  findings(facts);
  figures(facts);
  origin(facts);
  const columns = await readColumns();
  const context = { facts, columns, blocks: new Blocks("rows"), chunks: new Blocks("chunks") };
  if (matchMedia("(max-width: 760px)").matches) $("size").value = "10";
  fillFilters(context);
  const actions = connect(context);
  await actions.ask();
  $("plots-body").replaceChildren(...plots({ ...context, ...actions }));
  drawAll();
  const made = new Date(facts.made_ms).toLocaleDateString("en", { dateStyle: "long" });
  $("subtitle").textContent = `${plural(facts.n_rows, "row")}${facts.n_dropped ? `, and ${number(facts.n_dropped)} that the judge dropped` : ""}. Made ${made} by Generator ${facts.version}; this page loads nothing from the network.`;
  document.documentElement.dataset.ready = Math.round(performance.now());
}

start().catch((error) => {
  $("subtitle").textContent = `This page cannot be shown: ${error.message}. It needs a browser of 2023 or later; if the file was copied, copy it again.`;
  console.error(error);
});
