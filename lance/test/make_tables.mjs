#!/usr/bin/env node
// Writes LanceDB tables with the official client, and beside each the rows that the client itself reads back.
//
//   node make_tables.mjs OUTDIR            the conformance corpus: OUTDIR/<storage version>/<table>.lance and .jsonl
//   node make_tables.mjs --sample OUTDIR   the few small tables that are committed under lance/test/data
//
// The modules @lancedb/lancedb and apache-arrow are looked up from $GEN_NODE_MODULES (a folder that is or holds node_modules), else
// from the working directory. Without them: one line that says so, and exit status 77.
//
// The form of the expected rows is described in expect.h.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';

const args = process.argv.slice(2);
const isSample = args[0] === '--sample';
const outDir = args[isSample ? 1 : 0];
if (!outDir) {
    console.error('usage: make_tables.mjs [--sample] OUTDIR');
    process.exit(2);
}

let arrow, lancedb, release;
try {
    const from = path.resolve(process.env.GEN_NODE_MODULES || process.cwd());
    const require = createRequire(path.join(from, 'resolve.js'));
    lancedb = require('@lancedb/lancedb');
    arrow = require('apache-arrow');
    const own = path.join(path.dirname(require.resolve('@lancedb/lancedb')), '..');
    release = Number(JSON.parse(fs.readFileSync(path.join(own, 'package.json'), 'utf8')).version.split('.')[1]);
} catch (error) {
    console.log('SKIPPED: @lancedb/lancedb and apache-arrow are not installed (' + String(error.message).split('\n')[0] + ')');
    process.exit(77);
}

// -- data: reproducible, of the kinds that choose different encodings ------------------------------------------------

function random(seed) {
    let a = seed >>> 0;
    return () => {
        a = (a + 0x6d2b79f5) >>> 0;
        let t = Math.imul(a ^ (a >>> 15), 1 | a);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}

const WORDS = ('the a dataset file group attribute chunk storage layout of and in is to with compression filter extent rank '
    + 'dimension datatype string compound array reference link object header superblock offset byte length cache page '
    + 'index tree node leaf key value parallel collective process rank communicator größe naïve 数据 格式 \u{1F4BE}').split(' ');

function prose(r, n) {
    const words = [];
    for (let size = 0; size < n;) {
        const w = WORDS[Math.floor(r() * WORDS.length)];
        words.push(w);
        size += w.length + 1;
    }
    return words.join(' ');
}

function fixedSizeList(n, dimension, r, nullEvery) {
    const values = new Float32Array(n * dimension);
    for (let i = 0; i < values.length; i++) values[i] = r() * 2 - 1;
    const child = arrow.makeData({ type: new arrow.Float32(), length: values.length, nullCount: 0, data: values });
    const type = new arrow.FixedSizeList(dimension, new arrow.Field('item', new arrow.Float32(), true));
    let nullBitmap, nullCount = 0;
    if (nullEvery) {
        nullBitmap = new Uint8Array(Math.ceil(n / 8));
        for (let i = 0; i < n; i++) {
            if (i % nullEvery) nullBitmap[i >> 3] |= 1 << (i & 7);
            else nullCount++;
        }
    }
    return { type, data: arrow.makeData({ type, length: n, nullCount, nullBitmap, child }) };
}

function table(columns) {
    const fields = [], data = [];
    for (const c of columns) {
        const d = c.data || arrow.vectorFromArray(c.values, c.type).data[0];
        fields.push(new arrow.Field(c.name, c.type, c.nullable !== false, new Map(Object.entries(c.meta || {}))));
        data.push(d);
    }
    const schema = new arrow.Schema(fields);
    const struct = arrow.makeData({ type: new arrow.Struct(fields), length: data[0].length, nullCount: 0, children: data });
    return new arrow.Table(schema, [new arrow.RecordBatch(schema, struct)]);
}

const T = {
    i8: () => new arrow.Int8(), i16: () => new arrow.Int16(), i32: () => new arrow.Int32(), i64: () => new arrow.Int64(),
    u8: () => new arrow.Uint8(), u16: () => new arrow.Uint16(), u32: () => new arrow.Uint32(), u64: () => new arrow.Uint64(),
    f32: () => new arrow.Float32(), f64: () => new arrow.Float64(), str: () => new arrow.Utf8(), bool: () => new arrow.Bool(),
    bin: () => new arrow.Binary(), nul: () => new arrow.Null(),
};

const big = (r) => BigInt.asIntN(64, (BigInt(Math.floor(r() * 2 ** 31)) << 33n) ^ BigInt(Math.floor(r() * 2 ** 31)));

// Chunks of documents, as retrieval programs write them.
function chunks(n, seed, firstId, options = {}) {
    const r = random(seed), rows = Array.from({ length: n }, (_, i) => i), types = ['markdown', 'code', 'paper', 'web'];
    const maybe = (p, f) => (r() < p ? null : f());
    return table([
        { name: 'id', type: T.i64(), nullable: false, values: rows.map((i) => BigInt(firstId + i)) },
        { name: 'content', type: T.str(), values: rows.map((i) => (i % 97 === 5 ? '' : prose(r, options.short ? 60 : 200 + r() * 2500))) },
        { name: 'content_hash', type: T.str(), values: rows.map((i) => createHash('sha256').update(`${seed}/${i}`).digest('hex')) },
        ...(options.dimension === 0 ? [] : [{ name: 'vector', ...fixedSizeList(n, options.dimension || 16, random(seed + 1)) }]),
        { name: 'source_file', type: T.str(), values: rows.map((i) => `docs/part${i >> 6}/page-${(i >> 3) % 50}.md`) },
        { name: 'source_type', type: T.str(), values: rows.map(() => types[Math.floor(r() * r() * 4)]) },
        { name: 'start_line', type: T.i32(), values: rows.map((i) => i * 7) },
        { name: 'end_char', type: T.i64(), values: rows.map((i) => maybe(0.2, () => BigInt(i * 1999))) },
        { name: 'parent_id', type: T.str(), values: rows.map((i) => maybe(0.5, () => 'parent-' + (i >> 3).toString(16))) },
        { name: 'title', type: T.str(), values: rows.map((i) => maybe(0.1, () => prose(random(i >> 4), 20))) },
        { name: 'citations', type: T.str(), values: rows.map(() => null) },
        { name: 'lang', type: T.str(), values: rows.map(() => 'en') },
        { name: 'is_code', type: T.bool(), values: rows.map(() => r() < 0.3) },
        { name: 'score', type: T.f64(), values: rows.map(() => maybe(0.1, () => r() * 100)) },
        { name: 'created_at', type: new arrow.TimestampMicrosecond(), values: rows.map((i) => 1700000000000 + i * 1000) },
    ]);
}

// Every scalar type, in several distributions.
function types(n, seed, isLegacy) {
    const r = random(seed), seq = (f) => Array.from({ length: n }, (_, i) => f(i)), int = (m) => Math.floor(r() * m);
    const maybe = (p, f) => (r() < p ? null : f());
    const columns = [
        { name: 'id', type: T.i64(), nullable: false, values: seq((i) => BigInt(i)) },
        { name: 'i8', type: T.i8(), values: seq(() => int(256) - 128) },
        { name: 'i16', type: T.i16(), values: seq(() => int(65536) - 32768) },
        { name: 'i32_random', type: T.i32(), values: seq(() => r() * 4294967296 | 0) },
        { name: 'i64_random', type: T.i64(), values: seq(() => big(r)) },
        { name: 'u8', type: T.u8(), values: seq(() => int(256)) },
        { name: 'u16', type: T.u16(), values: seq(() => int(1000)) },
        { name: 'u32', type: T.u32(), values: seq(() => r() * 4294967296 >>> 0) },
        { name: 'u64', type: T.u64(), values: seq(() => BigInt.asUintN(64, big(r))) },
        { name: 'i32_small', type: T.i32(), values: seq(() => int(100)) },
        { name: 'i32_negative', type: T.i32(), values: seq(() => int(100) - 50) },
        { name: 'i32_nulls', type: T.i32(), values: seq(() => maybe(0.3, () => int(5000))) },
        { name: 'i32_all_null', type: T.i32(), values: seq(() => null) },
        { name: 'i32_constant', type: T.i32(), values: seq(() => 42) },
        { name: 'i32_constant_nulls', type: T.i32(), values: seq((i) => (i % 3 ? 42 : null)) },
        { name: 'i64_runs', type: T.i64(), values: seq((i) => BigInt(Math.floor(i / 50) * 1000003)) },
        { name: 'i64_runs_nulls', type: T.i64(), values: seq((i) => (Math.floor(i / 70) % 5 === 2 ? null : BigInt(Math.floor(i / 70)))) },
        { name: 'i64_few', type: T.i64(), values: seq(() => [5n, -9000000000n, 123456789012345n, 7n][int(4)]) },
        { name: 'u8_mostly_0', type: T.u8(), values: seq(() => (r() < 0.999 ? 0 : 1)) },
        { name: 'bool_random', type: T.bool(), values: seq(() => r() < 0.5) },
        { name: 'bool_nulls', type: T.bool(), values: seq(() => maybe(0.4, () => r() < 0.5)) },
        { name: 'bool_true', type: T.bool(), values: seq(() => true) },
        { name: 'bool_runs', type: T.bool(), values: seq((i) => (i >> 6) % 2 === 0) },
        { name: 'f32', type: T.f32(), values: seq(() => Math.fround(r() * 10 - 5)) },
        { name: 'f32_nulls', type: T.f32(), values: seq(() => maybe(0.1, () => Math.fround(r()))) },
        { name: 'f64', type: T.f64(), values: seq((i) => (i === 7 ? NaN : i === 8 ? Infinity : i === 9 ? -0 : i === 10 ? -Infinity : r() * 1e6)) },
        { name: 'f64_runs', type: T.f64(), values: seq((i) => Math.floor(i / 100) / 3) },
        { name: 'ts_us', type: new arrow.TimestampMicrosecond(), values: seq((i) => 1600000000000 + i * 60000) },
        { name: 'ts_ms_utc', type: new arrow.TimestampMillisecond('UTC'), values: seq(() => maybe(0.2, () => 1600000000000 + int(1e9))) },
        { name: 'ts_s', type: new arrow.TimestampSecond(), values: seq((i) => 1600000000000 + i * 1000) },
        { name: 'date32', type: new arrow.DateDay(), values: seq(() => new Date(86400000 * (18000 + int(2000)))) },
        { name: 's_words', type: T.str(), values: seq(() => WORDS[int(WORDS.length)]) },
        { name: 's_unique', type: T.str(), values: seq((i) => 'doc-' + i.toString(36) + '-' + int(1e9).toString(16)) },
        { name: 's_few', type: T.str(), values: seq(() => ['markdown', 'code', 'paper', 'web'][int(4)]) },
        { name: 's_few_nulls', type: T.str(), values: seq(() => maybe(0.3, () => ['alpha', 'beta', '', 'γάμμα'][int(4)])) },
        { name: 's_all_null', type: T.str(), values: seq(() => null) },
        { name: 's_all_empty', type: T.str(), values: seq(() => '') },
        { name: 's_constant', type: T.str(), values: seq(() => 'constant value') },
        { name: 's_constant_nulls', type: T.str(), values: seq((i) => (i % 3 ? 'a constant that is longer than thirty-two bytes' : null)) },
        { name: 's_text_nulls', type: T.str(), values: seq(() => maybe(0.25, () => prose(r, r() * 240))) },
        { name: 's_one_null', type: T.str(), values: seq((i) => (i === 3 ? null : 'v' + int(300))) },
        { name: 'binary', type: T.bin(), values: seq(() => maybe(0.1, () => Uint8Array.from({ length: int(40) }, () => int(256)))) },
        { name: 'large', type: new arrow.LargeUtf8(), values: seq(() => maybe(0.1, () => prose(r, r() * 60))) },
        { name: 'nothing', type: T.nul(), values: seq(() => null) },
        { name: 'vec3', ...fixedSizeList(n, 3, random(seed + 5)) },
    ];
    if (!isLegacy) {
        columns.push({ name: 'vec3_nulls', ...fixedSizeList(n, 3, random(seed + 6), 5) });
        columns.push({ name: 'vec384_nulls', ...fixedSizeList(n, 384, random(seed + 7), 7) });
    }
    return table(columns);
}

function documents(n, seed) {
    const r = random(seed), rows = Array.from({ length: n }, (_, i) => i);
    const text = (i) => (i % 5 === 4 ? null : i % 5 === 3 ? '' : i % 5 === 2 ? 'short' : prose(r, i === 10 ? 400000 : 100000));
    return table([
        { name: 'id', type: T.i64(), nullable: false, values: rows.map((i) => BigInt(i)) },
        { name: 'document', type: T.str(), values: rows.map(text) },
        { name: 'all_long', type: T.str(), values: rows.map(() => prose(r, 40000)) },
    ]);
}

function dictionaries(n, seed, nulls) {
    const r = random(seed), rows = Array.from({ length: n }, (_, i) => i), type = new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32());
    const colours = ['red', 'green', 'blue', 'a longer name of a colour'];
    return table([
        { name: 'id', type: T.i64(), nullable: false, values: rows.map((i) => BigInt(i)) },
        { name: 'colour', type, values: rows.map((i) => (nulls && i % 4 === 1 ? null : colours[Math.floor(r() * 4)])) },
    ]);
}

// Columns whose metadata ask for particular encodings.
function asked(n, seed) {
    const r = random(seed), rows = Array.from({ length: n }, (_, i) => i), m = (o) => Object.fromEntries(Object.entries(o).map(([k, v]) => ['lance-encoding:' + k, v]));
    const maybe = (p, f) => (r() < p ? null : f());
    return table([
        { name: 'id', type: T.i64(), nullable: false, values: rows.map((i) => BigInt(i)) },
        { name: 'zstd', type: T.str(), values: rows.map(() => prose(r, 300)), meta: m({ compression: 'zstd' }) },
        { name: 'lz4', type: T.str(), values: rows.map(() => prose(r, 300)), meta: m({ compression: 'lz4' }) },
        { name: 'none', type: T.str(), values: rows.map(() => prose(r, 300)), meta: m({ compression: 'none' }) },
        { name: 'i32_zstd', type: T.i32(), values: rows.map(() => Math.floor(r() * 1e6)), meta: m({ compression: 'zstd' }) },
        { name: 'f32_split', type: T.f32(), values: rows.map((i) => Math.fround(20 + Math.sin(i / 30))), meta: m({ compression: 'zstd', bss: 'on' }) },
        { name: 's_fullzip', type: T.str(), values: rows.map(() => maybe(0.1, () => prose(r, 30))), meta: m({ 'structural-encoding': 'fullzip' }) },
        { name: 'i32_fullzip', type: T.i32(), values: rows.map(() => maybe(0.1, () => Math.floor(r() * 1000))), meta: m({ 'structural-encoding': 'fullzip' }) },
        { name: 's_miniblock', type: T.str(), values: rows.map(() => maybe(0.1, () => prose(r, 800))), meta: m({ 'structural-encoding': 'miniblock' }) },
    ]);
}

// Listed in the schema but not read: they must not disturb the columns beside them.
function nested(n) {
    const rows = Array.from({ length: n }, (_, i) => i), item = (t) => new arrow.Field('item', t, true);
    const struct = new arrow.Struct([new arrow.Field('a', T.i32(), true), new arrow.Field('b', T.str(), true)]);
    return table([
        { name: 'id', type: T.i64(), nullable: false, values: rows.map((i) => BigInt(i)) },
        { name: 'tags', type: new arrow.List(item(T.str())), values: rows.map((i) => Array.from({ length: i % 4 }, (_, k) => 'tag' + k)) },
        { name: 'meta', type: struct, values: rows.map((i) => ({ a: i, b: 'b' + i })) },
        { name: 'after', type: T.str(), values: rows.map((i) => 'after ' + i) },
    ]);
}

function numbers(n) {
    const rows = Array.from({ length: n }, (_, i) => i);
    return table([
        { name: 'id', type: T.i64(), nullable: false, values: rows.map((i) => BigInt(i)) },
        { name: 'text', type: T.str(), values: rows.map((i) => 'row ' + i) },
    ]);
}

// -- expected rows ---------------------------------------------------------------------------------------------------

function rawInteger(vector, i) {
    let k = i;
    for (const d of vector.data) {
        if (k >= d.length) {
            k -= d.length;
            continue;
        }
        if (d.values instanceof BigInt64Array) return d.values[k];
        if (d.values.length >= 2 * d.length && !(vector.type.typeId === arrow.Type.Date && vector.type.unit === 0))
            return (BigInt(d.values[2 * k + 1]) << 32n) | BigInt(d.values[2 * k] >>> 0);
        return d.values[k];
    }
    throw new Error('row out of range');
}

const text = (s) => (isSample && Buffer.byteLength(s) > 64 ? { $s: createHash('sha1').update(s).digest('hex') } : s);

function number(x) {
    if (Number.isNaN(x)) return { $f: 'nan' };
    if (x === Infinity || x === -Infinity) return { $f: x > 0 ? 'inf' : '-inf' };
    return Object.is(x, -0) ? { $f: '-0' } : x;
}

function value(vector, i) {
    if (!vector.isValid(i)) return null;
    const t = vector.type, K = arrow.Type;
    switch (t.typeId) {
    case K.Null: return null;
    case K.Float: return number(vector.get(i));
    case K.Binary: case K.LargeBinary: case K.FixedSizeBinary: return { $b: Buffer.from(vector.get(i)).toString('hex') };
    case K.Timestamp: case K.Date: case K.Time: case K.Duration: return { $t: rawInteger(vector, i).toString() };
    case K.Int: {
        const x = vector.get(i);
        return typeof x !== 'bigint' ? x : x >= -9007199254740991n && x <= 9007199254740991n ? Number(x) : { $i: x.toString() };
    }
    case K.FixedSizeList: {
        const items = vector.get(i);
        if (items.length <= 8) return Array.from({ length: items.length }, (_, k) => value(items, k));
        const f = Float32Array.from({ length: items.length }, (_, k) => items.get(k));
        return { $v: createHash('sha1').update(Buffer.from(f.buffer)).digest('hex') };
    }
    case K.List: { const items = vector.get(i); return Array.from({ length: items.length }, (_, k) => value(items, k)); }
    case K.Struct: return Object.fromEntries(t.children.map((f, k) => [f.name, value(vector.getChildAt(k), i)]));
    case K.Utf8: case K.LargeUtf8: return text(vector.get(i));
    default: return vector.get(i);
    }
}

async function dump(tableHandle, file) {
    const rows = await tableHandle.countRows();
    const result = await tableHandle.query().limit(Math.max(1, rows)).toArrow();
    const lines = [];
    for (const batch of result.batches) {
        const columns = batch.schema.fields.map((f, k) => [f.name, batch.getChildAt(k)]);
        for (let i = 0; i < batch.numRows; i++)
            lines.push(JSON.stringify(Object.fromEntries(columns.map(([name, vector]) => [name, value(vector, i)]))));
    }
    fs.writeFileSync(file, lines.map((l) => l + '\n').join(''));
    return rows;
}

// -- tables ----------------------------------------------------------------------------------------------------------

const append = async (t) => {
    for (let k = 1; k <= 3; k++) await t.add(chunks(150 + k, 20 + k, k * 1000));
};
const base = () => chunks(200, 20, 0);

function corpus(isLegacy) {
    const list = [
        ['chunks', () => chunks(2400, 11, 0, { dimension: 384 })],
        ['types', () => types(3000, 12, isLegacy)],
        ['documents', () => documents(40, 13)],
        ['dictionary', () => dictionaries(500, 14, false)],
        ['nested', () => nested(300)],
        ['numbers', () => numbers(10000)],
        ['fragments', base, append],
        ['deleted', base, append, (t) => t.delete('id % 7 = 3')],
        ['deleted_all', base, append, (t) => t.delete('id >= 0')],
        ['deleted_first_fragment', base, append, (t) => t.delete('id < 1000')],
        ['deleted_bitmap', () => numbers(20000), (t) => t.delete('id % 2 = 0')],
        ['deleted_twice', () => numbers(70000), (t) => t.delete('id % 10 = 0'), (t) => t.delete('id >= 66000 and id <= 66100')],
        ['updated', base, append, (t) => t.update({ where: 'id % 10 = 4', values: { source_type: 'updated', title: 'new' } })],
        ['compacted', base, append, (t) => t.delete('id % 7 = 3'), (t) => t.optimize()],
        ['column_dropped', base, (t) => t.dropColumns(['title', 'source_file'])],
        ['column_renamed', base, (t) => t.alterColumns([{ path: 'title', rename: 'heading' }])],
        ['overwritten', base, async (t, db, options) => db.createTable('overwritten', chunks(120, 42, 100, { dimension: 0 }), { ...options, mode: 'overwrite' })],
        ['empty', null],
    ];
    if (!isLegacy) { // 0.1 cannot hold these
        list.push(['column_added', base, append, (t) => t.addColumns([{ name: 'double_line', valueSql: 'start_line * 2' }]),
                (t) => t.delete('id % 7 = 3'), (t) => t.add(chunks(50, 28, 9000))],
            ['column_added_null', base, append, (t) => t.addColumns(new arrow.Field('extra', new arrow.Utf8(), true))]);
        list.push(['dictionary_nulls', () => dictionaries(500, 14, true)]);
        list.push(['asked', () => asked(1500, 16)]);
    }
    for (const n of [1, 2, 7, 8, 9, 1023, 1024, 1025, 4095, 4096, 4097])
        list.push([`size_${n}`, () => chunks(n, 100 + n, 0, { short: true, dimension: 4 })]);
    return list;
}

function sample() {
    return [
        ['chunks', () => chunks(4, 11, 0, { dimension: 8 })],
        ['types', () => table(['id', 'i64_random', 'i32_nulls', 'bool_nulls', 'f64', 'ts_us', 's_unique', 's_few_nulls', 's_all_null', 'nothing', 'binary']
            .map((name) => { const t = types(20, 12, true), v = t.getChild(name); return { name, type: v.type, data: v.data[0] }; }))],
        ['deleted', () => chunks(20, 20, 0, { short: true, dimension: 0 }), (t) => t.add(chunks(15, 21, 100, { short: true, dimension: 0 })), (t) => t.delete('id % 7 = 3')],
    ];
}

// What clients before 0.27 can do too.
function older(isLegacy) {
    const wanted = ['chunks', 'types', 'documents', 'dictionary', 'nested', 'numbers', 'fragments', 'deleted', 'deleted_all', 'deleted_bitmap', 'deleted_twice', 'size_1', 'size_1024', 'size_1025'];
    // 0.10.0 answers too few rows where a 2.0 table has deletions: no oracle.
    return corpus(true).filter(([name]) => wanted.includes(name) && (release !== 10 || isLegacy || !name.startsWith('deleted'))).concat(release < 13 || isLegacy ? [] : corpus(false).filter(([name]) => name === 'column_added'));
}

function optionsFor(version) {
    if (version === 'default') return {};
    if (release >= 18) return { storageOptions: { newTableDataStorageVersion: version } };
    return release >= 9 ? { dataStorageVersion: version } : { useLegacyFormat: version === 'legacy' };
}

// The storage versions that a release writes and reads back.
const versions = isSample && release < 27 ? (release === 10 ? ['legacy', '2.1'] : ['2.0']) : release >= 27 ? ['legacy', '2.0', '2.1', '2.2', 'default'] : release >= 22 ? ['legacy', '2.0', '2.1', 'default'] : release >= 13 || release === 10 ? ['legacy', '2.0', 'default'] : ['legacy', 'default'];

// Of old clients: what the newest does not write any more (make_tables.mjs --sample with 0.10.0, 0.5.2).
function olderSample(isLegacy) {
    const list = sample().filter(([name]) => name === 'types' && isLegacy);
    if (release >= 10) list.push(['dictionary', () => dictionaries(30, 14, false)]);
    const short = ['id', 's_words', 's_unique', 'u8_mostly_0', 'i64_runs', 'vec3'];
    list.push(['packed', () => table(short.map((name) => { const t = types(40, 12, true), v = t.getChild(name); return { name, type: v.type, data: v.data[0] }; }))]);
    if (isLegacy) list.push(['batches', () => table([{ name: 'id', type: T.u16(), values: Array.from({ length: 1100 }, (_, i) => i) }])]);
    return list;
}

async function write(db, dir, options, [name, make, ...steps]) {
    fs.rmSync(path.join(dir, name + '.lance'), { recursive: true, force: true });
    let t = make ? await db.createTable(name, make(), options) : await db.createEmptyTable(name, base().schema, options);
    for (const step of steps) {
        await step(t, db, options);
        t = await db.openTable(name);
    }
    return dump(t, path.join(dir, name + '.jsonl'));
}

let failures = 0;
for (const version of versions) {
    if (isSample && version === 'default') continue;
    const dir = path.join(outDir, version);
    fs.mkdirSync(dir, { recursive: true });
    const db = await lancedb.connect(dir);
    const options = optionsFor(version);
    const list = isSample && release < 27 ? olderSample(version === 'legacy') : isSample ? sample().filter(([name]) => version !== '2.1' || name !== 'types') : release < 27 ? older(version === 'legacy' || (release < 13 && version === 'default')) : corpus(version === 'legacy');
    if (isSample && version === '2.2') list.push(['nested', () => nested(5)], ['bitmap', () => table([{ name: 'id', type: T.u16(), values: Array.from({ length: 8000 }, (_, i) => i) }]), (t) => t.delete('id % 400 <> 0')]);
    for (const entry of list) {
        try {
            await write(db, dir, options, entry);
        } catch (error) {
            failures++;
            console.log('FAILED', version, entry[0], String(error.message || error).replace(/\s+/g, ' ').slice(0, 300));
        }
    }
}
if (isSample && release >= 27) { // a version that must be refused
    const db = await lancedb.connect(path.join(outDir, '2.3'));
    await db.createTable('newer', numbers(3), { storageOptions: { newTableDataStorageVersion: '2.3' } });
}
if (isSample) { // what no reader needs
    for (const found of fs.readdirSync(outDir, { recursive: true, withFileTypes: true })) {
        if (found.name === '_transactions' || found.name.endsWith('_version_hint.json'))
            fs.rmSync(path.join(found.parentPath || found.path, found.name), { recursive: true, force: true });
    }
}
console.log(failures ? `${failures} tables could not be written` : 'all tables written');
process.exit(failures ? 1 : 0);
