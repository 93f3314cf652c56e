/** The files of a network, as `argan export --web` writes them: what they are, and the weights that they hold. */

import { DownloadError } from "./errors.js";

/** @import { Progress, ReadFile } from "./download.js" */

/**
 * What `manifest.json` says.
 *
 * @typedef {object} Manifest
 * @property {number} format
 * @property {string} name
 * @property {number} num_channels
 * @property {number} size_divisor
 * @property {number} tile_margin
 * @property {boolean} condition_on_quantization
 * @property {{graph: File, weights: File, realism_weights?: File}} files
 * @property {{path: string, bytes: number}} external_data the buffer of all weights, as the graph knows it
 * @property {Tensor[]} tensors
 *
 * @typedef {{name: string, bytes: number, sha256: string}} File
 * @typedef {{dtype: "float16" | "float32", shape: number[], offset: number, external_offset: number}} Tensor
 */

const FORMAT = 1;

/**
 * @param {ReadFile} read
 * @returns {Promise<Manifest>}
 * @throws {DownloadError} if it cannot be read, or is of another version
 */
export async function readManifest(read) {
  const text = new TextDecoder().decode(await read("manifest.json"));
  /** @type {Manifest} */
  let manifest;
  try {
    manifest = JSON.parse(text);
  } catch {
    throw new DownloadError("manifest.json of the network is damaged: reload the page");
  }
  if (manifest.format !== FORMAT) {
    throw new DownloadError(
      `the files of the network have format ${manifest.format}, expected ${FORMAT}: reload the page, or export them again`,
    );
  }
  return manifest;
}

/**
 * A file, after its size and checksum were compared with the manifest. Without HTTPS browsers compute no checksums.
 *
 * @param {ReadFile} read
 * @param {File} file
 * @param {Progress} [progress]
 * @throws {DownloadError} if it is another file
 */
export async function readChecked(read, file, progress) {
  const data = await read(file.name, progress);
  if (data.length !== file.bytes || ((await sha256(data)) ?? file.sha256) !== file.sha256) {
    throw new DownloadError(`${file.name} is damaged or of another version: reload the page`);
  }
  return data;
}

/** @param {Uint8Array<ArrayBuffer>} data */
async function sha256(data) {
  if (!globalThis.crypto?.subtle) {
    return null;
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The weights of a file, as the graph wants them.
 *
 * @param {Uint8Array<ArrayBuffer>} data of the file
 * @param {Manifest} manifest
 * @returns {Float32Array<ArrayBuffer>}
 */
export function unpackWeights(data, manifest) {
  const weights = new Float32Array(manifest.external_data.bytes / 4);
  for (const { dtype, shape, offset, external_offset: externalOffset } of manifest.tensors) {
    const count = shape.reduce((product, side) => product * side, 1);
    const place = weights.subarray(externalOffset / 4, externalOffset / 4 + count);
    const start = data.byteOffset + offset;
    if (dtype === "float16") {
      decodeHalves(new Uint16Array(data.buffer, start, count), place);
    } else {
      place.set(new Float32Array(data.buffer, start, count));
    }
  }
  return weights;
}

/**
 * Numbers of 16 bits (IEEE 754), each of which a float32 holds exactly.
 *
 * @param {Uint16Array} halves
 * @param {Float32Array} numbers of the same length, changed
 */
export function decodeHalves(halves, numbers) {
  for (let at = 0; at < halves.length; at++) {
    const half = halves[at];
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    let number;
    if (exponent === 0) {
      number = fraction * 2 ** -24;
    } else if (exponent === 31) {
      number = fraction ? Number.NaN : Number.POSITIVE_INFINITY;
    } else {
      number = (1024 + fraction) * 2 ** (exponent - 25);
    }
    numbers[at] = half >> 15 ? -number : number;
  }
}

/**
 * Weights between two variants, in float32 as `torch.lerp` rounds them on processors that multiply and add in one step.
 *
 * @param {Float32Array<ArrayBuffer>} start at realism 0
 * @param {Float32Array<ArrayBuffer>} end at realism 1
 * @param {number} realism 0..1
 * @returns {Float32Array<ArrayBuffer>}
 */
export function mixedWeights(start, end, realism) {
  const f = Math.fround;
  const weight = f(realism);
  // From the nearer end, so that the farther one is reached exactly.
  const base = weight < 0.5 ? start : end;
  const factor = weight < 0.5 ? weight : f(weight - 1);
  const mixed = new Float32Array(start.length);
  for (let at = 0; at < mixed.length; at++) {
    // The product is exact in 64 bits, so only the sum is rounded.
    mixed[at] = base[at] + factor * f(end[at] - start[at]);
  }
  return mixed;
}
