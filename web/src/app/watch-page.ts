// The page `/?src=NAME`: one stream, as large as the window allows.

import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { property } from 'lit/decorators.js';

import { parseServer, parseStream, type Stream } from '../api.js';
import type { Texts } from '../i18n.js';
import { YeoulPlayer, type PlayerStateDetail } from '../player/element.js';
import { modeOf } from './addresses.js';
import { Poll, SERVER_EVERY_MS } from './poll.js';
import { allAddressesOf, factsStyles, reasonOf, stateBadge, tracksOf, viewersOf } from './stream-facts.js';
import { sharedStyles } from './styles.js';

export class WatchPage extends LitElement {
  static override styles = [
    sharedStyles,
    factsStyles,
    css`
      .stage {
        background: var(--stage);
      }

      yeoul-player {
        /* As high as the window allows with the bar above it and a look at the name below it. */
        width: min(100%, (100vh - 11rem) * var(--ratio, 1.7778));
        width: min(100%, (100dvh - 11rem) * var(--ratio, 1.7778));
        min-width: min(100%, 18rem);
        margin-inline: auto;
        --yeoul-aspect-ratio: var(--ratio, 1.7778);
        --yeoul-background: var(--stage);
      }

      .below {
        display: grid;
        grid-template: 'title addresses' 'facts facts' / 1fr auto;
        align-items: start;
        gap: 0.6rem 1rem;
        padding: 1rem var(--gutter) 2.5rem;
      }

      .title {
        grid-area: title;
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0.2rem 0.8rem;
        min-height: 2.5rem;
      }

      h1 {
        font-size: 1.375rem;
        line-height: 1.3;
        letter-spacing: -0.01em;
        overflow-wrap: anywhere;
      }

      .facts {
        grid-area: facts;
        display: grid;
        gap: 0.5rem;
      }

      .addresses {
        grid-area: addresses;
      }

      @media (max-width: 40rem) {
        .below {
          grid-template: 'title' 'facts' 'addresses' / minmax(0, 1fr);
        }
      }
    `,
  ];

  @property({ attribute: false }) texts!: Texts;
  @property() name = '';

  #stream: Poll<Stream> | null = null;
  readonly #server = new Poll(this, 'api', parseServer, SERVER_EVERY_MS);

  override connectedCallback(): void {
    super.connectedCallback();
    const { name } = this;
    this.#stream ??= new Poll(this, `api/streams?src=${encodeURIComponent(name)}`, (json) =>
      parseStream(name, json),
    );
  }

  protected override render(): TemplateResult {
    const { texts, name } = this;
    // The player tells what is wrong; facts that may be wrong are left out.
    const stream = this.#stream?.trouble === null ? this.#stream.value : null;
    return html`
      <div class="stage">
        <yeoul-player
          .src=${name}
          .server=${document.baseURI}
          .mode=${modeOf(location.search)}
          controls
          @yeoul-state=${this.#playerChanged}
        ></yeoul-player>
      </div>
      <div class="below">
        <div class="title">
          <h1>${name}</h1>
          ${stream === null ? nothing : html`${stateBadge(stream.state, texts)} ${viewersOf(stream, texts)}`}
        </div>
        <div class="facts">
          ${stream === null ? nothing : html`${reasonOf(stream, texts)} ${tracksOf(stream, texts)}`}
        </div>
        <div class="addresses">${allAddressesOf(name, this.#server.value?.rtspListen ?? '', texts)}</div>
      </div>
    `;
  }

  #playerChanged({ detail }: CustomEvent<PlayerStateDetail>): void {
    const { width, height } = detail;
    if (width > 0 && height > 0) this.style.setProperty('--ratio', String(width / height));
  }
}

customElements.define('yeoul-player', YeoulPlayer);
customElements.define('yeoul-watch', WatchPage);
