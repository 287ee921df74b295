// The recognizer: from a drawing to the probabilities of the ten digits, as in digitlab/recognizer.py.

import { renderStrokes } from "./ink.js";

export const CLASSES = 10;

/**
 * Reads one digit.
 *
 * @param {{answers: function(Float32Array): Float32Array}} network see network.js
 * @param {number[][][]} drawing strokes, each a list of points [x, y], y down
 * @returns {{digit: ?number, confidence: number, probabilities: Float32Array, image: Float32Array,
 *   reason: ?string}} the digit, 0 to 9, or null, and then why: "empty" or "not a digit"; ten
 *   probabilities that sum to 1; and the 28 x 28 that the network saw
 */
export function predict(network, drawing) {
  const image = renderStrokes(drawing);
  if (!image.some((value) => value > 0)) {
    const probabilities = new Float32Array(CLASSES).fill(1 / CLASSES);
    return { digit: null, confidence: 0, probabilities, image, reason: "empty" };
  }
  const answer = network.answers(image);
  const probabilities = digitProbabilities(answer);
  if (answer[CLASSES] > 0.5) {
    return { digit: null, confidence: 0, probabilities, image, reason: "not a digit" };
  }
  const digit = probabilities.indexOf(Math.max(...probabilities));
  return { digit, confidence: probabilities[digit], probabilities, image, reason: null };
}

/** A reading as a sentence: "I read a 5 (99 %)". */
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

/** The probabilities of the ten digits, supposing that it is a digit, from the network's ten or eleven. */
export function digitProbabilities(answer) {
  // Never zero, so that they sum to 1 even if the network is certain that it is not a digit.
  const digits = Array.from(answer.slice(0, CLASSES), (value) => value + 1e-12);
  const sum = digits.reduce((a, b) => a + b);
  return Float32Array.from(digits, (value) => value / sum);
}
