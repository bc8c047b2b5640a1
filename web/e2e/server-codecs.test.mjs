// WebRTC's column of docs/codecs.md in a real browser: each codec that it offers plays, each other one is refused in words.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';

import { openPage, startBrowser, startYeoul } from './harness.mjs';

const VIDEO = '-f lavfi -i testsrc2=size=320x240:rate=25 -pix_fmt yuv420p -g 25 -c:v';
const AUDIO = '-f lavfi -i sine=sample_rate=48000 -c:a';
const RTSP = '-f rtsp -rtsp_transport tcp {output}';
const MP4 = '-movflags frag_keyframe+delay_moov -frag_duration 500000 -strict -2 -f mp4 -';

/** How ffmpeg makes each codec of the table. */
const CODINGS = {
  H264: [VIDEO, 'libx264 -preset ultrafast -tune zerolatency', RTSP],
  H265: [VIDEO, 'libx265 -preset ultrafast -x265-params log-level=error:bframes=0', RTSP],
  AV1: [VIDEO, 'libaom-av1 -usage realtime -cpu-used 8', MP4],
  VP9: [VIDEO, 'libvpx-vp9 -deadline realtime -cpu-used 8 -strict experimental', RTSP],
  VP8: [VIDEO, 'libvpx -deadline realtime -cpu-used 8', RTSP],
  'MP4V-ES': [VIDEO, 'mpeg4', RTSP],
  JPEG: [VIDEO, 'mjpeg -huffman default -pix_fmt yuvj420p', RTSP],
  AAC: [AUDIO, 'aac', RTSP],
  OPUS: [AUDIO, 'libopus', RTSP],
  PCMU: [AUDIO, 'pcm_mulaw -ar 8000', RTSP],
  PCMA: [AUDIO, 'pcm_alaw -ar 8000', RTSP],
  G722: [AUDIO, 'g722 -ar 16000', RTSP],
  L16: [AUDIO, 'pcm_s16be -ac 2', RTSP],
  FLAC: [AUDIO, 'flac', MP4],
  MP3: [AUDIO, 'libmp3lame -ar 44100 -ac 2', RTSP],
};

const source = ([input, codec, output]) => `exec:ffmpeg -v error -re ${input} ${codec} ${output}`;

/** Which codecs the table says WebRTC carries. */
async function column() {
  const page = await readFile(new URL('../../docs/codecs.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| '));
  const cells = (row) => row.split('|').map((cell) => cell.trim());
  const place = cells(rows[0]).indexOf('WebRTC');
  return rows.slice(2).map((row) => [cells(row)[1], cells(row)[place] === 'yes']);
}

let browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser.close());

/** Watches a stream until enough of it has been decoded; what was refused, or how it went. */
const watch = (page, src, kind, frames) =>
  page.evaluate(
    async ({ src, kind, frames }) => {
      const peer = new RTCPeerConnection();
      const { receiver } = peer.addTransceiver(kind, { direction: 'recvonly' });
      await peer.setLocalDescription(await peer.createOffer());
      const answer = await fetch(`api/webrtc?src=${encodeURIComponent(src)}`, {
        method: 'POST',
        headers: { 'content-type': 'application/sdp' },
        body: peer.localDescription.sdp,
      });
      const text = await answer.text();
      if (!answer.ok) {
        peer.close();
        return { refused: text };
      }
      await peer.setRemoteDescription({ type: 'answer', sdp: text });
      const element = document.createElement(kind);
      element.muted = true;
      element.srcObject = new MediaStream([receiver.track]);
      document.body.append(element);
      void element.play();
      let inbound = {};
      let codec = '';
      for (let tries = 0; tries < 400; tries += 1) {
        const stats = [...(await peer.getStats()).values()];
        inbound = stats.find((entry) => entry.type === 'inbound-rtp') ?? {};
        codec = stats.find((entry) => entry.id === inbound.codecId)?.mimeType ?? '';
        const enough = kind === 'video' ? inbound.framesDecoded : (inbound.packetsReceived ?? 0) / 2;
        if (enough >= frames) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      peer.close();
      element.remove();
      const { framesDecoded, framesReceived, packetsLost, totalSamplesReceived } = inbound;
      return { codec, framesDecoded, framesReceived, packetsLost, totalSamplesReceived };
    },
    { src, kind, frames },
  );

test('the browser plays what the table says, and is told of the rest', async (t) => {
  const streams = Object.fromEntries(Object.entries(CODINGS).map(([name, how]) => [name, source(how)]));
  const server = await startYeoul(t, streams, { config: { exec: { enabled: true } } });
  const page = await openPage(t, browser, server.url);
  for (const [name, carried] of await column()) {
    const kind = CODINGS[name][0] === VIDEO ? 'video' : 'audio';
    const offered = await page.evaluate(
      ({ kind, name }) =>
        RTCRtpReceiver.getCapabilities(kind).codecs.some((codec) =>
          codec.mimeType.toUpperCase().endsWith(`/${name}`),
        ),
      { kind, name },
    );
    const seen = await watch(page, name, kind, 25);
    t.diagnostic(`${name}: ${JSON.stringify(seen)}`);
    if (!carried || !offered) {
      assert.match(seen.refused ?? '', /offer|codec/i, name);
      continue;
    }
    assert.equal(seen.codec.toUpperCase(), `${kind}/${name}`.toUpperCase());
    if (kind === 'video') assert.ok(seen.framesDecoded >= 25, `${name}: ${seen.framesDecoded} frames`);
    else assert.ok(seen.totalSamplesReceived > 0, name);
  }
  assert.deepEqual(page.misdeeds, []);
});

test('a stream with B-frames is shown without them', async (t) => {
  const how = [VIDEO, 'libx264 -preset veryfast -bf 3 -b_strategy 0', RTSP];
  const server = await startYeoul(t, { cam: source(how) }, { config: { exec: { enabled: true } } });
  const page = await openPage(t, browser, server.url);
  // More than a GOP has: a decoder that meets a B-frame gives up until the next keyframe, after two pictures.
  const seen = await watch(page, 'cam', 'video', 30);
  t.diagnostic(JSON.stringify(seen));
  assert.ok(seen.framesDecoded >= 30, `${seen.framesDecoded} frames`);
  assert.ok(
    seen.framesReceived <= seen.framesDecoded + 5,
    `${seen.framesReceived} came, ${seen.framesDecoded} were shown`,
  );
  assert.equal(seen.packetsLost, 0);
});
