/** The network over planes, by ONNX Runtime: what `PlaneRestorer` does for one tile, with the same numbers. */

import { filesAt } from "./download.js";
import { DownloadError, UnusableResultError } from "./errors.js";
import { lacksMemory } from "./memory.js";
import { mixedWeights, readChecked, readManifest, unpackWeights } from "./network_files.js";

/** @import { Progress, ReadFile } from "./download.js" */
/** @import { Manifest } from "./network_files.js" */

/** @typedef {typeof import("onnxruntime-web")} Ort */

/**
 * What a network is.
 *
 * @typedef {object} NetworkConfig
 * @property {string} name of the checkpoint
 * @property {number} numChannels planes that it restores: 1 or 3
 * @property {number} sizeDivisor tiles start at multiples of this, in pixels
 * @property {number} tileMargin what it needs around a tile, in pixels
 * @property {boolean} hasRealism whether there are two variants
 * @property {boolean} isConditioned whether it uses quantization tables
 */

/** A session holds its weights and its working memory, which is not given back. */
const KEPT = 2;

/**
 * Load a network.
 *
 * @param {string | URL | ReadFile} source the address of a folder that `argan export --web` wrote, or what reads it
 * @param {object} options
 * @param {Ort | Promise<Ort>} options.ort ONNX Runtime, see `runtime.js`
 * @param {"wasm" | "webgpu"} [options.backend] what runs it
 * @param {Progress} [options.onProgress] of graph and weights
 * @param {AbortSignal} [options.signal] stops loading
 * @returns {Promise<Network>}
 * @throws {import("./errors.js").DownloadError} if a file does not come, or is another
 */
export async function loadNetwork(source, { ort, backend = "wasm", onProgress, signal }) {
  const read = typeof source === "function" ? source : filesAt(source, signal);
  const manifest = await readManifest(read);
  const { graph, weights } = manifest.files;
  const total = graph.bytes + weights.bytes;
  const graphData = await readChecked(read, graph, (loaded) => onProgress?.(loaded, total));
  const data = await readChecked(read, weights, (loaded) => onProgress?.(graph.bytes + loaded, total));
  // Later reads must not end with the signal of this one.
  const readLater = typeof source === "function" ? source : filesAt(source);
  return new Network(await ort, backend, manifest, graphData, unpackWeights(data, manifest), readLater);
}

/** A loaded network; see {@link loadNetwork}. */
export class Network {
  /** @type {Map<number, import("onnxruntime-web").InferenceSession>} The one that was used last comes last. */
  #sessions = new Map();
  /** @type {Promise<Float32Array<ArrayBuffer>> | null} */
  #end = null;
  /** @type {Promise<unknown>} What runs; sessions cannot run side by side. */
  #running = Promise.resolve();
  #ort;
  #backend;
  #manifest;
  #graph;
  #start;
  #read;

  /**
   * @param {Ort} ort
   * @param {"wasm" | "webgpu"} backend
   * @param {Manifest} manifest
   * @param {Uint8Array<ArrayBuffer>} graph
   * @param {Float32Array<ArrayBuffer>} start weights at realism 0
   * @param {ReadFile} read
   */
  constructor(ort, backend, manifest, graph, start, read) {
    this.#ort = ort;
    this.#backend = backend;
    this.#manifest = manifest;
    this.#graph = graph;
    this.#start = start;
    this.#read = read;
    /** @type {NetworkConfig} */
    this.config = {
      name: manifest.name,
      numChannels: manifest.num_channels,
      sizeDivisor: manifest.size_divisor,
      tileMargin: manifest.tile_margin,
      hasRealism: manifest.files.realism_weights !== undefined,
      isConditioned: manifest.condition_on_quantization,
    };
  }

  /**
   * Restore planes as a whole, without tiles.
   *
   * @param {(Uint8Array | Float32Array)[]} planes 0..255, one or as many as the network restores
   * @param {number} width
   * @param {number} height
   * @param {Int32Array[] | null} tables their quantization tables, as many; `null` if they are not known
   * @param {number} [realism] 0..1
   * @returns {Promise<Float32Array[]>} 0..255, not rounded
   * @throws {RangeError} if an argument is out of range, or there is no variant for realism
   * @throws {UnusableResultError} if the network gives NaN or infinity
   */
  run(planes, width, height, tables, realism = 0) {
    const result = this.#running.then(() => this.#run(planes, width, height, tables, realism));
    this.#running = result.catch(() => {});
    return result;
  }

  /** Give the memory back. The network cannot be used after that. */
  async release() {
    await this.#running;
    await Promise.all(Array.from(this.#sessions.values(), (session) => session.release()));
    this.#sessions.clear();
  }

  /**
   * @param {(Uint8Array | Float32Array)[]} planes
   * @param {number} width
   * @param {number} height
   * @param {Int32Array[] | null} tables
   * @param {number} realism
   */
  async #run(planes, width, height, tables, realism) {
    const channels = this.config.numChannels;
    if (planes.length !== 1 && planes.length !== channels) {
      throw new RangeError(`this network restores ${channels} plane(s), found ${planes.length}`);
    }
    const session = await this.#at(realism);
    const size = width * height;
    // Planes that are not there have no color.
    const pixels = new Float32Array(channels * size).fill(128 / 255, planes.length * size);
    for (const [index, plane] of planes.entries()) {
      const place = pixels.subarray(index * size, (index + 1) * size);
      for (let at = 0; at < size; at++) {
        place[at] = plane[at] / 255;
      }
    }
    const steps = new Int32Array(channels * 64);
    for (const [index, table] of (tables ?? []).slice(0, planes.length).entries()) {
      steps.set(table, index * 64);
    }
    const { Tensor } = this.#ort;
    const results = await session.run({
      pixel_values: new Tensor("float32", pixels, [1, channels, height, width]),
      quantization: new Tensor("int32", steps, [1, channels, 8, 8]),
    });
    const restored = /** @type {Float32Array} */ (results.reconstruction.data);
    return planes.map((_, index) => samples(restored.subarray(index * size, (index + 1) * size)));
  }

  /**
   * The session of a realism; the last few are kept.
   *
   * @param {number} realism
   */
  async #at(realism) {
    if (!(realism >= 0 && realism <= 1)) {
      throw new RangeError(`realism must lie in 0..1, found ${realism}`);
    }
    const kept = this.#sessions.get(realism);
    if (kept) {
      this.#sessions.delete(realism);
      this.#sessions.set(realism, kept);
      return kept;
    }
    const weights = realism === 0 ? this.#start : mixedWeights(this.#start, await this.#realismWeights(), realism);
    // Before the next one takes its memory.
    while (this.#sessions.size >= KEPT) {
      const [oldest, session] = this.#sessions.entries().next().value ?? [];
      this.#sessions.delete(/** @type {number} */ (oldest));
      await session?.release();
    }
    const session = await this.#ort.InferenceSession.create(this.#graph, {
      executionProviders: [this.#backend],
      externalData: [{ path: this.#manifest.external_data.path, data: new Uint8Array(weights.buffer) }],
      logSeverityLevel: 3,
    }).catch((error) => {
      if (lacksMemory(error)) {
        throw error;
      }
      throw new DownloadError(`the network could not be started: reload the page (${error})`);
    });
    this.#sessions.set(realism, session);
    return session;
  }

  /** They are loaded when they are first needed. */
  #realismWeights() {
    const file = this.#manifest.files.realism_weights;
    if (!file) {
      throw new RangeError("this network has no variant for realism: leave realism at 0");
    }
    this.#end ??= readChecked(this.#read, file).then((data) => unpackWeights(data, this.#manifest));
    // After a failure it is tried again.
    this.#end.catch(() => {
      this.#end = null;
    });
    return this.#end;
  }
}

/**
 * What the network gave for a plane, clamped.
 *
 * @param {Float32Array} restored 0..1
 * @returns {Float32Array} 0..255
 */
function samples(restored) {
  const plane = new Float32Array(restored.length);
  for (let at = 0; at < plane.length; at++) {
    const value = restored[at];
    if (!Number.isFinite(value)) {
      throw new UnusableResultError("the network gave NaN or infinity instead of samples: choose another network");
    }
    plane[at] = (value < 0 ? 0 : value > 1 ? 1 : value) * 255;
  }
  return plane;
}
