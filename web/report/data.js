// The data that stand in the page: packed blocks, opened when they are needed.
export const NONE = -2147483648;
export const COLUMNS = [
  "row", "state", "rating", "clarity", "accuracy", "usefulness", "difficulty",
  "questionWords", "answerWords", "reasoningWords", "source", "chunk", "grounding",
  "tool_selection", "parameter_correctness", "reasoning_quality", "result_usefulness",
];
const TEXT_CHARS_MAX = 160e6; // texts of blocks kept for the next search
const PARSED_MAX = 24;

const elements = (kind) => [...document.querySelectorAll(`script[data-kind="${kind}"]`)];

export function readFacts() {
  const element = elements("facts")[0];
  return element ? JSON.parse(element.textContent) : null;
}

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function unpack(element) {
  const stream = new Blob([bytesOf(element.textContent)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream);
}

/** Columns of all rows as { n, rating: Int32Array, ... }. */
export async function readColumns() {
  const groups = elements("columns");
  const n = groups.reduce((sum, e) => sum + Number(e.dataset.n), 0);
  const columns = { n };
  for (const name of COLUMNS) columns[name] = new Int32Array(n);
  let from = 0;
  for (const group of groups) {
    const count = Number(group.dataset.n);
    const view = new DataView(await unpack(group).arrayBuffer());
    COLUMNS.forEach((name, c) => {
      for (let i = 0; i < count; i++) columns[name][from + i] = view.getInt32(4 * (c * count + i), true);
    });
    from += count;
  }
  return columns;
}

/** Items of JSON in packed blocks, by number. */
export class Blocks {
  #elements;
  #starts = [0];
  #texts = new Map();
  #parsed = new Map();
  #chars = 0;

  constructor(kind) {
    this.#elements = elements(kind);
    for (const e of this.#elements) this.#starts.push(this.#starts.at(-1) + Number(e.dataset.n));
  }
  get n() { return this.#starts.at(-1); }
  get nBlocks() { return this.#elements.length; }
  start(block) { return this.#starts[block]; }

  async text(block) {
    const known = this.#texts.get(block);
    if (known !== undefined) return known;
    const text = await unpack(this.#elements[block]).text();
    if (this.#chars + text.length <= TEXT_CHARS_MAX && !this.#texts.has(block)) {
      this.#texts.set(block, text);
      this.#chars += text.length;
    }
    return text;
  }

  async items(block) {
    let items = this.#parsed.get(block);
    if (items) return items;
    items = JSON.parse(await this.text(block));
    this.#parsed.set(block, items);
    if (this.#parsed.size > PARSED_MAX) this.#parsed.delete(this.#parsed.keys().next().value);
    return items;
  }

  async item(i) {
    if (!(i >= 0 && i < this.n)) return null;
    let low = 0;
    let high = this.nBlocks - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle] <= i) low = middle;
      else high = middle - 1;
    }
    return (await this.items(low))[i - this.#starts[low]];
  }
}
