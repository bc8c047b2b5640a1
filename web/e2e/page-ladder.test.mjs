// <yeoul-player> on the rungs below WebRTC, against a stand-in for the server: its HLS and MJPEG are real, made by ffmpeg.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { drawnCamera, startFakeServer } from './fake-server.mjs';
import { openPage, playerState, startBrowser, until } from './harness.mjs';
import { startHlsOrigin } from './hls-origin.mjs';

let browser;
let origin;
const cleanups = [];
before(async () => {
  browser = await startBrowser();
  // One encoder for all tests.
  origin = await startHlsOrigin({ after: (cleanup) => cleanups.push(cleanup) }, undefined, {
    seconds: 1_800,
  });
});
after(async () => {
  for (const cleanup of cleanups) await cleanup();
  await browser.close();
});

const live = { producers: [], consumers: [{}], state: 'live' };
const NO_WEBRTC = { status: 406, text: 'cam has video H265; you offered H264\n' };

/** The watch page of a stream `cam` on a server that refuses WebRTC, has HLS and MJPEG, and is changed by `options`. */
async function watch(t, { query = '', page: pageOptions, prepare, html, ...server } = {}) {
  const fake = await startFakeServer(t);
  Object.assign(fake, { streams: { cam: live }, hls: origin, mjpeg: '320x180' }, server);
  fake.answer = server.answer ?? (async () => NO_WEBRTC);
  const script = '<script type="module" src="yeoul-player.js"></script>';
  if (html) fake.pages['/embed.html'] = `${script}${html}`;
  const page = await openPage(t, browser, null, pageOptions);
  await prepare?.(page);
  await page.goto(`${fake.url}${html ? 'embed.html' : `?src=cam${query}`}`);
  return { fake, page };
}

const player = (page) => page.locator('yeoul-player');
const info = (page) => page.locator('yeoul-player [part=info]');
const overlay = (page) => page.locator('yeoul-player [part=overlay]');
const message = (page) => page.locator('yeoul-player [role=status]');
const latest = (page) => page.evaluate(() => window.yeoulTest.events.at(-1));
const figures = (page) => page.evaluate(() => window.yeoulTest.player().figures);

/** The picture moves: frames grow by this many. */
async function moves(page, frames = 20) {
  const count = () =>
    page.evaluate(() => window.yeoulTest.video().getVideoPlaybackQuality().totalVideoFrames);
  const first = await until('a frame', count);
  await until('more frames', async () => (await count()) > first + frames);
}

test('a refused offer leads to LL-HLS, and why is said for a while and to the page', async (t) => {
  const { fake, page } = await watch(t);
  await playerState(page, 'playing');
  const why = 'Playing by LL-HLS. WebRTC: cam has video H265; you offered H264.';
  await player(page).locator('[part=notice]').getByText(why).waitFor();
  await message(page).getByText(why).waitFor();
  await info(page).getByText('640×360 · H.264 · LL-HLS').waitFor();
  const { state, reason, mode, descent } = await latest(page);
  assert.deepEqual(
    { state, reason, mode, descent },
    { state: 'playing', reason: '', mode: 'll-hls', descent: why },
  );
  await moves(page);
  assert.equal(fake.calls.filter((call) => call.startsWith('POST')).length, 1);
  assert.ok(
    fake.calls.some((call) => /part\d+\.m4s/.test(call)),
    'parts are asked for',
  );
  await player(page).locator('[part=notice]').waitFor({ state: 'detached' });
  assert.deepEqual(page.misdeeds, []);
});

test('LL-HLS plays on for 15 s without a stall and near to live', async (t) => {
  const { page } = await watch(t, { query: '&mode=ll-hls' });
  await playerState(page, 'playing');
  await page.waitForTimeout(3_000);
  await page.evaluate(() => {
    window.waits = 0;
    window.yeoulTest.video().addEventListener('waiting', () => (window.waits += 1));
    window.yeoulTest.events.length = 0;
  });
  const start = await page.evaluate(() => window.yeoulTest.video().currentTime);
  await page.waitForTimeout(15_000);
  const { played, waits, states } = await page.evaluate(() => ({
    played: window.yeoulTest.video().currentTime,
    waits: window.waits,
    states: window.yeoulTest.events.map(({ state }) => state),
  }));
  const { latency, framesPerSecond, bufferMs } = await figures(page);
  t.diagnostic(
    `played ${(played - start).toFixed(2)} s in 15 s, ${waits} waits, ${latency.ms.toFixed(0)} ms behind (${latency.from}), ` +
      `${framesPerSecond.toFixed(1)} frames/s, ${bufferMs.toFixed(0)} ms loaded`,
  );
  assert.equal(latency.from, 'clock');
  // Generous: this machine does other things too.
  assert.ok(played - start > 12, `played ${played - start} s`);
  assert.deepEqual(
    states.filter((state) => state !== 'playing'),
    [],
  );
  assert.deepEqual(page.misdeeds, []);
});

test('mode="hls" plays whole segments, and asks for nothing else', async (t) => {
  const { fake, page } = await watch(t, { html: '<yeoul-player src="cam" mode="hls"></yeoul-player>' });
  await playerState(page, 'playing');
  await moves(page);
  const { mode, descent } = await latest(page);
  assert.deepEqual({ mode, descent }, { mode: 'hls', descent: '' });
  assert.deepEqual(
    fake.calls.filter((call) => /webrtc|\/part|mjpeg/.test(call)),
    [],
  );
});

test('a list of modes is tried in its order', async (t) => {
  const html = '<yeoul-player src="cam" mode="webrtc,mse,mjpeg"></yeoul-player>';
  const { fake, page } = await watch(t, { html });
  await playerState(page, 'playing');
  const { mode, descent } = await latest(page);
  assert.equal(mode, 'mjpeg');
  assert.match(descent, /^Playing by MJPEG\. WebRTC: [^;]*; you offered H264\.$/);
  assert.deepEqual(
    fake.calls.filter((call) => call.includes('.m3u8')),
    [],
  );
});

test('a server without HLS leads to MJPEG, which is drawn without sound and without PiP', async (t) => {
  const { page } = await watch(t, { hls: null });
  await playerState(page, 'playing');
  await info(page).getByText('320×180 · JPEG · MJPEG').waitFor();
  assert.match(
    (await latest(page)).descent,
    /^Playing by MJPEG\. WebRTC: .*; LL-HLS, HLS: the server does not offer it\.$/,
  );
  const picture = () =>
    page.evaluate(() => window.yeoulTest.player().shadowRoot.querySelector('canvas:not(.still)').toDataURL());
  const first = await picture();
  await until('another picture', async () => (await picture()) !== first);
  await player(page).hover();
  assert.equal(await page.getByRole('button', { name: /mute|sound|picture in/i }).count(), 0);
  // It takes two looks, half a second apart.
  await until('a bit rate', async () => (await figures(page)).bitsPerSecond > 10_000);
  assert.deepEqual(page.misdeeds, []);
});

test('what the browser cannot decode is not even tried', async (t) => {
  const text = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="hvc1.1.6.L93.B0"\nmedia.m3u8\n';
  const hls = { answer: async () => ({ status: 200, text }) };
  const { fake, page } = await watch(t, { hls });
  const decodes = await page.evaluate(() =>
    window.MediaSource.isTypeSupported('video/mp4; codecs="hvc1.1.6.L93.B0"'),
  );
  assert.equal(decodes, false, 'the browser of these tests has no H.265');
  await playerState(page, 'playing');
  assert.match(
    (await latest(page)).descent,
    /^Playing by MJPEG\. .*; LL-HLS, HLS: this browser does not decode H\.265\.$/,
  );
  assert.deepEqual(
    fake.calls.filter((call) => call.includes('media.m3u8')),
    [],
  );
});

test('when nothing is left, the first reason is shown, and all is tried again', async (t) => {
  const { fake, page } = await watch(t, { hls: null, mjpeg: null });
  await playerState(page, 'failed');
  assert.equal(await message(page).locator('.reason').innerText(), NO_WEBRTC.text.trim());
  fake.hls = origin;
  await playerState(page, 'playing');
});

test('a camera that has no picture is waited for by the same transport', async (t) => {
  const text = 'no route to host 10.0.0.7\n';
  const answer = async () => ({ status: 503, headers: { 'Retry-After': '1' }, text });
  const streams = { cam: { ...live, state: 'failed', reason: text.trim() } };
  const { fake, page } = await watch(t, { answer, streams });
  await playerState(page, 'failed');
  await message(page).getByText('no route to host 10.0.0.7').waitFor();
  const offers = () => fake.calls.filter((call) => call.startsWith('POST')).length;
  await until('a second offer', () => offers() >= 2);
  assert.deepEqual(
    fake.calls.filter((call) => call.includes('.m3u8')),
    [],
  );
});

test('WebRTC that is switched off leads to LL-HLS, because the camera is live', async (t) => {
  const { page } = await watch(t, {
    answer: async () => ({ status: 503, text: 'WebRTC is switched off\n' }),
  });
  await playerState(page, 'playing');
  assert.equal((await latest(page)).descent, 'Playing by LL-HLS. WebRTC: WebRTC is switched off.');
});

test('a media path that does not come up leads to LL-HLS within seconds', async (t) => {
  const camera = await drawnCamera(t, browser);
  // Neither side learns of a candidate of the other.
  const answer = async (offer) => {
    const answered = await camera.answer(offer);
    return { ...answered, text: answered.text.replaceAll(/^a=candidate:.*\r\n/gm, '') };
  };
  const { page } = await watch(t, { answer });
  await playerState(page, 'playing');
  const { mode, descent } = await latest(page);
  assert.deepEqual(
    { mode, descent },
    { mode: 'll-hls', descent: 'Playing by LL-HLS. WebRTC: the media path did not come up.' },
  );
});

test('WebRTC that works again takes over without a break', async (t) => {
  const camera = await drawnCamera(t, browser);
  let works = false;
  const answer = async (offer) => (works ? await camera.answer(offer) : NO_WEBRTC);
  const { page } = await watch(t, { answer });
  await playerState(page, 'playing');
  await moves(page);
  await page.evaluate(() => (window.yeoulTest.events.length = 0));
  works = true;
  await page.evaluate(() => window.dispatchEvent(new window.Event('online')));
  await info(page)
    .getByText(/^\d+×\d+ · H\.264$/)
    .waitFor();
  await moves(page);
  const told = await page.evaluate(() =>
    window.yeoulTest.events.map(({ state, mode }) => `${state} ${mode}`),
  );
  assert.deepEqual(
    [...new Set(told)].filter((entry) => !/^playing (ll-hls|webrtc)$/.test(entry)),
    [],
  );
  assert.equal((await latest(page)).descent, '');
  assert.deepEqual(page.misdeeds, []);
});

test('a camera that hangs is waited for over the last picture of LL-HLS, and plays on', async (t) => {
  const own = await startHlsOrigin(t, { main: { size: '320x180', kbits: 200 } }, { sound: false });
  const { fake, page } = await watch(t, { hls: own, query: '&mode=ll-hls' });
  await playerState(page, 'playing');
  await moves(page);
  fake.streams = { cam: { ...live, state: 'failed', reason: 'No media from the camera for 5 s.' } };
  own.pause(true);
  await playerState(page, 'waiting');
  await message(page).getByText('No media from the camera for 5 s.').waitFor();
  own.pause(false);
  fake.streams = { cam: live };
  await playerState(page, 'playing');
  await moves(page);
});

test('the browser plays HLS by itself where there are no Media Source Extensions', async (t) => {
  const prepare = (page) =>
    page.addInitScript(() => {
      delete window.MediaSource;
      delete window.ManagedMediaSource;
    });
  const { page } = await watch(t, { query: '&mode=hls', prepare });
  await playerState(page, 'playing');
  await moves(page);
  const loaded = await page.evaluate(
    () =>
      window.performance.getEntriesByType('resource').filter(({ name }) => /hls-.*\.js/.test(name)).length,
  );
  assert.equal(loaded, 0, 'hls.js is not loaded');
});

test('WebRTC never loads hls.js', async (t) => {
  const camera = await drawnCamera(t, browser);
  const { page } = await watch(t, { answer: camera.answer });
  await playerState(page, 'playing');
  const scripts = await page.evaluate(() =>
    window.performance
      .getEntriesByType('resource')
      .map(({ name }) => name)
      .filter((name) => name.endsWith('.js')),
  );
  assert.equal(scripts.length, 1, `${scripts}`);
});

test('another site plays HLS with the one script', async (t) => {
  const { fake, page } = await watch(t);
  const site = await startFakeServer(t);
  const script = `<script type="module" src="${fake.url}yeoul-player.js"></script>`;
  site.pages['/wall'] = `${script}<yeoul-player src="cam" mode="ll-hls" overlay></yeoul-player>`;
  await page.goto(new URL('/wall', site.url).href);
  await playerState(page, 'playing');
  await overlay(page).getByText('by the playlist’s clock').waitFor();
  assert.deepEqual(site.calls, []);
});

test('the overlay is shown by key, button and attribute, and tells the figures', async (t) => {
  const { page } = await watch(t);
  await playerState(page, 'playing');
  await page.locator('yeoul-player [part=frame]').focus();
  assert.equal(await overlay(page).count(), 0);
  await page.keyboard.press('i');
  await overlay(page).getByText('Buffer').waitFor();
  // Rates take two looks, half a second apart.
  await until('all figures', async () => {
    const rows = await overlay(page).innerText();
    return /Latency\s+≈.*\s+estimate/.test(rows) && rows.includes('Frames/s');
  });
  const text = (await overlay(page).innerText()).replaceAll('\u00a0', ' ');
  for (const row of [
    /Transport\s+LL-HLS/,
    /Why\s+WebRTC: cam has video H265/,
    /Codec\s+H\.264, AAC/,
    /Resolution\s+640×360/,
    /Frames\/s\s+\d/,
    /Bitrate\s+\d+ kbit\/s/,
    /Buffer\s+[\d.]+ m?s/,
    /Dropped\s+\d+ frames?/,
  ]) {
    assert.match(text, row);
  }
  await player(page).hover();
  await page.getByRole('button', { name: 'Hide figures' }).click();
  assert.equal(await overlay(page).count(), 0);
  assert.equal(await player(page).getAttribute('overlay'), null);
  await page.getByRole('button', { name: 'Show figures' }).click();
  await player(page).and(page.locator('[overlay]')).waitFor();
  assert.deepEqual(page.misdeeds, []);
});

test('the overlay of WebRTC tells latency and loss', async (t) => {
  const camera = await drawnCamera(t, browser);
  const html = '<yeoul-player src="cam" overlay></yeoul-player>';
  const { page } = await watch(t, { answer: camera.answer, html });
  await playerState(page, 'playing');
  await until('all figures', async () => /Latency\s+≈/.test(await overlay(page).innerText()));
  const text = (await overlay(page).innerText()).replaceAll('\u00a0', ' ');
  for (const row of [
    /Transport\s+WebRTC/,
    /Codec\s+H\.264, Opus/,
    /estimate: network and buffer/,
    /Loss\s+[\d.]+ %/,
  ]) {
    assert.match(text, row);
  }
});

test('a quality is chosen from a menu with the keyboard', async (t) => {
  const own = await startHlsOrigin(
    t,
    { low: { size: '320x180', kbits: 200 }, high: { size: '640x360', kbits: 600 } },
    { sound: false },
  );
  const { page } = await watch(t, { hls: own, query: '&mode=ll-hls' });
  await playerState(page, 'playing');
  const menu = page.getByRole('combobox', { name: 'Quality' });
  await menu.focus();
  const options = (await menu.locator('option').allInnerTexts()).map((text) => text.trim());
  assert.match(options[0], /^Auto/);
  assert.deepEqual(options.slice(1), ['360p', '180p']);
  const size = (expected) => info(page).getByText(`${expected} · H.264 · LL-HLS`).waitFor();
  // Letters in a menu are no keys of the player.
  await page.keyboard.press('1');
  assert.equal(await menu.inputValue(), '0');
  await size('320×180');
  await menu.selectOption({ label: '360p' });
  await size('640×360');
  await menu.selectOption({ value: '' });
  await until('the automatic choice', async () =>
    /^Auto \(\d+p\)/.test((await menu.locator('option').first().innerText()).trim()),
  );
  assert.deepEqual(page.misdeeds, []);
});

test('Korean readers are told in Korean', async (t) => {
  const { page } = await watch(t, { hls: null, page: { locale: 'ko-KR' } });
  await playerState(page, 'playing');
  const { descent } = await latest(page);
  assert.equal(
    descent,
    'MJPEG 방식으로 재생합니다. WebRTC: cam has video H265; you offered H264; LL-HLS, HLS: 서버가 제공하지 않음.',
  );
  await page.locator('yeoul-player [part=frame]').focus();
  await page.keyboard.press('i');
  const names = await overlay(page).locator('dt').allInnerTexts();
  for (const name of names) assert.match(name, /[가-힣]/);
});
