/** The ways in which pictures come: chosen, dropped, pasted, or an example. */

import { download } from "../engine/download.js";

/**
 * @typedef {{file: Blob, name: string}} Given
 *
 * @param {object} page
 * @param {HTMLInputElement} page.input for files
 * @param {HTMLElement[]} page.buttons that open its dialog
 * @param {(given: Given[]) => void} page.take
 * @param {() => void} page.refuse what was pasted or dropped holds no picture
 */
export function listenToIntake({ input, buttons, take, refuse }) {
  for (const button of buttons) {
    button.addEventListener("click", () => input.click());
  }
  input.addEventListener("change", () => {
    take(named(input.files));
    input.value = ""; // The same file may be chosen again.
  });
  const { body } = document;
  let depth = 0;
  const drag = (/** @type {number} */ change) => {
    depth = change ? Math.max(0, depth + change) : 0;
    body.classList.toggle("dragging", depth > 0);
  };
  const isFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragenter", (event) => isFiles(event) && drag(1));
  document.addEventListener("dragleave", (event) => isFiles(event) && drag(-1));
  document.addEventListener("dragover", (event) => {
    if (isFiles(event)) {
      event.preventDefault();
    }
  });
  document.addEventListener("drop", async (event) => {
    if (event.dataTransfer && isFiles(event)) {
      event.preventDefault();
      drag(0);
      const files = await droppedFiles(event.dataTransfer);
      if (files.length) {
        take(files);
      } else {
        refuse();
      }
    }
  });
  let pasted = 0;
  document.addEventListener("paste", (event) => {
    const files = named(event.clipboardData?.files);
    if (files.length) {
      // Browsers call all of them "image.png".
      take(files.map(({ file, name }) => ({ file, name: name.replace(/^image\./, `pasted-${++pasted}.`) })));
    } else if (!isWritten(event.target)) {
      refuse();
    }
  });
}

/**
 * Buttons for the examples.
 *
 * @param {HTMLElement} list
 * @param {string[]} addresses
 * @param {(name: string) => string} describe
 * @param {(given: Given[]) => void} take
 * @param {(error: Error) => void} complain about one that does not come
 */
export function offerExamples(list, addresses, describe, take, complain) {
  list.replaceChildren(
    ...addresses.map((address) => {
      const name = decodeURIComponent(address.slice(address.lastIndexOf("/") + 1));
      const image = document.createElement("img");
      image.src = address;
      image.alt = "";
      image.loading = "lazy";
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-label", describe(name));
      button.append(image);
      let isComing = false;
      button.addEventListener("click", async () => {
        if (isComing) {
          return;
        }
        isComing = true;
        try {
          const file = new Blob([await download(new URL(address, document.baseURI).href)], { type: "image/jpeg" });
          take([{ file, name }]);
        } catch (error) {
          complain(/** @type {Error} */ (error));
        } finally {
          isComing = false;
        }
      });
      const entry = document.createElement("li");
      entry.append(button);
      return entry;
    }),
  );
}

/**
 * Files that were dropped, those in folders as well.
 *
 * @param {DataTransfer} transfer
 * @returns {Promise<Given[]>}
 */
async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry());
  const files = named(transfer.files);
  if (!entries.some((entry) => entry?.isDirectory)) {
    return files;
  }
  return filesInAll(entries.filter((entry) => entry !== null));
}

/**
 * @param {FileSystemEntry[]} entries
 * @returns {Promise<Given[]>} without those that cannot be read
 */
async function filesInAll(entries) {
  const found = await Promise.allSettled(entries.map(filesIn));
  return found.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
}

/**
 * @param {FileSystemEntry} entry
 * @returns {Promise<Given[]>}
 */
async function filesIn(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => {
      /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject);
    });
    // Folders hold more than pictures; what is dropped by itself is always looked at.
    return entry.fullPath.lastIndexOf("/") === 0 || file.type.startsWith("image/") ? named([file]) : [];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  /** @type {FileSystemEntry[]} */
  const all = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) {
      break;
    }
    all.push(...some);
  }
  return filesInAll(all.filter(({ name }) => !name.startsWith(".")));
}

/** @param {Iterable<File> | FileList | null | undefined} files */
function named(files) {
  return [.../** @type {Iterable<File>} */ (files ?? [])].map((file) => ({ file, name: file.name }));
}

/** @param {EventTarget | null} target */
function isWritten(target) {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
}
