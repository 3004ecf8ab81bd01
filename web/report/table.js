// The table of rows: one page of it, its headings that sort, its pager.
import { NONE } from "./data.js";
import { clip, decimal, el, number, plural, visible } from "./text.js";

const CLIP = 280;
const $ = (id) => document.getElementById(id);

function headings({ facts, columns }) {
  const has = (name) => columns[name].some((v) => v !== NONE);
  const score = (v) => decimal(v / 100);
  const list = [
    { by: "row", name: "Row", width: "4.4rem", n: true, cell: (i) => number(columns.row[i]) },
    { name: "Question", width: "auto", text: "q" },
    { name: "Answer", width: "auto", text: "a" },
    has("reasoningWords") && { name: "Reasoning", width: "auto", text: "r" },
    facts.n_dropped > 0 && { by: "state", name: "State", width: "6rem", tag: true },
    has("rating") && { by: "rating", name: "Rating", width: "4.9rem", n: true, value: score },
    has("clarity") && { by: "clarity", name: "Clarity", width: "4.9rem", n: true, value: score },
    has("accuracy") && { by: "accuracy", name: "Accuracy", width: "5.9rem", n: true, value: score },
    has("usefulness") && { by: "usefulness", name: "Useful", width: "4.8rem", n: true, value: score },
    has("difficulty") && { by: "difficulty", name: "Difficulty", width: "5.4rem", n: true, value: score },
    { by: "answerWords", name: "Words", width: "4.9rem", n: true, value: number, title: "Words of the answer" },
    has("source") && { by: "source", name: "Source", width: "10rem", source: true },
  ];
  return list.filter(Boolean);
}

export class Table {
  rows = []; // numbers of the rows that are listed, in their order
  page = 0;
  order = { by: "row", down: false };
  #turn = 0;

  constructor(context, { onOpen, onOrder }) {
    this.context = context;
    this.onOpen = onOpen;
    this.heads = headings(context);
    this.body = $("table").tBodies[0];
    const row = el("tr", { role: "row" }); // roles: on a phone the table is laid out as cards, and would lose them
    for (const head of this.heads) {
      head.th = el("th", { scope: "col", role: "columnheader", class: head.n ? "n" : "", title: head.title });
      head.th.style.width = head.width;
      if (head.by) {
        const button = el("button", { type: "button" }, head.name);
        button.addEventListener("click", () => {
          const down = this.order.by === head.by ? !this.order.down : Boolean(head.value);
          this.order = { by: head.by, down };
          this.markOrder();
          onOrder();
        });
        head.th.append(button);
      } else {
        head.th.append(el("span", { class: "head" }, head.name));
      }
      row.append(head.th);
    }
    $("table").tHead.append(row);
    this.markOrder();
    this.body.addEventListener("click", (event) => {
      const tr = event.target.closest("tr");
      if (tr && !getSelection().toString()) this.onOpen(Number(tr.dataset.at));
    });
    $("first").addEventListener("click", () => this.go(0));
    $("prev").addEventListener("click", () => this.go(this.page - 1));
    $("next").addEventListener("click", () => this.go(this.page + 1));
    $("last").addEventListener("click", () => this.go(this.nPages - 1));
    $("page").addEventListener("change", (e) => this.go(Number(e.target.value) - 1));
    $("size").addEventListener("change", () => this.go(0));
  }

  markOrder() {
    for (const head of this.heads) {
      if (!head.by) continue;
      const on = head.by === this.order.by;
      head.th.setAttribute("aria-sort", on ? (this.order.down ? "descending" : "ascending") : "none");
      head.th.firstChild.textContent = head.name + (on ? (this.order.down ? " ▼" : " ▲") : "");
    }
  }

  get size() { return Number($("size").value); }
  get nPages() { return Math.max(1, Math.ceil(this.rows.length / this.size)); }

  show(rows, { keepPage = false } = {}) {
    this.rows = rows;
    return this.go(keepPage ? this.page : 0);
  }

  async go(page) {
    this.page = Math.min(this.nPages - 1, Math.max(0, Math.floor(page) || 0));
    const turn = ++this.#turn;
    const from = this.page * this.size;
    const list = this.rows.slice(from, from + this.size);
    const items = [];
    for (const i of list) items.push(await this.context.blocks.item(i));
    if (turn !== this.#turn) return;
    this.body.replaceChildren(...list.map((i, k) => this.#row(i, items[k], from + k)));
    if (!list.length) this.body.append(el("tr", { class: "none" }, el("td", { class: "t", colspan: this.heads.length }, "No row fits.")));
    $("page").value = this.page + 1;
    $("page").max = this.nPages;
    $("pages").textContent = `of ${number(this.nPages)}`;
    for (const id of ["first", "prev"]) $(id).disabled = this.page === 0;
    for (const id of ["next", "last"]) $(id).disabled = this.page + 1 >= this.nPages;
  }

  #row(i, item, at) {
    const { facts, columns } = this.context;
    const tr = el("tr", { role: "row", "data-at": at, "data-row": i });
    for (const head of this.heads) {
      let td;
      if (head.text === "q") {
        const button = el("button", { type: "button", class: "open" }, visible(clip(item.q, CLIP)) || "(no question)");
        td = el("td", { class: "t", "data-label": head.name }, el("div", { dir: "auto" }, button));
      } else if (head.text) {
        td = el("td", { class: "t", "data-label": head.name }, el("div", { class: "clamp", dir: "auto" }, visible(clip(item[head.text], CLIP))));
      } else if (head.tag) {
        td = el("td", { "data-label": head.name }, el("span", { class: `tag ${columns.state[i] ? "dropped" : "kept"}` }, columns.state[i] ? "dropped" : "kept"));
      } else if (head.source) {
        td = el("td", { class: "t", "data-label": head.name, dir: "auto" }, columns.source[i] === NONE ? "" : visible(clip(facts.sources[columns.source[i]] ?? "", 120)));
      } else {
        const v = columns[head.by][i];
        td = el("td", { class: head.n ? "n" : "", "data-label": head.name }, head.cell ? head.cell(i) : v === NONE ? "–" : head.value(v));
      }
      td.setAttribute("role", "cell");
      tr.append(td);
    }
    return tr;
  }
}

export const describe = (n, all) => (n === all ? plural(all, "row") : `${plural(n, "row")} of ${number(all)}`);
