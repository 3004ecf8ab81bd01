// Writes chunks (JSON Lines of bench/make_chunks) into the table text_chunks of a LanceDB, with the official
// client: node bench/make-table.mjs CHUNKS.jsonl FOLDER
import { createReadStream, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [file, folder] = process.argv.slice(2);
const require = createRequire(new URL("../test/package.json", import.meta.url));
const lancedb = require("@lancedb/lancedb");

rmSync(folder, { recursive: true, force: true });
const db = await lancedb.connect(folder);
let table = null;
let rows = [];

async function flush() {
  if (rows.length === 0) return;
  if (table === null) table = await db.createTable("text_chunks", rows);
  else await table.add(rows);
  rows = [];
}

for await (const line of createInterface({ input: createReadStream(file) })) {
  const { id, source, title, content } = JSON.parse(line);
  rows.push({ id, content, source_file: source, title });
  if (rows.length === 25000) await flush();
}
await flush();
console.log(`${await table.countRows()} rows in ${folder}`);
