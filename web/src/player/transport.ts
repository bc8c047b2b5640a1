// A way to bring a stream's picture and sound to this page. WebRTC, LL-HLS, HLS and MJPEG each have one; the session and
// the ladder use them in turn and know none of them.

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
  /** The browser has no decoder for this codec, named as people do. */
  | { kind: 'codec'; codec: string }
  /** The browser cannot do it at all. */
  | { kind: 'unsupported' };

export interface Failure {
  problem: Problem;
  /** What the server asked for. */
  retryAfterMs?: number | null;
}

/** What the picture comes with, for the element to put on the screen. */
export type Media = { sound: boolean } & (
  | { kind: 'stream'; stream: MediaStream }
  /** It plays into the video element that it is given, and takes itself out at `close()`. */
  | { kind: 'attached'; attach: (video: HTMLVideoElement) => void }
  /** It is drawn on this. */
  | { kind: 'canvas'; canvas: HTMLCanvasElement }
);

/** One variant of the stream, as far as the server tells; 0 is what is not known. */
export interface Quality {
  /** As the server's configuration calls it, where it tells that. */
  name?: string;
  height: number;
  bitsPerSecond: number;
}

/** What is measured of the picture that plays; null is what the transport cannot know. */
export interface Figures {
  /** As the browser or the playlist calls it. */
  audioCodec: string | null;
  width: number;
  height: number;
  framesPerSecond: number | null;
  bitsPerSecond: number | null;
  latency: Latency | null;
  /** Packets that never came, and of all the share that they are (0 to 1). */
  lost: { packets: number; share: number } | null;
  framesDropped: number | null;
  /** What is loaded beyond the picture on the screen. */
  bufferMs: number | null;
  /** Which of the `qualities` plays. */
  quality: number | null;
}

export interface Latency {
  ms: number;
  /**
   * What it was made from: half a round trip and the time in the receiver's buffers, which leaves the camera's and the
   * server's share out; the playlist's wall-clock times and the server's `Date`; the distance to the playlist's end.
   */
  from: 'network' | 'clock' | 'edge';
}

export const NO_FIGURES: Figures = {
  audioCodec: null,
  width: 0,
  height: 0,
  framesPerSecond: null,
  bitsPerSecond: null,
  latency: null,
  lost: null,
  framesDropped: null,
  bufferMs: null,
  quality: null,
};

export interface TransportStats {
  /** Whether the media path has come up, once at least. */
  connected: boolean;
  /** Video frames decoded so far. Only its growth means something. */
  framesDecoded: number;
  /** As the browser or the playlist calls it, without the kind: `H264`, `avc1.64001f`; null before the first frame. */
  codec: string | null;
  /** The browser or the reader holds the picture: no frames are no stall. */
  paused: boolean;
  figures: Figures;
}

export interface TransportEvents {
  /** The server accepted; media may follow. */
  accepted: () => void;
  /** To be shown. The same media again tells that its sound has come. */
  media: (media: Media) => void;
  /** What can be chosen from; the transport's own choice until `choose` is called. */
  qualities: (qualities: readonly Quality[]) => void;
  /** A frame is on the screen: news that would otherwise come with the next look at the statistics. */
  presented: () => void;
  /** The end: the transport closes itself and says nothing more. */
  failed: (failure: Failure) => void;
}

export interface Transport {
  stats: () => Promise<TransportStats>;
  /** Plays that one of the `qualities`; null leaves the choice to the transport again. Absent where there is none. */
  choose?: (quality: number | null) => void;
  /** Ends it and tells the server; no event follows. */
  close: () => void;
}

/** Starts at once; no event comes before it returns. */
export type OpenTransport = (target: Target, platform: Platform, events: TransportEvents) => Transport;
