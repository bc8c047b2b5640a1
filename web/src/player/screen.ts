// What is seen of a session in the page: its media in the video element or on their canvas, and the last picture of media
// that have ended, until a new one comes. Here is also what the browser's rules about sound make necessary.

import type { Media } from './transport.js';

/** Where it is: the elements are there once the host has rendered. */
export interface ScreenHost {
  video: HTMLVideoElement;
  stillCanvas: HTMLCanvasElement;
  requestUpdate: () => void;
}

export class Screen {
  /** What the transport draws on; null while the video element shows it. */
  canvas: HTMLCanvasElement | null = null;
  /** The still holds the last picture of media that have ended. */
  holdsStill = false;
  hasSound = false;
  /** The browser allows no sound before the reader has touched the page. */
  silenced = false;
  /** Not even a silent picture starts without a touch. */
  blocked = false;

  readonly #host: ScreenHost;
  readonly #presented: () => void;
  #media: Media | null = null;

  /** `presented` tells that a frame of new media is on the screen. */
  constructor(host: ScreenHost, presented: () => void) {
    this.#host = host;
    this.#presented = presented;
  }

  show(media: Media): void {
    this.hasSound = media.sound;
    this.#host.requestUpdate();
    if (this.#media !== null && isSame(this.#media, media)) return;
    this.#media = media;
    const { video } = this.#host;
    this.canvas = media.kind === 'canvas' ? media.canvas : null;
    video.srcObject = media.kind === 'stream' ? media.stream : null;
    if (media.kind === 'canvas') return;
    if (media.kind === 'attached') media.attach(video);
    this.awaitFrame();
    // After this turn, when all tracks of an answer are there: the rule about sound must see the sound.
    setTimeout(() => void this.start(), 0);
  }

  /** Media that ends takes its picture with it, and the next media starts black. */
  keepPicture(): void {
    const { video, stillCanvas: still } = this.#host;
    const source = this.canvas ?? video;
    const [width, height] =
      'videoWidth' in source ? [source.videoWidth, source.videoHeight] : [source.width, source.height];
    const shows = this.canvas !== null || video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
    this.#media = null;
    this.canvas = null;
    if (!shows || width === 0) return;
    still.width = width;
    still.height = height;
    still.getContext('2d')?.drawImage(source, 0, 0);
    this.holdsStill = true;
    this.#host.requestUpdate();
  }

  /** A frame of the new media is there. */
  dropStill(): void {
    if (!this.holdsStill) return;
    this.holdsStill = false;
    this.#host.requestUpdate();
  }

  /** Nothing of what was: another stream comes. */
  clear(): void {
    this.#media = null;
    this.canvas = null;
    this.holdsStill = false;
    this.#host.video.srcObject = null;
  }

  awaitFrame(): void {
    const { video } = this.#host;
    // Without it, the session learns of frames from the statistics, half a second later.
    if (!('requestVideoFrameCallback' in video)) {
      this.dropStill();
      return;
    }
    const media = this.#media;
    video.requestVideoFrameCallback(() => {
      // Media that end may show a last frame, which is nobody's news.
      if (this.#media === media) this.#presented();
    });
  }

  /** Plays, without sound where the browser forbids it. */
  async start(): Promise<void> {
    this.blocked = false;
    if (!(await this.#mayPlay())) {
      this.silenced = true;
      this.#host.video.muted = true;
      this.blocked = !(await this.#mayPlay());
    }
    this.#host.requestUpdate();
  }

  /** False only if the browser forbids it; another media taking the place of this one is no refusal. */
  async #mayPlay(): Promise<boolean> {
    try {
      await this.#host.video.play();
      return true;
    } catch (error) {
      return !(error instanceof DOMException && error.name === 'NotAllowedError');
    }
  }
}

function isSame(a: Media, b: Media): boolean {
  if (a.kind === 'stream') return b.kind === 'stream' && a.stream === b.stream;
  if (a.kind === 'attached') return b.kind === 'attached' && a.attach === b.attach;
  return b.kind === 'canvas' && a.canvas === b.canvas;
}
