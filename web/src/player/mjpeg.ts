// Playback of MJPEG over HTTP (`multipart/x-mixed-replace`): each picture is drawn on a canvas. No sound, much data, and
// the one form that any browser shows: the last rung. An `<img>` would play it too, but tells neither refusals nor stalls.

import {
  JPEG_ERRORS_MAX,
  JPEG_MAX_BYTES,
  MJPEG_TIMEOUT_MS,
  PART_HEADER_MAX_BYTES,
  RATE_OVER_MS,
} from './limits.js';
import { Multipart } from './multipart.js';
import type { Platform } from './platform.js';
import { Rate } from './rate.js';
import { refusal } from './refusal.js';
import type { Target } from './target.js';
import {
  NO_FIGURES,
  type Failure,
  type Transport,
  type TransportEvents,
  type TransportStats,
} from './transport.js';

export function openMjpeg(target: Target, platform: Platform, events: TransportEvents): Transport {
  return new Mjpeg(target.http?.mjpeg ?? null, platform, events);
}

class Mjpeg implements Transport {
  readonly #address: string | null;
  readonly #platform: Platform;
  readonly #events: TransportEvents;
  readonly #canvas: HTMLCanvasElement | null;
  readonly #abort = new AbortController();
  readonly #bits = new Rate(RATE_OVER_MS);
  readonly #frames = new Rate(RATE_OVER_MS);
  #closed = false;
  #accepted = false;
  #received = { bits: 0 };
  #drawn = 0;
  #dropped = 0;
  #errors = 0;
  #decoding = false;
  /** The newest picture that waits for its turn; an older one is not worth drawing any more. */
  #next: Uint8Array<ArrayBuffer> | null = null;

  constructor(address: string | null, platform: Platform, events: TransportEvents) {
    this.#address = address;
    this.#platform = platform;
    this.#events = events;
    this.#canvas = platform.createCanvas();
    void Promise.resolve().then(() => (this.#closed ? undefined : this.#start()));
  }

  stats(): Promise<TransportStats> {
    const now = this.#platform.now();
    this.#bits.add(now, this.#received.bits);
    this.#frames.add(now, this.#drawn);
    const seen = this.#drawn > 0;
    return Promise.resolve({
      connected: this.#accepted,
      framesDecoded: this.#drawn,
      codec: seen ? 'JPEG' : null,
      paused: false,
      figures: {
        ...NO_FIGURES,
        width: seen ? (this.#canvas?.width ?? 0) : 0,
        height: seen ? (this.#canvas?.height ?? 0) : 0,
        framesPerSecond: this.#frames.perSecond,
        bitsPerSecond: this.#bits.perSecond,
        framesDropped: this.#dropped,
      },
    });
  }

  close(): void {
    this.#closed = true;
    this.#abort.abort();
  }

  async #start(): Promise<void> {
    if (this.#address === null || this.#canvas === null) {
      this.#fail({ problem: { kind: 'unsupported' } });
      return;
    }
    const response = await this.#request(this.#address);
    if (this.#closed) return;
    if (response === null) this.#fail({ problem: { kind: 'unreachable' } });
    else if (!response.ok) this.#fail(await refusal(response));
    else await this.#read(response, this.#canvas);
  }

  /** Only the headers are bound in time: the body never ends. */
  async #request(address: string): Promise<Response | null> {
    const cancel = this.#platform.after(MJPEG_TIMEOUT_MS, () => this.#abort.abort());
    try {
      return await this.#platform.fetch(address, { signal: this.#abort.signal });
    } catch {
      return null;
    } finally {
      cancel();
    }
  }

  async #read(response: Response, canvas: HTMLCanvasElement): Promise<void> {
    try {
      const parts = new Multipart(response.headers.get('Content-Type') ?? '', {
        headerBytes: PART_HEADER_MAX_BYTES,
        bodyBytes: JPEG_MAX_BYTES,
      });
      this.#accepted = true;
      this.#events.accepted();
      this.#events.media({ kind: 'canvas', canvas, sound: false });
      const reader = response.body?.getReader();
      for (;;) {
        const chunk = await reader?.read().catch(() => undefined);
        if (this.#closed) return;
        if (chunk?.value === undefined) break;
        this.#received.bits += 8 * chunk.value.length;
        for (const picture of parts.push(chunk.value)) this.#show(picture, canvas);
      }
      this.#fail({ problem: { kind: 'lost' } });
    } catch (error) {
      this.#fail({
        problem: { kind: 'bad-answer', text: error instanceof Error ? error.message : String(error) },
      });
    }
  }

  #show(picture: Uint8Array<ArrayBuffer>, canvas: HTMLCanvasElement): void {
    if (this.#next !== null) this.#dropped += 1;
    this.#next = picture;
    if (!this.#decoding) void this.#draw(canvas);
  }

  async #draw(canvas: HTMLCanvasElement): Promise<void> {
    this.#decoding = true;
    for (let picture = this.#take(); picture !== null && !this.#closed; picture = this.#take()) {
      try {
        const image = await this.#platform.decodeImage(new Blob([picture], { type: 'image/jpeg' }));
        this.#put(image, canvas);
        this.#errors = 0;
      } catch {
        this.#errors += 1;
        if (this.#errors >= JPEG_ERRORS_MAX) this.#fail({ problem: { kind: 'codec', codec: 'JPEG' } });
      }
    }
    this.#decoding = false;
  }

  #take(): Uint8Array<ArrayBuffer> | null {
    const picture = this.#next;
    this.#next = null;
    return picture;
  }

  #put(image: ImageBitmap, canvas: HTMLCanvasElement): void {
    // Setting the size clears the canvas: only when it is another.
    if (canvas.width !== image.width || canvas.height !== image.height) {
      canvas.width = image.width;
      canvas.height = image.height;
    }
    canvas.getContext('2d')?.drawImage(image, 0, 0);
    image.close();
    if (this.#closed) return;
    this.#drawn += 1;
    this.#events.presented();
  }

  #fail(failure: Failure): void {
    if (this.#closed) return;
    this.close();
    this.#events.failed(failure);
  }
}
