// Restores a file with networks for which large tiles are too large, as `tests/web/test_memory.py` asks:
// node lack_memory.js FOLDER
import { lacksMemory, MemoryGivenBackError } from "../engine/memory.js";
import { JpegRestorer } from "../engine/restore.js";
import { runTiled } from "../engine/run_tiled.js";
import { readBytes, readJson, writeArrays, writeJson } from "./files.js";

const folder = process.argv[2];
const bytes = readBytes(folder, "file");

/**
 * A network that looks at the neighbors of each sample, and at no picture of more than so many pixels.
 *
 * @param {{largest: number, sizeDivisor?: number, message?: string, isQuick?: boolean}} limits `isQuick`: it fails at once,
 *   and can go on
 */
function limited({ largest, sizeDivisor = 16, message = "std::bad_alloc", isQuick = false }) {
  let opened = 0;
  let isDead = false;
  /** @param {Float32Array[]} planes @param {number} width @param {number} height */
  const run = async (planes, width, height) => {
    const before = opened;
    if (!isQuick) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    if (before !== opened) {
      throw new MemoryGivenBackError("the network was opened anew");
    }
    const isTooLarge = width * height > largest;
    isDead ||= isTooLarge && !isQuick;
    if (isDead || isTooLarge) {
      throw new Error(message);
    }
    return planes.map((plane) => plane.map((value, at) => (at % width ? (value + plane[at - 1]) / 2 : value)));
  };
  const config = { name: "", numChannels: 3, sizeDivisor, tileMargin: 16, hasRealism: false, isConditioned: true };
  return {
    config,
    /** @type {import("../engine/restore.js").TiledNetwork["runTiles"]} */
    runTiles: (...picture) => runTiled([{ run }], ...picture),
    reopen() {
      isDead = false;
      opened++;
    },
    count: () => opened,
  };
}

/** @type {Record<string, unknown>} */
const found = {};
/** @type {{name: string, tileSize: number, several?: number, stopped?: boolean, largest: number}[]} */
const cases = readJson(folder, "cases.json");
for (const { name, tileSize, several = 1, stopped = false, ...limits } of cases) {
  const network = limited(limits);
  const restorer = new JpegRestorer(network, { tileSize });
  /** @type {number[][]} */
  const steps = [];
  const controller = new AbortController();
  const options = {
    history: false, // To look for earlier saves takes longer than the rest.
    signal: controller.signal,
    progress: (/** @type {number[]} */ ...numbers) => void steps.push(numbers),
  };
  const all = Array.from({ length: several }, () => restorer.reconstruct(bytes, options));
  if (stopped) {
    setTimeout(() => controller.abort(), 0);
  }
  const results = await Promise.allSettled(all);
  const failures = results.flatMap((one) => (one.status === "rejected" ? [`${one.reason}`] : []));
  const pictures = results.flatMap((one) =>
    one.status === "fulfilled" ? [restorer.finish(one.value).picture.pixels] : [],
  );
  writeArrays(folder, name, pictures);
  found[name] = { failures, steps, tileSize: restorer.tileSize, opened: network.count() };
}
const errors = readJson(folder, "errors.json").map((/** @type {string[]} */ [name, message]) =>
  lacksMemory(Object.assign(new Error(message), { name })),
);
writeJson(folder, "found.json", { found, errors, others: [lacksMemory("std::bad_alloc"), lacksMemory(undefined)] });
