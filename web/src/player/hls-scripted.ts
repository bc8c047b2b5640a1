// HLS through hls.js and Media Source Extensions. hls.js is a file of its own, loaded at the first use: who plays WebRTC
// never pays for it. It loads, buffers and adapts; what it leaves to us is whether the playlist can be played at all, how
// close to live the picture is kept (`steer.ts`), and the figures.

import type HlsPlayer from 'hls.js';
import type { ErrorData, FragBufferedData, HlsConfig, LevelLoadedData, ManifestParsedData } from 'hls.js';

import { codecName } from '../codecs.js';
import {
  BACK_BUFFER_SECONDS,
  HLS_BANDWIDTH_FAST_SECONDS,
  HLS_BANDWIDTH_SLOW_SECONDS,
  HLS_BUFFER_MAX_BYTES,
  HLS_BUFFER_SECONDS,
  HLS_JUMP_AFTER_TARGETS,
  LL_HLS_BUFFER_SECONDS,
  LL_HLS_JUMP_AFTER_SECONDS,
  LL_HLS_STALL_INCREASE_SECONDS,
  MEDIA_RECOVERIES_MAX,
  RATE_OVER_MS,
} from './limits.js';
import { isVideo } from './multivariant.js';
import type { Platform } from './platform.js';
import { askPlaylist } from './playlist.js';
import { Rate } from './rate.js';
import { ServerClock } from './server-clock.js';
import { jumps, steeredRate } from './steer.js';
import {
  NO_FIGURES,
  type Failure,
  type Figures,
  type Latency,
  type Problem,
  type Transport,
  type TransportEvents,
  type TransportStats,
} from './transport.js';
import { bufferAheadMs, frameCounts } from './video-element.js';

/** `low` plays parts, `normal` whole segments. */
export type Latencies = 'low' | 'normal';

export function openScripted(
  address: string | null,
  latencies: Latencies,
  platform: Platform,
  events: TransportEvents,
): Transport {
  return new Scripted(address, latencies, platform, events);
}

class Scripted implements Transport {
  readonly #address: string | null;
  readonly #latencies: Latencies;
  readonly #platform: Platform;
  readonly #events: TransportEvents;
  readonly #clock = new ServerClock();
  /** Against the media's own time: segments arrive in bursts. */
  readonly #bits = new Rate(RATE_OVER_MS);
  readonly #frames = new Rate(RATE_OVER_MS);
  #hls: HlsPlayer | null = null;
  #video: HTMLVideoElement | null = null;
  #detach = new AbortController();
  #closed = false;
  #accepted = false;
  #loaded = { ms: 0, bits: 0 };
  #codecs = { video: null as string | null, audio: null as string | null };
  #recoveries = 0;
  #playsSince: number | null = null;

  constructor(address: string | null, latencies: Latencies, platform: Platform, events: TransportEvents) {
    this.#address = address;
    this.#latencies = latencies;
    this.#platform = platform;
    this.#events = events;
    void Promise.resolve().then(() => (this.#closed ? undefined : this.#start()));
  }

  stats(): Promise<TransportStats> {
    const { decoded, dropped } = frameCounts(this.#video);
    this.#frames.add(this.#platform.now(), decoded);
    return Promise.resolve({
      connected: this.#accepted,
      framesDecoded: decoded,
      codec: this.#codecs.video,
      paused: this.#video?.paused ?? false,
      figures: this.#figures(dropped),
    });
  }

  choose(quality: number | null): void {
    if (this.#hls !== null) this.#hls.nextLevel = quality ?? -1;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#detach.abort();
    this.#hls?.destroy();
  }

  async #start(): Promise<void> {
    if (this.#address === null || this.#platform.hls() === null) {
      this.#fail({ problem: { kind: 'unsupported' } });
      return;
    }
    const [refused, library] = await Promise.all([
      askPlaylist(this.#address, this.#platform, this.#clock),
      this.#platform.loadHls().catch((error: unknown) => String(error)),
    ]);
    if (this.#closed) return;
    if (refused !== null) this.#fail(refused);
    else if (typeof library === 'string') this.#fail({ problem: { kind: 'bad-answer', text: library } });
    else this.#play(library, this.#address);
  }

  #play(library: typeof HlsPlayer, address: string): void {
    const hls = new library(configuration(this.#latencies));
    // With the others, hls.js would want a distance to live too, and forget the one that the server asks for.
    hls.config.liveMaxLatencyDurationCount = HLS_JUMP_AFTER_TARGETS;
    this.#hls = hls;
    const { Events } = library;
    hls.on(Events.MANIFEST_PARSED, (_event, data) => this.#manifestParsed(data));
    hls.on(Events.LEVEL_LOADED, (_event, data) => this.#levelLoaded(data));
    hls.on(Events.FRAG_BUFFERED, (_event, data) => this.#fragmentBuffered(data));
    hls.on(Events.BUFFER_CODECS, (_event, data) => this.#codecsKnown(Object.values(data)));
    hls.on(Events.ERROR, (_event, data) => this.#error(data));
    hls.loadSource(address);
    this.#accepted = true;
    this.#events.accepted();
    this.#tellMedia();
  }

  #tellMedia(): void {
    this.#events.media({ kind: 'attached', attach: this.#attach, sound: this.#codecs.audio !== null });
  }

  readonly #attach = (video: HTMLVideoElement): void => {
    if (this.#hls === null || this.#closed) return;
    this.#video = video;
    this.#hls.attachMedia(video);
    if (this.#latencies !== 'low') return;
    video.addEventListener('timeupdate', () => this.#steer(), { signal: this.#detach.signal });
  };

  #manifestParsed({ levels }: ManifestParsedData): void {
    this.#events.qualities(levels.map(({ height, bitrate }) => ({ height, bitsPerSecond: bitrate })));
  }

  #levelLoaded({ details, networkDetails, stats }: LevelLoadedData): void {
    if (details.partHoldBack > 0 && this.#hls !== null) {
      this.#hls.config.liveMaxLatencyDuration = details.partHoldBack + LL_HLS_JUMP_AFTER_SECONDS;
    }
    if (!networkDetails || !('getResponseHeader' in networkDetails)) return;
    // hls.js counts from the page's start.
    const wall = (at: number) => this.#platform.wallNow() - this.#platform.now() + at;
    const { start, first } = stats.loading;
    this.#clock.heard(networkDetails.getResponseHeader('Date'), wall(start), wall(first));
  }

  #fragmentBuffered({ frag, part, stats }: FragBufferedData): void {
    this.#recoveries = 0;
    this.#loaded.bits += 8 * stats.loaded;
    if (!isOfType(frag, 'main')) return;
    this.#loaded.ms += 1000 * (part?.duration ?? frag.duration);
    this.#bits.add(this.#loaded.ms, this.#loaded.bits);
  }

  #codecsKnown(tracks: unknown[]): void {
    const before = this.#codecs.audio;
    for (const codec of tracks.flatMap(trackCodecs)) {
      if (isVideo(codec)) this.#codecs.video = codec;
      else this.#codecs.audio = codec;
    }
    if (this.#codecs.audio !== before) this.#tellMedia();
  }

  #error(error: ErrorData): void {
    if (!error.fatal) return;
    const mends = isOfType(error, 'mediaError') && !isCodecError(error);
    if (mends && this.#recoveries < MEDIA_RECOVERIES_MAX) {
      this.#recoveries += 1;
      this.#hls?.recoverMediaError();
      // A new source stops the picture.
      void this.#video?.play().catch(() => null);
    } else {
      this.#fail({ problem: problemOf(error) });
    }
  }

  /** Keeps the picture close to live, by a pace that nobody sees or hears. */
  #steer(): void {
    const [video, hls] = [this.#video, this.#hls];
    if (video === null || hls === null || video.paused || video.seeking) return;
    const now = this.#platform.now();
    this.#playsSince ??= now;
    const pace = {
      behindMs: 1000 * hls.latency,
      targetMs: 1000 * (hls.targetLatency ?? 0),
      bufferMs: bufferAheadMs(video),
      rate: video.playbackRate,
    };
    const live = video.currentTime + (pace.behindMs - pace.targetMs) / 1000;
    if (jumps(pace, now - this.#playsSince, 1000 * (live - this.#segmentStart(live))))
      video.currentTime = live;
    const rate = steeredRate(pace);
    if (video.playbackRate !== rate) video.playbackRate = rate;
  }

  /** Of the segment that holds this time; it begins with a keyframe. */
  #segmentStart(time: number): number {
    const fragments = this.#hls?.latestLevelDetails?.fragments ?? [];
    return fragments.findLast(({ start }) => start <= time)?.start ?? -Infinity;
  }

  #figures(framesDropped: number): Figures {
    const video = this.#video;
    const level = this.#hls?.currentLevel ?? -1;
    return {
      ...NO_FIGURES,
      audioCodec: this.#codecs.audio,
      width: video?.videoWidth ?? 0,
      height: video?.videoHeight ?? 0,
      framesPerSecond: this.#frames.perSecond,
      bitsPerSecond: this.#bits.perSecond,
      latency: this.#latency(),
      framesDropped,
      bufferMs: video && bufferAheadMs(video),
      quality: level < 0 ? null : level,
    };
  }

  #latency(): Latency | null {
    const hls = this.#hls;
    if (hls === null || !this.#video?.videoWidth) return null;
    const captured = hls.playingDate?.getTime();
    if (captured === undefined) return { ms: 1000 * hls.latency, from: 'edge' };
    return { ms: this.#platform.wallNow() + this.#clock.aheadMs - captured, from: 'clock' };
  }

  #fail(failure: Failure): void {
    if (this.#closed) return;
    // First told, then closed: closing takes the picture away, which somebody may want to keep.
    this.#closed = true;
    this.#events.failed(failure);
    this.#detach.abort();
    this.#hls?.destroy();
  }
}

function configuration(latencies: Latencies): Partial<HlsConfig> {
  const low = latencies === 'low';
  const seconds = low ? LL_HLS_BUFFER_SECONDS : HLS_BUFFER_SECONDS;
  return {
    lowLatencyMode: low,
    abrEwmaFastLive: HLS_BANDWIDTH_FAST_SECONDS,
    abrEwmaSlowLive: HLS_BANDWIDTH_SLOW_SECONDS,
    ...(low && { liveSyncOnStallIncrease: LL_HLS_STALL_INCREASE_SECONDS }),
    // A worker would be made from a `blob:` address, which a strict page forbids; of fMP4 there is nothing to convert.
    enableWorker: false,
    liveDurationInfinity: true,
    maxBufferLength: seconds,
    maxMaxBufferLength: seconds,
    maxBufferSize: HLS_BUFFER_MAX_BYTES,
    backBufferLength: BACK_BUFFER_SECONDS,
    preferManagedMediaSource: true,
  };
}

function trackCodecs(track: unknown): string[] {
  const { codec, levelCodec } = (track ?? {}) as { codec?: unknown; levelCodec?: unknown };
  const codecs = [codec, levelCodec].find((text) => typeof text === 'string' && text !== '');
  return typeof codecs === 'string' ? codecs.split(',').map((text) => text.trim()) : [];
}

/** hls.js has enums for what are words, and the enums would pull all of it in. */
function isOfType(what: { type: string }, type: string): boolean {
  return what.type === type;
}

const CODEC_ERRORS: string[] = [
  'manifestIncompatibleCodecsError',
  'bufferAddCodecError',
  'bufferIncompatibleCodecsError',
];

function isCodecError({ details }: ErrorData): boolean {
  return CODEC_ERRORS.includes(details);
}

function problemOf(error: ErrorData): Problem {
  // The next attempt asks for the playlist and learns why.
  if (isOfType(error, 'networkError')) return { kind: 'lost' };
  const codec = /codecs="?([^"]+)"?/.exec(error.mimeType ?? '')?.[1];
  if (isCodecError(error) && codec !== undefined) return { kind: 'codec', codec: codecName(codec) };
  return { kind: 'bad-answer', text: error.error.message || error.details };
}
