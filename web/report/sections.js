// The parts of the page that are words and figures.
import { clip, decimal, el, money, number, percent, plural, table, visible, words } from "./text.js";

const $ = (id) => document.getElementById(id);
const sentence = (text) => {
  const t = visible(text).trim();
  return t ? t[0].toUpperCase() + t.slice(1) + (/[.!?]$/.test(t) ? "" : ".") : "";
};

function spent(facts) {
  const tallies = facts.ledger?.tallies ?? [];
  const sum = (key) => tallies.reduce((total, t) => total + Math.max(0, t[key] ?? 0), 0);
  return { tokens: sum("tokens_in") + sum("tokens_out"), cost: sum("cost_microusd"), unpriced: sum("n_cost_unknown"), calls: tallies.filter((t) => t.state === "answered").reduce((n, t) => n + t.n, 0) };
}

export function tiles(facts) {
  const m = facts.metrics ?? {};
  const rating = m.ratings?.rating;
  const out = [["rows in the dataset", number(facts.n_rows - facts.n_malformed)]];
  if (facts.n_dropped) out.push(["rows that the judge dropped", number(facts.n_dropped)]);
  if (rating?.n) out.push(["mean rating", decimal(rating.mean)]);
  if (m.sources?.sources?.n) out.push(["sources", number(m.sources.sources.distinct)]);
  if (m.sources?.chunks) out.push(["source chunks used", number(m.sources.chunks)]);
  if (m.grounding?.n) out.push(["literals of answers found in the source", percent(m.grounding.mean)]);
  if (facts.ledger) {
    const s = spent(facts);
    out.push(["model calls answered", number(s.calls)]);
    if (s.tokens) out.push(["tokens", number(s.tokens)]);
    if (s.cost) out.push([s.unpriced ? "cost, of the calls with a known price" : "cost", money(s.cost)]);
  }
  $("tiles").replaceChildren(...out.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

export function findings(facts) {
  const items = (facts.gates ?? []).map((g) => el("li", {}, sentence(g.sentence)));
  if (!items.length) items.push(el("li", { class: "fine" }, "No figure of this dataset is beyond its usual limit."));
  if (facts.n_malformed) {
    const first = (facts.metrics?.malformed?.first ?? []).map((r) => `row ${number(r.row)}: ${r.why}`).join("; ");
    items.push(el("li", {}, sentence(`${plural(facts.n_malformed, "row")} of the file ${facts.n_malformed === 1 ? "is no record and was" : "are no records and were"} passed over (${first})`)));
  }
  if (facts.n_rows_shown < facts.n_rows - facts.n_malformed + facts.n_dropped) {
    items.push(el("li", {}, `The table has the first ${number(facts.n_rows_shown)} rows, because browsers do not open files without end; plots and figures are of all.`));
  }
  for (const m of facts.missing ?? []) items.push(el("li", { class: "note" }, visible(`${m.name} ${m.why}.`)));
  $("findings-body").replaceChildren(el("ul", { class: "findings" }, items));
}

function figureCard(title, rows) {
  const known = rows.filter(([, v]) => v != null && v !== "–");
  return known.length ? el("article", { class: "card" }, el("h3", {}, title), table(["figure", "value"], known)) : null;
}

const share = (s) => (s && s.n ? `${percent(s.share)} (${number(s.hits)} of ${number(s.n)})` : null);

function names(title, list) {
  if (!list?.n) return null;
  return el("article", { class: "card" }, el("h3", {}, title), el("p", {}, `${list.is_partial ? "at least " : ""}${number(list.distinct)} different, evenness ${decimal(list.evenness)}`),
    table(["name", "rows", "share"], list.top.map((t) => [visible(t.name), number(t.count), percent(t.share)])));
}

export function figures(facts) {
  const m = facts.metrics;
  if (!m) return;
  const lengths = ["question", "answer", "reasoning"].filter((k) => m.lengths?.[k]?.n);
  const diversity = (d) => (d?.n ? [["distinct words", decimal(d.distinct_1, 3)], ["distinct pairs of words", decimal(d.distinct_2, 3)], ["distinct triples of words", decimal(d.distinct_3, 3)], ["self-BLEU", d.self_bleu == null ? null : decimal(d.self_bleu, 3)], ["compression ratio", d.compression_ratio == null ? null : decimal(d.compression_ratio, 2)]] : []);
  const scores = Object.entries(m.ratings ?? {}).filter(([, r]) => r && r.n && "mean" in r);
  const cards = [
    lengths.length && el("article", { class: "card" }, el("h3", {}, "Lengths in words"), table(["", "mean", "5 %", "median", "95 %", "max"], lengths.map((k) => { const l = m.lengths[k]; return [k, decimal(l.mean, 1), number(l.p5), number(l.p50), number(l.p95), number(l.max)]; }))),
    scores.length > 0 && el("article", { class: "card" }, el("h3", {}, "Verdicts of the judge"), table(["", "mean", "min", "max", "mode (share)"], scores.map(([k, r]) => [words(k), decimal(r.mean), decimal(r.min), decimal(r.max), `${decimal(r.mode)} (${percent(r.mode_share, 0)})`]))),
    figureCard("Trust", [["answers with all literals in the source", m.grounding?.n ? percent(m.grounding.all) : null], ["answers with less than half of them", m.grounding?.n ? percent(m.grounding.below_half) : null], ["questions that refer to a text", share(m.grounding?.context_references)], ["answers that refuse", share(m.grounding?.refusals)], ["short answers", share(m.lengths?.short_answers)], ["on topic", share(m.ratings?.topic_relevant)]]),
    figureCard("Duplicates", [["equal questions", share(m.duplicates?.exact_question)], [`nearly equal questions${m.duplicates?.near_is_sample ? " (sample)" : ""}`, share(m.duplicates?.near_question)], ["equal answers", share(m.duplicates?.exact_answer)]]),
    figureCard("Variety of questions", diversity(m.diversity?.question)),
    figureCard("Variety of answers", diversity(m.diversity?.answer)),
    names("How questions begin", m.diversity?.openings),
    names("Topics", m.sources?.topics),
    m.sources?.kinds?.n !== m.tools?.categories?.n && names("Kinds", m.sources?.kinds),
    m.tools && figureCard("Tool calls", [["examples", number(m.tools.rows)], ["calls", number(m.tools.calls)], ["examples whose calls fit their tools", share(m.tools.valid)], ["examples without open references", share(m.tools.references)], ["examples that were executed", share(m.tools.executed)], ["examples that were simulated", m.tools.simulated?.hits ? share(m.tools.simulated) : null], ["calls that failed", share(m.tools.failed_calls)], ["results that were cut", share(m.tools.truncated_observations)], ["calls of an example, mean", m.tools.steps?.n ? decimal(m.tools.steps.mean, 1) : null]]),
    m.tools && names("Categories of tool use", m.tools.categories),
    m.tools && names("Tools called", m.tools.called),
  ];
  $("figures-body").replaceChildren(...cards.filter(Boolean));
}

function runs(facts) {
  const format = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short", hour12: false });
  const ends = { 0: "done", 3: "done, some items failed", 4: "stopped by the budget", 5: "provider unusable", 6: "waiting for a batch", 130: "interrupted" };
  return facts.ledger.runs.map((r) => [number(r.id), visible(r.command), format.format(r.started_ms), r.ended_ms ? `${decimal((r.ended_ms - r.started_ms) / 1000, 1)} s` : "no end", r.ended_ms ? (ends[r.exit_status] ?? `exit status ${r.exit_status}`) : "running, or its process died"]);
}

function fold(title, content) {
  return el("details", { class: "card" }, el("summary", {}, title), content);
}

export function origin(facts) {
  const s = facts.summary;
  const body = [];
  const about = [["dataset", visible(facts.dataset)], ["page made", new Date(facts.made_ms).toLocaleString("en", { dateStyle: "long", timeStyle: "short", hour12: false })], ["with", `Generator ${facts.version}`]];
  if (s) {
    for (const key of ["command", "provider", "model", "seed", "end", "reason", "version"]) if (s[key] != null && typeof s[key] !== "object") about.push([`run: ${key}`, visible(s[key])]);
    if (s.corpus?.rows) about.push(["run: corpus", `${plural(s.corpus.rows, "row")}, ${number(s.corpus.malformed ?? 0)} malformed`]);
  }
  const read = Object.entries(facts.metrics?.read_as ?? {}).filter(([, n]) => n);
  if (read.length) about.push(["rows read as", read.map(([k, n]) => `${words(k)} ${number(n)}`).join(", ")]);
  if (facts.ledger_path) about.push(["ledger", visible(facts.ledger_path)]);
  body.push(el("article", { class: "card" }, el("dl", { class: "facts" }, about.flatMap(([k, v]) => [el("dt", {}, k), el("dd", { dir: "auto" }, v)]))));
  const prompts = Object.entries(s?.prompts_sha256 ?? {});
  if (prompts.length) body.push(fold("Prompts and their SHA-256", table(["prompt", "SHA-256"], prompts.map(([k, v]) => [visible(k), el("code", {}, visible(v))]), "texts")));
  if (facts.ledger?.runs?.length) body.push(fold(`${plural(facts.ledger.n_runs, "run")} of the ledger`, table(["run", "command", "begun", "took", "end"], runs(facts), "texts")));
  if (facts.failures?.n) body.push(fold(`${plural(facts.failures.n, "item")} that failed${facts.failures.n > facts.failures.first.length ? `, the first ${number(facts.failures.first.length)}` : ""}`, table(["stage", "class", "message", "chunk", "source"], facts.failures.first.map((f) => [f.stage, f.class && words(f.class), f.message, f.chunk_id, f.source].map((v) => clip(visible(v ?? ""), 400))), "texts")));
  if (facts.removed?.n) {
    const fields = [...new Set(facts.removed.first.flatMap((r) => Object.keys(r)))];
    body.push(fold(`${plural(facts.removed.n, "row")} that dedup removed${facts.removed.n > facts.removed.first.length ? `, the first ${number(facts.removed.first.length)}` : ""}`, table(fields.map(words), facts.removed.first.map((r) => fields.map((f) => clip(visible(r[f] ?? ""), 300))), "texts")));
  }
  for (const e of body) e.style.marginBottom = ".7rem";
  $("origin-body").replaceChildren(...body);
}
