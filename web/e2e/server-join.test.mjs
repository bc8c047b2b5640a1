// How soon a new viewer sees a picture, and a live one, with a camera that sends a keyframe only every ten seconds.
// The figures are printed; a machine under load must not fail a test, so that the bounds are generous.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

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
} from './harness.mjs';

const JOINS = 20;
/** Live means: this much behind the camera's clock at most. */
const LIVE_MS = 300;
/** Ten times what is expected of the 95th percentile: beyond it, a viewer waits for a keyframe. */
const FIRST_FRAME_BOUND_MS = 5_000;

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser.close());

test('a viewer that joins in the middle of a GOP has a picture at once and is soon live', async (t) => {
  const file = await clip(t, '720p25-gop10');
  const camera = await startCamera(t, { file, fps: 25 });
  const server = await startYeoul(t, { cam: camera.url });
  // Somebody else watches already: the stream runs, and its GOP is known.
  await startReader(t, `${server.rtspUrl}cam`);
  const clock = await camera.started();
  await new Promise((resolve) => setTimeout(resolve, 2_000));

  const first = [];
  const live = [];
  for (let join = 0; join < JOINS; join += 1) {
    const page = await openPage(t, browser, `${server.url}?src=cam`);
    const { offerAt, firstFrameAt } = await until('a picture', () =>
      page.evaluate(() => {
        const { offerAt, firstFrameAt } = window.yeoulTest;
        return firstFrameAt && { offerAt, firstFrameAt };
      }),
    );
    first.push(firstFrameAt - offerAt);
    const lag = await until('a live picture', async () => {
      const picture = await pictureNumber(page);
      const behind = picture && lagMs(picture, clock);
      return behind !== null && behind < LIVE_MS && { liveAt: picture.pageAt - offerAt };
    });
    live.push(lag.liveAt);
    await page.context().close();
    // Spread over the GOP: 20 joins, 0.7 s of its 10 s apart and more.
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
  for (const [what, values] of [
    ['POST to first frame', first],
    [`POST to less than ${LIVE_MS} ms behind the camera`, live],
  ]) {
    const ms = (share) => `${percentile(values, share).toFixed(0)} ms`;
    t.diagnostic(`${what}: p50 ${ms(0.5)}, p95 ${ms(0.95)}, most ${ms(1)} of ${JOINS} joins`);
  }
  assert.ok(percentile(first, 0.95) < FIRST_FRAME_BOUND_MS, `first frames after ${first.map(Math.round)} ms`);
});

/** How old the picture on the screen is. The clip loops, so that its numbers only tell the time within one round. */
function lagMs({ number, at }, { t0_ms: startMs, fps, frames }) {
  const roundMs = (1000 * frames) / fps;
  const age = (at - startMs - (1000 * number) / fps) % roundMs;
  const lag = (age + roundMs) % roundMs;
  // A picture cannot be from the future: a hair before its time is a clock's rounding.
  return lag > roundMs - 100 ? 0 : lag;
}
