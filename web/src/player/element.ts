// <yeoul-player src="cam">: one stream of a Yeoul server in a page, with its state in words. The session decides; this
// file shows what it decides, and is the only one that touches the page. Who imports it registers the element.

import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, query, state } from 'lit/decorators.js';

import { codecName } from '../codecs.js';
import { textsFor, type Texts } from '../i18n.js';
import * as icons from './icons.js';
import { browserPlatform } from './platform.js';
import { Session, type SessionState, type SessionView } from './session.js';
import { playerStyles } from './styles.js';
import { resolveTarget, type Target } from './target.js';
import { openWhep } from './whep.js';
import { canHeal, describeProblem } from './words.js';

/** `stopped`: nobody has asked for the picture yet, or somebody stopped it. */
export type PlayerState = SessionState | 'stopped';

/** The detail of the event `yeoul-state`, which tells every change of it. */
export interface PlayerStateDetail {
  state: PlayerState;
  /** Why there is no picture, a sentence in the player's language; empty while all is well. */
  reason: string;
  /** Of the picture, in its own pixels; 0 before the first frame. */
  width: number;
  height: number;
}

/** `autoplay` is on unless it is said to be off: an attribute's absence cannot mean both. */
const onByDefault = {
  fromAttribute: (value: string | null) => value !== 'false' && value !== 'off',
  toAttribute: (value: boolean) => (value ? null : 'false'),
};

export class YeoulPlayer extends LitElement {
  static override styles = playerStyles;

  /** The server of players that name none: the page's own, or where `yeoul-player.js` came from. */
  static defaultServer = new URL('.', document.baseURI).href;

  /** A stream's name, or an address that names server and stream. */
  @property() src = '';
  /** The server's address, the folder in which `api/` lies. */
  @property() server = '';
  @property({ type: Boolean, reflect: true }) muted = false;
  @property({ type: Boolean, reflect: true }) controls = false;
  @property({ converter: onByDefault }) autoplay = true;
  @property({ reflect: true }) override lang = '';
  /** Read it, do not write it. */
  @property({ reflect: true }) state: PlayerState = 'stopped';

  @state() private view: SessionView | null = null;
  @state() private target: Target | null = null;
  @state() private videoWidth = 0;
  @state() private videoHeight = 0;
  /** The browser allows no sound before the reader has touched the page. */
  @state() private silenced = false;
  /** Not even a silent picture starts without a touch. */
  @state() private blocked = false;
  @state() private hasSound = false;
  /** The canvas holds the last picture of a session that is over. */
  @state() private still = false;
  @state() private isFullscreen = false;

  @query('video') private video!: HTMLVideoElement;
  @query('canvas') private canvas!: HTMLCanvasElement;

  #session: Session | null = null;
  /** What `play()` or `stop()` said last; until then `autoplay` counts. */
  #wanted: boolean | null = null;
  #told = '';
  #pageEvents: AbortController | null = null;

  /** Starts, or starts again, unless it plays already. */
  play(): void {
    this.#wanted = true;
    this.#startSession();
  }

  /** Ends the session; the last picture stays. */
  stop(): void {
    this.#wanted = false;
    this.#stopSession();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#pageEvents = new AbortController();
    const { signal } = this.#pageEvents;
    window.addEventListener('online', () => this.#session?.online(), { signal });
    window.addEventListener('pagehide', () => this.#stopSession(), { signal });
    // Back from the page cache: the session was closed on leaving.
    window.addEventListener('pageshow', ({ persisted }) => persisted && this.#startIfWanted(), {
      signal,
    });
    document.addEventListener('visibilitychange', () => this.#tellVisibility(), { signal });
    this.addEventListener(
      'fullscreenchange',
      () => (this.isFullscreen = document.fullscreenElement === this),
      {
        signal,
      },
    );
    if (this.hasUpdated) this.#startIfWanted();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#pageEvents?.abort();
    this.#stopSession();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('src') || changed.has('server')) {
      this.#stopSession();
      this.target = resolveTarget(this.src, this.server || YeoulPlayer.defaultServer, document.baseURI);
      this.still = false;
      this.videoWidth = 0;
      this.videoHeight = 0;
    }
    if (changed.has('muted')) this.silenced = false;
    this.state = this.target === null ? 'failed' : (this.view?.state ?? 'stopped');
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has('src') || changed.has('server')) {
      this.video.srcObject = null;
      this.#startIfWanted();
    }
    this.#tellState();
  }

  protected override render(): TemplateResult {
    const texts = this.#texts;
    const quiet = this.state === 'waiting' || this.state === 'failed';
    return html`
      <div
        class=${quiet ? 'frame quiet' : 'frame'}
        part="frame"
        role="group"
        aria-label=${texts.playerLabel(this.target?.name ?? '')}
        tabindex=${this.controls ? '0' : nothing}
        @keydown=${this.#onKey}
        @dblclick=${this.controls ? this.#toggleFullscreen : nothing}
      >
        <video
          part="video"
          playsinline
          disableremoteplayback
          .muted=${this.muted || this.silenced}
          @resize=${this.#onResize}
        ></video>
        <canvas part="still" ?hidden=${!this.still || this.state === 'playing'}></canvas>
        ${this.#renderInfo()} ${this.#renderMessage(texts)} ${this.#renderUnmute(texts)}
        ${this.controls ? this.#renderControls(texts) : nothing}
      </div>
    `;
  }

  #renderInfo(): TemplateResult | typeof nothing {
    if (this.state !== 'playing' || this.videoWidth === 0) return nothing;
    const codec = this.view?.codec ?? '';
    const size = `${this.videoWidth}×${this.videoHeight}`;
    return html`<div class="info" part="info">${size}${codec && ` · ${codecName(codec)}`}</div>`;
  }

  /** Always there, so that a screen reader hears every change; nothing to see while the picture plays. */
  #renderMessage(texts: Texts): TemplateResult {
    const reason = this.#reason;
    const needsTouch = this.state === 'stopped' || (this.state === 'playing' && this.blocked);
    const plays = this.state === 'playing' && !this.blocked;
    return html`
      <div class=${plays ? 'spoken-only' : 'message'} part="message">
        ${this.state === 'connecting' ? waves : nothing}
        <div role="status" aria-live="polite">
          <p class="headline">${texts[this.state]}</p>
          ${reason ? html`<p class="reason">${reason}</p>` : nothing}
          ${this.#heals ? html`<p class="hint">${texts.triesAgain}</p>` : nothing}
        </div>
        ${
          this.state === 'failed' && this.#heals
            ? html`<button part="button" @click=${() => this.#session?.retry()}>${texts.tryNow}</button>`
            : nothing
        }
        ${
          needsTouch
            ? html`<button part="button" @click=${this.#playByHand}>${icons.playIcon} ${texts.play}</button>`
            : nothing
        }
      </div>
    `;
  }

  #renderUnmute(texts: Texts): TemplateResult | typeof nothing {
    if (!this.silenced || !this.hasSound || this.state !== 'playing' || this.blocked) return nothing;
    return html`<button class="unmute" part="button" @click=${this.#unmute}>
      ${icons.mutedIcon} ${texts.unmute}
    </button>`;
  }

  #renderControls(texts: Texts): TemplateResult {
    const quiet = this.muted || this.silenced;
    const stopped = this.state === 'stopped';
    return html`
      <div class="controls" part="controls" role="toolbar" aria-label=${texts.controls}>
        ${button(stopped ? texts.play : texts.stop, stopped ? icons.playIcon : icons.stopIcon, this.#togglePlay)}
        ${
          this.hasSound
            ? button(
                quiet ? texts.unmute : texts.mute,
                quiet ? icons.mutedIcon : icons.soundIcon,
                this.#toggleMuted,
              )
            : nothing
        }
        <span class="gap"></span>
        ${
          document.pictureInPictureEnabled
            ? button(texts.pictureInPicture, icons.insetIcon, this.#toggleInset)
            : nothing
        }
        ${
          document.fullscreenEnabled
            ? button(
                this.isFullscreen ? texts.leaveFullscreen : texts.fullscreen,
                this.isFullscreen ? icons.leaveFullscreenIcon : icons.enterFullscreenIcon,
                this.#toggleFullscreen,
              )
            : nothing
        }
      </div>
    `;
  }

  get #texts(): Texts {
    return textsFor(this.lang || navigator.language);
  }

  get #reason(): string {
    if (this.target === null) return this.#texts.nothingToPlay;
    const problem = this.view?.problem ?? null;
    return problem === null ? '' : describeProblem(problem, this.#texts);
  }

  /** Whether a failure is shown that time may mend. */
  get #heals(): boolean {
    const problem = this.view?.problem ?? null;
    return this.state === 'failed' && problem !== null && canHeal(problem);
  }

  #startIfWanted(): void {
    if (this.#wanted ?? this.autoplay) this.#startSession();
  }

  #startSession(): void {
    if (this.#session !== null || this.target === null || !this.isConnected) return;
    const session = new Session(this.target, openWhep, browserPlatform, {
      changed: (view) => this.#viewChanged(view),
      media: (media) => this.#showMedia(media),
      ending: () => this.#keepPicture(),
    });
    this.#session = session;
    this.view = { state: 'connecting', problem: null, codec: null };
    session.start();
    this.#tellVisibility();
  }

  #stopSession(): void {
    this.#session?.stop();
    this.#session = null;
    this.view = null;
  }

  #viewChanged(view: SessionView): void {
    const stalled = view.state === 'waiting' && this.view?.state !== 'waiting';
    this.view = view;
    if (view.state === 'playing') this.still = false;
    if (stalled) this.#awaitFrame();
  }

  #showMedia(media: MediaStream): void {
    this.hasSound = media.getAudioTracks().length > 0;
    if (this.video.srcObject === media) return;
    this.video.srcObject = media;
    this.#awaitFrame();
    // After this turn, when all tracks of the answer are there: the rule about sound must see the sound.
    setTimeout(() => void this.#startVideo(), 0);
  }

  async #startVideo(): Promise<void> {
    this.blocked = false;
    if (await this.#mayPlay()) return;
    this.silenced = true;
    this.video.muted = true;
    this.blocked = !(await this.#mayPlay());
  }

  /** False only if the browser forbids it; another media taking the place of this one is no refusal. */
  async #mayPlay(): Promise<boolean> {
    try {
      await this.video.play();
      return true;
    } catch (error) {
      return !(error instanceof DOMException && error.name === 'NotAllowedError');
    }
  }

  #awaitFrame(): void {
    // Where it is missing, the session learns of frames from the statistics, half a second later.
    if ('requestVideoFrameCallback' in this.video) {
      this.video.requestVideoFrameCallback(() => this.#session?.framePresented());
    }
  }

  /** Media that ends takes its picture with it, and the next media starts black. */
  #keepPicture(): void {
    const { video, canvas } = this;
    if (video.videoWidth === 0 || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext('2d')?.drawImage(video, 0, 0);
    this.still = true;
  }

  #tellVisibility(): void {
    this.#session?.setVisible(document.visibilityState === 'visible');
  }

  #tellState(): void {
    const detail: PlayerStateDetail = {
      state: this.state,
      reason: this.#reason,
      width: this.videoWidth,
      height: this.videoHeight,
    };
    const told = JSON.stringify(detail);
    if (told === this.#told) return;
    this.#told = told;
    this.dispatchEvent(new CustomEvent('yeoul-state', { detail, bubbles: true, composed: true }));
  }

  #onResize(): void {
    this.videoWidth = this.video.videoWidth;
    this.videoHeight = this.video.videoHeight;
  }

  #onKey(event: KeyboardEvent): void {
    if (!this.controls || event.ctrlKey || event.metaKey || event.altKey) return;
    const onButton = event.composedPath()[0] instanceof HTMLButtonElement;
    if (event.key === 'k' || (event.key === ' ' && !onButton)) this.#togglePlay();
    else if (event.key === 'm') this.#toggleMuted();
    else if (event.key === 'f') this.#toggleFullscreen();
    else return;
    event.preventDefault();
  }

  #playByHand(): void {
    if (this.blocked) void this.#startVideo();
    else this.play();
  }

  #togglePlay(): void {
    if (this.state === 'stopped') this.play();
    else this.stop();
  }

  #toggleMuted(): void {
    if (this.muted || this.silenced) this.#unmute();
    else this.muted = true;
  }

  #unmute(): void {
    this.muted = false;
    this.silenced = false;
  }

  #toggleFullscreen(): void {
    void (this.isFullscreen ? document.exitFullscreen() : this.requestFullscreen()).catch(() => null);
  }

  #toggleInset(): void {
    const inset = document.pictureInPictureElement !== null;
    void (inset ? document.exitPictureInPicture() : this.video.requestPictureInPicture()).catch(() => null);
  }
}

function button(name: string, icon: TemplateResult, onClick: () => void): TemplateResult {
  return html`<button part="button" aria-label=${name} title=${name} @click=${onClick}>${icon}</button>`;
}

/** Four crests, of which two are in view: the flow ends where it began. */
const waves = html`<svg class="waves" viewBox="0 0 60 24" aria-hidden="true">
  <path d="M-30 8q7.5-9 15 0t15 0 15 0 15 0 15 0 15 0 15 0 15 0" />
  <path d="M-30 17q7.5-9 15 0t15 0 15 0 15 0 15 0 15 0 15 0 15 0" />
</svg>`;

declare global {
  interface HTMLElementTagNameMap {
    'yeoul-player': YeoulPlayer;
  }
  interface HTMLElementEventMap {
    'yeoul-state': CustomEvent<PlayerStateDetail>;
  }
}
