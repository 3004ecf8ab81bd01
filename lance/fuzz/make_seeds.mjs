#!/usr/bin/env node
// make_seeds.mjs DATADIR OUTDIR: inputs for lnc_fuzz_table from the tables below DATADIR (see fuzz_table.c for their form).
import fs from 'node:fs';
import path from 'node:path';

const [dataDir, outDir] = process.argv.slice(2);
if (!outDir) {
    console.error('usage: make_seeds.mjs DATADIR OUTDIR');
    process.exit(2);
}
fs.mkdirSync(outDir, { recursive: true });

const filesIn = (dir) => (fs.existsSync(dir) ? fs.readdirSync(dir).sort().map((name) => path.join(dir, name)) : []);
let n = 0;
for (const version of fs.readdirSync(dataDir)) {
    for (const table of fs.readdirSync(path.join(dataDir, version)).filter((name) => name.endsWith('.lance'))) {
        const root = path.join(dataDir, version, table);
        const manifests = filesIn(path.join(root, '_versions')).filter((f) => f.endsWith('.manifest'));
        const deletion = filesIn(path.join(root, '_deletions'))[0];
        for (const manifest of manifests) {
            for (const data of filesIn(path.join(root, 'data'))) {
                const parts = [manifest, data].map((f) => fs.readFileSync(f));
                const head = Buffer.alloc(9);
                head.writeUInt32LE(parts[0].length, 0);
                head.writeUInt32LE(parts[1].length, 4);
                const digits = path.basename(manifest, '.manifest'), number = BigInt(digits);
                head.writeUInt8(Number(digits.length === 20 ? 2n ** 64n - 1n - number : number), 8);
                const tail = deletion ? fs.readFileSync(deletion) : Buffer.alloc(0);
                fs.writeFileSync(path.join(outDir, `${version}-${table}-${n++}`), Buffer.concat([head, ...parts, tail]));
            }
        }
    }
}
console.log(`${n} inputs`);
