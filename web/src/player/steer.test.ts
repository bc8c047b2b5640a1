import { describe, expect, it } from 'vitest';

import { jumps, steeredRate } from './steer.js';

const LL = { behindMs: 600, targetMs: 600, bufferMs: 500, rate: 1 };

describe('the pace', () => {
  it('is that of the picture at its distance', () => {
    expect(steeredRate(LL)).toBe(1);
    expect(steeredRate({ ...LL, behindMs: 700 })).toBe(1);
    expect(steeredRate({ ...LL, behindMs: 300 })).toBe(1);
  });

  it('hurries from too far away until it is there', () => {
    expect(steeredRate({ ...LL, behindMs: 1_900, bufferMs: 1_500 })).toBe(1.1);
    expect(steeredRate({ ...LL, behindMs: 800 })).toBe(1.05);
    expect(steeredRate({ ...LL, behindMs: 650, rate: 1.05 })).toBe(1.05);
    expect(steeredRate({ ...LL, behindMs: 590, rate: 1.05 })).toBe(1);
  });

  it('does not hurry out of what is loaded', () => {
    expect(steeredRate({ ...LL, behindMs: 1_900, bufferMs: 200 })).toBe(1);
  });

  it('saves what is nearly used up until there is enough', () => {
    expect(steeredRate({ ...LL, bufferMs: 50 })).toBe(0.97);
    expect(steeredRate({ ...LL, bufferMs: 150, rate: 0.97 })).toBe(0.97);
    expect(steeredRate({ ...LL, bufferMs: 300, rate: 0.97 })).toBe(1);
  });

  /** The distance settles at the target from everywhere, without the buffer running empty. */
  it.each([100, 300, 600, 1_000, 2_900])('settles from %d ms behind', (startsBehindMs) => {
    let behindMs = startsBehindMs;
    let rate = 1;
    let empty = 0;
    for (let step = 0; step < 240; step += 1) {
      // The server's newest part is up to 200 ms old, and takes 50 ms to come.
      const bufferMs = Math.max(0, behindMs - 50 - ((step * 250) % 200));
      if (bufferMs === 0) empty += 1;
      rate = steeredRate({ behindMs, targetMs: 600, bufferMs, rate });
      behindMs -= 250 * (rate - 1);
    }
    expect(Math.abs(behindMs - 600)).toBeLessThanOrEqual(startsBehindMs < 600 ? 500 : 120);
    if (startsBehindMs >= 300) expect(empty).toBe(0);
  });
});

describe('a jump', () => {
  const late = { behindMs: 1_900, targetMs: 600, bufferMs: 1_700, rate: 1 };

  it('takes a picture that has just begun to its distance', () => {
    expect(jumps(late, 300, 800)).toBe(true);
    expect(jumps({ ...late, behindMs: 800 }, 300, 800)).toBe(false);
  });

  it('is none after the start, into what is not loaded, nor far from a keyframe', () => {
    expect(jumps(late, 5_000, 800)).toBe(false);
    expect(jumps({ ...late, bufferMs: 1_400 }, 300, 800)).toBe(false);
    expect(jumps(late, 300, 8_000)).toBe(false);
    expect(jumps(late, 300, Infinity)).toBe(false);
  });
});
