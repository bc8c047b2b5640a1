// What an HTTP refusal means to a player, whatever was asked for.

import { retryAfterMs, sentenceOf } from '../answers.js';
import type { Failure } from './transport.js';

export async function refusal(response: Response): Promise<Failure> {
  const text = await sentenceOf(response);
  return response.status === 404
    ? { problem: { kind: 'not-found', text } }
    : { problem: { kind: 'refused', status: response.status, text }, retryAfterMs: retryAfterMs(response) };
}
