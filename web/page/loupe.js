/** A round loupe above the finger: what lies under it, three times as large, before on its left and after on its right. */

/** @typedef {import("./view.js").Point} Point */

const SIZE = 168;
const ZOOM = 3;
// CSS pixels between the finger and the loupe.
const GAP = 28;

export class Loupe {
  #canvas;
  #comparison;

  /**
   * @param {HTMLCanvasElement} canvas of its own, above that of the stage
   * @param {import("./comparison.js").Comparison} comparison
   */
  constructor(canvas, comparison) {
    this.#canvas = canvas;
    this.#comparison = comparison;
  }

  /** @param {Point} point of the frame, in CSS pixels */
  open(point) {
    const { view, shown } = this.#comparison;
    const context = this.#canvas.getContext("2d");
    if (!view || !shown || !context) {
      return;
    }
    const ratio = window.devicePixelRatio;
    const side = Math.round(SIZE * ratio);
    this.#canvas.hidden = false;
    this.#canvas.width = this.#canvas.height = side;
    const left = Math.min(view.frame.width - SIZE, Math.max(0, point.x - SIZE / 2));
    const above = point.y - GAP - SIZE;
    this.#canvas.style.left = `${left}px`;
    this.#canvas.style.top = `${above >= 0 ? above : point.y + GAP}px`;
    const under = view.at(point);
    const zoom = Math.max(ZOOM, view.scale * ratio * 1.5);
    const place = {
      left: Math.round(side / 2 - under.x * zoom),
      top: Math.round(side / 2 - under.y * zoom),
      width: shown.width * zoom,
      height: shown.height * zoom,
    };
    this.#comparison.paint(context, place, side / 2);
    if (this.#comparison.compares) {
      context.fillStyle = "#ffffff";
      context.fillRect(Math.round(side / 2) - 1, 0, 2, side);
    }
  }

  close() {
    this.#canvas.hidden = true;
  }
}
