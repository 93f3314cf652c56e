/** The worker of a page: whatever takes longer than a moment happens here. What the network gave is kept until dropped. */

import { encodePicture } from "./encoding.js";
import { KeptPictures } from "./kept_pictures.js";
import { inMemory } from "./memory.js";
import { serve } from "./messages.js";
import { checkLimits, JpegRestorer } from "./restore.js";
import { bitmapOf } from "./shown_picture.js";
import { openNetwork } from "./tiled_network.js";

/** @type {Awaited<ReturnType<typeof openNetwork>>} */
let network;
/** @type {JpegRestorer} */
let restorer;
const kept = new KeptPictures();

serve({
  /**
   * Load runtime and network.
   *
   * @param {{runtime: string, weights: string, backend?: import("./runtime.js").Backend, tileSize?: number,
   *   maxMegapixels?: number}} options as of `openNetwork` and `JpegRestorer`
   */
  async open({ tileSize, maxMegapixels, ...options }, { progress, signal }) {
    checkLimits({ tileSize, maxMegapixels });
    network = await openNetwork({ ...options, progress, signal });
    restorer = new JpegRestorer(network, { tileSize, maxMegapixels });
    const { config, backend, threads, workers } = network;
    return { config, backend, threads, workers };
  },

  /**
   * Run the network over a file and keep what it gives.
   *
   * @param {{bytes: Uint8Array, options: {quality?: number | null, realism?: number, history?: boolean}}} picture
   * @returns {Promise<number>} its number
   */
  async reconstruct({ bytes, options }, { progress, note, signal }) {
    const preview = note && previewedBy(note);
    kept.rest();
    return kept.add(await restorer.reconstruct(bytes, { ...options, progress, preview, signal }));
  },

  /**
   * The picture and the report for what is kept.
   *
   * @param {{number: number, options: import("./restore.js").FinishOptions}} wish
   */
  async finish({ number, options }, { transfer }) {
    const result = await finished(number, options);
    transfer.push(/** @type {ArrayBuffer} */ (result.picture.pixels.buffer));
    return result;
  },

  /**
   * The same as a bitmap.
   *
   * @param {{number: number, options: import("./restore.js").FinishOptions}} wish
   */
  async show({ number, options }, { transfer }) {
    const { picture, report } = await finished(number, options);
    const bitmap = await inMemory(() => bitmapOf(picture));
    transfer.push(bitmap);
    return { bitmap, report };
  },

  /**
   * The bytes of the file that is saved, and the report.
   *
   * @param {{number: number, options: import("./restore.js").FinishOptions,
   *   format: import("./encoding.js").Format}} wish
   */
  async encode({ number, options, format }, { transfer }) {
    const { picture, report } = await finished(number, options);
    const { bytes, notes } = await inMemory(() => encodePicture(picture, format));
    transfer.push(/** @type {ArrayBuffer} */ (bytes.buffer));
    return { bytes, report, notes };
  },

  /**
   * Forget what is kept of a picture.
   *
   * @param {{number: number}} picture
   */
  async drop({ number }) {
    kept.drop(number);
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

/**
 * @param {NonNullable<import("./messages.js").Call["note"]>} note
 * @returns {(tile: import("./preview.js").PreviewedTile) => void}
 */
function previewedBy(note) {
  return (tile) => note(tile, [tile.pixels.buffer]);
}

/**
 * @param {number} number
 * @param {import("./restore.js").FinishOptions} options
 */
function finished(number, options) {
  return inMemory(async () => restorer.finish(await kept.get(number), options));
}
