#!/usr/bin/env python3
"""Reads tables through liblnc's ArrowArrayStream and compares them with what pylance reads.

usage: arrow_check.py LIBLNC_SO TABLE_OR_FOLDER...
Exit status: 0 all equal, 1 a difference, 77 pyarrow or pylance is not there.
"""
import ctypes
import glob
import os
import sys

try:
    import lance
    import pyarrow as pa
except ImportError as missing:
    print(f"SKIPPED: {missing} (LNC_PYTHON names an interpreter with pylance and pyarrow)")
    sys.exit(77)


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("offset", ctypes.c_uint64), ("message", ctypes.c_char * 512)]


UNSUPPORTED = 6


class Refused(Exception):
    pass


def check(status, error):
    if status == UNSUPPORTED:
        raise Refused(error.message.decode(errors="replace"))
    if status != 0:
        raise AssertionError(error.message.decode(errors="replace"))


def read(lib, path):
    dataset, error = ctypes.c_void_p(), Error()
    stream = ctypes.create_string_buffer(5 * ctypes.sizeof(ctypes.c_void_p))
    check(lib.lnc_dataset_open(path.encode(), None, ctypes.byref(dataset), ctypes.byref(error)), error)
    try:
        check(lib.lnc_arrow_stream(dataset, None, stream, ctypes.byref(error)), error)
        reader = pa.RecordBatchReader._import_from_c(ctypes.addressof(stream))
        try:
            table = reader.read_all()
        finally:
            reader.close()
    finally:
        lib.lnc_dataset_close(dataset)
    # After the dataset is closed: the arrays must live on their own.
    table.validate(full=True)
    return table


def same(ours, theirs):
    try:
        if ours.equals(theirs.cast(ours.type)):
            return True
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass
    # NaN is not equal to itself, and not all types can be cast to their large form.
    return str(ours.to_pylist()) == str(theirs.to_pylist())


def type_of(field):
    """The type that ours must have: dictionaries come as their values."""
    kind = field.type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def is_blob(field):
    return (field.metadata or {}).get(b"lance-encoding:blob") == b"true" or str(field.type).startswith("extension<lance.blob")


def schema_differences(ours, theirs):
    """Names of the columns whose type, nullability or metadata differ. Blobs are their bytes, whatever describes them."""
    bad = []
    for field in ours:
        other = theirs.field(field.name)
        if is_blob(other):
            if field.type != pa.large_binary() or field.nullable != other.nullable:
                bad.append(f"{field} is the blob {other}")
            continue
        if (field.type != type_of(other) or field.nullable != other.nullable
                or (field.metadata or {}) != (other.metadata or {})):
            bad.append(f"{field} {field.metadata} is {other} {other.metadata}")
    if (ours.metadata or {}) != (theirs.metadata or {}):
        bad.append(f"metadata {ours.metadata} is {theirs.metadata}")
    return bad


def tables_of(path):
    if os.path.isdir(os.path.join(path, "_versions")):
        return [path]
    return sorted(glob.glob(os.path.join(path, "*.lance")))


def main():
    lib = ctypes.CDLL(os.path.abspath(sys.argv[1]))
    n_equal = n_refused = n_bad = 0
    for path in [table for folder in sys.argv[2:] for table in tables_of(folder)]:
        try:
            ours = read(lib, path)
            dataset = lance.dataset(path)
            theirs = dataset.to_table(columns=ours.column_names, blob_handling="all_binary")
        except Refused as why:
            print(f"refused: {why}")
            n_refused += 1
            continue
        except (OSError, ValueError) as why:
            print(f"{path}: pylance: {str(why)[:120]}")
            n_refused += 1
            continue
        bad = schema_differences(ours.schema, dataset.schema)
        bad += [name for name in ours.column_names if not same(ours[name], theirs[name])]
        if bad or ours.num_rows != theirs.num_rows:
            print(f"DIFFERENT {path}: {ours.num_rows} and {theirs.num_rows} rows, columns {bad}")
            n_bad += 1
        else:
            n_equal += 1
    print(f"{n_equal} tables equal, {n_refused} refused, {n_bad} different")
    return 1 if n_bad or not n_equal else 0


sys.exit(main())
