// How far the server's wall clock is from ours, out of the `Date` of its answers (RFC 9110 §6.6.1). That has whole
// seconds only, but each answer bounds the difference from both sides, and answers at any moment of a second close in.

/** Two clocks drift apart by less than this share of the time that passes: the bounds give way by it. */
const DRIFT = 200e-6;

export class ServerClock {
  #least = -Infinity;
  #most = Infinity;
  #heardAt = 0;

  /** An answer with this `Date`, asked for and received at these times of our wall clock (milliseconds). */
  heard(date: string | null, askedAt: number, receivedAt: number): void {
    const second = date === null ? NaN : Date.parse(date);
    if (Number.isNaN(second)) return;
    // The server read its clock between the two, and cut off less than a second.
    const least = second - receivedAt;
    const most = second + 1000 - askedAt;
    const drifted = Math.max(0, receivedAt - this.#heardAt) * DRIFT;
    this.#heardAt = receivedAt;
    this.#least = Math.max(this.#least - drifted, least);
    this.#most = Math.min(this.#most + drifted, most);
    if (this.#least <= this.#most) return;
    // One of the clocks has been set.
    this.#least = least;
    this.#most = most;
  }

  /**
   * To be added to our time to have the server's. Clocks that may well be equal are taken for equal: most are set from
   * the same source.
   */
  get aheadMs(): number {
    if (this.#least <= 0 && this.#most >= 0) return 0;
    return (this.#least + this.#most) / 2;
  }
}
