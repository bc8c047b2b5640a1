import { expect, it } from 'vitest';

import { askPlaylist } from './playlist.js';
import { ServerClock } from './server-clock.js';
import { fakePlatform } from './testing.js';

async function check(response: Response | null) {
  const platform = fakePlatform({
    fetch: (url) => {
      expect(url).toBe('http://s/cam/index.m3u8');
      return response === null ? Promise.reject(new TypeError('refused')) : Promise.resolve(response);
    },
    plays: (type) => !type.includes('hvc1'),
  });
  return await askPlaylist('http://s/cam/index.m3u8', platform, new ServerClock());
}

const multivariant = (codecs: string) =>
  new Response(`#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="${codecs}"\nv.m3u8\n`);

it('has nothing to say of a playlist that can be played', async () => {
  expect(await check(multivariant('avc1.64001f,mp4a.40.2'))).toBeNull();
});

it('names a codec that the browser has not', async () => {
  expect(await check(multivariant('hvc1.1.6.L93.B0'))).toEqual({
    problem: { kind: 'codec', codec: 'H.265' },
  });
});

it('passes on what the server says', async () => {
  const refusal = new Response('no route to host\n', { status: 503, headers: { 'Retry-After': '2' } });
  expect(await check(refusal)).toEqual({
    problem: { kind: 'refused', status: 503, text: 'no route to host' },
    retryAfterMs: 2_000,
  });
  expect(await check(new Response('', { status: 404 }))).toEqual({
    problem: { kind: 'not-found', text: '' },
  });
  expect(await check(null)).toEqual({ problem: { kind: 'unreachable' } });
});

it('takes a page for no playlist', async () => {
  expect(await check(new Response('<!doctype html>'))).toEqual({
    problem: { kind: 'bad-answer', text: 'no HLS playlist' },
  });
});
