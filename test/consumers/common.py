"""What the checks by the consumers share: the list of exports, the account, a tokenizer and a model of no size.

Every check is a small program: check_X.py FOLDER. It reads FOLDER/exports.json (make_data.py wrote it),
and appends its lines to FOLDER/account.jsonl; table.py shows them.
"""
import functools
import json
import os
import sys
import traceback

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")


class Account:
    """The lines of one consumer in the account: what was loaded, and what failed."""

    def __init__(self, folder, consumer, version):
        self.folder, self.consumer, self.version = folder, consumer, version
        self.n_failed = 0

    def add(self, what, result, rows=None, of=None, detail=""):
        line = {"consumer": self.consumer, "version": self.version, "what": what, "result": result,
                "rows": rows, "of": of, "detail": " ".join(str(detail).split())[:400]}
        self.n_failed += result == "failed"
        with open(os.path.join(self.folder, "account.jsonl"), "a", encoding="utf-8") as f:
            f.write(json.dumps(line) + "\n")

    def run(self, what, check, *args, of=None):
        """check(*args) gives (rows, detail), or raises: AssertionError says what is wrong."""
        try:
            rows, detail = check(*args)
            self.add(what, "ok", rows, of if of is not None else rows, detail)
        except Exception as e:  # whatever the consumer's code throws is the finding
            if os.environ.get("GENERATOR_CONSUMERS_TRACE"):
                traceback.print_exc()
            self.add(what, "failed", None, of, f"{type(e).__name__}: {e}")

    def end(self):
        sys.exit(1 if self.n_failed else 0)


def exports(folder, *formats, **more):
    """The exports of make_data.py: name, input, format, options, path, rows (the records behind the rows)."""
    with open(os.path.join(folder, "exports.json"), encoding="utf-8") as f:
        every = json.load(f)
    return [x for x in every if (not formats or x["format"] in formats)
            and all(x.get(key) == value for key, value in more.items())]


def tool_exports(folder, name=None):
    """The exports of tool records: name, format, path, and the facts of the records behind the rows."""
    with open(os.path.join(folder, "tools.json"), encoding="utf-8") as f:
        return [x for x in json.load(f) if name is None or x["name"] == name]


def assert_tools(text, record, where, quoted=False):
    """A rendered tool row has all of its record: the words, the calls with their arguments, what came back."""
    parts = [record["question"], record["final"], *record["observations"], *(v for _, a in record["calls"] for v in a.values()
             if isinstance(v, str)), *(name for name, _ in record["calls"])]
    for part in parts:
        if not has(text, part) and not has(text, json.dumps(part)[1:-1]) and not has(text, json.dumps(part, ensure_ascii=False)[1:-1]):
            raise AssertionError(f"{where}: lacks {part[:100]!r}")
    # A name is there once for each call, besides where the definitions and the words have it.
    words = [record["offered"], record["question"], record["final"], *record["observations"],
             *(t for t in record["thoughts"] if has(text, t))]
    names = [name for name, _ in record["calls"]]
    for name in set(names):
        n, wanted = text.count(name), sum(part.count(name) for part in words) + names.count(name)
        if n < wanted:
            raise AssertionError(f"{where}: a call of {name} is not shown: the name is there {n} times, wanted {wanted}")
    if not quoted and any(f'{{\\"{key}\\"' in squash(text) for _, a in record["calls"] for key in list(a)[:1]
                          if not any(f'\\"{key}\\"' in json.dumps(o) for o in record["observations"])):
        raise AssertionError(f"{where}: arguments are encoded twice")
    if "None" in text and not record["has_none"]:
        raise AssertionError(f"{where}: has the word None")


def bad_files(folder, *consumers):
    with open(os.path.join(folder, "bad.json"), encoding="utf-8") as f:
        return [x for x in json.load(f) if x["consumer"] in consumers]


def judge_bad(account, case, outcome):
    """outcome() gives what became of the file: "loads", or how it was refused, dropped or misread. `known` is the reason
    why check and this version of the consumer rightly differ."""
    try:
        became = outcome()
    except Exception as e:
        became = f"refused: {type(e).__name__}: {e}"
    harmed, named = became != "loads", case["check_refuses"]
    said = "check names it" if named else "check is silent"
    if harmed == named:
        account.add(f"bad:{case['name']}", "ok", detail=f"{said}; {became}")
    elif case["known"] or harmed and case["check_warns"]:
        reason = case["known"] or "check warns of it"
        account.add(f"bad:{case['name']}", "known", detail=f"{said}, the consumer: {became}; {reason}")
    else:
        account.add(f"bad:{case['name']}", "failed", detail=f"{said}, but the consumer: {became}")


def read_rows(path):
    with open(path, encoding="utf-8-sig", newline="\n") as f:
        text = f.read()
    if path.endswith(".json"):
        return json.loads(text)
    return [json.loads(line) for line in text.split("\n") if line]


def spread(n, most):
    """Up to `most` row numbers over n rows, the last ones among them: those are the nasty ones."""
    return sorted(set(range(0, n, max(1, 2 * n // most))) | set(range(max(0, n - most // 2), n)))


def strings(value):
    """All strings of a JSON value, in order."""
    todo, found = [value], []
    while todo:
        v = todo.pop()
        if isinstance(v, str):
            found.append(v)
        elif isinstance(v, dict):
            todo.extend(reversed(list(v.values())))
        elif isinstance(v, (list, tuple)):
            todo.extend(reversed(list(v)))
    return found


def squash(text):
    """Text without its white space: templates trim it, some at the ends of lines as well."""
    return "".join(text.split())


def has(text, part):
    return squash(part) in squash(text)


def assert_same(a, b, where):
    if a != b:
        raise AssertionError(f"{where}: {a!r:.120} is not {b!r:.120}")


def assert_no_none(value, where):
    todo = [(value, where)]
    while todo:
        v, at = todo.pop()
        if v is None:
            raise AssertionError(f"{at} is None")
        if isinstance(v, dict):
            todo.extend((x, f"{at}.{k}") for k, x in v.items())
        elif isinstance(v, (list, tuple)):
            todo.extend((x, f"{at}[{i}]") for i, x in enumerate(v))


def assert_text(text, record, where, reasoning=True, system=True):
    """A rendered row has the question and the answer of its record; reasoning: True (there), False (not), "any"."""
    for turn in record["turns"]:
        if (system or turn["role"] != "system") and not has(text, turn["content"]):
            raise AssertionError(f"{where}: lacks the {turn['role']} turn {turn['content'][:80]!r}")
    if reasoning is True and record["reasoning"] and not has(text, record["reasoning"]):
        raise AssertionError(f"{where}: lacks the reasoning {record['reasoning'][:80]!r}")
    if reasoning is False and record["reasoning"] and has(text, record["reasoning"]):
        raise AssertionError(f"{where}: has the reasoning, which is to be left out")
    for word in ("None", "null", "[object"):
        if word in text and not any(word in part for part in record["words"]):
            raise AssertionError(f"{where}: has the word {word!r}, which is not in the record")


@functools.lru_cache(maxsize=None)
def tokenizer_file(folder):
    """A byte-level BPE of 600 tokens, trained here: no network, and decoding gives every byte back."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    path = os.path.join(folder, "tokenizer")
    if not os.path.exists(os.path.join(path, "tokenizer.json")):
        t = Tokenizer(models.BPE())
        t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        t.decoder = decoders.ByteLevel()
        t.train_from_iterator(
            (s for x in exports(folder, "chatml") for r in x["records"] for s in r["words"]),
            trainers.BpeTrainer(vocab_size=600, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                special_tokens=["<pad>", "<bos>", "<eos>", "<unk>"]))
        os.makedirs(path, exist_ok=True)
        t.save(os.path.join(path, "tokenizer.json"))
    return path


def tiny_tokenizer(folder):
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_file=os.path.join(tokenizer_file(folder), "tokenizer.json"), pad_token="<pad>", bos_token="<bos>",
        eos_token="<eos>", unk_token="<unk>", clean_up_tokenization_spaces=False, model_max_length=1 << 20)


def tiny_model(vocab):
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(LlamaConfig(vocab_size=vocab, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
                                        num_attention_heads=1, num_key_value_heads=1, max_position_embeddings=64))


def learned(tokenizer, row):
    """The text of the tokens that the loss sees."""
    return tokenizer.decode([t for t, l in zip(row["input_ids"], row["labels"]) if l != -100])
