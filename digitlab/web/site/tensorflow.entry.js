// What the page needs of TensorFlow.js, and nothing else: digitlab.build_site has esbuild cut it out
// of the npm packages into one file, tensorflow.js. Whole, TensorFlow.js is ten times as large.
//
// Each operation comes from its own file, and each kernel is registered by itself: the packages'
// index files would bring all of them, the gradients, and the optimizers.
//
// The backend is plain JavaScript. One image takes it a few milliseconds; WebAssembly would be
// faster, but may not be compiled under a Content-Security-Policy of 'self', and WebGL takes longer to
// start than this page to load.
import "@tensorflow/tfjs-backend-cpu/dist/base.js";

import { _fusedMatMulConfig } from "@tensorflow/tfjs-backend-cpu/dist/kernels/_FusedMatMul.js";
import { addConfig } from "@tensorflow/tfjs-backend-cpu/dist/kernels/Add.js";
import { identityConfig } from "@tensorflow/tfjs-backend-cpu/dist/kernels/Identity.js";
import { maxPoolConfig } from "@tensorflow/tfjs-backend-cpu/dist/kernels/MaxPool.js";
import { multiplyConfig } from "@tensorflow/tfjs-backend-cpu/dist/kernels/Multiply.js";
import { reluConfig } from "@tensorflow/tfjs-backend-cpu/dist/kernels/Relu.js";
import { reshapeConfig } from "@tensorflow/tfjs-backend-cpu/dist/kernels/Reshape.js";
import { softmaxConfig } from "@tensorflow/tfjs-backend-cpu/dist/kernels/Softmax.js";
import { env } from "@tensorflow/tfjs-core/dist/environment.js";
import { registerKernel } from "@tensorflow/tfjs-core/dist/kernel_registry.js";

import { fusedConv2DConfig } from "./conv2d.js";

for (const kernel of [
  _fusedMatMulConfig,
  addConfig,
  fusedConv2DConfig,
  identityConfig,
  maxPoolConfig,
  multiplyConfig,
  reluConfig,
  reshapeConfig,
  softmaxConfig,
]) {
  registerKernel(kernel);
}

// TensorFlow.js knows browsers; tests run this file in Node, too, as it is.
if (!env().platform) {
  env().setPlatform("plain", { isTypedArray: (x) => ArrayBuffer.isView(x) && !(x instanceof DataView) });
}

export { tidy } from "@tensorflow/tfjs-core/dist/globals.js";
export { add } from "@tensorflow/tfjs-core/dist/ops/add.js";
export { conv2d } from "@tensorflow/tfjs-core/dist/ops/fused/conv2d.js";
export { matMul } from "@tensorflow/tfjs-core/dist/ops/fused/mat_mul.js";
export { maxPool } from "@tensorflow/tfjs-core/dist/ops/max_pool.js";
export { mul } from "@tensorflow/tfjs-core/dist/ops/mul.js";
export { relu } from "@tensorflow/tfjs-core/dist/ops/relu.js";
export { reshape } from "@tensorflow/tfjs-core/dist/ops/reshape.js";
export { softmax } from "@tensorflow/tfjs-core/dist/ops/softmax.js";
export { tensor } from "@tensorflow/tfjs-core/dist/ops/tensor.js";
