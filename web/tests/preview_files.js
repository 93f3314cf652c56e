// Previews put together, and the finished pictures, as `tests/web/test_preview.py` asks: node preview_files.js FOLDER
import { JpegRestorer } from "../engine/restore.js";
import { runTiled } from "../engine/run_tiled.js";
import { readBytes, readJson, writeArrays, writeJson } from "./files.js";

const folder = process.argv[2];
/** @type {Record<string, unknown>} */
const found = {};
for (const { name, file, tileSize, numChannels, options } of readJson(folder, "cases.json")) {
  const config = {
    name: "paler",
    numChannels,
    sizeDivisor: 16,
    tileMargin: 16,
    hasRealism: true,
    isConditioned: true,
  };
  const paler = {
    run: async (/** @type {Float32Array[]} */ planes) => planes.map((plane) => plane.map((value) => value / 2 + 60)),
  };
  /** @type {import("../engine/restore.js").TiledNetwork} */
  const network = { config, runTiles: (...picture) => runTiled([paler], ...picture) };
  const restorer = new JpegRestorer(network, { tileSize });
  let steps = 0;
  /** @type {import("../engine/preview.js").PreviewedTile[]} */
  const previews = [];
  const reconstruction = await restorer.reconstruct(readBytes(folder, file), {
    ...options,
    progress: () => void steps++,
    preview: (tile) => void previews.push(tile),
  });
  // What is left as it is, or without color, is known in the end only.
  reconstruction.untouched = null;
  reconstruction.prepared.neutralBlocks = () => null;
  const { picture } = restorer.finish(reconstruction, { faithful: false });
  const { pictureWidth: width, pictureHeight: height } = previews[0];
  const seen = new Uint8Array(4 * width * height);
  for (const { pixels, columns, rows, ...tile } of previews) {
    for (let y = 0; y < tile.height; y++) {
      const row = Math.floor((y * rows) / tile.height);
      for (let x = 0; x < tile.width; x++) {
        const from = 4 * (row * columns + Math.floor((x * columns) / tile.width));
        seen.set(pixels.subarray(from, from + 4), 4 * ((tile.y + y) * width + tile.x + x));
      }
    }
  }
  writeArrays(folder, `${name}.seen`, [seen]);
  writeArrays(folder, `${name}.finished`, [picture.pixels]);
  const samples = previews.reduce((sum, { pixels }) => sum + pixels.length / 4, 0);
  const { saves } = reconstruction.history;
  const size = [picture.width, picture.height, picture.channels];
  found[name] = { width, height, size, steps, previews: previews.length, samples, saves: saves.length };
}
writeJson(folder, "found.json", found);
