import { expect, it } from 'vitest';

import { parseServer, parseStreams } from './api.js';

it('reads every key of a stream', () => {
  const json = {
    cam: {
      producers: [{ url: 'rtsp://***' }],
      consumers: [{}, {}],
      state: 'failed',
      reason: 'no route to host',
      retry_in_ms: 4000,
      tracks: [
        { id: 0, kind: 'video', codec: 'H264', profile: 'High', width: 1920, height: 1080, fps: 25 },
        { id: 1, kind: 'audio', codec: 'AAC', sample_rate: 48000, channels: 2 },
      ],
    },
  };
  expect(parseStreams(json)).toEqual([
    {
      name: 'cam',
      state: 'failed',
      reason: 'no route to host',
      retryInMs: 4000,
      consumers: 2,
      tracks: [
        { kind: 'video', codec: 'H264', profile: 'High', width: 1920, height: 1080, fps: 25 },
        { kind: 'audio', codec: 'AAC', sampleRate: 48000, channels: 2 },
      ],
    },
  ]);
});

it('reads the plain shape of go2rtc', () => {
  expect(parseStreams({ cam: { producers: null, consumers: null } })).toEqual([
    { name: 'cam', state: 'idle', reason: '', retryInMs: null, consumers: 0, tracks: [] },
  ]);
});

it.each([null, 7, 'x', [], [1], { cam: null }, { cam: { tracks: [null, { kind: 'data' }, 3], reason: {} } }])(
  'takes odd answers for what little they say: %j',
  (json) => {
    for (const stream of parseStreams(json))
      expect(stream).toMatchObject({ state: 'idle', reason: '', tracks: [] });
  },
);

it('keeps a stream that is named like a property of every object', () => {
  expect(parseStreams(JSON.parse('{"__proto__": {"state": "live"}, "constructor": {}}'))).toMatchObject([
    { name: '__proto__', state: 'live' },
    { name: 'constructor', state: 'idle' },
  ]);
});

it('reads where RTSP listens, and that it does not', () => {
  expect(parseServer({ version: '1', rtsp: { listen: ':8554' } })).toEqual({
    version: '1',
    rtspListen: ':8554',
  });
  expect(parseServer({})).toEqual({ version: '', rtspListen: '' });
});
