import { expect, it } from 'vitest';

import { textsFor } from '../i18n.js';
import { describeQuality, figureRows } from './figure-rows.js';
import type { SessionView } from './session.js';
import { NO_FIGURES, type Figures } from './transport.js';

const VIEW: SessionView = {
  state: 'playing',
  problem: null,
  codec: 'H264',
  mode: 'webrtc',
  descents: [],
  qualities: [],
  chosen: null,
};

/** The rows as text: `name: value | note`. */
function check(view: Partial<SessionView>, figures: Partial<Figures>, expected: string, language = 'en') {
  const rows = figureRows({ ...VIEW, ...view }, { ...NO_FIGURES, ...figures }, textsFor(language));
  const lines = rows.map(({ name, value, note }) => `${name}: ${value}${note ? ` | ${note}` : ''}`);
  expect(lines.join('\n').replaceAll('\u00a0', ' ')).toBe(expected.trim().replaceAll(/\n +/g, '\n'));
}

it('shows what WebRTC knows', () => {
  check(
    {},
    {
      audioCodec: 'opus',
      width: 1920,
      height: 1080,
      framesPerSecond: 24.96,
      bitsPerSecond: 3_149_000,
      latency: { ms: 83, from: 'network' },
      lost: { packets: 12, share: 0.0031 },
      framesDropped: 1,
    },
    `Transport: WebRTC
     Codec: H.264, Opus
     Resolution: 1920×1080
     Frames/s: 25
     Bitrate: 3.1 Mbit/s
     Latency: ≈ 80 ms | estimate: network and buffer, without the camera
     Loss: 0.31 % (12 packets)
     Dropped: 1 frame`,
  );
});

it('shows what HLS knows, and why it is not WebRTC', () => {
  const qualities = [
    { height: 360, bitsPerSecond: 5e5 },
    { height: 720, bitsPerSecond: 2e6 },
  ];
  check(
    {
      mode: 'll-hls',
      codec: 'avc1.64001f',
      qualities,
      descents: [{ mode: 'webrtc', problem: { kind: 'no-path' } }],
    },
    {
      audioCodec: 'mp4a.40.2',
      bitsPerSecond: 640_400,
      latency: { ms: 1_040, from: 'clock' },
      bufferMs: 612,
      framesDropped: 0,
      quality: 1,
    },
    `Transport: LL-HLS
     Codec: H.264, AAC
     Bitrate: 640 kbit/s
     Latency: ≈ 1.0 s | estimate: by the playlist’s clock
     Level: 720p (2 of 2)
     Buffer: 610 ms
     Dropped: 0 frames
     Why: WebRTC: the media path did not come up`,
  );
});

it('shows nothing that it does not know', () => {
  check({ codec: null, mode: 'mjpeg' }, {}, '재생 방식: MJPEG', 'ko');
});

it('names qualities by height, and by rate where that is not enough', () => {
  const among = [
    { height: 1080, bitsPerSecond: 4_000_000 },
    { height: 1080, bitsPerSecond: 900_000 },
    { height: 360, bitsPerSecond: 500_000 },
    { height: 0, bitsPerSecond: 64_000 },
  ];
  expect(among.map((quality) => describeQuality(quality, among).replaceAll('\u00a0', ' '))).toEqual([
    '1080p, 4 Mbit/s',
    '1080p, 900 kbit/s',
    '360p',
    '64 kbit/s',
  ]);
});
