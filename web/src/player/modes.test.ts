import { expect, it } from 'vitest';

import { MODES, parseModes } from './modes.js';

it.each([
  ['webrtc', ['webrtc']],
  ['LL-HLS', ['ll-hls']],
  ['webrtc,hls', ['webrtc', 'hls']],
  [' hls ,  webrtc hls', ['hls', 'webrtc']],
  // go2rtc's words, of which some are ours too.
  ['webrtc,mse,hls,mjpeg', ['webrtc', 'hls', 'mjpeg']],
])('reads %j', (text, modes) => {
  expect(parseModes(text)).toEqual(modes);
});

it.each(['', ' ', 'mse', 'constructor'])('means all modes where none is named: %j', (text) => {
  expect(parseModes(text)).toEqual(MODES);
});
