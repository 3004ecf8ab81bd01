"""What the official Python client reads from a table, as the rows that lnc_conform compares (form: expect.h)."""
import hashlib
import json

import numpy as np
import pyarrow as pa

T = pa.types
EXACT = 2**53 - 1


def number(x):
    x = float(x)
    if x != x or x in (float("inf"), -float("inf")):
        return {"$f": "nan" if x != x else "inf" if x > 0 else "-inf"}
    return {"$f": "-0"} if x == 0 and np.signbit(x) else x


def each(array, f):
    return [None if x is None else f(x) for x in array.to_pylist()]


def decimals(array):
    n, raw, first = array.type.bit_width // 8, array.buffers()[1], array.offset
    raw = raw.to_pybytes() if raw is not None else b""
    return [{"$raw": raw[(first + i) * n:(first + i + 1) * n].hex()} if v.is_valid else None for i, v in enumerate(array)]


def vectors(array):
    t, n = array.type, array.type.list_size
    items = array.values.slice(array.offset * n, len(array) * n)
    if T.is_float32(t.value_type) and n > 8 and items.null_count == 0:
        raw = items.to_numpy(zero_copy_only=False).astype("<f4")
        found = [{"$v": hashlib.sha1(raw[i * n:(i + 1) * n].tobytes()).hexdigest()} for i in range(len(array))]
    else:
        items = column(items)
        found = [items[i * n:(i + 1) * n] for i in range(len(array))]
    return [x if ok else None for x, ok in zip(found, array.is_valid().to_pylist())]


def lists(array):
    offsets = array.offsets.to_pylist()
    first, last = offsets[0], offsets[-1]
    if T.is_map(array.type):
        pairs = zip(column(array.keys.slice(first, last - first)), column(array.items.slice(first, last - first)))
        items = [{"key": key, "value": value} for key, value in pairs]
    else:
        items = column(array.values.slice(first, last - first))
    valid = array.is_valid().to_pylist()
    return [items[offsets[i] - first:offsets[i + 1] - first] if ok else None for i, ok in enumerate(valid)]


def structs(array):
    t = array.type
    fields = [(t[i].name, column(array.field(i))) for i in range(t.num_fields)]
    return [{name: values[i] for name, values in fields} if ok else None for i, ok in enumerate(array.is_valid().to_pylist())]


def column(array):
    """The values of an array, each as JSON can hold it."""
    t = array.type
    if isinstance(array, pa.ExtensionArray):
        return column(array.storage)
    if T.is_dictionary(t):
        items = column(array.dictionary)
        return each(array.indices, lambda i: items[i])
    if T.is_struct(t):
        return structs(array)
    if T.is_fixed_size_list(t):
        return vectors(array)
    if T.is_list(t) or T.is_large_list(t) or T.is_map(t):
        return lists(array) if len(array) else []
    if T.is_decimal(t):
        return decimals(array)
    if T.is_temporal(t):
        return each(array.view(pa.int32() if t == pa.date32() or T.is_time32(t) else pa.int64()), lambda x: {"$t": str(x)})
    if T.is_integer(t):
        return each(array, lambda x: x if abs(x) <= EXACT else {"$i": str(x)})
    if T.is_floating(t):
        return each(array, number)
    if T.is_binary(t) or T.is_large_binary(t) or T.is_fixed_size_binary(t):
        return each(array, lambda x: {"$b": bytes(x).hex()})
    return array.to_pylist()


def dump(dataset, path, **options):
    """Writes the rows of a dataset to `path`; the options are those of its scan."""
    with open(path, "w", encoding="utf-8") as out:
        for batch in dataset.to_batches(**options):
            columns = [(name, column(array)) for name, array in zip(batch.schema.names, batch.columns)]
            for i in range(batch.num_rows):
                row = {name: values[i] for name, values in columns}
                out.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
