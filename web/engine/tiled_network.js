/**
 * The network over pictures of any size, by all that the browser offers: the graphics card, threads that share memory,
 * or workers that do not.
 */

import { DownloadError } from "./errors.js";
import { MemoryGivenBackError } from "./memory.js";
import { CalledWorker } from "./messages.js";
import { runTiled } from "./run_tiled.js";
import { bestBackend, threadsOfRuntime } from "./runtime.js";
import { tiles } from "./tiles.js";

/** @import { Progress } from "./download.js" */
/** @import { Folders } from "./loading.js" */
/** @import { NetworkConfig } from "./network.js" */
/** @import { RunOptions, RunsNetwork } from "./run_tiled.js" */
/** @import { Backend } from "./runtime.js" */
/** @import { Tile } from "./tiles.js" */

/**
 * A network that restores planes of any size.
 *
 * @typedef {object} TiledNetwork
 * @property {NetworkConfig} config
 * @property {(planes: (Uint8Array | Float32Array)[], width: number, height: number, tables: Int32Array[] | null,
 *   tiles: Tile[], options?: RunOptions) => Promise<Float32Array[]>} runTiles gives planes, 0..255, not rounded
 * @property {() => void} [reopen] gives the memory back: what runs ends with
 *   {@link MemoryGivenBackError}, and the next run opens the network anew
 * @property {() => void} terminate gives the memory back
 */

/** Each worker has a runtime and a network, some hundred megabytes. */
const MOST_WORKERS = 4;

/**
 * A loaded network in this thread, with the interface of the others.
 *
 * @param {import("./network.js").Network} network
 * @returns {TiledNetwork}
 */
export function tiledNetwork(network) {
  return {
    config: network.config,
    runTiles: (...picture) => runTiled([network], ...picture),
    terminate: () => void network.release(),
  };
}

/**
 * Load runtime and network.
 *
 * @param {object} options
 * @param {string} options.runtime address of the folder of the runtime, with a slash at its end
 * @param {string} options.weights address of the folder of the network, with a slash at its end
 * @param {Backend} [options.backend] default: the best one that works
 * @param {number} [options.workers] how many work side by side where memory is not shared
 * @param {Progress} [options.progress] of runtime, graph and weights; it begins again if the graphics card fails
 * @param {AbortSignal} [options.signal] stops loading
 * @returns {Promise<TiledNetwork & {backend: Backend, threads: number, workers: number}>} and what runs it
 * @throws {import("./errors.js").DownloadError} if a file does not come, or is another
 */
export async function openNetwork({ runtime, weights, backend, workers, progress, signal }) {
  const folders = { runtime, weights };
  if ((backend ?? (await bestBackend())) === "webgpu") {
    const pool = new NetworkPool({ folders, backend: "webgpu", threads: 1 }, 1);
    const config = await pool.start({ progress, signal });
    try {
      // A driver may refuse what it promised.
      await pool.runTiles([new Uint8Array(1)], 1, 1, null, tiles(1, 1, 1, 0, 1));
      return { ...networkOf(pool, config), backend: "webgpu", threads: 1, workers: 0 };
    } catch (error) {
      pool.terminate();
      if (backend) {
        throw new DownloadError(`the graphics card cannot run the network (${error}): choose "wasm"`);
      }
    }
  }
  const threads = threadsOfRuntime();
  const many = threads > 1 ? 1 : (workers ?? Math.min(navigator.hardwareConcurrency || 1, MOST_WORKERS));
  const pool = new NetworkPool({ folders, backend: "wasm", threads }, many);
  const config = await pool.start({ progress, signal });
  return { ...networkOf(pool, config), backend: "wasm", threads, workers: threads > 1 ? 0 : many };
}

/**
 * @param {NetworkPool} pool
 * @param {NetworkConfig} config
 * @returns {TiledNetwork}
 */
function networkOf(pool, config) {
  return {
    config,
    runTiles: (...picture) => pool.runTiles(...picture),
    reopen: () => pool.reopen(),
    terminate: () => pool.terminate(),
  };
}

/** Workers with a network each. */
class NetworkPool {
  /** @type {Promise<{worker: CalledWorker, config: NetworkConfig}>[]} loaded, or being loaded */
  #workers = [];
  #network;
  #many;

  /**
   * @param {{folders: Folders, backend: Backend, threads: number}} network of each
   * @param {number} many how many workers there are at most
   */
  constructor(network, many) {
    this.#network = network;
    this.#many = many;
  }

  /**
   * Start a worker; it is forgotten if it does not start.
   *
   * @param {{progress?: Progress, signal?: AbortSignal}} [options] of what it downloads
   */
  async start(options = {}) {
    const loaded = this.#load(options);
    this.#workers.push(loaded);
    loaded.catch(() => {
      this.#workers = this.#workers.filter((other) => other !== loaded);
    });
    return (await loaded).config;
  }

  /** @param {{progress?: Progress, signal?: AbortSignal}} options */
  async #load(options) {
    const worker = new CalledWorker(new URL("network_worker.js", import.meta.url));
    try {
      /** @type {NetworkConfig} */
      const config = await worker.call("load", this.#network, options);
      return { worker, config };
    } catch (error) {
      worker.terminate();
      throw error;
    }
  }

  /** @type {TiledNetwork["runTiles"]} */
  async runTiles(planes, width, height, tables, tiles, options) {
    // They are there for all pictures, so the end of this one does not end them.
    for (let count = this.#workers.length; count < Math.min(tiles.length, this.#many); count++) {
      this.start().catch(() => {});
    }
    const started = await Promise.allSettled(this.#workers);
    options?.signal?.throwIfAborted();
    const networks = started.flatMap((one) => (one.status === "fulfilled" ? [networkIn(one.value.worker)] : []));
    // One worker is slower than several, and better than none.
    if (!networks.length) {
      throw /** @type {PromiseRejectedResult} */ (started[0]).reason;
    }
    return runTiled(networks, planes, width, height, tables, tiles, options);
  }

  /** End the workers; others start when they are needed. */
  reopen() {
    this.#end(new MemoryGivenBackError("the network was opened anew"));
    this.#workers = [];
  }

  terminate() {
    this.#end();
  }

  /** @param {Error} [reason] */
  #end(reason) {
    for (const loaded of this.#workers) {
      loaded.then(({ worker }) => worker.terminate(reason)).catch(() => {});
    }
  }
}

/**
 * @param {CalledWorker} worker
 * @returns {RunsNetwork}
 */
function networkIn(worker) {
  return {
    run: (planes, width, height, tables, realism) =>
      worker.call(
        "run",
        { planes, width, height, tables, realism },
        { transfer: planes.map((plane) => /** @type {ArrayBuffer} */ (plane.buffer)) },
      ),
  };
}
