// Asks one address of the API again and again while somebody looks, and keeps what it said last.

import type { ReactiveController, ReactiveControllerHost } from 'lit';

import { sentenceOf } from '../answers.js';

/** Two seconds: a state that is older than that is noticed as stale. */
export const POLL_EVERY_MS = 2_000;

/** What the server is, its version and ports, changes when it is started again. */
export const SERVER_EVERY_MS = 60_000;

/** A list that takes longer comes from a server in trouble: better said than waited for. */
const POLL_TIMEOUT_MS = 8_000;

export type Trouble =
  | { kind: 'unreachable' }
  /** `text` is the server's sentence, or empty. */
  | { kind: 'refused'; status: number; text: string };

export class Poll<T> implements ReactiveController {
  /** The newest good answer; kept through trouble. */
  value: T | null = null;
  /** What is wrong now. */
  trouble: Trouble | null = null;

  readonly #host: ReactiveControllerHost;
  readonly #address: string;
  readonly #parse: (json: unknown) => T;
  readonly #everyMs: number;
  #stop: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    host: ReactiveControllerHost,
    address: string,
    parse: (json: unknown) => T,
    everyMs = POLL_EVERY_MS,
  ) {
    this.#host = host;
    this.#address = address;
    this.#parse = parse;
    this.#everyMs = everyMs;
    host.addController(this);
  }

  hostConnected(): void {
    document.addEventListener('visibilitychange', this.#visibilityChanged);
    this.#visibilityChanged();
  }

  hostDisconnected(): void {
    document.removeEventListener('visibilitychange', this.#visibilityChanged);
    this.#pause();
  }

  readonly #visibilityChanged = (): void => {
    this.#pause();
    if (document.visibilityState !== 'visible') return;
    this.#stop = new AbortController();
    void this.#ask(this.#stop.signal);
  };

  #pause(): void {
    this.#stop?.abort();
    clearTimeout(this.#timer);
  }

  async #ask(stop: AbortSignal): Promise<void> {
    const trouble = await this.#fetch(AbortSignal.any([stop, AbortSignal.timeout(POLL_TIMEOUT_MS)]));
    if (stop.aborted) return;
    this.trouble = trouble;
    this.#host.requestUpdate();
    const waitMs = trouble === null ? this.#everyMs : POLL_EVERY_MS;
    this.#timer = setTimeout(() => void this.#ask(stop), waitMs);
  }

  async #fetch(signal: AbortSignal): Promise<Trouble | null> {
    try {
      const response = await fetch(this.#address, { signal, headers: { Accept: 'application/json' } });
      if (!response.ok) return { kind: 'refused', status: response.status, text: await sentenceOf(response) };
      this.value = this.#parse(await response.json());
      return null;
    } catch {
      // No answer, or something else than our API's JSON at its address: either way the server is not there.
      return { kind: 'unreachable' };
    }
  }
}
