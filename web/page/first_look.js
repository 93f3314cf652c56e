/** What can be said about a file before anything is downloaded: its size, a thumbnail, what a JPEG file states. */

import { UnreadableImageError } from "../engine/errors.js";
import { inspect } from "../engine/inspection.js";

/** @typedef {import("./pictures.js").Item} Item */

const THUMBNAIL = { width: 96, height: 72 };

/**
 * @param {Blob} file
 * @returns {Promise<Partial<Item>>} what is left out is not known; without a thumbnail, the browser cannot show the file
 * @throws {UnreadableImageError} if its headers show that it is not restored
 */
export async function firstLook(file) {
  // First, as what the headers refuse, such as a picture too large, is not decoded.
  const facts = await inspect(await bytesOf(file));
  const picture = await decoded(file);
  const { width, height, format, quality, sampling } = facts;
  const jpeg = quality !== null && sampling !== null ? { quality, sampling } : null;
  const thumbnail = picture && thumbnailOf(picture);
  picture?.close();
  return { format, jpeg, width, height, thumbnail };
}

/**
 * @param {Blob} file
 * @throws {UnreadableImageError} if it was changed or deleted since it was given
 */
export async function bytesOf(file) {
  const bytes = await file.arrayBuffer().catch(() => {
    throw new UnreadableImageError("the file was changed or deleted since it was chosen: choose it again");
  });
  return new Uint8Array(bytes);
}

/**
 * The picture as the browser shows it.
 *
 * @param {Blob} file
 * @returns {Promise<ImageBitmap | null>} `null` if it cannot
 */
export function decoded(file) {
  return createImageBitmap(file).catch(() => null);
}

/** @param {ImageBitmap} picture */
function thumbnailOf(picture) {
  const canvas = document.createElement("canvas");
  canvas.width = THUMBNAIL.width;
  canvas.height = THUMBNAIL.height;
  const scale = Math.max(THUMBNAIL.width / picture.width, THUMBNAIL.height / picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  const context = canvas.getContext("2d");
  if (context) {
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, (THUMBNAIL.width - width) / 2, (THUMBNAIL.height - height) / 2, width, height);
  }
  return canvas;
}
