/** Files of the page's own server, or of a folder where there is no server. */

import { DownloadError } from "./errors.js";

/**
 * @typedef {(loaded: number, total: number) => void} Progress is told how many bytes have come, and of how many: 0 while
 *   that is not known, in the end all of them
 * @typedef {(name: string, progress?: Progress) => Promise<Uint8Array<ArrayBuffer>>} ReadFile
 */

/**
 * How the files of a folder are read.
 *
 * @param {string | URL} folder its address; it may lack the slash at its end
 * @param {AbortSignal} [signal] stops what is being read
 * @returns {ReadFile} throws {@link DownloadError} if a file does not come
 */
export function filesAt(folder, signal) {
  const base = `${folder}`.replace(/\/*$/, "/");
  return (name, progress) => download(base + name, progress, signal);
}

/**
 * The bytes at an address.
 *
 * @param {string} url
 * @param {Progress} [progress]
 * @param {AbortSignal} [signal]
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 * @throws {DownloadError} if they do not come
 */
export async function download(url, progress, signal) {
  try {
    const response = await fetch(url, { signal });
    if (!response.ok || !response.body) {
      throw new DownloadError(`${nameOf(url)} is not there (the server said ${response.status}): try again later`);
    }
    const { headers } = response;
    // Of what is compressed on the way, it is the compressed size.
    const stated = headers.has("Content-Encoding") ? 0 : Number(headers.get("Content-Length"));
    const reader = response.body.getReader();
    const parts = [];
    let loaded = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      parts.push(part.value);
      loaded += part.value.length;
      // Service workers can pass on what was inflated with the headers of what was not.
      progress?.(loaded, loaded > stated ? 0 : stated);
    }
    progress?.(loaded, loaded);
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  } catch (error) {
    if (signal?.aborted || error instanceof DownloadError) {
      throw error;
    }
    throw new DownloadError(`${nameOf(url)} could not be loaded: check the connection and try again`);
  }
}

/** @param {string} url */
function nameOf(url) {
  return url.slice(url.lastIndexOf("/") + 1);
}
