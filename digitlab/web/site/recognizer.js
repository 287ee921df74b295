// The recognizer: a Keras network, loaded and run by TensorFlow.js, reads as digitlab/recognizer.py does.

import { renderStrokes, turnStrokes } from "./ink.js";
import * as tf from "./tensorflow.js";

export const CLASSES = 10;
const LOOK_AGAIN_BELOW = 0.9; // if no output has this probability, predict looks again
const REJECT_ABOVE = 0.5; // with a higher probability of a non-digit, there is no digit

/**
 * Loads a network that digitlab.export_tfjs wrote.
 *
 * @param {string} address of model.json
 * @param {object} [options] those of tf.loadLayersModel
 * @returns {Promise<tf.LayersModel>}
 */
export async function loadNetwork(address, options) {
  // In WebAssembly; where that is missing, in plain JavaScript, which computes the same, but slower.
  if (!(await tf.setBackend("wasm"))) {
    await import("./tensorflow-cpu.js");
    await tf.setBackend("cpu");
  }
  return tf.loadLayersModel(address, options);
}

/**
 * Asks the network.
 *
 * @param {tf.LayersModel} network
 * @param {Float32Array} image 28 x 28 values in [0, 1], row by row, ink 1 on paper 0
 * @returns {Float32Array} 10 probabilities, or 11 with that of a non-digit
 */
export function answer(network, image) {
  const [, ...shape] = network.inputs[0].shape; // 28, 28, 1, or however the network takes 784 values
  return tf.tidy(() => network.predict(tf.tensor(image, [1, ...shape])).dataSync());
}

/**
 * Prepares to ask the network for its features, too: the input of its last dense layer.
 *
 * @param {tf.LayersModel} network
 * @returns {?function(Float32Array): Float32Array[]} from an image, see answer, to its answers and its
 *   features; null for a network without a dense layer
 */
export function withFeatures(network) {
  const dense = network.layers.filter((layer) => layer.getClassName() === "Dense").at(-1);
  if (dense === undefined) return null;
  const both = tf.model({ inputs: network.inputs, outputs: [...network.outputs, dense.getInputAt(0)] });
  const [, ...shape] = network.inputs[0].shape;
  return (image) => tf.tidy(() => both.predict(tf.tensor(image, [1, ...shape])).map((tensor) => tensor.dataSync()));
}

/**
 * Reads one digit.
 *
 * @param {tf.LayersModel} network
 * @param {number[][][]} drawing see renderStrokes
 * @param {?Hand} hand whose examples change the network's answers
 * @param {boolean} tta whether to look again, at the drawing turned, if the network is unsure
 * @returns {{digit: ?number, confidence: number, probabilities: Float32Array, image: Float32Array,
 *   reason: ?string}} the digit, 0 to 9, or null, and then why: "empty" or "not a digit"; ten
 *   probabilities that sum to 1; and the image
 */
export function predict(network, drawing, hand = null, tta = true) {
  const image = renderStrokes(drawing);
  if (!image.some((value) => value > 0)) {
    const probabilities = new Float32Array(CLASSES).fill(1 / CLASSES);
    return { digit: null, confidence: 0, probabilities, image, reason: "empty" };
  }
  let [answers, features] = hand?.look(image) ?? [answer(network, image)];
  if (tta && Math.max(...answers) < LOOK_AGAIN_BELOW) {
    const others = turnStrokes(drawing).map((turned) => answer(network, renderStrokes(turned)));
    answers = combineLooks([answers, ...others]);
  }
  answers = hand?.adjust(answers, features) ?? answers;
  const probabilities = digitProbabilities(answers);
  if (answers[CLASSES] > REJECT_ABOVE) {
    return { digit: null, confidence: 0, probabilities, image, reason: "not a digit" };
  }
  const digit = probabilities.indexOf(Math.max(...probabilities));
  return { digit, confidence: probabilities[digit], probabilities, image, reason: null };
}

/** The answers to a drawing, turned in several ways, as one: see combine_looks in digitlab/answers.py. */
function combineLooks(looks) {
  const combined = Array.from(looks[0], (_, i) => {
    const all = looks.map((look) => look[i]);
    return i < CLASSES ? Math.max(...all) : all.reduce((a, b) => a + b) / all.length;
  });
  const sum = combined.reduce((a, b) => a + b);
  return combined.map((value) => value / sum);
}

/** The probabilities of the ten digits, given that it is a digit, from the network's ten or eleven. */
function digitProbabilities(answers) {
  // Never zero, so that they sum to 1 even if the network is certain that it is not a digit.
  const digits = Array.from(answers.slice(0, CLASSES), (value) => value + 1e-12);
  const sum = digits.reduce((a, b) => a + b);
  return Float32Array.from(digits, (value) => value / sum);
}

/** A prediction as a sentence: "I read a 5 (99 %)". */
export function sentence({ digit, confidence, reason }) {
  if (digit === null) return reason === "empty" ? "Draw a digit" : "I see no digit in this";
  return `I read ${digit === 8 ? "an" : "a"} ${digit} (${percent(confidence)})`;
}

/** A share as Python writes it: "99 %", with halves rounded to the even number. */
export function percent(share) {
  const value = 100 * share;
  const up = Math.round(value);
  return `${up - value === 0.5 && up % 2 === 1 ? up - 1 : up} %`;
}
