"""datasets.load_dataset on every export: files, arrays, folders with a card and splits, shards; whole and streamed."""
import datetime
import os
import sys

from common import Account, assert_no_none, assert_text, bad_files, exports, judge_bad, read_rows, strings, tool_exports

folder = sys.argv[1]
import datasets  # noqa: E402  (after common has turned the network off)

datasets.disable_caching()
datasets.disable_progress_bars()
datasets.logging.set_verbosity_error()
account = Account(folder, "datasets", datasets.__version__)
cache = os.path.join(folder, "hf-cache")


def loaded_equals_written(loaded, written, name):
    """Row by row what the file says, without a None that was not there."""
    if len(loaded) != len(written):
        raise AssertionError(f"{name}: {len(loaded)} rows loaded of {len(written)}")
    for i, (a, b) in enumerate(zip(loaded, written)):
        if a != b:
            raise AssertionError(f"{name}: row {i + 1} is read as {a!r:.150}, written as {b!r:.150}")


def without_absent_reasoning(rows, x):
    """The archive form has reasoning in rows of chains of thought alone; a table has it in all, empty in the others."""
    if x["format"] != "jsonl":
        return rows
    return [{k: v for k, v in row.items() if k != "reasoning" or v is not None} for row in rows]


def check_file(x):
    loaded = without_absent_reasoning(datasets.load_dataset("json", data_files=x["path"], split="train", cache_dir=cache), x)
    written = read_rows(x["path"])
    loaded_equals_written(loaded, written, x["name"])
    for i, (row, record) in enumerate(zip(loaded, x["records"])):
        assert_no_none(row, f"row {i + 1}")
        assert_text("\n".join(strings(row)), record, f"row {i + 1}", reasoning=False if "drop" in x["options"] else "any",
                    system=x["format"] != "text" and "--system" not in x["options"])
    if x["path"].endswith(".jsonl"):  # an array cannot be streamed: datasets hands its rows out as undecoded JSON
        streamed = without_absent_reasoning(datasets.load_dataset("json", data_files=x["path"], split="train", streaming=True), x)
        streamed = list(streamed)
        loaded_equals_written(streamed, written, f"{x['name']} streamed")
    return len(loaded), ""


def check_folder(x):
    loaded = datasets.load_dataset(x["path"], cache_dir=cache)
    want = {"train", "validation"} if "--split" in x["options"] else {"train"}
    if set(loaded) != want:
        raise AssertionError(f"splits {sorted(loaded)}, wanted {sorted(want)}")
    rows = {}
    for split in loaded:
        files = [f for f in sorted(os.listdir(os.path.join(x["path"], "data"))) if f.startswith(split)]
        written = [r for f in files for r in read_rows(os.path.join(x["path"], "data", f))]
        split_rows = without_absent_reasoning(loaded[split], x)
        loaded_equals_written(split_rows, written, split)
        for i, row in enumerate(split_rows):
            assert_no_none(row, f"{split} row {i + 1}")
        rows[split] = len(loaded[split])
    if "--card" in x["options"]:
        check_card(x["path"], want)
    n = sum(rows.values())
    if "--split" in x["options"] and not 0.02 < rows["validation"] / n < 0.5:
        raise AssertionError(f"validation has {rows['validation']} of {n} rows, wanted about a fifth")
    return n, ", ".join(f"{k} {v}" for k, v in rows.items())


def check_card(path, splits):
    from huggingface_hub import DatasetCard

    card = DatasetCard.load(os.path.join(path, "README.md"))
    named = {f["split"] for c in card.data.configs for f in c["data_files"]}
    if named != splits:
        raise AssertionError(f"the card names the splits {sorted(named)}")


def outcome(path):
    rows = list(datasets.load_dataset("json", data_files=path, split="train", cache_dir=cache))
    try:
        written = read_rows(path)
    except ValueError as e:
        return f"loads {len(rows)} rows of a broken file ({e})"
    for i, (a, b) in enumerate(zip(rows, written)):
        for key, value in a.items():
            if value is None and key not in b:
                return f"misread: row {i + 1} gets {key}: None"
            if isinstance(value, datetime.datetime):
                return f"misread: row {i + 1} has the time {value!r} for the text {b[key]!r}"
        if a != b and not str(b).count("nan"):
            return f"misread: row {i + 1} is {a!r:.80}"
    return "loads" if len(rows) == len(written) else f"loads {len(rows)} of {len(written)} rows"


def undo_rounding(loaded, written):
    """`loaded` with the numbers of `written` where they are the same to ten digits behind the point, and how many were not
    quite: its Json columns keep no more (5.2)."""
    n = 0

    def walk(a, b):
        nonlocal n
        if isinstance(a, dict) and isinstance(b, dict):
            return {k: walk(v, b.get(k)) for k, v in a.items()}
        if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
            return [walk(v, w) for v, w in zip(a, b)]
        if isinstance(a, float) and isinstance(b, float) and a != b and abs(a - b) < 1e-10:
            n += 1
            return b
        return a

    return [walk(a, b) for a, b in zip(loaded, written)], n


def check_tools(x):
    """Every row comes back as it was written: no None in messages, calls or schemas. Columns that a row has not are
    None in it, which is how tables are. Only gemini, which is not for datasets, has results of tools as JSON values,
    whose numbers lose their last digits; in all other formats each number is the one that was written."""
    loaded = datasets.load_dataset("json", data_files=x["path"], split="train", cache_dir=cache)
    written = read_rows(x["path"])
    loaded, n_rounded = [{k: v for k, v in row.items() if v is not None} for row in loaded], 0
    if x["format"] == "gemini" and len(loaded) == len(written):
        loaded, n_rounded = undo_rounding(loaded, written)
    loaded_equals_written(loaded, written, x["name"])
    return len(loaded), f"{n_rounded} numbers lose digits behind the tenth" if n_rounded else ""


for x in tool_exports(folder):
    account.run(f"tool records, {x['name']}", check_tools, x)
for x in exports(folder):
    account.run(x["name"], check_file if x["shape"] == "file" else check_folder, x, of=len(x["records"]) if x["shape"] == "file" else None)
for case in bad_files(folder, "datasets"):
    judge_bad(account, case, lambda: outcome(case["path"]))
account.end()
