import { expect, it } from 'vitest';

import { languageOf, textsFor } from './i18n.js';

it('speaks Korean to Korean browsers and English to all others', () => {
  expect(['ko', 'ko-KR', 'KO-kp', 'en-GB', 'de', '', 'constructor', 'kok'].map(languageOf)).toEqual([
    'ko',
    'ko',
    'ko',
    'en',
    'en',
    'en',
    'en',
    'en',
  ]);
});

it('counts as each language does', () => {
  expect([0, 1, 2].map(textsFor('en').viewers)).toEqual(['No viewers', '1 viewer', '2 viewers']);
  expect([0, 1, 2].map(textsFor('ko').viewers)).toEqual(['보는 사람 없음', '1명 보는 중', '2명 보는 중']);
});

it('says everything in Korean that it says in English', () => {
  const flat = (value: object): unknown[] =>
    Object.values(value).flatMap((text: unknown) =>
      typeof text === 'object' && text !== null ? flat(text) : [text],
    );
  const [english, korean] = [flat(textsFor('en')), flat(textsFor('ko'))];
  expect(korean.length).toBe(english.length);
  korean.forEach((text, index) => {
    if (typeof text === 'string' && text !== '') expect(text).toMatch(/[가-힣]/);
    expect(typeof text).toBe(typeof english[index]);
  });
});
