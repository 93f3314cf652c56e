/** The ways in which pictures come: chosen, dropped, pasted, or an example. */

/**
 * @typedef {{file: Blob, name: string}} Given
 *
 * @param {object} page
 * @param {HTMLInputElement} page.input for files
 * @param {HTMLElement[]} page.buttons that open its dialog
 * @param {(given: Given[]) => void} page.take
 * @param {() => void} page.refuse what was pasted holds no picture
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
      take(await droppedFiles(event.dataTransfer));
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
 */
export function offerExamples(list, addresses, describe, take) {
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
      button.addEventListener("click", async () => {
        const response = await fetch(address);
        take([{ file: await response.blob(), name }]);
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
  const found = await Promise.all(entries.map((entry) => (entry ? filesIn(entry) : [])));
  return found.flat();
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
    return named([file]);
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
  const visible = all.filter(({ name }) => !name.startsWith("."));
  return (await Promise.all(visible.map(filesIn))).flat();
}

/** @param {Iterable<File> | FileList | null | undefined} files */
function named(files) {
  return [.../** @type {Iterable<File>} */ (files ?? [])].map((file) => ({ file, name: file.name }));
}

/** @param {EventTarget | null} target */
function isWritten(target) {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
}
