// The page `/`: every stream of the server on a card.

import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { property } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';

import { parseServer, parseStreams, type Stream } from '../api.js';
import type { Texts } from '../i18n.js';
import { watchLink } from './addresses.js';
import { Poll, SERVER_EVERY_MS } from './poll.js';
import { addressesOf, factsStyles, reasonOf, stateBadge, tracksOf, viewersOf } from './stream-facts.js';
import { sharedStyles } from './styles.js';
import { renderStale, renderTrouble } from './trouble.js';

const EXAMPLE = `streams:
  front_door: rtsp://user:password@192.168.1.20/stream1
  garden: rtsp://user:password@192.168.1.21/stream1`;

export class StreamList extends LitElement {
  static override styles = [
    sharedStyles,
    factsStyles,
    css`
      :host {
        padding: clamp(1.25rem, 3vw, 2.25rem) var(--gutter) 3rem;
      }

      .head {
        display: flex;
        flex-wrap: wrap;
        align-items: baseline;
        gap: 0.2rem 0.9rem;
        margin-bottom: 1.1rem;
      }

      h1 {
        font-size: 1.5rem;
        line-height: 1.25;
        letter-spacing: -0.01em;
      }

      .count {
        color: var(--ink-soft);
        font-variant-numeric: tabular-nums;
      }

      .cards {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(21rem, 100%), 1fr));
        gap: 1rem;
      }

      .card {
        position: relative;
        display: flex;
        flex-direction: column;
        gap: 0.6rem;
        height: 100%;
        padding: 1rem 1.1rem 1.1rem;
        border: 1px solid var(--line);
        border-radius: 0.9rem;
        background: var(--surface);
        box-shadow: var(--shadow);
      }

      .card.stale {
        opacity: 0.7;
      }

      .top {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: 0.75rem;
      }

      h2 {
        font-size: 1.125rem;
        line-height: 1.35;
      }

      h2 a {
        color: inherit;
        text-decoration: none;
        overflow-wrap: anywhere;
      }

      h2 a:hover {
        text-decoration: underline;
        text-underline-offset: 0.2em;
      }

      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: 0.5rem;
        margin-top: auto;
        padding-top: 0.4rem;
      }

      footer {
        margin-top: 1.75rem;
        color: var(--ink-soft);
        font-size: 0.8125rem;
      }

      pre {
        margin-top: 1.1rem;
        padding: 0.9rem 1rem;
        border: 1px solid var(--line);
        border-radius: 0.6rem;
        background: var(--ground);
        font: 0.8125rem/1.7 var(--mono);
        overflow-x: auto;
      }
    `,
  ];

  @property({ attribute: false }) texts!: Texts;

  readonly #streams = new Poll(this, 'api/streams', parseStreams);
  readonly #server = new Poll(this, 'api', parseServer, SERVER_EVERY_MS);

  protected override render(): TemplateResult {
    const { texts } = this;
    const { value: streams, trouble } = this.#streams;
    if (streams === null) {
      return trouble === null
        ? html`<p role="status" class="count">${texts.loading}</p>`
        : renderTrouble(trouble, texts);
    }
    // A refusal is about the reader and says so; silence leaves what was known last.
    if (trouble?.kind === 'refused') return renderTrouble(trouble, texts);
    if (streams.length === 0) return this.#renderEmpty();
    const version = this.#server.value?.version;
    const live = streams.filter(({ state }) => state === 'live').length;
    return html`
      <div class="head">
        <h1>${texts.streams}</h1>
        <p class="count">${texts.count(streams.length, live)}</p>
      </div>
      ${trouble === null ? nothing : renderStale(texts)}
      <ul class="cards">
        ${repeat(
          streams,
          ({ name }) => name,
          (stream) => html`<li>${this.#renderCard(stream, trouble !== null)}</li>`,
        )}
      </ul>
      ${version ? html`<footer>Yeoul ${version}</footer>` : nothing}
    `;
  }

  #renderCard(stream: Stream, stale: boolean): TemplateResult {
    const { texts } = this;
    const { name, state } = stream;
    const link = watchLink(name);
    return html`<article class=${stale ? 'card stale' : 'card'}>
      <div class="top">${stateBadge(state, texts)} ${viewersOf(stream, texts)}</div>
      <h2><a href=${link}>${name}</a></h2>
      ${reasonOf(stream, texts)} ${tracksOf(stream, texts)}
      <div class="actions">
        <a class="button main" href=${link} aria-label=${texts.watchName(name)}>${texts.watch}</a>
        ${addressesOf(name, this.#server.value?.rtspListen ?? '', texts)}
      </div>
    </article>`;
  }

  #renderEmpty(): TemplateResult {
    const { texts } = this;
    return html`<section class="notice">
      <h2>${texts.emptyTitle}</h2>
      <p>${texts.emptyText}</p>
      <pre tabindex="0"><code>${EXAMPLE}</code></pre>
      <p>${texts.emptyHint}</p>
    </section>`;
  }
}

customElements.define('yeoul-streams', StreamList);
