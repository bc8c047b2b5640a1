// Viewers over WebRTC whose line becomes narrow, and wide again: the picture goes on in another quality, and never back.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import {
  assertGoesOn,
  freePort,
  notePictures,
  openPage,
  playerState,
  startBrowser,
  startCamera,
  startYeoul,
  TWO_CAMERAS_BACK_MS,
  until,
  videoStats,
} from './harness.mjs';
import { startRelay, withoutCandidates } from './relay.mjs';

/** A camera whose pictures are hard to code: it needs what it is allowed. */
const MAIN = { size: '960x540', bitrate: 1_500, fps: 15, gop: 2 };
const SUB = { size: '640x360', bitrate: 150, fps: 15, gop: 2 };
/** A line that carries the lower quality only, with a queue as long as home routers have it. */
const NARROW = { bitsPerSecond: 600_000, queueMs: 1_000 };
const WIDE = { bitsPerSecond: null };
/** What a viewer may see stand still while the quality changes: a stall that people take for a broken camera is longer. */
const FREEZE_BOUND_MS = 4_000;

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser.close());

/** A page that watches the stream through a relay. */
async function watch(t, streams, config = {}) {
  const webrtc = await freePort();
  const relay = await startRelay(t, webrtc);
  const server = await startYeoul(t, streams, {
    config: {
      webrtc: {
        listen: `127.0.0.1:${webrtc}/udp`,
        candidates: [`127.0.0.1:${relay.port}`],
        filters: { candidates: [] },
      },
      ...config,
    },
  });
  const page = await openPage(t, browser, null);
  await page.addInitScript(withoutCandidates);
  await page.goto(`${server.url}?src=cam&mode=webrtc`);
  await playerState(page, 'playing');
  await notePictures(page);
  return { server, relay, page };
}

const height = (page) => page.evaluate(() => window.yeoulTest.video().videoHeight);

async function downAndUp(t, page, relay, backMs = 0) {
  assert.equal(await height(page), 540);
  // The server gives a line some time to settle before it judges it.
  await page.waitForTimeout(2_500);
  const narrowAt = Date.now();
  relay.set(NARROW);
  await until('the lower quality', async () => (await height(page)) === 360, 20_000);
  t.diagnostic(`down after ${Date.now() - narrowAt} ms`);
  // The lower one flows.
  const frames = (await videoStats(page)).framesDecoded;
  await until('pictures of it', async () => (await videoStats(page)).framesDecoded > frames + 30);
  const wideAt = Date.now();
  relay.set(WIDE);
  await until('the better quality', async () => (await height(page)) === 540, 60_000);
  t.diagnostic(`up after ${Date.now() - wideAt} ms`);
  await page.waitForTimeout(2_000);
  assert.equal((await videoStats(page)).frameHeight, 540);
  await assertGoesOn(t, page, FREEZE_BOUND_MS, backMs);
  assert.deepEqual(page.misdeeds, []);
}

test('a viewer goes over to the sub stream where its line is narrow, and back', async (t) => {
  const [main, sub] = await Promise.all([startCamera(t, { ...MAIN, audio: 'opus' }), startCamera(t, SUB)]);
  const streams = { cam: { variants: ['main', 'sub'] }, main: main.url, sub: sub.url };
  const { page, relay } = await watch(t, streams);
  await downAndUp(t, page, relay, TWO_CAMERAS_BACK_MS);
});

test('a viewer goes over to what ffmpeg makes where its line is narrow, and back', async (t) => {
  const camera = await startCamera(t, MAIN);
  const streams = { cam: { url: camera.url, variants: ['copy', '360p@150k'] } };
  const { page, relay, server } = await watch(t, streams, { stream_defaults: { linger: '1s' } });
  await downAndUp(t, page, relay);
  // Nobody watches the rendition any more: ffmpeg ends with it.
  await until('the end of ffmpeg', async () => children(server.pid).length === 0, 10_000);
});

for (const mode of ['webrtc', 'll-hls']) {
  test(`${mode}: a quality is chosen from the player's menu`, async (t) => {
    const [main, sub] = await Promise.all([startCamera(t, { ...MAIN, audio: 'opus' }), startCamera(t, SUB)]);
    const streams = { cam: { variants: ['main', 'sub'] }, main: main.url, sub: sub.url };
    const server = await startYeoul(t, streams);
    const page = await openPage(t, browser, `${server.url}?src=cam&mode=${mode}`);
    await playerState(page, 'playing');
    const menu = page.getByRole('combobox', { name: 'Quality' });
    const names = async () =>
      (await menu.locator('option').allInnerTexts()).map((text) => text.trim().replace(/ \(.*/, ''));
    await until('the picture of 540 lines', async () => (await height(page)) === 540);
    await until('the names of the qualities', async () => (await names())[1] === '540p');
    t.diagnostic((await names()).join(', '));
    await notePictures(page);
    for (const [index, lines] of [
      [2, 360],
      [1, 540],
      [2, 360],
    ]) {
      await menu.selectOption({ index });
      const at = Date.now();
      await until(`the picture of ${lines} lines`, async () => (await height(page)) === lines);
      t.diagnostic(`${lines} lines after ${Date.now() - at} ms`);
      await page.waitForTimeout(1_500);
    }
    await until('both heights', async () => (await names()).join() === 'Auto,540p,360p');
    assert.equal(await menu.inputValue(), '0');
    // Of its own accord it would go back: the line carries everything.
    await menu.selectOption({ index: 0 });
    await until('the better quality again', async () => (await height(page)) === 540, 30_000);
    await until('its name', async () =>
      (await menu.locator('option').first().innerText()).includes('Auto (540p)'),
    );
    await assertGoesOn(t, page, FREEZE_BOUND_MS, TWO_CAMERAS_BACK_MS);
    assert.deepEqual(page.misdeeds, []);
  });
}

test('ffmpeg that is killed is there again, and none is left when the server ends', async (t) => {
  const camera = await startCamera(t, MAIN);
  const server = await startYeoul(t, { cam: { url: camera.url, variants: ['copy', '360p@150k'] } });
  const page = await openPage(t, browser, `${server.url}?src=${encodeURIComponent('cam@360p')}`);
  await playerState(page, 'playing');
  assert.equal(await height(page), 360);
  for (let round = 0; round < 3; round += 1) {
    const [pid] = await until('ffmpeg', () => children(server.pid));
    process.kill(pid, 'SIGKILL');
    const killedAt = Date.now();
    await until('another ffmpeg', () => children(server.pid).some((child) => child !== pid));
    const before = (await videoStats(page)).framesDecoded;
    await until('pictures again', async () => (await videoStats(page)).framesDecoded > before + 5);
    t.diagnostic(`pictures again after ${Date.now() - killedAt} ms`);
    await page.waitForTimeout(300 + 400 * round);
  }
  const left = children(server.pid);
  assert.equal(left.length, 1);
  await server.stop();
  await until('the end of ffmpeg', () => left.every((pid) => !isAlive(pid)), 5_000);
});

/** The processes that a process has started. */
function children(pid) {
  try {
    return execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
      .split('\n')
      .filter(Boolean)
      .map(Number);
  } catch {
    return [];
  }
}

/** Whether it runs: one that only waits for its parent to hear of its end does not. */
function isAlive(pid) {
  try {
    return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
