// What the browser tests share: Chromium, the real binary, the demo camera, and a look into pictures and statistics.
// Everything started here is ended by its own process id when the test that started it ends.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

import { instrumentPage } from './instrument.mjs';

const WEB = fileURLToPath(new URL('..', import.meta.url));
const ROOT = path.dirname(WEB.replace(/\/$/, ''));
const SCRIPTS = path.join(ROOT, 'scripts');

/** The server under test. */
export const YEOUL_BIN = path.resolve(WEB, process.env.YEOUL_BIN ?? '../target/release/yeoul');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
/** gst-rtsp-server's bindings are Debian's: they are not in any other Python. */
const PYTHON = '/usr/bin/python3';

/** A process of ours answers within this time, or something is wrong with it. */
const START_TIMEOUT_MS = 20_000;
/** Then a process that was asked to end is killed. */
const STOP_TIMEOUT_MS = 3_000;
/** Lines kept of each process's output, for the report of a failure. */
const LOG_LINES = 400;

const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  // A page's own addresses as they are, because no resolver on this machine knows `….local`.
  '--disable-features=WebRtcHideLocalIpsWithMdns',
];

/** A browser for all tests of a file; `flags` replaces ours where they say the same. */
export async function startBrowser({ flags = [] } = {}) {
  const names = flags.map((flag) => flag.split('=')[0]);
  const args = [...CHROMIUM_FLAGS.filter((flag) => !names.includes(flag.split('=')[0])), ...flags];
  return await chromium.launch({ executablePath: CHROMIUM, args });
}

/**
 * A page in a context of its own, closed at the end of the test `t`. It collects what must never happen: script errors,
 * violations of the Content-Security-Policy and dialogs, in `page.misdeeds`.
 */
export async function openPage(t, browser, address, options = {}) {
  const context = await browser.newContext({ locale: 'en-US', ...options });
  t.after(() => context.close());
  await context.addInitScript(instrumentPage);
  const page = await context.newPage();
  page.misdeeds = [];
  page.on('pageerror', (error) => page.misdeeds.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    page.misdeeds.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) page.misdeeds.push(`policy: ${message.text()}`);
  });
  if (address) await page.goto(address);
  return page;
}

/** A child process with its output. */
class Process {
  constructor(t, name, command, args, options) {
    this.name = name;
    this.log = [];
    this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    this.ended = once(this.child, 'exit').catch(() => null);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.log.push(line);
        if (this.log.length > LOG_LINES) this.log.shift();
      });
    }
    t.after(async () => {
      await this.stop();
      if (!t.passed) console.error(`--- ${name} ---\n${this.log.slice(-60).join('\n')}`);
    });
  }

  get running() {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Ends it: with SIGTERM, or as a power cut does with SIGKILL. */
  async stop(signal = 'SIGTERM') {
    if (!this.running) return;
    this.child.kill(signal);
    const killer = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.ended;
    clearTimeout(killer);
  }

  /** The first line that `find` gives something for. */
  async line(find) {
    return await until(`a line from ${this.name}`, () => {
      if (!this.running) throw new Error(`${this.name} has ended:\n${this.log.join('\n')}`);
      for (const line of this.log) {
        const found = find(line);
        if (found) return found;
      }
      return null;
    });
  }
}

/**
 * The demo camera; ready when this returns. Options as of scripts/demo-camera.py, e.g.
 * `{ file: clip, fps: 25, audio: 'opus' }`. With `port`, it can be killed and started again at the same address.
 */
export async function startCamera(t, options = {}) {
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const script = path.join(SCRIPTS, 'demo-camera.py');
  const camera = new Process(t, 'demo camera', PYTHON, [script, ...args]);
  const event = (name) => (line) => {
    const json = line.startsWith('{') ? JSON.parse(line) : {};
    return json.event === name ? json : null;
  };
  const { url, port } = await camera.line(event('ready'));
  return {
    url,
    port,
    /** `{t0_ms, fps, frames}` of a looped file, once somebody has asked for it. */
    started: () => camera.line(event('start')),
    stop: (signal) => camera.stop(signal),
  };
}

/** The path of a test clip (see scripts/make-clip.py), made at the first call. */
export async function clip(t, name) {
  const maker = new Process(t, 'make-clip', PYTHON, [path.join(SCRIPTS, 'make-clip.py'), name]);
  await maker.ended;
  const file = maker.log.findLast((line) => existsSync(line));
  if (!file) throw new Error(`no clip ${name}:\n${maker.log.join('\n')}`);
  return file;
}

/**
 * The real server with these streams (name to source), on free ports of loopback; it answers when this returns. The same
 * `ports` start it again at the same addresses; sections of `config` replace ours.
 */
export async function startYeoul(t, streams, { ports, config: sections } = {}) {
  if (!existsSync(YEOUL_BIN)) {
    throw new Error(`no server at ${YEOUL_BIN}: build it (cargo build --release) or set YEOUL_BIN`);
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'yeoul-e2e-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { api, rtsp, webrtc } = ports ?? {
    api: await freePort(),
    rtsp: await freePort(),
    webrtc: await freePort(),
  };
  const config = path.join(folder, 'yeoul.yaml');
  // JSON is YAML, and quotes every name rightly.
  await writeFile(
    config,
    JSON.stringify({
      api: { listen: `127.0.0.1:${api}` },
      rtsp: { listen: `127.0.0.1:${rtsp}` },
      webrtc: { listen: `127.0.0.1:${webrtc}`, candidates: [`127.0.0.1:${webrtc}`] },
      streams,
      ...sections,
    }),
  );
  const server = new Process(t, 'yeoul', YEOUL_BIN, ['-c', config], { cwd: folder });
  const url = `http://127.0.0.1:${api}/`;
  await until('the API', () => {
    if (!server.running) throw new Error(`yeoul has ended:\n${server.log.join('\n')}`);
    return fetch(`${url}api`).then(
      (response) => response.ok,
      () => false,
    );
  });
  return {
    url,
    rtspUrl: `rtsp://127.0.0.1:${rtsp}/`,
    ports: { api, rtsp, webrtc },
    log: server.log,
    pid: server.child.pid,
    stop: (signal) => server.stop(signal),
    streams: async () => await (await fetch(`${url}api/streams`)).json(),
  };
}

/** Reads a stream over RTSP until the end of the test, as a recorder does: it keeps the stream running. */
export async function startReader(t, url) {
  const args = [
    '-nostdin',
    '-loglevel',
    'info',
    '-rtsp_transport',
    'tcp',
    '-i',
    url,
    '-c',
    'copy',
    '-f',
    'null',
    '-',
  ];
  const reader = new Process(t, 'ffmpeg', 'ffmpeg', args);
  await reader.line((line) => line.startsWith('Output #0'));
  return reader;
}

/** A port that nobody listens on now. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Asks `what` until it gives something. */
export async function until(what, ask, timeoutMs = START_TIMEOUT_MS) {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits for the page's player to be in that state. */
export async function playerState(page, state, timeoutMs = START_TIMEOUT_MS) {
  try {
    await page.locator(`yeoul-player[state="${state}"]`).waitFor({ timeout: timeoutMs });
  } catch {
    const text = await page.locator('yeoul-player [role=status]').innerText();
    const now = await page.locator('yeoul-player').getAttribute('state');
    throw new Error(`waited ${timeoutMs} ms for the player to be ${state}; it is ${now} and says: ${text}`);
  }
}

/** The video's statistics of the page's newest session: `{framesDecoded, packetsLost, freezeCount, …}`. */
export async function videoStats(page) {
  return await page.evaluate(() => window.yeoulTest.videoStats());
}

/** The same of its sound. */
export async function audioStats(page) {
  return await page.evaluate(() => window.yeoulTest.audioStats());
}

/**
 * The number in the picture's time strip (scripts/time_strip.py): `{number, at, pageAt}` with the wall clock and the page's
 * clock; null where none is readable.
 */
export async function pictureNumber(page) {
  return await page.evaluate(() => window.yeoulTest.pictureNumber());
}

/** From now on, the page notes the number in every picture that it shows, for {@link assertGoesOn}. */
export async function notePictures(page) {
  await page.evaluate(() => {
    const pictures = [];
    window.yeoulTest.pictures = pictures;
    const video = window.yeoulTest.video();
    const look = () => {
      const picture = window.yeoulTest.pictureNumber();
      if (picture) pictures.push({ number: picture.number, at: picture.pageAt });
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  });
}

/**
 * How far the camera's clock may go back where the picture goes from one camera's stream to another's: one that has only just
 * begun is placed by arrival, and only then slowly by its camera's clock (docs/design/07-variants.md). Both cameras' coders take
 * some tenths of a second on a busy machine.
 */
export const TWO_CAMERAS_BACK_MS = 250;

/**
 * Asserts that the picture went on while it was noted: numbers are the camera's clock in milliseconds, none is less than the
 * one before by more than `backMs`, and no picture stood as long as `boundMs`.
 */
export async function assertGoesOn(t, page, boundMs, backMs = 0) {
  const pictures = await page.evaluate(() => window.yeoulTest.pictures);
  const pairs = pictures.slice(1).map((now, index) => [pictures[index], now]);
  const steps = pairs.map(([before, now]) => (now.number - before.number) | 0);
  const stood = Math.max(...pairs.map(([before, now]) => now.at - before.at));
  t.diagnostic(
    `${pictures.length} pictures; the longest stood ${stood.toFixed(0)} ms, ` +
      `steps of ${Math.min(...steps)} to ${Math.max(...steps)} ms`,
  );
  const back = steps.findIndex((step) => step < -backMs);
  assert.equal(back, -1, `back by ${-steps[back]} ms at picture ${back + 1} of ${pictures.length}`);
  assert.ok(stood < boundMs, `a picture stood ${stood.toFixed(0)} ms`);
}

/** The value below which a share of the values lies (nearest rank). */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}
