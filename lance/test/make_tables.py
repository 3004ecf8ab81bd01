#!/usr/bin/env python3
"""Writes Lance tables with the Python client, and beside each the rows that the client itself reads back (form: expect.h).

    make_tables.py OUTDIR             OUTDIR/<storage version>/<table>.lance and .jsonl, some 80 tables
    make_tables.py --sample OUTDIR    the few small tables that are committed under test/data/python
    make_tables.py --random SEED COUNT OUTDIR
                                      COUNT tables of random schemas and values for each storage version; the same SEED gives the same

Needs pylance (pip install pylance); without it: one line that says so, and exit status 77.
"""
import hashlib
import inspect
import os
import random
import re
import shutil
import sys

try:
    import lance
    import numpy as np
    import pyarrow as pa
except ImportError as error:
    print(f"SKIPPED: the Python client is not installed ({error}): pip install pylance")
    sys.exit(77)

import tables_random
import tables_rows

IS_SAMPLE = sys.argv[1:2] == ["--sample"]
IS_RANDOM = sys.argv[1:2] == ["--random"]
OUT = sys.argv[-1]
R = random.Random(7)
WORDS = ["größe", "naïve", "数据", "格式", "💾", "the", "a", "dataset", "אב", "\u200b", "e\u0301", "tab\tnew\nline", 'quote"\\']
WORDS += ["".join(R.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(R.randint(2, 11))) for _ in range(3000)]


# -- data --------------------------------------------------------------------------------------------------------------

def prose(n):
    words, size = [], 0
    while size < n:
        words.append(R.choice(WORDS))
        size += len(words[-1]) + 1
    return " ".join(words)


def make(n, **functions):
    """A table of n rows; each column is (function of the row, type) or a ready array."""
    return pa.table({name: pa.array([f[0](i) for i in range(n)], f[1]) if isinstance(f, tuple) else f for name, f in functions.items()})


def maybe(p, f):
    return None if R.random() < p else f()


def vectors(n, items, t):
    return pa.FixedSizeListArray.from_arrays(pa.array(np.arange(n * items) % 97, t), items)


def text(n, first=0, width=16, longest=1500):
    s = pa.string()
    columns = {
        "id": (lambda i: first + i, pa.int64()),
        "content": (lambda i: prose(R.randint(0, longest)) if i % 50 else "", s),
        "doc": (lambda i: None if i % 7 == 3 else prose(R.randint(1, 1 + longest // 8)), s),
        "hash": (lambda i: hashlib.sha256(str(i + first).encode()).hexdigest(), s),
        "source": (lambda i: f"dir/{(i + first) // 40}/file-{(i + first) // 20}.md", s),
        "kind": (lambda i: R.choice(["md", "code", "paper"]), s),
        "line": (lambda i: None if i % 9 == 2 else i * 3, pa.int32()),
        "score": (lambda i: R.random() * 100, pa.float64()),
        "flag": (lambda i: R.random() < 0.2, pa.bool_()),
        "constant": (lambda i: "always the same", s),
        "nothing": (lambda i: None, s),
        "nulltype": pa.nulls(n),
        "when": (lambda i: 1700000000000000 + i * 1000, pa.timestamp("us", "UTC")),
        "vector": vectors(n, width, pa.float32()),
    }
    return make(n, **columns)


def types(n, legacy):
    I, s = R.randint, pa.string()

    def cast(f, storage, t):
        return pa.array([f(i) for i in range(n)], storage).cast(t)

    columns = {
        "i8": (lambda i: I(-128, 127), pa.int8()), "i16": (lambda i: I(-32768, 32767), pa.int16()),
        "i32": (lambda i: I(-2**31, 2**31 - 1), pa.int32()), "i64": (lambda i: I(-2**63, 2**63 - 1), pa.int64()),
        "u8": (lambda i: I(0, 255), pa.uint8()), "u16": (lambda i: I(0, 65535), pa.uint16()),
        "u32": (lambda i: I(0, 2**32 - 1), pa.uint32()), "u64": (lambda i: I(0, 2**64 - 1), pa.uint64()),
        "i64_small": (lambda i: I(0, 7), pa.int64()), "runs": (lambda i: i // 100 * 1003, pa.int64()),
        "f64": (lambda i: [float("nan"), float("inf"), -0.0, -float("inf")][i] if i < 4 else R.random() * 1e9, pa.float64()),
        "f32_smooth": (lambda i: float(np.float32(20 + np.sin(i / 50))), pa.float32()),
        "b": (lambda i: R.random() < 0.5, pa.bool_()),
        "d64": cast(lambda i: I(0, 20000) * 86400000, pa.int64(), pa.date64()),
        "t32s": cast(lambda i: I(0, 86399), pa.int32(), pa.time32("s")),
        "ts_s": cast(lambda i: 1600000000 + i, pa.int64(), pa.timestamp("s")),
        "fixed5": (lambda i: bytes(I(0, 255) for _ in range(5)), pa.binary(5)),
        "large_binary": (lambda i: bytes(I(0, 255) for _ in range(I(0, 30))), pa.large_binary()),
        "s_unique": (lambda i: f"doc-{i:x}-{I(0, 10**9):x}", s), "s_few": (lambda i: R.choice(["red", "green", "blue"]), s),
        "s_nulls": (lambda i: maybe(0.1, lambda: R.choice(WORDS)), s),
        "binary": (lambda i: maybe(0.1, lambda: bytes(I(0, 255) for _ in range(1 + I(0, 30)))), pa.binary()),
        "large_string": (lambda i: maybe(0.1, lambda: prose(1 + I(0, 60))), pa.large_string()),
        "v3": vectors(n, 3, pa.float32()), "v3_double": vectors(n, 3, pa.float64()),
    }
    if legacy:  # 0.1 files cannot tell null from 0, nor from an empty string
        return make(n, **columns)
    columns |= {
        "i32_nulls": (lambda i: maybe(0.3, lambda: I(0, 5000)), pa.int32()), "i64_negative": (lambda i: I(-7, 7), pa.int64()),
        "runs_nulls": (lambda i: None if i // 130 % 3 == 1 else i // 130, pa.int32()), "sorted": (lambda i: 10**12 + i, pa.int64()),
        "half": pa.array(np.array([R.random() * 9 for _ in range(n)], dtype=np.float16)),
        "f32_nulls": (lambda i: maybe(0.1, lambda: float(np.float32(R.random()))), pa.float32()),
        "b_nulls": (lambda i: maybe(0.5, lambda: R.random() < 0.5), pa.bool_()), "b_true": (lambda i: True, pa.bool_()),
        "d32": cast(lambda i: maybe(0.1, lambda: I(-9999, 30000)), pa.int32(), pa.date32()),
        "t64us": cast(lambda i: I(0, 86399999999), pa.int64(), pa.time64("us")),
        "t64ns": cast(lambda i: maybe(0.2, lambda: I(0, 86399999999999)), pa.int64(), pa.time64("ns")),
        "ts_ns": cast(lambda i: maybe(0.2, lambda: I(-10**18, 10**18)), pa.int64(), pa.timestamp("ns", "Europe/Berlin")),
        "dur_s": cast(lambda i: I(-1000, 1000), pa.int64(), pa.duration("s")),
        "dur_ns": cast(lambda i: maybe(0.1, lambda: I(0, 10**12)), pa.int64(), pa.duration("ns")),
        "decimal": cast(lambda i: maybe(0.1, lambda: I(-10**9, 10**9)), pa.int64(), pa.decimal128(38, 2)),
        "fixed16": (lambda i: maybe(0.2, lambda: bytes(I(0, 255) for _ in range(16))), pa.binary(16)),
        "s_few_nulls": (lambda i: maybe(0.3, lambda: R.choice(["red", "", "blue"])), s), "s_empty": (lambda i: "", s),
        "s_null": (lambda i: None, s), "s_constant": (lambda i: "x" * 40, s), "s_runs": (lambda i: f"section {i // 64}", s),
        "s_one": (lambda i: "only" if i == n // 2 else None, s),
        "dictionary": pa.array([maybe(0.2, lambda: R.choice(["md", "code", "paper"])) for _ in range(n)]).dictionary_encode(),
        "v4_int8": vectors(n, 4, pa.int8()), "v32_half": vectors(n, 32, pa.float16()),
        "v3_nulls": (lambda i: maybe(0.3, lambda: [1.0, 2.0, float(i)]), pa.list_(pa.float32(), 3)),
        "v3_null_items": (lambda i: [1.0, None, float(i)] if i % 3 else [0.0, 1.0, 2.0], pa.list_(pa.float32(), 3)),
    }
    return make(n, **columns)


def big(n):
    def doc(i):
        return [("ab%d ÿ " % i) * 150000, prose(40000), None, "x"][i % 4]
    return make(n, id=(lambda i: i, pa.int64()), doc=(doc, pa.string()), long=(lambda i: prose(33000 + i), pa.string()),
                blob=(lambda i: R.randbytes(1 << 20) if i == 1 else None if i % 2 else b"", pa.binary()))


def nested(n):
    inner = pa.struct([("d", pa.float64())])
    return make(
        n, id=(lambda i: i, pa.int64()),
        tags=(lambda i: None if i % 5 == 0 else [R.choice(WORDS) if (i + k) % 6 else None for k in range(i % 4)], pa.list_(pa.string())),
        numbers=(lambda i: list(range(i % 7)), pa.large_list(pa.int32())),
        meta=(lambda i: {"a": i, "b": None if i % 3 else f"b{i}", "c": {"d": i / 3}}, pa.struct([("a", pa.int32()), ("b", pa.string()), ("c", inner)])),
        spans=(lambda i: [{"s": k, "t": None if k == 1 else f"t{k}"} for k in range(i % 3)], pa.list_(pa.struct([("s", pa.int64()), ("t", pa.string())]))),
        lists=(lambda i: None if i % 11 == 0 else [[k] * (k % 3) for k in range(i % 3)], pa.list_(pa.list_(pa.int16()))),
        no_list=(lambda i: None, pa.list_(pa.int32())), same_list=(lambda i: [9] * (i % 3), pa.list_(pa.int32())),
        after=(lambda i: f"after {i}", pa.string()))


def below_null(n):
    """Lists that are null and have items all the same: Arrow allows it, 2.0 stores it."""
    def hidden(size, child, large=False):
        bits = pa.py_buffer(np.packbits([i % 3 != 1 for i in range(n * size)], bitorder="little").tobytes())
        t = (pa.large_list if large else pa.list_)(child.type)
        offsets = pa.py_buffer((np.arange(n * size + 1) * (len(child) // (n * size))).astype(np.int64 if large else np.int32).tobytes())
        return pa.Array.from_buffers(t, n * size, [bits, offsets], children=[child])

    words = pa.array([None if i % 5 == 2 else WORDS[i % 90] for i in range(6 * n)])
    pairs = pa.StructArray.from_arrays([pa.array(range(2 * n)), hidden(2, pa.array([f"t{i}" for i in range(6 * n)]))], ["a", "b"])
    return make(n, numbers=hidden(1, pa.array(range(2 * n), pa.int32())), words=hidden(1, words, True), lists=hidden(1, hidden(2, words)),
                pairs=hidden(1, pairs), after=(lambda i: i, pa.int64()))


def asked(n, size):
    """Columns whose metadata ask for particular encodings."""
    s, i32 = pa.string(), pa.int32()
    columns = [
        ("zstd", s, {"compression": "zstd"}, lambda i: prose(size)), ("lz4", s, {"compression": "lz4"}, lambda i: prose(size)),
        ("none", s, {"compression": "none"}, lambda i: prose(size)), ("fsst", s, {"compression": "fsst"}, lambda i: prose(size)),
        ("i32_zstd", i32, {"compression": "zstd"}, lambda i: R.randint(0, 10**6)), ("i32_lz4", i32, {"compression": "lz4"}, lambda i: i // 7 * 1000),
        ("split", pa.float32(), {"compression": "zstd", "bss": "on"}, lambda i: float(np.float32(20 + np.sin(i / 30)))),
        ("split_double", pa.float64(), {"compression": "lz4", "bss": "on"}, lambda i: 20 + np.sin(i / 30)),
        ("s_fullzip", s, {"structural-encoding": "fullzip"}, lambda i: maybe(0.1, lambda: prose(30))),
        ("s_fullzip_lz4", s, {"structural-encoding": "fullzip", "compression": "lz4"}, lambda i: maybe(0.1, lambda: "a" * 90)),
        ("i32_fullzip", i32, {"structural-encoding": "fullzip"}, lambda i: maybe(0.1, lambda: R.randint(0, 999))),
        ("v_fullzip", pa.list_(pa.float32(), 4), {"structural-encoding": "fullzip"}, lambda i: [1.0, 2.0, 3.0, float(i)]),
        ("l_fullzip", pa.list_(s), {"structural-encoding": "fullzip"}, lambda i: [f"t{k}" for k in range(i % 3)]),
        ("s_miniblock", s, {"structural-encoding": "miniblock"}, lambda i: maybe(0.1, lambda: prose(2 * size))),
        ("few", s, {"dict-divisor": "1"}, lambda i: R.choice(WORDS[:99])), ("runs", i32, {"rle-threshold": "0.9"}, lambda i: i // 3),
    ]
    fields = [pa.field(name, t, metadata={"lance-encoding:" + k: v for k, v in m.items()}) for name, t, m, _ in columns]
    return pa.table([pa.array([f(i) for i in range(n)], t) for _, t, _, f in columns], schema=pa.schema(fields))


# -- tables ------------------------------------------------------------------------------------------------------------

WRITE_OPTIONS = inspect.signature(lance.write_dataset).parameters


def version_options(version):
    """How the client is asked for a storage version; None if it does not know it."""
    if "data_storage_version" in WRITE_OPTIONS:
        return {"data_storage_version": version}
    if "use_legacy_format" in WRITE_OPTIONS and version in ("legacy", "2.0"):
        return {"use_legacy_format": version == "legacy"}
    return {} if version == "legacy" else None


class Writer:
    def __init__(self, version):
        self.version, self.failures, self.options = version, 0, version_options(version)
        self.folder = os.path.join(OUT, version)
        os.makedirs(self.folder, exist_ok=True)

    def path(self, name):
        return os.path.join(self.folder, name + ".lance")

    def write(self, name, table, **options):
        shutil.rmtree(self.path(name), ignore_errors=True)
        return lance.write_dataset(table, self.path(name), **self.options, **options)

    def fragments(self, name, n=500, longest=1500):
        self.write(name, text(n, longest=longest), max_rows_per_file=2 * n // 5)
        for k in (1, 2):
            lance.write_dataset(text(n // 3, first=1000 * k, longest=longest), self.path(name), mode="append", **self.options)
        return lance.dataset(self.path(name))

    def add(self, name, step):
        try:
            step(name)
            tables_rows.dump(lance.dataset(self.path(name)), os.path.join(self.folder, name + ".jsonl"))
        except BaseException as error:  # the client refuses some of this in some versions (a panic is no Exception): said, and not fatal
            if isinstance(error, KeyboardInterrupt):
                raise
            self.failures += 1
            shutil.rmtree(self.path(name), ignore_errors=True)
            print(f"FAILED {self.version} {name}: {' '.join(str(error).split())[:200]}")


def write_all(w):
    legacy = w.version == "legacy"

    def compacted(name):
        ds = w.fragments(name)
        ds.delete("id % 5 = 1")
        ds.optimize.compact_files()

    def changed(name):
        ds = w.fragments(name)
        ds.drop_columns(["doc", "vector"])
        ds.alter_columns({"path": "kind", "name": "sort"}, {"path": "line", "data_type": pa.int64()})

    def restored(name):
        w.fragments(name).delete("id > 3")
        lance.dataset(w.path(name), version=2).restore()

    many = make(40000, id=(lambda i: i, pa.int64()), t=(lambda i: f"row {i}", pa.string()))
    joined = make(600, id=(lambda i: 2 * i, pa.int64()), joined=(lambda i: f"j{i}", pa.string()))
    w.add("text", lambda n: w.write(n, text(3000)))
    w.add("types", lambda n: w.write(n, types(3000, legacy)))
    w.add("types_small", lambda n: w.write(n, types(5, legacy)))
    w.add("big", lambda n: w.write(n, big(12)))
    w.add("nested", lambda n: w.write(n, nested(2000)))
    w.add("below_null", lambda n: w.write(n, below_null(2000)))
    w.add("one_row", lambda n: w.write(n, text(1)))
    w.add("empty", lambda n: w.write(n, text(0)))
    w.add("fragments", w.fragments)
    w.add("deleted", lambda n: w.fragments(n).delete("id % 5 = 1"))
    w.add("deleted_many", lambda n: w.write(n, many).delete("id % 3 <> 0"))
    w.add("deleted_all", lambda n: w.fragments(n).delete("true"))
    w.add("updated", lambda n: w.fragments(n).update({"kind": "'neu ü'", "line": "line + 1"}, where="id % 4 = 2"))
    w.add("merged", lambda n: w.fragments(n).merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(text(100, first=450)))
    w.add("compacted", compacted)
    w.add("columns_changed", changed)
    w.add("columns_joined", lambda n: w.fragments(n).merge(joined, "id"))
    w.add("columns_added", lambda n: w.fragments(n).add_columns({"twice": "id * 2", "label": "concat('#', hash)"}))
    w.add("row_ids", lambda n: w.write(n, text(300), enable_stable_row_ids=True).delete("id < 20"))
    w.add("restored", restored)
    if not legacy:
        w.add("asked", lambda n: w.write(n, asked(2500, 250)))
        w.add("columns_added_null", lambda n: w.fragments(n).add_columns(pa.field("later", pa.string())))


def write_random(w, seed, count):
    """The client refuses some of the schemas (a panic is no Exception): counted, and not a failure."""
    reasons = {}
    for i in range(count):
        name = f"random_{seed}_{i:04}"
        try:
            dataset = tables_random.write(lance, w.path(name), f"{seed}/{i}", w.version, w.options)
            tables_rows.dump(dataset, os.path.join(w.folder, name + ".jsonl"))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            reason = re.sub(r"\d+", "N", " ".join(str(error).split()))[:160]
            reasons[reason] = reasons.get(reason, 0) + 1
            shutil.rmtree(w.path(name), ignore_errors=True)
    for reason, n in sorted(reasons.items(), key=lambda x: -x[1]):
        print(f"{w.version}: the client refused {n} of {count} random tables: {reason}")


def write_sample(w):
    legacy = w.version == "legacy"

    def columns(name):
        ds = w.write(name, make(30, id=(lambda i: i, pa.int64()), s=(lambda i: f"v{i % 7}", pa.string())), max_rows_per_file=20)
        ds.add_columns({"twice": "id * 2"})
        if not legacy:
            lance.dataset(w.path(name)).add_columns(pa.field("later", pa.string()))

    packed = pa.field("packed", pa.struct([("x", pa.int32()), ("y", pa.float64())]), metadata={"lance-encoding:packed": "true"})
    w.add("types", lambda n: w.write(n, types(20, legacy)))
    w.add("nested", lambda n: w.write(n, nested(30)))
    w.add("columns", columns)
    if w.version in ("2.1", "2.2"):
        nulls = pa.array([None] * 5 + [{"x": 1, "y": 0.5}] * 5 + [None] * 5, packed.type)
        w.add("packed_null", lambda n: w.write(n, pa.table([nulls], schema=pa.schema([packed])), max_rows_per_file=5))
    if w.version == "2.0":
        w.add("null_items", lambda n: w.write(n, make(9, id=(lambda i: i, pa.int64()), v=(lambda i: [None, None], pa.list_(pa.float32(), 2)),
                                                      w=(lambda i: [None] if i else None, pa.list_(pa.int16(), 1)), z=(lambda i: None, pa.list_(pa.float64(), 3)))))
        w.add("below_null", lambda n: w.write(n, below_null(30)))
    if not legacy:
        w.add("asked", lambda n: w.write(n, asked(30, 50)))
        w.add("packed", lambda n: w.write(n, pa.table([pa.array([{"x": i, "y": i / 2} for i in range(9)], packed.type)], schema=pa.schema([packed]))))
    if w.version == "2.2":
        w.add("general", lambda n: w.write(n, asked(70, 130).select(["zstd", "lz4"])))
        w.add("text", lambda n: w.write(n, make(
            1100, small=(lambda i: R.randint(0, 7), pa.int32()), few=(lambda i: ["a section of the manual", "an appendix of it"][i * i % 3 % 2], pa.string()), pairs=(lambda i: WORDS[i % 40] + WORDS[i % 31], pa.string()),
            few_numbers=(lambda i: [5, -9 * 10**15, 7][i * i % 3], pa.int64()), nulls=(lambda i: None if i * i % 5 == 1 else i % 13, pa.int16()))))
    if w.version == "2.1":
        w.add("documents", lambda n: w.write(n, make(6, doc=(lambda i: ("a long document, " + "ab" * i) * 2000 if i == 3 else None if i == 2 else "x", pa.string()),
                                                     content=(lambda i: ("the same words again and again " * 300)[:6000 + i], pa.string()), vector=vectors(6, 600, pa.float32()))))



def write_rare(w, n):
    """Types and layouts that are asked for seldom: vectors of all kinds, blobs, packed structs with strings."""
    from decimal import Decimal
    legacy, b, s = w.version == "legacy", pa.bool_(), pa.string()

    def add(name, columns):
        fields = [pa.field(k, t, metadata={"lance-encoding:" + key: v for key, v in m.items()}) for k, t, m, _ in columns]
        # dates and times are made of numbers
        made = [f if isinstance(f, pa.Array) else pa.array([f(i) for i in range(n)], t) for _, t, _, f in columns]
        blobs = {"blob_handling": "all_binary"} if name == "blobs" else {}
        try:
            w.write(name, pa.table(made, schema=pa.schema(fields)))
            tables_rows.dump(lance.dataset(w.path(name)), os.path.join(w.folder, name + ".jsonl"), **blobs)
        except Exception as error:
            w.failures += 1
            print(f"FAILED {w.version} {name}: {' '.join(str(error).split())[:200]}")

    def of(items, k, t):
        return pa.FixedSizeListArray.from_arrays(items.cast(t), k)

    def blob(i):
        return None if i % 7 == 3 else b"" if i % 5 == 2 else bytes([i % 256]) * (3 * i % 50)

    fullzip = {} if legacy else {"structural-encoding": "fullzip"}
    whens = of(pa.array(range(2 * n), pa.int64()), 2, pa.timestamp("us", "UTC"))
    codes = pa.FixedSizeListArray.from_arrays(pa.array([bytes([i % 256, 1, 2]) for i in range(2 * n)], pa.binary(3)), 2)
    columns = [
        ("bools", pa.list_(b, 8), {}, lambda i: [(i * 8 + k) % 3 == 0 for k in range(8)]), ("whens", whens.type, {}, whens), ("codes", codes.type, {}, codes)]
    if not legacy:
        days = of(pa.array([k if k % 4 else None for k in range(3 * n)], pa.int32()), 3, pa.date32())
        columns += [
            ("odd", pa.list_(b, 5), {}, lambda i: maybe(0.2, lambda: [None if (i + k) % 7 == 0 else (i + k) % 3 == 0 for k in range(5)])),
            ("zipped", pa.list_(b, 8), fullzip, lambda i: [(i * 8 + k) % 5 == 0 for k in range(8)]), ("days", days.type, {}, days),
            ("gaps", pa.list_(pa.int16(), 9), fullzip, lambda i: [None if (i + k) % 4 == 0 else i - k for k in range(9)]),
            ("flag", b, fullzip, lambda i: i % 3 == 0), ("flag_nulls", b, fullzip, lambda i: maybe(0.3, lambda: i % 3 == 0)),
            ("price", pa.list_(pa.decimal128(20, 3), 2), {}, lambda i: maybe(0.2, lambda: [Decimal(i * i - 90).scaleb(-3), None])),
            ("wide", pa.decimal256(60, 5), {}, lambda i: maybe(0.2, lambda: Decimal(-i * 10**30).scaleb(-5)))]
    if not legacy and n > 100:
        columns.append(("holes", pa.list_(pa.float32(), 3), {}, lambda i: maybe(0.2, lambda: [None] * 3)))
    add("vectors", columns)
    if legacy:
        return
    large = pa.large_binary()
    if w.version != "2.2":
        return add("blobs", [("id", pa.int64(), {}, lambda i: i), ("b", large, {"blob": "true"}, blob), ("full", large, {"blob": "true"}, lambda i: b"%d" % i)])
    small = {"blob-inline-size-threshold": "8", "blob-dedicated-size-threshold": "25"}
    array = lance.blob_array([blob(i) for i in range(n)])
    add("blobs", [("id", pa.int64(), {}, lambda i: i), ("b", array.type, small, array), ("inlined", array.type, {}, array)])
    fields = [("x", pa.int32()), ("s", s), ("v", pa.list_(pa.float32(), 2)), ("b", large)]
    row = lambda i: {"x": i, "s": "v" * (i % 9), "v": [1.0, float(i)], "b": b"\x00" * (i % 4)}
    packed = pa.struct(fields)
    add("packed_strings", [("all", packed, {"packed": "true"}, row), ("some", packed, {"packed": "true"}, lambda i: maybe(0.3, lambda: row(i)))])

    def deleted(name):
        w.write(name, make(n, id=(lambda i: i, pa.int64()))).delete("id % 3 = 1")
        folder = os.path.join(w.path(name), "_deletions")
        for file in [os.path.join(folder, f) for f in os.listdir(folder)]:
            table = pa.ipc.open_file(file).read_all()
            with pa.ipc.new_file(file, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as out:
                out.write_batch(table.combine_chunks().to_batches()[0])
    w.add("deleted_lz4", deleted)  # no client writes it, all of them read it


failures = 0
for version in ["legacy", "2.0", "2.1", "2.2"]:
    if version_options(version) is None:
        continue
    writer = Writer(version)
    if IS_RANDOM:
        write_random(writer, sys.argv[2], int(sys.argv[3]))
    else:
        (write_sample if IS_SAMPLE else write_all)(writer)
        write_rare(writer, 12 if IS_SAMPLE else 2500)
    failures += writer.failures
if IS_SAMPLE:
    for folder, names, _ in os.walk(OUT):
        for name in [n for n in names if n == "_transactions"]:
            shutil.rmtree(os.path.join(folder, name))
print(f"{failures} tables could not be written" if failures else "all tables written")
sys.exit(1 if failures else 0)
