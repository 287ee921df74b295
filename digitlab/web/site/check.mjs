// Tries the network of a site as the page would, and says on stderr what is wrong with it.
//
//   node check.mjs SITE
import { openSite } from "./node.mjs";

const INPUTS = ["28, 28, 1", "28, 28", "784"];
const OUTPUTS = ["10", "11"];
const DRAWING = [[[0, 0], [100, 80], [20, 200], [0, 0]]];

try {
  const { ink, recognizer } = await openSite(process.argv[2]);
  const network = await recognizer.loadNetwork("model/model.json");
  checkShapes(network);
  checkProbabilities(recognizer.answer(network, ink.renderStrokes(DRAWING)));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

function checkShapes({ inputs, outputs }) {
  const [takes, gives] = [inputs, outputs].map((ends) => ends.map(({ shape }) => shape.slice(1).join(", ")));
  if (takes.length === 1 && INPUTS.includes(takes[0]) && gives.length === 1 && OUTPUTS.includes(gives[0])) return;
  const expected = `one that takes (${INPUTS.join(") or (")}) and gives (${OUTPUTS.join(") or (")})`;
  throw new Error(`expected ${expected}, got one that takes (${takes.join(") and (")}) and gives (${gives.join(") and (")})`);
}

function checkProbabilities(answers) {
  const sum = answers.reduce((a, b) => a + b);
  if (Math.abs(sum - 1) < 0.01 && answers.every((value) => value >= 0)) return;
  throw new Error(`expected probabilities that sum to 1, got ${[...answers]}: does the network end in a softmax?`);
}
