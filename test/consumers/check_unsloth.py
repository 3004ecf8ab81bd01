"""Unsloth: standardize_data_formats and its chat templates on the exports, on the CPU."""
import io
import os
import sys
from contextlib import redirect_stdout

from common import Account, assert_text, assert_tools, bad_files, exports, judge_bad, tiny_tokenizer, tool_exports

folder = sys.argv[1]
os.environ["UNSLOTH_FORCE_CPU"] = "1"
os.environ["UNSLOTH_DISABLE_STATISTICS"] = "1"
with redirect_stdout(io.StringIO()):
    import unsloth  # noqa: E402
    from unsloth.chat_templates import get_chat_template, standardize_data_formats  # noqa: E402
import datasets  # noqa: E402

datasets.disable_caching()
datasets.disable_progress_bars()
account = Account(folder, "unsloth", unsloth.__version__)
cache = os.path.join(folder, "hf-cache")
TEMPLATES = ["chatml", "llama-3.1", "gemma-3", "qwen-2.5", "qwen-3", "phi-4", "mistral"]


def load(path):
    return datasets.load_dataset("json", data_files=path, split="train", cache_dir=cache)


def render(rows, template):
    with redirect_stdout(io.StringIO()):
        tokenizer = get_chat_template(tiny_tokenizer(folder), chat_template=template)
    rows = standardize_data_formats(rows)
    column = "conversations" if "conversations" in rows.column_names else "messages"
    for row in rows:
        yield tokenizer.apply_chat_template(row[column], tokenize=False)


def check(x, template):
    rows = load(x["path"])
    texts = list(render(rows, template))
    if len(texts) != len(x["records"]):
        raise AssertionError(f"{len(texts)} of {len(x['records'])} rows")
    for i, (text, record) in enumerate(zip(texts, x["records"])):
        # its sharegpt has no place for a system column beside the conversations: the notebooks drop it
        assert_text(text, record, f"row {i + 1}", reasoning=x["format"] == "sharegpt" or "any", system=x["format"] == "chatml")
    return len(texts), ""


def check_tools(name, template):
    """Tool records as its notebooks render them: messages and tools go into the template."""
    x = tool_exports(folder, name)[0]
    rows = load(x["path"])
    with redirect_stdout(io.StringIO()):
        tokenizer = get_chat_template(tiny_tokenizer(folder), chat_template=template)
    for i, (row, record) in enumerate(zip(rows, x["records"])):
        text = tokenizer.apply_chat_template(row["messages"], tools=row["tools"], tokenize=False)
        assert_tools(text, record, f"row {i + 1}")
    return len(rows), ""


def outcome(path):
    for i, text in enumerate(render(load(path), "qwen-2.5")):
        if "A" not in text or "None" in text:
            return f"misread: row {i + 1} becomes {text!r:.100}"
    return "loads"


for fmt in ("sharegpt", "chatml"):
    for kind in ("qa", "cot", "mixed"):
        x = next((x for x in exports(folder, fmt, input=kind, shape="file")
                  if not x["options"] and x["path"].endswith(".jsonl")), None)
        for template in TEMPLATES:
            if x is None:
                account.add(f"{template}: {kind} {fmt}", "failed", detail="there is no such export")
            else:
                account.run(f"{template}: {kind} {fmt}", check, x, template)
for template in ("qwen-2.5", "qwen-3"):
    account.run(f"{template}: tools chatml", check_tools, "chatml", template)
for case in bad_files(folder, "unsloth"):
    judge_bad(account, case, lambda: outcome(case["path"]))
account.end()
