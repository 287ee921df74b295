// Loads TensorFlow.js models by URL, as a web page does, and predicts with them.
//
//   node predict.mjs jobs.json
//
// jobs.json: a list of {directory, backend, inputs: [{file, shape}], outputs: [file]}; `directory` holds
// model.json and its weights, the files hold raw little-endian float32. The script writes the outputs, and
// prints one line of JSON with the TensorFlow.js version, the backend and the outputs' shapes of each job.
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(import.meta.url);
const tf = require("@tensorflow/tfjs");
const wasm = require("@tensorflow/tfjs-backend-wasm");
wasm.setWasmPaths(path.join(path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm")), "/"));

/** Serves one folder on the loopback device; resolves to {url, close}. */
async function serve(directory) {
  const server = createServer(async (request, response) => {
    try {
      const name = decodeURIComponent(new URL(request.url, "http://x").pathname);
      response.end(await readFile(path.join(directory, path.basename(name))));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}

async function readFloats(file) {
  const bytes = await readFile(file);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

async function run({ directory, backend, inputs, outputs }) {
  await tf.setBackend(backend);
  const { url, close } = await serve(directory);
  try {
    const model = await tf.loadLayersModel(`${url}/model.json`);
    const x = await Promise.all(inputs.map(async ({ file, shape }) => tf.tensor(await readFloats(file), shape)));
    const y = [model.predict(x.length === 1 ? x[0] : x, { batchSize: 250 })].flat();
    if (y.length !== outputs.length) throw new Error(`${y.length} outputs, ${outputs.length} expected`);
    await Promise.all(y.map(async (tensor, i) => writeFile(outputs[i], await tensor.data())));
    const result = { version: tf.version.tfjs, backend: tf.getBackend(), shapes: y.map((tensor) => tensor.shape) };
    tf.dispose([x, y]);
    model.dispose();
    return result;
  } finally {
    close();
  }
}

const results = [];
for (const job of JSON.parse(await readFile(process.argv[2], "utf8"))) results.push(await run(job));
console.log(JSON.stringify(results));
