// The pace that brings the picture to its distance from live: a little faster while it is behind and enough is loaded, a
// little slower when nearly nothing is. hls.js has a pace of its own, which needs a second of media loaded ahead: more
// than the whole distance that we aim at.

/** Behind the target by more than this, it hurries; it stops at the target, so that it does not flutter. */
const HURRY_BEHIND_MS = 120;

/** Behind by more than this, mostly just after the start, it hurries twice as much. */
const RUN_BEHIND_MS = 400;

/** With less than this loaded ahead there is nothing to gain: half of a part of 200 ms. */
const HURRY_BUFFER_MS = 250;

/** With less than this, one late part would stop the picture. */
const SAVE_BUFFER_MS = 80;

/** None of them is seen in motion, or heard in speech, where browsers keep the pitch. */
const RUN = 1.1;
const HURRY = 1.05;
const SAVE = 0.97;

/** In this time after its start a jump is part of the start. */
const JUMP_WITHIN_MS = 2_000;

/** Decoding begins at the keyframe: from farther away than this, it costs more time than the jump gains. */
const JUMP_GOP_MAX_MS = 2_000;

export interface Pace {
  /** Of the picture, behind the newest that the server has. */
  behindMs: number;
  targetMs: number;
  /** Loaded ahead. */
  bufferMs: number;
  /** The playback rate now. */
  rate: number;
}

/**
 * Whether a picture that has just begun is taken to its distance at once: the playlist and the first parts took their
 * time, and what came meanwhile is loaded. `gopMs`: from the keyframe before that place to it, at most.
 */
export function jumps({ behindMs, targetMs, bufferMs }: Pace, playedMs: number, gopMs: number): boolean {
  const late = behindMs - targetMs;
  const loaded = bufferMs - late >= HURRY_BUFFER_MS;
  return playedMs < JUMP_WITHIN_MS && late > RUN_BEHIND_MS && loaded && gopMs <= JUMP_GOP_MAX_MS;
}

/** The playback rate from now on. */
export function steeredRate({ behindMs, targetMs, bufferMs, rate }: Pace): number {
  if (bufferMs < SAVE_BUFFER_MS) return SAVE;
  const late = behindMs - targetMs;
  const hurries = rate > 1 ? late > 0 : late > HURRY_BEHIND_MS;
  if (hurries && bufferMs >= HURRY_BUFFER_MS) return late > RUN_BEHIND_MS ? RUN : HURRY;
  const saves = rate < 1 && bufferMs < HURRY_BUFFER_MS && late < HURRY_BEHIND_MS;
  return saves ? SAVE : 1;
}
