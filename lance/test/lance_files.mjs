// Lance files for the scripts around the tests: protobuf messages, the newest manifest of a table, tables below a folder. A parser
// of its own, so that the scripts do not depend on the library that they prove.
import fs from 'node:fs';
import path from 'node:path';

// Fields of a protobuf message: {number: [values]}, numbers as BigInt, the rest as Buffer.
export function message(buf) {
    const out = {};
    for (let p = 0; p < buf.length;) {
        const varint = () => { let v = 0n, s = 0n; for (;;) { const b = buf[p++]; v |= BigInt(b & 127) << s; s += 7n; if (b < 128) return v; } };
        const key = varint(), field = Number(key >> 3n), wire = Number(key & 7n);
        let value;
        if (wire === 0) value = varint();
        else if (wire === 2) { const n = Number(varint()); value = buf.subarray(p, p + n); p += n; }
        else if (wire === 1) { value = buf.readBigUInt64LE(p); p += 8; }
        else if (wire === 5) { value = BigInt(buf.readUInt32LE(p)); p += 4; }
        else throw new Error('wire type ' + wire);
        (out[field] ||= []).push(value);
    }
    return out;
}

// The integers of a repeated field, packed or not.
export const numbers = (list) => (list || []).flatMap((v) => {
    if (typeof v === 'bigint') return [Number(v)];
    const out = [];
    for (let p = 0; p < v.length;) { let x = 0n, s = 0n; for (;;) { const b = v[p++]; x |= BigInt(b & 127) << s; s += 7n; if (b < 128) break; } out.push(Number(BigInt.asIntN(64, x))); }
    return out;
});

export const number = (m, field) => Number(m[field]?.[0] ?? 0n);

function versionOf(name) {
    const digits = path.basename(name, '.manifest'), n = BigInt(digits);
    return digits.length === 20 ? 2n ** 64n - 1n - n : n;
}

// { name, version, bytes of the file, text of its message, fields of it }, or null where there is none.
export function newestManifest(root) {
    const folder = path.join(root, '_versions');
    const names = fs.readdirSync(folder).filter((f) => /^\d+\.manifest$/.test(f)).sort((a, b) => (versionOf(a) < versionOf(b) ? 1 : -1));
    if (names.length === 0) return null;
    const bytes = fs.readFileSync(path.join(folder, names[0])), at = Number(bytes.readBigInt64LE(bytes.length - 16));
    const text = bytes.subarray(at + 4, at + 4 + bytes.readUInt32LE(at));
    return { name: names[0], version: versionOf(names[0]), bytes, text, fields: message(text) };
}

// The metadata messages of the columns of a 2.x file.
export function columnMetadata(data) {
    const at = data.length - 40, table = Number(data.readBigUInt64LE(at + 8));
    return Array.from({ length: data.readUInt32LE(at + 28) }, (_, i) => {
        const start = Number(data.readBigUInt64LE(table + 16 * i));
        return message(data.subarray(start, start + Number(data.readBigUInt64LE(table + 16 * i + 8))));
    });
}

// { the type URL, the description } of a page of such a file.
export function pageDescription(page) {
    const any = message(message(message(page[4][0])[2][0])[1][0]);
    return { url: String(any[1][0]), description: any[2]?.[0] ?? Buffer.alloc(0) };
}

// Folders of tables below the given ones, sorted.
export function* tablesBelow(dirs) {
    for (const dir of dirs) {
        for (const entry of fs.readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
            const below = path.join(dir, entry.name);
            if (!entry.isDirectory()) continue;
            if (fs.existsSync(path.join(below, '_versions'))) yield below;
            else yield* tablesBelow([below]);
        }
    }
}
