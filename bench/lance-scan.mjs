// The peer of bench/lance_scan: reads columns of a table with the official client and prints the same line of JSON.
//   node bench/lance-scan.mjs FOLDER TABLE COLUMN...
import { createRequire } from "node:module";

const [folder, name, ...columns] = process.argv.slice(2);
const require = createRequire(new URL(process.env.GEN_NODE_MODULES ? "file://" + process.env.GEN_NODE_MODULES + "/../package.json" : "../test/package.json", import.meta.url));
const lancedb = require("@lancedb/lancedb"); // loading the client is not measured

const begin = performance.now();
const db = await lancedb.connect(folder);
const table = await db.openTable(name);
let rows = 0, bytes = 0, first = 0;
for await (const batch of table.query().select(columns)) {
  if (rows === 0) first = performance.now();
  rows += batch.numRows;
  for (let i = 0; i < columns.length; i++) {
    for (const data of batch.getChildAt(i).data)
      if (data.valueOffsets && data.values) bytes += data.valueOffsets[data.length] - data.valueOffsets[0];
  }
}
const end = performance.now();
const { maxRSS } = process.resourceUsage();
console.log(JSON.stringify({ rows, bytes, seconds: (end - begin) / 1000, first_row_ms: first - begin, peak_rss_kb: maxRSS }));
