// Datasets for the test of the page, written into a folder: hostile texts, and many rows.
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

export const hostile = [
  { name: "script", question: "<script>window.broken=1</script> and </script><img src=x onerror='window.broken=1'>?", answer: "</script><!-- --><svg onload=alert(1)> & &amp; \"quotes\" 'single' `back`" },
  { name: "lines", question: "Line separators \u2028 and \u2029 and \r\n and \ttabs?", answer: "one\u2028two\u2029three" },
  { name: "controls", question: "A NUL \u0000 and an escape \u001b[31m?", answer: "bell \u0007, delete \u007f" },
  { name: "rtl", question: "מה זה קובץ HDF5? هل هو تنسيق؟", answer: "override \u202egnp.exe and isolate \u2066x" },
  { name: "emoji", question: "Family 👩‍👩‍👧‍👦 and flag 🇩🇪 and 𝒜?", answer: "é (combined) and \ud83d\ude00".repeat(60) },
  { name: "template", question: "${alert(1)} {{7*7}} <%= 1 %> javascript:alert(1)?", answer: "]]> --> */ //" },
  { name: "large", question: "One megabyte?", answer: "0123456789 abcdef ".repeat(61681) },
];

export function writeHostile(folder) {
  const path = join(folder, "hostile.jsonl");
  const rows = hostile.map(({ name, question, answer }, i) => JSON.stringify({
    format: "qa", question, answer, chunk_id: `c-${name}`, source: `<b>${name}</b>/"source"\u2028.md`, rating: i % 11,
    clarity: 3, accuracy: 2, usefulness: 1, difficulty: 0, evidence: "<i>evidence</i>", "<key>": "</script>", constructor: "x", __proto__x: 1,
  }));
  rows.push("this is no JSON", '"a string"', JSON.stringify({ format: "qa", question: "without an answer" }), JSON.stringify({ question: 1, answer: 2 }));
  writeFileSync(path, rows.join("\n") + "\n");
  writeFileSync(join(folder, "hostile_summary.json"), JSON.stringify({ command: "</script><script>window.broken=1</script>", stages: [
    { stage: "<b>generate</b>", in: 20, produced: 15, filtered: { "<rule>": 3 }, failed: { malformed: 2 }, skipped: {}, out: 17, out_filtered: {} },
    { stage: "curate", in: 17, produced: 17, filtered: {}, failed: {}, skipped: {}, out: 7 }, null, 7, { stage: {}, in: "x" }] }));
  writeFileSync(join(folder, "hostile_failures.jsonl"), `${JSON.stringify({ stage: "generate", class: "malformed", message: "</script><script>window.broken=1</script>" })}\n{broken\n`);
  return path;
}

const things = ["dataset", "group", "attribute", "filter", "chunk", "datatype", "dataspace", "link", "property", "driver"];
const verbs = ["store", "open", "compress", "extend", "read", "select", "convert", "share", "cache", "close"];

/** `n` curated rows of about 1 KB each, and as many again that were dropped as `dropped` says. */
export function writeMany(folder, n, dropped = 0) {
  const path = join(folder, "many.jsonl");
  const file = openSync(path, "w");
  const rated = dropped ? openSync(join(folder, "many_all_rated.json"), "w") : null;
  let seed = 1;
  const draw = (k) => (seed = (seed * 48271) % 2147483647) % k;
  const sentence = (words) => Array.from({ length: words }, () => `${things[draw(10)]}${draw(40)} ${verbs[draw(10)]}s`).join(" ");
  let lines = "";
  for (let i = 0; i < n + dropped; i++) {
    const isDropped = i % Math.max(1, Math.round((n + dropped) / Math.max(1, dropped))) === 0 && dropped > 0;
    const needle = i === 77777 % n ? " Zauberberg" : "";
    const row = { format: "qa", question: `How does ${things[draw(10)]} ${i} ${verbs[draw(10)]} a ${things[draw(10)]}?${needle}`, answer: sentence(20 + draw(50)), chunk_id: `chunk-${i >> 2}`, source: `docs/part-${draw(200)}.md`,
      rating: isDropped ? draw(7) : 7 + draw(4), clarity: draw(4), accuracy: draw(4), usefulness: draw(4), difficulty: draw(4), topic_relevant: true, reasoning: "the judge found it useful", evidence: sentence(8) };
    const text = JSON.stringify(row);
    if (!isDropped) lines += `${text}\n`;
    if (rated) writeSync(rated, `${i ? ",\n" : "[\n"}${text}`);
    if (lines.length > 1e6) {
      writeSync(file, lines);
      lines = "";
    }
  }
  writeSync(file, lines);
  closeSync(file);
  if (rated) {
    writeSync(rated, "\n]\n");
    closeSync(rated);
  }
  return path;
}
