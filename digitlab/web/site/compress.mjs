// Writes compressed copies beside the files of a folder, name.gz and name.br, where they save at least a tenth.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

const KINDS = { gz: (content) => gzipSync(content, { level: 9 }), br: brotliCompressSync }; // highest levels, which is Brotli's default

const [folder, ...names] = process.argv.slice(2);
for (const name of names) {
  const content = readFileSync(path.join(folder, name));
  for (const [kind, compress] of Object.entries(KINDS)) {
    const copy = compress(content);
    if (copy.length <= 0.9 * content.length) writeFileSync(path.join(folder, `${name}.${kind}`), copy);
  }
}
