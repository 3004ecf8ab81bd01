"""LLaMA-Factory's get_dataset with the dataset_info.json that the export wrote, for the templates of several families."""
import importlib.machinery
import json
import os
import sys
import types

from common import Account, bad_files, exports, has, judge_bad, learned, tiny_tokenizer, assert_tools, tool_exports

folder = sys.argv[1]
try:  # its plug-in for audio wants torchaudio, which has no build for every torch; text needs nothing of it
    import torchaudio  # noqa: F401
except Exception:
    stub = types.ModuleType("torchaudio")
    stub.__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
    sys.modules["torchaudio"] = stub

import importlib.metadata  # noqa: E402

import datasets  # noqa: E402
from llamafactory.data import get_dataset, get_template_and_fix_tokenizer  # noqa: E402
from llamafactory.hparams import DataArguments, ModelArguments  # noqa: E402
from transformers import Seq2SeqTrainingArguments  # noqa: E402

datasets.disable_caching()
datasets.disable_progress_bars()
account = Account(folder, "llamafactory", importlib.metadata.version("llamafactory"))
TEMPLATES = ["qwen3", "qwen3_nothink", "qwen", "llama3", "gemma", "gemma2", "mistral", "phi4", "glm4_moe", "gpt_oss",
             "deepseekr1", "lfm2", "chatml", "default"]
# Templates with a place for thoughts: <think> in front of an answer becomes theirs.
THINKS = {"qwen3", "glm4_moe", "deepseekr1"}


def load(dataset_dir, names, template_name):
    tokenizer = tiny_tokenizer(folder)
    data = DataArguments(dataset=",".join(names), dataset_dir=dataset_dir, template=template_name, cutoff_len=1 << 17,
                         overwrite_cache=True, enable_thinking=None)
    template = get_template_and_fix_tokenizer(tokenizer, data)
    training = Seq2SeqTrainingArguments(output_dir=os.path.join(folder, "lf"), do_train=True, report_to="none", use_cpu=True)
    model = ModelArguments(model_name_or_path="none", cache_dir=os.path.join(folder, "hf-cache-lf"))
    keep, sys.stdout = sys.stdout, open(os.devnull, "w")  # it prints an example
    try:
        module = get_dataset(template, model, data, training, stage="sft", tokenizer=tokenizer)
    finally:
        sys.stdout = keep
    return tokenizer, module["train_dataset"]


def check(dataset_dir, names, template_name, records, n_written, ordered):
    tokenizer, rows = load(dataset_dir, names, template_name)
    if len(rows) != n_written:
        raise AssertionError(f"{len(rows)} of {n_written} rows come out")
    reasoned = 0
    seen_all = []
    for i, row in enumerate(rows):
        seen, whole = learned(tokenizer, row), tokenizer.decode(row["input_ids"])
        seen_all.append(seen)
        if not ordered:
            continue
        record = records[i]
        for turn in record["turns"]:
            if turn["role"] == "assistant" and not has(seen, turn["content"]):
                raise AssertionError(f"row {i + 1}: the answer is not learned: {turn['content'][:80]!r} in {seen[:80]!r}")
            if not has(whole, turn["content"]):
                raise AssertionError(f"row {i + 1}: lacks {turn['content'][:80]!r}")
            if turn["role"] == "user" and len(turn["content"]) > 8 and has(seen, turn["content"]):
                raise AssertionError(f"row {i + 1}: a question is learned: {turn['content'][:80]!r}")
        if record["reasoning"]:
            if not has(whole, record["reasoning"]):
                raise AssertionError(f"row {i + 1}: lacks the reasoning: {whole[:200]!r}")
            reasoned += has(seen, record["reasoning"])
    wanted = sum(bool(r["reasoning"]) for r in records) if ordered else 0
    return len(rows), f"reasoning learned in {reasoned} of {wanted} rows" if wanted else ""


def info(path):
    with open(os.path.join(path, "dataset_info.json"), encoding="utf-8") as f:
        return json.load(f)


def written(path, entry):
    at = os.path.join(path, entry["file_name"])
    files = [os.path.join(at, f) for f in os.listdir(at)] if os.path.isdir(at) else [at]
    return sum(sum(1 for line in open(f, "rb") if line.strip()) for f in files)


def check_folder(x, template):
    """Every entry of the dataset_info.json of a dataset folder."""
    entries = info(x["path"])
    if not entries:
        raise AssertionError("dataset_info.json has no entry")
    total, names = 0, []
    for name, entry in entries.items():
        rows, _ = check(x["path"], [name], template, None, written(x["path"], entry), False)
        total += rows
        names.append(f"{name} {rows}")
    return total, ", ".join(names)


# How a user would name the columns of a bare file (data/README.md of LLaMA-Factory).
ENTRY = {
    "alpaca": {"columns": {"prompt": "instruction", "query": "input", "response": "output", "system": "system"}},
    "sharegpt": {"formatting": "sharegpt", "columns": {"messages": "conversations", "system": "system"}},
    "chatml": {"formatting": "sharegpt", "columns": {"messages": "messages"},
               "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant",
                        "system_tag": "system"}},
}


def with_own_info(path, fmt):
    """A dataset_info.json in a folder of its own that names the file."""
    own = os.path.join(folder, "lf-info", os.path.basename(path))
    os.makedirs(own, exist_ok=True)
    with open(path, encoding="utf-8") as f:
        first = json.loads(f.readline()) if path.endswith(".jsonl") else json.load(f)[0]
    entry = json.loads(json.dumps(ENTRY[fmt]))
    entry["columns"] = {k: v for k, v in entry["columns"].items() if v in first}
    entry["file_name"] = path
    with open(os.path.join(own, "dataset_info.json"), "w", encoding="utf-8") as f:
        json.dump({"data": entry}, f)
    return own


def check_tools(template, name):
    """The export of tool records with its own dataset_info.json: no row is skipped, and calls are learned."""
    x = tool_exports(folder, name)[0]
    where = os.path.dirname(x["path"])
    tokenizer, rows = load(where, list(info(where)), template)
    if len(rows) != len(x["records"]):
        raise AssertionError(f"{len(rows)} of {len(x['records'])} rows come out")
    for i, (row, record) in enumerate(zip(rows, x["records"])):
        seen, whole = learned(tokenizer, row), tokenizer.decode(row["input_ids"])
        assert_tools(whole, record, f"row {i + 1}")
        for name, _ in record["calls"]:
            if not has(seen, name):
                raise AssertionError(f"row {i + 1}: the call of {name} is not learned")
        for observation in record["observations"]:
            if len(observation) > 20 and has(seen, observation):
                raise AssertionError(f"row {i + 1}: a result is learned")
    return len(rows), ""


def outcome(path, fmt):
    n = sum(1 for line in open(path, "rb") if line.strip())
    tokenizer, rows = load(with_own_info(path, fmt), ["data"], "qwen3")
    if len(rows) != n:
        return f"drops {n - len(rows)} of {n} rows"
    for i, row in enumerate(rows):
        seen = learned(tokenizer, row)
        if "None" in seen or not has(seen, "A"):
            return f"misread: row {i + 1} learns {seen!r:.80}"
    return "loads"


def main():
    for template in TEMPLATES:
        for kind in ("qa", "cot", "mixed"):
            x = next((x for x in exports(folder, "llamafactory", input=kind, shape="file")), None)
            if x is None:
                account.add(f"{template}: {kind} llamafactory", "failed", detail="there is no such export")
                continue
            where = os.path.dirname(x["path"])
            account.run(f"{template}: {kind} llamafactory", check, where, list(info(where)), template, x["records"],
                        len(x["records"]), True)
    for x in exports(folder, "llamafactory", "sharegpt", "alpaca", "chatml", shape="folder"):
        if "--card" in x["options"]:
            account.run(f"qwen3: {os.path.basename(x['path'])}, its dataset_info.json", check_folder, x, "qwen3")
    for fmt in ("alpaca", "sharegpt", "chatml"):
        for kind in ("qa", "cot"):
            for x in exports(folder, fmt, input=kind, shape="file"):
                if not x["options"] and not (kind == "cot" and fmt == "chatml"):
                    account.run(f"qwen3: {os.path.basename(x['path'])}, entry by hand", check, with_own_info(x["path"], fmt),
                                ["data"], "qwen3", x["records"], len(x["records"]), True)
    for template in ("qwen3", "qwen", "llama3", "glm4_moe", "default"):
        account.run(f"{template}: tools llamafactory", check_tools, template, "llamafactory")
    # Its thought words are others: check warns of thoughts before calls.
    account.run("mistral: tools llamafactory --reasoning drop", check_tools, "mistral", "llamafactory-drop")
    for case in bad_files(folder, "llamafactory"):
        fmt = "alpaca" if "alpaca" in case["name"] else "sharegpt"
        judge_bad(account, case, lambda: outcome(case["path"], fmt))


main()
account.end()
