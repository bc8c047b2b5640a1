import { expect, it } from 'vitest';

import { retryDelayMs } from './backoff.js';
import type { Failure } from './transport.js';

const refused = (retryAfterMs: number | null): Failure => ({
  problem: { kind: 'refused', status: 503, text: '' },
  retryAfterMs,
});

it('obeys Retry-After', () => {
  expect(retryDelayMs(refused(7_000), 1, 0)).toBe(7_000);
});

it('never waits shorter than Retry-After', () => {
  expect(retryDelayMs(refused(7_000), 1, 0.999)).toBeGreaterThan(7_000);
});

it('asks a server that says a day every minute', () => {
  expect(retryDelayMs(refused(86_400_000), 1, 0)).toBe(60_000);
});

it('makes no tight loop of Retry-After: 0', () => {
  expect(retryDelayMs(refused(0), 1, 0)).toBe(500);
});

it('asks slowly for a stream that does not exist', () => {
  expect(retryDelayMs({ problem: { kind: 'not-found', text: '' } }, 1, 0)).toBe(15_000);
});

it('spreads a wall of players over almost a third of the wait', () => {
  expect(retryDelayMs(refused(null), 9, 0)).toBe(10_000);
  expect(retryDelayMs(refused(null), 9, 0.999)).toBe(12_997);
});
