// Runs networks over planes, as `tests/web/test_network.py` asks: node run_network.js FOLDER
import * as ort from "onnxruntime-web/wasm";
import { loadNetwork } from "../engine/network.js";
import { decodeHalves, mixedWeights, readChecked, readManifest, unpackWeights } from "../engine/network_files.js";
import { readBytes, readJson, writeArrays, writeJson } from "./files.js";

/** @typedef {{name: string, weights: string, planes: number, width: number, height: number, isTold: boolean, realism: number}} Case */

const folder = process.argv[2];
ort.env.wasm.numThreads = 1;

/** @type {(weights: string) => import("../engine/download.js").ReadFile} */
const filesIn = (weights) => async (name) => readBytes(weights, name);

/** @type {Map<string, import("../engine/network.js").Network>} */
const networks = new Map();
/** @type {Record<string, string>} */
const failures = {};

for (const { name, weights, planes, width, height, isTold, realism } of /** @type {Case[]} */ (
  readJson(folder, "cases.json")
)) {
  try {
    const network = networks.get(weights) ?? (await loadNetwork(filesIn(weights), { ort }));
    networks.set(weights, network);
    const data = new Float32Array(readBytes(folder, `${name}.planes`).buffer);
    const steps = new Int32Array(readBytes(folder, `${name}.tables`).buffer);
    const parts = Array.from({ length: planes }, (_, at) =>
      data.subarray(at * width * height, (at + 1) * width * height),
    );
    const tables = isTold ? parts.map((_, at) => steps.subarray(at * 64, (at + 1) * 64)) : null;
    writeArrays(folder, `${name}.out`, await network.run(parts, width, height, tables, realism));
  } catch (error) {
    const { name: kind, message } = /** @type {Error} */ (error);
    failures[name] = `${kind}: ${message}`;
  }
}
writeJson(folder, "failures.json", failures);
writeJson(
  folder,
  "configs.json",
  Array.from(networks.values(), (network) => network.config),
);
for (const network of networks.values()) {
  await network.release();
}

const halves = new Float32Array(65536);
decodeHalves(
  Uint16Array.from(halves, (_, at) => at),
  halves,
);
writeArrays(folder, "halves", [halves]);

const { weights, positions } = readJson(folder, "mixed.json");
const read = filesIn(weights);
const manifest = await readManifest(read);
const [start, end] = await Promise.all(
  [manifest.files.weights, manifest.files.realism_weights].map(async (file) =>
    unpackWeights(await readChecked(read, /** @type {any} */ (file)), manifest),
  ),
);
writeArrays(folder, "mixed", [
  start,
  end,
  ...positions.map((/** @type {number} */ at) => mixedWeights(start, end, at)),
]);
