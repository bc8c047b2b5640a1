// Asks the server about the stream: during a stall it knows what the camera does.

import { parseStream, type Stream } from '../api.js';
import { sentenceOf } from '../answers.js';
import { STATUS_TIMEOUT_MS } from './limits.js';
import { request, type Platform } from './platform.js';
import type { Target } from './target.js';

export type StatusAnswer =
  | { kind: 'stream'; stream: Stream }
  | { kind: 'not-found'; text: string }
  /** A refusal or an answer that is none: it says nothing about the camera. */
  | { kind: 'unknown' }
  | { kind: 'unreachable' };

export async function askStatus(target: Target, platform: Platform): Promise<StatusAnswer> {
  if (target.status === null) return { kind: 'unknown' };
  const response = await request(platform, target.status, STATUS_TIMEOUT_MS, {
    headers: { Accept: 'application/json' },
  });
  if (response === null) return { kind: 'unreachable' };
  if (response.status === 404) return { kind: 'not-found', text: await sentenceOf(response) };
  if (!response.ok) return { kind: 'unknown' };
  try {
    return { kind: 'stream', stream: parseStream(target.name, await response.json()) };
  } catch {
    return { kind: 'unknown' };
  }
}
