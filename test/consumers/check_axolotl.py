"""Axolotl's prepare of the exports: type chat_template with the templates it ships, alpaca, completion."""
import importlib.metadata
import json
import os
import shutil
import sys

from common import Account, assert_tools, bad_files, exports, has, judge_bad, learned, spread, tiny_tokenizer, tool_exports

folder = sys.argv[1]
os.environ["AXOLOTL_IS_PREPROCESS"] = "1"
os.environ["AXOLOTL_DO_NOT_TRACK"] = "1"
os.environ["AXOLOTL_LOG_LEVEL"] = "ERROR"
import datasets  # noqa: E402
from axolotl.utils.data import sft  # noqa: E402
from axolotl.utils.dict import DictDefault  # noqa: E402

sft.save_preprocessed_dataset = lambda *args, **more: None  # it would start a Python for each, to write what is not read again
datasets.disable_progress_bars()
account = Account(folder, "axolotl", importlib.metadata.version("axolotl"))
TEMPLATES = ["chatml", "qwen3", "qwen_25", "llama3", "gemma", "gemma3", "phi_35", "mistral_v7_tekken", "deepseek_v3",
             "command_a", "jamba"]
NO_SYSTEM = {"gemma"}
ROWS = 40
NEEDS = {"qwen3": "reasoning_content"}


def load(path, **dataset):
    tokenizer = tiny_tokenizer(folder)
    prepared = os.path.join(folder, "axolotl")
    shutil.rmtree(prepared, ignore_errors=True)
    cfg = DictDefault({
        "datasets": [{"path": path, "ds_type": "json", "split": "train", **dataset}], "sequence_len": 1 << 17,
        "dataset_prepared_path": prepared, "train_on_inputs": False, "val_set_size": 0, "dataset_processes": None,
        "dataset_num_proc": None, "base_model": "none", "tokenizer_config": "tiny", "max_steps": 1, "num_epochs": 1,
        "micro_batch_size": 1, "gradient_accumulation_steps": 1, "world_size": 1, "batch_size": 1, "shuffle_merged_datasets": False,
        "special_tokens": {}, "eot_tokens": None, "skip_prepare_dataset": False, "chat_template": dataset.get("chat_template"),
    })
    train, *_ = sft.prepare_datasets(cfg, tokenizer)
    return tokenizer, train


def some_rows(x):
    """A file of some rows, as they stand in the export: it looks for every turn in every row, and takes its time."""
    at = [i for i in spread(len(x["records"]), ROWS) if max(len(t["content"]) for t in x["records"][i]["turns"]) < 5000]
    path = os.path.join(folder, f"axolotl-{os.path.basename(x['path'])}")
    with open(x["path"], "rb") as f:
        lines = f.read().split(b"\n")
    with open(path, "wb") as f:
        f.writelines(lines[i] + b"\n" for i in at)
    return path, [x["records"][i] for i in at]


def check(x, wants_reasoning, **dataset):
    path, records = some_rows(x)
    tokenizer, rows = load(path, **dataset)
    if len(rows) != len(records):
        raise AssertionError(f"{len(rows)} of {len(records)} rows come out")
    kept = 0
    for i, (row, record) in enumerate(zip(rows, records)):
        seen, whole = learned(tokenizer, row), tokenizer.decode(row["input_ids"])
        for turn in record["turns"]:
            if turn["role"] != "system" and not has(whole, turn["content"]):
                raise AssertionError(f"row {i + 1}: lacks {turn['content'][:80]!r}")
            if turn["role"] == "assistant" and not has(seen, turn["content"]):
                raise AssertionError(f"row {i + 1}: the answer is not learned: {seen[:100]!r}")
            if turn["role"] == "user" and len(turn["content"]) > 8 and has(seen, turn["content"]) and dataset["type"] != "completion":
                raise AssertionError(f"row {i + 1}: a question is learned: {turn['content'][:80]!r}")
        kept += bool(record["reasoning"]) and has(seen, record["reasoning"])
        if wants_reasoning and record["reasoning"] and not has(seen, record["reasoning"]):
            raise AssertionError(f"row {i + 1}: the reasoning is not learned: {seen[:100]!r}")
    wanted = sum(bool(r["reasoning"]) for r in records)
    return len(rows), f"reasoning learned in {kept} of {wanted} rows" if wanted else ""


def check_tools(name, template):
    """Tool records, as its documentation has them: messages and tools, whose template writes the calls."""
    x = tool_exports(folder, name)[0]
    tokenizer, rows = load(x["path"], type="chat_template", chat_template=template, field_tools="tools")
    if len(rows) != len(x["records"]):
        raise AssertionError(f"{len(rows)} of {len(x['records'])} rows come out")
    for i, (row, record) in enumerate(zip(rows, x["records"])):
        assert_tools(tokenizer.decode(row["input_ids"]), record, f"row {i + 1}")
        seen = learned(tokenizer, row)
        if record["final"] and not has(seen, record["final"]):
            raise AssertionError(f"row {i + 1}: the final answer is not learned")
        for tool, _ in record["calls"]:
            if not has(seen, f'"name": "{tool}"'):
                raise AssertionError(f"row {i + 1}: the call of {tool} is not learned: {seen[:100]!r}")
        for part in [record["question"], *record["observations"]]:
            # a short one may well be part of an answer
            if len(part) > 60 and has(seen, part):
                raise AssertionError(f"row {i + 1}: what is no turn of the assistant is learned: {part[:80]!r}")
    return len(rows), ""


def check_masked(name, is_set):
    """A failed call that is put right is learned, unless the YAML names the key that says otherwise; what follows always is."""
    x = tool_exports(folder, name)[0]
    more = {"message_field_training": "train"} if is_set else {}
    tokenizer, rows = load(x["path"], type="chat_template", chat_template="qwen3", field_tools="tools", **more)
    n = 0
    for i, (row, record) in enumerate(zip(rows, x["records"])):
        seen = learned(tokenizer, row)
        for call in ({"name": tool, "arguments": args} for tool, args in record["failed"]):
            n += 1
            if has(seen, json.dumps(call, ensure_ascii=False)) == is_set:
                raise AssertionError(f"row {i + 1}: {call!r:.80} is {'' if is_set else 'not '}learned: {seen[:200]!r}")
        if record["final"] and not has(seen, record["final"]):
            raise AssertionError(f"row {i + 1}: the final answer is not learned")
    if not n:
        raise AssertionError("no call failed")
    return n, ""


def one(fmt, kind, *options):
    return next((x for x in exports(folder, fmt, input=kind, shape="file")
                 if x["options"] == list(options) and x["path"].endswith(".jsonl")), None)


def checked(what, x, wants_reasoning, **dataset):
    if x is None:
        account.add(what, "failed", detail="there is no such export")
    else:
        account.run(what, lambda: check(x, wants_reasoning, **dataset))


def outcome(path):
    n = sum(1 for line in open(path, "rb") if line.strip())
    tokenizer, rows = load(path, type="chat_template", chat_template="qwen3")
    if len(rows) != n:
        return f"drops {n - len(rows)} of {n} rows"
    for i, row in enumerate(rows):
        seen, whole = learned(tokenizer, row), tokenizer.decode(row["input_ids"])
        if "None" in whole or not has(seen, "A"):
            return f"misread: row {i + 1} learns {seen!r:.60} of {whole!r:.100}"
    return "loads"


def main():
    for template in TEMPLATES:
        options = ("--system", "fold") if template in NO_SYSTEM else ()
        for kind in ("qa", "cot", "mixed"):
            checked(f"{template}: {kind} chatml {' '.join(options)}".strip(), one("chatml", kind, *options),
                    template in NEEDS, type="chat_template", chat_template=template)
    for kind in ("qa", "cot"):
        checked(f"{kind} alpaca", one("alpaca", kind), True, type="alpaca")
        checked(f"qwen3: {kind} chatml-portable", one("chatml-portable", kind), True, type="chat_template", chat_template="qwen3")
        checked(f"{kind} text as completion", one("text", kind), True, type="completion")
        checked(f"chatml: {kind} sharegpt by mappings", one("sharegpt", kind), True, type="chat_template", chat_template="chatml",
                field_messages="conversations", message_property_mappings={"role": "from", "content": "value"})
    for name in ("chatml", "chatml-portable"):
        account.run(f"qwen3: tools {name}", check_tools, name, "qwen3")
        for is_set in (True, False):
            account.run(f"qwen3: failed calls {'with' if is_set else 'without'} message_field_training, {name}", check_masked, name, is_set)
    for case in bad_files(folder, "axolotl"):
        judge_bad(account, case, lambda: outcome(case["path"]))


if __name__ == "__main__":
    main()
    account.end()
