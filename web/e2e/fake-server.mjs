// A stand-in for the server, for the tests of pages: serves dist/ under a strict Content-Security-Policy, answers the
// API from an object that a test changes as it likes, and keeps the requests. Its pictures come from a page of the same
// browser that draws them (`drawnCamera`), so that a test stops, hides and breaks them at will.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const DIST = fileURLToPath(new URL('../dist/', import.meta.url));
const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
};
/** What the server's pages must get along with. */
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; media-src 'self' blob:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'";

const NOT_FOUND = { status: 404, text: 'stream not found\n' };
/** What a server answers that lets other sites embed its player. */
const CROSS_ORIGIN = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, POST, PATCH, DELETE, OPTIONS',
  'Access-Control-Allow-Headers': 'Content-Type, If-Match',
  'Access-Control-Expose-Headers': 'Location, ETag, Retry-After, Date',
};

/** Serves until the end of the test `t`, on `port` or a free one. */
export async function startFakeServer(t, { port = 0 } = {}) {
  const fake = {
    url: '',
    /** `GET /api/streams`. */
    streams: {},
    /** An answer to every call of the API instead of the true one: `{status, type?, text}`. */
    refusal: null,
    /** What `POST /api/webrtc` answers to an offer for one of the streams: `{status, headers?, text}`. */
    answer: async () => ({ status: 500, text: 'no camera here\n' }),
    /** What stands at `/NAME/…` of every stream: `startHlsOrigin` in hls-origin.mjs; null is a server without HLS. */
    hls: null,
    /** Size of the MJPEG stream of every stream; null is a server without MJPEG. */
    mjpeg: null,
    /** Further pages: path to HTML. */
    pages: {},
    /** `METHOD path` of every call of the API, and of every request for HLS. */
    calls: [],
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  const server = createServer((request, response) => void serve(fake, request, response));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  fake.port = server.address().port;
  fake.url = `http://127.0.0.1:${fake.port}/`;
  t.after(() => server.listening && fake.stop());
  return fake;
}

async function serve(fake, request, response) {
  const url = new URL(request.url, fake.url);
  const {
    status,
    headers = {},
    text,
    size,
  } = await answer(fake, request, url).catch((error) => ({
    status: 500,
    text: String(error),
  }));
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...CROSS_ORIGIN, ...headers });
  if (size) sendPictures(response, size);
  else response.end(text);
}

/** As many pictures as the reader takes, for two minutes at most. */
function sendPictures(response, size) {
  const source = ['-re', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=10`, '-t', '120'];
  const child = spawn('ffmpeg', ['-nostdin', '-loglevel', 'quiet', ...source, '-f', 'mpjpeg', '-'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.pipe(response);
  response.on('close', () => child.kill('SIGKILL'));
}

async function answer(fake, request, url) {
  if (Object.hasOwn(fake.pages, url.pathname)) {
    return { status: 200, headers: { 'Content-Type': TYPES['.html'] }, text: fake.pages[url.pathname] };
  }
  if (request.method === 'OPTIONS') return { status: 204 };
  if (/^\/[^/]+\/(.*\/)?[^/]+\.(m3u8|m4s|mp4)$/.test(url.pathname)) return await hls(fake, url);
  if (!url.pathname.startsWith('/api')) return await file(url.pathname);
  fake.calls.push(`${request.method} ${url.pathname}${url.search}`);
  if (fake.refusal)
    return { headers: { 'Content-Type': fake.refusal.type ?? 'text/plain' }, ...fake.refusal };
  const src = url.searchParams.get('src');
  if (url.pathname === '/api/webrtc' && request.method === 'POST') {
    if (!Object.hasOwn(fake.streams, src)) return NOT_FOUND;
    const offer = Buffer.concat(await request.toArray()).toString();
    return await fake.answer(offer, src);
  }
  if (url.pathname === '/api/webrtc') return { status: 204 };
  if (url.pathname === '/api/stream.mjpeg') {
    if (!Object.hasOwn(fake.streams, src) || fake.mjpeg === null) return NOT_FOUND;
    const type = 'multipart/x-mixed-replace; boundary=ffmpeg';
    return { status: 200, headers: { 'Content-Type': type }, size: fake.mjpeg };
  }
  if (url.pathname === '/api') {
    return json({ version: '0.1.0', host: url.host, rtsp: { listen: ':8554' }, webrtc: { listen: ':8555' } });
  }
  if (src === null) return json(fake.streams);
  return Object.hasOwn(fake.streams, src) ? json(fake.streams[src]) : NOT_FOUND;
}

async function hls(fake, url) {
  fake.calls.push(`GET ${url.pathname}`);
  if (fake.refusal) return fake.refusal;
  const [, name, path] = /^\/([^/]+)\/(.*)$/.exec(url.pathname);
  if (!Object.hasOwn(fake.streams, decodeURIComponent(name))) return NOT_FOUND;
  return (await fake.hls?.answer(path, url.searchParams)) ?? { status: 404, text: 'there is nothing here\n' };
}

function json(value) {
  return { status: 200, headers: { 'Content-Type': 'application/json' }, text: JSON.stringify(value) };
}

async function file(pathname) {
  const name = pathname === '/' ? '/index.html' : path.posix.normalize(pathname);
  try {
    const text = await readFile(path.join(DIST, name));
    const type = TYPES[path.extname(name)] ?? 'application/octet-stream';
    return { status: 200, headers: { 'Content-Type': type, 'Content-Security-Policy': POLICY }, text };
  } catch {
    return { status: 404, text: 'no such file: run `npm run build`\n' };
  }
}

/**
 * A page that draws a moving picture and sends it to whoever offers. `pause(true)` stops the frames, as a camera does
 * that hangs; `drop()` closes all connections, as a server does that ends.
 */
export async function drawnCamera(t, browser, { width = 640, height = 360, sound = true } = {}) {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.evaluate(runCamera, { width, height, sound });
  return {
    answer: async (offer) => {
      const text = await page.evaluate((sdp) => window.camera.answer(sdp), offer);
      return {
        status: 201,
        headers: { 'Content-Type': 'application/sdp', Location: '/api/webrtc?id=1', ETag: '"1"' },
        text,
      };
    },
    pause: (paused) => page.evaluate((value) => window.camera.pause(value), paused),
    drop: () => page.evaluate(() => window.camera.drop()),
  };
}

/** Runs in the camera's page. */
function runCamera({ width, height, sound }) {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  const video = canvas.captureStream(25).getVideoTracks()[0];
  const audioContext = new AudioContext();
  const tone = audioContext.createOscillator();
  const audio = audioContext.createMediaStreamDestination();
  tone.connect(audio);
  tone.start();
  let paused = false;
  let frame = 0;
  const draw = () => {
    frame += 1;
    const sky = context.createLinearGradient(0, 0, 0, height);
    sky.addColorStop(0, '#7aa9bd');
    sky.addColorStop(0.55, '#dfe8e2');
    context.fillStyle = sky;
    context.fillRect(0, 0, width, height);
    ['#5b7f6d', '#3d6474', '#2b5163'].forEach((colour, layer) => {
      context.fillStyle = colour;
      context.beginPath();
      context.moveTo(0, height);
      for (let x = 0; x <= width; x += 8) {
        const swing = Math.sin(x / (90 - layer * 18) + (frame * (layer + 1)) / 40);
        context.lineTo(x, height * (0.55 + layer * 0.13) + swing * 14);
      }
      context.lineTo(width, height);
      context.fill();
    });
  };
  setInterval(() => paused || draw(), 40);

  const { codecs } = RTCRtpSender.getCapabilities('video');
  const h264 = codecs.find(({ mimeType }) => mimeType === 'video/H264');
  const peers = [];
  window.camera = {
    pause: (value) => (paused = value),
    drop: () => peers.splice(0).forEach((peer) => peer.close()),
    answer: async (sdp) => {
      const peer = new RTCPeerConnection();
      peers.push(peer);
      await peer.setRemoteDescription({ type: 'offer', sdp });
      for (const transceiver of peer.getTransceivers()) {
        const { kind } = transceiver.receiver.track;
        if (kind === 'audio' && !sound) continue;
        transceiver.direction = 'sendonly';
        await transceiver.sender.replaceTrack(kind === 'video' ? video : audio.stream.getAudioTracks()[0]);
      }
      await peer.setLocalDescription(await peer.createAnswer());
      // A browser sends what the other one names first, whatever it answers itself; cameras send H.264.
      for (const sender of peer.getSenders().filter(({ track }) => track === video)) {
        const parameters = sender.getParameters();
        parameters.encodings.forEach((encoding) => (encoding.codec = h264));
        await sender.setParameters(parameters);
      }
      await new Promise((resolve) => {
        if (peer.iceGatheringState === 'complete') resolve();
        peer.addEventListener(
          'icegatheringstatechange',
          () => peer.iceGatheringState === 'complete' && resolve(),
        );
      });
      return peer.localDescription.sdp;
    },
  };
}
