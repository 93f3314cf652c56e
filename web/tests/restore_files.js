// Restores files, as `tests/web/test_restore.py` asks: node restore_files.js FOLDER
import * as ort from "onnxruntime-web/wasm";
import { encodePicture } from "../engine/encoding.js";
import { loadNetwork } from "../engine/network.js";
import { JpegRestorer } from "../engine/restore.js";
import { tiledNetwork } from "../engine/tiled_network.js";
import { readBytes, readJson, writeArrays, writeJson } from "./files.js";

/** @typedef {{strength?: number, faithful?: boolean, keepOrientation?: boolean, name: string}} Finish */

const folder = process.argv[2];
ort.env.wasm.numThreads = 1;
const { weights, cases } = readJson(folder, "cases.json");
const network = tiledNetwork(await loadNetwork(async (name) => readBytes(weights, name), { ort }));
/** @type {Record<string, unknown>} */
const reports = {};
for (const { file, options, tileSize, finishes } of cases) {
  const restorer = new JpegRestorer(network, { tileSize });
  /** @type {number[][]} */
  const steps = [];
  const progress = (/** @type {number} */ done, /** @type {number} */ total) => void steps.push([done, total]);
  const reconstruction = await restorer.reconstruct(readBytes(folder, file), { ...options, progress });
  for (const { name, ...finish } of /** @type {Finish[]} */ (finishes)) {
    const { picture, report } = restorer.finish(reconstruction, finish);
    const { bytes, notes } = await encodePicture(picture, "png");
    writeArrays(folder, `${name}.png`, [bytes]);
    reports[name] = { ...report, steps, formatNotes: notes };
  }
}
writeJson(folder, "reports.json", reports);
network.terminate();
