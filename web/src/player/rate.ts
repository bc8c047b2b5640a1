// How fast a running total grows, over a sliding window: bits per second, frames per second. The clock is the caller's:
// wall time, or the media's own for what arrives in bursts.

/** More than a window ever holds at two samples a second, and five parts a second for HLS. */
const SAMPLES_MAX = 64;

export class Rate {
  readonly #overMs: number;
  #samples: { at: number; total: number }[] = [];

  constructor(overMs: number) {
    this.#overMs = overMs;
  }

  /** `at` in milliseconds. A total or a time that falls begins anew. */
  add(at: number, total: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && (total < last.total || at < last.at)) this.#samples = [];
    this.#samples.push({ at, total });
    // The oldest stays as long as it is needed to fill the window.
    while (this.#samples.length > SAMPLES_MAX || (this.#samples[1]?.at ?? at) <= at - this.#overMs) {
      this.#samples.shift();
    }
  }

  /** Null before two samples at different times. */
  get perSecond(): number | null {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.at <= first.at) return null;
    return ((last.total - first.total) * 1000) / (last.at - first.at);
  }
}
