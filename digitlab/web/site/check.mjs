// Makes the network of a site as the page does, and says on stderr what is wrong with it.
//
//   node check.mjs SITE
import { readFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";

const site = path.resolve(process.argv[2]);
const { makeNetwork, weightFiles } = await import(pathToFileURL(path.join(site, "network.js")));
const folder = path.join(site, "model");
try {
  const document = JSON.parse(await readFile(path.join(folder, "model.json"), "utf8"));
  const parts = await Promise.all(weightFiles(document).map((file) => readFile(path.join(folder, file))));
  makeNetwork(document, new Uint8Array(Buffer.concat(parts)));
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
