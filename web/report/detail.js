// One row with everything that is known of it, beside the chunk that it came from.
import { NONE } from "./data.js";
import { findQuote, pieces } from "./highlight.js";
import { decimal, el, number, visible, words } from "./text.js";

const LONG = 30000; // characters shown at once
const CRITERIA = ["clarity", "accuracy", "usefulness", "difficulty"];

function block(heading, text, kind = "") {
  if (!text) return [];
  const p = el("p", { class: `text ${kind}`, dir: "auto" }, visible(text.slice(0, LONG)));
  const out = [el("h3", {}, heading), p];
  if (text.length > LONG) {
    const more = el("button", { type: "button" }, `Show all ${number(text.length)} characters`);
    more.addEventListener("click", () => {
      p.textContent = visible(text);
      more.remove();
    });
    out.push(more);
  }
  return out;
}

function list(entries) {
  return el("dl", { class: "facts" }, entries.flatMap(([name, value]) => [el("dt", {}, name), el("dd", { dir: "auto" }, value)]));
}

function chunkView(chunk, item, source) {
  const out = [el("h3", {}, "Source chunk")];
  const about = [["source", chunk?.source || source], ["title", chunk?.title], ["section", chunk?.section], ["language", chunk?.language], ["chunk", chunk?.id]].filter(([, v]) => v);
  if (about.length) out.push(list(about.map(([k, v]) => [k, visible(v)])));
  if (!chunk?.text) {
    out.push(el("p", { class: "empty" }, chunk ? "Its text is not here: the ledger of the run was not found, or does not hold it." : "This row names no chunk."));
    if (item.e) out.push(...block("Evidence", item.e));
    return out;
  }
  const text = visible(chunk.text);
  const evidence = findQuote(text, visible(item.e ?? "")).map((m) => ({ ...m, kind: "evidence" }));
  const judge = findQuote(text, visible(item.f ?? "")).map((m) => ({ ...m, kind: "judge" }));
  const box = el("p", { class: `text chunk ${chunk.language ? "code" : ""}`, dir: "auto", tabindex: "0", "aria-label": "Text of the source chunk" });
  for (const piece of pieces(text, [...evidence, ...judge])) {
    if (!piece.kinds.length) box.append(piece.text);
    else box.append(el("mark", { class: piece.kinds.includes("evidence") ? "evidence" : "judge" }, piece.text));
  }
  out.push(box);
  const said = [];
  if (evidence.length) said.push(el("mark", {}, "evidence of the answer"), " ");
  if (judge.length) said.push(el("mark", { class: "judge" }, "evidence of the judge"));
  if (said.length) out.push(el("p", { class: "legend" }, "Marked: ", said));
  if (item.e && !evidence.length) out.push(el("p", { class: "legend" }, "The evidence that the row gives does not stand in this chunk: "), ...block("Evidence", item.e));
  return out;
}

const asText = (v) => (typeof v === "string" ? v : JSON.stringify(v ?? null, null, 1));

/** The calls of a tool record in order, each with what came back: turns that were made at once have one number. */
function stepsView(solution) {
  const steps = Array.isArray(solution?.reasoning_path) ? solution.reasoning_path.filter((s) => s && typeof s === "object") : [];
  const asked = solution?.clarification;
  const out = asked?.question ? [...block("Question back", asText(asked.question)), ...block("The user's reply", asText(asked.reply ?? ""))] : [];
  if (!steps.length) return out;
  const items = steps.map((s, i) => {
    const failed = s.status === "failure";
    const found = Object.entries(s.sources ?? {}).filter(([, from]) => from?.origin === "result")
      .map(([name, from]) => `${name} is ${from.pointer ? `${from.pointer} of ` : ""}the result of step ${from.step}`);
    const result = s.actual_result ?? s.error_message;
    const turn = Number.isInteger(s.turn) ? s.turn : i + 1;
    return el("li", { class: failed ? "failed" : "", value: String(turn) },
      s.thought && el("p", { class: "text", dir: "auto" }, visible(asText(s.thought).slice(0, LONG))),
      el("p", { class: "text" }, el("code", {}, visible(`${s.tool}(${Object.entries(s.args ?? {}).map(([k, v]) => `${k}: ${JSON.stringify(v)}`).join(", ")})`.slice(0, LONG)))),
      found.length > 0 && el("p", { class: "legend" }, visible(found.join("; "))),
      s.status === "pending" || result == null ? el("p", { class: "legend" }, "not executed") : el("p", { class: "text chunk code", dir: "auto" }, visible(asText(result).slice(0, LONG))),
      failed && el("p", { class: "legend" }, s.is_mutation ? "failed, as it was planned for the recovery" : "failed"));
  });
  const atOnce = steps.some((s, i) => i > 0 && s.turn === steps[i - 1].turn && s.turn != null);
  out.push(el("h3", {}, steps.length === 1 ? "Call" : "Calls"), atOnce && el("p", { class: "legend" }, "Calls of one number were made at once."), el("ol", { class: "steps" }, items));
  return out.filter(Boolean);
}

export class Detail {
  #dialog = document.getElementById("detail");
  #at = 0;

  constructor(context, table) {
    this.context = context;
    this.table = table;
    const on = (id, action) => document.getElementById(id).addEventListener("click", action);
    on("detail-close", () => this.#dialog.close());
    on("detail-prev", () => this.open(this.#at - 1));
    on("detail-next", () => this.open(this.#at + 1));
    this.#dialog.addEventListener("click", (e) => e.target === this.#dialog && this.#dialog.close());
    this.#dialog.addEventListener("keydown", (e) => {
      if (e.key === "ArrowLeft") this.open(this.#at - 1);
      if (e.key === "ArrowRight") this.open(this.#at + 1);
    });
  }

  /** Opens the `at`th of the rows that the table lists. */
  async open(at) {
    const { facts, columns, blocks, chunks } = this.context;
    const i = this.table.rows[at];
    if (i === undefined) return;
    this.#at = at;
    const item = await blocks.item(i);
    const chunk = columns.chunk[i] === NONE ? null : await chunks.item(columns.chunk[i]);
    const source = columns.source[i] === NONE ? "" : (facts.sources[columns.source[i]] ?? "");
    const scores = CRITERIA.filter((c) => columns[c][i] !== NONE).map((c) => [c, decimal(columns[c][i] / 100)]);
    if (columns.rating[i] !== NONE) scores.unshift(["rating", decimal(columns.rating[i] / 100)]);
    if (columns.grounding[i] !== NONE) scores.push(["literals found in the source", `${decimal(columns.grounding[i] / 10, 1)} %`]);
    const isEmpty = (v) => v === null || v === "" || (Array.isArray(v) && !v.length);
    const isTool = item.x?.solution && typeof item.x.solution === "object";
    for (const [name, v] of Object.entries(isTool ? (item.x.rating_breakdown ?? {}) : {})) if (Number.isFinite(v)) scores.push([words(name), decimal(v)]);
    const about = ["category", "difficulty", "style"].map((k) => [k, item.x?.metadata?.[k]]).filter(([, v]) => isTool && typeof v === "string").map(([k, v]) => [k, visible(words(v))]);
    const steps = stepsView(item.x?.solution);
    const isShown = (k) => isTool && (k === "solution" || k === "tools" || k === "rating_breakdown");
    const offered = (Array.isArray(item.x?.tools) ? item.x.tools : []).map((t) => t?.function?.name).filter(Boolean);
    const rest = Object.entries(item.x ?? {}).filter(([k, v]) => !isEmpty(v) && !isShown(k)).map(([k, v]) => [visible(words(k)), visible(typeof v === "string" ? v : JSON.stringify(v, null, Array.isArray(v) && v.some((x) => x && typeof x === "object") ? 1 : 0))]);
    const told = el("div", {}, block(isTool ? "Request" : "Question", item.q, "question"), block("Reasoning", item.r), steps, block("Answer", item.a));
    const known = el("div", {},
      about.length > 0 && [el("h3", {}, "Example"), list(about)],
      offered.length > 0 && [el("h3", {}, "Tools on offer"), el("p", { class: "text" }, visible(offered.join(", ")))],
      scores.length > 0 && [el("h3", {}, "Rating"), list(scores)], block("The judge says", item.j),
      rest.length > 0 && [el("h3", {}, "Further fields"), list(rest.map(([k, v]) => [k, v.slice(0, LONG)]))]);
    /* A record of tools comes from no chunk: what is known of it takes the place. */
    const sides = isTool && !chunk && !source ? [told, known] : [el("div", {}, ...told.childNodes, ...known.childNodes), el("div", {}, chunkView(chunk, item, source))];
    document.getElementById("detail-h").textContent = `Row ${number(columns.row[i])}${facts.n_dropped ? (columns.state[i] ? ", dropped by the judge" : ", in the dataset") : ""}`;
    document.getElementById("detail-body").replaceChildren(...sides);
    document.getElementById("detail-prev").disabled = at === 0;
    document.getElementById("detail-next").disabled = at + 1 >= this.table.rows.length;
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#dialog.scrollTop = 0;
  }
}
