// How long to wait after a failure. The session owns the retry; nothing below it retries.

import {
  RETRY_AFTER_MAX_MS,
  RETRY_FIRST_MS,
  RETRY_JITTER,
  RETRY_MAX_MS,
  RETRY_NOT_FOUND_MS,
} from './limits.js';
import type { Failure } from './transport.js';

/**
 * Milliseconds until the next attempt after `failures` failures in a row (1 for the first); null when trying again
 * cannot help. `random` is in [0, 1).
 */
export function retryDelayMs(failure: Failure, failures: number, random: number): number | null {
  const wait = baseMs(failure, failures);
  return wait === null ? null : Math.round(wait * (1 + RETRY_JITTER * random));
}

function baseMs({ problem, retryAfterMs }: Failure, failures: number): number | null {
  if (problem.kind === 'unsupported') return null;
  if (problem.kind === 'not-found') return RETRY_NOT_FOUND_MS;
  const doubled = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (failures - 1));
  if (retryAfterMs === null || retryAfterMs === undefined) return doubled;
  return Math.min(RETRY_AFTER_MAX_MS, Math.max(RETRY_FIRST_MS, retryAfterMs));
}
