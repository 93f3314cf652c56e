/**
 * The errors of the engine. Each message is one sentence that people are shown: what was found, and what they can do.
 */

/** The file is no picture, is damaged, or is of a kind that is not restored here. */
export class UnreadableImageError extends Error {
  name = "UnreadableImageError";
}

/** A file of the page did not come, or is damaged. */
export class DownloadError extends Error {
  name = "DownloadError";
}

/** There is too little memory for a picture. */
export class OutOfMemoryError extends Error {
  name = "OutOfMemoryError";
}

/** The network computed NaN or infinity. */
export class UnusableResultError extends Error {
  name = "UnusableResultError";
}
