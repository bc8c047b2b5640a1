// The real server with a real RTSP camera, in the browser: list, picture, sound, and 30 seconds without a loss.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import {
  audioStats,
  clip,
  openPage,
  playerState,
  startBrowser,
  startCamera,
  startYeoul,
  until,
  videoStats,
} from './harness.mjs';

/** How long frames are counted. */
const WATCH_MS = 30_000;

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser.close());

test('a 1080p25 camera plays at 25 frames a second for 30 s, and none is lost', async (t) => {
  const file = await clip(t, '1080p25-gop2');
  const camera = await startCamera(t, { file, fps: 25 });
  const server = await startYeoul(t, { cam: camera.url });
  const page = await openPage(t, browser, `${server.url}?src=cam`, {
    viewport: { width: 1280, height: 800 },
  });
  await playerState(page, 'playing');
  await page.locator('yeoul-player [part=info]').getByText('1920×1080 · H.264').waitFor();
  // The frames of the join itself come faster than they are shown.
  await page.waitForTimeout(3_000);
  const start = await videoStats(page);
  await page.waitForTimeout(WATCH_MS);
  const end = await videoStats(page);
  const grown = (name) => (end[name] ?? 0) - (start[name] ?? 0);
  const fps = (name) => (grown(name) * 1_000) / (end.timestamp - start.timestamp);
  t.diagnostic(
    `${fps('framesDecoded').toFixed(2)} frames/s, ${grown('packetsReceived')} packets, lost ${end.packetsLost}, dropped ` +
      `${grown('framesDropped')}, freezes ${grown('freezeCount')}, jitter buffer ` +
      `${((1_000 * grown('jitterBufferDelay')) / grown('jitterBufferEmittedCount')).toFixed(0)} ms`,
  );
  assert.equal(end.packetsLost, 0);
  assert.ok(Math.abs(fps('framesReceived') - 25) < 0.5, `${fps('framesReceived')} frames/s came`);
  // A browser that gets no CPU drops frames that it has whole: not one in a hundred may go that way.
  assert.ok(
    grown('framesDropped') <= 0.01 * grown('framesReceived'),
    `${grown('framesDropped')} frames dropped`,
  );
  assert.ok(Math.abs(fps('framesDecoded') - 25) < 0.5, `${fps('framesDecoded')} frames/s decoded`);
  assert.deepEqual(page.misdeeds, []);
});

test('sound comes with the picture', async (t) => {
  const camera = await startCamera(t, { audio: 'opus', size: '640x360', bitrate: 500 });
  const server = await startYeoul(t, { cam: camera.url });
  const page = await openPage(t, browser, `${server.url}?src=cam`);
  await playerState(page, 'playing');
  await until('sound', async () => ((await audioStats(page))?.audioLevel ?? 0) > 0);
  await page.locator('yeoul-player').hover();
  await page.getByRole('button', { name: 'Mute' }).waitFor();
});

test('the list shows what each stream does', async (t) => {
  const camera = await startCamera(t, {
    user: 'admin',
    password: 'canary-7391',
    size: '640x360',
    bitrate: 500,
  });
  const { port, url } = camera;
  const address = (password) => url.replace('://', `://admin:${password}@`);
  const server = await startYeoul(t, {
    good: address('canary-7391'),
    'wrong password': address('wrong-canary-5520'),
    unused: address('canary-7391'),
    unreachable: `rtsp://127.0.0.1:1/x`,
  });
  for (const name of ['good', 'wrong password', 'unreachable']) {
    await openPage(t, browser, `${server.url}?src=${encodeURIComponent(name)}`);
  }
  const page = await openPage(t, browser, server.url);
  const card = (name) =>
    page.locator('.card').filter({ has: page.getByRole('heading', { name, exact: true }) });
  await card('good').getByText('Live', { exact: true }).waitFor();
  await card('good')
    .getByText(/H\.264.*640×360/)
    .waitFor();
  await card('good').getByText('1 viewer').waitFor();
  await card('unused').getByText('Idle').waitFor();
  for (const name of ['wrong password', 'unreachable']) {
    await card(name).getByText('Failed').waitFor();
    const reason = await card(name).locator('.reason').innerText();
    t.diagnostic(`${name}: ${reason}`);
    assert.ok(reason.length > 20, `a sentence for ${name}: ${reason}`);
  }
  const everything =
    (await page.locator('main').innerText()) + server.log.join('\n') + JSON.stringify(await server.streams());
  assert.doesNotMatch(everything, /canary/, `a password of the camera on port ${port} is shown`);
  assert.deepEqual(page.misdeeds, []);
});

test('the pages are sent with a strict policy', async (t) => {
  const server = await startYeoul(t, {});
  const page = await openPage(t, browser, server.url);
  await page.getByText('No streams yet').waitFor();
  const policy = (await fetch(server.url)).headers.get('Content-Security-Policy');
  assert.match(policy ?? '', /default-src '(none|self)'/);
  assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval/);
  assert.deepEqual(page.misdeeds, []);
});
