// A way to bring a stream's picture and sound to this page. WebRTC is the one there is; LL-HLS, HLS and MJPEG will be
// others, tried in turn by the session, which knows none of them.

import type { StreamState } from '../api.js';
import type { Platform } from './platform.js';
import type { Target } from './target.js';

/** What keeps the picture away; the element says it in the reader's language. */
export type Problem =
  /** The server said no, with its sentence where it gave one. */
  | { kind: 'refused'; status: number; text: string }
  | { kind: 'not-found'; text: string }
  /** No answer to a request. */
  | { kind: 'unreachable' }
  /** The server's answer cannot be used: its text is the browser's. */
  | { kind: 'bad-answer'; text: string }
  /** The server answers requests, but no media path came up (a closed UDP port, mostly). */
  | { kind: 'no-path' }
  /** The media path was there and is gone. */
  | { kind: 'lost' }
  /** Everything seems well, and yet no frame arrives. */
  | { kind: 'no-frames' }
  /** The server has no picture from the camera, for the reason it gives. */
  | { kind: 'camera'; state: Exclude<StreamState, 'live'>; text: string }
  /** The browser cannot do it. */
  | { kind: 'unsupported' };

export interface Failure {
  problem: Problem;
  /** What the server asked for. */
  retryAfterMs?: number | null;
}

export interface TransportStats {
  /** Whether the media path has come up, once at least. */
  connected: boolean;
  /** Video frames decoded so far. Only its growth means something. */
  framesDecoded: number;
  /** As the browser calls it, without the kind: `H264`; null before the first frame. */
  codec: string | null;
}

export interface TransportEvents {
  /** The server accepted; media may follow. */
  accepted: () => void;
  /** To be shown in a video element. */
  media: (media: MediaStream) => void;
  /** The end: the transport has closed itself and says nothing more. */
  failed: (failure: Failure) => void;
}

export interface Transport {
  stats: () => Promise<TransportStats>;
  /** Ends it and tells the server; no event follows. */
  close: () => void;
}

/** Starts at once; no event comes before it returns. */
export type OpenTransport = (target: Target, platform: Platform, events: TransportEvents) => Transport;
