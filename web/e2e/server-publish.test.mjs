// A browser publishes its camera by WHIP (RFC 9725), and is seen by another one, over RTSP and as HLS.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import {
  audioStats,
  openPage,
  playerState,
  startBrowser,
  startYeoul,
  until,
  videoStats,
} from './harness.mjs';

const run = promisify(execFile);

let browser;
before(async () => {
  browser = await startBrowser({
    flags: ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
  });
});
after(() => browser.close());

/** A page that publishes to the stream `in`, as docs/whip.md shows; `codec` alone is offered, if it is given. */
async function publish(t, server, codec) {
  const page = await openPage(t, browser, server.url);
  await page.evaluate(async (codec) => {
    const media = await window.navigator.mediaDevices.getUserMedia({ video: true, audio: true });
    const connection = new RTCPeerConnection();
    for (const track of media.getTracks()) {
      const { sender } = connection.addTransceiver(track, { direction: 'sendonly' });
      if (codec && track.kind === 'video') {
        const { codecs } = window.RTCRtpSender.getCapabilities('video');
        const only = codecs.filter((of) => [`video/${codec}`, 'video/rtx'].includes(of.mimeType));
        connection
          .getTransceivers()
          .find((of) => of.sender === sender)
          .setCodecPreferences(only);
      }
    }
    await connection.setLocalDescription();
    const reply = await fetch('in/whip', {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp' },
      body: connection.localDescription.sdp,
    });
    if (reply.status !== 201) throw new Error(`${reply.status} ${await reply.text()}`);
    await connection.setRemoteDescription({ type: 'answer', sdp: await reply.text() });
    window.published = {
      connection,
      session: reply.headers.get('Location'),
      etag: reply.headers.get('ETag'),
    };
  }, codec);
  return page;
}

/** The publisher's own numbers: of its picture, and of its line. */
async function sent(page) {
  return await page.evaluate(async () => {
    const reports = [...(await window.published.connection.getStats()).values()];
    const video = reports.find((of) => of.type === 'outbound-rtp' && of.kind === 'video');
    const pair = reports.find((of) => of.type === 'candidate-pair' && of.nominated);
    const codec = reports.find((of) => of.id === video?.codecId);
    return { ...video, codec: codec?.mimeType, available: pair?.availableOutgoingBitrate };
  });
}

async function probe(url) {
  const args = ['-v', 'error', '-show_entries', 'stream=codec_name,width,height', '-of', 'json', url];
  const { stdout } = await run('ffprobe', args, { timeout: 60_000 });
  return JSON.parse(stdout).streams;
}

test("a browser's camera is seen by another browser, over RTSP and as HLS", async (t) => {
  const server = await startYeoul(t, { in: null });
  const publisher = await publish(t, server);
  const viewer = await openPage(t, browser, `${server.url}?src=in`);
  await playerState(viewer, 'playing');
  await until('pictures', async () => (await videoStats(viewer))?.framesDecoded > 40);
  await until('sound', async () => ((await audioStats(viewer))?.audioLevel ?? 0) > 0);
  for (const url of [`${server.rtspUrl}in`, `${server.url}in/hls/index.m3u8`]) {
    const names = (await probe(url)).map((stream) => stream.codec_name).sort();
    assert.deepEqual(names, ['h264', 'opus'], url);
  }
  // It begins with 300 kbit/s, and is told that more arrives; a keyframe comes because it is asked for.
  const line = await until('a bitrate that has grown, and keyframes', async () => {
    const stats = await sent(publisher);
    return stats.available > 450_000 && stats.pliCount > 0 && stats.keyFramesEncoded > 1 ? stats : null;
  });
  assert.equal(line.codec, 'video/H264');
  t.diagnostic(
    `${line.frameWidth}x${line.frameHeight}, ${(line.available / 1e6).toFixed(1)} Mbit/s available, ` +
      `${line.pliCount} PLI, ${line.nackCount} NACK, ${line.keyFramesEncoded} keyframes of ${line.framesEncoded}`,
  );
  assert.deepEqual([...publisher.misdeeds, ...viewer.misdeeds], []);
});

for (const codec of ['VP8', 'VP9', 'AV1']) {
  test(`a browser that offers ${codec} alone is seen in ${codec}`, async (t) => {
    const server = await startYeoul(t, { in: null });
    const publisher = await publish(t, server, codec);
    const viewer = await openPage(t, browser, `${server.url}?src=in`);
    await playerState(viewer, 'playing');
    await until('pictures', async () => (await videoStats(viewer))?.framesDecoded > 20);
    assert.equal((await sent(publisher)).codec, `video/${codec}`);
  });
}

test('a publisher restarts ICE, leaves by DELETE, and is replaced by the next one', async (t) => {
  const server = await startYeoul(t, { in: null });
  const first = await publish(t, server);
  await until('a connection', async () => (await sent(first)).available > 0);
  const restarted = await first.evaluate(async () => {
    const { connection, session, etag } = window.published;
    await connection.setLocalDescription(await connection.createOffer({ iceRestart: true }));
    const lines = connection.localDescription.sdp.split('\r\n');
    const wanted = lines.filter((line) => /^a=(ice-ufrag|ice-pwd|candidate)/.test(line));
    const reply = await fetch(session, {
      method: 'PATCH',
      headers: { 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': etag },
      body: `${wanted.join('\r\n')}\r\n`,
    });
    const fragment = await reply.text();
    const value = (name) => fragment.match(new RegExp(`a=${name}:(.*)`))[1].trim();
    const answer = connection.remoteDescription.sdp
      .replace(/a=ice-ufrag:.*/g, `a=ice-ufrag:${value('ice-ufrag')}`)
      .replace(/a=ice-pwd:.*/g, `a=ice-pwd:${value('ice-pwd')}`);
    await connection.setRemoteDescription({ type: 'answer', sdp: answer });
    return reply.status;
  });
  assert.equal(restarted, 200);
  const before = await sent(first);
  await until('more is sent', async () => (await sent(first)).packetsSent > before.packetsSent + 50);
  const second = await publish(t, server);
  await until('the first one is replaced', () =>
    server.log.some((line) => line.includes('another publisher has taken over the stream')),
  );
  const status = await second.evaluate(
    async () => (await fetch(window.published.session, { method: 'DELETE' })).status,
  );
  assert.equal(status, 200);
  await until('it has left', () => server.log.some((line) => line.includes('the publisher left')));
});
