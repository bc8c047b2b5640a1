// HLS by script, with an hls.js that only remembers. What the real one makes of it is tested in the browser.

import type HlsPlayer from 'hls.js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { openHls, openLlHls } from './hls.js';
import { CAM, fakePlatform } from './testing.js';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(Date.UTC(2024, 4, 1));
  FakeHls.made = null;
});
afterEach(() => void vi.useRealTimers());

class FakeHls {
  static made: FakeHls | null = null;
  static Events = {
    MANIFEST_PARSED: 'parsed',
    LEVEL_LOADED: 'level',
    FRAG_BUFFERED: 'buffered',
    BUFFER_CODECS: 'codecs',
    ERROR: 'error',
  };

  readonly config: Record<string, unknown>;
  latency = 0.7;
  targetLatency = 0.6;
  latestLevelDetails = null;
  playingDate: Date | null = null;
  currentLevel = -1;
  nextLevel = -1;
  calls: string[] = [];
  readonly #listeners = new Map<string, (event: string, data: unknown) => void>();

  constructor(config: Record<string, unknown>) {
    this.config = config;
    FakeHls.made = this;
  }

  on = (event: string, listener: (event: string, data: unknown) => void) => {
    this.#listeners.set(event, listener);
  };

  tell(event: string, data: unknown): void {
    this.#listeners.get(event)?.(event, data);
  }

  loadSource = (url: string) => this.calls.push(`load ${url}`);
  attachMedia = () => this.calls.push('attach');
  recoverMediaError = () => this.calls.push('recover');
  destroy = () => this.calls.push('destroy');
}

class FakeVideo extends EventTarget {
  currentTime = 10;
  playbackRate = 1;
  paused = false;
  seeking = false;
  videoWidth = 1280;
  videoHeight = 720;
  frames = 0;
  plays = 0;
  buffered = { length: 1, start: () => 0, end: () => 10.5 };
  play = () => Promise.resolve((this.plays += 1));
  getVideoPlaybackQuality = () => ({ totalVideoFrames: this.frames, droppedVideoFrames: 1 });
}

const PLAYLIST = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1.64001f"\nv.m3u8\n';

/** Opens it on a server that answers with this, and gives its video element to it. */
async function open(openHlsTransport: typeof openHls, response = new Response(PLAYLIST)) {
  const told: unknown[] = [];
  const video = new FakeVideo();
  const asked: string[] = [];
  const platform = fakePlatform({
    hls: () => 'script',
    loadHls: () => Promise.resolve(FakeHls as unknown as typeof HlsPlayer),
    fetch: (url) => {
      asked.push(url);
      return Promise.resolve(response);
    },
  });
  const transport = openHlsTransport(CAM, platform, {
    accepted: () => told.push('accepted'),
    media: (media) => {
      told.push(`media ${media.sound ? 'with' : 'without'} sound`);
      if (media.kind === 'attached' && told.length === 2) media.attach(video as unknown as HTMLVideoElement);
    },
    qualities: (qualities) => told.push(qualities),
    presented: () => told.push('presented'),
    failed: ({ problem }) => told.push(problem),
  });
  await vi.advanceTimersByTimeAsync(0);
  return { transport, told, asked, video, hls: FakeHls.made };
}

const fatal = (type: string, details: string, rest: object = {}) => ({
  fatal: true,
  type,
  details,
  error: new Error(details),
  ...rest,
});

describe('the start', () => {
  it('asks for the playlist, then leaves it to hls.js', async () => {
    const { told, asked, hls } = await open(openLlHls);
    expect(asked).toEqual(['http://s/cam/index.m3u8']);
    expect(hls?.calls).toEqual(['load http://s/cam/index.m3u8', 'attach']);
    expect(told).toEqual(['accepted', 'media without sound']);
  });

  it('plays parts or whole segments, never in a worker', async () => {
    const low = await open(openLlHls);
    expect(low.hls?.config).toMatchObject({ lowLatencyMode: true, enableWorker: false });
    const normal = await open(openHls);
    expect(normal.asked).toEqual(['http://s/cam/hls/index.m3u8']);
    expect(normal.hls?.config).toMatchObject({ lowLatencyMode: false, enableWorker: false });
  });

  it('does not overrule the distance to live that the server asks for', async () => {
    const { hls } = await open(openLlHls);
    expect(hls?.config).not.toHaveProperty('liveSyncDuration');
    expect(hls?.config).not.toHaveProperty('liveSyncDurationCount');
  });

  it('tells a refusal in the words of the server', async () => {
    const { told, hls } = await open(openLlHls, new Response('no H.264 here', { status: 406 }));
    expect(told).toEqual([{ kind: 'refused', status: 406, text: 'no H.264 here' }]);
    expect(hls).toBeNull();
  });

  it('is over before it began when it is closed', async () => {
    const platform = fakePlatform({ hls: () => 'script' });
    const nothing = () => expect.fail('nothing is to be told');
    const events = {
      accepted: nothing,
      media: nothing,
      qualities: nothing,
      presented: nothing,
      failed: nothing,
    };
    openLlHls(CAM, platform, events).close();
    await vi.advanceTimersByTimeAsync(1_000);
  });
});

it('jumps back to live from three seconds behind its distance, if there are parts', async () => {
  const { hls } = await open(openLlHls);
  const details = { partHoldBack: 0, holdBack: 6 };
  hls?.tell('level', { details, networkDetails: null, stats: {} });
  expect(hls?.config).not.toHaveProperty('liveMaxLatencyDuration');
  hls?.tell('level', { details: { ...details, partHoldBack: 0.5 }, networkDetails: null, stats: {} });
  expect(hls?.config.liveMaxLatencyDuration).toBe(3.5);
});

it('tells what can be chosen, and chooses', async () => {
  const { told, hls, transport } = await open(openLlHls);
  hls?.tell('parsed', {
    levels: [
      { height: 360, bitrate: 500_000 },
      { height: 720, bitrate: 2_000_000 },
    ],
  });
  expect(told.at(-1)).toEqual([
    { height: 360, bitsPerSecond: 500_000 },
    { height: 720, bitsPerSecond: 2_000_000 },
  ]);
  transport.choose?.(1);
  expect(hls?.nextLevel).toBe(1);
  transport.choose?.(null);
  expect(hls?.nextLevel).toBe(-1);
});

it('tells of sound when it finds some', async () => {
  const { told, hls, transport } = await open(openLlHls);
  hls?.tell('codecs', { audiovideo: { codec: 'avc1.64001f,mp4a.40.2' } });
  expect(told.at(-1)).toBe('media with sound');
  expect(hls?.calls.filter((call) => call === 'attach').length).toBe(1);
  const { codec, figures } = await transport.stats();
  expect([codec, figures.audioCodec]).toEqual(['avc1.64001f', 'mp4a.40.2']);
});

it('measures', async () => {
  const { hls, video, transport } = await open(openLlHls);
  if (hls === null) expect.fail('no hls.js');
  await transport.stats();
  await vi.advanceTimersByTimeAsync(2_000);
  video.frames = 50;
  // Two parts of 200 ms with 25 kB each: a megabit a second.
  for (const loaded of [25_000, 25_000, 25_000]) {
    hls.tell('buffered', { frag: { type: 'main', duration: 2 }, part: { duration: 0.2 }, stats: { loaded } });
  }
  hls.currentLevel = 1;
  hls.playingDate = new Date(Date.now() - 800);
  expect(await transport.stats()).toMatchObject({
    connected: true,
    framesDecoded: 50,
    figures: {
      width: 1280,
      height: 720,
      framesPerSecond: 25,
      bitsPerSecond: expect.closeTo(1e6) as number,
      latency: { ms: 800, from: 'clock' },
      framesDropped: 1,
      bufferMs: 500,
      quality: 1,
    },
  });
  hls.playingDate = null;
  expect((await transport.stats()).figures.latency).toEqual({ ms: 700, from: 'edge' });
});

it('keeps close to live by its pace', async () => {
  const { hls, video } = await open(openLlHls);
  if (hls === null) expect.fail('no hls.js');
  hls.latency = 0.9;
  video.dispatchEvent(new Event('timeupdate'));
  expect(video.playbackRate).toBe(1.05);
  hls.latency = 0.6;
  video.dispatchEvent(new Event('timeupdate'));
  expect(video.playbackRate).toBe(1);
});

describe('an error of hls.js', () => {
  it('that it mends by itself is none', async () => {
    const { told, hls } = await open(openLlHls);
    hls?.tell('error', { ...fatal('networkError', 'fragLoadError'), fatal: false });
    expect(told.length).toBe(2);
  });

  it('of the network ends the transport, after it was told', async () => {
    const { told, hls } = await open(openLlHls);
    hls?.tell('error', fatal('networkError', 'levelLoadError'));
    expect(told.at(-1)).toEqual({ kind: 'lost' });
    expect(hls?.calls.at(-1)).toBe('destroy');
  });

  it('of the media is mended twice in a row', async () => {
    const { told, hls, video } = await open(openLlHls);
    const error = fatal('mediaError', 'bufferAppendError');
    hls?.tell('error', error);
    hls?.tell('error', error);
    expect(hls?.calls.slice(2)).toEqual(['recover', 'recover']);
    expect(video.plays).toBe(2);
    hls?.tell('buffered', { frag: { type: 'main', duration: 1 }, part: null, stats: { loaded: 1 } });
    hls?.tell('error', error);
    hls?.tell('error', error);
    hls?.tell('error', error);
    expect(told.at(-1)).toEqual({ kind: 'bad-answer', text: 'bufferAppendError' });
  });

  it('of the codec names it', async () => {
    const { told, hls } = await open(openLlHls);
    const mimeType = 'video/mp4;codecs=hvc1.1.6.L93.B0';
    hls?.tell('error', fatal('mediaError', 'bufferAddCodecError', { mimeType }));
    expect(told.at(-1)).toEqual({ kind: 'codec', codec: 'H.265' });
  });
});

it('leaves nothing behind', async () => {
  const { told, hls, video, transport } = await open(openLlHls);
  transport.close();
  transport.close();
  expect(hls?.calls.slice(2)).toEqual(['destroy']);
  if (hls !== null) hls.latency = 9;
  video.dispatchEvent(new Event('timeupdate'));
  expect(video.playbackRate).toBe(1);
  hls?.tell('error', fatal('networkError', 'levelLoadError'));
  expect(told.length).toBe(2);
});
