#!/usr/bin/env python3
"""Renders what `generator export` writes with chat templates in the style of the main model families.

    render.py GENERATOR TEMPLATES        under ctest; exit status 77: python3-jinja2 is missing

The templates beside this file were written for this test after the behaviour of the families; Jinja is set as
transformers sets it. Every row must render; the question and each answer are there once; the reasoning is where the
family has a place for it, and only there; no None and no null comes out of a missing value.
"""
import datetime
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

# Where a family has its reasoning: the field it reads, and what stands around it in the rendered text.
FAMILIES = {
    "chatml": None,
    "qwen3": ("reasoning_content", r"<\|im_start\|>assistant\n<think>\n{}\n</think>"),
    "glm4_moe": ("reasoning_content", r"<\|assistant\|>\n<think>{}</think>"),
    "gptoss": ("thinking", r"<\|start\|>assistant<\|channel\|>analysis<\|message\|>{}<\|end\|>"),
    "llama3_1": None,
    "gemma2": None,
    "gemma3": None,
    "mistral": None,
    "phi3": None,
    "deepseek_r1": None,
    "lfm2_5": ("thinking", r"<think>{}</think>"),
}
NO_SYSTEM = {"gemma2"}
CUTS_THINKING = {"deepseek_r1"}  # what stands before </think> is taken out of every answer
SYSTEM = "Answer from the handbook, please."

QA = [
    ("What is a group?", "A container of links, as `/a/b`."),
    ("What do {{ braces }} and {% tags %} do?", "Nothing; {{ 7 * 7 }} stays."),
    ("Line separators?", "NEL \u0085, LS \u2028 and PS \u2029 stay."),
    ("Quotes?", "\"double\", 'single', back\\slash and\nnew lines."),
    ("What is it worth?", "42"),
    ("\u4ec0\u4e48\uff1f", "\u6587\u4ef6 \U0001f9ea"),
] + [(f"Which number has part {i}?", f"It is {i * 1000 + 7}.") for i in range(1, 7)]  # OpenAI takes ten rows at least
COT = [
    ("Why are reads slow?", "1. The layout is contiguous.\n2. A read crosses all rows.", "Because of the layout."),
    ("What is 6 times 7?", "Six sevens: \"42\" {{ 41 }}.", "It is 42."),
] + [(f"How big is {i} and {i}?", f"1. Both are {i}.\n2. Their sum is {2 * i}.", f"It is {2 * i}, then.") for i in range(11, 20)]
CHAT = [[("system", "You know HDF5."), ("user", "And a dataset?"), ("assistant", "An array."), ("user", "And a link?"),
         ("assistant", "A name for an object.")]]


def environment():
    """Jinja as transformers compiles chat templates (utils/chat_template_utils.py)."""
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda form: datetime.datetime(2026, 1, 2).strftime(form)
    return env


class Checks:
    def __init__(self, generator, folder, work):
        self.generator, self.work, self.n, self.failures = generator, work, 0, []
        env = environment()
        self.templates = {}
        for name in FAMILIES:
            with open(os.path.join(folder, f"{name}.jinja"), encoding="utf-8") as f:
                self.templates[name] = env.from_string(f.read())

    def export(self, records, *options):
        """The rows of an export as messages."""
        source, output = os.path.join(self.work, "in.jsonl"), os.path.join(self.work, "out.jsonl")
        with open(source, "w", encoding="utf-8") as f:
            f.writelines(json.dumps(r) + "\n" for r in records)
        done = subprocess.run([self.generator, "export", source, "-o", output, "--quiet", *options], capture_output=True,
                              text=True, cwd=self.work)
        if done.returncode:
            raise AssertionError(f"generator export {' '.join(options)}: exit {done.returncode}: {done.stderr.strip()}")
        with open(output, encoding="utf-8", newline="\n") as f:
            rows = [json.loads(line) for line in f.read().split("\n") if line]
        if len(rows) != len(records):
            raise AssertionError(f"{len(rows)} of {len(records)} rows are exported with {' '.join(options)}")
        return [row["messages"] if "messages" in row else row["prompt"] + row["completion"] for row in rows]

    def expect(self, holds, where, what, text):
        self.n += 1
        if not holds:
            self.failures.append(f"{where}: {what}: {text[:300]!r}")

    def render(self, family, messages, where):
        try:
            return self.templates[family].render(messages=messages, bos_token="<bos>", eos_token="<eos>",
                                                 add_generation_prompt=False)
        except (jinja2.exceptions.TemplateError, TypeError, KeyError, AttributeError) as e:
            self.expect(False, where, f"does not render: {type(e).__name__}: {e}", json.dumps(messages))
            return None

    def once(self, text, part, where, what):
        self.expect(text.count(part.strip()) == 1, where, f"{what} {part!r} is there {text.count(part.strip())} times", text)

    def check(self, family, options, records, facts, reasoning="any"):
        """facts: (texts that are there once, reasoning, texts that are not there) of each record."""
        try:
            rows = self.export(records, *options)
        except AssertionError as e:
            self.expect(False, family, str(e), "")
            return
        for messages, (parts, thought, absent) in zip(rows, facts):
            where = f"{family}, export {' '.join(options)}, {parts[0]!r}"
            text = self.render(family, messages, where)
            if text is None:
                continue
            for part in parts:
                self.once(text, part, where, "the text")
            for part in absent:
                self.expect(part not in text, where, f"{part!r} is there", text)
            for word in ("None", "null", "Undefined"):
                self.expect(word not in text, where, f"{word} is there", text)
            if thought and reasoning == "there":
                place = FAMILIES[family][1].format(re.escape(thought.strip()).replace("%", "%"))
                self.expect(re.search(place, text) is not None, where, "the reasoning is not in its place", text)
                self.once(text, thought, where, "the reasoning")
            elif thought and reasoning == "inline":
                self.once(text, thought, where, "the reasoning")
                self.expect(text.index("<think>") < text.index(thought.strip()) < text.index("</think>"), where,
                            "the reasoning is not between its tags", text)
            elif thought and reasoning == "not":
                self.expect(thought.strip() not in text, where, "the reasoning is there", text)

    def family(self, name):
        system = ("--system", "fold", "--system-prompt", SYSTEM) if name in NO_SYSTEM else ("--system", SYSTEM)
        place = FAMILIES[name][0] if FAMILIES[name] else None
        qa = [{"format": "qa", "question": q, "answer": a} for q, a in QA]
        cot = [{"format": "cot", "question": q, "reasoning": r, "answer": a} for q, r, a in COT]
        chat = [{"messages": [{"role": r, "content": c} for r, c in turns]} for turns in CHAT]
        qa_facts = [((q, a, SYSTEM), "", ()) for q, a in QA]
        cot_facts = [((q, a, SYSTEM), r, ()) for q, r, a in COT]
        bare_facts = [((q, a), r, (SYSTEM,)) for q, r, a in COT]
        for fmt in ("chatml", "chatml-portable", "openai", "hermes-text", "prompt-completion"):
            self.check(name, ("-f", fmt, *system), qa, qa_facts)
        for kind in ("field", "thinking", "inline", "drop"):
            if kind == "inline":
                state = "not" if name in CUTS_THINKING else "inline"
            elif kind == "drop":
                state = "not"
            else:
                there = place == {"field": "reasoning_content", "thinking": "thinking"}[kind]
                state = "there" if there else "not"
            for fmt in ("chatml", "prompt-completion"):
                self.check(name, ("-f", fmt, "--reasoning", kind, *system), cot, cot_facts, state)
        if name == "gptoss":  # harmony has the role developer, which others pass over
            self.check(name, ("-f", "harmony", *system), qa, qa_facts)
            self.check(name, ("-f", "harmony", *system), cot, cot_facts, "there")
        self.check(name, ("-f", "hermes-text", *system), cot, cot_facts, "not" if name in CUTS_THINKING else "inline")
        self.check(name, ("-f", "openai", *system), cot, cot_facts, "not")
        self.check(name, ("-f", "chatml", "--system", "none"), cot, bare_facts)
        if name not in NO_SYSTEM:
            self.check(name, ("-f", "chatml"), chat, [([c for _, c in turns], "", ()) for turns in CHAT])


def main():
    generator, folder = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    with tempfile.TemporaryDirectory() as work:
        checks = Checks(generator, folder, work)
        for name in FAMILIES:
            checks.family(name)
    for failure in checks.failures:
        print(f"FAILED {failure}")
    print(f"{checks.n} checks over {len(FAMILIES)} templates, {len(checks.failures)} failed, jinja2 {jinja2.__version__}")
    sys.exit(1 if checks.failures else 0)


main()
