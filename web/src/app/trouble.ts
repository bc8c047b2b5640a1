// What the pages say when the API does not answer, or refuses.

import { html, type TemplateResult } from 'lit';

import type { Texts } from '../i18n.js';
import type { Trouble } from './poll.js';

export function renderTrouble(trouble: Trouble, texts: Texts): TemplateResult {
  const [title, text] =
    trouble.kind === 'unreachable'
      ? [texts.errorTitle, texts.errorText]
      : [texts.refusedTitle, trouble.text || texts.refusedText(trouble.status)];
  return html`<section class="notice" role="alert">
    <h2>${title}</h2>
    <p>${text}</p>
  </section>`;
}

/** Above what was known last. */
export function renderStale(texts: Texts): TemplateResult {
  return html`<p class="stale-note" role="alert">${texts.stale}</p>`;
}
