// The list of streams against a stand-in for the server.

import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { after, before, test } from 'node:test';

import { startFakeServer } from './fake-server.mjs';
import { openPage, startBrowser, until } from './harness.mjs';

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser.close());

const idle = { producers: null, consumers: null, state: 'idle' };

/** The list of these streams, in a page. */
async function open(t, streams, options) {
  const fake = await startFakeServer(t);
  fake.streams = streams;
  const page = await openPage(t, browser, fake.url, options);
  return { fake, page };
}

const card = (page, name) =>
  page.locator('.card').filter({ has: page.getByRole('heading', { name, exact: true }) });

test('each stream shows its state as a word, its reason, tracks and viewers', async (t) => {
  const tracks = [
    { id: 0, kind: 'video', codec: 'H264', profile: 'High', width: 1920, height: 1080, fps: 25 },
    { id: 1, kind: 'audio', codec: 'AAC', sample_rate: 48000, channels: 2 },
  ];
  const { page } = await open(t, {
    door: { ...idle, state: 'live', consumers: [{}, {}], tracks },
    gate: { ...idle, state: 'failed', reason: '10.0.0.7 refused the password', retry_in_ms: 3400 },
  });
  await page.getByText('2 streams, 1 live').waitFor();
  const door = (await card(page, 'door').innerText()).replaceAll('\u00a0', ' ');
  for (const text of ['Live', '2 viewers', 'H.264 High, 1920×1080, 25 fps', 'AAC, 48 kHz, stereo']) {
    assert.ok(door.includes(text), `${text} in ${door}`);
  }
  const gate = await card(page, 'gate').innerText();
  for (const text of ['Failed', '10.0.0.7 refused the password. Next try in 4 s.', 'No viewers']) {
    assert.ok(gate.includes(text), `${text} in ${gate}`);
  }
  assert.deepEqual(page.misdeeds, []);
});

test('the list follows the server', async (t) => {
  const { fake, page } = await open(t, { door: idle });
  await card(page, 'door').getByText('Idle').waitFor();
  fake.streams = { door: { ...idle, state: 'live' }, yard: idle };
  await card(page, 'door').getByText('Live', { exact: true }).waitFor();
  await card(page, 'yard').waitFor();
  fake.streams = { yard: idle };
  await card(page, 'door').waitFor({ state: 'detached' });
});

test('nothing is asked while nobody looks', async (t) => {
  const { fake, page } = await open(t, { door: idle });
  await card(page, 'door').waitFor();
  const look = (visible) =>
    page.evaluate(
      (state) => {
        Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
        document.dispatchEvent(new window.Event('visibilitychange'));
      },
      visible ? 'visible' : 'hidden',
    );
  await look(false);
  const before = fake.calls.length;
  await page.waitForTimeout(2_500);
  assert.equal(fake.calls.length, before);
  await look(true);
  await until('a question at once', () => fake.calls.length > before, 1_000);
});

test('without streams the page says what to write', async (t) => {
  const { page } = await open(t, {});
  await page.getByText('No streams yet').waitFor();
  const lines = (await page.locator('pre').innerText()).trim().split('\n');
  assert.equal(lines.length, 3);
  assert.match(lines[0], /^streams:$/);
  assert.match(lines[1], /^ {2}\w+: rtsp:\/\//);
});

test('a refusal is shown in the words of the server', async (t) => {
  const fake = await startFakeServer(t);
  fake.refusal = { status: 403, text: 'Callers from public addresses need an account: set api.username.\n' };
  const page = await openPage(t, browser, fake.url);
  await page
    .getByRole('alert')
    .getByText('Callers from public addresses need an account: set api.username.')
    .waitFor();
  fake.refusal = null;
  fake.streams = { door: idle };
  await card(page, 'door').waitFor();
});

test('a server that goes away leaves what it said last, and comes back by itself', async (t) => {
  const { fake, page } = await open(t, { door: { ...idle, state: 'live' } });
  await card(page, 'door').waitFor();
  await fake.stop();
  await page.getByRole('alert').getByText('This is what it said last').waitFor();
  await card(page, 'door').waitFor();
  const again = await startFakeServer(t, { port: fake.port });
  again.streams = { door: idle };
  await card(page, 'door').getByText('Idle').waitFor();
  assert.equal(await page.getByRole('alert').count(), 0);
});

const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  '<script>alert(2)</script>',
  '"><svg onload=alert(3)>',
  "'; alert(4); '",
  'javascript:alert(5)',
  '${alert(6)}',
  'two  spaces ',
  '현관 카메라',
  'a%2Fb',
  'a/b/../c',
  'a?b=c&src=d#e',
  '🎥',
  '__proto__',
];

test('hostile names are text, and their links lead to them', async (t) => {
  const { page } = await open(t, Object.fromEntries(HOSTILE.map((name) => [name, idle])));
  await page.getByText(`${HOSTILE.length} streams`).waitFor();
  // JSON moves no keys here, and textContent keeps every space.
  const names = await page
    .locator('.card h2')
    .evaluateAll((all) => all.map((heading) => heading.textContent));
  assert.deepEqual(names.toSorted(), HOSTILE.toSorted());
  const links = await page.locator('.card h2 a').evaluateAll((all) => all.map((link) => link.href));
  for (const link of links) {
    const url = new URL(link);
    assert.equal(url.protocol, 'http:');
    assert.ok(HOSTILE.includes(url.searchParams.get('src')), link);
  }
  for (const name of HOSTILE) {
    await page.goto(`${new URL('.', page.url()).href}?src=${encodeURIComponent(name)}`);
    await page.locator('yeoul-player[state="failed"]').waitFor();
    assert.equal(await page.locator('h1').textContent(), name);
    assert.equal(await page.title(), `${name.replace(/\s+/g, ' ').trim()} · Yeoul`.replace(/\s+/g, ' '));
  }
  assert.deepEqual(page.misdeeds, []);
});

test('addresses are copied', async (t) => {
  const { page } = await open(t, { 'a b': idle }, { permissions: ['clipboard-read', 'clipboard-write'] });
  const copied = () => page.evaluate(() => window.navigator.clipboard.readText());
  await page.getByRole('button', { name: 'Copy the RTSP address of a b' }).click();
  await page.getByText('Copied').waitFor();
  assert.equal(await copied(), 'rtsp://127.0.0.1:8554/a%20b');
  await page.getByRole('button', { name: 'Copy the WHEP address of a b' }).click();
  await until('the address', async () => (await copied()) === `${page.url()}api/webrtc?src=a%20b`);
});

test('the page of a stream has the addresses of all its forms', async (t) => {
  const { fake, page } = await open(t, { 'a b': idle });
  await page.goto(`${fake.url}?src=a%20b`);
  const buttons = page.getByRole('button', { name: /^Copy the .* address of a b$/ });
  await until('the RTSP address', async () => (await buttons.count()) === 6);
  const addresses = await buttons.evaluateAll((all) => all.map((button) => button.title));
  assert.deepEqual(addresses, [
    'rtsp://127.0.0.1:8554/a%20b',
    `${fake.url}api/webrtc?src=a%20b`,
    `${fake.url}a%20b/index.m3u8`,
    `${fake.url}a%20b/hls/index.m3u8`,
    `${fake.url}a%20b/ts/index.m3u8`,
    `${fake.url}api/stream.mjpeg?src=a%20b`,
  ]);
});

test('an address is shown where the browser forbids the clipboard', async (t) => {
  const { page } = await open(t, { cam: idle });
  await page.evaluate(() => Object.defineProperty(window.navigator, 'clipboard', { value: undefined }));
  await page.getByRole('button', { name: 'Copy the RTSP address of cam' }).click();
  const field = page.getByRole('dialog').getByRole('textbox');
  assert.equal(await field.inputValue(), 'rtsp://127.0.0.1:8554/cam');
  await page.keyboard.press('Escape');
  assert.equal(await page.getByRole('dialog').count(), 0);
});

test('Korean browsers get Korean pages', async (t) => {
  const { page } = await open(t, { door: { ...idle, state: 'live' } }, { locale: 'ko-KR' });
  await card(page, 'door').getByText('실시간').waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), 'ko');
  assert.doesNotMatch(
    (await page.locator('main').innerText()).replace(/RTSP|WHEP|door|Yeoul/g, ''),
    /[A-Za-z]{2}/,
  );
});

test('the page fits into 320 pixels', async (t) => {
  const reason = `rtsp://${'x'.repeat(90)} does not answer`;
  const streams = { ['long-'.repeat(20)]: { ...idle, state: 'failed', reason } };
  const { page } = await open(t, streams, { viewport: { width: 320, height: 600 } });
  await page.getByText('does not answer').waitFor();
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.equal(width, 320);
});

test('everything is reached with the keyboard', async (t) => {
  const { page } = await open(t, { cam: idle });
  await card(page, 'cam').waitFor();
  const names = [];
  for (let step = 0; step < 5; step += 1) {
    await page.keyboard.press('Tab');
    names.push(
      await page.evaluate(() => {
        let element = document.activeElement;
        while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
        return element.ariaLabel ?? element.textContent.trim();
      }),
    );
  }
  assert.deepEqual(names, [
    'Yeoul 여울',
    'cam',
    'Watch cam',
    'Copy the RTSP address of cam',
    'Copy the WHEP address of cam',
  ]);
});

test('hls.js is built once, and neither the pages nor the player bring it along', async () => {
  const assets = await readdir(new URL('../dist/assets/', import.meta.url));
  const scripts = assets.filter((name) => name.endsWith('.js'));
  assert.equal(scripts.filter((name) => name.startsWith('hls-')).length, 1, `${scripts}`);
  const own = scripts.filter((name) => !name.startsWith('hls-')).map((name) => `assets/${name}`);
  for (const name of ['yeoul-player.js', ...own]) {
    const { size } = await stat(new URL(`../dist/${name}`, import.meta.url));
    assert.ok(size < 150_000, `${name} has ${size} bytes`);
  }
});

test('the built page holds no inline script and no inline style', async () => {
  const html = await readFile(new URL('../dist/index.html', import.meta.url), 'utf8');
  assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)/);
  assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=|data:/);
});
