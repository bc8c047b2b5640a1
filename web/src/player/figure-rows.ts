// The figures as people read them: how the picture comes, and how well. What a transport cannot know has no row.

import { codecName } from '../codecs.js';
import type { Texts } from '../i18n.js';
import { MODE_NAMES } from './modes.js';
import type { SessionView } from './session.js';
import type { Figures, Latency, Quality } from './transport.js';
import { describeDescents } from './words.js';

/** A row, with a second line where the value needs an explanation. */
export interface Row {
  name: string;
  value: string;
  note?: string;
}

export function figureRows(view: SessionView, figures: Figures, texts: Texts): Row[] {
  const words = texts.figures;
  const { framesPerSecond, bitsPerSecond, latency, lost, bufferMs, framesDropped } = figures;
  const rows: (Row | null)[] = [
    { name: words.mode, value: MODE_NAMES[view.mode] },
    row(words.codec, codecs(view, figures)),
    row(words.resolution, figures.width > 0 ? `${figures.width}×${figures.height}` : ''),
    row(words.framesPerSecond, framesPerSecond === null ? '' : short(framesPerSecond)),
    row(words.bitrate, bitsPerSecond === null ? '' : describeBitrate(bitsPerSecond)),
    latency && latencyRow(latency, texts),
    lost && { name: words.loss, value: `${percent(lost.share)} (${words.packets(lost.packets)})` },
    levelRow(view, figures, texts),
    row(words.buffer, bufferMs === null ? '' : describeTime(bufferMs)),
    row(words.dropped, framesDropped === null ? '' : words.frames(framesDropped)),
    // Last, because it may be long.
    row(words.why, describeDescents(view.descents, texts)),
  ];
  return rows.filter((entry) => entry !== null);
}

/** As a menu names it: by its height, and by its rate where heights are not enough. */
export function describeQuality(quality: Quality, among: readonly Quality[]): string {
  const { name = '', height, bitsPerSecond } = quality;
  const alone = among.filter((other) => other.height === height).length === 1;
  if (height === 0) return name || describeBitrate(bitsPerSecond);
  return alone ? `${height}p` : `${height}p, ${describeBitrate(bitsPerSecond)}`;
}

function row(name: string, value: string): Row | null {
  return value === '' ? null : { name, value };
}

function codecs({ codec }: SessionView, { audioCodec }: Figures): string {
  return [codec, audioCodec].flatMap((name) => (name === null ? [] : codecName(name))).join(', ');
}

function latencyRow({ ms, from }: Latency, texts: Texts): Row {
  const { latency, latencyFrom } = texts.figures;
  return { name: latency, value: `≈\u00a0${describeTime(ms)}`, note: latencyFrom[from] };
}

function levelRow({ qualities }: SessionView, { quality }: Figures, texts: Texts): Row | null {
  const playing = quality === null ? undefined : qualities[quality];
  if (quality === null || playing === undefined || qualities.length < 2) return null;
  const { level, levelOf } = texts.figures;
  return {
    name: level,
    value: `${describeQuality(playing, qualities)} (${levelOf(quality + 1, qualities.length)})`,
  };
}

function describeBitrate(bitsPerSecond: number): string {
  const megabits = bitsPerSecond / 1e6;
  return megabits < 1 ? `${Math.round(bitsPerSecond / 1e3)}\u00a0kbit/s` : `${short(megabits)}\u00a0Mbit/s`;
}

function describeTime(ms: number): string {
  return ms < 995 ? `${Math.round(ms / 10) * 10}\u00a0ms` : `${(ms / 1000).toFixed(1)}\u00a0s`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0 && share < 0.01 ? 2 : 1)}\u00a0%`;
}

/** One digit after the point, none that says nothing. */
function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}
