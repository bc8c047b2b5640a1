import { describe, expect, it } from 'vitest';

import { iceCredentials, iceFragment, parseIceFragment, withIce, withStereoOpus } from './sdp.js';

const lines = (...list: string[]) => list.map((line) => `${line}\r\n`).join('');

const DESCRIPTION = lines(
  'v=0',
  'a=group:BUNDLE 0 1',
  'm=video 9 UDP/TLS/RTP/SAVPF 102 103',
  'a=ice-ufrag:Abcd',
  'a=ice-pwd:first0123456789012345678',
  'a=mid:0',
  'a=candidate:1 1 udp 1 10.0.0.1 8555 typ host',
  'a=end-of-candidates',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=ice-ufrag:Abcd',
  'a=ice-pwd:first0123456789012345678',
  'a=mid:1',
  'a=rtpmap:111 opus/48000/2',
  'a=fmtp:111 minptime=10;useinbandfec=1',
);

describe('stereo', () => {
  it('is asked of Opus and of nothing else', () => {
    const stereo = withStereoOpus(DESCRIPTION);
    expect(stereo).toContain('a=fmtp:111 stereo=1;minptime=10;useinbandfec=1\r\n');
    expect(stereo.replace('stereo=1;', '')).toBe(DESCRIPTION);
  });

  it('is not asked twice', () => {
    expect(withStereoOpus(withStereoOpus(DESCRIPTION))).toBe(withStereoOpus(DESCRIPTION));
  });

  it('leaves a description without Opus alone', () => {
    expect(withStereoOpus('v=0\r\nm=video 9 X 96\r\n')).toBe('v=0\r\nm=video 9 X 96\r\n');
  });
});

describe('a fragment', () => {
  it('carries credentials and candidates of the first section', () => {
    expect(iceFragment(DESCRIPTION, ['candidate:7 1 udp 1 10.0.0.7 5000 typ host'], true)).toBe(
      lines(
        'a=group:BUNDLE 0 1',
        'a=ice-ufrag:Abcd',
        'a=ice-pwd:first0123456789012345678',
        'm=video 9 UDP/TLS/RTP/SAVPF 0',
        'a=mid:0',
        'a=candidate:7 1 udp 1 10.0.0.7 5000 typ host',
        'a=end-of-candidates',
      ),
    );
  });

  it('without credentials is no ICE restart', () => {
    expect(parseIceFragment('a=mid:0\r\n')).toBeNull();
  });

  it('restarts every section and brings its candidates to the first', () => {
    const ice = parseIceFragment(
      lines(
        'a=ice-ufrag:Efgh',
        'a=ice-pwd:$&second89012345678901234',
        'a=candidate:2 1 udp 1 10.0.0.2 8555 typ host',
      ),
    );
    const answer = withIce(DESCRIPTION, ice ?? expect.fail('no fragment'));
    expect(answer).toBe(
      DESCRIPTION.replaceAll('Abcd', 'Efgh')
        .replaceAll('first0123456789012345678', () => '$&second89012345678901234')
        .replace('a=candidate:1 1 udp 1 10.0.0.1 8555 typ host\r\na=end-of-candidates\r\n', '')
        .replace('a=mid:0\r\n', 'a=mid:0\r\na=candidate:2 1 udp 1 10.0.0.2 8555 typ host\r\n'),
    );
  });
});

it('reads the credentials of lines that end in a bare newline', () => {
  expect(iceCredentials('a=ice-ufrag:u\na=ice-pwd:p\n')).toEqual({ ufrag: 'u', pwd: 'p' });
});
