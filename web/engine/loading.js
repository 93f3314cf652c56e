/** Runtime and network, downloaded side by side. */

import { loadNetwork } from "./network.js";
import { loadRuntime } from "./runtime.js";

/** @import { Progress } from "./download.js" */
/** @import { Backend } from "./runtime.js" */

/**
 * The addresses of what the engine needs, with a slash at their ends.
 *
 * @typedef {{runtime: string, weights: string}} Folders
 */

/**
 * @param {Folders} folders
 * @param {object} options
 * @param {Backend} options.backend
 * @param {number} [options.threads] of the processor
 * @param {Progress} [options.progress] of both together
 * @param {AbortSignal} [options.signal] stops loading
 * @returns {Promise<import("./network.js").Network>}
 * @throws {import("./errors.js").DownloadError} if a file does not come, or is another
 */
export async function loadWithRuntime({ runtime, weights }, { backend, threads, progress, signal }) {
  /** @type {({loaded: number, total: number} | null)[]} */
  const parts = [null, null];
  /** @type {(index: number) => Progress} */
  const report = (index) => (loaded, total) => {
    parts[index] = { loaded, total };
    const [one, other] = parts;
    // Before both have begun, the sum would jump.
    if (one && other) {
      progress?.(one.loaded + other.loaded, one.total && other.total && one.total + other.total);
    }
  };
  const ort = loadRuntime(runtime, { backend, threads, onProgress: report(0), signal });
  ort.catch(() => {}); // It is thrown where it is awaited.
  return loadNetwork(weights, { ort, backend, onProgress: report(1), signal });
}
