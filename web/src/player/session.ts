// One viewer of one stream, from the first request to the last frame: connects, watches that frames arrive, asks why when
// they do not, and connects again, by another transport where that may help. It knows neither the DOM nor what a
// transport does; which one comes next is the ladder's to say.
//
//   connecting ──frames──▶ playing ──2 s without──▶ waiting ──frames──▶ playing
//       │                     └──path lost──▶ waiting ──┐
//       └──refused──▶ failed ◀────────refused───────────┘     both wait, then a new transport is opened

import { retryDelayMs } from './backoff.js';
import { Ladder, type Descent, type Rung } from './ladder.js';
import { RENEW_AFTER_MS, STABLE_AFTER_MS, STATUS_EVERY_MS, WATCH_EVERY_MS } from './limits.js';
import type { Mode } from './modes.js';
import type { Cancel, Platform } from './platform.js';
import { askStatus, type StatusAnswer } from './status.js';
import type { Target } from './target.js';
import type {
  Failure,
  Figures,
  Media,
  Problem,
  Quality,
  Transport,
  TransportEvents,
  TransportStats,
} from './transport.js';
import { Trial, type Proven } from './trial.js';

export type SessionState = 'connecting' | 'playing' | 'waiting' | 'failed';

export interface SessionView {
  state: SessionState;
  /** Why there is no picture; null while all is well or nothing is known yet. */
  problem: Problem | null;
  /** Of the picture that plays or played last. */
  codec: string | null;
  /** By which transport it plays, or is tried to. */
  mode: Mode;
  /** Why it is not by a better one. */
  descents: readonly Descent[];
  /** What can be chosen from. */
  qualities: readonly Quality[];
  /** The one that was chosen; null leaves it to the transport. */
  chosen: number | null;
}

export interface SessionEvents {
  changed: (view: SessionView) => void;
  /** A transport's media: it replaces what was shown. */
  media: (media: Media) => void;
  /** The media on the screen is about to end: the last moment to keep its last picture. */
  ending: () => void;
  /** Twice a second while there is a transport. */
  measured: (figures: Figures) => void;
}

export class Session {
  readonly #target: Target;
  readonly #ladder: Ladder;
  readonly #platform: Platform;
  readonly #events: SessionEvents;
  #view: SessionView;
  #transport: Transport | null = null;
  #accepted = false;
  #connected = false;
  #framesDecoded = 0;
  /** Whether this transport has shown a frame. */
  #hadPicture = false;
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
  /** What the reader chose. */
  #wanted: Quality | null = null;
  #cancelWatch: Cancel | null = null;
  #cancelRetry: Cancel | null = null;
  #cancelClimb: Cancel | null = null;
  #trial: Trial | null = null;

  constructor(target: Target, rungs: readonly [Rung, ...Rung[]], platform: Platform, events: SessionEvents) {
    this.#target = target;
    this.#ladder = new Ladder(rungs);
    this.#platform = platform;
    this.#events = events;
    this.#view = firstView(rungs);
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

  /** The network came back, or is another: what did not work in the old one may work now. */
  online(): void {
    this.#ladder.networkChanged();
    if (this.#cancelRetry !== null) this.#ladder.restart();
    this.#hurry();
    if (this.#view.state === 'playing') this.#climb();
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

  /** One of the view's qualities; null leaves the choice to the transport. It outlives the transport. */
  choose(chosen: number | null): void {
    this.#wanted = (chosen === null ? null : this.#view.qualities[chosen]) ?? null;
    this.#transport?.choose?.(chosen);
    this.#show({ chosen });
  }

  #connect(): void {
    this.#cancelRetry = null;
    const { rung, descents } = this.#ladder;
    this.#show({ mode: rung.mode, descents, qualities: [], chosen: null });
    this.#accepted = false;
    this.#connected = false;
    this.#begin(rung.open(this.#target, this.#platform, this.#transportEvents()));
  }

  /** From here on this is the transport. */
  #begin(transport: Transport): void {
    this.#framesDecoded = 0;
    this.#hadPicture = false;
    this.#transport = transport;
    this.#watchLater(transport);
  }

  #transportEvents(): TransportEvents {
    return {
      accepted: () => this.#wasAccepted(),
      media: (media) => this.#events.media(media),
      qualities: (qualities) => this.#offerQualities(qualities),
      presented: () => this.#sawFrame(),
      failed: (failure) => this.#failed(failure),
    };
  }

  #offerQualities(qualities: readonly Quality[]): void {
    this.#show({ qualities });
    const { name, height } = this.#wanted ?? {};
    const index = qualities.findIndex((quality) =>
      quality.height > 0 ? quality.height === height : quality.name !== undefined && quality.name === name,
    );
    if (index >= 0) this.choose(index);
  }

  #wasAccepted(): void {
    this.#accepted = true;
    this.#serverWasAway = false;
    this.#expectFrames();
    if (this.#view.state === 'failed') this.#show({ state: 'connecting', problem: null });
  }

  #failed(failure: Failure, verdict = this.#ladder.judge(failure.problem, this.#hadPicture)): void {
    this.#closeTransport();
    if (verdict === 'descend' && this.#descend(failure)) return;
    this.#failures += 1;
    this.#waitToRetry(verdict === 'descend' ? this.#ladder.exhausted(failure) : failure);
    if (verdict === 'ask' && this.#ladder.hasLower) void this.#askWhoseFault(failure);
  }

  #descend(failure: Failure): boolean {
    if (!this.#ladder.descend(failure, this.#platform.now())) return false;
    this.#connect();
    return true;
  }

  #waitToRetry(failure: Failure): void {
    const hadPicture = failure.problem.kind === 'lost' || failure.problem.kind === 'no-frames';
    this.#show({ state: hadPicture ? 'waiting' : 'failed', problem: failure.problem });
    const delayMs = retryDelayMs(failure, this.#failures, this.#platform.random());
    if (delayMs === null) return;
    this.#cancelRetry = this.#platform.after(delayMs, () => {
      this.#ladder.restartIfDue(this.#platform.now());
      this.#connect();
    });
  }

  /** A server that refuses and yet has the picture refuses this transport: the next may have more luck. */
  async #askWhoseFault(failure: Failure): Promise<void> {
    const retry = this.#cancelRetry;
    const answer = await askStatus(this.#target, this.#platform);
    if (retry === null || this.#cancelRetry !== retry) return;
    if (answer.kind !== 'stream' || answer.stream.state !== 'live') return;
    retry();
    this.#descend(failure);
  }

  #hurry(): void {
    if (this.#cancelRetry === null) return;
    this.#cancelRetry();
    this.#connect();
  }

  #closeTransport(): void {
    this.#cancelWatch?.();
    this.#cancelWatch = null;
    this.#stopClimbing();
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
    const stats = await transport.stats();
    if (this.#transport !== transport) return;
    this.#events.measured(stats.figures);
    if (stats.codec !== null) this.#show({ codec: stats.codec });
    if (stats.connected && !this.#connected) this.#expectFrames();
    this.#connected = stats.connected;
    if (stats.framesDecoded > this.#framesDecoded) {
      this.#framesDecoded = stats.framesDecoded;
      this.#sawFrame();
    } else if (this.#accepted && this.#visible) {
      this.#sawNoFrame(transport, stats);
    }
  }

  #sawNoFrame(transport: Transport, { paused, connected }: TransportStats): void {
    if (paused && this.#hadPicture) this.#expectFrames();
    else if (connected) this.#watchStall(transport);
    else if (this.#unexplainedFor(this.#ladder.hasLower ? this.#patience.path : RENEW_AFTER_MS)) {
      this.#failed({ problem: { kind: 'no-path' } });
    }
  }

  #watchStall(transport: Transport): void {
    const now = this.#platform.now();
    const { firstFrame, stall } = this.#patience;
    if (now - this.#lastFrameAt < (this.#hadPicture ? stall : firstFrame)) return;
    if (this.#view.state !== 'waiting') this.#show({ state: 'waiting', problem: { kind: 'no-frames' } });
    if (!this.#asking && now - this.#lastAskedAt >= STATUS_EVERY_MS) void this.#ask(transport);
  }

  get #patience(): Rung['patience'] {
    return this.#ladder.rung.patience;
  }

  /** From now on: a fresh start for the watchdog. */
  #expectFrames(): void {
    this.#lastFrameAt = this.#platform.now();
    this.#unexplainedSince = this.#lastFrameAt;
  }

  #unexplainedFor(ms: number): boolean {
    return this.#platform.now() - this.#unexplainedSince >= ms;
  }

  #sawFrame(): void {
    this.#expectFrames();
    this.#hadPicture = true;
    const now = this.#lastFrameAt;
    if (this.#view.state !== 'playing') {
      this.#playingSince = now;
      this.#show({ state: 'playing', problem: null });
    } else if (now - this.#playingSince >= STABLE_AFTER_MS) {
      this.#failures = 0;
      this.#ladder.lasted();
    }
    this.#climbLater();
  }

  #climbLater(): void {
    if (this.#cancelClimb !== null || this.#trial !== null || this.#ladder.better === null) return;
    const delayMs = this.#ladder.climbDelayMs(this.#platform.random());
    this.#cancelClimb = this.#platform.after(delayMs, () => this.#climb());
  }

  /** Tries the better transport beside the one that plays; for nobody who looks away. */
  #climb(): void {
    const { better } = this.#ladder;
    this.#cancelClimb?.();
    this.#cancelClimb = null;
    if (better === null || this.#trial !== null || !this.#visible || this.#view.state !== 'playing') return;
    this.#trial = new Trial(better, this.#target, this.#platform, (proven) => {
      this.#trial = null;
      if (proven === null) this.#ladder.stayed(this.#platform.now());
      else this.#climbTo(proven);
    });
  }

  #climbTo({ rung, transport, media, adopt }: Proven): void {
    this.#closeTransport();
    this.#ladder.climbed(rung);
    this.#accepted = true;
    this.#connected = true;
    this.#expectFrames();
    adopt(this.#transportEvents());
    this.#begin(transport);
    const { descents } = this.#ladder;
    this.#show({ mode: rung.mode, descents, qualities: [], chosen: null });
    this.#events.media(media);
  }

  #stopClimbing(): void {
    this.#cancelClimb?.();
    this.#cancelClimb = null;
    this.#trial?.stop();
    this.#trial = null;
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
        // The stream itself is gone, in every form.
        this.#failed({ problem: answer }, 'stay');
        this.#ladder.restart();
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
    if (this.#unexplainedFor(this.#patience.renew)) this.#failed({ problem });
    else this.#show({ problem });
  }

  #show(change: Partial<SessionView>): void {
    const view = { ...this.#view, ...change };
    if (JSON.stringify(view) === JSON.stringify(this.#view)) return;
    this.#view = view;
    this.#events.changed(view);
  }
}

/** What is shown before anything has happened. */
export function firstView([{ mode }]: readonly [Rung, ...Rung[]]): SessionView {
  const nothing = { problem: null, codec: null, descents: [], qualities: [], chosen: null };
  return { state: 'connecting', mode, ...nothing };
}
