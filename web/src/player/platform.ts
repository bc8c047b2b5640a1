// What the player takes from the browser, in one place: tests give their own.

import type Hls from 'hls.js';

export interface Platform {
  /** Monotonic, milliseconds. */
  now: () => number;
  /** The wall clock, milliseconds since 1970. */
  wallNow: () => number;
  /** Runs `callback` once after `ms`; the returned function cancels it. */
  after: (ms: number, callback: () => void) => Cancel;
  /** In [0, 1). */
  random: () => number;
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Null where the browser has no WebRTC. */
  createPeer: ((configuration: RTCConfiguration) => RTCPeerConnection) | null;
  createMedia: () => MediaStream;
  /** The receiver's codecs of a kind, in the browser's order; empty where it does not tell. */
  codecs: (kind: 'video' | 'audio') => RTCRtpCodec[];
  /** Who plays HLS: a script by Media Source Extensions, the browser itself, or nobody. */
  hls: () => 'script' | 'native' | null;
  /** The script, which is loaded when it is first wanted. */
  loadHls: () => Promise<typeof Hls>;
  /** Whether media of this type (`video/mp4; codecs="…"`) are played, by whoever plays HLS. */
  plays: (type: string) => boolean;
  /** Null where pictures cannot be drawn. */
  createCanvas: () => HTMLCanvasElement | null;
  /** Rejects what is no picture. */
  decodeImage: (image: Blob) => Promise<ImageBitmap>;
}

export type Cancel = () => void;

/** iPhones have only the managed one. */
function mediaSource(): typeof MediaSource | undefined {
  const { MediaSource, ManagedMediaSource } = globalThis as {
    MediaSource?: typeof globalThis.MediaSource;
    ManagedMediaSource?: typeof globalThis.MediaSource;
  };
  return ManagedMediaSource ?? MediaSource;
}

const canPlay = (type: string) => document.createElement('video').canPlayType(type) !== '';

export const browserPlatform: Platform = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  after: (ms, callback) => {
    const id = setTimeout(callback, ms);
    return () => clearTimeout(id);
  },
  random: () => Math.random(),
  fetch: (url, init) => fetch(url, init),
  createPeer:
    'RTCPeerConnection' in globalThis ? (configuration) => new RTCPeerConnection(configuration) : null,
  createMedia: () => new MediaStream(),
  codecs: (kind) =>
    'RTCRtpReceiver' in globalThis ? (RTCRtpReceiver.getCapabilities(kind)?.codecs ?? []) : [],
  hls: () => {
    if (mediaSource() !== undefined) return 'script';
    return canPlay('application/vnd.apple.mpegurl') ? 'native' : null;
  },
  loadHls: async () => (await import('hls.js')).default,
  plays: (type) => mediaSource()?.isTypeSupported(type) ?? canPlay(type),
  createCanvas: () => ('createImageBitmap' in globalThis ? document.createElement('canvas') : null),
  decodeImage: (image) => createImageBitmap(image),
};

/**
 * `fetch` that gives up after `timeoutMs`. Null means that no answer came: refused, unreachable, cut or late; a browser
 * does not say which.
 */
export async function request(
  platform: Platform,
  url: string,
  timeoutMs: number,
  init: RequestInit,
): Promise<Response | null> {
  const abort = new AbortController();
  const cancel = platform.after(timeoutMs, () => abort.abort());
  try {
    return await platform.fetch(url, { ...init, signal: abort.signal });
  } catch {
    return null;
  } finally {
    cancel();
  }
}
