/** What can be said about a file before anything is downloaded: its size, a thumbnail, what a JPEG file states. */

import { readHeader } from "../engine/jpeg/header.js";

/** @typedef {import("./pictures.js").Item} Item */

const THUMBNAIL = { width: 96, height: 72 };

/**
 * @param {Blob} file
 * @returns {Promise<Partial<Item>>} what is left out is not known: the browser cannot show the file, or it is no JPEG
 */
export async function firstLook(file) {
  const [picture, jpeg] = await Promise.all([decoded(file), jpegFacts(file)]);
  if (!picture) {
    return { jpeg };
  }
  const { width, height } = picture;
  const thumbnail = thumbnailOf(picture);
  picture.close();
  return { jpeg, width, height, thumbnail };
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

/** @param {Blob} file */
async function jpegFacts(file) {
  try {
    const { quality, sampling } = readHeader(new Uint8Array(await file.arrayBuffer()));
    return { quality, sampling };
  } catch {
    // What is wrong, or which other file it is, is found when it is restored.
    return null;
  }
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
