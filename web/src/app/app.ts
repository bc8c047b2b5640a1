// The frame of every page: the bar on top, and below it the page that the address asks for.

import { css, html, LitElement, nothing, type TemplateResult } from 'lit';

import mark from '../assets/mark.svg';
import { languageOf, textsFor } from '../i18n.js';
import { sharedStyles } from './styles.js';
import './stream-list.js';
import './watch-page.js';

export class App extends LitElement {
  static override styles = [
    sharedStyles,
    css`
      header {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: 1rem;
        min-height: 3.25rem;
        padding: 0.3rem var(--gutter);
        border-bottom: 1px solid var(--line);
        background: var(--surface);
      }

      .home {
        display: inline-flex;
        align-items: center;
        gap: 0.6rem;
        min-height: 2.5rem;
        color: var(--ink);
        font-size: 1.0625rem;
        font-weight: 650;
        letter-spacing: -0.005em;
        text-decoration: none;
      }

      .home img {
        width: 1.75rem;
        height: 1.75rem;
      }

      .home small {
        color: var(--ink-soft);
        font-size: 0.875rem;
        font-weight: 400;
      }

      .back {
        display: inline-flex;
        align-items: center;
        gap: 0.35rem;
        min-height: 2.5rem;
        font-size: 0.9375rem;
        text-decoration: none;
      }

      .back:hover {
        text-decoration: underline;
        text-underline-offset: 0.2em;
      }
    `,
  ];

  readonly #name = new URLSearchParams(location.search).get('src');
  readonly #texts = textsFor(navigator.language);

  override connectedCallback(): void {
    super.connectedCallback();
    document.documentElement.lang = languageOf(navigator.language);
    document.title = this.#name ? `${this.#name} · Yeoul` : 'Yeoul';
  }

  protected override render(): TemplateResult {
    const texts = this.#texts;
    const name = this.#name;
    return html`
      <header>
        <a class="home" href="./"><img src=${mark} alt="" /> Yeoul <small lang="ko">여울</small></a>
        ${
          name
            ? html`<a class="back" href="./"
                ><svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="m14.5 6-6 6 6 6" /></svg
                >${texts.allStreams}</a
              >`
            : nothing
        }
      </header>
      <main>
        ${
          name
            ? html`<yeoul-watch .texts=${texts} .name=${name}></yeoul-watch>`
            : html`<yeoul-streams .texts=${texts}></yeoul-streams>`
        }
      </main>
    `;
  }
}
