import { describe, expect, it } from 'vitest';

import { textsFor } from '../i18n.js';
import type { Descent } from './ladder.js';
import { describeDescents, describeProblem } from './words.js';

const [en, ko] = [textsFor('en'), textsFor('ko')];
const NO_PATH: Descent = { mode: 'webrtc', problem: { kind: 'no-path' } };
const CODEC = { kind: 'codec', codec: 'H.265' } as const;

describe('why another transport plays', () => {
  it('is nothing at the top', () => {
    expect(describeDescents([], en)).toBe('');
  });

  it('is said of each transport in both languages', () => {
    const refused = { kind: 'refused', status: 406, text: 'cam has H265; you offered H264.' } as const;
    const descents: Descent[] = [NO_PATH, { mode: 'll-hls', problem: refused }];
    expect(describeDescents(descents, en)).toBe(
      'WebRTC: the media path did not come up; LL-HLS: cam has H265; you offered H264',
    );
    expect(describeDescents([NO_PATH], ko)).toBe('WebRTC: 영상이 올 길이 열리지 않음');
  });

  it('is said once where it is the same', () => {
    const descents: Descent[] = [
      NO_PATH,
      { mode: 'll-hls', problem: CODEC },
      { mode: 'hls', problem: CODEC },
    ];
    expect(describeDescents(descents, en)).toBe(
      'WebRTC: the media path did not come up; LL-HLS, HLS: this browser does not decode H.265',
    );
  });
});

it('names the transport that the browser lacks', () => {
  expect(describeProblem({ kind: 'unsupported' }, 'll-hls', en)).toBe(
    'This browser has no LL-HLS, or it is switched off.',
  );
});
