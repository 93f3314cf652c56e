/** Results on their way out: a file, all of them in one ZIP file, or the clipboard. */

/**
 * @typedef {import("./pictures.js").Item} Item
 * @typedef {import("../engine/encoding.js").Format} Format
 * @typedef {{format: Format, strength: number, faithful: boolean}} Wish
 * @typedef {import("../engine/engine.js").Engine} Engine
 */

const ZIP_LIBRARY = "../libraries/client-zip.js";
const ZIP_NAME = "restored.zip";
const LONGEST_STEM = 60;
const SUFFIXES = { png: "png", jpeg: "jpg", webp: "webp" };

/**
 * A result as a file.
 *
 * @param {Engine} engine
 * @param {Item} item that is restored
 * @param {Wish} wish
 * @returns {Promise<File>} and `item.saved` is set
 * @throws {RangeError} if the format cannot hold it
 */
export async function fileOf(engine, item, { format, strength, faithful }) {
  const { bytes, notes } = await engine.encode(/** @type {number} */ (item.number), format, { strength, faithful });
  const name = resultName(item.name, SUFFIXES[format]);
  item.saved = { name, notes };
  return new File([bytes], name, { type: `image/${format}` });
}

/**
 * Give a file to the visitor.
 *
 * @param {File} file
 */
export function download(file) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  // The browser has to begin before it is taken away.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * A ZIP file of the results.
 *
 * @param {Engine} engine
 * @param {Item[]} items that are restored
 * @param {Wish} wish
 * @returns {Promise<{file: File, failed: Item[]}>} and those that could not be saved
 */
export async function zipOf(engine, items, wish) {
  /** @type {typeof import("client-zip")} */
  const { downloadZip } = await import(ZIP_LIBRARY);
  /** @type {Item[]} */
  const failed = [];
  const taken = new Set();
  const files = async function* () {
    for (const item of items) {
      try {
        const file = await fileOf(engine, item, wish);
        yield { input: file, name: freeName(file.name, taken) };
      } catch {
        // One that the format cannot hold, or for which there is too little memory, is no reason to lose the others.
        failed.push(item);
      }
    }
  };
  const blob = await downloadZip(files()).blob();
  return { file: new File([blob], ZIP_NAME, { type: "application/zip" }), failed };
}

/**
 * Copy a result. Must be called right after the visitor did something.
 *
 * @param {Promise<Engine>} engine
 * @param {Item} item that is restored
 * @param {Omit<Wish, "format">} wish
 */
export async function copy(engine, item, { strength, faithful }) {
  const number = /** @type {number} */ (item.number);
  // A promise, because browsers forget that there was a click while the file is made.
  const blob = engine
    .then((opened) => opened.encode(number, "png", { strength, faithful }))
    .then(({ bytes }) => new Blob([bytes], { type: "image/png" }));
  await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
}

/**
 * @param {string} name of the file that was given
 * @param {string} suffix
 */
function resultName(name, suffix) {
  // Slashes would be folders in a ZIP file, and systems refuse long names.
  const plain = name.replace(/[\\/]/g, "_");
  const dot = plain.lastIndexOf(".");
  const stem = [...(dot > 0 ? plain.slice(0, dot) : plain)].slice(0, LONGEST_STEM).join("");
  return `${stem || "picture"}-restored.${suffix}`;
}

/**
 * A name that no other file of the ZIP file has, on any system.
 *
 * @param {string} name
 * @param {Set<string>} taken is added to
 */
function freeName(name, taken) {
  const dot = name.lastIndexOf(".");
  let free = name;
  for (let count = 2; taken.has(free.toLowerCase()); count++) {
    free = `${name.slice(0, dot)}-${count}${name.slice(dot)}`;
  }
  taken.add(free.toLowerCase());
  return free;
}
