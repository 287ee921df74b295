// The hand: examples of how a visitor writes, kept in this browser, and how they change the network's answers.
// It computes the same as digitlab/personal.py, where each step is explained; tests hold both to tests/fixtures/hand.json.

import { renderStrokes } from "./ink.js";
import { CLASSES, answer, withFeatures } from "./recognizer.js";
import { TYPICAL } from "./typical.js"; // one drawing of each digit, written by digitlab/export/site.py

const FAR = 0.14; // the cosine up to which even many examples have no effect
const ALONE = 0.3; // how much higher that is for few examples, which say less about a hand
const SHARPNESS = 2.5; // of the kernel
const RIDGE = 0.1; // how far an example's own answer may stay from its label
const STRENGTH = 22; // factor from the regression's answers to log-probabilities
const HALF_WAY = 12; // this many examples are half way: in how far they reach, and how much the network counts
const SMALLEST = 1e-9; // probability, added so that one example can overrule a network that is certain
const ACCEPT = 1.25; // how much sooner an example overrules the eleventh class than the digits
const FORMAT = { format: "digitlab hand", version: 1 };

/** What was learned from examples: features, each a list of numbers, and labels, 0 to 9. */
export class PersonalLayer {
  /** @param {Float32Array[]} typical features of typical digits */
  constructor(features, labels, typical) {
    const roots = typical.map(root);
    this.common = roots[0].map((_, i) => roots.reduce((sum, one) => sum + one[i], 0) / roots.length);
    this.examples = features.map((one) => this.direction(one));
    const count = labels.length;
    const system = labels.map((label) => {
      const targets = Array.from({ length: CLASSES }, (_, digit) => (digit === label ? 1 : 0) - 1 / CLASSES);
      return Float64Array.of(...Array(count), ...targets);
    });
    this.examples.forEach((one, i) => {
      for (let j = 0; j < i; j++) system[i][j] = system[j][i] = kernel(dot(one, this.examples[j]));
      system[i][i] = 1 + RIDGE;
    });
    this.weights = solve(system); // ten for each example
  }

  /** The network's answers, 10 or 11 probabilities, as the examples change them. */
  adjust(answers, features) {
    const direction = this.direction(features);
    const cosines = this.examples.map((example) => dot(example, direction));
    const many = cosines.length / (cosines.length + HALF_WAY);
    const far = FAR + ALONE * (1 - many);
    const near = Math.min((Math.max(far, ...cosines) - far) / (1 - far), 1);
    if (near === 0) return answers;
    const network = 1 - near * many;
    const similar = cosines.map(kernel);
    const logits = Array.from(answers.slice(0, CLASSES), (value, digit) => {
      const personal = similar.reduce((sum, value, i) => sum + value * this.weights[i][digit], 0);
      return network * Math.log(value + SMALLEST) + near * STRENGTH * personal;
    });
    const shares = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
    const others = Array.from(answers.slice(CLASSES), (value) => value * Math.max(1 - ACCEPT * near, 0));
    const left = (1 - (others[0] ?? 0)) / shares.reduce((a, b) => a + b);
    return Float32Array.from([...shares.map((share) => share * left), ...others]);
  }

  /** What features have beyond those of all digits, scaled to length 1. */
  direction(features) {
    return unit(root(features).map((value, i) => value - this.common[i]));
  }
}

const kernel = (cosine) => Math.exp(-SHARPNESS * (1 - cosine));

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function unit(vector) {
  const length = Math.max(Math.sqrt(dot(vector, vector)), 1e-12);
  return vector.map((value) => value / length);
}

/** The square roots of features, of negative ones as of positive ones, scaled to length 1. */
const root = (features) => unit(Float64Array.from(features, (value) => Math.sign(value) * Math.sqrt(Math.abs(value))));

/** Solves A X = B, given rows [...a, ...b]. A is symmetric and positive definite, so no pivot is 0. */
function solve(rows) {
  const subtract = (row, pivot, i, first) => {
    const factor = row[i] / pivot[i];
    for (let k = first; k < row.length; k++) row[k] -= factor * pivot[k];
  };
  rows.forEach((pivot, i) => {
    for (let below = i + 1; below < rows.length; below++) subtract(rows[below], pivot, i, i);
  });
  for (let i = rows.length - 1; i > 0; i--) {
    for (let above = 0; above < i; above++) subtract(rows[above], rows[i], i, rows.length);
  }
  return rows.map((row, i) => row.slice(rows.length).map((value) => value / row[i]));
}

/** Changes the network's answers, and learns. What it learned is kept in the browser, if possible. */
export class Hand {
  /**
   * @param {tf.LayersModel} network
   * @param {string} name under which the browser keeps the examples
   */
  constructor(network, name) {
    this.network = network;
    this.name = name;
    this.ask = withFeatures(network); // null where it cannot learn
    this.examples = [];
    this.kept = true; // whether all will be there at the next visit
    this.load();
  }

  /** The network's answers, see answer in recognizer.js, and the features if there are examples. */
  look(image) {
    return this.examples.length === 0 ? [answer(this.network, image)] : this.ask(image);
  }

  /** The network's answers, as the examples change them. */
  adjust(answers, features) {
    return this.examples.length === 0 ? answers : this.layer.adjust(answers, features);
  }

  /** Learns that an image, see answer, is a digit. */
  add(image, label) {
    const bytes = Array.from(image, (value) => Math.round(255 * value));
    this.change([...this.examples, this.example(btoa(String.fromCharCode(...bytes)), label)]);
  }

  /** Keeps the first `count` examples, and forgets the others; -1: forgets the last one. */
  keep(count) {
    this.change(this.examples.slice(0, count));
  }

  /** All examples, as a file that digitlab.load_personal reads. */
  toString() {
    const [labels, images] = ["label", "image"].map((name) => this.examples.map((example) => example[name]));
    return JSON.stringify({ ...FORMAT, labels, images });
  }

  /** Loads what the browser has kept; nothing if that is damaged. Adds what could not be kept. */
  load() {
    const unsaved = this.kept ? [] : this.examples.slice(this.stored);
    this.kept = true;
    this.learn([]);
    try {
      const { labels, images, ...format } = JSON.parse(localStorage.getItem(this.name));
      const valid = Object.keys(FORMAT).every((key) => format[key] === FORMAT[key]) && labels.every((label) => Number.isInteger(label) && label in TYPICAL);
      if (valid) this.learn(labels.map((label, i) => this.example(images[i], label)));
    } catch {
      // Nothing was kept, or we may not see it.
    }
    this.stored = this.examples.length;
    if (unsaved.length > 0) this.change([...this.examples, ...unsaved]);
  }

  example(image, label) {
    const pixels = Float32Array.from(atob(image), (character) => character.charCodeAt(0) / 255);
    return { image, label, features: this.ask(pixels)[1] };
  }

  change(examples) {
    this.learn(examples);
    try {
      if (examples.length > 0) localStorage.setItem(this.name, this);
      else localStorage.removeItem(this.name);
      this.kept = true;
      this.stored = examples.length;
    } catch {
      this.kept = false; // storage is full or not allowed
    }
  }

  learn(examples) {
    this.examples = examples;
    if (examples.length === 0) return;
    this.typical ??= TYPICAL.map((drawing) => this.ask(renderStrokes(drawing))[1]);
    const [features, labels] = ["features", "label"].map((name) => examples.map((example) => example[name]));
    this.layer = new PersonalLayer(features, labels, this.typical);
  }
}
