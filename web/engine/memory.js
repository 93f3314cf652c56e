/** Where memory is short: how that is recognized, among all that runtimes and browsers throw then. */

import { OutOfMemoryError } from "./errors.js";

/** What typed arrays and WebAssembly.Memory throw; other errors of this class are about arguments. */
const NO_ROOM = /allocat|array length|length too large|memory/i;
/** The runtime, its program that gave up, and graphics cards, which take memory back from those who use them. */
const SIGNS = /memory|bad_alloc|\boom\b|aborted|allocat|device\b.*\b(lost|destroyed)|lost\b.*\bdevice/i;

/** What was running ended because its memory was given back, as another picture needed it: it can begin again. */
export class MemoryGivenBackError extends Error {
  name = "MemoryGivenBackError";
}

/**
 * Whether an error says that there is too little memory: smaller tiles may help.
 *
 * @param {unknown} error
 */
export function lacksMemory(error) {
  const { name, message } = error instanceof Error ? error : new Error(`${error}`);
  if (name === "RangeError") {
    return NO_ROOM.test(message);
  }
  if (name === "AbortError") {
    // So ends, too, what waits for a graphics card that is lost.
    return /GPU|device/.test(message);
  }
  // Errors of the engine are what they say.
  const isForeign = /^(Error|InternalError|RuntimeError|CompileError|OperationError|GPU\w*Error|UnknownError)$/.test(
    name,
  );
  return isForeign && SIGNS.test(message);
}

/** What people are told if smaller tiles did not help. */
export function outOfMemory() {
  return new OutOfMemoryError(
    "there is too little memory for this picture: close other tabs and pictures, restore a smaller part of it, or " +
      "restore it on the command line (argan restore)",
  );
}

/**
 * What a function gives; if memory lacks, it throws the sentence on that.
 *
 * @template T
 * @param {() => T | Promise<T>} work
 * @returns {Promise<T>}
 * @throws {OutOfMemoryError}
 */
export async function inMemory(work) {
  try {
    return await work();
  } catch (error) {
    throw lacksMemory(error) ? outOfMemory() : error;
  }
}
