// A better transport on probation: opened unseen beside the one that plays, and handed over once it has a frame. The
// reader's picture is never interrupted for something that may not work.

import type { Rung } from './ladder.js';
import { TRIAL_MS, WATCH_EVERY_MS } from './limits.js';
import type { Cancel, Platform } from './platform.js';
import type { Target } from './target.js';
import type { Media, Transport, TransportEvents } from './transport.js';

/** A transport that has shown what it can. */
export interface Proven {
  rung: Rung;
  transport: Transport;
  media: Media;
  /** From now on these events are told; the media must be shown by the new owner. */
  adopt: (events: TransportEvents) => void;
}

export class Trial {
  readonly #rung: Rung;
  readonly #platform: Platform;
  readonly #ended: (proven: Proven | null) => void;
  readonly #transport: Transport;
  readonly #endsAt: number;
  #owner: TransportEvents | null = null;
  #media: Media | null = null;
  #over = false;
  #cancelWatch: Cancel = () => undefined;

  /** `ended` is called once, with null when the transport is no better; not after `stop`. */
  constructor(rung: Rung, target: Target, platform: Platform, ended: (proven: Proven | null) => void) {
    this.#rung = rung;
    this.#platform = platform;
    this.#ended = ended;
    this.#endsAt = platform.now() + TRIAL_MS;
    this.#transport = rung.open(target, platform, {
      accepted: () => this.#owner?.accepted(),
      media: (media) => {
        this.#media = media;
        this.#owner?.media(media);
      },
      qualities: (qualities) => this.#owner?.qualities(qualities),
      presented: () => this.#owner?.presented(),
      failed: (failure) => {
        if (this.#owner === null) this.#end(null);
        else this.#owner.failed(failure);
      },
    });
    this.#watchLater();
  }

  stop(): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelWatch();
    this.#transport.close();
  }

  #watchLater(): void {
    this.#cancelWatch = this.#platform.after(WATCH_EVERY_MS, () => void this.#watch());
  }

  async #watch(): Promise<void> {
    const { framesDecoded } = await this.#transport.stats();
    if (this.#over) return;
    const media = this.#media;
    if (framesDecoded > 0 && media !== null) {
      this.#end({
        rung: this.#rung,
        transport: this.#transport,
        media,
        adopt: (events) => (this.#owner = events),
      });
    } else if (this.#platform.now() >= this.#endsAt) {
      this.#transport.close();
      this.#end(null);
    } else {
      this.#watchLater();
    }
  }

  #end(proven: Proven | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelWatch();
    this.#ended(proven);
  }
}
