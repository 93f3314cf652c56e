/** What tests do in a page of a staged site. Planes come and go as base64, which is faster than lists of numbers. */

import { Engine } from "../engine/engine.js";
import { CalledWorker } from "../engine/messages.js";
import { tiles } from "../engine/tiles.js";

/** @type {CalledWorker} */
let worker;
/** @type {any} */
let opened;

/**
 * @param {{weights?: string, runtime?: string, backend?: string}} options
 */
export async function open({ weights = "weights/", runtime = "runtime/", backend }) {
  worker = new CalledWorker(new URL("../engine/worker.js", import.meta.url));
  /** @type {number[][]} */
  const downloaded = [];
  const folders = { weights: `${location.origin}/${weights}`, runtime: `${location.origin}/${runtime}` };
  const progress = (/** @type {number[]} */ ...numbers) => downloaded.push(numbers);
  opened = await worker.call("open", { ...folders, backend }, { progress });
  return { ...opened, isIsolated: crossOriginIsolated, cores: navigator.hardwareConcurrency, downloaded };
}

/** From now on, a service worker keeps the files of the site. */
export async function keepFiles() {
  const isControlled = new Promise((resolve) => {
    navigator.serviceWorker.oncontrollerchange = () => resolve(null);
  });
  await navigator.serviceWorker.register("/service_worker.js");
  await isControlled;
}

/**
 * @param {{planes: string, width: number, height: number, tables: number[][] | null, realism: number, tileSize: number,
 *   most: number}} options `most`: tiles after which the page gives up
 */
export async function run({ planes, width, height, tables, realism, tileSize, most }) {
  const samples = Uint8Array.from(atob(planes), (letter) => letter.charCodeAt(0));
  const size = width * height;
  const { tileMargin } = opened.config;
  const picture = {
    planes: Array.from({ length: samples.length / size }, (_, at) => samples.slice(at * size, (at + 1) * size)),
    width,
    height,
    tables: tables?.map((table) => Int32Array.from(table)) ?? null,
    tiles: tiles(width, height, tileSize, tileMargin, 16),
    realism,
  };
  const controller = new AbortController();
  /** @type {number[][]} */
  const steps = [];
  const progress = (/** @type {number} */ done, /** @type {number} */ total) => {
    steps.push([done, total]);
    if (done >= most) {
      controller.abort();
    }
  };
  let restored = null;
  let failure = null;
  try {
    restored = (await worker.call("runTiles", picture, { progress, signal: controller.signal })).map(base64);
  } catch (error) {
    failure = `${error}`;
  }
  return { restored, failure, steps };
}

/** @param {{file: string}} options */
export async function restoreTwice({ file }) {
  const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
  const results = await Promise.allSettled([engine.reconstruct(bytes), engine.reconstruct(bytes)]);
  return results.map((result) => (result.status === "fulfilled" ? result.status : `${result.reason}`));
}

/** @param {Float32Array | Uint8Array | Uint8ClampedArray} plane */
function base64(plane) {
  let text = "";
  for (const byte of new Uint8Array(plane.buffer, plane.byteOffset, plane.byteLength)) {
    text += String.fromCharCode(byte);
  }
  return btoa(text);
}

/** @type {Engine} */
let engine;

/** @param {{maxMegapixels?: number, tileSize?: number, weights?: string}} options */
export async function openEngine(options) {
  engine = await Engine.open({ runtime: "runtime", weights: new URL("weights/", location.href), ...options });
  return engine.config;
}

/**
 * Run the network over a file, and make files of what it gave.
 *
 * @param {{file: string, options?: object, wishes: {format: import("../engine/encoding.js").Format,
 *   options?: import("../engine/restore.js").FinishOptions}[], most?: number}} options `most`: tiles after which the page
 *   gives up
 */
export async function restore({ file, options = {}, wishes, most = 999 }) {
  const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
  const controller = new AbortController();
  /** @type {number[][]} */
  const steps = [];
  const progress = (/** @type {number} */ done, /** @type {number} */ total) => {
    steps.push([done, total]);
    if (done >= most) {
      controller.abort();
    }
  };
  const results = [];
  let failure = null;
  try {
    const number = await engine.reconstruct(bytes, { ...options, progress, signal: controller.signal });
    for (const { format, options } of wishes) {
      const { bytes, ...rest } = await engine.encode(number, format, options);
      results.push({ ...rest, file: base64(bytes), steps: steps.length });
    }
    await engine.drop(number);
    await engine.finish(number);
  } catch (error) {
    failure = `${error}`;
  }
  return { results, failure, steps };
}

/**
 * Files of two pictures, before the other one came and after.
 *
 * @param {{files: string[]}} options
 */
export async function restoreInTurns({ files }) {
  const found = [];
  /** @type {number[]} */
  const numbers = [];
  const encoded = async (/** @type {number} */ at) => base64((await engine.encode(numbers[at], "png")).bytes);
  for (const [at, file] of files.entries()) {
    numbers.push(await engine.reconstruct(Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0))));
    found.push(await encoded(at));
  }
  found.push(await encoded(0), ...(await Promise.all([encoded(1), encoded(1), encoded(0)])));
  return found;
}

/**
 * Errors of a worker as they arrive: the names of their classes, and their own.
 *
 * @param {{names: string[]}} options
 */
export async function fail({ names }) {
  const failing = new CalledWorker(new URL("failing_worker.js", import.meta.url));
  const errors = await Promise.all(
    names.map((name) => failing.call("fail", { name, message: "why" }).catch((error) => error)),
  );
  failing.terminate();
  return errors.map((error) => [error.constructor.name, error.name, error.message]);
}

/**
 * Previews of a file, and the messages by which they came; other messages hold none.
 *
 * @param {{file: string, isPreviewed: boolean}} options
 */
export async function preview({ file, isPreviewed }) {
  const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
  const heard = { tiles: 0, messages: 0, samples: 0 };
  const send = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (/** @type {any} */ message, /** @type {any} */ transfer) {
    this.addEventListener("message", ({ data }) => {
      if (data.note && data.id === message.id) {
        heard.messages++;
      }
    });
    send.call(this, message, transfer);
  };
  try {
    const preview = (/** @type {import("../engine/preview.js").PreviewedTile} */ tile) => {
      heard.tiles++;
      heard.samples += tile.width * tile.height * Number(tile.pixels instanceof Uint8ClampedArray);
    };
    let steps = 0;
    const progress = () => void steps++;
    await engine.drop(await engine.reconstruct(bytes, { progress, ...(isPreviewed && { preview }) }));
    return { ...heard, steps };
  } finally {
    Worker.prototype.postMessage = send;
  }
}

/**
 * What is shown of a picture, and what the browser shows of its file.
 *
 * @param {{file: string, options?: import("../engine/restore.js").FinishOptions}} options
 */
export async function show({ file, options }) {
  const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
  const number = await engine.reconstruct(bytes);
  const { bitmap, report } = await engine.show(number, options);
  const own = await createImageBitmap(new Blob([bytes]));
  return { shown: drawn(bitmap), own: drawn(own), width: report.width, height: report.height };
}

/** @param {ImageBitmap} bitmap */
function drawn(bitmap) {
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  context?.drawImage(bitmap, 0, 0);
  const image = context?.getImageData(0, 0, bitmap.width, bitmap.height);
  bitmap.close();
  return base64(image?.data ?? new Uint8Array(0));
}
