// A page with nothing but hls.js in it, and what it sees: for tests of the server, not of our own player.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { openPage, until } from './harness.mjs';

const HLS_JS = fileURLToPath(new URL('../node_modules/hls.js/dist/hls.min.js', import.meta.url));

/** As hls.js says in its documentation: everything at its default, low latency is one of them. */
export const DEFAULTS = {};
/** What people write who want less latency. */
export const AS_PEOPLE_SET_IT = {
  lowLatencyMode: true,
  liveSyncDuration: 1,
  liveMaxLatencyDuration: 3,
  maxBufferLength: 3,
};
/** As docs/hls.md says for streams of several qualities. */
export const GOES_UP_SOON = { abrEwmaFastLive: 0.3, abrEwmaSlowLive: 0.6 };

/** Pictures further apart than this are a freeze to whoever watches. */
const FREEZE_MS = 600;

/** A page of the server's own origin that plays `address` (below the server's) by hls.js with these settings. */
export async function playHls(t, browser, server, address, settings) {
  const page = await openPage(t, browser);
  await page.route('**/hls-test', (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: '<!doctype html><video muted playsinline width=640></video>',
    }),
  );
  await page.goto(`${server.url}hls-test`);
  await page.addScriptTag({ content: await readFile(HLS_JS, 'utf8') });
  await page.evaluate(watch, { address: `${server.url}${address}`, settings, freezeMs: FREEZE_MS });
  return page;
}

/** Runs in the browser, as text: it sees nothing of this module. */
function watch({ address, settings, freezeMs }) {
  const { Hls } = window;
  const video = document.querySelector('video');
  const test = {
    errors: [],
    stalls: 0,
    waits: 0,
    freezes: [],
    frames: 0,
    behind: [],
    levels: [],
    startedAt: performance.now(),
  };
  window.hlsTest = test;
  const hls = new Hls(settings);
  test.hls = hls;
  hls.on(Hls.Events.ERROR, (_event, { details, fatal, error, response }) => {
    if (details === Hls.ErrorDetails.BUFFER_STALLED_ERROR) test.stalls += 1;
    test.errors.push(`${fatal ? 'fatal ' : ''}${details} ${response?.code ?? ''} ${error?.message ?? ''}`);
  });
  hls.on(Hls.Events.LEVEL_SWITCHED, (_event, { level }) => test.levels.push(level));
  video.addEventListener('waiting', () => (test.waits += test.firstFrameAt ? 1 : 0));
  let last = null;
  const seen = (now) => {
    test.firstFrameAt ??= now;
    if (last !== null && now - last > freezeMs) test.freezes.push(Math.round(now - last));
    last = now;
    test.frames += 1;
    video.requestVideoFrameCallback(seen);
  };
  video.requestVideoFrameCallback(seen);
  hls.loadSource(address);
  hls.attachMedia(video);
  hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());
}

/** Waits for the first picture; gives the time from the page's request to it, in milliseconds. */
export async function firstFrame(page, timeoutMs) {
  try {
    return await until(
      'a picture',
      () =>
        page.evaluate(
          () => window.hlsTest.firstFrameAt && window.hlsTest.firstFrameAt - window.hlsTest.startedAt,
        ),
      timeoutMs,
    );
  } catch (error) {
    const seen = await page.evaluate(() => window.hlsTest.errors);
    throw new Error(`${error.message}; hls.js says: ${seen.join('; ') || 'nothing'}`, { cause: error });
  }
}

/**
 * Watches for `seconds`: how far behind the camera's clock the picture was, by the clock in the picture, ten times a second,
 * and what was wrong with it. The camera must be a live one.
 */
export async function watchHls(page, seconds) {
  const before = await page.evaluate(() => ({ ...window.hlsTest, hls: undefined }));
  const behind = await page.evaluate(
    async (until) => {
      const behind = [];
      while (performance.now() < until) {
        const picture = window.yeoulTest.pictureNumber();
        // The number is the clock's milliseconds modulo 2^32.
        if (picture) behind.push((Math.floor(picture.at) - picture.number) >>> 0);
        await new Promise((resolve) => window.setTimeout(resolve, 100));
      }
      return behind;
    },
    (await page.evaluate(() => performance.now())) + seconds * 1_000,
  );
  const after = await page.evaluate(() => ({
    ...window.hlsTest,
    hls: undefined,
    latency: window.hlsTest.hls.latency,
    target: window.hlsTest.hls.targetLatency,
  }));
  return {
    behind,
    frames: after.frames - before.frames,
    stalls: after.stalls - before.stalls,
    waits: after.waits - before.waits,
    freezes: after.freezes.slice(before.freezes.length),
    errors: after.errors.slice(before.errors.length),
    latency: after.latency,
    target: after.target,
  };
}
