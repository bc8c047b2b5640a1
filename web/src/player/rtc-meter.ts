// Reads a peer connection's statistics (W3C WebRTC statistics) as the figures that people look for.

import { RATE_OVER_MS } from './limits.js';
import { Rate } from './rate.js';
import { NO_FIGURES, type Figures, type Latency } from './transport.js';

interface Reading {
  framesDecoded: number;
  codec: string | null;
  figures: Figures;
}

export class RtcMeter {
  readonly #bits = new Rate(RATE_OVER_MS);
  readonly #frames = new Rate(RATE_OVER_MS);
  /** Of the reading before: totals of the time that frames spent in the receiver. */
  #processed = { seconds: 0, frames: 0 };
  #processingMs: number | null = null;

  /** `now` in milliseconds, of any clock that does not jump. */
  read(report: RTCStatsReport | undefined, now: number): Reading {
    const entries = [...(report?.values() ?? [])] as RTCStats[];
    const inbound = entries.filter(({ type }) => type === 'inbound-rtp') as RTCInboundRtpStreamStats[];
    const video = inbound.find(({ kind }) => kind === 'video');
    const audio = inbound.find(({ kind }) => kind === 'audio');
    if (video === undefined) return { framesDecoded: 0, codec: null, figures: NO_FIGURES };
    const framesDecoded = video.framesDecoded ?? 0;
    this.#frames.add(now, framesDecoded);
    this.#bits.add(now, 8 * ((video.bytesReceived ?? 0) + (audio?.bytesReceived ?? 0)));
    const figures = {
      ...NO_FIGURES,
      audioCodec: codecOf(report, audio),
      width: video.frameWidth ?? 0,
      height: video.frameHeight ?? 0,
      framesPerSecond: this.#frames.perSecond,
      bitsPerSecond: this.#bits.perSecond,
      latency: this.#latency(entries, video),
      lost: lost(video),
      framesDropped: video.framesDropped ?? null,
    };
    return { framesDecoded, codec: codecOf(report, video), figures };
  }

  /** Half of the round trip, and from a frame's first packet to its end of decoding. */
  #latency(entries: RTCStats[], video: RTCInboundRtpStreamStats): Latency | null {
    const frames = video.framesDecoded ?? 0;
    const seconds = video.totalProcessingDelay ?? video.jitterBufferDelay ?? 0;
    if (frames > this.#processed.frames) {
      const passed = seconds - this.#processed.seconds;
      this.#processingMs = (1000 * passed) / (frames - this.#processed.frames);
    }
    this.#processed = { seconds, frames };
    const transport = entries.find(({ type }) => type === 'transport') as RTCTransportStats | undefined;
    const pairs = entries.filter(({ type }) => type === 'candidate-pair') as RTCIceCandidatePairStats[];
    const pair =
      pairs.find(({ id }) => id === transport?.selectedCandidatePairId) ??
      pairs.find(({ nominated }) => nominated);
    const roundTrip = pair?.currentRoundTripTime;
    if (this.#processingMs === null || roundTrip === undefined) return null;
    return { ms: 500 * roundTrip + this.#processingMs, from: 'network' };
  }
}

function codecOf(
  report: RTCStatsReport | undefined,
  of: RTCInboundRtpStreamStats | undefined,
): string | null {
  const codec = report?.get(of?.codecId ?? '') as { mimeType?: string } | undefined;
  return codec?.mimeType?.replace(/^\w+\//, '') ?? null;
}

function lost({ packetsLost = 0, packetsReceived = 0 }: RTCInboundRtpStreamStats): Figures['lost'] {
  // Duplicates are counted against what is lost (RFC 3550 §6.4.1).
  const packets = Math.max(0, packetsLost);
  const all = packets + packetsReceived;
  return { packets, share: all === 0 ? 0 : packets / all };
}
