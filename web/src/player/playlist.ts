// Asks for the multivariant playlist before an HLS player does: it would not pass on why the server refuses, nor that the
// browser lacks the codec in words.

import { codecName } from '../codecs.js';
import { PLAYLIST_TIMEOUT_MS } from './limits.js';
import { missingCodec, variantCodecs } from './multivariant.js';
import { request, type Platform } from './platform.js';
import { refusal } from './refusal.js';
import type { ServerClock } from './server-clock.js';
import type { Failure } from './transport.js';

/** Null when it can be played. */
export async function askPlaylist(
  address: string,
  platform: Platform,
  clock: ServerClock,
): Promise<Failure | null> {
  const askedAt = platform.wallNow();
  const response = await request(platform, address, PLAYLIST_TIMEOUT_MS, {});
  if (response === null) return { problem: { kind: 'unreachable' } };
  clock.heard(response.headers.get('Date'), askedAt, platform.wallNow());
  if (!response.ok) return await refusal(response);
  const text = await response.text().catch(() => '');
  if (!text.startsWith('#EXTM3U')) return { problem: { kind: 'bad-answer', text: 'no HLS playlist' } };
  const codec = missingCodec(variantCodecs(text), platform.plays);
  return codec === null ? null : { problem: { kind: 'codec', codec: codecName(codec) } };
}
