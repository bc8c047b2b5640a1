// Playback by HLS (RFC 8216bis): LL-HLS with parts, or classic with whole segments. Who plays it depends on the browser:
// hls.js where there are Media Source Extensions, the browser itself where there are none.

import { openNative } from './hls-native.js';
import { openScripted, type Latencies } from './hls-scripted.js';
import type { Platform } from './platform.js';
import type { HttpAddresses, Target } from './target.js';
import type { OpenTransport, TransportEvents } from './transport.js';

export const openLlHls: OpenTransport = (target, platform, events) =>
  open(target, 'llHls', 'low', platform, events);

export const openHls: OpenTransport = (target, platform, events) =>
  open(target, 'hls', 'normal', platform, events);

function open(
  target: Target,
  form: keyof HttpAddresses,
  latencies: Latencies,
  platform: Platform,
  events: TransportEvents,
) {
  const address = target.http?.[form] ?? null;
  return platform.hls() === 'native'
    ? openNative(address, platform, events)
    : openScripted(address, latencies, platform, events);
}
