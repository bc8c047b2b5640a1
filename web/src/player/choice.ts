// What a server of ours tells of a stream's qualities in a WebRTC session.

import type { Quality } from './transport.js';

/** The server tells the best first; here it is last, as hls.js has it. None where the answer is something else. */
export function parseQualities(answer: unknown): Quality[] {
  const { qualities } = (answer ?? {}) as { qualities?: unknown };
  if (!Array.isArray(qualities)) return [];
  return qualities.toReversed().map((entry: unknown) => {
    const { name, height, bits_per_second: rate } = (entry ?? {}) as Record<string, unknown>;
    return {
      name: typeof name === 'string' ? name : '',
      height: typeof height === 'number' ? height : 0,
      // To the tenth of a Mbit/s: it is measured, and its small changes are no news.
      bitsPerSecond: typeof rate === 'number' ? Math.round(rate / 1e5) * 1e5 : 0,
    };
  });
}
