import { describe, expect, it } from 'vitest';

import { resolveTarget } from './target.js';

const PAGE = 'https://site.example/wall/index.html';

function check(src: string, server = 'http://host:1984/') {
  return resolveTarget(src, server, PAGE);
}

describe('a name', () => {
  it('is asked of the server', () => {
    expect(check('cam')).toEqual({
      name: 'cam',
      whep: 'http://host:1984/api/webrtc?src=cam',
      http: {
        llHls: 'http://host:1984/cam/index.m3u8',
        hls: 'http://host:1984/cam/hls/index.m3u8',
        hlsTs: 'http://host:1984/cam/ts/index.m3u8',
        mjpeg: 'http://host:1984/api/stream.mjpeg?src=cam',
      },
      status: 'http://host:1984/api/streams?src=cam',
    });
  });

  it.each([
    '<img src=x onerror=alert(1)>',
    'a b',
    '현관',
    'a%2Fb',
    '../../x',
    'a&dst=b',
    'a#b',
    '🎥',
    '"\'',
    '__proto__',
  ])('of hostile form arrives whole: %s', (name) => {
    const target = check(name);
    expect(target?.name).toBe(name);
    const whep = new URL(target?.whep ?? '');
    expect(whep.pathname).toBe('/api/webrtc');
    expect([...whep.searchParams]).toEqual([['src', name]]);
    const [, folder, ...rest] = new URL(target?.http?.llHls ?? '').pathname.split('/');
    expect([decodeURIComponent(folder ?? ''), ...rest]).toEqual([name, 'index.m3u8']);
    expect([...new URL(target?.http?.mjpeg ?? '').searchParams]).toEqual([['src', name]]);
  });

  it.each(['.', '..'])('that is no folder has no addresses below one: %s', (name) => {
    expect(check(name)?.http).toBeNull();
    expect(new URL(check(name)?.whep ?? '').searchParams.get('src')).toBe(name);
  });

  it('is nothing when empty', () => {
    expect(check('')).toBeNull();
  });
});

describe('a server', () => {
  it.each(['http://host:1984/cameras/', 'http://host:1984/cameras'])('may lie below a path: %s', (server) => {
    expect(check('cam', server)?.whep).toBe('http://host:1984/cameras/api/webrtc?src=cam');
  });

  it('may be relative to the page', () => {
    expect(check('cam', '..')?.whep).toBe('https://site.example/api/webrtc?src=cam');
  });

  it('that is no address plays nothing', () => {
    expect(check('cam', 'http://')).toBeNull();
  });
});

describe('an address', () => {
  const cam = {
    name: 'cam 1',
    whep: 'http://other:1984/api/webrtc?src=cam%201',
    http: {
      llHls: 'http://other:1984/cam%201/index.m3u8',
      hls: 'http://other:1984/cam%201/hls/index.m3u8',
      hlsTs: 'http://other:1984/cam%201/ts/index.m3u8',
      mjpeg: 'http://other:1984/api/stream.mjpeg?src=cam%201',
    },
    status: 'http://other:1984/api/streams?src=cam%201',
  };

  it.each([
    'http://other:1984/?src=cam%201',
    'http://other:1984/index.html?src=cam+1',
    'http://other:1984/api/webrtc?src=cam%201',
    'HTTP://other:1984/api/ws?src=cam%201',
  ])('of a server names its stream: %s', (src) => {
    expect(check(src)).toEqual(cam);
  });

  it('of a server below a path keeps the path', () => {
    expect(check('http://other/cameras/api/webrtc?src=cam')?.status).toBe(
      'http://other/cameras/api/streams?src=cam',
    );
  });

  it('of the short WHEP form names its stream', () => {
    expect(check('http://other:1984/cam%201/whep')).toEqual({
      ...cam,
      whep: 'http://other:1984/cam%201/whep',
    });
  });

  it('of the short WHEP form below a path keeps the path and nothing else', () => {
    const target = check('http://other//cams/cam/whep?token=1#here');
    expect(target?.whep).toBe('http://other//cams/cam/whep?token=1#here');
    expect(target?.status).toBe('http://other//cams/api/streams?src=cam');
    expect(target?.http?.llHls).toBe('http://other//cams/cam/index.m3u8');
  });

  it('of any other WHEP endpoint is posted to as it is', () => {
    expect(check('https://sfu.example/room/7')).toEqual({
      name: 'https://sfu.example/room/7',
      whep: 'https://sfu.example/room/7',
      http: null,
      status: null,
    });
  });
});
