// Writes a LanceDB table of N rows of text with the official client, as a RAG pipeline would have made it: id, content
// (about 1,500 bytes), source_file, title, section and a vector of 384 floats: node bench/lance-table.mjs N FOLDER
import { rmSync } from "node:fs";
import { createRequire } from "node:module";

const [count, folder] = process.argv.slice(2);
const require = createRequire(new URL(process.env.GEN_NODE_MODULES ? "file://" + process.env.GEN_NODE_MODULES + "/../package.json" : "../test/package.json", import.meta.url));
const lancedb = require("@lancedb/lancedb");
const arrow = require("apache-arrow");
const N = Number(count), ROWS = 25000, DIMENSION = 384;

let state = 12345;
const random = () => {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};

// Prose of 20,000 made-up words, frequent ones first as in a language, cut at random places.
const syllables = "ta ne ri so la me ko vi du pra sto ent ing tion ver com per al is or".split(" ");
const words = Array.from({ length: 20000 }, () => Array.from({ length: 1 + Math.floor(random() * 4) }, () => syllables[Math.floor(random() * 20)]).join(""));
const parts = [];
for (let size = 0; size < 16e6;) {
  const word = words[Math.floor(20000 * random() ** 3)] + (random() < 0.1 ? ".\n" : random() < 0.02 ? " naïve 数据" : "") + " ";
  parts.push(word);
  size += word.length;
}
const prose = parts.join("");
const slice = (n) => { const at = Math.floor(random() * (prose.length - n)); return prose.slice(at, at + n); };

const column = (type, values) => arrow.vectorFromArray(values, type).data[0];
const vectors = new Float32Array(ROWS * DIMENSION);
function batch(first, n) {
  for (let i = 0; i < vectors.length; i += 7) vectors[i] = random() - 0.5;
  const list = new arrow.FixedSizeList(DIMENSION, new arrow.Field("item", new arrow.Float32(), true));
  const child = arrow.makeData({ type: new arrow.Float32(), length: n * DIMENSION, nullCount: 0, data: vectors.slice(0, n * DIMENSION) });
  const rows = Array.from({ length: n }, (_, i) => first + i), text = new arrow.Utf8();
  const columns = {
    id: [new arrow.Int64(), column(new arrow.Int64(), rows.map(BigInt))],
    content: [text, column(text, rows.map(() => slice(200 + Math.floor(random() * 2600))))],
    source_file: [text, column(text, rows.map((i) => `docs/part-${i >> 12}/page-${i >> 5}.md`))],
    title: [text, column(text, rows.map((i) => "Title " + (i >> 5)))],
    section: [text, column(text, rows.map((i) => (i % 3 ? null : "Section " + (i % 40))))],
    vector: [list, arrow.makeData({ type: list, length: n, nullCount: 0, child })],
  };
  const fields = Object.entries(columns).map(([name, [type]]) => new arrow.Field(name, type, true));
  const schema = new arrow.Schema(fields);
  const data = arrow.makeData({ type: new arrow.Struct(fields), length: n, nullCount: 0, children: Object.values(columns).map((c) => c[1]) });
  return new arrow.Table(schema, [new arrow.RecordBatch(schema, data)]);
}

rmSync(folder, { recursive: true, force: true });
const db = await lancedb.connect(folder);
let table = null;
for (let first = 0; first < N; first += ROWS) {
  const rows = batch(first, Math.min(ROWS, N - first));
  if (table === null) table = await db.createTable("text_chunks", rows);
  else await table.add(rows);
}
console.log(`${await table.countRows()} rows in ${folder}`);
