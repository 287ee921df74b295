// Reads with the code and the network of a site, in Node.
//
//   node read.mjs SITE drawings.json   a list of drawings; prints what it reads in each, as JSON
//   node read.mjs SITE images.bin      images of 28 x 28 as raw little-endian float32; prints the answers, as JSON
//
// With "plain" as a third argument, it runs without the WebAssembly backend.
import { readFile } from "node:fs/promises";

import { openSite } from "../../digitlab/web/site/node.mjs";

const [site, file, plain] = process.argv.slice(2);
if (plain) WebAssembly.validate = () => false; // as in a browser that is too old for it
const { recognizer } = await openSite(site);
const network = await recognizer.loadNetwork("model/model.json");

const bytes = await readFile(file);
if (file.endsWith(".json")) {
  const readings = JSON.parse(bytes).map((drawing) => {
    const prediction = recognizer.predict(network, drawing);
    const [image, probabilities] = [[...prediction.image], [...prediction.probabilities]];
    return { ...prediction, image, probabilities, sentence: recognizer.sentence(prediction) };
  });
  console.log(JSON.stringify(readings));
} else {
  const images = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const answers = [];
  for (let i = 0; i < images.length; i += 784) answers.push([...recognizer.answer(network, images.slice(i, i + 784))]);
  console.log(JSON.stringify(answers));
}
