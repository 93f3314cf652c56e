/** Random numbers as PyTorch draws them, so that the same blocks of a picture are looked at in the browser. */

const SIZE = 624;
const MIDDLE = 397;

/** The Mersenne Twister of 32 bits. */
export class Generator {
  #state = new Uint32Array(SIZE);
  #next = SIZE;

  /** @param {number} seed */
  constructor(seed) {
    this.#state[0] = seed;
    for (let at = 1; at < SIZE; at++) {
      const last = this.#state[at - 1];
      this.#state[at] = Math.imul(1812433253, last ^ (last >>> 30)) + at;
    }
  }

  /** @returns {number} an integer of 32 bits */
  draw() {
    if (this.#next === SIZE) {
      this.#twist();
    }
    let bits = this.#state[this.#next++];
    bits ^= bits >>> 11;
    bits ^= (bits << 7) & 0x9d2c5680;
    bits ^= (bits << 15) & 0xefc60000;
    bits ^= bits >>> 18;
    return bits >>> 0;
  }

  /** @returns {number} 0..1, of 53 bits */
  drawFraction() {
    const high = this.draw() & 0x1fffff;
    return (high * 0x100000000 + this.draw()) / 2 ** 53;
  }

  /**
   * The numbers below `count` in random order (`torch.randperm`).
   *
   * @param {number} count
   * @returns {Int32Array}
   */
  permutation(count) {
    const numbers = Int32Array.from({ length: count }, (_, at) => at);
    for (let at = 0; at < count - 1; at++) {
      const other = at + (this.draw() % (count - at));
      const kept = numbers[at];
      numbers[at] = numbers[other];
      numbers[other] = kept;
    }
    return numbers;
  }

  #twist() {
    const state = this.#state;
    for (let at = 0; at < SIZE; at++) {
      const mixed = (state[at] & 0x80000000) | (state[(at + 1) % SIZE] & 0x7fffffff);
      state[at] = state[(at + MIDDLE) % SIZE] ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
    }
    this.#next = 0;
  }
}
