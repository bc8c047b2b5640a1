// What keeps the picture away, in the reader's language.

import type { Texts } from '../i18n.js';
import type { Problem } from './transport.js';

/** A sentence; the server's own where it gave one, which is more exact than anything we could say. */
export function describeProblem(problem: Problem, texts: Texts): string {
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
    case 'unsupported':
      return texts.unsupported;
  }
}

/** Whether waiting can help: then the reader is told that it is tried again. */
export function canHeal(problem: Problem): boolean {
  return problem.kind !== 'unsupported';
}
