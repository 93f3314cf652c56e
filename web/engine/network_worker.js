/** A worker with a network of its own, on one thread. Pages that cannot share memory use several. */

import { loadWithRuntime } from "./loading.js";
import { serve } from "./messages.js";

/** @type {import("./network.js").Network} */
let network;

serve({
  /** @param {import("./loading.js").Folders} folders */
  async load(folders, { signal, progress }) {
    network = await loadWithRuntime(folders, { backend: "wasm", progress, signal });
    return network.config;
  },

  /** @param {{planes: Float32Array[], width: number, height: number, tables: Int32Array[] | null, realism: number}} tile */
  async run({ planes, width, height, tables, realism }, { transfer }) {
    const restored = await network.run(planes, width, height, tables, realism);
    transfer.push(...restored.map((plane) => /** @type {ArrayBuffer} */ (plane.buffer)));
    return restored;
  },
});
