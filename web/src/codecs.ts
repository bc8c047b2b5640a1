// Codecs and tracks in the words that people know them by.

import type { Track } from './api.js';
import type { Texts } from './i18n.js';

const NAMES: Partial<Record<string, string>> = {
  AAC: 'AAC',
  AV1: 'AV1',
  G722: 'G.722',
  H264: 'H.264',
  H265: 'H.265',
  HEVC: 'H.265',
  JPEG: 'JPEG',
  OPUS: 'Opus',
  PCMA: 'G.711 A-law',
  PCMU: 'G.711 µ-law',
};

/** Names in containers (RFC 6381): what stands before the first point. */
const SAMPLE_ENTRIES: Partial<Record<string, string>> = {
  AV01: 'AV1',
  AVC1: 'H.264',
  AVC3: 'H.264',
  FLAC: 'FLAC',
  HEV1: 'H.265',
  HVC1: 'H.265',
  MP3: 'MP3',
  MP4A: 'AAC',
  VP09: 'VP9',
};

/** As people write it; a codec that is not in the tables as the server, playlist or browser wrote it. */
export function codecName(codec: string): string {
  const name = codec.toUpperCase();
  // MPEG-4 audio of another kind than AAC.
  if (['MP4A.40.34', 'MP4A.69', 'MP4A.6B'].includes(name)) return 'MP3';
  return NAMES[name] ?? SAMPLE_ENTRIES[name.split('.')[0] ?? ''] ?? codec;
}

/** One line: `H.264 High, 1920×1080, 25 fps` or `AAC, 48 kHz, stereo`, as far as it is known. */
export function describeTrack(track: Track, texts: Texts): string {
  const { codec, profile, width, height, fps, sampleRate, channels } = track;
  const parts = [[codecName(codec), profile].filter(Boolean).join(' ')];
  if (width && height) parts.push(`${width}×${height}`);
  if (fps) parts.push(`${round(fps)}\u00a0fps`);
  if (sampleRate) parts.push(`${round(sampleRate / 1000)}\u00a0kHz`);
  if (channels) parts.push(channelsName(channels, texts));
  return parts.filter(Boolean).join(', ');
}

function channelsName(channels: number, texts: Texts): string {
  if (channels === 1) return texts.mono;
  if (channels === 2) return texts.stereo;
  return texts.channels(channels);
}

/** Two digits after the point at most, none that say nothing: 29.97, 25, 22.05. */
function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}
