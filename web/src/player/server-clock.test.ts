import { expect, it } from 'vitest';

import { ServerClock } from './server-clock.js';

/** A minute of answers every 730 ms from a server whose clock is ahead by that. */
function hear(clock: ServerClock, aheadMs: number, from = 0): void {
  for (let now = from; now < from + 60_000; now += 730) {
    const server = now + 20 + aheadMs;
    clock.heard(new Date(server - (server % 1000)).toUTCString(), now, now + 40);
  }
}

const SOME_DAY = Date.UTC(2024, 4, 1);

it.each([-86_400_000, -5_300, 5_300, 1_234_567])(
  'finds a difference of %d ms out of whole seconds',
  (ahead) => {
    const clock = new ServerClock();
    hear(clock, ahead, SOME_DAY);
    expect(Math.abs(clock.aheadMs - ahead)).toBeLessThan(60);
  },
);

it('takes clocks for equal that may be', () => {
  const clock = new ServerClock();
  expect(clock.aheadMs).toBe(0);
  hear(clock, 15, SOME_DAY);
  expect(clock.aheadMs).toBe(0);
});

it('follows a clock that was set', () => {
  const clock = new ServerClock();
  hear(clock, 0, SOME_DAY);
  hear(clock, 3_600_000, SOME_DAY + 60_000);
  expect(Math.abs(clock.aheadMs - 3_600_000)).toBeLessThan(60);
});

it('follows a clock that drifts by 100 ppm for a day', () => {
  const clock = new ServerClock();
  for (let hour = 0; hour < 24; hour += 1) {
    hear(clock, 2_000 + hour * 360, SOME_DAY + hour * 3_600_000);
  }
  expect(Math.abs(clock.aheadMs - (2_000 + 23 * 360))).toBeLessThan(60);
});

it.each([null, '', 'yesterday'])('learns nothing from %j', (date) => {
  const clock = new ServerClock();
  clock.heard(date, SOME_DAY, SOME_DAY);
  expect(clock.aheadMs).toBe(0);
});
