// <yeoul-player src="cam">: one stream of a Yeoul server in a page, with its state in words. The session decides; this
// file shows what it decides. Who imports it registers the element.

import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, query, state } from 'lit/decorators.js';

import { codecName } from '../codecs.js';
import { textsFor, type Texts } from '../i18n.js';
import { describeQuality, figureRows } from './figure-rows.js';
import * as icons from './icons.js';
import { NOTICE_MS } from './limits.js';
import { MODE_NAMES, parseModes, type Mode } from './modes.js';
import { renderOverlay } from './overlay.js';
import { browserPlatform } from './platform.js';
import { rungsFor } from './rungs.js';
import { Screen } from './screen.js';
import { firstView, Session, type SessionState, type SessionView } from './session.js';
import { playerStyles } from './styles.js';
import { resolveTarget, type Target } from './target.js';
import { NO_FIGURES, type Figures } from './transport.js';
import { canHeal, describeDescents, describeProblem } from './words.js';

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
  /** By which transport it plays or is tried to; null while it is stopped. */
  mode: Mode | null;
  /** Why it is not by a better one, in the player's language; empty when it is by the first. */
  descent: string;
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
  /** `webrtc`, `ll-hls`, `hls` or `mjpeg`, or several to be tried in that order; all of them when empty. */
  @property() mode = '';
  @property({ type: Boolean, reflect: true }) muted = false;
  @property({ type: Boolean, reflect: true }) controls = false;
  /** Shows the figures. */
  @property({ type: Boolean, reflect: true }) overlay = false;
  @property({ converter: onByDefault }) autoplay = true;
  @property({ reflect: true }) override lang = '';
  /** Read it, do not write it. */
  @property({ reflect: true }) state: PlayerState = 'stopped';

  @state() private view: SessionView | null = null;
  @state() private target: Target | null = null;
  @state() private videoWidth = 0;
  @state() private videoHeight = 0;
  @state() private isFullscreen = false;
  /** Why another transport plays, while that is news. */
  @state() private notice = '';

  @query('video') video!: HTMLVideoElement;
  @query('.still') stillCanvas!: HTMLCanvasElement;

  readonly #screen = new Screen(this, () => this.#framePresented());
  #session: Session | null = null;
  #figures: Figures = NO_FIGURES;
  /** What `play()` or `stop()` said last; until then `autoplay` counts. */
  #wanted: boolean | null = null;
  #told = '';
  #noticed = '';
  #noticeTimer: ReturnType<typeof setTimeout> | undefined;
  #pageEvents: AbortController | null = null;

  /** What is measured of the picture, twice a second. */
  get figures(): Figures {
    return this.#figures;
  }

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
    if (isOther(changed)) this.#stopSession();
    if (changed.has('src') || changed.has('server')) {
      this.target = resolveTarget(this.src, this.server || YeoulPlayer.defaultServer, document.baseURI);
      if (this.hasUpdated) this.#screen.clear();
      this.videoWidth = 0;
      this.videoHeight = 0;
    }
    if (changed.has('muted')) this.#screen.silenced = false;
    this.state = this.target === null ? 'failed' : (this.view?.state ?? 'stopped');
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (isOther(changed)) this.#startIfWanted();
    this.#tellState();
  }

  protected override render(): TemplateResult {
    const texts = this.#texts;
    const screen = this.#screen;
    const quiet = this.state === 'waiting' || this.state === 'failed';
    return html`
      <div
        class=${quiet ? 'frame quiet' : 'frame'}
        part="frame"
        role="group"
        aria-label=${texts.playerLabel(this.target?.name ?? '')}
        tabindex=${this.controls ? '0' : nothing}
        @keydown=${this.#onKey}
        @dblclick=${this.controls ? this.#onDoubleClick : nothing}
      >
        <video
          part="video"
          playsinline
          disableremoteplayback
          ?hidden=${screen.canvas !== null}
          .muted=${this.muted || screen.silenced}
          @resize=${this.#onResize}
        ></video>
        ${screen.canvas}
        <canvas class="still" part="still" ?hidden=${!screen.holdsStill}></canvas>
        ${this.#renderInfo()} ${this.#renderMessage(texts)} ${this.#renderUnmute(texts)}
        ${this.notice ? html`<p class="notice" part="notice" aria-hidden="true">${this.notice}</p>` : nothing}
        ${this.#renderOverlay(texts)} ${this.controls ? this.#renderControls(texts) : nothing}
      </div>
    `;
  }

  #renderInfo(): TemplateResult | typeof nothing {
    if (this.state !== 'playing' || this.videoWidth === 0 || this.overlay) return nothing;
    const codec = this.view?.codec ?? '';
    const mode = this.view?.mode ?? 'webrtc';
    const facts = [`${this.videoWidth}×${this.videoHeight}`, codec && codecName(codec)];
    // Only what is unusual is worth a word.
    if (mode !== 'webrtc') facts.push(MODE_NAMES[mode]);
    return html`<div class="info" part="info">${facts.filter(Boolean).join(' · ')}</div>`;
  }

  #renderOverlay(texts: Texts): TemplateResult | typeof nothing {
    if (!this.overlay || this.view === null) return nothing;
    return renderOverlay(figureRows(this.view, this.#figures, texts), texts);
  }

  /** Always there, so that a screen reader hears every change; nothing to see while the picture plays. */
  #renderMessage(texts: Texts): TemplateResult {
    const { blocked } = this.#screen;
    const reason = this.#reason || this.#descent;
    const needsTouch = this.state === 'stopped' || (this.state === 'playing' && blocked);
    const plays = this.state === 'playing' && !blocked;
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
    const { silenced, hasSound, blocked } = this.#screen;
    if (!silenced || !hasSound || this.state !== 'playing' || blocked) return nothing;
    return html`<button class="unmute" part="button" @click=${this.#unmute}>
      ${icons.mutedIcon} ${texts.unmute}
    </button>`;
  }

  #renderControls(texts: Texts): TemplateResult {
    const quiet = this.muted || this.#screen.silenced;
    const stopped = this.state === 'stopped';
    return html`
      <div class="controls" part="controls" role="toolbar" aria-label=${texts.controls}>
        ${button(stopped ? texts.play : texts.stop, stopped ? icons.playIcon : icons.stopIcon, this.#togglePlay)}
        ${
          this.#screen.hasSound
            ? button(
                quiet ? texts.unmute : texts.mute,
                quiet ? icons.mutedIcon : icons.soundIcon,
                this.#toggleMuted,
              )
            : nothing
        }
        <span class="gap"></span>
        ${this.#renderQualities(texts)}
        ${
          stopped
            ? nothing
            : button(
                this.overlay ? texts.hideFigures : texts.showFigures,
                icons.figuresIcon,
                this.#toggleOverlay,
              )
        }
        ${
          document.pictureInPictureEnabled && this.#screen.canvas === null
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

  /** Best first; the automatic choice says what it has chosen. */
  #renderQualities(texts: Texts): TemplateResult | typeof nothing {
    const { qualities = [], chosen = null } = this.view ?? {};
    if (qualities.length < 2) return nothing;
    const names = qualities.map((quality) => describeQuality(quality, qualities));
    const playing = chosen === null ? names[this.#figures.quality ?? -1] : undefined;
    return html`<span class="menu"
      ><select part="button" aria-label=${texts.quality} title=${texts.quality} @change=${this.#choose}>
        <option value="" .selected=${chosen === null}>
          ${playing === undefined ? texts.automatic : `${texts.automatic} (${playing})`}
        </option>
        ${names
          .map((name, index) => html`<option value=${index} .selected=${chosen === index}>${name}</option>`)
          .reverse()}</select
      >${icons.menuIcon}</span
    >`;
  }

  get #texts(): Texts {
    return textsFor(this.lang || navigator.language);
  }

  get #reason(): string {
    if (this.target === null) return this.#texts.nothingToPlay;
    const { problem = null, mode = 'webrtc' } = this.view ?? {};
    return problem === null ? '' : describeProblem(problem, mode, this.#texts);
  }

  /** Why it is not played by a better transport. */
  get #descent(): string {
    if (this.view === null) return '';
    const { descents, mode, state } = this.view;
    const reasons = describeDescents(descents, this.#texts);
    if (reasons === '') return '';
    const sentence = state === 'playing' ? this.#texts.playingBy : this.#texts.tryingBy;
    return sentence(MODE_NAMES[mode], reasons);
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
    const rungs = rungsFor(this.target, parseModes(this.mode));
    const session = new Session(this.target, rungs, browserPlatform, {
      changed: (view) => this.#viewChanged(view),
      media: (media) => this.#screen.show(media),
      ending: () => this.#screen.keepPicture(),
      measured: (figures) => this.#measured(figures),
    });
    this.#session = session;
    this.view = firstView(rungs);
    session.start();
    this.#tellVisibility();
  }

  #stopSession(): void {
    this.#session?.stop();
    this.#session = null;
    this.view = null;
    this.#figures = NO_FIGURES;
    this.#noticed = '';
    this.#endNotice();
  }

  #viewChanged(view: SessionView): void {
    const before = this.view?.state;
    this.view = view;
    if (view.state === 'waiting' && before !== 'waiting') this.#screen.awaitFrame();
    if (view.state !== 'playing') return;
    if (before !== 'playing') this.#screen.dropStill();
    this.#giveNotice();
  }

  #framePresented(): void {
    this.#screen.dropStill();
    this.#session?.framePresented();
  }

  #measured(figures: Figures): void {
    const before = this.#figures;
    this.#figures = figures;
    if (this.#screen.canvas !== null) {
      this.videoWidth = figures.width;
      this.videoHeight = figures.height;
    }
    if (this.overlay || before.quality !== figures.quality) this.requestUpdate();
  }

  /** Says once, for a while, why the picture comes by another transport. */
  #giveNotice(): void {
    const text = this.#descent;
    if (text === this.#noticed) return;
    this.#noticed = text;
    this.notice = text;
    clearTimeout(this.#noticeTimer);
    this.#noticeTimer = setTimeout(() => this.#endNotice(), NOTICE_MS);
  }

  #endNotice(): void {
    clearTimeout(this.#noticeTimer);
    this.notice = '';
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
      mode: this.view?.mode ?? null,
      descent: this.#descent,
    };
    const told = JSON.stringify(detail);
    if (told === this.#told) return;
    this.#told = told;
    this.dispatchEvent(new CustomEvent('yeoul-state', { detail, bubbles: true, composed: true }));
  }

  #onResize(): void {
    if (this.video.videoWidth === 0) return;
    this.videoWidth = this.video.videoWidth;
    this.videoHeight = this.video.videoHeight;
  }

  #onKey(event: KeyboardEvent): void {
    if (!this.controls || event.ctrlKey || event.metaKey || event.altKey) return;
    const [on] = event.composedPath();
    // A menu of its own takes letters for the beginnings of its entries.
    if (on instanceof HTMLSelectElement) return;
    const onButton = on instanceof HTMLButtonElement;
    if (event.key === 'k' || (event.key === ' ' && !onButton)) this.#togglePlay();
    else if (event.key === 'm') this.#toggleMuted();
    else if (event.key === 'f') this.#toggleFullscreen();
    else if (event.key === 'i') this.#toggleOverlay();
    else return;
    event.preventDefault();
  }

  #onDoubleClick(event: MouseEvent): void {
    const [on] = event.composedPath();
    if (on instanceof Element && on.closest('.overlay, .controls, button') === null) this.#toggleFullscreen();
  }

  #choose(event: Event): void {
    const { value } = event.target as HTMLSelectElement;
    this.#session?.choose(value === '' ? null : Number(value));
  }

  #playByHand(): void {
    if (this.#screen.blocked) void this.#screen.start();
    else this.play();
  }

  #togglePlay(): void {
    if (this.state === 'stopped') this.play();
    else this.stop();
  }

  #toggleMuted(): void {
    if (this.muted || this.#screen.silenced) this.#unmute();
    else this.muted = true;
  }

  #unmute(): void {
    this.muted = false;
    this.#screen.silenced = false;
    this.requestUpdate();
  }

  #toggleOverlay(): void {
    this.overlay = !this.overlay;
  }

  #toggleFullscreen(): void {
    void (this.isFullscreen ? document.exitFullscreen() : this.requestFullscreen()).catch(() => null);
  }

  #toggleInset(): void {
    const inset = document.pictureInPictureElement !== null;
    void (inset ? document.exitPictureInPicture() : this.video.requestPictureInPicture()).catch(() => null);
  }
}

/** Whether something else is to be played, or in another way. */
function isOther(changed: PropertyValues<YeoulPlayer>): boolean {
  return changed.has('src') || changed.has('server') || changed.has('mode');
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
