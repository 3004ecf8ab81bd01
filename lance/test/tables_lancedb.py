#!/usr/bin/env python3
"""Writes tables as programs do that use the lancedb package, and beside each the rows that it reads back (form: expect.h).

    tables_lancedb.py OUTDIR          OUTDIR/<storage version>/<table>.lance and .jsonl

Runs with lancedb 0.14 to 0.40; what a version does not have is skipped aloud. pandas and polars are used if they are there.
Without lancedb: one line that says so, and exit status 77.
"""
import datetime
import os
import random
import shutil
import sys
import uuid
from typing import List, Optional

try:
    import lancedb
    import numpy as np
    import pyarrow as pa
    from lancedb.embeddings import TextEmbeddingFunction, get_registry
    from lancedb.pydantic import LanceModel, Vector
    from pydantic import BaseModel
except ImportError as error:
    print(f"SKIPPED: lancedb is not installed ({error}): pip install lancedb")
    sys.exit(77)

import tables_rows
from tables_random import CODE, LANGUAGES

OUT = sys.argv[-1]
R = random.Random(11)
UTC = datetime.timezone.utc
NOON = datetime.datetime(2024, 2, 29, 12, 0, 0, 123456)


def prose(n):
    return " ".join(R.choices(LANGUAGES + CODE + ["the", "of", "a", "dataset", "format", "chunk"], k=n))


def vector(n=16):
    return [R.random() for _ in range(n)]


# -- shapes of tables: each function returns what create_table() takes ---------------------------------------------------

class Author(BaseModel):
    name: str
    age: Optional[int] = None


class Document(LanceModel):
    id: int
    text: str
    title: Optional[str] = None
    vector: Vector(24)
    author: Author
    tags: List[str]
    score: float
    ok: bool
    raw: bytes
    at: datetime.datetime
    day: datetime.date


def pydantic_models(n=200):
    return [Document(id=i, text=prose(1 + i % 40), title=None if i % 3 else f"t{i}", vector=vector(24), author=Author(name=f"n{i % 5}", age=None if i % 4 else i),
                     tags=[f"tag{k}" for k in range(i % 4)], score=i / 7, ok=i % 2 == 0, raw=bytes(range(i % 50)), at=NOON + datetime.timedelta(hours=i),
                     day=(NOON + datetime.timedelta(days=i)).date()) for i in range(n)]


def dicts(n=300):
    return [{"vector": vector(), "text": prose(i % 60), "id": str(uuid.UUID(int=R.getrandbits(128))), "n": i, "price": i * 1.5, "flag": i % 3 == 0} for i in range(n)]


def langchain(n=300):
    return [{"vector": vector(), "id": f"{i:032x}", "text": prose(1 + i % 80),
             "metadata": {"source": f"docs/{i // 20}.md", "page": i % 20, "start_index": i * 800, "title": None if i % 5 == 1 else f"Title {i // 20}"}} for i in range(n)]


def llamaindex(n=300):
    return [{"id": f"{i:08x}", "doc_id": f"{i // 10:08x}", "vector": vector(), "text": prose(1 + i % 80),
             "metadata": {"file_path": f"/data/{i // 10}.pdf", "file_size": 1000 + i // 10, "_node_content": '{"id_": "%d", "metadata": {"a": [1, null]}}' % i,
                          "_node_type": "TextNode", "document_id": f"{i // 10:08x}", "doc_id": f"{i // 10:08x}", "ref_doc_id": None if i % 2 else "None"}} for i in range(n)]


def nested_lists(n=200):
    spans = pa.list_(pa.struct([("start", pa.int32()), ("label", pa.string()), ("tags", pa.list_(pa.string()))]))
    return pa.table({
        "id": pa.array(range(n)),
        "spans": pa.array([None if i % 7 == 3 else [{"start": k, "label": None if k == 1 else f"l{k}", "tags": None if k == 2 else ["x"] * k} for k in range(i % 4)] for i in range(n)], spans),
        "matrix": pa.array([None if i % 5 == 1 else [None if k == 1 else [float(k)] * (i % 3) for k in range(i % 3)] for i in range(n)], pa.list_(pa.list_(pa.float32()))),
        "words": pa.array([None if i % 3 == 0 else [None, "", "w"][: i % 4] for i in range(n)], pa.list_(pa.string())),
    })


def pandas_frame(n=300):
    import pandas as pd
    return pd.DataFrame({
        "id": range(n), "text": [None if i % 9 == 4 else prose(i % 20) for i in range(n)], "kind": pd.Categorical([["md", "code", None][i % 3] for i in range(n)]),
        "day": pd.date_range("2024-01-01", periods=n), "zoned": pd.date_range("2024-01-01", periods=n, tz="Europe/Berlin"), "took": pd.to_timedelta(range(n), unit="s"),
        "whole": pd.array([None if i % 4 else i for i in range(n)], dtype="Int64"), "maybe": pd.array([None if i % 4 else i % 8 == 0 for i in range(n)], dtype="boolean"),
        "nan": [float("nan") if i % 2 else i / 3 for i in range(n)], "tags": [[f"t{k}" for k in range(i % 3)] for i in range(n)], "vector": [vector() for _ in range(n)],
    })


def polars_frame(n=300):
    import polars as pl
    return pl.DataFrame({
        "id": list(range(n)), "text": [None if i % 9 == 4 else prose(i % 20) for i in range(n)], "kind": pl.Series([["md", "code", None][i % 3] for i in range(n)], dtype=pl.Categorical),
        "day": [NOON.date()] * n, "at": [NOON] * n, "small": pl.Series([i % 100 for i in range(n)], dtype=pl.UInt8), "tags": [[f"t{k}" for k in range(i % 3)] for i in range(n)],
        "meta": [{"a": i, "b": f"b{i}"} for i in range(n)], "vector": pl.Series([vector() for _ in range(n)], dtype=pl.Array(pl.Float32, 16)),
    }).to_arrow()


def every_type(n=200):
    types = [pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.float16(), pa.float32(), pa.float64(),
             pa.timestamp("us", "America/New_York"), pa.timestamp("s"), pa.date32(), pa.date64(), pa.time64("us"), pa.duration("ms"), pa.decimal128(22, 2)]

    def values(t):
        # floor division keeps each value in every range
        raw = pa.array([None if i % 6 == 5 else i % 100 for i in range(n)], pa.int64())
        if pa.types.is_date(t) or pa.types.is_time(t) or pa.types.is_timestamp(t) or pa.types.is_duration(t):
            return raw.cast(pa.int32()).cast(t) if t.bit_width == 32 else pa.array([None if x is None else x * 86400000 for x in raw.to_pylist()], pa.int64()).cast(t)
        return pa.array([None if x is None else np.float16(x) for x in raw.to_pylist()], t) if t == pa.float16() else raw.cast(t)

    columns = {str(t): values(t) for t in types}
    columns["half vector"] = pa.array([[np.float16(k) for k in range(8)] for _ in range(n)], pa.list_(pa.float16(), 8))
    columns["bytes vector"] = pa.array([[k for k in range(8)] for _ in range(n)], pa.list_(pa.uint8(), 8))
    columns["image"] = pa.array([None if i % 4 == 1 else b"\x89PNG" + R.randbytes(i * 5) for i in range(n)], pa.binary())
    columns["fixed"] = pa.array([R.randbytes(16) for _ in range(n)], pa.binary(16))
    columns["nothing"] = pa.nulls(n)
    columns["null text"] = pa.nulls(n, pa.string())
    return pa.table(columns)


def multivector(n=100):
    t = pa.list_(pa.list_(pa.float32(), 8))
    return pa.table({"id": pa.array(range(n)), "vector": pa.array([[[float(i + k)] * 8 for k in range(1 + i % 3)] for i in range(n)], t)})


def long_texts():
    sizes = [0, 1 << 20, 1, 5 << 20, 100, 20 << 20]
    texts = [(("%d " % i + prose(50)) * (1 + size // 100))[:size] for i, size in enumerate(sizes)]
    return pa.table({"id": pa.array(range(len(texts))), "text": pa.array(texts), "again": pa.array(texts[::-1])})


def rows(n):
    return pa.table({"id": pa.array(np.arange(n)), "text": pa.array([f"row {i} of {n}" for i in range(n)], pa.string()),
                     "vector": pa.FixedSizeListArray.from_arrays(pa.array(np.arange(n * 4, dtype=np.float32)), 4)})


def extensions(n=50):
    ids = pa.array([R.randbytes(16) for _ in range(n)], pa.binary(16))
    return pa.table({"id": pa.array(range(n)), "uuid": pa.ExtensionArray.from_storage(pa.uuid(), ids)})


def json_extension(n=50):
    texts = pa.array([None if i % 5 == 2 else '{"a":%d,"b":[1,null,"ü"]}' % i for i in range(n)], pa.string())
    return pa.table({"id": pa.array(range(n)), "doc": pa.ExtensionArray.from_storage(pa.json_(pa.utf8()), texts)})


@get_registry().register("test-letters")
class Letters(TextEmbeddingFunction):
    def generate_embeddings(self, texts):
        return [[float(len(t)), float(t.count("e"))] for t in texts]

    def ndims(self):
        return 2


def embedded_schema():
    function = get_registry().get("test-letters").create()

    class Embedded(LanceModel):
        text: str = function.SourceField()
        vector: Vector(function.ndims()) = function.VectorField()
        n: int
    return Embedded


# -- what is done with them ----------------------------------------------------------------------------------------------

def small_appends(db, name, options):
    table = db.create_table(name, data=rows(5), **options)
    for i in range(300):
        table.add([{"id": i, "text": prose(3), "vector": vector(4)}])
    return table


def edits(db, name, options):
    table = db.create_table(name, data=dicts(), **options)
    table.add(dicts(100))
    table.update(where="n % 7 = 3", values={"text": "changed ü"})
    table.update(where="n > 250", values_sql={"n": "n + 1000"})
    table.delete("n % 5 = 1")
    table.merge_insert("n").when_matched_update_all().when_not_matched_insert_all().execute(dicts(40))
    table.merge_insert("n").when_not_matched_by_source_delete("n < 3").execute(dicts(2))
    return table


def optimized(db, name, options):
    table = edits(db, name, options)
    table.optimize(cleanup_older_than=datetime.timedelta(0), delete_unverified=True)
    table.add(dicts(20))
    return table


def compacted(db, name, options):
    table = edits(db, name, options)
    table.compact_files()
    table.cleanup_old_versions(datetime.timedelta(0), delete_unverified=True)
    return table


def columns_changed(db, name, options):
    table = db.create_table(name, data=dicts(), **options)
    table.add_columns({"twice": "n * 2", "label": "concat('#', text)", "same": "'constant'"})
    table.add([d | {"twice": None, "label": "later", "same": "other"} for d in dicts(30)])
    table.alter_columns({"path": "text", "rename": "content"}, {"path": "n", "data_type": pa.int32()}, {"path": "id", "nullable": True})
    table.drop_columns(["price"])
    return table


def columns_null(db, name, options):
    table = db.create_table(name, data=dicts(), **options)
    table.add_columns(pa.field("later", pa.list_(pa.string())))
    table.add_columns([pa.field("nested", pa.struct([("a", pa.int32())]))])
    return table


def indexed(db, name, options):
    table = db.create_table(name, data=[d | {"vector": vector(16)} for d in dicts(600)], **options)
    table.create_scalar_index("n")
    table.create_scalar_index("flag", index_type="BITMAP")
    table.create_fts_index("text", use_tantivy=False)
    table.create_index(num_partitions=2, num_sub_vectors=2)
    table.add(dicts(50))
    table.delete("n < 10")
    table.optimize()
    return table


def hnsw(db, name, options):
    table = db.create_table(name, data=dicts(600), **options)
    table.create_index(num_partitions=1, index_type="IVF_HNSW_SQ")
    table.add(dicts(10))
    return table


def restored(db, name, options):
    table = db.create_table(name, data=dicts(), **options)
    table.add(dicts(10))
    table.delete("n > 3")
    table.tags.create("first", 1)
    table.checkout(2)
    table.restore()
    return table


def overwritten(db, name, options):
    db.create_table(name, data=dicts(), **options)
    return db.create_table(name, data=langchain(), mode="overwrite", **options)


def joined(db, name, options):
    table = db.create_table(name, data=rows(300), **options)
    table.merge(pa.table({"id": pa.array(range(0, 600, 2)), "joined": pa.array([f"j{i}" for i in range(300)])}), left_on="id")
    return table


def bad_vectors(db, name, options):
    data = [{"vector": vector() if i % 3 else vector(3), "n": i} for i in range(50)]
    return db.create_table(name, data=data, on_bad_vectors="null", **options)


def embedded(db, name, options):
    table = db.create_table(name, schema=embedded_schema(), **options)
    table.add([{"text": prose(i % 9), "n": i} for i in range(60)])
    return table


def only_schema(db, name, options):
    return db.create_table(name, schema=Document, **options)


def streamed(db, name, options):
    def batches():
        for k in range(7):
            yield pa.RecordBatch.from_pylist([{"id": k * 100 + i, "text": prose(i % 9)} for i in range(k * 20)], schema=schema)
    schema = pa.schema([("id", pa.int64()), ("text", pa.string())])
    return db.create_table(name, data=batches(), schema=schema, **options)


def from_data(make):
    return lambda db, name, options: db.create_table(name, data=make(), **options)


def from_models(db, name, options):
    return db.create_table(name, data=pydantic_models(), schema=Document, **options)


TABLES = {
    "pydantic": from_models, "embedded": embedded, "only_schema": only_schema, "dicts": from_data(dicts), "langchain": from_data(langchain), "llamaindex": from_data(llamaindex),
    "nested_lists": from_data(nested_lists), "pandas": from_data(pandas_frame), "polars": from_data(polars_frame), "every_type": from_data(every_type), "multivector": from_data(multivector),
    "long_texts": from_data(long_texts), "extensions": from_data(extensions), "json_extension": from_data(json_extension), "bad_vectors": bad_vectors, "small_appends": small_appends,
    "edits": edits, "optimized": optimized, "compacted": compacted, "columns_changed": columns_changed, "columns_null": columns_null, "indexed": indexed, "hnsw": hnsw, "restored": restored,
    "overwritten": overwritten, "joined": joined, "streamed": streamed,
} | {f"rows_{n}": from_data(lambda n=n: rows(n)) for n in (1, 2, 1023, 1024, 1025, 4096, 65536)}


def main():
    version = tuple(int(part) for part in lancedb.__version__.split(".")[:2])
    n_failed = 0
    for storage in ["default", "legacy", "2.0", "2.1", "2.2"]:
        folder = os.path.join(OUT, storage)
        shutil.rmtree(folder, ignore_errors=True)
        options, connect = {}, {}
        if storage != "default":
            if version >= (0, 22):
                connect = {"storage_options": {"new_table_data_storage_version": storage}}
            else:
                options = {"data_storage_version": storage}
        db = lancedb.connect(folder, **connect)
        for name, make in TABLES.items():
            try:
                table = make(db, name, options)
                # to_arrow() of versions before 0.22 stops at 10 rows
                tables_rows.dump(table.to_lance() if version < (0, 22) else table.to_arrow(), os.path.join(folder, name + ".jsonl"))
            except BaseException as error:  # a panic is no Exception
                if isinstance(error, KeyboardInterrupt):
                    raise
                n_failed += 1
                shutil.rmtree(os.path.join(folder, name + ".lance"), ignore_errors=True)
                print(f"NOT WRITTEN {storage} {name}: {type(error).__name__}: {' '.join(str(error).split())[:160]}")
    print(f"lancedb {lancedb.__version__}: {n_failed} tables could not be written")


main()
