#!/usr/bin/env node
// Which encodings stand in which tables: reads the descriptions of all pages below the DIRs, by its own parser, and prints a Markdown
// table "encoding | pages | a table that has it".
//   node encodings.mjs [--check] DIR...      --check: status 1 if something that is read (lance-format.md 4 to 7) has no table
import fs from 'node:fs';
import path from 'node:path';
import { columnMetadata, message, newestManifest, number, numbers, pageDescription, tablesBelow } from './lance_files.mjs';

const args = process.argv.slice(2);
const isCheck = args[0] === '--check';
const dirs = args.slice(isCheck ? 1 : 0);
if (dirs.length === 0) {
    console.error('usage: encodings.mjs [--check] DIR...');
    process.exit(2);
}

// What the samples must have, in the order of the table. "in" says where the encoding stands.
const WANTED = [
    'manifest V1', 'manifest V2', 'manifest of Lance before 0.8', 'several fragments', 'several files a fragment', 'column in no file', 'deletions: Arrow', 'deletions: Roaring',
    '0.1 file: plain', '0.1 file: plain bool', '0.1 file: strings', '0.1 file: dictionary', '0.1 file: fixed_size_list', '0.1 file: list', '0.1 file: struct', '0.1 file: footer 0.1', '0.1 file: footer 0.2', '0.1 file: several batches',
    '2.0: Flat', '2.0: Flat 1 bit', '2.0: Flat zstd', '2.0: NoNull', '2.0: SomeNull', '2.0: AllNull', '2.0: FixedSizeList', '2.0: List', '2.0: SimpleStruct', '2.0: Binary', '2.0: Dictionary', '2.0: Fsst',
    '2.0: PackedStruct', '2.0: Bitpacked', '2.0: FixedSizeBinary', '2.0 beta: strings as lists',
    '2.1: MiniBlock', '2.1: Constant, all null', '2.1: Constant, all null below lists', '2.1: FullZip, fixed width', '2.1: FullZip, variable width', '2.1: FullZip with repetition',
    '2.2: MiniBlock', '2.2: Constant, all null', '2.2: Constant, inline value', '2.2: Constant, value in a buffer', '2.2: Constant below lists', '2.2: FullZip, fixed width', '2.2: FullZip, variable width',
    '2.2: large chunks', 'repetition levels', 'definition levels', 'pages of several chunks', 'several pages a column',
    'Flat in values', 'Flat 1 bit in values', 'Variable(32) in values', 'Variable(64) in values', 'InlineBitpacking in values', 'OutOfLineBitpacking in values', 'Fsst in values', 'Rle in values', 'ByteStreamSplit in values',
    'General(LZ4) in values', 'General(zstd) in values', 'FixedSizeList in values', 'FixedSizeList with validity in values', 'PackedStruct in values',
    'Flat in full-zip', 'Variable(32) in full-zip', 'Fsst in full-zip', 'General(zstd) in full-zip', 'General(LZ4) in full-zip', 'FixedSizeList in full-zip',
    'Variable(32) in dictionary', 'General(LZ4) in dictionary', 'Flat in dictionary', 'OutOfLineBitpacking in dictionary', 'General(zstd) in dictionary',
    'Flat in levels', 'InlineBitpacking in levels', 'OutOfLineBitpacking in levels', 'Rle in levels',
    '2.0: BitpackedForNonNeg', '2.1: Blob', 'VariablePackedStruct in full-zip', 'Flat 1 bit in full-zip', 'FixedSizeList with validity in full-zip',
    'Flat in packed structs', 'Variable(32) in packed structs', 'Variable(64) in packed structs', 'FixedSizeList in packed structs',
];
// What the samples cannot have, and why.
const NOT_REQUIRED = {
    'OutOfLineBitpacking in values': 'only 2.3 writes it', 'General(LZ4) in full-zip': 'no client writes it',
    'manifest of Lance before 0.8': 'vectordb 0.2.6', '0.1 file: footer 0.1': 'vectordb 0.2.6', 'several pages a column': 'a page has 8 MB: lance.conformance',
    'OutOfLineBitpacking in dictionary': 'needs 8,192 rows: lance.conformance', 'General(zstd) in dictionary': 'client 0.22.3 alone: the shared corpus', '2.0: FixedSizeBinary': 'client 0.10.0 alone: the shared corpus',
};

const found = new Map();
let table = '';
function note(what) {
    const f = found.get(what) || { n: 0, table };
    f.n++;
    found.set(what, f);
}

const NAMES = { 1: 'Flat', 2: 'Variable', 3: 'Constant', 4: 'OutOfLineBitpacking', 5: 'InlineBitpacking', 6: 'Fsst', 7: 'Dictionary', 8: 'Rle', 9: 'ByteStreamSplit', 10: 'General', 11: 'FixedSizeList', 12: 'PackedStruct', 13: 'VariablePackedStruct' };
function compressive(buf, where) {
    const oneof = message(buf), member = Object.keys(oneof)[0];
    if (member === undefined) return;
    const m = message(oneof[member][0]), child = (n) => { for (const c of m[n] || []) if (typeof c !== 'bigint') compressive(c, where); };
    let name = NAMES[member] || 'member ' + member;
    if (name === 'Flat') note(`Flat${number(m, 1) === 1 ? ' 1 bit' : ''} in ${where}`);
    else if (name === 'Variable') note(`Variable(${m[1] ? number(message(message(m[1][0])[1]?.[0] ?? Buffer.alloc(0)), 1) : '?'}) in ${where}`);
    else if (name === 'General') { note(`General(${number(message(m[1]?.[0] ?? Buffer.alloc(0)), 1) === 1 ? 'LZ4' : 'zstd'}) in ${where}`); child(3); }
    else if (name === 'FixedSizeList') { note(`FixedSizeList${number(m, 3) ? ' with validity' : ''} in ${where}`); child(2); }
    else {
        note(`${name} in ${where}`);
        if (name === 'Rle') { child(1); child(2); }
        if (name === 'ByteStreamSplit') child(1);
        if (name === 'Fsst') child(2);
        if (name === 'PackedStruct') child(2);
        if (name === 'VariablePackedStruct') for (const f of m[1] || []) for (const c of message(f)[1] || []) compressive(c, 'packed structs');
    }
}

function layout21(buf, version, page) {
    const oneof = message(buf), member = Object.keys(oneof)[0], m = message(oneof[member][0]), n = numbers(page[1]).length;
    if (member === '1') {
        note(version + ': MiniBlock');
        for (const [field, where] of [[1, 'levels'], [2, 'levels'], [3, 'values'], [4, 'dictionary']]) if (m[field]) compressive(m[field][0], where);
        if (m[1]) note('repetition levels');
        if (m[2]) note('definition levels');
        if (number(m, 10)) note(version + ': large chunks');
        if (numbers(page[2])[0] > (number(m, 10) ? 4 : 2)) note('pages of several chunks');
    } else if (member === '2') {
        const nested = numbers(m[5]).length > 1;
        if (m[6] === undefined && n !== 1 && n !== 3) note(version + (nested ? ': Constant, all null below lists' : ': Constant, all null'));
        else note(version + (m[6] ? ': Constant, inline value' : ': Constant, value in a buffer'));
        if (nested && (m[6] || n === 3)) note(version + ': Constant below lists');
        for (const field of [7, 8]) if (m[field]) compressive(m[field][0], 'levels');
    } else if (member === '3') {
        note(`${version}: FullZip, ${m[3] ? 'fixed' : 'variable'} width`);
        if (number(m, 1)) note(version + ': FullZip with repetition');
        if (m[7]) compressive(m[7][0], 'full-zip');
    } else note(version + (member === '4' ? ': Blob' : ': layout ' + member));
}

const ARRAYS = { 1: 'Flat', 3: 'FixedSizeList', 4: 'List', 5: 'SimpleStruct', 6: 'Binary', 7: 'Dictionary', 8: 'Fsst', 9: 'PackedStruct', 10: 'Bitpacked', 11: 'FixedSizeBinary', 12: 'BitpackedForNonNeg', 13: 'Constant' };
function array20(buf) {
    const oneof = message(buf), member = Object.keys(oneof)[0];
    if (member === undefined) return;
    const m = message(oneof[member][0]), child = (...fields) => { for (const f of fields) for (const c of m[f] || []) if (typeof c !== 'bigint') array20(c); };
    if (member === '2') {
        const kind = Object.keys(m)[0], inner = message(m[kind][0]);
        note('2.0: ' + { 1: 'NoNull', 2: 'SomeNull', 3: 'AllNull' }[kind]);
        for (const f of kind === '3' ? [] : [1, 2]) for (const c of inner[f] || []) array20(c);
        return;
    }
    note('2.0: ' + (ARRAYS[member] || 'member ' + member));
    if (member === '1') {
        if (number(m, 1) === 1) note('2.0: Flat 1 bit');
        const scheme = m[3] ? String(message(m[3][0])[1]?.[0] ?? '') : '';
        if (scheme && scheme !== 'none') note('2.0: Flat ' + scheme);
    } else if (member === '3') child(2);
    else if (member === '4' || member === '8' || member === '9' || member === '11') child(1);
    else if (member === '6' || member === '7') child(1, 2);
}

function file2(data, footer, strings) {
    columnMetadata(data).forEach((column, i) => {
        if ((column[2] || []).length > 1) note('several pages a column');
        for (const buf of column[2] || []) {
            const page = message(buf), { url, description } = pageDescription(page);
            if (url.endsWith('.ArrayEncoding')) {
                if (strings.has(i) && message(description)[4]) note('2.0 beta: strings as lists');
                array20(description);
            }
            if (url.endsWith('encodings21.PageLayout')) layout21(description, footer, page);
        }
    });
}

function file1(data, ids, fields) {
    const minor = data.readUInt16LE(data.length - 6), at = Number(data.readBigInt64LE(data.length - 16));
    const metadata = message(data.subarray(at + 4, at + 4 + data.readUInt32LE(at)));
    note('0.1 file: footer 0.' + minor);
    if (numbers(metadata[2]).length > 2) note('0.1 file: several batches');
    for (const f of fields.filter((x) => ids.includes(x.id))) {
        const t = f.type;
        note('0.1 file: ' + (/^(large_)?(string|binary)$/.test(t) ? 'strings' : t.startsWith('dict:') ? 'dictionary' : t.startsWith('fixed_size_list') ? 'fixed_size_list' : /^(large_)?list/.test(t) ? 'list' : t === 'struct' ? 'struct' : t === 'bool' ? 'plain bool' : 'plain'));
    }
}

function visit(root) {
    const newest = newestManifest(root);
    if (newest === null) return;
    const manifest = newest.fields;
    table = path.basename(path.dirname(root)) + '/' + path.basename(root, '.lance');
    note(newest.name.length === 29 ? 'manifest V2' : 'manifest V1');
    const fields = (manifest[1] || []).map((f) => { const m = message(f); return { id: number(m, 3), type: String(m[5]?.[0] ?? ''), parent: Number(BigInt.asIntN(32, m[4]?.[0] ?? 0n)) }; });
    if (!manifest[13]) note('manifest of Lance before 0.8');
    if ((manifest[2] || []).length > 1) note('several fragments');
    for (const buf of manifest[2] || []) {
        const fragment = message(buf), files = fragment[2] || [], held = new Set();
        if (files.length > 1) note('several files a fragment');
        if (fragment[3]) note('deletions: ' + (number(message(fragment[3][0]), 1) ? 'Roaring' : 'Arrow'));
        for (const f of files) {
            const m = message(f), name = path.join(root, 'data', String(m[1][0])), ids = numbers(m[2]);
            for (const id of ids) held.add(id);
            if (!fs.existsSync(name)) continue;
            const data = fs.readFileSync(name), major = data.readUInt16LE(data.length - 8), minor = data.readUInt16LE(data.length - 6);
            if (major === 0 && minor < 3) file1(data, ids, fields);
            else {
                const columns = numbers(m[3]), text = ids.flatMap((id, k) => (/^(large_)?(string|binary)$/.test(fields.find((x) => x.id === id)?.type) ? [columns[k]] : []));
                file2(data, major === 0 ? '2.0' : `${major}.${minor}`, new Set(text));
            }
        }
        if (fields.some((f) => !held.has(f.id) && f.parent === -1 && !/^(struct|list|map)/.test(f.type))) note('column in no file');
    }
}

for (const root of tablesBelow(dirs))
    try { visit(root); } catch (error) { console.error(root, String(error.stack).slice(0, 300)); }

console.log('| encoding | pages or files | a table that has it |\n|---|---|---|');
let missing = 0;
for (const what of WANTED) {
    const f = found.get(what);
    if (!f && !NOT_REQUIRED[what]) missing++;
    console.log(`| ${what} | ${f ? f.n : '-'} | ${f ? f.table : NOT_REQUIRED[what] ? `(not required: ${NOT_REQUIRED[what]})` : '**none**'} |`);
}
for (const [what, f] of [...found].sort()) if (!WANTED.includes(what)) console.log(`| ${what} | ${f.n} | ${f.table} |`);
console.log(missing ? `\n${missing} of ${WANTED.length} have no table` : '\nevery one has a table');
process.exit(isCheck && missing ? 1 : 0);
