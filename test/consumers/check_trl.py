"""TRL's own preparation of the exports, SFTTrainer and all, with each chat template that TRL ships.

For each template: does it render the rows, is everything of the record in the tokens, is the reasoning there if the
template reads that field, and what does the loss see (completion only, assistant only)?
"""
import os
import sys

from common import (Account, assert_text, bad_files, exports, has, judge_bad, learned, spread, tiny_model, tiny_tokenizer, assert_tools, tool_exports)

folder = sys.argv[1]
import datasets  # noqa: E402
import trl  # noqa: E402
from trl import SFTConfig, SFTTrainer  # noqa: E402

datasets.disable_caching()
datasets.disable_progress_bars()
datasets.logging.set_verbosity_error()
account = Account(folder, "trl", trl.__version__)
cache = os.path.join(folder, "hf-cache")
templates_folder = os.path.join(os.path.dirname(trl.__file__), "chat_templates")
ROWS = 40

# What a template does by design, and what its user does about it.
NO_SYSTEM = {"gemma": "--system fold", "gemma_training": "--system fold"}
# Templates of models that read images or audio want content in parts; text rows are not theirs.
NOT_TEXT = {"idefics3", "smolvlm", "llava_next"}
# Families whose template has a place for reasoning: losing it there would be our fault. By the name's beginning.
READS = {"reasoning_content": ("qwen3.jinja", "qwen3_training", "qwen3_5", "qwen3_6", "qwen3_8", "glm4moe", "nemotron_3"),
         "thinking": ("gptoss", "lfm2_2_5")}


def templates():
    for file in sorted(os.listdir(templates_folder)):
        if file.endswith(".jinja") and not any(file.startswith(n) for n in NOT_TEXT):
            with open(os.path.join(templates_folder, file), encoding="utf-8") as f:
                yield file.removesuffix(".jinja"), f.read()


def load(x):
    rows = datasets.load_dataset("json", data_files=x["path"], split="train", cache_dir=cache)
    at = spread(len(rows), ROWS)
    return rows.select(at), [x["records"][i] for i in at]


def prepare(rows, template, **options):
    tokenizer = tiny_tokenizer(folder)
    tokenizer.chat_template = template
    config = SFTConfig(output_dir=os.path.join(folder, "trl"), report_to="none", max_length=None, use_cpu=True,
                       bf16=False, fp16=False, shuffle_dataset=False, gradient_checkpointing=False, **options)
    trainer = SFTTrainer(model=tiny_model(len(tokenizer)), args=config, train_dataset=rows, processing_class=tokenizer)
    return tokenizer, trainer.train_dataset


def reads(name, field):
    return any(f"{name}.jinja".startswith(n) for n in READS[field])


def check_chat(x, name, template, field):
    rows, records = load(x)
    tokenizer, prepared = prepare(rows, template)
    if len(prepared) != len(rows):
        raise AssertionError(f"{len(prepared)} of {len(rows)} rows prepared")
    kept = 0
    for i, (row, record) in enumerate(zip(prepared, records)):
        text = tokenizer.decode(row["input_ids"])
        where = f"row {i + 1}"
        has_reasoning = bool(record["reasoning"]) and has(text, record["reasoning"])
        kept += has_reasoning
        must = bool(field) and reads(name, field) or "inline" in x["options"]
        assert_text(text, record, where, reasoning=True if must else "any", system="--system" not in x["options"])
    wanted = sum(bool(r["reasoning"]) for r in records)
    return len(prepared), f"reasoning in {kept} of {wanted} rows" if wanted else ""


def check_completion(x, name, template):
    rows, records = load(x)
    tokenizer, prepared = prepare(rows, template, completion_only_loss=True)
    kept = 0
    for i, (row, record) in enumerate(zip(prepared, records)):
        seen = learned(tokenizer, row)
        answer, question = record["turns"][-1]["content"], record["turns"][-2]["content"]
        if not has(seen, answer):
            raise AssertionError(f"row {i + 1}: the answer is not learned: {seen[:120]!r}")
        if len(question) > 3 and not has(answer + record["reasoning"], question) and has(seen, question):
            raise AssertionError(f"row {i + 1}: the prompt is learned: {seen[:120]!r}")
        kept += bool(record["reasoning"]) and has(seen, record["reasoning"])
        if record["reasoning"] and reads(name, "reasoning_content") and not has(seen, record["reasoning"]):
            raise AssertionError(f"row {i + 1}: the reasoning is not learned: {seen[:120]!r}")
    wanted = sum(bool(r["reasoning"]) for r in records)
    return len(prepared), f"reasoning learned in {kept} of {wanted} rows" if wanted else ""


def check_assistant_only(x, name, template):
    rows, records = load(x)
    tokenizer, prepared = prepare(rows, template, assistant_only_loss=True)
    kept = 0
    for i, (row, record) in enumerate(zip(prepared, records)):
        seen = learned(tokenizer, row)
        for turn in record["turns"]:
            if turn["role"] == "assistant" and not has(seen, turn["content"]):
                raise AssertionError(f"row {i + 1}: an answer is not learned: {turn['content'][:80]!r}")
            if turn["role"] == "user" and len(turn["content"]) > 8 and has(seen, turn["content"]):
                raise AssertionError(f"row {i + 1}: a question is learned: {turn['content'][:80]!r}")
        kept += bool(record["reasoning"]) and has(seen, record["reasoning"])
    wanted = sum(bool(r["reasoning"]) for r in records)
    return len(prepared), f"reasoning learned in {kept} of {wanted} rows" if wanted else ""


def check_text(x):
    rows, records = load(x)
    tokenizer, prepared = prepare(rows, None)
    for i, (row, record) in enumerate(zip(prepared, records)):
        assert_text(tokenizer.decode(row["input_ids"]), record, f"row {i + 1}", system=False)
    return len(prepared), ""


# Families whose templates render tools, calls and results (formats.md 1.3), and the export that each wants.
TOOLS = {"qwen2_5": "chatml", "qwen3": "chatml", "qwen3_5": "chatml", "qwen3_6": "chatml", "glm4moe": "chatml",
         "nemotron_3": "chatml", "llama3_1": "chatml-single", "llama3_2": "chatml-single", "gptoss": "harmony", "lfm2_2_5": "chatml"}


def check_tools(name, template):
    x = tool_exports(folder, name)[0]
    rows = datasets.load_dataset("json", data_files=x["path"], split="train", cache_dir=cache)
    tokenizer, prepared = prepare(rows, template)
    if len(prepared) != len(x["records"]):
        raise AssertionError(f"{len(prepared)} of {len(x['records'])} rows prepared")
    for i, (row, record) in enumerate(zip(prepared, x["records"])):
        assert_tools(tokenizer.decode(row["input_ids"]), record, f"row {i + 1}", quoted=name == "harmony")
    return len(prepared), ""


def one(fmt, kind, *options):
    found = [x for x in exports(folder, fmt, input=kind, shape="file") if x["options"] == list(options)
             and x["path"].endswith(".jsonl")]
    return found[0] if found else None


def checked(what, check, x, *args):
    if x is None:
        account.add(what, "failed", detail="there is no such export")
    else:
        account.run(what, check, x, *args)


def outcome(path):
    with open(os.path.join(templates_folder, "qwen3.jinja"), encoding="utf-8") as f:
        template = f.read()
    rows = datasets.load_dataset("json", data_files=path, split="train", cache_dir=cache)
    tokenizer, prepared = prepare(rows, template)
    if len(prepared) != len(rows):
        return f"drops {len(rows) - len(prepared)} rows"
    for i, row in enumerate(prepared):
        text = tokenizer.decode(row["input_ids"])
        if "None" in text:
            return f"misread: row {i + 1} becomes {text!r:.100}"
        if "Answer" not in text and "A." not in text and "That." not in text:
            return f"misread: row {i + 1} loses its answer: {text!r:.100}"
    return "loads"


def main():
    for kind in ("qa", "cot", "mixed"):
        checked(f"{kind} text", check_text, one("text", kind))
    for name, template in templates():
        options = ("--system", "fold") if name in NO_SYSTEM else ()
        suffix = " (--system fold)" if options else ""
        for kind in ("qa", "cot", "mixed") + (() if options else ("chat",)):
            checked(f"{name}: {kind} chatml{suffix}", check_chat, one("chatml", kind, *options), name, template,
                    "reasoning_content")
        if not options:
            if name.startswith("gptoss"):  # harmony has the role developer, which is gpt-oss's
                checked(f"{name}: cot harmony", check_chat, one("harmony", "cot"), name, template, "thinking")
            checked(f"{name}: cot chatml, thinking", check_chat, one("chatml", "cot", "--reasoning", "thinking"), name,
                    template, "thinking")
            checked(f"{name}: cot hermes-text", check_chat, one("hermes-text", "cot"), name, template, None)
            checked(f"{name}: cot prompt-completion", check_completion, one("prompt-completion", "cot"), name, template)
            checked(f"{name}: cot chatml-portable", check_chat, one("chatml-portable", "cot"), name, template,
                    "reasoning_content")
        if "{% generation" in template or "{%- generation" in template:
            checked(f"{name}: cot assistant_only_loss{suffix}", check_assistant_only, one("chatml", "cot", *options), name,
                    template)
    for name, template in templates():
        family = next((f for f in sorted(TOOLS, key=len, reverse=True) if name == f or name.startswith(f + "_")), None)
        if family and "_vl" not in name:
            account.run(f"{name}: tools {TOOLS[family]}", check_tools, TOOLS[family], template)
            if TOOLS[family] == "chatml":
                account.run(f"{name}: tools hermes-text", check_tools, "hermes-text", template)
    for case in bad_files(folder, "trl"):
        judge_bad(account, case, lambda: outcome(case["path"]))


main()
account.end()
