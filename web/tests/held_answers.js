/**
 * Stands between the page and its workers: tests hold what workers tell, so that a picture is at work for as long as a
 * test looks, on fast machines as well. Imported before the page makes its first worker.
 */

/** @typedef {{name: string, passed: {note: number, progress: number}}} Asked */

const PATIENCE = 60_000;

/** Calls of this function are held after so many tiles. */
let held = { name: "", tiles: 0 };
/** @type {[Worker, MessageEvent][]} */
let kept = [];
let open = 0;

class HeldWorker extends Worker {
  /** @type {Map<number, Asked>} */
  #asked = new Map();

  /** @param {string | URL} script @param {WorkerOptions} [options] */
  constructor(script, options) {
    super(script, options);
    // Before the listeners of those who make it.
    this.addEventListener("message", (event) => this.#hear(event));
  }

  /** @param {any} message @param {any} transfer */
  postMessage(message, transfer) {
    if (message.name !== undefined) {
      this.#asked.set(message.id, { name: message.name, passed: { note: 0, progress: 0 } });
      open++;
    }
    super.postMessage(message, transfer);
  }

  /** @param {MessageEvent} event */
  #hear(event) {
    const { data } = event;
    const asked = this.#asked.get(data.id);
    const kind = ["note", "progress"].find((name) => name in data);
    if (asked?.name === held.name && !(kind && asked.passed[/** @type {"note"} */ (kind)]++ < held.tiles)) {
      event.stopImmediatePropagation();
      kept.push([this, event]);
    } else if (!kind) {
      open--;
    }
  }
}

globalThis.Worker = HeldWorker;

/**
 * From now on, hold what calls of a function tell.
 *
 * @param {string} name of the function
 * @param {number} tiles that are told before
 */
export function hold(name, tiles) {
  held = { name, tiles };
}

/** Tell what was held, and hold nothing. */
export function release() {
  held = { name: "", tiles: 0 };
  for (const [worker, { data }] of kept) {
    worker.dispatchEvent(new MessageEvent("message", { data }));
  }
  kept = [];
}

/** Wait until workers have answered all that they were asked. */
export async function allAnswered() {
  const began = performance.now();
  while (open) {
    if (performance.now() - began > PATIENCE) {
      throw new Error(`${open} calls are not answered`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
