import { expect, it } from 'vitest';

import type { Track } from './api.js';
import { describeTrack } from './codecs.js';
import { textsFor } from './i18n.js';

function check(track: Track, expected: string): void {
  // Numbers keep their unit on their line.
  expect(describeTrack(track, textsFor('en')).replaceAll('\u00a0', ' ')).toBe(expected);
}

it('describes tracks in one line, as far as they are known', () => {
  const video = { kind: 'video', codec: 'H264' } as const;
  check({ ...video, profile: 'High', width: 1920, height: 1080, fps: 25 }, 'H.264 High, 1920×1080, 25 fps');
  check(
    { ...video, codec: 'H265', width: 3840, height: 2160, fps: 30000 / 1001 },
    'H.265, 3840×2160, 29.97 fps',
  );
  check(video, 'H.264');
  const audio = { kind: 'audio', codec: 'AAC' } as const;
  check({ ...audio, sampleRate: 22050, channels: 1 }, 'AAC, 22.05 kHz, mono');
  check({ ...audio, codec: 'PCMA', sampleRate: 8000, channels: 1 }, 'G.711 A-law, 8 kHz, mono');
  check({ ...audio, codec: 'L16', channels: 6 }, 'L16, 6 channels');
  check({ ...audio, codec: '' }, '');
});
