// Several qualities of one stream in hls.js whose line becomes narrow, and wide again: it goes over to the lower quality and
// back, and the picture goes on.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import {
  assertGoesOn,
  notePictures,
  startBrowser,
  startCamera,
  startReader,
  startYeoul,
  TWO_CAMERAS_BACK_MS,
  until,
} from './harness.mjs';
import { firstFrame, GOES_UP_SOON, playHls } from './hls.mjs';
import { startTcpRelay } from './relay.mjs';

const MAIN = { size: '960x540', bitrate: 1_500, fps: 15, gop: 1 };
const SUB = { size: '640x360', bitrate: 150, fps: 15, gop: 1 };
/** A line that carries the lower quality only. */
const NARROW = { bitsPerSecond: 600_000 };
const WIDE = { bitsPerSecond: 20_000_000 };
/** A line that is suddenly a third as wide as the picture needs empties what the player has in store: twice what was seen. */
const FREEZE_BOUND_MS = 8_000;
/** hls.js has to see some seconds of loading before it goes up: 4 to 15 s on a machine at rest. */
const CHANGE_MS = 40_000;

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser.close());

for (const [form, address] of [
  ['LL-HLS', 'cam/index.m3u8'],
  ['classic HLS', 'cam/hls/index.m3u8'],
]) {
  test(`${form}: a narrow line gets the sub stream, and a wide one the main stream again`, async (t) => {
    const [main, sub] = await Promise.all([startCamera(t, { ...MAIN, audio: 'aac' }), startCamera(t, SUB)]);
    const streams = { main: main.url, sub: sub.url, cam: { variants: ['main', 'sub'] } };
    await downAndUp(t, streams, address, TWO_CAMERAS_BACK_MS);
  });

  test(`${form}: a narrow line gets what ffmpeg makes, and a wide one the camera's picture again`, async (t) => {
    const camera = await startCamera(t, { ...MAIN, audio: 'aac' });
    await downAndUp(t, { cam: { url: camera.url, variants: ['copy', '360p@150k'] } }, address);
  });
}

/** Runs in the browser: why hls.js plays what it plays. */
function hlsState() {
  const { hls, errors, stalls } = window.hlsTest;
  const { currentLevel, nextAutoLevel, autoLevelCapping, bandwidthEstimate, latency } = hls;
  const { currentTime, readyState, videoHeight } = document.querySelector('video');
  const levels = hls.levels.map(({ bitrate, height, loadError, fragmentError }) => ({
    bitrate,
    height,
    loadError,
    fragmentError,
  }));
  const playlists = hls.levels.map(({ details }) => details && [details.startSN, details.endSN, details.age]);
  return {
    ...{ currentLevel, nextAutoLevel, autoLevelCapping, bandwidthEstimate, latency },
    ...{ currentTime, readyState, videoHeight, levels, playlists, errors: errors.slice(-8), stalls },
  };
}

async function downAndUp(t, streams, address, backMs = 0) {
  const server = await startYeoul(t, streams);
  const line = await startTcpRelay(t, server.ports.api, WIDE);
  // The stream runs already.
  await startReader(t, `${server.rtspUrl}cam`);
  const page = await playHls(t, browser, { url: `http://127.0.0.1:${line.port}/` }, address, GOES_UP_SOON);
  t.diagnostic(`first picture after ${(await firstFrame(page, 30_000)).toFixed(0)} ms`);
  const plays = async (quality, height) =>
    await page.evaluate(
      ([quality, height]) =>
        window.hlsTest.hls.currentLevel === quality && document.querySelector('video').videoHeight === height,
      [quality, height],
    );
  // hls.js sorts the qualities by what they need.
  await until('the better quality', () => plays(1, 540), CHANGE_MS);
  await notePictures(page);
  const change = async (to, quality, height) => {
    const at = Date.now();
    line.set(to);
    try {
      await until(`the picture of ${height} lines`, () => plays(quality, height), CHANGE_MS);
    } catch (error) {
      // What hls.js thinks of it: a test that fails once in a while is not run again for this.
      t.diagnostic(JSON.stringify(await page.evaluate(hlsState)));
      throw error;
    }
    t.diagnostic(`${height} lines after ${Date.now() - at} ms`);
    await page.waitForTimeout(3_000);
  };
  await change(NARROW, 0, 360);
  await change(WIDE, 1, 540);
  const { errors, stalls, waits } = await page.evaluate(() => ({ ...window.hlsTest, hls: undefined }));
  t.diagnostic(`${stalls} stalls, ${waits} waits; hls.js says: ${errors.join('; ') || 'nothing'}`);
  assert.deepEqual(
    errors.filter((text) => text.startsWith('fatal')),
    [],
  );
  await assertGoesOn(t, page, FREEZE_BOUND_MS, backMs);
  assert.deepEqual(page.misdeeds, []);
}
