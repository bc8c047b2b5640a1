// MJPEG from a scripted server onto a canvas that only remembers.

import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { openMjpeg } from './mjpeg.js';
import { CAM, fakePlatform } from './testing.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const TYPE = { 'Content-Type': 'multipart/x-mixed-replace; boundary=frame' };
const part = (picture: string) => `--frame\r\nContent-Length: ${picture.length}\r\n\r\n${picture}\r\n`;

/** Opens it; a picture is text `WIDTHxHEIGHT`, and any other text cannot be decoded. */
function open(response: Response | null, { decodeMs = 0, canvas = true } = {}) {
  const told: unknown[] = [];
  const drawn: string[] = [];
  const surface = {
    width: 300,
    height: 150,
    getContext: () => ({ drawImage: ({ name }: { name: string }) => drawn.push(name) }),
  };
  let aborted = false;
  const platform = fakePlatform({
    fetch: (url, { signal }) => {
      expect(url).toBe('http://s/api/stream.mjpeg?src=cam');
      signal?.addEventListener('abort', () => (aborted = true));
      if (response !== null) return Promise.resolve(response);
      return new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(new DOMException('late', 'AbortError')));
      });
    },
    createCanvas: () => (canvas ? (surface as unknown as HTMLCanvasElement) : null),
    decodeImage: async (blob) => {
      await new Promise((resolve) => setTimeout(resolve, decodeMs));
      const name = await blob.text();
      const [, width, height] = /^(\d+)x(\d+)$/.exec(name) ?? [];
      if (width === undefined) throw new DOMException('no image', 'InvalidStateError');
      const image = { name, width: Number(width), height: Number(height), close: () => undefined };
      return image;
    },
  });
  const transport = openMjpeg(CAM, platform, {
    accepted: () => told.push('accepted'),
    media: ({ kind, sound }) => told.push([kind, sound]),
    qualities: () => told.push('qualities'),
    presented: () => told.push('presented'),
    failed: ({ problem }) => told.push(problem),
  });
  return { transport, told, drawn, surface, aborted: () => aborted };
}

/** A response that stays open, and what sends its bytes. */
function endless() {
  let send: (text: string) => void = () => undefined;
  let end: () => void = () => undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      send = (text) => controller.enqueue(new TextEncoder().encode(text));
      end = () => controller.close();
    },
  });
  return { response: new Response(body, { headers: TYPE }), send, end };
}

const settle = () => vi.advanceTimersByTimeAsync(10);

it('draws each picture in its own size', async () => {
  const { response, send } = endless();
  const { told, drawn, surface, transport } = open(response);
  send(part('640x360'));
  await settle();
  send(part('1280x720'));
  await settle();
  expect(told).toEqual(['accepted', ['canvas', false], 'presented', 'presented']);
  expect(drawn).toEqual(['640x360', '1280x720']);
  expect([surface.width, surface.height]).toEqual([1280, 720]);
  expect(await transport.stats()).toMatchObject({
    connected: true,
    framesDecoded: 2,
    codec: 'JPEG',
    figures: { width: 1280, height: 720, framesDropped: 0 },
  });
});

it('skips what comes faster than it is decoded, and shows the newest', async () => {
  const { response, send } = endless();
  const { drawn, transport } = open(response, { decodeMs: 100 });
  send(part('1x1'));
  await settle();
  send(part('2x2') + part('3x3') + part('4x4'));
  await vi.advanceTimersByTimeAsync(500);
  expect(drawn).toEqual(['1x1', '4x4']);
  expect((await transport.stats()).figures.framesDropped).toBe(2);
});

it('bears a picture that is broken, and gives up ten', async () => {
  const { response, send } = endless();
  const { told, drawn } = open(response);
  for (let pictures = 0; pictures < 9; pictures += 1) {
    send(part('cut'));
    await settle();
  }
  send(part('8x8'));
  await settle();
  expect(drawn).toEqual(['8x8']);
  for (let pictures = 0; pictures < 10; pictures += 1) {
    send(part('cut'));
    await settle();
  }
  expect(told.at(-1)).toEqual({ kind: 'codec', codec: 'JPEG' });
});

it('is lost when the server ends it', async () => {
  const { response, send, end } = endless();
  const { told } = open(response);
  send(part('8x8'));
  end();
  await settle();
  expect(told.at(-1)).toEqual({ kind: 'lost' });
});

it('passes on what the server says', async () => {
  const { told } = open(new Response('the decoder is busy\n', { status: 503 }));
  await settle();
  expect(told).toEqual([{ kind: 'refused', status: 503, text: 'the decoder is busy' }]);
});

it('takes one picture for no stream', async () => {
  const { told } = open(new Response('x', { headers: { 'Content-Type': 'image/jpeg' } }));
  await settle();
  expect(told.at(-1)).toEqual({
    kind: 'bad-answer',
    text: 'expected multipart/x-mixed-replace, got image/jpeg',
  });
});

it('gives up a server that does not answer', async () => {
  const { told } = open(null);
  await vi.advanceTimersByTimeAsync(15_000);
  expect(told).toEqual([{ kind: 'unreachable' }]);
});

it('says that a browser cannot draw', async () => {
  const { told } = open(null, { canvas: false });
  await settle();
  expect(told).toEqual([{ kind: 'unsupported' }]);
});

it('ends the request with itself, and says nothing more', async () => {
  const { response, send } = endless();
  const { told, transport, aborted } = open(response);
  send(part('8x8'));
  await settle();
  told.length = 0;
  transport.close();
  send(part('9x9'));
  await settle();
  expect(aborted()).toBe(true);
  expect(told).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});
