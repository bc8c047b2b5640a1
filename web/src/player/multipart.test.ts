import { describe, expect, it } from 'vitest';

import { Multipart } from './multipart.js';

const BOUNDS = { headerBytes: 200, bodyBytes: 1_000 };
const TYPE = 'multipart/x-mixed-replace; boundary=frame';

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const text = (body: Uint8Array) => String.fromCharCode(...body);

/** Reads the stream in pieces of these lengths, again and again. */
function read(stream: string, cuts = [stream.length], type = TYPE): string[] {
  const parts = new Multipart(type, BOUNDS);
  const bodies: string[] = [];
  let at = 0;
  for (let piece = 0; at < stream.length; piece += 1) {
    const length = cuts[piece % cuts.length] ?? 1;
    bodies.push(...parts.push(bytes(stream.slice(at, at + length))).map(text));
    at += length;
  }
  return bodies;
}

/** A body may hold what looks like a boundary, when its length is told. */
const BODIES = ['\xff\xd8one\xff\xd9', '\r\n--frame\r\n\r\n', '', 'x'.repeat(900)];
const withLength = (body: string) =>
  `--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${body.length}\r\n\r\n${body}\r\n`;
const WITH_LENGTHS = BODIES.map(withLength).join('');

it.each([[[1]], [[2, 3, 5]], [[7]], [[64, 1]], [[100_000]]])(
  'gives the same parts however the stream is cut: %j',
  (cuts) => {
    expect(read(WITH_LENGTHS, cuts)).toEqual(BODIES);
  },
);

it.each([[[1]], [[2, 3, 5]], [[100_000]]])('ends parts without a length at the next boundary: %j', (cuts) => {
  const bodies = ['\xff\xd8one\xff\xd9', 'two\r\nlines', 'three'];
  const stream = bodies.map((body) => `--frame\r\nContent-Type: image/jpeg\r\n\r\n${body}\r\n`).join('');
  expect(read(`preamble\r\n${stream}--frame--`, cuts)).toEqual(bodies);
});

it('takes a boundary in quotes and headers in any case', () => {
  const stream = '--a b\r\ncontent-length:3\r\n\r\nabc';
  expect(read(stream, [5], 'Multipart/X-Mixed-Replace; charset=x; boundary="a b"')).toEqual(['abc']);
});

it.each(['image/jpeg', 'multipart/x-mixed-replace', '', 'text/html; boundary=frame'])(
  'refuses %j',
  (type) => {
    expect(() => new Multipart(type, BOUNDS)).toThrow('expected multipart/x-mixed-replace, got ');
  },
);

describe('what is too large is refused', () => {
  it.each([
    ['a header', `--frame\r\nX: ${'x'.repeat(300)}`],
    ['a length', '--frame\r\nContent-Length: 1001\r\n\r\n'],
    ['a length beyond all numbers', `--frame\r\nContent-Length: ${'9'.repeat(60)}\r\n\r\n`],
    ['a part without a length', `--frame\r\n\r\n${'x'.repeat(1_001)}`],
  ])('%s', (_what, stream) => {
    expect(() => read(stream, [10])).toThrow(/more than \d+ bytes/);
  });

  it('not what stands before the first boundary', () => {
    expect(read('x'.repeat(5_000) + withLength('abc'), [100])).toEqual(['abc']);
  });
});
