/** Which part of a picture a frame shows, and how large. Arithmetic only: nothing is drawn here. */

/**
 * @typedef {{width: number, height: number}} Size
 * @typedef {{x: number, y: number}} Point
 * @typedef {"fit" | number} Zoom "fit", or pixels of the screen per pixel of the picture
 */

const LARGEST_ZOOM = 32;
const SMALLEST_ZOOM = 1 / 32;
// Small pictures are enlarged to fit, but not to a blur.
const LARGEST_FIT = 4;

/** A view: whole, or zoomed to a point of the picture. */
export class View {
  /** @type {Zoom} */
  zoom = "fit";
  /** What lies in the middle of the frame, in pixels of the picture. */
  center = { x: 0, y: 0 };

  /**
   * @param {Size} picture in its pixels
   * @param {Size} frame in CSS pixels
   * @param {number} ratio pixels of the screen per CSS pixel
   */
  constructor(picture, frame, ratio) {
    this.picture = picture;
    this.frame = frame;
    this.ratio = ratio;
    this.#keepInside();
  }

  /** CSS pixels per pixel of the picture. */
  get scale() {
    if (this.zoom !== "fit") {
      return this.zoom / this.ratio;
    }
    const fitting = Math.min(this.frame.width / this.picture.width, this.frame.height / this.picture.height);
    return fitting <= 1 ? fitting : Math.min(Math.floor(fitting), LARGEST_FIT);
  }

  /** Whether all of the picture is seen. */
  get isWhole() {
    const { left, top, right, bottom } = this.place();
    return left >= -0.5 && top >= -0.5 && right <= this.frame.width + 0.5 && bottom <= this.frame.height + 0.5;
  }

  /** Where the picture lies in the frame, in CSS pixels; on whole pixels of the screen, so that 1:1 is sharp. */
  place() {
    const { scale, ratio } = this;
    const left = Math.round((this.frame.width / 2 - this.center.x * scale) * ratio) / ratio;
    const top = Math.round((this.frame.height / 2 - this.center.y * scale) * ratio) / ratio;
    return { left, top, right: left + this.picture.width * scale, bottom: top + this.picture.height * scale };
  }

  /**
   * The same part of a picture in a frame of another size.
   *
   * @param {Size} frame in CSS pixels
   * @param {number} ratio pixels of the screen per CSS pixel
   */
  resize(frame, ratio) {
    this.frame = frame;
    this.ratio = ratio;
    this.#keepInside();
  }

  /**
   * Zoom so that what lies under a point of the frame stays there.
   *
   * @param {Zoom} zoom
   * @param {Point} [point] in CSS pixels; default: the middle
   */
  zoomTo(zoom, point = { x: this.frame.width / 2, y: this.frame.height / 2 }) {
    const under = this.at(point);
    this.zoom = zoom === "fit" ? zoom : Math.min(LARGEST_ZOOM, Math.max(SMALLEST_ZOOM, zoom));
    this.center = {
      x: under.x - (point.x - this.frame.width / 2) / this.scale,
      y: under.y - (point.y - this.frame.height / 2) / this.scale,
    };
    this.#keepInside();
  }

  /**
   * @param {number} factor 2: twice as large
   * @param {Point} [point] of the frame, in CSS pixels
   */
  zoomBy(factor, point) {
    const zoom = this.scale * this.ratio * factor;
    this.zoomTo(zoom, point);
  }

  /**
   * Move the picture.
   *
   * @param {number} right in CSS pixels
   * @param {number} down
   */
  pan(right, down) {
    this.center = { x: this.center.x - right / this.scale, y: this.center.y - down / this.scale };
    this.#keepInside();
  }

  /**
   * The pixel of the picture under a point of the frame.
   *
   * @param {Point} point in CSS pixels
   * @returns {Point}
   */
  at({ x, y }) {
    const { left, top } = this.place();
    return { x: (x - left) / this.scale, y: (y - top) / this.scale };
  }

  /** No empty room beside a picture that is larger than the frame; a smaller one stays in its middle. */
  #keepInside() {
    const { picture, frame, scale } = this;
    /** @type {(center: number, length: number, room: number) => number} */
    const kept = (center, length, room) => {
      const half = room / 2 / scale;
      return half * 2 >= length ? length / 2 : Math.min(length - half, Math.max(half, center));
    };
    this.center = {
      x: kept(this.center.x, picture.width, frame.width),
      y: kept(this.center.y, picture.height, frame.height),
    };
  }
}
