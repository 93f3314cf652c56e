/** A worker with a network of its own, so that all memory of a runtime can be given back. */

import { loadWithRuntime } from "./loading.js";
import { serve } from "./messages.js";

/** @type {import("./network.js").Network} */
let network;

serve({
  /** @param {{folders: import("./loading.js").Folders, backend: import("./runtime.js").Backend, threads: number}} network */
  async load({ folders, ...options }, { signal, progress }) {
    network = await loadWithRuntime(folders, { ...options, progress, signal });
    return network.config;
  },

  /** @param {{planes: Float32Array[], width: number, height: number, tables: Int32Array[] | null, realism: number}} tile */
  async run({ planes, width, height, tables, realism }, { transfer }) {
    const restored = await network.run(planes, width, height, tables, realism);
    transfer.push(...restored.map((plane) => /** @type {ArrayBuffer} */ (plane.buffer)));
    return restored;
  },
});
