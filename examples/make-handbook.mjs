// Writes examples/handbook.lancedb from the sources in examples/handbook/ with the official LanceDB client.
//
//     (cd test && npm ci)              installs the client, pinned by test/package-lock.json
//     node examples/make-handbook.mjs  removes the old database and writes the new one
//
// The rows depend on nothing but the sources: the same sources give the same rows in the same order. (The names of the
// files inside the database do differ from run to run, because Lance chooses them at random.)
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(here, "..", "test", "package.json"));
const lancedb = require("@lancedb/lancedb");
const arrow = require("apache-arrow");

const DIMENSIONS = 384;
const CHUNK_CHARS_MAX = 1800;
const CODE_LINES_MIN = 12;

const LANGUAGES = {
  ".c": { type: "c", comment: /^(\/\*|\*| \*|\/\/)/, name: /^[A-Za-z_][\w \t*]*?\b(\w+)\s*\(/ },
  ".cpp": { type: "cpp", comment: /^(\/\*|\*| \*|\/\/)/, name: /^[A-Za-z_][\w \t*:<>&]*?\b(\w+)\s*\(/ },
  ".py": { type: "python", comment: /^#/, name: /^(?:async )?(?:def|class)\s+(\w+)/ },
  ".f90": { type: "fortran", comment: /^\s*!/, name: /^\s*(?:subroutine|program|module(?! procedure)|(?:\w+ )*function)\s+(\w+)/i },
  ".sh": { type: "shell", comment: /^#/, name: /^(\w+)\s*\(\)/ },
};

const sha256 = (text) => createHash("sha256").update(text, "utf8").digest("hex");

const slug = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");

const numbered = (stem, n) => `${stem}-${String(n).padStart(3, "0")}`;

// The usual estimate of four bytes a token: no tokenizer is involved.
const tokenCount = (text) => Math.ceil(Buffer.byteLength(text, "utf8") / 4);

// Not a learned embedding. Each word is hashed (FNV-1a, 32 bits) to one of 384 places and counted there with a sign from
// the hash; the sum is L2 normalised. That is enough for the column to have its real type and for nearest neighbours to share words.
function embed(text) {
  const sums = new Float64Array(DIMENSIONS);
  for (const word of text.toLowerCase().match(/[a-z0-9_]+/g) ?? []) {
    let hash = 0x811c9dc5;
    for (const byte of Buffer.from(word, "utf8")) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    sums[(hash >>> 1) % DIMENSIONS] += hash & 1 ? 1 : -1;
  }
  const length = Math.sqrt(sums.reduce((sum, value) => sum + value * value, 0)) || 1;
  return Array.from(sums, (value) => Math.fround(value / length));
}

// Cuts lines[first..last] (0-based, inclusive) at blank lines so that no piece is longer than CHUNK_CHARS_MAX where a blank line allows it.
function cutAtParagraphs(lines, first, last) {
  const pieces = [];
  let start = first;
  let lastBlank = -1;
  let chars = 0;
  let fenced = false;
  for (let i = first; i <= last; i++) {
    if (lines[i].startsWith("```")) fenced = !fenced;
    if (!fenced && lines[i].trim() === "") lastBlank = i;
    chars += lines[i].length + 1;
    if (chars > CHUNK_CHARS_MAX && lastBlank > start) {
      pieces.push([start, lastBlank - 1]);
      start = lastBlank + 1;
      chars = lines.slice(start, i + 1).reduce((sum, line) => sum + line.length + 1, 0);
      lastBlank = -1;
    }
  }
  pieces.push([start, last]);
  return pieces;
}

// One chunk per heading. The text right under the chapter heading is the parent of the chapter's sections, and a section
// that of its subsections.
function chunkMarkdown(file, text) {
  const lines = text.split("\n");
  const stem = `hdf5-${slug(basename(file, ".md").replace(/^\d+-/, ""))}`;
  const chunks = [];
  const path = [];
  const parents = [];
  let start = 0;
  let level = 0;

  const close = (end) => {
    let first = start;
    let last = end;
    while (first <= last && lines[first].trim() === "") first++;
    while (last >= first && lines[last].trim() === "") last--;
    if (first > last || level === 0) return;
    for (const [from, to] of cutAtParagraphs(lines, first, last)) {
      const id = numbered(stem, chunks.length + 1);
      const parentId = parents.slice(0, level - 1).findLast((parent) => parent) ?? null;
      if (!parents[level - 1]) parents[level - 1] = id;
      chunks.push({
        id,
        content: lines.slice(from, to + 1).join("\n"),
        source_type: "markdown",
        start_line: from + 1,
        end_line: to + 1,
        parent_id: parentId,
        title: path[level - 1],
        section_path: path.slice(0, level).join(" > "),
      });
    }
  };

  let fenced = false;
  lines.forEach((line, i) => {
    if (line.startsWith("```")) fenced = !fenced;
    const heading = fenced ? null : /^(#{1,4}) +(.*)$/.exec(line);
    if (!heading) return;
    close(i - 1);
    level = heading[1].length;
    path.length = level - 1;
    path[level - 1] = heading[2];
    parents.length = level - 1;
    start = i + 1;
  });
  close(lines.length - 1);
  return chunks;
}

// The 0-based number of the last line of each top-level definition.
function definitionEnds(lines, language) {
  const ends = [];
  lines.forEach((line, i) => {
    if (language.type === "python") {
      if (i === 0 || !/^(async def|def|class|if __name__|@)/.test(line)) return;
      if (lines[i - 1].startsWith("@")) return;
      let end = i - 1;
      while (end > 0 && language.comment.test(lines[end])) end--;
      ends.push(end);
    } else if (language.type === "fortran") {
      if (/^\s*end (subroutine|function|program)\b/i.test(line)) ends.push(i);
    } else if (line === "}") {
      ends.push(i);
    }
  });
  return ends;
}

// One chunk per top-level definition with the comment above it; definitions of a few lines are joined with the next one.
// What precedes the first definition (purpose, includes) belongs to the first chunk, the parent of the others.
function chunkCode(file, text) {
  const extension = extname(file);
  const language = LANGUAGES[extension];
  const lines = text.replace(/\n$/, "").split("\n");
  const stem = `hdf5-code-${slug(basename(file, extension))}`;
  const pieces = [];
  let start = 0;
  for (const end of [...definitionEnds(lines, language), lines.length - 1]) {
    let first = start;
    let last = end;
    while (first <= last && lines[first].trim() === "") first++;
    while (last >= first && lines[last].trim() === "") last--;
    if (last - first + 1 >= CODE_LINES_MIN) {
      pieces.push([first, last]);
      start = end + 1;
    }
  }
  const tail = lines.length - 1;
  if (pieces.length && start <= tail) pieces.at(-1)[1] = tail;
  if (!pieces.length) pieces.push([0, tail]);

  return pieces.map(([first, last], n) => {
    const body = lines.slice(first, last + 1);
    const names = body.map((line) => language.name.exec(line)?.[1]).filter((name) => name && !/^(if|for|while|switch|return)$/.test(name));
    const name = names[0] ?? basename(file);
    return {
      id: numbered(stem, n + 1),
      content: body.join("\n"),
      source_type: language.type,
      start_line: first + 1,
      end_line: last + 1,
      parent_id: n === 0 ? null : numbered(stem, 1),
      title: `${name} (${basename(file)})`,
      section_path: `${basename(file)} > ${name}`,
    };
  });
}

function finish(chunk, file) {
  return {
    id: chunk.id,
    content: chunk.content,
    content_hash: sha256(chunk.content),
    vector: embed(chunk.content),
    source_file: relative(here, file).replaceAll("\\", "/"),
    source_type: chunk.source_type,
    start_line: chunk.start_line,
    end_line: chunk.end_line,
    parent_id: chunk.parent_id,
    title: chunk.title,
    section_path: chunk.section_path,
    citations: null,
    token_count: tokenCount(chunk.content),
  };
}

function readChunks(folder, extensions, split) {
  return readdirSync(folder)
    .filter((name) => extensions.includes(extname(name)))
    .sort()
    .flatMap((name) => {
      const file = join(folder, name);
      return split(file, readFileSync(file, "utf8")).map((chunk) => finish(chunk, file));
    });
}

const utf8 = (name, nullable = false) => new arrow.Field(name, new arrow.Utf8(), nullable);
const int32 = (name) => new arrow.Field(name, new arrow.Int32(), false);

const SCHEMA = new arrow.Schema([
  utf8("id"),
  utf8("content"),
  utf8("content_hash"),
  new arrow.Field("vector", new arrow.FixedSizeList(DIMENSIONS, new arrow.Field("item", new arrow.Float32(), true)), false),
  utf8("source_file"),
  utf8("source_type"),
  int32("start_line"),
  int32("end_line"),
  utf8("parent_id", true),
  utf8("title"),
  utf8("section_path"),
  utf8("citations", true),
  int32("token_count"),
]);

function checkUnique(rows) {
  for (const key of ["id", "content_hash"]) {
    const seen = new Set();
    for (const row of rows) {
      if (seen.has(row[key])) throw new Error(`two chunks have the same ${key} ${row[key]} (the second is ${row.id} of ${row.source_file})`);
      seen.add(row[key]);
    }
  }
}

const handbook = join(here, "handbook");
const tables = {
  text_chunks: readChunks(handbook, [".md"], chunkMarkdown),
  code_chunks: readChunks(join(handbook, "code"), Object.keys(LANGUAGES), chunkCode),
};
checkUnique(Object.values(tables).flat());

const target = join(here, "handbook.lancedb");
rmSync(target, { recursive: true, force: true });
mkdirSync(target);
const database = await lancedb.connect(target);
for (const [name, rows] of Object.entries(tables)) {
  // One write, so one fragment and one version: there is nothing to compact.
  const table = await database.createTable(name, lancedb.makeArrowTable(rows, { schema: SCHEMA }));
  const sizes = rows.map((row) => row.content.length).sort((a, b) => a - b);
  console.log(
    `${name}: ${await table.countRows()} rows from ${new Set(rows.map((row) => row.source_file)).size} files; content ` +
      `${sizes[0]} to ${sizes.at(-1)} characters, median ${sizes[sizes.length >> 1]}`,
  );
}
