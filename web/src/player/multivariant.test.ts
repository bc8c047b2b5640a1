import { expect, it } from 'vitest';

import { missingCodec, variantCodecs } from './multivariant.js';

const PLAYLIST = `#EXTM3U
#EXT-X-VERSION:9
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="CODECS="
#EXT-X-STREAM-INF:BANDWIDTH=1,X-CODECS="no",CODECS="hvc1.1.6.L93.B0, mp4a.40.2",RESOLUTION=1920x1080
main.m3u8
#EXT-X-STREAM-INF:CODECS="avc1.64001f",BANDWIDTH=1
sub.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1
other.m3u8
`;

it('reads the codecs of each variant', () => {
  const expected = [['hvc1.1.6.L93.B0', 'mp4a.40.2'], ['avc1.64001f'], []];
  expect(variantCodecs(PLAYLIST)).toEqual(expected);
  expect(variantCodecs(PLAYLIST.replaceAll('\n', '\r\n'))).toEqual(expected);
  expect(variantCodecs('#EXTM3U\n#EXTINF:2,\nsegment0.ts\n')).toEqual([]);
});

const noHevc = (type: string) => !/hvc1|hev1/.test(type);
const nothing = () => false;

it('names the codec that no variant does without', () => {
  expect(missingCodec([['hvc1.1.6.L93.B0', 'mp4a.40.2']], noHevc)).toBe('hvc1.1.6.L93.B0');
  expect(missingCodec([['hvc1.1'], ['avc1.64001f']], noHevc)).toBeNull();
  expect(missingCodec([['hvc1.1'], []], noHevc)).toBeNull();
  expect(missingCodec([], nothing)).toBeNull();
});

it('leaves sound to the player', () => {
  expect(missingCodec([['mp4a.40.2']], nothing)).toBeNull();
});
