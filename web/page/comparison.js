/** Draws a picture before and after, with a handle between the two, at any zoom. */

import { text } from "./strings.js";
import { View } from "./view.js";

/**
 * What is compared. All pictures are of one size but `preview`, which may be smaller and is transparent where nothing is
 * done yet.
 *
 * @typedef {object} Compared
 * @property {string} name
 * @property {number} width in pixels
 * @property {number} height
 * @property {ImageBitmap | null} before
 * @property {ImageBitmap | null} after as it would be saved
 * @property {ImageBitmap | null} full the same at full strength
 * @property {number | null} strength 0..1 that is chosen but not computed yet: `full` is mixed with `before`
 * @property {HTMLCanvasElement | null} preview tiles, as they come
 * @property {string} leftCaption
 * @property {string} rightCaption
 */

const CHECKER = 8;

export class Comparison {
  /** @type {Compared | null} */
  shown = null;
  /** @type {View | null} */
  view = null;
  /** Where the handle is, 0..1 of what is visible of the picture. */
  split = 0.5;
  #isHeld = false;
  #isDrawing = false;
  #section;
  #canvas;
  #context;
  #handle;
  #checker;

  /** @param {HTMLElement} section with the elements of the stage */
  constructor(section) {
    /** @type {<T extends HTMLElement>(selector: string) => T} */
    const find = (selector) => /** @type {any} */ (section.querySelector(selector));
    this.#section = section;
    this.#canvas = /** @type {HTMLCanvasElement} */ (find("canvas"));
    this.#context = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext("2d"));
    this.#handle = find(".handle");
    this.#checker = checkerboard();
    this.#handle.addEventListener("keydown", (event) => this.#moveByKey(event));
    const hold = find(".hold");
    hold.addEventListener("pointerdown", () => this.hold(true));
    for (const name of ["pointerup", "pointerleave", "pointercancel", "blur", "keyup"]) {
      hold.addEventListener(name, () => this.hold(false));
    }
    hold.addEventListener("keydown", (event) => {
      if (event.key === " " || event.key === "Enter") {
        event.preventDefault();
        this.hold(true);
      }
    });
    hold.addEventListener("contextmenu", (event) => event.preventDefault());
    window.addEventListener("blur", () => this.hold(false));
    for (const button of this.#zoomButtons()) {
      button.addEventListener("click", () => {
        const { zoom } = button.dataset;
        this.change((view) => view.zoomTo(zoom === "fit" ? zoom : Number(zoom)));
      });
    }
    new ResizeObserver(() => this.#resize()).observe(this.#canvas);
  }

  /**
   * Show other pictures. The view stays if their size does.
   *
   * @param {Compared | null} compared
   */
  show(compared) {
    const before = this.shown;
    this.shown = compared;
    if (!compared) {
      this.view = null;
    } else if (!this.view || before?.width !== compared.width || before.height !== compared.height) {
      // Not all of `compared`, whose pictures would stay in memory.
      const { width, height } = compared;
      this.view = new View({ width, height }, this.#frame(), window.devicePixelRatio);
    }
    this.redraw();
  }

  /** @param {boolean} isHeld whether the original is shown alone */
  hold(isHeld) {
    this.#isHeld = isHeld;
    this.#section.querySelector(".hold")?.setAttribute("aria-pressed", `${isHeld}`);
    this.redraw();
  }

  /** @param {(view: View) => void} action that changes the view */
  change(action) {
    if (this.view) {
      action(this.view);
      this.redraw();
    }
  }

  /** @param {number} x in the frame, in CSS pixels, to where the handle goes */
  splitAt(x) {
    const [left, right] = this.#visible();
    this.#splitTo((x - left) / Math.max(1, right - left));
  }

  /** @param {number} step 0.01: by a hundredth of what is visible, to the right */
  moveSplit(step) {
    this.#splitTo(this.split + step);
  }

  /** Where the handle is in the frame, in CSS pixels. */
  get handleX() {
    const [left, right] = this.#visible();
    return left + (right - left) * this.split;
  }

  /** Whether two pictures are compared. */
  get compares() {
    return Boolean(this.shown && (this.shown.after || this.shown.preview) && this.shown.before);
  }

  /** Draw before the next frame of the screen. */
  redraw() {
    if (!this.#isDrawing) {
      this.#isDrawing = true;
      requestAnimationFrame(() => {
        this.#isDrawing = false;
        this.#draw();
      });
    }
  }

  /**
   * Draw the pictures to a context whose pixels are those of the screen.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {{left: number, top: number, width: number, height: number}} place of the picture
   * @param {number} splitX
   */
  paint(context, { left, top, width, height }, splitX) {
    const { shown } = this;
    if (!shown) {
      return;
    }
    const scale = width / shown.width;
    // Pixels are shown as squares, unless those would be of several sizes.
    context.imageSmoothingEnabled = scale < 2 && Math.abs(scale - 1) > 1e-6;
    context.imageSmoothingQuality = "high";
    const paint = (/** @type {CanvasImageSource | null} */ picture) =>
      picture && context.drawImage(picture, left, top, width, height);
    this.#paintChecker(context, { left, top, width, height });
    if (this.#isHeld && shown.before) {
      paint(shown.before);
      return;
    }
    const isCut = this.compares;
    if (isCut) {
      paint(shown.before);
      context.save();
      context.beginPath();
      context.rect(splitX, 0, context.canvas.width, context.canvas.height);
      context.clip();
    }
    if (shown.full && shown.strength !== null) {
      this.#paintChecker(context, { left, top, width, height });
      paint(shown.before);
      context.globalAlpha = shown.strength;
      paint(shown.full);
      context.globalAlpha = 1;
    } else if (shown.after) {
      this.#paintChecker(context, { left, top, width, height });
      paint(shown.after);
    } else {
      paint(shown.preview ?? shown.before);
    }
    if (isCut) {
      context.restore();
    }
  }

  #draw() {
    const { shown, view } = this;
    const context = this.#context;
    const { width, height } = this.#canvas;
    context.clearRect(0, 0, width, height);
    this.#section.classList.toggle("compares", this.compares);
    this.#section.classList.toggle("held", this.#isHeld);
    this.#label();
    if (!shown || !view) {
      return;
    }
    const { ratio, scale } = view;
    const { left, top } = view.place();
    const place = {
      left: Math.round(left * ratio),
      top: Math.round(top * ratio),
      width: shown.width * scale * ratio,
      height: shown.height * scale * ratio,
    };
    this.paint(context, place, Math.round(this.handleX * ratio));
    this.#handle.style.left = `${this.handleX}px`;
  }

  /**
   * Shows through transparent pictures.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {{left: number, top: number, width: number, height: number}} place
   */
  #paintChecker(context, { left, top, width, height }) {
    context.fillStyle = /** @type {CanvasPattern} */ (context.createPattern(this.#checker, "repeat"));
    context.fillRect(left, top, width, height);
  }

  #label() {
    const { shown, view } = this;
    const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (this.#section.querySelector(selector));
    const hasResult = Boolean(shown?.after || shown?.preview);
    find(".caption.left").textContent = shown?.before ? shown.leftCaption : "";
    find(".caption.right").textContent = hasResult ? (shown?.rightCaption ?? "") : "";
    const name = shown?.name ?? "";
    this.#canvas.setAttribute("aria-label", text(hasResult ? "canvas" : "canvasOriginal", { name }));
    find(".scale").textContent = view ? `${Math.round(view.scale * view.ratio * 100)} %` : "";
    for (const button of this.#zoomButtons()) {
      button.setAttribute("aria-pressed", `${`${view?.zoom}` === button.dataset.zoom}`);
    }
    const percent = Math.round(this.split * 100);
    this.#handle.setAttribute("aria-valuenow", `${percent}`);
    this.#handle.setAttribute("aria-valuetext", text("splitAt", { percent }));
  }

  /** @returns {HTMLButtonElement[]} */
  #zoomButtons() {
    return [.../** @type {NodeListOf<HTMLButtonElement>} */ (this.#section.querySelectorAll("[data-zoom]"))];
  }

  /** @param {KeyboardEvent} event */
  #moveByKey(event) {
    /** @type {Record<string, number>} */
    const steps = {
      ArrowLeft: -0.01,
      ArrowDown: -0.01,
      ArrowRight: 0.01,
      ArrowUp: 0.01,
      PageDown: -0.1,
      PageUp: 0.1,
      Home: -1,
      End: 1,
    };
    // With Shift, arrows move the picture.
    if (Object.hasOwn(steps, event.key) && !event.shiftKey) {
      event.preventDefault();
      event.stopPropagation();
      this.moveSplit(steps[event.key]);
    }
  }

  /** @param {number} split */
  #splitTo(split) {
    this.split = Math.min(1, Math.max(0, split));
    this.redraw();
  }

  /** Left and right end of what is visible of the picture, in CSS pixels. */
  #visible() {
    const place = this.view?.place() ?? { left: 0, right: this.#canvas.clientWidth };
    return [Math.max(0, place.left), Math.min(this.#canvas.clientWidth, place.right)];
  }

  #frame() {
    return { width: Math.max(1, this.#canvas.clientWidth), height: Math.max(1, this.#canvas.clientHeight) };
  }

  #resize() {
    const ratio = window.devicePixelRatio;
    this.#canvas.width = Math.round(this.#canvas.clientWidth * ratio);
    this.#canvas.height = Math.round(this.#canvas.clientHeight * ratio);
    this.view?.resize(this.#frame(), ratio);
    this.#draw(); // At once: the canvas is empty now.
  }
}

function checkerboard() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 2 * CHECKER;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = "#d4d4d8";
  context.fillRect(0, 0, CHECKER, CHECKER);
  context.fillRect(CHECKER, CHECKER, CHECKER, CHECKER);
  return canvas;
}
