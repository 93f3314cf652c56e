/**
 * Functions of a worker, called from outside of it: answers, errors with their sentences, progress, notes before the
 * answer, and an end before the end.
 */

import { DownloadError, OutOfMemoryError, UnreadableImageError, UnusableResultError } from "./errors.js";

/**
 * @typedef {object} Call what a function of a worker gets beside its argument
 * @property {(...numbers: number[]) => void} progress
 * @property {((value: any, transfer: Transferable[]) => void) | undefined} note tells something before the answer, and
 *   gives memory away with it; `undefined` if nobody listens
 * @property {AbortSignal} signal
 * @property {Transferable[]} transfer memory of the answer that the worker gives away
 *
 * @typedef {Record<string, (argument: any, call: Call) => any>} Functions
 *
 * @typedef {object} CallOptions
 * @property {(...numbers: number[]) => void} [progress]
 * @property {(value: any) => void} [note] is told what the function tells before its answer
 * @property {AbortSignal} [signal]
 * @property {Transferable[]} [transfer] memory of the argument that is given away
 */

/** @type {Record<string, new (message: string) => Error>} */
const ERRORS = { DownloadError, OutOfMemoryError, RangeError, TypeError, UnreadableImageError, UnusableResultError };

/**
 * Let others call functions of this worker.
 *
 * @param {Functions} functions by name
 */
export function serve(functions) {
  const scope = /** @type {MessagePort} */ (/** @type {unknown} */ (globalThis));
  /** @type {Map<number, AbortController>} */
  const running = new Map();
  scope.onmessage = async ({ data: { id, name, argument, isHeard } }) => {
    if (name === undefined) {
      running.get(id)?.abort();
      return;
    }
    const controller = new AbortController();
    running.set(id, controller);
    /** @type {Transferable[]} */
    const transfer = [];
    /** @param {number[]} numbers */
    const progress = (...numbers) => scope.postMessage({ id, progress: numbers });
    /** @type {Call["note"]} */
    const note = isHeard ? (value, given) => scope.postMessage({ id, note: value }, given) : undefined;
    try {
      const value = await functions[name](argument, { progress, note, signal: controller.signal, transfer });
      scope.postMessage({ id, value }, transfer);
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(`${error}`);
      scope.postMessage({ id, error: { name, message } });
    } finally {
      running.delete(id);
    }
  };
}

/** A worker whose script calls {@link serve}. */
export class CalledWorker {
  /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void, options: CallOptions}>} */
  #waiting = new Map();
  #worker;
  #calls = 0;
  /** @type {Error | null} */
  #failure = null;

  /** @param {URL} script */
  constructor(script) {
    this.#worker = new Worker(script, { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#heard(data);
    this.#worker.onerror = () => this.#end(new DownloadError("the program of the page did not start: reload the page"));
  }

  /**
   * @param {string} name of the function
   * @param {unknown} argument
   * @param {CallOptions} [options]
   * @returns {Promise<any>} what it gives; it throws what the function throws
   */
  async call(name, argument, options = {}) {
    const { signal, transfer = [] } = options;
    signal?.throwIfAborted();
    if (this.#failure) {
      throw this.#failure;
    }
    const id = this.#calls++;
    const stop = () => this.#worker.postMessage({ id });
    signal?.addEventListener("abort", stop);
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject, options });
        this.#worker.postMessage({ id, name, argument, isHeard: options.note !== undefined }, transfer);
      });
    } catch (error) {
      // The reason may be more than an end, such as a time that ran out.
      throw signal?.aborted && error instanceof DOMException && error.name === "AbortError" ? signal.reason : error;
    } finally {
      this.#waiting.delete(id);
      signal?.removeEventListener("abort", stop);
    }
  }

  /**
   * End the worker at once; what was asked of it fails.
   *
   * @param {Error} [reason]
   */
  terminate(reason = new DOMException("the work was ended", "AbortError")) {
    this.#worker.terminate();
    this.#end(reason);
  }

  /** @param {any} message */
  #heard({ id, value, error, progress, note }) {
    const call = this.#waiting.get(id);
    if (note !== undefined) {
      call?.options.note?.(note);
      return;
    }
    if (progress) {
      call?.options.progress?.(...progress);
      return;
    }
    this.#waiting.delete(id);
    if (error) {
      call?.reject(revived(error));
    } else {
      call?.resolve(value);
    }
  }

  /** @param {Error} failure */
  #end(failure) {
    this.#failure = failure;
    for (const { reject } of this.#waiting.values()) {
      reject(failure);
    }
    this.#waiting.clear();
  }
}

/**
 * An error of a worker, with the class that it had there, or at least its name.
 *
 * @param {{name: string, message: string}} error
 */
function revived({ name, message }) {
  if (name === "AbortError") {
    return new DOMException(message, name);
  }
  const known = ERRORS[name] ?? Error;
  return Object.assign(new known(message), { name });
}
