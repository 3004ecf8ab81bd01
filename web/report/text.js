// Words and numbers for people, and elements made of text alone: nothing here reads HTML.
const integer = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
export const number = (n) => integer.format(n);
export const decimal = (x, digits = 2) => (x == null || Number.isNaN(x) ? "–" : x.toLocaleString("en", { maximumFractionDigits: digits }));
export const percent = (share, digits = 1) => (share == null ? "–" : `${decimal(100 * share, digits)} %`);
export const plural = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;
export const money = (micro) => (micro < 0 ? "unknown" : `$${(micro / 1e6).toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: micro < 1e6 ? 4 : 2 })}`);
export const words = (name) => name.replaceAll("_", " ");

/** Control characters and those that turn the direction of writing, made visible. */
export const visible = (text) =>
  String(text)
    .replaceAll("\r\n", "\n")
    .replace(/[\u0000-\u0008\u000b-\u001f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
    .replaceAll("\u007f", "\u2421")
    .replace(/[\u202a-\u202e\u2066-\u2069]/g, (c) => `[U+${c.charCodeAt(0).toString(16).toUpperCase()}]`);

export function clip(text, n) {
  if (!text || text.length <= n) return text ?? "";
  const end = /[\ud800-\udbff]/.test(text[n - 1]) ? n - 1 : n;
  return `${text.slice(0, end)}…`;
}

/** el("p", { class: "x" }, "text", child): attributes and text, never markup. */
export function el(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) e.setAttribute(key, "");
    else if (value !== false && value != null) e.setAttribute(key, value);
  }
  for (const child of children.flat()) if (child != null && child !== false) e.append(child);
  return e;
}

export function table(heads, rows, kind = "") {
  return el("table", { class: `small ${kind}` },
    el("thead", {}, el("tr", {}, heads.map((h) => el("th", { scope: "col" }, h)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell, i) => (i === 0 && kind !== "texts" ? el("th", { scope: "row", dir: "auto" }, cell) : el("td", { dir: "auto" }, cell)))))));
}
