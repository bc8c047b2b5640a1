// A viewer over WebRTC whose line loses packets at random: what is lost is sent again, and the picture does not stand still.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import {
  clip,
  freePort,
  openPage,
  playerState,
  startBrowser,
  startCamera,
  startYeoul,
  videoStats,
} from './harness.mjs';
import { startRelay, withoutCandidates } from './relay.mjs';

/** Each way: 5 % lost, 100 ms there and back. */
const LOSSY = { loss: 0.05, delayMs: 50 };
const FREEZES = 1;
const SETTLE_MS = 5_000;
const WATCH_MS = 60_000;

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser.close());

test('with 5 % loss and 100 ms round trip nearly everything arrives', async (t) => {
  const webrtc = await freePort();
  const relay = await startRelay(t, webrtc, LOSSY);
  const camera = await startCamera(t, { file: await clip(t, '720p25-gop2'), fps: 25 });
  const server = await startYeoul(
    t,
    { cam: camera.url },
    {
      config: {
        webrtc: {
          listen: `127.0.0.1:${webrtc}/udp`,
          candidates: [`127.0.0.1:${relay.port}`],
          filters: { candidates: [] },
        },
      },
    },
  );
  const page = await openPage(t, browser, null);
  await page.addInitScript(withoutCandidates);
  await page.goto(`${server.url}?src=cam&mode=webrtc`);
  await playerState(page, 'playing');
  // Until the first reports of the viewer nobody knows how long it must hold pictures back.
  await page.waitForTimeout(SETTLE_MS);
  const start = await videoStats(page);
  const droppedBefore = relay.dropped();
  await page.waitForTimeout(WATCH_MS);
  const end = await videoStats(page);
  const grown = (key) => (end[key] ?? 0) - (start[key] ?? 0);
  const dropped = relay.dropped() - droppedBefore;
  const freezes = grown('freezeCount');
  t.diagnostic(
    `${grown('packetsReceived')} packets, ${dropped} dropped on the way to the viewer, ` +
      `${grown('retransmittedPacketsReceived')} sent again, ${grown('packetsLost')} missed at first, ` +
      `${grown('framesDecoded')} pictures, ${freezes} freezes, ${grown('totalFreezesDuration')} s`,
  );
  // The browser counts as lost what did not come at first, whether it came again or not.
  const missed = grown('packetsLost');
  assert.ok(dropped > 300 && missed > 300, 'the line did lose packets');
  assert.ok(
    grown('retransmittedPacketsReceived') >= 0.99 * missed,
    'at least 99 % of what was missed came again',
  );
  // Without the playout delay there are dozens.
  assert.ok(freezes <= FREEZES, `${freezes} freezes in a minute`);
});
