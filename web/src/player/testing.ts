// For tests only: a platform that has nothing and a target that names everything.

import type { Platform } from './platform.js';
import type { Target } from './target.js';

/** Timers and clocks are the test's own (`vi.useFakeTimers`); nothing else works unless the test gives it. */
export function fakePlatform(given: Partial<Platform> = {}): Platform {
  const absent = () => Promise.reject(new Error('not in this test'));
  return {
    now: () => Date.now(),
    wallNow: () => Date.now(),
    after: (ms, callback) => {
      const id = setTimeout(callback, ms);
      return () => clearTimeout(id);
    },
    random: () => 0,
    fetch: absent,
    createPeer: null,
    createMedia: () => ({}) as MediaStream,
    codecs: () => [],
    hls: () => null,
    loadHls: absent,
    plays: () => true,
    createCanvas: () => null,
    decodeImage: absent,
    ...given,
  };
}

export const CAM: Target = {
  name: 'cam',
  whep: 'http://s/api/webrtc?src=cam',
  http: {
    llHls: 'http://s/cam/index.m3u8',
    hls: 'http://s/cam/hls/index.m3u8',
    hlsTs: 'http://s/cam/ts/index.m3u8',
    mjpeg: 'http://s/api/stream.mjpeg?src=cam',
  },
  status: 'http://s/api/streams?src=cam',
};
