// <yeoul-player> against a stand-in for the server whose pictures are real WebRTC, drawn by another page.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { drawnCamera, startFakeServer } from './fake-server.mjs';
import { openPage, playerState, startBrowser, until, videoStats } from './harness.mjs';

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser.close());

const live = { producers: [], consumers: [{}], state: 'live' };

const SCRIPT = '<script type="module" src="yeoul-player.js"></script>';

/** The watch page of a stream `cam` that is drawn, or a page of this `html` with the player's script. */
async function watch(t, options = {}) {
  const fake = await startFakeServer(t);
  fake.streams = { cam: live };
  if (options.html) fake.pages['/embed.html'] = `${SCRIPT}${options.html}`;
  const camera = await drawnCamera(t, browser, options.camera);
  fake.answer = options.answer?.(camera) ?? camera.answer;
  const page = await openPage(t, options.browser ?? browser, null, options.page);
  await options.prepare?.(page);
  const told =
    options.tells &&
    page.waitForEvent('console', (entry) => options.tells.test(entry.text())).then((entry) => entry.text());
  await page.goto(`${fake.url}${options.html ? 'embed.html' : (options.path ?? '?src=cam')}`);
  return { fake, camera, page, told };
}

const message = (page) => page.locator('yeoul-player [role=status]');
const count = (fake, method) => fake.calls.filter((call) => call.startsWith(`${method} /api/webrtc`)).length;
const events = (page) => page.evaluate(() => window.yeoulTest.events);

test('the picture plays, and its size and codec are shown', async (t) => {
  const { fake, page } = await watch(t);
  await playerState(page, 'playing');
  await page
    .locator('yeoul-player [part=info]')
    .getByText(/^\d+×\d+ · H\.264$/)
    .waitFor();
  const { framesDecoded } = await videoStats(page);
  await until('more frames', async () => (await videoStats(page)).framesDecoded > framesDecoded + 10);
  assert.equal(count(fake, 'POST'), 1);
  assert.deepEqual(page.misdeeds, []);
});

test('the page is told each change of state, with the size', async (t) => {
  const { page } = await watch(t);
  await playerState(page, 'playing');
  await until('a size', async () => (await events(page)).at(-1).width > 0);
  const told = await events(page);
  assert.equal(told.find(({ state }) => state !== 'stopped').state, 'connecting');
  const { state, reason, width, height } = told.at(-1);
  assert.deepEqual(
    { state, reason, ratio: (width / height).toFixed(2) },
    { state: 'playing', reason: '', ratio: '1.78' },
  );
});

test('a camera that hangs is waited for over its last picture, and plays on in the same session', async (t) => {
  const { fake, camera, page } = await watch(t);
  await playerState(page, 'playing');
  fake.streams = { cam: { ...live, state: 'failed', reason: 'No media from the camera for 5 s.' } };
  await camera.pause(true);
  await playerState(page, 'waiting');
  await message(page).getByText('No media from the camera for 5 s.').waitFor();
  await camera.pause(false);
  fake.streams = { cam: live };
  await playerState(page, 'playing');
  assert.equal(count(fake, 'POST'), 1);
});

test('a server that goes away and comes back plays again without a click, and the picture stays meanwhile', async (t) => {
  const { fake, camera, page } = await watch(t);
  await playerState(page, 'playing');
  await fake.stop();
  await camera.drop();
  await playerState(page, 'waiting');
  await message(page).getByText('does not answer').waitFor();
  const again = await startFakeServer(t, { port: fake.port });
  again.streams = { cam: live };
  again.answer = camera.answer;
  await until('the last picture', () => page.locator('yeoul-player canvas').isVisible());
  await playerState(page, 'playing');
  assert.equal(await page.locator('yeoul-player canvas').isVisible(), false);
});

test('an unknown stream is said in words, and shown once it exists', async (t) => {
  const { fake, camera, page } = await watch(t, { path: '?src=other' });
  await playerState(page, 'failed');
  await message(page).getByText('There is no stream of this name on the server.').waitFor();
  fake.streams = { other: live };
  fake.answer = camera.answer;
  await page.getByRole('button', { name: 'Try now' }).click();
  await playerState(page, 'playing');
});

test('a refusal is shown in the words of the server, as text', async (t) => {
  const text = 'cam has H265, you offered <b onclick=alert(1)>H264</b>';
  const { page } = await watch(t, { answer: () => async () => ({ status: 415, text: `${text}\n` }) });
  await playerState(page, 'failed');
  assert.equal(await message(page).locator('.reason').textContent(), text);
  assert.equal((await events(page)).at(-1).reason, text);
});

test('Retry-After is obeyed', async (t) => {
  const offeredAt = [];
  const answer = (camera) => async (offer) => {
    offeredAt.push(Date.now());
    if (offeredAt.length > 1) return await camera.answer(offer);
    return { status: 503, headers: { 'Retry-After': '2' }, text: 'The camera is starting.' };
  };
  const { page } = await watch(t, { answer });
  await message(page).getByText('The camera is starting.').waitFor();
  await playerState(page, 'playing');
  const waited = offeredAt[1] - offeredAt[0];
  assert.ok(waited >= 2_000, `came again after ${waited} ms`);
});

test('the session is deleted when the page goes', async (t) => {
  const { fake, page } = await watch(t);
  await playerState(page, 'playing');
  await page.goto('about:blank');
  await until('a DELETE', () => count(fake, 'DELETE') === 1);
});

test('the session is deleted when the element is removed, and a new one made when it is back', async (t) => {
  const { fake, page } = await watch(t, { html: '<main><yeoul-player src="cam"></yeoul-player></main>' });
  await playerState(page, 'playing');
  await page.evaluate(() => {
    window.player = document.querySelector('yeoul-player');
    window.player.remove();
  });
  await until('a DELETE', () => count(fake, 'DELETE') === 1);
  await page.evaluate(() => document.querySelector('main').append(window.player));
  await playerState(page, 'playing');
  assert.equal(count(fake, 'POST'), 2);
});

test('another site embeds the player with one script', async (t) => {
  const { fake, page } = await watch(t);
  const site = await startFakeServer(t);
  const script = `<script type="module" src="${fake.url}yeoul-player.js"></script>`;
  site.pages['/address'] = `${script}<yeoul-player src="${fake.url}?src=cam"></yeoul-player>`;
  site.pages['/name'] = `${script}<yeoul-player src="cam"></yeoul-player>`;
  site.pages['/server'] = `${script}<yeoul-player server="${fake.url}" src="cam"></yeoul-player>`;
  for (const path of Object.keys(site.pages)) {
    await page.goto(new URL(path, site.url).href);
    await playerState(page, 'playing');
  }
  assert.deepEqual(site.calls, []);
});

test('a change of src plays the other stream', async (t) => {
  const { fake, page } = await watch(t);
  await playerState(page, 'playing');
  fake.streams = { two: live };
  await page.evaluate(() => (window.yeoulTest.player().src = 'two'));
  await until('the other offer', () => fake.calls.includes('POST /api/webrtc?src=two'));
  await playerState(page, 'playing');
  assert.equal(count(fake, 'POST'), 2);
  assert.equal(count(fake, 'DELETE'), 1);
});

test('where the browser forbids sound, the picture plays without it and a button turns it on', async (t) => {
  const strict = await startBrowser({ flags: ['--autoplay-policy=document-user-activation-required'] });
  t.after(() => strict.close());
  const prepare = async (page) => {
    // Playwright's questions count as a touch of the page: so the page tells by itself, before it is asked anything.
    await page.addInitScript(() => {
      document.addEventListener('yeoul-state', ({ detail }) => {
        if (detail.state === 'playing')
          setTimeout(() => console.log('muted:', window.yeoulTest.video().muted), 500);
      });
    });
  };
  const { page, told } = await watch(t, { browser: strict, prepare, tells: /^muted:/ });
  assert.equal(await told, 'muted: true');
  await page.locator('yeoul-player .unmute').click();
  const { muted, paused } = await page.evaluate(() => {
    const video = window.yeoulTest.video();
    return { muted: video.muted, paused: video.paused };
  });
  assert.deepEqual({ muted, paused }, { muted: false, paused: false });
  assert.equal(await page.locator('yeoul-player .unmute').count(), 0);
});

test('a stream without sound has no button for it', async (t) => {
  const { page } = await watch(t, { camera: { sound: false } });
  await playerState(page, 'playing');
  assert.equal(await page.getByRole('button', { name: /mute|sound/i }).count(), 0);
});

test('the keyboard mutes and stops', async (t) => {
  const { fake, page } = await watch(t);
  await playerState(page, 'playing');
  await page.locator('yeoul-player [part=frame]').focus();
  await page.keyboard.press('m');
  await page.locator('yeoul-player[muted]').waitFor();
  await page.keyboard.press('k');
  await playerState(page, 'stopped');
  await until('a DELETE', () => count(fake, 'DELETE') === 1);
  await page.keyboard.press(' ');
  await playerState(page, 'playing');
});

test('autoplay="false" waits for a click', async (t) => {
  const { fake, page } = await watch(t, { html: '<yeoul-player src="cam" autoplay="false"></yeoul-player>' });
  await playerState(page, 'stopped');
  assert.equal(count(fake, 'POST'), 0);
  await page.getByRole('button', { name: 'Play' }).click();
  await playerState(page, 'playing');
});

test('a page makes and starts a player by script', async (t) => {
  const { page } = await watch(t, { html: '<main></main>' });
  await page.evaluate(async () => {
    await window.customElements.whenDefined('yeoul-player');
    const player = document.createElement('yeoul-player');
    Object.assign(player, { src: 'cam', autoplay: false });
    document.body.append(player);
    player.play();
  });
  await playerState(page, 'playing');
});

test('the player speaks the language that it is told', async (t) => {
  const { page } = await watch(t, { html: '<yeoul-player src="none" lang="ko"></yeoul-player>' });
  await message(page).getByText('서버에 이 이름의 스트림이 없습니다.').waitFor();
});

test('without src it says so', async (t) => {
  const { page } = await watch(t, { html: '<yeoul-player></yeoul-player>' });
  await message(page).getByText('the attribute “src” is missing').waitFor();
});
