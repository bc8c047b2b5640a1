import { expect, it } from 'vitest';

import { parseQualities } from './choice.js';

it('reads qualities, of which some have told nothing yet', () => {
  const answer = {
    qualities: [
      { name: 'main', height: 1080, bits_per_second: 2_345_678.9 },
      { name: 'sub', height: null, bits_per_second: null },
    ],
    quality: null,
  };
  expect(parseQualities(answer)).toEqual([
    { name: 'sub', height: 0, bitsPerSecond: 0 },
    { name: 'main', height: 1080, bitsPerSecond: 2_300_000 },
  ]);
});

it('takes what is no such answer for none', () => {
  for (const answer of [null, 'x', {}, { qualities: 1 }]) expect(parseQualities(answer)).toEqual([]);
  expect(parseQualities({ qualities: [null] })).toEqual([{ name: '', height: 0, bitsPerSecond: 0 }]);
});
