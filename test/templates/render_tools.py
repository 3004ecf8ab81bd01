#!/usr/bin/env python3
"""Renders tool records that `generator export` wrote with chat templates of families that know tools.

    render_tools.py GENERATOR TEMPLATES RECORDS    under ctest; exit status 77: python3-jinja2 is missing

The templates tools_*.jinja were written for this test after the behaviour of the families; Jinja is set as transformers
sets it (see render.py). Of every row: it renders; each call is there, its arguments encoded once; each observation and
the final answer are there; thoughts are where the family has a place for them; no None and no null that the record does
not pass itself. Rows that the export refuses are the same for every family.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

try:
    import jinja2
    import jinja2.ext
    from jinja2.sandbox import ImmutableSandboxedEnvironment
except ImportError:
    print("skipped: the Python module jinja2 is missing; install python3-jinja2")
    sys.exit(77)

# family: (export options, field of the thoughts or None, pattern of a call's arguments, those are JSON)
CALL_QWEN = r'<tool_call>\n\{"name": "([^"]+)", "arguments": (.*?)\}\n</tool_call>'
FAMILIES = {
    "tools_qwen3": (("-f", "chatml"), True, CALL_QWEN),
    "tools_llama3_1": (("-f", "chatml", "--max-calls-per-turn", "1"), False,
                       r'<\|end_header_id\|>\n\n\{"name": "([^"]+)", "parameters": (\{.*?\})\}<\|eot_id\|>'),
    "tools_gptoss": (("-f", "harmony"), True, r"to=functions\.(\S+?)<\|channel\|>commentary json<\|message\|>(.*?)<\|call\|>"),
    "tools_glm4": (("-f", "chatml"), True, None),
    "functiongemma": (("-f", "functiongemma"), False, CALL_QWEN),
}
TEMPLATE = {"functiongemma": "tools_qwen3"}


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    return env


class Checks:
    def __init__(self):
        self.n, self.failures = 0, []

    def expect(self, holds, where, what, text=""):
        self.n += 1
        if not holds:
            self.failures.append(f"{where}: {what}: {text[:400]!r}")


def export(generator, work, records, options):
    output = os.path.join(work, "out.jsonl")
    done = subprocess.run([generator, "export", records, "-o", output, "--quiet", "--system", "none", *options],
                          capture_output=True, text=True, cwd=work)
    if done.returncode:
        raise SystemExit(f"generator export {' '.join(options)}: exit {done.returncode}: {done.stderr.strip()}")
    with open(output, encoding="utf-8", newline="\n") as f:
        return [json.loads(line) for line in f.read().split("\n") if line]


def check_row(checks, family, record, row, text):
    where = f"{family}, {record['id']}"
    solution = record["solution"]
    steps = solution["reasoning_path"]
    for step in steps:
        if step["status"] != "pending":
            shown = step.get("actual_result", "")
            there = shown in text or json.dumps(shown, ensure_ascii=False) in text
            checks.expect(there, where, f"the observation {shown!r} is missing", text)
        if FAMILIES[family][1] and step.get("thought"):
            checks.expect(step["thought"].strip() in text, where, f"the thought {step['thought']!r} is missing", text)
        elif step.get("thought"):
            checks.expect(step["thought"].strip() not in text, where, "a thought is there", text)
    if all(s["status"] != "pending" for s in steps):
        checks.expect(solution["final_answer"].strip() in text, where, "the final answer is missing", text)
    if FAMILIES[family][2]:
        calls = re.findall(FAMILIES[family][2], text, re.S)
        if family == "tools_llama3_1":
            calls = [c for c in calls if c]
        checks.expect([(n, json.loads(a)) for n, a in calls] == [(s["tool"], s["args"]) for s in steps], where,
                      f"the calls are {calls}", text)
    for word in ("None", "Undefined", "undefined", "null"):
        checks.expect(word in json.dumps(record) or word not in text, where, f"{word} is there", text)
    checks.expect('\\"path\\"' not in re.sub(r"<tool_response>.*?</tool_response>", "", text, flags=re.S)
                  or family == "tools_gptoss", where, "arguments are encoded twice", text)
    for tool in row.get("tools", []):
        checks.expect(tool["function"]["name"] in text, where, "a tool is not shown", text)


def main():
    generator, folder, path = map(os.path.abspath, sys.argv[1:4])
    env, checks = environment(), Checks()
    with open(path, encoding="utf-8") as f:
        records = {r["instruction"]: r for r in map(json.loads, f)}
    with tempfile.TemporaryDirectory() as work:
        for family, (options, _, _) in FAMILIES.items():
            with open(os.path.join(folder, TEMPLATE.get(family, family) + ".jinja"), encoding="utf-8") as f:
                template = env.from_string(f.read())
            rows = export(generator, work, path, options)
            checks.expect(len(rows) >= 20, family, f"only {len(rows)} rows are exported")
            for row in rows:
                asked = next(m["content"] for m in row["messages"] if m["role"] == "user")
                record = records[asked]
                try:
                    text = template.render(messages=row["messages"], tools=row.get("tools"), bos_token="<bos>")
                except (jinja2.exceptions.TemplateError, TypeError, KeyError, AttributeError) as e:
                    checks.expect(False, f"{family}, {record['id']}", f"does not render: {type(e).__name__}: {e}")
                    continue
                check_row(checks, family, record, row, text)
                if family == "functiongemma" and row.get("tools"):
                    first = row["messages"][0]
                    checks.expect(first["role"] == "developer" and "You are a model that can do function calling with the "
                                  "following functions" in first["content"], family, "the developer's line is missing")
    for failure in checks.failures:
        print(f"FAILED {failure}")
    print(f"{checks.n} checks over {len(FAMILIES)} families, {len(checks.failures)} failed, jinja2 {jinja2.__version__}")
    sys.exit(1 if checks.failures else 0)


main()
