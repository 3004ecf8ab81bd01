// The page of `generator report` in a browser without a network: node report.mjs GENERATOR HANDBOOK.lancedb [PICTURES]
// 77: there is no browser. With a folder PICTURES it leaves pictures of the page there.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { hostile, writeHostile, writeMany } from "./data.mjs";

const ROWS = 100000;
const tools = fileURLToPath(new URL("../data/tool/records.jsonl", import.meta.url));
const [generator, handbook, pictures] = process.argv.slice(2);
const skip = (why) => {
  console.log(`skipped: ${why}`);
  process.exit(77);
};
const browserPath = [process.env.CHROMIUM, "/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((p) => p && existsSync(p));
if (!browserPath) skip("no chromium here (apt-get install chromium-headless-shell)");
let puppeteer;
try {
  puppeteer = (await import("puppeteer-core")).default;
} catch {
  skip("no puppeteer-core here (scripts/setup installs the node modules of the tests)");
}

const folder = mkdtempSync(join(tmpdir(), "generator-report-"));
const browser = await puppeteer.launch({ executablePath: browserPath, headless: "shell", args: ["--no-sandbox", "--disable-dev-shm-usage"] });
const checks = [];
const test = (name, run) => checks.push({ name, run });

function report(dataset, out, ...more) {
  const path = join(folder, out);
  const started = performance.now();
  execFileSync(generator, ["report", dataset, "-o", path, "--quiet", ...more], { stdio: ["ignore", "ignore", "ignore"] });
  return { path, ms: performance.now() - started, bytes: statSync(path).size };
}

/** The page, opened offline; what it says to the console or asks of the network is an error. */
async function open(path, { dark = false, phone = false } = {}) {
  const page = await browser.newPage();
  page.faults = [];
  page.on("console", (m) => ["error", "warn"].includes(m.type()) && page.faults.push(m.text()));
  page.on("pageerror", (e) => page.faults.push(e.message));
  page.on("dialog", (d) => (page.faults.push("a dialog"), d.dismiss()));
  page.on("request", (r) => !/^(file|blob):/.test(r.url()) && page.faults.push(`it asked for ${r.url()}`));
  await page.setOfflineMode(true);
  if (dark) await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
  await page.setViewport(phone ? { width: 390, height: 844, deviceScaleFactor: 2, isMobile: true, hasTouch: true } : { width: 1360, height: 900 });
  const started = performance.now();
  await page.goto(pathToFileURL(path).href, { timeout: 60000 });
  await page.waitForFunction("document.documentElement.dataset.ready", { timeout: 60000 });
  page.openMs = performance.now() - started;
  return page;
}

const questions = (page) => page.$$eval("#table tbody .open", (list) => list.map((e) => e.textContent));
const column = (page, label) => page.$$eval(`#table tbody td[data-label="${label}"]`, (list) => list.map((e) => e.textContent));
const status = (page) => page.$eval("#status", (e) => e.textContent);

/** Waits for the end of the query and for its page of the table. */
async function search(page, text) {
  await page.$eval("#status", (e) => delete e.dataset.ms);
  await page.$eval("#search", (e, t) => { e.value = t; e.dispatchEvent(new Event("input")); }, text);
  await page.waitForFunction("document.getElementById('status').dataset.ms", { timeout: 60000 });
  await new Promise((done) => setTimeout(done, 150));
  return Number(await page.$eval("#status", (e) => e.dataset.ms));
}

async function openRow(page, i = 0) {
  await page.evaluate((k) => document.querySelectorAll("#table tbody .open")[k].click(), i);
  await page.waitForSelector("#detail[open]");
}

async function picture(page, name, options = {}) {
  if (pictures) await page.screenshot({ path: join(pictures, name), ...options });
}

test("the handbook: plots, table, chunk with its evidence", async () => {
  const training = join(folder, "training.jsonl");
  execFileSync(generator, ["pipeline", handbook, "--table", "text_chunks", "--table", "code_chunks", "-o", training, "--provider", "extractive", "--quiet"], { stdio: "ignore" });
  const { path, bytes } = report(training, "training.html");
  const page = await open(path);
  assert.ok(bytes < 3e6, `the page of a small dataset has ${bytes} bytes`);
  const canvases = await page.$$eval("canvas", (list) => list.map((c) => {
    const data = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
    let painted = 0;
    for (let i = 3; i < data.length; i += 4) painted += data[i] > 0;
    return { label: c.getAttribute("aria-label"), share: painted / (data.length / 4) };
  }));
  assert.ok(canvases.length >= 8, `${canvases.length} plots`);
  for (const c of canvases) assert.ok(c.share > 0.01 && c.label, `${c.label}: ${c.share} painted`);
  assert.equal(await page.$$eval("#table tbody tr", (l) => l.length), 25);
  await search(page, "maximum rank h5s_max_rank");
  await search(page, "H5S_MAX_RANK dimensions");
  assert.match((await questions(page))[0], /dimensions/);
  await openRow(page);
  const marked = await page.$$eval("#detail mark.evidence", (l) => l.map((e) => e.textContent.replace(/\s+/g, " ")));
  assert.ok(marked.some((m) => m.includes("A dataset has at most 32 dimensions")), `marked: ${marked}`);
  await picture(page, "row.png");
  await page.keyboard.press("Escape");
  assert.equal(await page.$("#detail[open]"), null);
  await search(page, "");
  await picture(page, "desktop.png", { fullPage: true });
  assert.equal(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true, "it is wider than its window");
  assert.deepEqual(page.faults, []);
  await page.close();
  for (const [name, how] of [["dark.png", { dark: true }], ["phone.png", { phone: true }]]) {
    const other = await open(path, how);
    assert.equal(await other.evaluate("document.documentElement.scrollWidth <= innerWidth"), true, `${name} is wider than its window`);
    await picture(other, name, { fullPage: how.dark });
    assert.deepEqual(other.faults, []);
    await other.close();
  }
});

test("paging and sorting, by mouse and by keyboard", async () => {
  const { path } = report(join(folder, "training.jsonl"), "training.html");
  const page = await open(path);
  const first = await questions(page);
  await page.click("#next");
  await page.waitForFunction((q) => document.querySelector("#table tbody .open").textContent !== q, {}, first[0]);
  assert.deepEqual(await column(page, "Row").then((l) => l[0]), "26");
  await page.click("#last");
  await page.waitForFunction("document.getElementById('next').disabled");
  const rows = Number((await status(page)).match(/\d+/)[0]);
  assert.equal((await column(page, "Row")).at(-1), String(rows));
  await page.evaluate(() => [...document.querySelectorAll("#table th button")].find((b) => b.textContent.startsWith("Words")).focus());
  await page.keyboard.press("Enter");
  await new Promise((done) => setTimeout(done, 200));
  const words = (await column(page, "Words")).map(Number);
  assert.deepEqual(words, [...words].sort((a, b) => b - a), "the longest answers come first");
  assert.equal(await page.$eval('#table th[aria-sort="descending"]', (e) => e.textContent.slice(0, 5)), "Words");
  await page.focus("#table tbody .open");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#detail[open]");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Escape");
  await page.select("#size", "100");
  await new Promise((done) => setTimeout(done, 200));
  assert.equal(await page.$$eval("#table tbody tr", (l) => l.length), 100);
  assert.deepEqual(page.faults, []);
  await page.close();
});

test("tool records: plots of what they teach, calls with what came back", async () => {
  const { path } = report(tools, "tools.html");
  const page = await open(path);
  const headings = await page.$$eval("#plots h3, .card h3", (l) => l.map((e) => e.textContent));
  for (const wanted of ["Categories", "Calls per tool", "Tool calls"]) assert.ok(headings.includes(wanted), `${wanted} is not among ${headings}`);
  assert.ok(!headings.includes("Rows by source"), "an empty plot of sources");
  const n = await page.$$eval("#table tbody .open", (l) => l.length);
  assert.ok(n >= 10, `${n} rows`);
  let failed = 0, parallel = 0, asked = 0;
  for (let i = 0; i < n; i++) {
    await openRow(page, i);
    await page.waitForFunction((k) => document.getElementById("detail-h").textContent.startsWith("Row") && document.querySelectorAll("#detail .question").length === 1, {}, i);
    const text = await page.$eval("#detail-body", (e) => e.textContent);
    failed += await page.$$eval("#detail .steps li.failed", (l) => l.length);
    const turns = await page.$$eval("#detail .steps li", (l) => l.map((e) => e.value));
    parallel += new Set(turns).size < turns.length && text.includes("made at once");
    asked += text.includes("The user's reply");
    assert.ok(!text.includes("This row names no chunk"), "a place for a chunk that there is none of");
    assert.ok(!text.includes("[object"), text);
    await page.click("#detail-close");
  }
  assert.ok(failed && parallel && asked, `failed ${failed}, at once ${parallel}, asked back ${asked}`);
  await picture(page, "tools.png", { fullPage: true });
  assert.equal(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true, "it is wider than its window");
  assert.deepEqual(page.faults, []);
  await page.close();
});

test("a run of tool-pipeline: nobody was dropped, criteria of its own, names of tools as they are", async () => {
  const training = join(folder, "calls.jsonl");
  const definitions = fileURLToPath(new URL("../../configs/hdf5_tools.json", import.meta.url));
  execFileSync(generator, ["tool-pipeline", definitions, "-o", training, "--provider", "extractive", "--quiet"], { stdio: "ignore" });
  const { path } = report(training, "calls.html");
  const page = await open(path);
  const drawn = await page.$$eval(".card:has(canvas) details", (l) => l.map((e) => (e.open = true)).length);
  await page.waitForFunction((n) => document.querySelectorAll(".card:has(canvas) details table").length >= n, {}, drawn);
  const cards = await page.$$eval(".card", (l) => l.map((e) => ({ title: e.querySelector("h3")?.textContent, text: e.textContent, drawn: !!e.querySelector("canvas") })));
  const card = (title) => cards.find((c) => c.title === title);
  assert.ok(!(await page.$eval("#tiles", (e) => e.textContent)).includes("dropped"), "every row was exported");
  assert.match(await status(page), /^100 rows/);
  for (const title of ["Ratings", "Criteria", "Categories", "Calls per tool"]) assert.ok(card(title)?.drawn, `no plot "${title}"`);
  assert.match(card("Criteria").text, /tool selection \d.*parameter correctness \d.*reasoning quality \d.*result usefulness \d/);
  assert.match(card("Calls per tool").text, /open_file/);
  assert.match(card("Categories").text, /missing-param/);
  for (const title of ["Kinds", "Kinds of questions", "Retention by source"]) assert.ok(!card(title), `"${title}" tells nothing here`);
  await picture(page, "calls.png", { fullPage: true });
  assert.deepEqual(page.faults, []);
  await page.close();
});

test("hostile texts are shown as text", async () => {
  const { path } = report(writeHostile(folder), "hostile.html");
  const page = await open(path);
  assert.equal(await page.evaluate("window.broken"), undefined);
  assert.equal(await page.$$eval("#table tbody tr", (l) => l.length), hostile.length);
  assert.equal(await page.$$eval("main img, main svg, main script, dialog script, main b, dialog i", (l) => l.length), 0);
  const shown = await questions(page);
  assert.equal(shown[0], hostile[0].question);
  assert.ok(shown[2].includes("\u2400") && shown[2].includes("\u241b"), shown[2]);
  assert.equal(shown[3], hostile[3].question);
  assert.equal(shown[4], hostile[4].question);
  for (let i = 0; i < hostile.length; i++) {
    await openRow(page, i);
    await page.waitForFunction((q) => document.querySelector("#detail .question")?.textContent.startsWith(q.slice(0, 6)), {}, shown[i]);
    const text = await page.$eval("#detail-body", (e) => e.textContent);
    assert.ok(text.includes("</script>"), "the further field");
    if (hostile[i].name === "rtl") assert.ok(text.includes("[U+202E]"));
    if (hostile[i].name === "large") {
      await page.evaluate(() => [...document.querySelectorAll("#detail-body button")].find((b) => b.textContent.startsWith("Show all")).click());
      assert.ok(await page.$eval("#detail-body", (e, n) => e.textContent.length >= n, hostile[i].answer.length));
    }
    await page.click("#detail-close");
  }
  await search(page, "</script><!--");
  assert.equal((await questions(page)).length, 1);
  const findings = await page.$eval("#findings-body", (e) => e.textContent);
  assert.match(findings, /4 rows of the file are no records/);
  assert.match(findings, /hostile\.ledger was not found/);
  assert.match(findings, /hostile_failures\.jsonl|hostile_all_rated\.json was not found/);
  assert.equal(await page.evaluate("window.broken"), undefined);
  assert.deepEqual(page.faults, []);
  await page.close();
});

test(`${ROWS} rows`, async () => {
  const { path, ms, bytes } = report(writeMany(folder, ROWS, ROWS / 10), "many.html");
  const page = await open(path);
  const ready = Number(await page.$eval("html", (e) => e.dataset.ready));
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
  // While a search runs, timers show how long the page was deaf at the longest.
  await page.evaluate(() => {
    window.longest = 0;
    let last = performance.now();
    setInterval(() => { const now = performance.now(); window.longest = Math.max(window.longest, now - last - 10); last = now; }, 10);
  });
  const cold = await search(page, "zauberberg");
  assert.deepEqual((await questions(page)).map((q) => q.includes("Zauberberg")), [true]);
  const rare = await search(page, "dataset 77777");
  const common = await search(page, "filter");
  assert.ok(Number((await status(page)).match(/[\d,]+/)[0].replaceAll(",", "")) > 1000);
  const deaf = await page.evaluate("window.longest");
  await search(page, "");
  const sort = await page.evaluate(async () => {
    const started = performance.now();
    [...document.querySelectorAll("#table th button")].find((b) => b.textContent.startsWith("Rating")).click();
    await new Promise((done) => setTimeout(done));
    return performance.now() - started;
  });
  console.log(`  page written in ${Math.round(ms)} ms, ${(bytes / 1e6).toFixed(1)} MB; first paint ${Math.round(paint)} ms, ready ${ready} ms; search ${cold} ms the first time, then ${rare} ms (rare word), ${common} ms (common word); deaf for at most ${Math.round(deaf)} ms; sort ${Math.round(sort)} ms`);
  assert.match(await status(page), /110,000 rows/);
  assert.ok(ready < 20000, `ready after ${ready} ms`);
  assert.ok(deaf < 1000, `deaf for ${deaf} ms`);
  assert.deepEqual(page.faults, []);
  await page.close();
});

let failed = 0;
for (const { name, run } of checks) {
  try {
    await run();
    console.log(`ok: ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAILED: ${name}\n${error.stack}`);
  }
}
await browser.close();
rmSync(folder, { recursive: true });
console.log(`${checks.length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
