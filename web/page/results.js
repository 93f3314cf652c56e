/** What the buttons for results do: bring them up to date with the settings, save or copy them, and say so. */

import { copy, download, fileOf, zipOf } from "./saving.js";
import { text } from "./strings.js";

/** @typedef {import("./pictures.js").Item} Item */

/** Dispatches "change" when saving begins and ends. */
export class Results extends EventTarget {
  isSaving = false;
  #pictures;
  #network;
  #settings;
  #work;
  #outcome;
  #complain;

  /**
   * @param {object} page
   * @param {import("./pictures.js").Pictures} page.pictures
   * @param {import("./network.js").Network} page.network
   * @param {import("./settings.js").Settings} page.settings
   * @param {import("./work.js").Work} page.work
   * @param {HTMLElement} page.outcome where it is said what was saved
   * @param {(error: Error) => void} page.complain
   */
  constructor({ pictures, network, settings, work, outcome, complain }) {
    super();
    this.#pictures = pictures;
    this.#network = network;
    this.#settings = settings;
    this.#work = work;
    this.#outcome = outcome;
    this.#complain = complain;
  }

  /** Download the picture that is looked at. */
  download() {
    const item = this.#pictures.selected;
    const { format, strength, faithful } = this.#settings;
    return this.#save(item ? [item] : [], async ([current]) => {
      if (!current) {
        return text("notCurrent");
      }
      const file = await fileOf(await this.#network.engine(), current, { format, strength, faithful });
      download(file);
      this.#pictures.changed();
      return text("saved", { name: file.name });
    });
  }

  /** Copy the picture that is looked at. */
  copy() {
    const item = this.#pictures.selected;
    if (!item || !this.#work.isCurrent(item)) {
      // Browsers forget that there was a click while the network runs.
      this.#outcome.textContent = item?.number === null ? "" : text("notCurrent");
      return;
    }
    const { strength, faithful } = this.#settings;
    return this.#save([item], async () => {
      if (!navigator.clipboard || typeof ClipboardItem === "undefined") {
        return text("cannotCopy");
      }
      await copy(this.#network.engine(), item, { strength, faithful });
      return text("copied");
    });
  }

  /** Download all pictures that have a result. */
  all() {
    const { items } = this.#pictures;
    // All of them alike, whatever is set meanwhile.
    const { format, strength, faithful } = this.#settings;
    return this.#save(items, async (current) => {
      const engine = await this.#network.engine();
      const { file, failed } = await zipOf(engine, current, { format, strength, faithful });
      const left = items.filter((item) => !current.includes(item) || failed.includes(item));
      const count = items.length - left.length;
      const words = left.length ? [text("leftOut", { names: left.map(({ name }) => name).join(", ") })] : [];
      if (count) {
        download(file);
        words.unshift(text("zipped", { count, name: file.name }));
      }
      this.#pictures.changed();
      return words.join(" ");
    });
  }

  /**
   * @param {Item[]} items
   * @param {(current: Item[]) => Promise<string>} action for those that are what the settings ask for; says what it did
   */
  async #save(items, action) {
    const restored = items.filter(({ number }) => number !== null);
    if (this.isSaving || !restored.length) {
      return;
    }
    this.#tell(true, text("working"));
    try {
      await this.#work.bringUpToDate(restored);
      this.#tell(false, await action(restored.filter((item) => this.#work.isCurrent(item))));
    } catch (error) {
      this.#tell(false, "");
      this.#complain(/** @type {Error} */ (error));
    }
  }

  /**
   * @param {boolean} isSaving
   * @param {string} words
   */
  #tell(isSaving, words) {
    this.isSaving = isSaving;
    this.#outcome.textContent = words;
    this.dispatchEvent(new Event("change"));
  }
}
