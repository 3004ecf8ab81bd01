// What is plotted: from the columns of the rows, and from the facts.
import { card, step } from "./charts.js";
import { NONE } from "./data.js";
import { clip, decimal, el, money, number, percent, plural, table, visible, words } from "./text.js";

const CRITERIA = ["clarity", "accuracy", "usefulness", "difficulty", "tool_selection", "parameter_correctness", "reasoning_quality", "result_usefulness"];
const title = (name) => name[0].toUpperCase() + words(name).slice(1);

function known(column) {
  const out = [];
  for (const v of column) if (v !== NONE) out.push(v);
  return out;
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

export function ratings({ facts, columns, onRating }) {
  const all = known(columns.rating);
  if (!all.length) return { title: "Ratings", empty: "No row has a rating: `generator curate` gives them." };
  const top = all.reduce((a, b) => Math.max(a, b), 0);
  const wide = Math.max(1, Math.ceil(top / 100 / 20));
  const bins = Math.max(11, Math.floor(top / 100 / wide) + 1);
  const counts = [new Array(bins).fill(0), new Array(bins).fill(0)];
  for (let i = 0; i < columns.n; i++) {
    if (columns.rating[i] !== NONE) counts[columns.state[i]][Math.min(bins - 1, Math.max(0, Math.round(columns.rating[i] / 100 / wide)))]++;
  }
  const series = [{ name: "in the dataset", values: counts[0], color: "kept" }];
  if (facts.n_dropped) series.push({ name: "dropped by the judge", values: counts[1], color: "dropped" });
  const limit = facts.threshold == null ? "" : ` The threshold was ${decimal(facts.threshold)}.`;
  return {
    title: "Ratings",
    note: `${plural(all.length, "rated row")}, mean ${decimal(mean(all) / 100)}.${limit} Click a bar to list its rows.`,
    labels: Array.from({ length: bins }, (_, i) => String(i * wide)),
    series, stacked: true, category: { title: "rating" }, value: { title: "rows" },
    onPick: wide === 1 ? onRating : undefined,
  };
}

export function criteria({ columns }) {
  const present = CRITERIA.filter((name) => columns[name].some((v) => v !== NONE));
  if (!present.length) return { title: "Criteria", empty: "No row has criteria: `generator curate` judges clarity, accuracy, usefulness and difficulty." };
  const values = present.map((name) => known(columns[name]));
  const top = Math.min(10, Math.max(3, ...values.map((v) => Math.round(v.reduce((a, b) => Math.max(a, b), 0) / 100))));
  const shares = values.map((list) => {
    const counts = new Array(top + 1).fill(0);
    for (const v of list) counts[Math.min(top, Math.max(0, Math.round(v / 100)))]++;
    return counts.map((n) => n / list.length);
  });
  return {
    title: "Criteria",
    note: `Means: ${present.map((name, i) => `${words(name)} ${decimal(mean(values[i]) / 100)}`).join(", ")}.`,
    labels: present.map(title), horizontal: true, stacked: true, format: (x) => percent(x, 1), value: { max: 1, title: "share of rows", ticks: { callback: (x) => `${Math.round(100 * x)} %` } },
    series: Array.from({ length: top + 1 }, (_, i) => ({ name: String(i), values: shares.map((s) => s[i]), color: step(i, top + 1) })),
  };
}

export function stages({ facts }) {
  const list = (facts.summary?.stages ?? []).filter((s) => s && typeof s === "object" && Number.isFinite(s.in));
  if (!list.length) return { title: "Retention by stage", empty: "Not known: the account of the run (…_summary.json) was not found." };
  const sum = (o) => Object.values(o ?? {}).reduce((a, b) => a + (Number(b) || 0), 0);
  const share = (s, n) => (s.in ? n / s.in : 0);
  const reasons = list.flatMap((s) => ["filtered", "failed", "skipped", "out_filtered"].flatMap((how) =>
    Object.entries(s[how] ?? {}).map(([rule, n]) => [s.stage, `${how === "out_filtered" ? "output filtered" : how}: ${words(rule)}`, number(n)])));
  const flow = list.map((s) => `${words(String(s.stage))} ${number(s.in)} → ${number(s.out)}`).join(", ");
  return {
    title: "Retention by stage",
    note: `${flow}. Shares of each stage's inputs:`,
    labels: list.map((s) => words(String(s.stage))), horizontal: true, stacked: true, format: (x) => percent(x, 1), value: { max: 1, ticks: { callback: (x) => `${Math.round(100 * x)} %` } },
    series: [
      { name: "produced", values: list.map((s) => share(s, s.produced)), color: "kept" },
      { name: "filtered", values: list.map((s) => share(s, sum(s.filtered))), color: "dropped" },
      { name: "failed", values: list.map((s) => share(s, sum(s.failed))), color: "bad" },
      { name: "skipped", values: list.map((s) => share(s, sum(s.skipped))), color: "grey" },
    ],
    after: reasons.length ? el("details", {}, el("summary", {}, "Reasons"), table(["stage", "reason", "items"], reasons)) : null,
  };
}

export function sources({ facts, columns, onSource }) {
  const counts = new Map();
  for (let i = 0; i < columns.n; i++) {
    if (columns.source[i] === NONE) continue;
    const entry = counts.get(columns.source[i]) ?? [0, 0];
    entry[columns.state[i]]++;
    counts.set(columns.source[i], entry);
  }
  const heading = facts.n_dropped ? "Retention by source" : "Rows by source";
  if (!counts.size) return { title: heading, empty: "No row names its source." };
  const sorted = [...counts].sort((a, b) => b[1][0] + b[1][1] - a[1][0] - a[1][1]);
  const top = sorted.slice(0, 8);
  const rest = sorted.slice(8);
  const name = (i) => visible(facts.sources[i] ?? "further sources");
  const add = (list, k) => list.reduce((sum, [, entry]) => sum + entry[k], 0);
  const others = rest.length ? [[`${number(rest.length)} others`, add(rest, 0), add(rest, 1)]] : [];
  const rows = [...top.map(([i, e]) => [name(i), ...e]), ...others];
  const series = [{ name: "in the dataset", values: rows.map((r) => r[1]), color: "kept" }];
  if (facts.n_dropped) series.push({ name: "dropped", values: rows.map((r) => r[2]), color: "dropped" });
  return {
    title: heading,
    note: `${plural(counts.size, "source")}. Click a bar to list its rows.`,
    labels: rows.map((r) => clip(r[0], 60)), horizontal: true, stacked: true, series,
    onPick: (i) => i < top.length && onSource(top[i][0]),
  };
}

function lengthOf(heading, column, color) {
  const values = known(column).sort((a, b) => a - b);
  if (!values.length) return null;
  const at = (share) => values[Math.min(values.length - 1, Math.floor(share * values.length))];
  const end = Math.max(at(0.99), 1);
  const raw = end / 24;
  const width = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10000, 50000, 1e5, 1e6, 1e7].find((w) => w >= raw) ?? 1e8;
  const n = Math.floor(end / width) + 1;
  const bins = new Array(n).fill(0);
  let beyond = 0;
  for (const v of values) {
    if (v >= n * width) beyond++;
    else bins[Math.floor(v / width)]++;
  }
  const label = (i) => (width === 1 ? String(i) : `${number(i * width)}–${number((i + 1) * width - 1)}`);
  return {
    title: heading,
    note: `Median ${number(at(0.5))} words, 5 % below ${number(at(0.05))}, 5 % above ${number(at(0.95))}, longest ${number(values.at(-1))}.${beyond ? ` ${plural(beyond, "longer one")} not drawn.` : ""}`,
    labels: bins.map((_, i) => label(i)), dense: true, category: { title: "words", ticks: { maxRotation: 0, autoSkipPadding: 12 } },
    series: [{ name: "rows", values: bins, color }],
  };
}

export const lengths = ({ columns }) => [
  lengthOf("Length of questions", columns.questionWords, "kept"),
  lengthOf("Length of answers", columns.answerWords, "good"),
  lengthOf("Length of reasoning", columns.reasoningWords, "pink"),
].filter(Boolean);

export function duplicates({ facts }) {
  const d = facts.metrics?.duplicates ?? {};
  const diversity = facts.metrics?.diversity ?? {};
  const shares = [
    ["Equal questions", d.exact_question?.share],
    ["Nearly equal questions", d.near_question?.share],
    ["Equal answers", d.exact_answer?.share],
    ["Questions sharing 4 words", diversity.question?.self_repetition],
    ["Answers sharing 4 words", diversity.answer?.self_repetition],
  ].map(([name, v]) => [name, typeof v === "object" && v ? v.share : v]).filter(([, v]) => Number.isFinite(v));
  const removed = facts.removed;
  const found = removed ? `${plural(removed.n, "row")} removed by dedup: ${Object.entries(removed.reason ?? {}).map(([k, n]) => `${words(k)} ${number(n)}`).join(", ")}.` : "";
  if (!shares.length) return { title: "Duplicates", note: found, empty: "Not measured." };
  return {
    title: "Duplicates and repetition",
    note: `Rows that repeat another one, and texts that have four words in a row in common with another. ${found}`,
    labels: shares.map((s) => s[0]), horizontal: true, format: (x) => percent(x, 1),
    value: { suggestedMax: 0.1, ticks: { callback: (x) => `${decimal(100 * x, 1)} %` } },
    series: [{ name: "share", values: shares.map((s) => s[1]), color: "pink" }],
  };
}

function slotLabels(ledger) {
  const slots = ledger.slots;
  const days = new Set(slots.map((s) => new Date(s.begin_ms).toDateString())).size;
  const day = { month: "short", day: "numeric" };
  const clock = { hour: "2-digit", minute: "2-digit", hour12: false, ...(ledger.slot_ms < 60000 ? { second: "2-digit" } : {}), ...(ledger.slot_ms < 1000 ? { fractionalSecondDigits: 2 } : {}) };
  const format = new Intl.DateTimeFormat("en", ledger.slot_ms >= 86400000 ? { ...day, year: "numeric" } : days > 1 ? { ...day, ...clock } : clock);
  return slots.map((s) => format.format(s.begin_ms));
}

const spans = [[86400000, "day"], [3600000, "hour"], [60000, "minute"], [1000, "second"], [1, "millisecond"]];
function span(ms) {
  const [unit, name] = spans.find(([u]) => ms >= u) ?? spans.at(-1);
  return plural(ms / unit, name);
}

export function calls({ facts }) {
  const ledger = facts.ledger;
  const empty = ledger ? "The ledger holds no call." : "Not known: there is no ledger.";
  if (!ledger?.slots.length) return [{ title: "Tokens and cost over time", empty }];
  const labels = slotLabels(ledger);
  const slots = ledger.slots;
  const each = `Each bar is ${span(ledger.slot_ms)}; times without calls are left out.`;
  const category = { ticks: { maxRotation: 0, autoSkipPadding: 16 } };
  const out = [];
  const total = (key) => slots.reduce((sum, s) => sum + Math.max(0, s[key]), 0);
  const tokens = total("tokens_in") + total("tokens_out");
  if (tokens) {
    const runs = [];
    let cost = 0;
    for (const s of slots) runs.push((cost += Math.max(0, s.cost_microusd)));
    const priced = slots.some((s) => s.cost_microusd > 0);
    const series = [
      { name: "tokens in", values: slots.map((s) => Math.max(0, s.tokens_in)), color: "kept" },
      { name: "tokens out", values: slots.map((s) => Math.max(0, s.tokens_out)), color: "sky" },
    ];
    if (priced) series.push({ name: "cost so far", values: runs, color: "bad", line: true, second: true });
    out.push({
      title: "Tokens and cost over time",
      note: `${number(total("tokens_in"))} tokens in, ${number(total("tokens_out"))} out, ${priced ? money(cost) : "without a price"}. ${each}`,
      labels, dense: labels.length > 30, stacked: true, category, series,
      second: priced ? { format: money, title: "cost so far" } : undefined,
      value: { title: "tokens" },
    });
  } else {
    out.push({ title: "Tokens and cost over time", empty: "The provider counted no tokens and took no money: it ran on this machine." });
  }
  out.push({
    title: "Calls over time",
    note: `${plural(total("answered"), "answer")}, ${plural(total("failed"), "failed attempt")}. ${each}`,
    labels, dense: labels.length > 30, stacked: true, category,
    series: [{ name: "answered", values: slots.map((s) => s.answered), color: "kept" }, { name: "failed", values: slots.map((s) => s.failed), color: "bad" }],
  });
  return out;
}

export function failures({ facts }) {
  const attempts = new Map();
  for (const t of facts.ledger?.tallies ?? []) if (t.state === "failed" || t.state === "unknown") attempts.set(t.class || t.state, (attempts.get(t.class || t.state) ?? 0) + t.n);
  const items = new Map(Object.entries(facts.failures?.class ?? {}));
  for (const s of facts.failures ? [] : facts.summary?.stages ?? []) for (const [name, n] of Object.entries(s.failed ?? {})) items.set(name, (items.get(name) ?? 0) + n);
  const names = [...new Set([...attempts.keys(), ...items.keys()])];
  if (!names.length) return { title: "Failures by class", empty: facts.ledger || facts.summary ? "Nothing failed: neither a call nor an item." : "Not known: neither a ledger nor an account was found." };
  names.sort((a, b) => (attempts.get(b) ?? 0) + (items.get(b) ?? 0) - (attempts.get(a) ?? 0) - (items.get(a) ?? 0));
  return {
    title: "Failures by class",
    note: "Attempts were mostly asked again; items are what stayed without a result.",
    labels: names.map(words), horizontal: true,
    series: [{ name: "attempts", values: names.map((n) => attempts.get(n) ?? 0), color: "dropped" }, { name: "items", values: names.map((n) => items.get(n) ?? 0), color: "bad" }],
  };
}

export function questions({ facts }) {
  const types = facts.metrics?.diversity?.question_types;
  if (!types?.top?.length) return null;
  return {
    title: "Kinds of questions",
    note: "By the word that asks.",
    labels: types.top.map((t) => t.name), horizontal: true,
    series: [{ name: "rows", values: types.top.map((t) => t.count), color: "sky" }],
  };
}

/** What tool records teach, and which tools they call: for people who look for what is missing. */
export function tools({ facts }) {
  const { categories, called, calls } = facts.metrics?.tools ?? {};
  const of = (list, title, note, color) => list?.top?.length ? {
    title, note, labels: list.top.map((t) => clip(visible(t.name), 60)), horizontal: true,
    series: [{ name: title === "Categories" ? "examples" : "calls", values: list.top.map((t) => t.count), color }],
  } : null;
  const rest = called ? called.distinct - called.top.length : 0;
  return [
    of(categories, "Categories", "What the examples teach.", "good"),
    called && of(called, "Calls per tool", `${plural(calls, "call")} of ${plural(called.distinct, "tool")}${rest > 0 ? `, those that are called most` : ""}.`, "kept"),
  ].filter(Boolean);
}

export function plots(context) {
  const m = context.facts.metrics;
  const isOfTools = m?.tools?.rows > 0 && m.tools.rows === context.facts.n_rows - context.facts.n_malformed;
  const shown = (spec) => !(isOfTools && spec.empty);
  const specs = [ratings(context), ...tools(context), ...[criteria(context)].filter(shown), stages(context), ...[sources(context)].filter(shown), ...lengths(context), duplicates(context), !isOfTools && questions(context), ...calls(context), failures(context)];
  return specs.filter(Boolean).map(card);
}
