// A viewer over WebRTC whose line loses packets at random: what is lost is sent again, and the picture does not stand still.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import {
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
const WATCH_MS = 60_000;

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser.close());

test('with 5 % loss and 100 ms round trip nearly everything arrives', async (t) => {
  const webrtc = await freePort();
  const relay = await startRelay(t, webrtc);
  const camera = await startCamera(t, { size: '1280x720', bitrate: 2_000, fps: 25, gop: 2 });
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
  relay.set(LOSSY);
  const start = await videoStats(page);
  await page.waitForTimeout(WATCH_MS);
  const end = await videoStats(page);
  const grown = (key) => (end[key] ?? 0) - (start[key] ?? 0);
  const dropped = relay.dropped();
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
  assert.ok(freezes <= 1, 'at most one freeze a minute');
});
