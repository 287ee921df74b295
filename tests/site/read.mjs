// Reads with the code and the network of a site, in Node.
//
//   node read.mjs SITE drawings.json   a list of drawings; prints what is read in each, as JSON
//   node read.mjs SITE images.bin      images of 28 x 28 as raw little-endian float32; prints the answers, as JSON
import { readFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [site, file] = process.argv.slice(2).map((name) => path.resolve(name));
const load = (name) => import(pathToFileURL(path.join(site, name)));
const { makeNetwork, weightFiles } = await load("network.js");
const { predict, sentence } = await load("recognizer.js");

const folder = path.join(site, "model");
const document = JSON.parse(await readFile(path.join(folder, "model.json"), "utf8"));
const parts = await Promise.all(weightFiles(document).map((name) => readFile(path.join(folder, name))));
const network = makeNetwork(document, new Uint8Array(Buffer.concat(parts)));

const bytes = await readFile(file);
if (file.endsWith(".json")) {
  const readings = JSON.parse(bytes).map((drawing) => {
    const { image, probabilities, ...reading } = predict(network, drawing);
    return { ...reading, sentence: sentence({ ...reading }), image: [...image], probabilities: [...probabilities] };
  });
  console.log(JSON.stringify(readings));
} else {
  const images = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const answers = [];
  for (let i = 0; i < images.length; i += 784) answers.push([...network.answers(images.slice(i, i + 784))]);
  console.log(JSON.stringify(answers));
}
