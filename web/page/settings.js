/** What the visitor wishes: how the pictures are restored, and in which format they are saved. */

import { text } from "./strings.js";

/** @typedef {import("../engine/encoding.js").Format} Format */

/** Dispatches "strength" while its slider moves, "finish" when what the network gave is to be used in another way, and
 * "run" when the network has to run again. */
export class Settings extends EventTarget {
  strength = 1;
  realism = 0;
  faithful = true;
  /** @type {Format} */
  format = "png";
  /** @type {number | null} 1..100, told about the picture that is looked at */
  quality = null;
  /** @type {import("./pictures.js").Item | null} whose quality the form shows */
  #item = null;
  #panel;

  /** @param {HTMLElement} panel with the form */
  constructor(panel) {
    super();
    this.#panel = panel;
    const form = /** @type {HTMLFormElement} */ (panel.querySelector("form"));
    form.addEventListener("submit", (event) => event.preventDefault());
    const tell = (/** @type {string} */ name) => this.dispatchEvent(new Event(name));
    const [strength, realism, faithful, quality] = ["strength", "realism", "faithful", "quality"].map((name) =>
      this.#input(name),
    );
    strength.addEventListener("input", () => {
      this.strength = strength.valueAsNumber / 100;
      this.write();
      tell("strength");
    });
    strength.addEventListener("change", () => tell("finish"));
    realism.addEventListener("input", () => this.write());
    realism.addEventListener("change", () => {
      this.realism = realism.valueAsNumber / 100;
      tell("run");
    });
    faithful.addEventListener("change", () => {
      this.faithful = faithful.checked;
      tell("finish");
    });
    quality.addEventListener("change", () => {
      quality.setCustomValidity("");
      if (!quality.validity.valid) {
        quality.setCustomValidity(text("qualityWrong"));
        quality.reportValidity();
        return;
      }
      this.quality = quality.value === "" ? null : quality.valueAsNumber;
      tell("run");
    });
    quality.addEventListener("input", () => quality.setCustomValidity(""));
    const format = this.#input("format");
    format.addEventListener("change", () => {
      this.format = /** @type {Format} */ (format.value);
    });
    this.write();
  }

  /**
   * Show the quality that was told about another picture.
   *
   * @param {import("./pictures.js").Item | null} item
   */
  showQualityOf(item) {
    if (item !== this.#item) {
      this.#item = item;
      this.quality = item?.quality ?? null;
      const input = this.#input("quality");
      input.value = `${this.quality ?? ""}`;
      input.setCustomValidity("");
    }
  }

  /** A network without a variant for realism has no use for its slider. */
  hideRealism() {
    const input = this.#input("realism");
    for (const element of [input.closest("label"), this.#panel.querySelector("#realism-help")]) {
      element?.setAttribute("hidden", "");
    }
  }

  /** Write the numbers beside the sliders. */
  write() {
    for (const name of ["strength", "realism"]) {
      const input = this.#panel.querySelector(`input[name=${name}]`);
      const output = input?.closest("label")?.querySelector("output");
      if (output) {
        output.textContent = `${/** @type {HTMLInputElement} */ (input).value} %`;
      }
    }
  }

  /**
   * @param {string} name
   * @returns {HTMLInputElement}
   */
  #input(name) {
    return /** @type {any} */ (this.#panel.querySelector(`[name=${name}]`));
  }
}
