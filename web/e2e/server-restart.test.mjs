// Cameras and servers that die and come back, with a page that nobody touches.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import {
  freePort,
  openPage,
  pictureNumber,
  playerState,
  startBrowser,
  startCamera,
  startYeoul,
  until,
} from './harness.mjs';

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser.close());

const SMALL = { size: '640x360', bitrate: 500 };
const sessions = (page) => page.evaluate(() => window.yeoulTest.peers.length);
const message = (page) => page.locator('yeoul-player [role=status]');

/** The picture moves: two numbers in it that differ. */
async function moves(page) {
  const first = await until('a number in the picture', () => pictureNumber(page));
  await until('another number', async () => {
    const next = await pictureNumber(page);
    return next && next.number !== first.number;
  });
}

test('a camera that is killed and started again plays on in the same page without a click', async (t) => {
  const port = await freePort();
  const camera = await startCamera(t, { ...SMALL, port });
  const server = await startYeoul(t, { cam: camera.url });
  const page = await openPage(t, browser, `${server.url}?src=cam`);
  await playerState(page, 'playing');
  await moves(page);
  const before = await sessions(page);

  await camera.stop('SIGKILL');
  await playerState(page, 'waiting');
  const reason = message(page).locator('.reason');
  await reason.waitFor();
  t.diagnostic(`meanwhile: ${await reason.innerText()}`);

  await startCamera(t, { ...SMALL, port });
  const ready = Date.now();
  await playerState(page, 'playing');
  t.diagnostic(`picture back ${Date.now() - ready} ms after the camera answered`);
  await moves(page);
  assert.equal(await sessions(page), before, 'the viewer keeps its session');
  assert.deepEqual(page.misdeeds, []);
});

test('a server that is killed and started again plays on in the same page without a click', async (t) => {
  const camera = await startCamera(t, SMALL);
  const streams = { cam: camera.url };
  const server = await startYeoul(t, streams);
  const page = await openPage(t, browser, `${server.url}?src=cam`);
  await playerState(page, 'playing');
  await server.stop('SIGKILL');
  await playerState(page, 'waiting');
  await startYeoul(t, streams, { ports: server.ports });
  const ready = Date.now();
  await playerState(page, 'playing', 40_000);
  t.diagnostic(`picture back ${Date.now() - ready} ms after the server answered`);
  await moves(page);
});

test('a page that is opened before its camera plays when the camera comes', async (t) => {
  const port = await freePort();
  const server = await startYeoul(t, { cam: `rtsp://127.0.0.1:${port}/demo` });
  const page = await openPage(t, browser, `${server.url}?src=cam`);
  await until('a reason', () => message(page).locator('.reason').isVisible());
  t.diagnostic(`meanwhile: ${await message(page).innerText()}`);
  await startCamera(t, { ...SMALL, port });
  await playerState(page, 'playing', 30_000);
  await moves(page);
});

test('a path that breaks is mended by an ICE restart in the same session', async (t) => {
  const camera = await startCamera(t, SMALL);
  const server = await startYeoul(t, { cam: camera.url });
  const page = await openPage(t, browser, `${server.url}?src=cam`);
  await playerState(page, 'playing');
  const ufrag = () =>
    page.evaluate(() => /a=ice-ufrag:(\S+)/.exec(window.yeoulTest.peers[0].remoteDescription.sdp)[1]);
  const before = await ufrag();
  // Loopback never breaks: the player is told that it did, everything after that is real.
  await page.evaluate(() => {
    const [peer] = window.yeoulTest.peers;
    Object.defineProperty(peer, 'connectionState', { value: 'disconnected', configurable: true });
    peer.dispatchEvent(new window.Event('connectionstatechange'));
    delete peer.connectionState;
  });
  await until('new credentials of the server', async () => (await ufrag()) !== before);
  // Longer than the player waits for a restart to bring a path.
  await page.waitForTimeout(5_000);
  await moves(page);
  assert.equal(await page.locator('yeoul-player').getAttribute('state'), 'playing');
  assert.equal(await sessions(page), 1);
});
