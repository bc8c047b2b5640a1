import { expect, it } from 'vitest';

import { RtcMeter } from './rtc-meter.js';

/** Statistics after that many seconds at 25 frames, 1 Mbit and 1 % lost packets a second. */
function report(seconds: number): RTCStatsReport {
  const entries = [
    {
      id: 'v',
      type: 'inbound-rtp',
      kind: 'video',
      codecId: 'h264',
      framesDecoded: 25 * seconds,
      framesDropped: 2,
      bytesReceived: 115_000 * seconds,
      frameWidth: 1920,
      frameHeight: 1080,
      packetsLost: seconds,
      packetsReceived: 99 * seconds,
      // The first ten seconds were slow: 400 ms for each frame, then 40 ms.
      totalProcessingDelay: 25 * (0.4 * Math.min(10, seconds) + 0.04 * Math.max(0, seconds - 10)),
    },
    { id: 'a', type: 'inbound-rtp', kind: 'audio', codecId: 'opus', bytesReceived: 10_000 * seconds },
    { id: 'h264', type: 'codec', mimeType: 'video/H264' },
    { id: 'opus', type: 'codec', mimeType: 'audio/opus' },
    { id: 't', type: 'transport', selectedCandidatePairId: 'p2' },
    { id: 'p1', type: 'candidate-pair', nominated: true, currentRoundTripTime: 9 },
    { id: 'p2', type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.02 },
  ];
  return new Map(entries.map((entry) => [entry.id, entry]));
}

it('reads what people look for', () => {
  const meter = new RtcMeter();
  meter.read(report(11), 11_000);
  expect(meter.read(report(13), 13_000)).toEqual({
    framesDecoded: 325,
    codec: 'H264',
    figures: {
      audioCodec: 'opus',
      width: 1920,
      height: 1080,
      framesPerSecond: 25,
      bitsPerSecond: 1e6,
      latency: { ms: expect.closeTo(50) as number, from: 'network' },
      lost: { packets: 13, share: 0.01 },
      framesDropped: 2,
      bufferMs: null,
      quality: null,
    },
  });
});

it('keeps the latency while no frame comes', () => {
  const meter = new RtcMeter();
  meter.read(report(11), 11_000);
  meter.read(report(13), 13_000);
  expect(meter.read(report(13), 14_000).figures.latency?.ms).toBeCloseTo(50);
});

it('says nothing before there is video', () => {
  expect(new RtcMeter().read(undefined, 0)).toMatchObject({ framesDecoded: 0, codec: null });
});
