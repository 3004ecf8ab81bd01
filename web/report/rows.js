// Which rows are shown, in which order: filters on columns, a search through the texts, sorting.
import { NONE } from "./data.js";

const SLICE_MS = 14;
const channel = new MessageChannel();
/** Lets input, timers and painting have their turn; a timeout would wait 4 ms each time. */
const rest = () =>
  new Promise((done) => {
    channel.port1.onmessage = done;
    channel.port2.postMessage(0);
  });

export class Rows {
  #run = 0;

  constructor(facts, columns, blocks) {
    this.facts = facts;
    this.columns = columns;
    this.blocks = blocks;
    this.n = Math.min(columns.n, blocks.n);
  }

  /** Numbers of the rows that fit { state, rating, source }. */
  #filtered({ state, rating, source }) {
    const c = this.columns;
    const out = [];
    for (let i = 0; i < this.n; i++) {
      if (state != null && c.state[i] !== state) continue;
      if (rating != null && (c.rating[i] === NONE || Math.round(c.rating[i] / 100) !== rating)) continue;
      if (source != null && c.source[i] !== source) continue;
      out.push(i);
    }
    return out;
  }

  #sort(list, { by, down }) {
    if (by === "row" && !down) return list;
    const column = by === "row" ? null : this.columns[by];
    if (!column) return list.toReversed();
    const sign = down ? -1 : 1;
    // Rows without the value come last, whichever way.
    return list.sort((a, b) => {
      const x = column[a];
      const y = column[b];
      if (x === y) return a - b;
      if (x === NONE) return 1;
      if (y === NONE) return -1;
      return sign * (x < y ? -1 : 1);
    });
  }

  /** A test of one row's texts, and of a whole block's, which may pass blocks without a hit. */
  #tests(text) {
    const needles = text.toLowerCase().split(/\s+/).filter(Boolean);
    const sources = new Map(needles.map((n) => [n, new Set(this.facts.sources.flatMap((s, i) => (s.toLowerCase().includes(n) ? [i] : [])))]));
    const escaped = needles.map((n) => JSON.stringify(n).slice(1, -1));
    const anySource = needles.map((n) => sources.get(n).size > 0);
    return {
      block: (json) => {
        const low = json.toLowerCase();
        return escaped.every((n, i) => anySource[i] || low.includes(n));
      },
      row: (item, i) => {
        const low = `${item.q ?? ""}\n${item.a ?? ""}\n${item.r ?? ""}`.toLowerCase();
        return needles.every((n) => low.includes(n) || sources.get(n).has(this.columns.source[i]));
      },
    };
  }

  /** Calls `show(rows, progress)` once or more often: progress is 1 at the end. A later query ends this one. */
  async query({ text, order, ...filter }, show) {
    const run = ++this.#run;
    const candidates = this.#filtered(filter);
    if (!text.trim()) {
      show(this.#sort(candidates, order), 1);
      return;
    }
    const tests = this.#tests(text);
    const hits = [];
    let k = 0;
    let since = performance.now();
    let shown = since;
    for (let b = 0; b < this.blocks.nBlocks && k < candidates.length; b++) {
      const end = this.blocks.start(b + 1);
      if (candidates[k] >= end) continue;
      const json = await this.blocks.text(b);
      const items = tests.block(json) ? await this.blocks.items(b) : null;
      for (; k < candidates.length && candidates[k] < end; k++) {
        if (items && tests.row(items[candidates[k] - this.blocks.start(b)], candidates[k])) hits.push(candidates[k]);
      }
      const now = performance.now();
      if (now - since < SLICE_MS) continue;
      if (now - shown > 250) {
        shown = now;
        if (run === this.#run) show(this.#sort(hits.slice(), order), (b + 1) / this.blocks.nBlocks);
      }
      await rest();
      if (run !== this.#run) return;
      since = performance.now();
    }
    if (run === this.#run) show(this.#sort(hits, order), 1);
  }
}
