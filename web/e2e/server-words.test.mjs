// What cannot be played is said in words, whatever the names are.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { clip, openPage, playerState, startBrowser, startCamera, startYeoul } from './harness.mjs';

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser.close());

const message = (page) => page.locator('yeoul-player [role=status]');

test('an unknown stream is said in words', async (t) => {
  const server = await startYeoul(t, {});
  const page = await openPage(t, browser, `${server.url}?src=nobody`);
  await playerState(page, 'failed');
  await message(page).getByText('There is no stream of this name on the server.').waitFor();
});

test('a codec that the browser cannot decode is named, as is what it offered, over pictures that it can show', async (t) => {
  const file = await clip(t, '720p25-gop2-h265');
  const camera = await startCamera(t, { file, fps: 25, codec: 'h265' });
  const server = await startYeoul(t, { cam: camera.url });
  const page = await openPage(t, browser, `${server.url}?src=cam`);
  const decodes = await page.evaluate(() =>
    window.RTCRtpReceiver.getCapabilities('video').codecs.some(({ mimeType }) => mimeType === 'video/H265'),
  );
  if (decodes) {
    t.skip('this browser decodes H.265');
    return;
  }
  await playerState(page, 'playing');
  const { mode, descent } = await page.evaluate(() => window.yeoulTest.events.at(-1));
  t.diagnostic(descent);
  assert.equal(mode, 'mjpeg');
  assert.match(descent, /WebRTC: .*H265.*H264/);
  assert.match(descent, /HLS: this browser does not decode H\.265/);
  await page.getByText('1280×720 · JPEG · MJPEG').waitFor();
});

const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  '"><script>alert(2)</script>',
  "it's; alert(3)",
  'two words',
  '현관 카메라',
  'a%2Fb',
  'a?b=c&src=d#e',
  '🎥',
];

test('hostile names are text in the list and in the player', async (t) => {
  const server = await startYeoul(
    t,
    Object.fromEntries(HOSTILE.map((name) => [name, 'rtsp://127.0.0.1:1/x'])),
  );
  const page = await openPage(t, browser, server.url);
  await page.getByText(`${HOSTILE.length} streams`).waitFor();
  const names = await page
    .locator('.card h2')
    .evaluateAll((all) => all.map((heading) => heading.textContent));
  assert.deepEqual(names.toSorted(), HOSTILE.toSorted());
  for (const name of HOSTILE) {
    await page.goto(server.url);
    const asked = page.waitForResponse((response) => response.url().includes('api/streams?src='));
    await page.getByRole('link', { name, exact: true }).click();
    assert.equal((await asked).status(), 200, `the server knows ${name}`);
    assert.equal(await page.locator('h1').textContent(), name);
  }
  assert.deepEqual(page.misdeeds, []);
});

test('Korean browsers are spoken to in Korean', async (t) => {
  const server = await startYeoul(t, { cam: 'rtsp://127.0.0.1:1/x' });
  const list = await openPage(t, browser, server.url, { locale: 'ko-KR' });
  await list.getByText('스트림 1개').waitFor();
  const page = await openPage(t, browser, `${server.url}?src=nobody`, { locale: 'ko-KR' });
  await message(page).getByText('서버에 이 이름의 스트림이 없습니다.').waitFor();
});
