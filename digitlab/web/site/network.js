// The network: the files that digitlab.export_tfjs wrote, computed by TensorFlow.js.
//
// TensorFlow.js has a reader of its own for such files, @tensorflow/tfjs-layers. It can train as well,
// and is larger than all else on this page together. A network of layers in a row needs little: what
// stands here. build_site rejects networks with other layers.

import { CLASSES } from "./recognizer.js";
import * as tf from "./tensorflow.js";

const SIDE = 28;

/** What is wrong with a network's files, as a sentence for the person who sees the page. */
export class NetworkError extends Error {}

/**
 * Fetches a network.
 *
 * @param {string} address of model.json
 * @param {RequestCache} [cache] "reload" fetches what the browser has kept once more: it may be damaged
 * @throws {NetworkError} when a file is missing or damaged, or holds something else
 */
export async function loadNetwork(address, cache = "default") {
  const text = await fetched(address, cache, "text");
  const folder = address.slice(0, address.lastIndexOf("/") + 1);
  const document = parse(text, address);
  const paths = weightFiles(document, address);
  const parts = await Promise.all(paths.map((path) => fetched(folder + path, cache, "arrayBuffer")));
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.byteLength, 0));
  let start = 0;
  for (const part of parts) {
    bytes.set(new Uint8Array(part), start);
    start += part.byteLength;
  }
  return makeNetwork(document, bytes);
}

/**
 * Makes a network of what its files hold.
 *
 * @param {object} document model.json
 * @param {Uint8Array} bytes of the weights' files, one after the other
 * @returns {{answers: function(Float32Array): Float32Array}} from n images, each 28 x 28 values in
 *   [0, 1] row by row, ink 1 on paper 0, to n times 10 probabilities; or 11, the last of no digit
 * @throws {NetworkError}
 */
export function makeNetwork(document, bytes) {
  const weights = decode(document, bytes);
  const steps = [];
  for (const layer of layersOf(document)) add(steps, layer, weights);
  const run = steps.map(made);
  const answers = (images) =>
    tf.tidy(() => {
      const x = tf.tensor(images, [images.length / SIDE ** 2, SIDE, SIDE, 1]);
      return run.reduce((value, step) => step(value), x).dataSync();
    });

  // Tried once: shapes that do not fit show here, and not under somebody's pen.
  let answer;
  try {
    answer = answers(new Float32Array(SIDE ** 2));
  } catch (error) {
    throw new NetworkError(`the network does not fit together, or takes no images of 28 x 28: ${error.message}`);
  }
  if (![CLASSES, CLASSES + 1].includes(answer.length)) {
    throw new NetworkError(`expected a network with ${CLASSES} or ${CLASSES + 1} answers, got one with ${answer.length}`);
  }
  const sum = answer.reduce((a, b) => a + b);
  if (!(Math.abs(sum - 1) < 0.01) || answer.some((value) => value < 0)) {
    throw new NetworkError("expected a network that answers with probabilities: does it end in a softmax?");
  }
  return { answers };
}

/** The names of the weights' files, out of model.json. */
export function weightFiles(document, name = "model.json") {
  const paths = document?.weightsManifest?.flatMap?.((group) => group.paths);
  if (document?.format !== "layers-model" || !paths?.every((path) => typeof path === "string")) {
    throw new NetworkError(`${name} does not describe a network as digitlab.export_tfjs does`);
  }
  return paths;
}

async function fetched(address, cache, kind) {
  let response;
  try {
    response = await fetch(address, { cache });
  } catch {
    throw new NetworkError(`${address} cannot be reached`);
  }
  if (!response.ok) throw new NetworkError(`${address} is missing (the server says ${response.status})`);
  try {
    return await response[kind]();
  } catch {
    throw new NetworkError(`${address} came only in part`);
  }
}

function parse(text, name) {
  try {
    return JSON.parse(text);
  } catch {
    throw new NetworkError(`${name} is damaged: it is no JSON`);
  }
}

/** The weights by name: {values: Float32Array, shape}. */
function decode(document, bytes) {
  const weights = {};
  let start = 0;
  for (const { name, shape, quantization = { dtype: "float32" } } of document.weightsManifest.flatMap((group) => group.weights)) {
    const size = { float32: 4, float16: 2, uint8: 1 }[quantization.dtype];
    if (!size) throw new NetworkError(`expected weights in float32, float16 or uint8, got ${quantization.dtype}`);
    const end = start + size * shape.reduce((a, b) => a * b, 1);
    if (end > bytes.length) {
      throw new NetworkError(`the weights are cut off: ${name} ends after ${end} bytes, and ${bytes.length} came`);
    }
    const part = bytes.slice(start, end); // a copy begins where a Float32Array may
    const values = new Float32Array(size === 4 ? part.buffer : (end - start) / size);
    // Loops: in a browser that has not warmed up yet, Float32Array.from takes ten times as long.
    if (size === 2) {
      const halves = new Uint16Array(part.buffer);
      for (let i = 0; i < halves.length; i++) values[i] = widened(halves[i]);
    } else if (size === 1) {
      const { scale, min } = quantization;
      for (let i = 0; i < part.length; i++) values[i] = part[i] * scale + min;
    }
    weights[name] = { values, shape };
    start = end;
  }
  if (start !== bytes.length) {
    throw new NetworkError(`the weights do not belong to this model.json: it tells of ${start} bytes, and ${bytes.length} came`);
  }
  return weights;
}

/** A number of 16 bits (IEEE 754 binary16). */
function widened(bits) {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}

function layersOf(document) {
  const { class_name: kind, config } = document.modelTopology ?? {};
  if (kind !== "Sequential" || !Array.isArray(config?.layers)) {
    throw new NetworkError(`expected layers in a row (a keras.Sequential), got ${kind}`);
  }
  return config.layers;
}

// What each layer becomes. Batch normalisation and ReLU go into the layer before where they can: the
// same numbers, but for the last digit of a float32, in two thirds of the time.
const SILENT = ["InputLayer", "Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise"]; // do nothing when read with
const LAYERS = {
  Conv2D(steps, config, get) {
    need(config, "data_format", "channels_last");
    need(config, "dilation_rate", [1, 1]);
    need(config, "groups", 1);
    const { strides, padding, use_bias } = config;
    const kernel = get("kernel");
    const bias = use_bias ? get("bias").values : new Float32Array(kernel.shape.at(-1));
    steps.push({ kind: "conv", kernel, bias, strides, padding, activation: "linear" });
    activate(steps, config.activation, config);
  },
  Dense(steps, config, get) {
    const kernel = get("kernel");
    const bias = config.use_bias ? get("bias").values : new Float32Array(kernel.shape.at(-1));
    steps.push({ kind: "dense", kernel, bias, activation: "linear" });
    activate(steps, config.activation, config);
  },
  BatchNormalization(steps, config, get) {
    const variance = get("moving_variance").values;
    const mean = get("moving_mean").values;
    const gamma = config.scale ? get("gamma").values : mean.map(() => 1);
    const beta = config.center ? get("beta").values : mean.map(() => 0);
    const factor = gamma.map((value, i) => value / Math.sqrt(variance[i] + config.epsilon));
    const last = steps.at(-1);
    if (last?.kernel && last.activation === "linear") {
      const { values, shape } = last.kernel;
      const count = factor.length;
      const scaled = new Float32Array(values.length);
      for (let i = 0; i < values.length; i += count) {
        for (let j = 0; j < count; j++) scaled[i + j] = values[i + j] * factor[j];
      }
      last.kernel = { values: scaled, shape };
      last.bias = last.bias.map((value, i) => (value - mean[i]) * factor[i] + beta[i]);
    } else {
      steps.push({ kind: "scale", factor, shift: beta.map((value, i) => value - mean[i] * factor[i]) });
    }
  },
  ReLU(steps, config) {
    need(config, "max_value", null);
    need(config, "negative_slope", 0);
    need(config, "threshold", 0);
    activate(steps, "relu", config);
  },
  Activation: (steps, config) => activate(steps, config.activation, config),
  Softmax: (steps, config) => activate(steps, "softmax", config),
  MaxPooling2D(steps, config) {
    need(config, "data_format", "channels_last");
    steps.push({ kind: "pool", size: config.pool_size, strides: config.strides, padding: config.padding });
  },
  Flatten: (steps) => steps.push({ kind: "flatten" }),
};

function add(steps, { class_name: kind, config }, weights) {
  if (SILENT.includes(kind)) return;
  if (!LAYERS[kind]) {
    const known = [...Object.keys(LAYERS), ...SILENT].join(", ");
    throw new NetworkError(`the layer ${config?.name} is a ${kind}; this page computes ${known}`);
  }
  LAYERS[kind](steps, config, (name) => {
    const weight = weights[`${config.name}/${name}`];
    if (!weight) throw new NetworkError(`the weights of the layer ${config.name} lack its ${name}`);
    return weight;
  });
}

function activate(steps, activation, config) {
  const last = steps.at(-1);
  if (!activation || activation === "linear") return;
  if (activation === "relu" && last?.activation === "linear") last.activation = "relu";
  else if (activation === "relu" || activation === "softmax") steps.push({ kind: activation });
  else throw new NetworkError(`the layer ${config.name} has the activation ${activation}; this page computes relu and softmax`);
}

function need(config, option, value) {
  if (config[option] !== undefined && JSON.stringify(config[option]) !== JSON.stringify(value)) {
    const [got, expected] = [config[option], value].map((x) => JSON.stringify(x));
    throw new NetworkError(`the layer ${config.name} has ${option} ${got}; this page computes ${expected}`);
  }
}

/** A step as a function from tensor to tensor. */
function made(step) {
  const { strides, padding: pad, activation } = step;
  const kernel = step.kernel && tf.tensor(step.kernel.values, step.kernel.shape);
  const bias = step.bias && tf.tensor(step.bias);
  switch (step.kind) {
    case "conv":
      return (x) => tf.conv2d({ x, filter: kernel, strides, pad, bias, activation });
    case "dense":
      return (x) => tf.matMul({ a: x, b: kernel, bias, activation });
    case "scale": {
      const [factor, shift] = [tf.tensor(step.factor), tf.tensor(step.shift)];
      return (x) => tf.add(tf.mul(x, factor), shift);
    }
    case "pool":
      return (x) => tf.maxPool(x, step.size, strides, pad);
    case "flatten":
      return (x) => tf.reshape(x, [x.shape[0], x.size / x.shape[0]]);
    case "relu":
      return tf.relu;
    case "softmax":
      return (x) => tf.softmax(x);
  }
}
