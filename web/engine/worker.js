/** The worker of a page: whatever takes longer than a moment happens here. */

import { serve } from "./messages.js";
import { openNetwork } from "./tiled_network.js";

/** @type {Awaited<ReturnType<typeof openNetwork>>} */
let network;

serve({
  /**
   * Load runtime and network.
   *
   * @param {{runtime: string, weights: string, backend?: import("./runtime.js").Backend}} options as of `openNetwork`
   */
  async open(options, { progress, signal }) {
    network = await openNetwork({ ...options, progress, signal });
    const { config, backend, threads, workers } = network;
    return { config, backend, threads, workers };
  },

  /**
   * Run the network alone over planes.
   *
   * @param {{planes: Uint8Array[], width: number, height: number, tables: Int32Array[] | null,
   *   tiles: import("./tiles.js").Tile[], realism: number}} picture
   */
  async runTiles({ planes, width, height, tables, tiles, realism }, { progress, signal, transfer }) {
    const options = { realism, progress, signal };
    const restored = await network.runTiles(planes, width, height, tables, tiles, options);
    transfer.push(...restored.map((plane) => /** @type {ArrayBuffer} */ (plane.buffer)));
    return restored;
  },
});
