#!/usr/bin/env node
// make_seeds.mjs OUTDIR DIR...: inputs for the fuzz targets from the tables below the DIRs, one folder of OUTDIR a target. Small
// tables only; of pages, one of each description (encodings, type of the column). The forms stand in fuzz_*.c.
//   SEED_BYTES=N   leaves out tables and pages above N bytes (default 24000)
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { columnMetadata, message, newestManifest, numbers, pageDescription, tablesBelow } from '../test/lance_files.mjs';

const [outDir, ...dirs] = process.argv.slice(2);
if (dirs.length === 0) {
    console.error('usage: make_seeds.mjs OUTDIR DIR...');
    process.exit(2);
}
const MAX = Number(process.env.SEED_BYTES || 24000);
// The order of fuzz_page.c; the fields of each in depth-first order.
const SCHEMAS = ['int32', 'int64', 'string', 'bool', 'double', 'binary', 'uint8', 'int16', 'null', 'dict:string:int32:false', 'fixed_size_list:float:N',
    'fixed_size_binary:N', 'large_string', 'list int32', 'list string', 'struct int32', 'list.struct struct string', 'list list int64',
    'struct string int32', 'decimal:128:38:2', 'fixed_size_list:bool:N', 'fixed_size_list:timestamp:us:UTC:N', 'blob',
    'struct int32 string fixed_size_list:float:N large_binary'];
const LAYOUT = { 1: 'miniblock', 2: 'constant', 3: 'fullzip' };
const counts = {};
const seen = new Set();

const u = (value, n) => { const b = Buffer.alloc(n); b.writeUIntLE(Number(value), 0, n); return b; };
function put(target, parts, key) {
    const bytes = Buffer.concat(parts), name = createHash('sha1').update(bytes).digest('hex').slice(0, 16);
    if (bytes.length > MAX || seen.has(target + (key || name))) return;
    seen.add(target + (key || name));
    fs.mkdirSync(path.join(outDir, target), { recursive: true });
    fs.writeFileSync(path.join(outDir, target, name), bytes);
    counts[target] = (counts[target] || 0) + 1;
}

function schemaOf(types) {
    const sized = types.map((t) => t.replace(/^(fixed_size_list:.*):(\d+)$/, '$1:N').replace(/^(fixed_size_binary):(\d+)$/, '$1:N'));
    const width = Number((types.join(' ').match(/\bfixed_size_(?:list|binary)\S*:(\d+)(?: |$)/) || [0, 0])[1]) & 255;
    const same = { timestamp: 'int64', date32: 'int32', date64: 'int64', time32: 'int32', time64: 'int64', duration: 'int64', uint32: 'int32', uint64: 'int64', float: 'int32',
        halffloat: 'int16', uint16: 'int16', int8: 'uint8', large_binary: 'binary' };
    const plain = sized.map((t) => same[t.split(':')[0]] && !t.startsWith('fixed') ? same[t.split(':')[0]] : t.startsWith('dict:') ? SCHEMAS[9] : t.startsWith('decimal') ? SCHEMAS[19] : t);
    return [Math.max(SCHEMAS.indexOf(plain.join(' ')), SCHEMAS.indexOf(sized.join(' '))), width];
}

function columnsOf(manifest) {
    const fields = (manifest[1] || []).map((f) => { const m = message(f);
        return { id: Number(BigInt.asIntN(32, m[3]?.[0] ?? 0n)), parent: Number(BigInt.asIntN(32, m[4]?.[0] ?? 0n)), type: (m[10] || []).some((b) => /(lance-encoding:blob\x12\x04true|lance\.blob\.v2)$/.test(b.toString('latin1'))) ? 'blob' : String(m[5]?.[0] ?? '') }; });
    const tops = [];
    for (const f of fields) {
        if (f.parent === -1) tops.push([f]);
        else tops.at(-1)?.push(f);
    }
    return tops;
}

function pages(columns, file, data) {
    const end = data.length, major = data.readUInt16LE(end - 8), minor = data.readUInt16LE(end - 6);
    const fileIds = numbers(file[2]), indices = numbers(file[3]);
    if (minor > 3 && major === 0) return;
    if (major === 0 && minor < 3) return batches(columns, fileIds, data);
    const metadata = columnMetadata(data);
    for (const column of columns) {
        const [schema, width] = schemaOf((column[0].type === 'blob' ? column.slice(0, 1) : column).map((f) => f.type));
        const leaves = column.map((f) => indices[fileIds.indexOf(f.id)]).filter((i) => i >= 0 && i !== undefined);
        if (schema < 0 || leaves.length === 0) continue;
        const lists = leaves.map((i) => metadata[i]);
        const n = Math.min(...lists.map((l) => (l[2] || []).length));
        for (let k = 0; k < n; k++) {
            const parts = [];
            let target = null, key = '', rows = 0;
            for (const list of lists) {
                const page = message(list[2][k]), offsets = numbers(page[1]), sizes = numbers(page[2]);
                let { url, description } = pageDescription(page);
                if (url.endsWith('.ArrayEncoding')) target = 'array20';
                else if (url.endsWith('encodings21.PageLayout')) {
                    let layout = message(description), number = Object.keys(layout)[0];
                    if (number === '4') { layout = message(message(layout[4][0])[1][0]); number = Object.keys(layout)[0]; }
                    target = LAYOUT[number];
                    description = layout[number][0];
                } else target = null;
                rows ||= Number(page[3]?.[0] ?? 0n);
                key += description.toString('hex').replace(/(08|18|28|48)[0-9a-f]{2,8}/g, '$1') .slice(0, 160) + offsets.length;
                parts.push(u(page[3]?.[0] ?? 0n, 4), u(description.length, 2), u(offsets.length, 1), ...sizes.map((s) => u(s, 4)), description,
                    ...offsets.map((o, i) => data.subarray(o, o + sizes[i])));
            }
            if (target) put(target, [u(schema, 1), u(width, 1), u(rows, 4), ...parts], key + schema);
        }
    }
}

function batches(columns, ids, data) {
    const at = Number(data.readBigInt64LE(data.length - 16)), metadata = message(data.subarray(at + 4, at + 4 + data.readUInt32LE(at)));
    const offsets = numbers(metadata[2]), table = Number(metadata[3]?.[0] ?? 0n), n = offsets.length - 1, first = Math.min(...ids);
    if (n > 4 || n < 1) return;
    for (const column of columns) {
        const [schema, width] = schemaOf(column.map((f) => f.type));
        if (schema < 0) continue;
        const entries = [];
        for (const f of column) {
            for (let b = 0; b < n; b++) {
                const p = table + 16 * ((f.id - first) * n + b);
                entries.push(u(data.readBigInt64LE(p), 4), u(data.readBigInt64LE(p + 8), 4));
            }
        }
        put('legacy', [u(schema, 1), u(width, 1), u(offsets[n], 4), u(n - 1, 1), ...offsets.slice(1, n).map((o) => u(o, 4)), ...entries, data.subarray(0, table)], schema + ':' + n + ':' + (data.length < 3000));
    }
}

function table(root) {
    const filesIn = (name) => { const d = path.join(root, name); return fs.existsSync(d) ? fs.readdirSync(d).sort().map((f) => path.join(d, f)) : []; };
    const newest = newestManifest(root);
    if (newest === null) return;
    const { bytes, text, fields: manifest } = newest, version = u(newest.version & 255n, 1);
    put('manifest', [version, text], [text.length >> 7, Object.keys(manifest), (manifest[2] || []).length].join());
    const deletions = filesIn('_deletions');
    for (const f of deletions) {
        const d = fs.readFileSync(f);
        put('deletion', [u(f.endsWith('.bin') ? 1 : 0, 1), u(Number((message((manifest[2] || [Buffer.alloc(0)])[0])[4] || [100000n])[0]), 4), d], path.extname(f) + (d.length >> 9) + d.includes(Buffer.from([4, 0x22, 0x4d, 0x18])));
    }
    for (const fragment of manifest[2] || []) {
        for (const entry of message(fragment)[2] || []) {
            const file = message(entry), name = path.join(root, 'data', String(file[1][0]));
            if (!fs.existsSync(name) || fs.statSync(name).size > 3e7) continue;
            const data = fs.readFileSync(name);
            const head = [u(bytes.length, 4), u(data.length, 4), version];
            const tail = deletions.length && fs.statSync(deletions[0]).size < MAX ? [fs.readFileSync(deletions[0])] : [];
            const key = [data.readUInt32LE(data.length - 8), tail.length, columnsOf(manifest).map((c) => c.map((f) => f.type)).join().slice(0, 200)].join('|');
            put('table', [...head, bytes, data, ...tail], key);
            try { pages(columnsOf(manifest), file, data); } catch (error) { console.log(name, String(error.message)); }
        }
    }
}

for (const root of tablesBelow(dirs)) table(root);
console.log(counts);
