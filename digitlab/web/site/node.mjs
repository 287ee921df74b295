// A site's recognizer in Node, for checks and tests: the browser's own files, read from the disk.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";

/** Loads the modules of a site: {tf, ink, recognizer, hand}. Only one site in each run of Node. */
export async function openSite(site) {
  // With these, TensorFlow.js takes Node for a browser, and fetches the files of the site.
  globalThis.window = globalThis;
  globalThis.document = {};
  globalThis.fetch = async (address) => {
    const type = address.endsWith(".wasm") ? "application/wasm" : "";
    return new Response(await readFile(path.join(site, address)), { headers: { "Content-Type": type } });
  };
  const names = ["tensorflow", "ink", "recognizer", "hand"];
  const [tf, ink, recognizer, hand] = await Promise.all(
    names.map((name) => import(pathToFileURL(path.resolve(site, `${name}.js`)))),
  );
  return { tf, ink, recognizer, hand };
}
