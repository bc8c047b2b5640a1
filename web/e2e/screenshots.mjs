// Takes pictures of the pages for human eyes: desktop and phone, light and dark, English and Korean. The server is the
// stand-in of fake-server.mjs.
//
//   node e2e/screenshots.mjs FOLDER [PART OF A NAME]

import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import { drawnCamera, startFakeServer } from './fake-server.mjs';
import { openPage, playerState, startBrowser } from './harness.mjs';
import { startHlsOrigin } from './hls-origin.mjs';

const [folder = 'screenshots', only = ''] = process.argv.slice(2);

const VIDEO = { kind: 'video', codec: 'H264', profile: 'High', width: 1920, height: 1080, fps: 25 };
const AUDIO = { kind: 'audio', codec: 'AAC', sample_rate: 48000, channels: 2 };
const stream = (state, rest) => ({ producers: [], consumers: [], state, ...rest });
const STREAMS = {
  front_door: stream('live', { consumers: [{}, {}], tracks: [VIDEO, AUDIO] }),
  garden: stream('idle', {}),
  '주차장 입구': stream('connecting', { consumers: [{}] }),
  'garage-cam-with-a-really-long-name-that-somebody-generated-0f3a9b': stream('failed', {
    consumers: [{}],
    reason:
      'rtsp://192.168.1.24:554/stream1 refused the user name or password (401 after Digest): check both in the configuration.',
    retry_in_ms: 3800,
  }),
  '<img src=x onerror=alert(1)>': stream('failed', {
    reason: 'No route to host 192.168.1.77.',
    retry_in_ms: 900,
  }),
  attic: stream('live', {
    consumers: [{}],
    tracks: [
      { ...VIDEO, codec: 'H265', profile: 'Main', width: 3840, height: 2160, fps: 29.97 },
      { kind: 'audio', codec: 'PCMA', sample_rate: 8000, channels: 1 },
    ],
  }),
};

/** What is on the screen: prepares the server, gives the address, and waits until it is to be seen. */
const SCENES = {
  list: { streams: STREAMS, ready: (page) => page.getByText('garden').waitFor() },
  empty: { streams: {}, ready: (page) => page.locator('pre').waitFor() },
  unreachable: {
    refusal: { status: 502, type: 'text/html', text: '<h1>Bad gateway</h1>' },
    ready: (page) => page.getByRole('alert').waitFor(),
  },
  refused: {
    refusal: {
      status: 403,
      text: 'Callers from public addresses are refused while no account is set. Add `api.username` and `api.password` to yeoul.yaml, or `access: open` to let everybody in.',
    },
    ready: (page) => page.getByRole('alert').waitFor(),
  },
  playing: {
    streams: STREAMS,
    src: 'front_door',
    plays: true,
    ready: (page) => playerState(page, 'playing'),
  },
  connecting: {
    streams: STREAMS,
    src: '주차장 입구',
    silent: true,
    ready: (page) => playerState(page, 'connecting'),
  },
  waiting: {
    streams: { ...STREAMS, front_door: { ...STREAMS.front_door } },
    src: 'front_door',
    plays: true,
    ready: async (page, camera, fake) => {
      await playerState(page, 'playing');
      fake.streams.front_door = stream('failed', {
        reason: 'No media from 192.168.1.20 for 5 s: the connection was closed.',
        retry_in_ms: 2000,
        consumers: [{}],
      });
      await camera.pause(true);
      await playerState(page, 'waiting');
      await page.locator('yeoul-player .reason').getByText('No media').waitFor();
    },
  },
  failed: { streams: STREAMS, src: 'attic', refused: true, ready: (page) => playerState(page, 'failed') },
  // The rungs below WebRTC.
  descended: {
    streams: STREAMS,
    src: 'front_door',
    refused: true,
    hls: true,
    ready: async (page) => {
      await playerState(page, 'playing');
      await page.locator('yeoul-player').hover();
    },
  },
  figures: {
    streams: STREAMS,
    src: 'front_door',
    plays: true,
    ready: async (page) => {
      await playerState(page, 'playing');
      await page.locator('yeoul-player [part=frame]').focus();
      await page.keyboard.press('i');
      await page.waitForTimeout(2_000);
    },
  },
  'figures-hls': {
    streams: STREAMS,
    src: 'front_door',
    refused: true,
    hls: true,
    ready: async (page) => {
      await playerState(page, 'playing');
      await page.locator('yeoul-player [part=frame]').focus();
      await page.keyboard.press('i');
      await page.waitForTimeout(11_000);
    },
  },
  mjpeg: {
    streams: STREAMS,
    src: 'attic',
    refused: true,
    mjpeg: '1280x720',
    ready: (page) => playerState(page, 'playing'),
  },
};
const SCREENS = {
  desktop: { width: 1280, height: 800 },
  phone: { width: 360, height: 740 },
  wide: { width: 2200, height: 1100 },
};

await mkdir(folder, { recursive: true });
const browser = await startBrowser();
const cleanups = [];
const atTheEnd = [];
let origin = null;
for (const [
  scene,
  { streams = {}, refusal = null, src, plays, silent, refused, hls, mjpeg = null, ready },
] of Object.entries(SCENES)) {
  for (const [screen, viewport] of Object.entries(SCREENS)) {
    for (const colorScheme of ['light', 'dark']) {
      for (const locale of ['en-US', 'ko-KR']) {
        const name = [scene, screen, colorScheme, locale.slice(0, 2)].join('-');
        if (!name.includes(only)) continue;
        const scope = { after: (cleanup) => cleanups.push(cleanup) };
        const fake = await startFakeServer(scope);
        Object.assign(fake, { streams: { ...streams }, refusal, mjpeg });
        if (hls) {
          origin ??= await startHlsOrigin(
            { after: (cleanup) => atTheEnd.push(cleanup) },
            { low: { size: '640x360', kbits: 400 }, high: { size: '1280x720', kbits: 1500 } },
            { seconds: 1_800 },
          );
          fake.hls = origin;
        }
        const camera = plays ? await drawnCamera(scope, browser, { width: 1280, height: 720 }) : null;
        if (camera) fake.answer = camera.answer;
        if (silent) fake.answer = () => new Promise(() => undefined);
        if (refused) {
          fake.answer = async () => ({
            status: 406,
            text: 'attic has video H265 and audio PCMA; the browser offered video H264 and audio OPUS, PCMU, PCMA: nothing to show. Add an H.264 source to the stream.',
          });
        }
        const address = fake.url + (src ? `?src=${encodeURIComponent(src)}` : '');
        const page = await openPage(scope, browser, address, { viewport, colorScheme, locale });
        await ready(page, camera, fake);
        await page.waitForTimeout(800);
        await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
        console.log(name, ...page.misdeeds);
        for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
      }
    }
  }
}
for (const cleanup of atTheEnd) await cleanup();
await browser.close();
