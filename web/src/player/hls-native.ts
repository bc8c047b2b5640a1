// HLS by the browser itself, where there are no Media Source Extensions: iPhones of some years ago, and televisions. It
// loads and adapts by itself and tells little.

import { RATE_OVER_MS } from './limits.js';
import type { Platform } from './platform.js';
import { askPlaylist } from './playlist.js';
import { Rate } from './rate.js';
import { ServerClock } from './server-clock.js';
import {
  NO_FIGURES,
  type Failure,
  type Latency,
  type Transport,
  type TransportEvents,
  type TransportStats,
} from './transport.js';
import { bufferAheadMs, frameCounts } from './video-element.js';

export function openNative(address: string | null, platform: Platform, events: TransportEvents): Transport {
  return new Native(address, platform, events);
}

class Native implements Transport {
  readonly #address: string | null;
  readonly #platform: Platform;
  readonly #events: TransportEvents;
  readonly #clock = new ServerClock();
  readonly #frames = new Rate(RATE_OVER_MS);
  readonly #detach = new AbortController();
  #video: HTMLVideoElement | null = null;
  #accepted = false;
  #closed = false;

  constructor(address: string | null, platform: Platform, events: TransportEvents) {
    this.#address = address;
    this.#platform = platform;
    this.#events = events;
    void Promise.resolve().then(() => (this.#closed ? undefined : this.#start()));
  }

  stats(): Promise<TransportStats> {
    const video = this.#video;
    const { decoded, dropped } = frameCounts(video);
    this.#frames.add(this.#platform.now(), decoded);
    return Promise.resolve({
      connected: this.#accepted,
      framesDecoded: decoded,
      codec: null,
      paused: video?.paused ?? false,
      figures: {
        ...NO_FIGURES,
        width: video?.videoWidth ?? 0,
        height: video?.videoHeight ?? 0,
        framesPerSecond: this.#frames.perSecond,
        latency: this.#latency(),
        framesDropped: dropped,
        bufferMs: video && bufferAheadMs(video),
      },
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#letGo();
  }

  async #start(): Promise<void> {
    if (this.#address === null) {
      this.#fail({ problem: { kind: 'unsupported' } });
      return;
    }
    const refused = await askPlaylist(this.#address, this.#platform, this.#clock);
    if (this.#closed) return;
    if (refused !== null) {
      this.#fail(refused);
      return;
    }
    this.#accepted = true;
    this.#events.accepted();
    // Whether there is sound is not told in time: a button too many does less harm than one too few.
    this.#events.media({ kind: 'attached', attach: this.#attach, sound: true });
  }

  readonly #attach = (video: HTMLVideoElement): void => {
    if (this.#closed || this.#address === null) return;
    this.#video = video;
    const { signal } = this.#detach;
    video.addEventListener('error', () => this.#broken(video.error), { signal });
    video.addEventListener('ended', () => this.#fail({ problem: { kind: 'lost' } }), { signal });
    video.src = this.#address;
  };

  #broken(error: MediaError | null): void {
    const text = error?.message ?? '';
    const ours = error?.code === MediaError.MEDIA_ERR_NETWORK;
    this.#fail({ problem: ours ? { kind: 'lost' } : { kind: 'bad-answer', text } });
  }

  /** Apple's way to the playlist's dates. */
  #latency(): Latency | null {
    const video: (HTMLVideoElement & { getStartDate?: () => Date }) | null = this.#video;
    const start = video?.getStartDate?.().getTime() ?? NaN;
    if (video === null || Number.isNaN(start)) return null;
    const captured = start + 1000 * video.currentTime;
    return { ms: this.#platform.wallNow() + this.#clock.aheadMs - captured, from: 'clock' };
  }

  #letGo(): void {
    this.#detach.abort();
    this.#video?.removeAttribute('src');
    this.#video?.load();
  }

  #fail(failure: Failure): void {
    if (this.#closed) return;
    // First told, then closed: closing takes the picture away, which somebody may want to keep.
    this.#closed = true;
    this.#events.failed(failure);
    this.#letGo();
  }
}
