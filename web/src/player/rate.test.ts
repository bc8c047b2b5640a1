import { expect, it } from 'vitest';

import { Rate } from './rate.js';

it('needs two moments', () => {
  const rate = new Rate(4_000);
  expect(rate.perSecond).toBeNull();
  rate.add(1_000, 10);
  rate.add(1_000, 20);
  expect(rate.perSecond).toBeNull();
});

it('tells the growth of the last seconds', () => {
  const rate = new Rate(4_000);
  for (let at = 0; at <= 20_000; at += 500) rate.add(at, at < 10_000 ? 0 : (at - 10_000) / 40);
  expect(rate.perSecond).toBe(25);
});

it('falls to nothing in as long as the window is', () => {
  const rate = new Rate(4_000);
  for (let at = 0; at <= 10_000; at += 500) rate.add(at, at);
  for (let at = 10_500; at <= 14_500; at += 500) rate.add(at, 10_000);
  expect(rate.perSecond).toBe(0);
});

it('begins anew when the total or the time does', () => {
  const rate = new Rate(4_000);
  rate.add(0, 0);
  rate.add(1_000, 1_000);
  rate.add(1_500, 0);
  rate.add(2_500, 50);
  expect(rate.perSecond).toBe(50);
  rate.add(0, 50);
  rate.add(1_000, 70);
  expect(rate.perSecond).toBe(20);
});

it('holds a bounded number of samples', () => {
  const rate = new Rate(1e12);
  for (let at = 0; at < 10_000; at += 1) rate.add(at, at ** 2);
  // From the oldest of 64 samples.
  expect(rate.perSecond).toBeCloseTo((1000 * (9_999 ** 2 - 9_936 ** 2)) / 63);
});
