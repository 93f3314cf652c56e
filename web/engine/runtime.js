/**
 * ONNX Runtime from the page's own files, on the processor or the graphics card.
 *
 * Its program is stored compressed, so that the visitor downloads a quarter of it from every server.
 */

import { download } from "./download.js";
import { DownloadError } from "./errors.js";

/** @import { Progress } from "./download.js" */
/** @import { Ort } from "./network.js" */

/** @typedef {"webgpu" | "wasm"} Backend */

/** The files of each backend, in `web/stage.js` as well. The last is compressed, with ".gz" at the end of its name. */
export const RUNTIME_FILES = {
  wasm: ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"],
  webgpu: ["ort.webgpu.min.mjs", "ort-wasm-simd-threaded.asyncify.mjs", "ort-wasm-simd-threaded.asyncify.wasm"],
};

const MOST_THREADS = 8;

/**
 * What runs the network: the graphics card if there is a real one, else the processor.
 *
 * @returns {Promise<Backend>}
 */
export async function bestBackend() {
  /** @type {any} */
  const gpu = /** @type {any} */ (globalThis.navigator)?.gpu;
  try {
    const adapter = await gpu?.requestAdapter();
    return adapter && !adapter.info?.isFallbackAdapter ? "webgpu" : "wasm";
  } catch {
    return "wasm";
  }
}

/** How many threads of one runtime can work: several only where the page shares memory with them. */
export function threadsOfRuntime() {
  return globalThis.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency || 1, MOST_THREADS) : 1;
}

/**
 * @param {string} folder address of the runtime's files, with a slash at its end
 * @param {object} options
 * @param {Backend} options.backend
 * @param {number} [options.threads] of the processor
 * @param {Progress} [options.onProgress] of its program
 * @param {AbortSignal} [options.signal] stops loading
 * @returns {Promise<Ort>}
 * @throws {import("./errors.js").DownloadError} if a file does not come
 */
export async function loadRuntime(folder, { backend, threads = 1, onProgress, signal }) {
  const [library, , program] = RUNTIME_FILES[backend];
  const compressed = await download(`${folder}${program}.gz`, onProgress, signal);
  /** @type {Ort} */
  const ort = await import(`${folder}${library}`).catch(() => {
    throw new DownloadError(`${library} could not be loaded: check the connection and try again`);
  });
  ort.env.wasm.wasmPaths = folder;
  ort.env.wasm.wasmBinary = await inflated(compressed);
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
  return ort;
}

/**
 * @param {Uint8Array<ArrayBuffer>} data
 * @returns {Promise<ArrayBuffer>}
 */
function inflated(data) {
  // Some servers say that such files are compressed on the way. Then the browser has inflated it already.
  const isCompressed = data[0] === 0x1f && data[1] === 0x8b;
  const stream = new Blob([data]).stream();
  return new Response(isCompressed ? stream.pipeThrough(new DecompressionStream("gzip")) : stream).arrayBuffer();
}
