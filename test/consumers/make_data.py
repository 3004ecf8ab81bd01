"""Makes what the consumers are to read: make_data.py GENERATOR EXAMPLES FOLDER

The records are those of the handbook (generate and generate-cot with the embedded provider) and records made by
hand to be nasty; each kind is exported in each format. FOLDER/exports.json has a line for each file or folder and
the records behind its rows. A format that cannot be exported is a failure in the account, not an end.
"""
import json
import os
import subprocess
import sys

import bad_cases
from common import Account, has, read_rows, strings

FORMATS = ["chatml", "chatml-portable", "openai", "prompt-completion", "alpaca", "sharegpt", "llamafactory",
           "hermes-text", "harmony", "gemini", "bedrock", "text", "jsonl"]

TOOL_FORMATS = ["chatml", "chatml-portable", "openai", "prompt-completion", "llamafactory", "hermes-text", "xlam",
                "functiongemma", "harmony", "gemini", "jsonl"]

# Values that are legal and that somebody stumbles over.
NASTY = [
    ("Line separators?", "NEL \u0085, LS \u2028, PS \u2029, VT \u000b, FF \u000c, FS \u001c, RS \u001e and BEL \u0007 end."),
    ("What do quotes do?", "\"double\", 'single', `code`, back\\slash, \\n that is no newline, \t tab."),
    ("Windows line ends?", "First.\r\nSecond.\r\n\r\nThird."),
    ("None", "null"),
    ("When was it released?", "2024-01-01"),
    ("How many are there?", "42"),
    ("Is it true?", "true"),
    ("What does Jinja do with {{ messages }} and {% if x %}?", "Nothing: {{ 7 * 7 }} stays, {% raw %} too, {# and this #}."),
    ("Which characters lie outside the basic plane?", "\U0001f9ea \U0001f468\u200d\U0001f469\u200d\U0001f467 \U00020bb7 e\u0301 \u202eright to left\u202c \ufeff"),
    ("What is in the JSON?", "{\"messages\": [{\"role\": \"user\", \"content\": null}], \"a\": [1, 2.50, 1e400]}"),
    ("How is HTML written?", "<script>alert('&amp;')</script> <b>bold</b> &lt;"),
    ("How is a table written?", "| a | b |\n|---|---|\n| 1 | 2 |\n\n```c\nint main(void)\n{\n    return 0;\n}\n```"),
    ("\u00bfQu\u00e9 es? \u4ec0\u4e48\u662f\u6570\u636e\u96c6\uff1f \u0427\u0442\u043e \u044d\u0442\u043e?", "\u4e00\u79cd\u6587\u4ef6\u683c\u5f0f\u3002 \u0424\u0430\u0439\u043b. \u0645\u0644\u0641"),
    ("Is a long answer kept whole?", " ".join(f"Sentence {i} of a long answer." for i in range(2000))),
    ("x", "y"),
]
NASTY_COT = [
    ("Why are reads slow?", "1. The dataset is contiguous.\n2. Each read crosses all rows.", "Because of its layout; re-chunk it."),
    ("What is 6 times 7?", "Six sevens are \"42\" \u2028 and not {{ 41 }}.", "42"),
    ("Why null?", "1. null is a value.\n2. None is another language's.", "None of both is a string."),
]
CHATS = [
    {"messages": [{"role": "system", "content": "You know HDF5."}, {"role": "user", "content": "What is a group?"},
                  {"role": "assistant", "content": "A container of links."}, {"role": "user", "content": "And a dataset?"},
                  {"role": "assistant", "content": "An array with a type and a shape."}], "source": "chat.md"},
    {"messages": [{"role": "user", "content": "Which filter packs best?"},
                  {"role": "assistant", "content": "It depends on the data; \"gzip\" with shuffle is a start."}], "source": "chat.md"},
    {"conversations": [{"from": "human", "value": "What does the root group hold?"},
                       {"from": "gpt", "value": "Links to every object of the file."}], "source": "chat2.md"},
] + [{"messages": [{"role": "user", "content": f"What is in group {i}?"}, {"role": "assistant", "content": f"Dataset {i}."},
                   {"role": "user", "content": "And in its parent?"}, {"role": "assistant", "content": f"Group {i}, among others."}],
      "source": "chat3.md"} for i in range(10, 20)]
# Rows that no training format can hold: each must be counted and named, and none may stop the export.
UNUSABLE = [
    "not json", "[1, 2]", "{}", "{\"question\": \"No answer?\"}", "{\"question\": null, \"answer\": \"a\"}",
    "{\"question\": \"A number?\", \"answer\": 42}", "{\"question\": \"\", \"answer\": \"a\"}",
    "{\"question\": \"Empty?\", \"answer\": \"\"}", "{\"question\": \"Half a surrogate?\", \"answer\": \"\\ud83d\"}",
    "{\"question\": \"Cut?\", \"answer\": \"a", "{\"messages\": []}", "{\"messages\": [{\"role\": \"user\", \"content\": \"alone\"}]}",
]


class Maker:
    def __init__(self, generator, examples, folder):
        self.generator, self.examples, self.folder = generator, examples, folder
        self.account = Account(folder, "generator", self.ask("--version").split()[1])
        self.exports = []

    def ask(self, *args):
        done = subprocess.run([self.generator, *args], capture_output=True, text=True, cwd=self.folder)
        if done.returncode:
            raise RuntimeError(f"generator {' '.join(args)}: exit {done.returncode}: {done.stderr.strip()[-300:]}")
        return done.stdout + done.stderr

    def write(self, name, records, extra=()):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            lines = [json.dumps(r) for r in records]
            for i, bad in enumerate(extra):
                lines.insert(min(len(lines), 3 * i + 1), bad)
            f.write("\n".join(lines) + "\n")
        return path

    def handbook(self, command, output, *more):
        """Records of a command on the handbook, or none: then the account has it."""
        path = os.path.join(self.folder, output)
        try:
            self.ask(command, self.examples, "-o", path, "--provider", "extractive", "--quiet", *more)
            rows = read_rows(path)
            self.account.add(f"{command} of the handbook", "ok", len(rows), len(rows))
            return rows
        except (RuntimeError, OSError, ValueError) as e:
            self.account.add(f"{command} of the handbook", "failed", detail=e)
            return []

    def export(self, name, records, source, fmt, *options, output=None, shape="file"):
        output = output or f"{name}-{fmt}.jsonl"
        path = os.path.join(self.folder, output)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        args = ["export", source, "-o", path, "-f", fmt, "--quiet", *options]
        try:
            self.ask(*args)
            line = {"name": os.path.basename(output).rsplit(".json", 1)[0] if shape == "file" else output, "input": name,
                    "format": fmt, "options": list(options), "path": path, "shape": shape}
            if shape == "file":
                line["records"] = match(read_rows(path), [facts(r) for r in records])
            else:
                line["records"] = [facts(r) for r in records]
            self.exports.append(line)
        except (RuntimeError, OSError, ValueError, AssertionError) as e:
            self.account.add(f"export {output}", "failed", detail=e)

    def make(self):
        tables = ["--table", "text_chunks", "--table", "code_chunks"]
        qa = self.handbook("generate", "qa.json", *tables)
        qa += [{"format": "qa", "question": q, "answer": a, "source": f"nasty{i % 4}.md"} for i, (q, a) in enumerate(NASTY)]
        cot = self.handbook("generate-cot", "cot.json", *tables)
        cot += [{"format": "cot", "question": q, "reasoning": r, "answer": a, "source": f"cot{i}.md"}
                for i, (q, r, a) in enumerate(NASTY_COT)]
        mixed = [r for pair in zip(qa[-len(NASTY):], (cot + CHATS) * 5) for r in pair] + CHATS
        for name, records, extra in (("qa", qa, UNUSABLE), ("cot", cot, ()), ("mixed", mixed, UNUSABLE), ("chat", CHATS, ())):
            source = self.write(f"{name}-records.jsonl", records, extra)
            for fmt in FORMATS:
                output = f"{name}-llamafactory/train.jsonl" if fmt == "llamafactory" else None
                self.export(name, records, source, fmt, output=output)
            if name == "chat":
                continue
            for fmt in FORMATS:
                self.export(name, records, source, fmt, "--card", "--split", "train=0.8,validation=0.2", "--shuffle", "7",
                            output=f"{name}-{fmt}-folder", shape="folder")
            for fmt in ("chatml", "alpaca", "sharegpt"):
                self.export(name, records, source, fmt, output=f"{name}-{fmt}-array.json")
            self.export(name, records, source, "chatml", "--shards", "3", output=f"{name}-chatml-shards", shape="folder")
            for kind in ("none", "fold", "You are \"exact\"."):
                self.export(name, records, source, "chatml", "--system", kind, output=f"{name}-chatml-system-{kind[:4]}.jsonl")
            for kind in ("field", "thinking", "inline", "drop"):
                for fmt in ("chatml", "prompt-completion"):
                    self.export(name, records, source, fmt, "--reasoning", kind, output=f"{name}-{fmt}-reasoning-{kind}.jsonl")
        self.make_tools()
        with open(os.path.join(self.folder, "exports.json"), "w", encoding="utf-8") as f:
            json.dump(self.exports, f)
        self.account.add("export", "ok", len(self.exports), len(self.exports), "files and folders written")
        bad_cases.write(self.folder, self.check)
        self.check_good()

    def make_tools(self):
        """Tool records of every category: some made by hand, for the unit tests as well, and those of a run."""
        top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        made = read_rows(os.path.join(top, "test", "data", "tool", "records.jsonl"))
        try:
            run = os.path.join(self.folder, "tool-run.jsonl")
            self.ask("tool-pipeline", os.path.join(top, "configs", "hdf5_tools.json"), "--target-pairs", "60", "--provider",
                     "extractive", "-o", run, "--quiet")
            with open(os.path.join(self.folder, "tool-run_all_rated.json"), encoding="utf-8") as f:
                made += json.load(f)
            self.account.add("tool records of a run", "ok", len(made), len(made))
        except (RuntimeError, OSError, ValueError) as e:
            self.account.add("tool records of a run", "failed", detail=repr(e))
        source = self.write("tool-records.jsonl", made, ())
        records = {r["instruction"]: tool_facts(r) for r in made}
        found = []
        for name, fmt, more in [(fmt, fmt, ()) for fmt in TOOL_FORMATS] + [
                ("chatml-single", "chatml", ("--max-calls-per-turn", "1")), ("llamafactory-drop", "llamafactory", ("--reasoning", "drop"))]:
            path = os.path.join(self.folder, f"tool-{name}", "train.jsonl")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            try:
                self.ask("export", source, "-o", path, "-f", fmt, "--quiet", *more)
                rows = read_rows(path)
                asked = [next(s for s in strings(row) if s in records) for row in rows]
                found.append({"name": name, "format": fmt, "path": path, "records": [records[q] for q in asked]})
                self.account.add(f"export of tool records, {name}", "ok", len(rows), len(rows))
            except (RuntimeError, OSError, ValueError, StopIteration) as e:
                self.account.add(f"export of tool records, {name}", "failed", detail=repr(e))
        with open(os.path.join(self.folder, "tools.json"), "w", encoding="utf-8") as f:
            json.dump(found, f)

    def check(self, path, consumer):
        """What generator check finds in the file: an error, a warning."""
        done = subprocess.run([self.generator, "check", path, "--for", consumer], capture_output=True, text=True)
        if done.returncode not in (0, 3):
            raise RuntimeError(f"generator check {path}: exit {done.returncode}: {done.stderr.strip()[-300:]}")
        return done.returncode == 3, "(warning)" in done.stdout + done.stderr

    def check_good(self):
        readers = {"chatml": ("trl", "axolotl", "datasets"), "openai": ("openai", "together"), "prompt-completion": ("trl",),
                   "alpaca": ("llamafactory", "axolotl"), "sharegpt": ("llamafactory", "unsloth"), "gemini": ("gemini",),
                   "bedrock": ("bedrock",), "text": ("trl",), "jsonl": ("datasets",), "harmony": ("trl",)}
        for x in self.exports:
            for consumer in readers.get(x["format"], ()) if x["shape"] == "file" else ():
                try:
                    wrong, _ = self.check(x["path"], consumer)
                    if wrong and not few(x):
                        self.account.add(f"check {x['name']} --for {consumer}", "failed", detail="an export fails its own check")
                except RuntimeError as e:
                    self.account.add(f"check {x['name']} --for {consumer}", "failed", detail=e)


def few(export):
    """Ten rows are the least that the services take."""
    return len(export["records"]) < 10


def tool_facts(record):
    """What must be found again of a tool record."""
    steps = record["solution"].get("reasoning_path", [])
    done = [s for s in steps if s.get("status") != "pending"]
    return {"question": record["instruction"], "calls": [[s["tool"], s["args"]] for s in steps if isinstance(s["args"], dict)],
            "observations": [s["actual_result"] for s in done if isinstance(s.get("actual_result"), str)],
            "offered": json.dumps(record.get("tools")), "thoughts": [s["thought"] for s in steps if s.get("thought")],
            "failed": [[s["tool"], s["args"]] for i, s in enumerate(steps) if s.get("status") == "failure" and s["args"]
                       and any(t.get("status") == "success" for t in steps[i + 1:])
                       and [t["turn"] for t in steps].count(s["turn"]) == 1],
            "final": record["solution"].get("final_answer", "") if len(done) == len(steps) else "",
            "has_none": "None" in json.dumps(record) or "null" in json.dumps(record)}


def facts(record):
    """What must be found again of a record, whatever form it took."""
    if "question" in record:
        turns = [{"role": "user", "content": record["question"]}, {"role": "assistant", "content": record["answer"]}]
        reasoning = record.get("reasoning", "") if record.get("format") == "cot" else ""
    else:
        turns = [{"role": {"human": "user", "gpt": "assistant"}.get(m.get("from"), m.get("role")),
                  "content": m.get("content", m.get("value"))} for m in record.get("messages") or record["conversations"]]
        reasoning = ""
    return {"turns": turns, "reasoning": reasoning, "words": strings(record)}


def match(rows, records):
    """The record behind each row: rows keep the order of the records, some of which may be missing."""
    found, at = [], 0
    for i, row in enumerate(rows):
        text = "\n".join(strings(row))
        while at < len(records) and not all(has(text, t["content"]) for t in records[at]["turns"] if t["role"] != "system"):
            at += 1
        if at == len(records):
            raise AssertionError(f"row {i + 1} is no record: {text[:200]!r}")
        found.append(records[at])
        at += 1
    return found


if __name__ == "__main__":
    maker = Maker(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3]))
    maker.make()
    maker.account.end()
