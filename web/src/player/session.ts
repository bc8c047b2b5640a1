// One viewer of one stream, from the first offer to the last frame: connects, watches that frames arrive, asks why when
// they do not, and connects again. It knows neither the DOM nor the transport's protocol.
//
//   connecting ──frames──▶ playing ──2 s without──▶ waiting ──frames──▶ playing
//       │                     └──path lost──▶ waiting ──┐
//       └──refused──▶ failed ◀────────refused───────────┘     both wait, then a new transport is opened

import { retryDelayMs } from './backoff.js';
import {
  RENEW_AFTER_MS,
  STABLE_AFTER_MS,
  STALL_AFTER_MS,
  STATUS_EVERY_MS,
  WATCH_EVERY_MS,
} from './limits.js';
import type { Cancel, Platform } from './platform.js';
import { askStatus, type StatusAnswer } from './status.js';
import type { Target } from './target.js';
import type { Failure, OpenTransport, Problem, Transport } from './transport.js';

export type SessionState = 'connecting' | 'playing' | 'waiting' | 'failed';

export interface SessionView {
  state: SessionState;
  /** Why there is no picture; null while all is well or nothing is known yet. */
  problem: Problem | null;
  /** Of the picture that plays or played last. */
  codec: string | null;
}

export interface SessionEvents {
  changed: (view: SessionView) => void;
  /** A new transport's media: it replaces what was shown. */
  media: (media: MediaStream) => void;
  /** The media on the screen is about to end: the last moment to keep its last picture. */
  ending: () => void;
}

export class Session {
  readonly #target: Target;
  readonly #open: OpenTransport;
  readonly #platform: Platform;
  readonly #events: SessionEvents;
  #view: SessionView = { state: 'connecting', problem: null, codec: null };
  #transport: Transport | null = null;
  #accepted = false;
  #connected = false;
  #framesDecoded = 0;
  /** When the last frame came, or when the first could have come. */
  #lastFrameAt = 0;
  /** Since when the picture is missing although nothing explains it. */
  #unexplainedSince = 0;
  #playingSince = 0;
  #failures = 0;
  #visible = true;
  #serverWasAway = false;
  #asking = false;
  #lastAskedAt = 0;
  #cancelWatch: Cancel | null = null;
  #cancelRetry: Cancel | null = null;

  constructor(target: Target, open: OpenTransport, platform: Platform, events: SessionEvents) {
    this.#target = target;
    this.#open = open;
    this.#platform = platform;
    this.#events = events;
  }

  start(): void {
    this.#connect();
  }

  /** The end; a session is not started twice. */
  stop(): void {
    this.#closeTransport();
    this.#cancelRetry?.();
    this.#cancelRetry = null;
  }

  /** Somebody asks for the picture now. */
  retry(): void {
    if (this.#cancelRetry === null) return;
    this.#cancelRetry();
    this.#show({ state: 'connecting', problem: null });
    this.#connect();
  }

  /** The network came back: a wait that was meant for the old network is over. */
  online(): void {
    this.#hurry();
  }

  /** Browsers may stop decoding for a page that nobody sees: that is no stall. */
  setVisible(visible: boolean): void {
    if (visible === this.#visible) return;
    this.#visible = visible;
    if (!visible) return;
    this.#expectFrames();
    this.#hurry();
  }

  /** A frame is on the screen: news that would otherwise come with the next look at the statistics. */
  framePresented(): void {
    if (this.#transport !== null) this.#sawFrame();
  }

  #connect(): void {
    this.#cancelRetry = null;
    this.#accepted = false;
    this.#connected = false;
    this.#framesDecoded = 0;
    const transport: Transport = this.#open(this.#target, this.#platform, {
      accepted: () => this.#wasAccepted(),
      media: (media) => this.#events.media(media),
      failed: (failure) => this.#failed(failure),
    });
    this.#transport = transport;
    this.#watchLater(transport);
  }

  #wasAccepted(): void {
    this.#accepted = true;
    this.#serverWasAway = false;
    this.#expectFrames();
    if (this.#view.state === 'failed') this.#show({ state: 'connecting', problem: null });
  }

  #failed(failure: Failure): void {
    this.#closeTransport();
    this.#failures += 1;
    const hadPicture = failure.problem.kind === 'lost' || failure.problem.kind === 'no-frames';
    this.#show({ state: hadPicture ? 'waiting' : 'failed', problem: failure.problem });
    const delayMs = retryDelayMs(failure, this.#failures, this.#platform.random());
    if (delayMs !== null) this.#cancelRetry = this.#platform.after(delayMs, () => this.#connect());
  }

  #hurry(): void {
    if (this.#cancelRetry === null) return;
    this.#cancelRetry();
    this.#connect();
  }

  #closeTransport(): void {
    this.#cancelWatch?.();
    this.#cancelWatch = null;
    if (this.#transport !== null) this.#events.ending();
    this.#transport?.close();
    this.#transport = null;
  }

  #watchLater(transport: Transport): void {
    this.#cancelWatch = this.#platform.after(WATCH_EVERY_MS, () => {
      void this.#watch(transport).then(() => {
        if (this.#transport === transport) this.#watchLater(transport);
      });
    });
  }

  async #watch(transport: Transport): Promise<void> {
    const { connected, framesDecoded, codec } = await transport.stats();
    if (this.#transport !== transport) return;
    if (codec !== null) this.#show({ codec });
    if (connected && !this.#connected) this.#expectFrames();
    this.#connected = connected;
    if (framesDecoded > this.#framesDecoded) {
      this.#framesDecoded = framesDecoded;
      this.#sawFrame();
    } else if (this.#accepted && this.#visible) {
      if (connected) this.#watchStall(transport);
      else if (this.#unexplainedForTooLong()) this.#failed({ problem: { kind: 'no-path' } });
    }
  }

  #watchStall(transport: Transport): void {
    const now = this.#platform.now();
    if (now - this.#lastFrameAt < STALL_AFTER_MS) return;
    if (this.#view.state !== 'waiting') this.#show({ state: 'waiting', problem: { kind: 'no-frames' } });
    if (!this.#asking && now - this.#lastAskedAt >= STATUS_EVERY_MS) void this.#ask(transport);
  }

  /** From now on: a fresh start for the watchdog. */
  #expectFrames(): void {
    this.#lastFrameAt = this.#platform.now();
    this.#unexplainedSince = this.#lastFrameAt;
  }

  #unexplainedForTooLong(): boolean {
    return this.#platform.now() - this.#unexplainedSince >= RENEW_AFTER_MS;
  }

  #sawFrame(): void {
    this.#expectFrames();
    const now = this.#lastFrameAt;
    if (this.#view.state !== 'playing') {
      this.#playingSince = now;
      this.#show({ state: 'playing', problem: null });
    } else if (now - this.#playingSince >= STABLE_AFTER_MS) {
      this.#failures = 0;
    }
  }

  async #ask(transport: Transport): Promise<void> {
    this.#asking = true;
    this.#lastAskedAt = this.#platform.now();
    const answer = await askStatus(this.#target, this.#platform);
    this.#asking = false;
    // Frames may have come meanwhile: then the answer is about the past.
    if (this.#transport === transport && this.#view.state === 'waiting') this.#heard(answer);
  }

  #heard(answer: StatusAnswer): void {
    switch (answer.kind) {
      case 'not-found':
        this.#failed({ problem: answer });
        break;
      case 'unreachable':
        this.#serverWasAway = true;
        this.#explain({ kind: 'unreachable' });
        break;
      case 'unknown':
        this.#explain({ kind: 'no-frames' });
        break;
      case 'stream': {
        const { state, reason, consumers } = answer.stream;
        // A server that was away has forgotten us, and so has one whose idle stream has no viewer.
        if (this.#serverWasAway || (state === 'idle' && consumers === 0)) {
          this.#failed({ problem: { kind: 'lost' } });
        } else if (state === 'live') {
          this.#explain({ kind: 'no-frames' });
        } else {
          // The camera's fault, and the server's to mend: our session is good, however long it takes.
          this.#unexplainedSince = this.#platform.now();
          this.#explain({ kind: 'camera', state, text: reason });
        }
      }
    }
  }

  /** Says what is wrong, and after long enough does something about it. */
  #explain(problem: Problem): void {
    if (this.#unexplainedForTooLong()) this.#failed({ problem });
    else this.#show({ problem });
  }

  #show(change: Partial<SessionView>): void {
    const before = this.#view;
    const view = { ...before, ...change };
    if (view.state === before.state && view.codec === before.codec && same(view.problem, before.problem))
      return;
    this.#view = view;
    this.#events.changed(view);
  }
}

function same(a: Problem | null, b: Problem | null): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
