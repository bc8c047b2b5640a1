// What a viewer sees in Chromium, for `cargo xtask bench`: node bench/goals.mjs webrtc|hls-join|hls-latency
//
// The last line is JSON with times in milliseconds. The server is YEOUL_BIN; camera and browser are those of the e2e tests.

import {
  clip,
  openPage,
  percentile,
  pictureNumber,
  startBrowser,
  startCamera,
  startReader,
  startYeoul,
  until,
} from '../e2e/harness.mjs';
import { DEFAULTS, firstFrame, playHls, watchHls } from '../e2e/hls.mjs';

const JOINS = 20;
const HLS_JOINS = 5;
const HLS_SECONDS = 20;
/** Live means: this much behind the camera's clock at most. */
const LIVE_MS = 300;

/** What the harness asks of a test: it ends what was started, the last one first. */
class Bench {
  passed = true;
  #ends = [];

  after(end) {
    this.#ends.push(end);
  }

  async end() {
    while (this.#ends.length > 0) await this.#ends.pop()();
  }
}

const spread = (values) => ({
  p50: percentile(values, 0.5),
  p95: percentile(values, 0.95),
  max: percentile(values, 1),
});

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A running stream of 720p with a keyframe every ten seconds. */
async function longGop(bench) {
  const file = await clip(bench, '720p25-gop10');
  const camera = await startCamera(bench, { file, fps: 25 });
  const server = await startYeoul(bench, { cam: camera.url });
  await startReader(bench, `${server.rtspUrl}cam`);
  const clock = await camera.started();
  await pause(2_000);
  return { server, clock };
}

async function webrtc(bench, browser) {
  const { server, clock } = await longGop(bench);
  const first = [];
  const live = [];
  for (let join = 0; join < JOINS; join += 1) {
    const page = await openPage(bench, browser, `${server.url}?src=cam`);
    const { offerAt, firstFrameAt } = await until('a picture', () =>
      page.evaluate(() => {
        const { offerAt, firstFrameAt } = window.yeoulTest;
        return firstFrameAt && { offerAt, firstFrameAt };
      }),
    );
    first.push(firstFrameAt - offerAt);
    const liveAt = await until('a live picture', async () => {
      const picture = await pictureNumber(page);
      return picture && lagMs(picture, clock) < LIVE_MS && picture.pageAt;
    });
    live.push(liveAt - offerAt);
    await page.context().close();
    // Spread over the GOP.
    await pause(700);
  }
  return { joins: JOINS, first_ms: spread(first), live_ms: spread(live) };
}

/** How old the picture on the screen is. The clip loops: its numbers tell the time within one round only. */
function lagMs({ number, at }, { t0_ms: startMs, fps, frames }) {
  const roundMs = (1000 * frames) / fps;
  const age = (at - startMs - (1000 * number) / fps) % roundMs;
  const lag = (age + roundMs) % roundMs;
  return lag > roundMs - 100 ? 0 : lag;
}

async function hlsJoin(bench, browser) {
  const { server } = await longGop(bench);
  const first = [];
  for (let join = 0; join < HLS_JOINS; join += 1) {
    const page = await playHls(bench, browser, server, 'cam/index.m3u8', DEFAULTS);
    first.push(await firstFrame(page, 20_000));
    await page.context().close();
    await pause(1_700);
  }
  return { joins: HLS_JOINS, first_ms: spread(first) };
}

async function hlsLatency(bench, browser) {
  const camera = await startCamera(bench, { size: '640x360', bitrate: 500, gop: 1, audio: 'aac' });
  const server = await startYeoul(bench, { cam: camera.url });
  await startReader(bench, `${server.rtspUrl}cam`);
  const page = await playHls(bench, browser, server, 'cam/index.m3u8', DEFAULTS);
  const first = await firstFrame(page, 30_000);
  await pause(2_000);
  const seen = await watchHls(page, HLS_SECONDS);
  return { joins: 1, first_ms: spread([first]), behind_ms: spread(seen.behind), stalls: seen.stalls };
}

const PARTS = { webrtc, 'hls-join': hlsJoin, 'hls-latency': hlsLatency };

const part = PARTS[process.argv[2]];
if (!part) throw new Error(`expected one of ${Object.keys(PARTS).join(', ')}`);
const bench = new Bench();
const browser = await startBrowser();
try {
  console.log(JSON.stringify(await part(bench, browser)));
} catch (error) {
  bench.passed = false;
  console.error(`Error: ${error.message}`);
  process.exitCode = 1;
} finally {
  await bench.end();
  await browser.close();
}
