// What keeps the picture away, or a better transport, in the reader's language.

import type { Texts } from '../i18n.js';
import type { Descent } from './ladder.js';
import { MODE_NAMES, type Mode } from './modes.js';
import type { Problem } from './transport.js';

/** A sentence; the server's own where it gave one, which is more exact than anything we could say. */
export function describeProblem(problem: Problem, mode: Mode, texts: Texts): string {
  switch (problem.kind) {
    case 'refused':
      return problem.text || texts.refused(problem.status);
    case 'not-found':
      return texts.notFound;
    case 'unreachable':
      return texts.unreachable;
    case 'bad-answer':
      return `${texts.badAnswer} (${problem.text})`;
    case 'no-path':
      return texts.noPath;
    case 'lost':
      return texts.lost;
    case 'no-frames':
      return texts.noFrames;
    case 'camera':
      return problem.text || texts.camera[problem.state];
    case 'codec':
      return texts.noDecoder(problem.codec);
    case 'unsupported':
      return texts.unsupported(MODE_NAMES[mode]);
  }
}

/** Whether waiting can help: then the reader is told that it is tried again. */
export function canHeal(problem: Problem): boolean {
  return problem.kind !== 'unsupported';
}

/**
 * Why it is not played by a better transport: `WebRTC: the media path did not come up`. Transports with the same reason
 * share it. Empty at the top of the ladder.
 */
export function describeDescents(descents: readonly Descent[], texts: Texts): string {
  const modes = new Map<string, string[]>();
  for (const { mode, problem } of descents) {
    const why = shortReason(problem, texts);
    modes.set(why, [...(modes.get(why) ?? []), MODE_NAMES[mode]]);
  }
  return [...modes].map(([why, names]) => `${names.join(', ')}: ${why}`).join('; ');
}

/** A clause, without a full stop. */
function shortReason(problem: Problem, texts: Texts): string {
  switch (problem.kind) {
    case 'refused':
      return problem.text.replace(/\.$/, '') || texts.why.refused(problem.status);
    case 'not-found':
      return texts.why.notOffered;
    case 'unreachable':
      return texts.why.unreachable;
    case 'bad-answer':
      return `${texts.why.badAnswer} (${problem.text})`;
    case 'no-path':
      return texts.why.noPath;
    case 'lost':
      return texts.why.lost;
    case 'no-frames':
      return texts.why.noFrames;
    case 'camera':
      return problem.text.replace(/\.$/, '') || texts.why.noFrames;
    case 'codec':
      return texts.why.noDecoder(problem.codec);
    case 'unsupported':
      return texts.why.unsupported;
  }
}
