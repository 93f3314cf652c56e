/** Pixels of files that the browser decodes, with colors not multiplied by their alpha. */

import { UnreadableImageError } from "./errors.js";

/**
 * @typedef {object} Decoded
 * @property {number} width
 * @property {number} height
 * @property {Uint8Array[]} samples RGB
 * @property {Uint8Array | null} alpha
 * @property {boolean} isExact whether colors of transparent places are those of the file
 */

const PREFERENCES = /** @type {const} */ ({ colorSpaceConversion: "none", premultiplyAlpha: "none" });
// Samples that are read at once.
const STRIP = 1 << 22;
// Every graphics card takes textures of this side.
const SIDE = 2048;

/**
 * @param {Uint8Array} bytes of the file
 * @param {{kind: string, type: string, hasAlpha: boolean}} file "WebP", "image/webp"
 * @returns {Promise<Decoded>}
 * @throws {UnreadableImageError} if the file is damaged, or there is no browser
 */
export async function decodeInBrowser(bytes, { kind, type, hasAlpha }) {
  if (typeof createImageBitmap !== "function" || typeof OffscreenCanvas !== "function") {
    throw new UnreadableImageError(
      `the picture is a ${kind}, which is opened in browsers only; convert it to PNG first`,
    );
  }
  const bitmap = await bitmapOf(bytes, kind, type);
  try {
    const { width, height } = bitmap;
    const planes = Array.from({ length: hasAlpha ? 4 : 3 }, () => new Uint8Array(width * height));
    const isExact = !hasAlpha || (await readTransparent(bitmap, planes));
    if (!hasAlpha || !isExact) {
      readOpaque(bitmap, planes);
    }
    return { width, height, samples: planes.slice(0, 3), alpha: planes[3] ?? null, isExact };
  } finally {
    bitmap.close();
  }
}

/**
 * @param {Uint8Array} bytes
 * @param {string} kind
 * @param {string} type
 */
async function bitmapOf(bytes, kind, type) {
  try {
    const blob = new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (bytes)], { type });
    return await createImageBitmap(blob, PREFERENCES);
  } catch {
    throw new UnreadableImageError(
      `the picture is a damaged ${kind}, or one that this browser cannot open; restore it on the command line ` +
        "(argan restore)",
    );
  }
}

/**
 * Read a picture without transparency; of others, colors are rounded where they are transparent.
 *
 * @param {ImageBitmap} bitmap
 * @param {Uint8Array[]} planes which get the samples
 */
function readOpaque(bitmap, planes) {
  const { width, height } = bitmap;
  const rows = Math.min(Math.max(Math.floor(STRIP / width), 1), height);
  const context = new OffscreenCanvas(width, rows).getContext("2d", { willReadFrequently: true });
  if (!context) {
    throw new UnreadableImageError("the picture is too wide for this browser; restore it on the command line");
  }
  context.globalCompositeOperation = "copy";
  for (let top = 0; top < height; top += rows) {
    context.drawImage(bitmap, 0, -top);
    const count = Math.min(rows, height - top);
    const { data } = context.getImageData(0, 0, width, count);
    divide(data, planes, { left: 0, top, width, height: count, stride: width });
  }
}

/**
 * Read a picture by WebGL, which leaves its colors as they are.
 *
 * @param {ImageBitmap} bitmap
 * @param {Uint8Array[]} planes which get the samples
 * @returns {Promise<boolean>} whether there is WebGL
 */
async function readTransparent(bitmap, planes) {
  const gl = new OffscreenCanvas(1, 1).getContext("webgl");
  if (!gl) {
    return false;
  }
  gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
  gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
  let isRead = true;
  for (let top = 0; top < bitmap.height && isRead; top += SIDE) {
    for (let left = 0; left < bitmap.width && isRead; left += SIDE) {
      const width = Math.min(SIDE, bitmap.width - left);
      const height = Math.min(SIDE, bitmap.height - top);
      const tile = await createImageBitmap(bitmap, left, top, width, height, PREFERENCES);
      const texture = /** @type {WebGLTexture} */ (gl.getParameter(gl.TEXTURE_BINDING_2D));
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, tile);
      gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
      const data = new Uint8Array(4 * width * height);
      gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, data);
      isRead = gl.getError() === gl.NO_ERROR;
      tile.close();
      divide(data, planes, { left, top, width, height, stride: bitmap.width });
    }
  }
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return isRead;
}

/**
 * Put pixels into planes.
 *
 * @param {Uint8Array | Uint8ClampedArray} data RGB and alpha of each pixel beside each other
 * @param {Uint8Array[]} planes
 * @param {{left: number, top: number, width: number, height: number, stride: number}} place of the pixels in the planes
 */
function divide(data, planes, { left, top, width, height, stride }) {
  for (const [channel, plane] of planes.entries()) {
    for (let y = 0, from = channel; y < height; y++) {
      for (let to = (top + y) * stride + left, end = to + width; to < end; to++, from += 4) {
        plane[to] = data[from];
      }
    }
  }
}
