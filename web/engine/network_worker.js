/** A worker with a network of its own, on one thread. Pages that cannot share memory use several. */

import { serve } from "./messages.js";
import { loadNetwork } from "./network.js";
import { loadRuntime } from "./runtime.js";

/** @type {import("./network.js").Network} */
let network;

serve({
  /** @param {{runtime: string, weights: string}} folders */
  async load({ runtime, weights }, { signal, progress }) {
    const ort = await loadRuntime(runtime, { backend: "wasm", onProgress: progress, signal });
    network = await loadNetwork(weights, { ort, signal });
    return network.config;
  },

  /** @param {{planes: Float32Array[], width: number, height: number, tables: Int32Array[] | null, realism: number}} tile */
  async run({ planes, width, height, tables, realism }, { transfer }) {
    const restored = await network.run(planes, width, height, tables, realism);
    transfer.push(...restored.map((plane) => /** @type {ArrayBuffer} */ (plane.buffer)));
    return restored;
  },
});
