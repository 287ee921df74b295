// Tries the network of a site as the page would. Prints the backend for it, "wasm" or "cpu"; or on stderr
// what is wrong with it.
//
//   node check.mjs SITE
import { openSite } from "./node.mjs";

const INPUTS = ["28, 28, 1", "28, 28", "784"];
const OUTPUTS = ["10", "11"];
const DRAWING = [[[0, 0], [100, 80], [20, 200], [0, 0]]];
const TOLERANCE = 1e-3; // how far two backends, both in float32, may differ

try {
  console.log(await check(await openSite(process.argv[2])));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

async function check({ tf, ink, recognizer }) {
  const network = await recognizer.loadNetwork("model/model.json", { backend: "cpu" });
  checkShapes(network);
  const image = ink.renderStrokes(DRAWING);
  const expected = recognizer.answer(network, image);
  const sum = expected.reduce((a, b) => a + b);
  if (!(Math.abs(sum - 1) < 0.01) || expected.some((value) => value < 0)) {
    throw new Error(`expected probabilities that sum to 1, got ${[...expected]}: does the network end in a softmax?`);
  }
  try {
    await tf.setBackend("wasm");
    const found = recognizer.answer(network, image);
    if (found.every((value, i) => Math.abs(value - expected[i]) < TOLERANCE)) return "wasm";
  } catch {
    // It lacks some operations.
  }
  return "cpu";
}

function checkShapes({ inputs, outputs }) {
  const [taken, given] = [inputs, outputs].map((ends) => ends.map(({ shape }) => shape.slice(1).join(", ")));
  if (taken.length === 1 && INPUTS.includes(taken[0]) && given.length === 1 && OUTPUTS.includes(given[0])) return;
  const [got, gave] = [taken, given].map((shapes) => shapes.map((shape) => `(${shape})`).join(" and "));
  throw new Error(`expected a network that takes (${INPUTS.join("), (")}) and gives (10) or (11), got one that takes ${got} and gives ${gave}`);
}
