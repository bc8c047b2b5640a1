// The ladder of transports, best first. It decides whether a failure is the transport's own, so that another may do
// better, remembers why each better one was left, and when the best is worth another try. It opens nothing.
//
// A camera's fault is no transport's: a stream that has no picture has none on any rung.

import { CLIMB_FIRST_MS, CLIMB_MAX_MS, RETRY_JITTER, STRIKES_MAX } from './limits.js';
import type { Mode } from './modes.js';
import type { Failure, OpenTransport, Problem } from './transport.js';

export interface Rung {
  mode: Mode;
  open: OpenTransport;
  /** Whether it proves itself unseen, beside another that plays: only such a rung is climbed back to. */
  provesUnseen: boolean;
  patience: Patience;
}

/** How long this transport may take, all in milliseconds, before something is said or done. */
export interface Patience {
  /** Until its media path is up, once the server accepted and while there is a rung below. */
  path: number;
  /** Until its first frame. */
  firstFrame: number;
  /** Between two frames. */
  stall: number;
  /** Without frames although the server calls the camera live. */
  renew: number;
}

/** A rung that was left, and why. */
export interface Descent extends Failure {
  mode: Mode;
}

/**
 * What a failure asks for: `stay` tries the same again, `descend` the next, and `ask` depends on the camera: while it is
 * live, the fault is this transport's.
 */
export type Verdict = 'stay' | 'descend' | 'ask';

export class Ladder {
  readonly #rungs: readonly [Rung, ...Rung[]];
  #at = 0;
  #descents: Descent[] = [];
  /** How often this rung's picture broke since the last that lasted. */
  #strikes = 0;
  #climbs = 0;
  #triedBetterAt = 0;

  constructor(rungs: readonly [Rung, ...Rung[]]) {
    this.#rungs = rungs;
  }

  get rung(): Rung {
    return this.#rungs[this.#at] ?? this.#rungs[0];
  }

  /** Why each better rung was left, best first. */
  get descents(): readonly Descent[] {
    return this.#descents;
  }

  get hasLower(): boolean {
    return this.#at + 1 < this.#rungs.length;
  }

  /** Says what a failure on this rung asks for, and counts it. `hadPicture`: it had shown one. */
  judge(problem: Problem, hadPicture: boolean): Verdict {
    switch (problem.kind) {
      case 'bad-answer':
      case 'no-path':
      case 'codec':
      case 'unsupported':
        return 'descend';
      case 'refused':
        return judgeStatus(problem.status);
      case 'not-found':
        // On the way down the stream is known to exist: it is this form of it that does not.
        return this.#at > 0 ? 'descend' : 'stay';
      case 'no-frames':
        return this.#strike() || !hadPicture ? 'descend' : 'stay';
      case 'lost':
        return this.#strike() ? 'descend' : 'stay';
      case 'unreachable':
      case 'camera':
        return 'stay';
    }
  }

  /** One rung down; false at the bottom. */
  descend(failure: Failure, now: number): boolean {
    if (!this.hasLower) return false;
    this.#descents = [...this.#descents, { ...failure, mode: this.rung.mode }];
    if (this.#at === 0) this.#triedBetterAt = now;
    this.#at += 1;
    this.#strikes = 0;
    return true;
  }

  #strike(): boolean {
    this.#strikes += 1;
    return this.#strikes >= STRIKES_MAX;
  }

  /** The picture of this rung lasted. */
  lasted(): void {
    this.#strikes = 0;
    if (this.#at === 0) this.#climbs = 0;
  }

  /**
   * The last rung failed too: the next attempt begins at the top. What is told is the best rung's failure, because the
   * others were only its substitutes; but one that time may mend goes before one that it cannot. So is the time that it asked for.
   */
  exhausted(last: Failure): Failure {
    const failures = [...this.#descents, last];
    this.restart();
    const { problem, retryAfterMs = null } =
      failures.find((failure) => failure.problem.kind !== 'unsupported') ?? last;
    return { problem, retryAfterMs };
  }

  restart(): void {
    this.#at = 0;
    this.#descents = [];
    this.#strikes = 0;
  }

  /** The picture is gone anyway: back to the top, unless that has failed only just now. */
  restartIfDue(now: number): void {
    if (this.#at > 0 && now - this.#triedBetterAt >= CLIMB_FIRST_MS) this.restart();
  }

  /** The best rung that is worth a try beside the one that plays; null when there is none. */
  get better(): Rung | null {
    const index = this.#rungs.findIndex(({ provesUnseen }) => provesUnseen);
    if (index < 0 || index >= this.#at) return null;
    return this.#descents[index]?.problem.kind === 'unsupported' ? null : (this.#rungs[index] ?? null);
  }

  /** Until the next try of it. `random` is in [0, 1). */
  climbDelayMs(random: number): number {
    const wait = Math.min(CLIMB_MAX_MS, CLIMB_FIRST_MS * 2 ** this.#climbs);
    return Math.round(wait * (1 + RETRY_JITTER * random));
  }

  /** It was tried and is no better yet. */
  stayed(now: number): void {
    this.#triedBetterAt = now;
    this.#climbs += 1;
  }

  /** Another network: what failed in the old one is worth a try soon. */
  networkChanged(): void {
    this.#climbs = 0;
  }

  /** It was tried and plays. */
  climbed(rung: Rung): void {
    this.#at = Math.max(0, this.#rungs.indexOf(rung));
    this.#descents = this.#descents.slice(0, this.#at);
    this.#strikes = 0;
  }
}

function judgeStatus(status: number): Verdict {
  // Who asks is the matter, or how often: the same on every rung.
  if ([401, 403, 408, 429].includes(status)) return 'stay';
  // 503 is the camera's as often as a part of the server that is switched off.
  return status >= 500 ? 'ask' : 'descend';
}
