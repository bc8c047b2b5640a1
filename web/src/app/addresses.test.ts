import { expect, it } from 'vitest';

import { rtspAddress, watchLink, whepAddress } from './addresses.js';

const PAGE = 'http://192.168.1.2:1984/';

it('points at the host that the reader already talks to', () => {
  expect(rtspAddress('cam', ':8554', PAGE)).toBe('rtsp://192.168.1.2:8554/cam');
  expect(rtspAddress('cam', '0.0.0.0:8554', PAGE)).toBe('rtsp://192.168.1.2:8554/cam');
  expect(rtspAddress('cam', '[::]:8554', 'http://[fd00::1]:1984/')).toBe('rtsp://[fd00::1]:8554/cam');
});

it('points at the host that RTSP is bound to', () => {
  expect(rtspAddress('cam', '10.0.0.9:554', PAGE)).toBe('rtsp://10.0.0.9:554/cam');
});

it('is absent while RTSP is off', () => {
  expect(rtspAddress('cam', '', PAGE)).toBeNull();
});

it('encodes what a name may hold', () => {
  expect(rtspAddress('a/b c%2F?x#현', ':8554', PAGE)).toBe(
    'rtsp://192.168.1.2:8554/a/b%20c%252F%3Fx%23%ED%98%84',
  );
  expect(whepAddress('a&b', `${PAGE}cams/?src=x`)).toBe('http://192.168.1.2:1984/cams/api/webrtc?src=a%26b');
  expect(watchLink('"><img>')).toBe('?src=%22%3E%3Cimg%3E');
});
