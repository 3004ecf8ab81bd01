"""Tables of random schemas and random values, for make_tables.py --random.

A table depends on its seed alone. The arrays are built from buffers, so that what lies below a null (values in the list of a
null row, fields of a null struct) and slices of longer arrays occur as real programs make them.
"""
import inspect
import random
import string

import numpy as np
import pyarrow as pa

ITEMS_MAX = 30000
LANGUAGES = ["größe und Maß", "naïve café", "数据格式说明", "データ形式", "데이터 형식", "формат данных", "μορφή δεδομένων", "פורמט נתונים",
             "تنسيق البيانات", "डेटा प्रारूप", "รูปแบบข้อมูล", "💾🚀👩‍🔬", "e\u0301\u200b\ufeff", "tab\tnew\nline\r", 'quote"\\back', "\x00\x01\x7f"]
CODE = ["def read(self, path):\n    return open(path).read()\n", '{"id": 1, "tags": ["a", "b"], "x": null}', "for (int i = 0; i < n; i++)\n\tsum += v[i];\n",
        "<p class=\"x\">&amp;</p>", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=", "SELECT * FROM t WHERE a = 'b';"]
INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
FLOATS = [pa.float16(), pa.float32(), pa.float64()]
TEMPORAL = [pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns"), pa.timestamp("s"), pa.timestamp("ms", "UTC"),
            pa.timestamp("us", "Europe/Berlin"), pa.timestamp("ns", "+05:30"), pa.duration("s"), pa.duration("ms"), pa.duration("us"), pa.duration("ns")]
NUMPY = {t: str(t).replace("halffloat", "float16").replace("double", "float64") for t in INTEGERS + FLOATS}
NUMPY[pa.float32()] = "float32"
TEXT = [pa.string(), pa.string(), pa.large_string(), pa.binary(), pa.large_binary()]
REQUESTS = [("compression", "zstd"), ("compression", "lz4"), ("compression", "fsst"), ("compression", "none"), ("structural-encoding", "fullzip"),
            ("structural-encoding", "miniblock"), ("rle-threshold", "0.9"), ("dict-divisor", "1"), ("bss", "on"), ("dict-size-ratio", "0.99")]


class Maker:
    def __init__(self, seed, version):
        self.r, self.version = random.Random(seed), version
        self.np = np.random.default_rng(self.r.getrandbits(63))

    # -- schemas --

    def scalar(self):
        r = self.r
        kind = r.random()
        if kind < 0.3:
            return r.choice(TEXT)
        if kind < 0.6:
            return r.choice(INTEGERS + FLOATS + [pa.bool_(), pa.bool_()])
        if kind < 0.75:
            return r.choice(TEMPORAL)
        if kind < 0.8:
            return r.choice([pa.decimal128(r.randint(9, 38), r.randint(0, 9)), pa.decimal256(r.randint(39, 76), 3)])
        if kind < 0.85:
            return pa.binary(r.choice([1, 2, 3, 4, 5, 8, 12, 16, 17, 32, 100]))
        if kind < 0.92:
            return pa.list_(r.choice(INTEGERS + FLOATS), r.choice([1, 2, 3, 4, 7, 8, 16, 33, 128]))
        if kind < 0.97:
            return pa.dictionary(r.choice([pa.int8(), pa.int16(), pa.int32(), pa.uint8()]), r.choice([pa.string(), pa.large_string()]))
        return pa.null()

    def type(self, depth):
        r = self.r
        kind = r.random()
        if depth == 0 or kind < 0.4:
            return self.scalar()
        if kind < 0.65:
            return pa.list_(self.field("item", depth - 1))
        if kind < 0.72:
            return pa.large_list(self.field("item", depth - 1))
        if kind < 0.76 and self.version == "2.2":
            return pa.map_(r.choice([pa.string(), pa.int32()]), self.field("value", depth - 1))
        return pa.struct([self.field(f"f{i}", depth - 1) for i in range(r.randint(1, 4))])

    def field(self, name, depth):
        r = self.r
        t = self.type(depth)
        metadata = None
        if self.version == "legacy":
            return pa.field(name, t)
        if r.random() < 0.12 and not pa.types.is_nested(t):
            metadata = {"lance-encoding:" + key: value for key, value in r.sample(REQUESTS, r.randint(1, 2))}
        elif pa.types.is_struct(t) and r.random() < 0.15:
            metadata = {"packed": "true"}
        return pa.field(name, t, r.random() < 0.8 or pa.types.is_null(t), metadata)

    def schema(self):
        r = self.r
        deepest = r.choice([0, 0, 1, 2, 3])
        fields = [self.field(f"c{i}", deepest) for i in range(r.randint(1, 9 if deepest == 0 else 5))]
        return pa.schema([pa.field("id", pa.int64())] + fields)

    # -- values --

    def valid(self, n, nullable):
        """One bool a row, or None if all rows have a value."""
        if not nullable or n == 0:
            return None
        kind = self.r.choice(["no", "no", "few", "some", "most", "all", "runs", "one", "all but one"])
        if kind == "no":
            return None
        if kind == "runs":
            length = self.r.choice([7, 100, 1024])
            return np.arange(n) // length % 2 == self.r.randint(0, 1)
        valid = self.np.random(n) >= {"few": 0.01, "some": 0.3, "most": 0.9}.get(kind, 0)
        if kind in ("all", "one"):
            valid[:] = False
        if kind in ("one", "all but one"):
            valid[self.r.randrange(n)] = kind == "one"
        return valid

    def integers(self, n, low, high):
        """n integers between the two, as uint64 or int64, in one of the shapes that columns have."""
        r, t = self.r, np.int64 if low < 0 or high < 2**63 else np.uint64
        kind = r.choice(["constant", "all", "all", "small", "few", "sorted", "runs", "outliers"])
        if kind == "all":
            return self.np.integers(low, high, n, t, True)
        if kind == "sorted":
            return (np.arange(n) + max(0, low)).astype(t) % max(1, min(high, 2**62))
        span = [r.randint(low, high) for _ in range(1 if kind == "constant" else 5)]
        pool = np.array(span, t)
        if kind == "runs":
            return pool[np.arange(n) // r.choice([3, 50, 300, 2000]) % len(pool)]
        if kind in ("small", "outliers"):
            out = self.np.integers(0, min(high, r.choice([1, 3, 100, 70000])), n, t, True)
            if kind == "outliers" and n:
                out[r.randrange(n)] = high
            return out
        return pool[self.np.integers(0, len(pool), n)]

    def fixed(self, t, n):
        types = pa.types
        bits = t.bit_width
        if types.is_boolean(t):
            return pa.array(self.np.random(n) < self.r.choice([0, 0.01, 0.5, 1]))
        if types.is_integer(t):
            low, high = (0, 2**bits - 1) if types.is_unsigned_integer(t) else (-2**(bits - 1), 2**(bits - 1) - 1)
            return pa.array(self.integers(n, low, high).astype(NUMPY[t]), t)
        if types.is_floating(t):
            return self.floats(t, n)
        if types.is_temporal(t):
            return self.temporal(t, n)
        width = bits // 8
        if types.is_decimal(t):
            raw = self.integers(n, -10**min(t.precision, 18) + 1, 10**min(t.precision, 18) - 1)
            wide = np.repeat((raw >> 63)[:, None], width // 8, 1)
            wide[:, 0] = raw
            return pa.Array.from_buffers(t, n, [None, pa.py_buffer(wide.tobytes())])
        rows = self.np.integers(0, self.r.choice([1, 3, 256]), (self.r.choice([1, 5, max(1, n)]), width), np.uint8)
        return pa.Array.from_buffers(t, n, [None, pa.py_buffer(rows[self.np.integers(0, len(rows), n)].tobytes())])

    def floats(self, t, n):
        x = self.r.choice([lambda: self.np.random(n), lambda: self.np.normal(0, 1e3, n), lambda: np.floor(self.np.random(n) * 4),
                           lambda: 20 + np.sin(np.arange(n) / 40), lambda: np.zeros(n)])().astype(NUMPY[t])
        if n > 5 and self.r.random() < 0.3:
            x[:5] = [np.nan, np.inf, -np.inf, -0.0, 1e-7]
        return pa.array(x, t)

    def temporal(self, t, n):
        types, storage = pa.types, pa.int32() if t.bit_width == 32 else pa.int64()
        if types.is_time(t):
            raw = self.integers(n, 0, 86400 * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[t.unit] - 1)
        elif t == pa.date64():
            raw = self.integers(n, -20000, 40000) * 86400000
        else:
            raw = self.integers(n, -10**6, 10**9) if storage == pa.int32() else self.integers(n, -2**62, 2**62)
        return pa.array(raw.astype(NUMPY[storage]), storage).view(t)

    def word(self):
        r = self.r
        kind = r.random()
        if kind < 0.5:
            return "".join(r.choices(string.ascii_lowercase, k=r.randint(1, 9)))
        return r.choice(LANGUAGES) if kind < 0.8 else r.choice(CODE) if kind < 0.9 else f"{r.getrandbits(64):016x}"

    def strings(self, t, n):
        r = self.r
        kind = r.choice(["constant", "empty", "few", "unique", "words", "sentences", "documents", "one long", "mixed", "sorted"])
        words = [self.word() for _ in range(60)]
        pool = {"constant": [r.choice(words) * r.randint(1, 9)], "few": words[:r.randint(2, 9)], "empty": [""]}.get(kind)
        if pool:
            out = [r.choice(pool) for _ in range(n)]
        elif kind in ("unique", "sorted"):
            out = [f"{words[0]}-{i if kind == 'sorted' else r.getrandbits(48):012}" for i in range(n)]
        else:
            long = {"words": 3, "sentences": 40, "mixed": 60}.get(kind, min(900, 60000 // (n + 1)))
            out = [" ".join(r.choices(words, k=r.randint(0, long))) for _ in range(n)]
            if kind == "one long" and n:
                out[r.randrange(n)] = "".join(r.choices(words, k=r.choice([5000, 60000])))
        if pa.types.is_binary(t) or pa.types.is_large_binary(t):
            noise = r.random() < 0.5
            out = [r.randbytes(len(x) % 5000) if noise else x.encode() for x in out]
        return pa.array(out, t)

    def lists(self, t, n, valid):
        r = self.r
        most = max(1, min(ITEMS_MAX // (n + 1), r.choice([1, 2, 5, 30, 3000])))
        sizes = self.np.integers(0, most + 1, n)
        sizes[self.np.random(n) < r.choice([0, 0, 0.3, 0.95, 1])] = 0
        if n and r.random() < 0.2:
            sizes[r.randrange(n)] = 5000
        if valid is not None and r.random() < 0.5:
            sizes[~valid] = 0
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        total = int(offsets[-1])
        large = pa.types.is_large_list(t)
        if pa.types.is_map(t):
            entries = pa.struct([pa.field("key", t.key_type, False), t.item_field])
            keys = pa.array([f"k{i}" for i in range(total)], pa.string()) if pa.types.is_string(t.key_type) else pa.array(np.arange(total), t.key_type)
            child = pa.StructArray.from_arrays([keys, self.array(t.item_field, total)], fields=list(entries))
        else:
            child = self.array(t.value_field, total)
        raw = pa.py_buffer(offsets.astype(np.int64 if large else np.int32).tobytes())
        return pa.Array.from_buffers(t, n, [self.bitmap(valid), raw], children=[child])

    def bitmap(self, valid):
        return None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())

    def array(self, field, n):
        """n values of a field; at times the end of a longer array."""
        extra = self.r.choice([0, 0, 0, 3, 64]) if n else 0
        return self.whole_array(field, n + extra).slice(extra)

    def whole_array(self, field, n):
        t, types = field.type, pa.types
        valid = self.valid(n, field.nullable and not (types.is_struct(t) and self.version in ("legacy", "2.0")))  # not stored there
        if types.is_null(t):
            return pa.nulls(n)
        if types.is_struct(t):
            children = [self.array(t[i], n) for i in range(t.num_fields)]
            mask = None if valid is None else pa.array(~valid)
            return pa.StructArray.from_arrays(children, fields=[t[i] for i in range(t.num_fields)], mask=mask)
        if types.is_list(t) or types.is_large_list(t) or types.is_map(t):
            return self.lists(t, n, valid)
        if types.is_fixed_size_list(t):
            items = self.whole_array(pa.field("item", t.value_type, self.r.random() < 0.15), n * t.list_size)
            return pa.Array.from_buffers(t, n, [self.bitmap(valid)], children=[items])
        if types.is_dictionary(t):
            words = pa.array(sorted({self.word() for _ in range(self.r.randint(1, 30))}), t.value_type)
            return pa.DictionaryArray.from_arrays(pa.array(self.np.integers(0, len(words), n).astype(NUMPY[t.index_type]),
                                                           mask=None if valid is None else ~valid), words)
        array = self.strings(t, n) if t in TEXT else self.fixed(t, n)
        if valid is None:
            return array
        buffers = array.buffers()
        return pa.Array.from_buffers(array.type, n, [self.bitmap(valid)] + buffers[1:], offset=array.offset)

    def table(self, schema, first):
        n = self.r.choice([0, 1, 2, 5, 30, 100, 700, 1023, 1024, 1025, 2048, 3000])
        if all(not pa.types.is_nested(f.type) and not f.type in TEXT for f in schema):
            n = self.r.choice([n, 4096, 4097, 40000])
        arrays = [pa.array(range(first, first + n), pa.int64())] + [self.array(f, n) for f in list(schema)[1:]]
        return pa.Table.from_arrays(arrays, schema=schema)


def write(lance, path, seed, version, options):
    """Writes the table of a seed: a schema, some fragments of it, some changes. Returns the dataset."""
    maker = Maker(seed, version)
    r = maker.r
    schema = maker.schema()
    options = options | {"max_rows_per_file": r.choice([1 << 20, 1 << 20, 1000, 333])}
    if version == "legacy":
        options["max_rows_per_group"] = r.choice([1024, 100])
    if r.random() < 0.2 and "enable_stable_row_ids" in inspect.signature(lance.write_dataset).parameters:
        options["enable_stable_row_ids"] = True
    lance.write_dataset(maker.table(schema, 0), path, **options)
    for k in range(r.choice([0, 0, 0, 1, 2])):
        lance.write_dataset(maker.table(schema, 10**6 * (k + 1)), path, mode="append", **options)
    dataset = lance.dataset(path)
    change = r.choice(["none", "none", "none", "delete", "delete more", "compact", "add", "drop"])
    if change == "delete" and dataset.count_rows():
        dataset.delete(f"id % {r.choice([2, 7, 100])} = 1")
    elif change == "delete more" and dataset.count_rows():
        dataset.delete("id % 5 <> 1")
        lance.dataset(path).delete("id % 3 = 1")
    elif change == "compact":
        dataset.delete("id % 4 = 1")
        lance.dataset(path).optimize.compact_files()
    elif change == "add":
        dataset.add_columns({"added": "id * 2", "label": "concat('#', cast(id as string))"})
    elif change == "drop":
        dataset.drop_columns([schema.names[-1]])
    return lance.dataset(path)
