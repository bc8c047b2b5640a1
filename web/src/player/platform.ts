// What the player takes from the browser, in one place: tests give their own.

export interface Platform {
  /** Monotonic, milliseconds. */
  now: () => number;
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
}

export type Cancel = () => void;

export const browserPlatform: Platform = {
  now: () => performance.now(),
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
