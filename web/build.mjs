// Bundles the page of `generator report` and writes it as C: node build.mjs SOURCES OUT.c
// The page is cut at its data: `head` ends where the data begins, `tail` begins behind it.
// NODE_PATH names the folder of the packages, which need not stand beside the sources.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";

const [sources, out] = process.argv.slice(2);
if (!out) {
  console.error("usage: node build.mjs SOURCES OUT.c");
  process.exit(2);
}
const packages = process.env.NODE_PATH ?? join(dirname(new URL(import.meta.url).pathname), "node_modules");
const { build } = createRequire(resolve(packages, "x.js"))("esbuild");

async function bundle(entry) {
  const result = await build({
    entryPoints: [join(sources, entry)],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "ascii",
    legalComments: "inline",
    nodePaths: [packages],
    write: false,
    logLevel: "error",
  });
  return result.outputFiles[0].text.trim();
}

const sha256 = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** A script ends at the first "</script", also within one of its strings. */
const script = (await bundle("page.js")).replaceAll(/<\/(?=script)/gi, "<\\/").replaceAll("<!--", "<\\!--");
const style = await bundle("page.css");
const policy = `default-src 'none'; script-src ${sha256(script)}; style-src ${sha256(style)}; base-uri 'none'; form-action 'none'`;

const page = readFileSync(join(sources, "index.html"), "utf8")
  .replace("{{policy}}", () => policy)
  .replace("{{style}}", () => style)
  .replace("{{script}}", () => script);
const cut = page.split("<!--data-->");
if (cut.length !== 2) throw new Error("index.html needs one <!--data-->");

function array(name, text) {
  const bytes = [...Buffer.from(text)];
  const lines = [];
  for (let i = 0; i < bytes.length; i += 32) lines.push(`    ${bytes.slice(i, i + 32).join(",")},`);
  return `static const unsigned char ${name}[] = {\n${lines.join("\n")}\n};\n`;
}

writeFileSync(
  out,
  `/* Made by web/build.mjs from web/report/. */\n#include "report/page.h"\n\n` +
    array("head", cut[0]) +
    array("tail", cut[1]) +
    `\nstruct gen_str gen_report_page_head(void)\n{\n    return (struct gen_str){(const char *)head, sizeof(head)};\n}\n` +
    `\nstruct gen_str gen_report_page_tail(void)\n{\n    return (struct gen_str){(const char *)tail, sizeof(tail)};\n}\n`,
);
