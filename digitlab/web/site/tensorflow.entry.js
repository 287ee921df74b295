// What the page uses of TensorFlow.js: digitlab.build_site has esbuild bundle it from the npm packages,
// without what only training needs.
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { env } from "@tensorflow/tfjs-core";
// The layers that digitlab.export_tfjs writes:
import "@tensorflow/tfjs-layers/dist/layers/advanced_activations.js";
import "@tensorflow/tfjs-layers/dist/layers/convolutional.js";
import "@tensorflow/tfjs-layers/dist/layers/convolutional_depthwise.js";
import "@tensorflow/tfjs-layers/dist/layers/core.js";
import "@tensorflow/tfjs-layers/dist/layers/merge.js";
import "@tensorflow/tfjs-layers/dist/layers/noise.js";
import "@tensorflow/tfjs-layers/dist/layers/normalization.js";
import "@tensorflow/tfjs-layers/dist/layers/padding.js";
import "@tensorflow/tfjs-layers/dist/layers/pooling.js";
import "@tensorflow/tfjs-layers/dist/layers/preprocessing/image_preprocessing.js";
import "@tensorflow/tfjs-layers/dist/layers/recurrent.js";

setWasmPaths("./"); // beside index.html
// One thread is enough for one image; more would need response headers that most hosts do not send.
env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);

export { setBackend, tensor, tidy } from "@tensorflow/tfjs-core";
export { loadLayersModel, model } from "@tensorflow/tfjs-layers/dist/exports.js"; // index.js would bring all gradients
