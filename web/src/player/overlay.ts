// The overlay with the figures.

import { html, nothing, type TemplateResult } from 'lit';

import type { Texts } from '../i18n.js';
import type { Row } from './figure-rows.js';

export function renderOverlay(rows: Row[], texts: Texts): TemplateResult {
  return html`<dl class="overlay" part="overlay" aria-label=${texts.figures.title} tabindex="0">
    ${rows.map(
      ({ name, value, note }) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}${note === undefined ? nothing : html`<small>${note}</small>`}</dd>
        </div>`,
    )}
  </dl>`;
}
