// A button that copies an address, and shows it to be copied by hand where the browser forbids the clipboard.

import { css, html, LitElement, svg, type TemplateResult } from 'lit';
import { property, query, state } from 'lit/decorators.js';

import type { Texts } from '../i18n.js';
import { sharedStyles } from './styles.js';

/** Long enough to be read, short enough to be ready for the next click. */
const COPIED_SHOWN_MS = 2_000;

export class CopyButton extends LitElement {
  static override styles = [
    sharedStyles,
    css`
      :host {
        display: inline-block;
      }

      dialog {
        width: min(34rem, calc(100vw - 2rem));
        padding: 1.25rem;
        border: 1px solid var(--line);
        border-radius: 0.9rem;
        background: var(--surface);
        color: var(--ink);
      }

      dialog::backdrop {
        background: rgb(0 0 0 / 45%);
      }

      input {
        width: 100%;
        margin: 0.6rem 0 0.9rem;
        padding: 0.55rem 0.7rem;
        border: 1px solid var(--line);
        border-radius: 0.5rem;
        background: var(--ground);
        color: var(--ink);
        font: 0.875rem var(--mono);
      }
    `,
  ];

  @property({ attribute: false }) texts!: Texts;
  /** What the button is called: a short word on it, the whole in `name`. */
  @property() short = '';
  @property() name = '';
  @property() address = '';

  @state() private copied = false;
  @query('dialog') private dialog!: HTMLDialogElement;
  @query('input') private input!: HTMLInputElement;

  protected override render(): TemplateResult {
    const shape = this.copied
      ? svg`<path d="m5 12.5 4.5 4.5L19 7.5" />`
      : svg`<rect x="8.5" y="8.5" width="11" height="11" rx="2" /><path d="M15.5 5.5a2 2 0 0 0-2-1h-7a2 2 0 0 0-2 2v7a2 2 0 0 0 1 1.7" />`;
    return html`
      <button class="button" aria-label=${this.name} title=${this.address} @click=${this.#copy}>
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">${shape}</svg>
        ${this.copied ? html`<span role="status">${this.texts.copied}</span>` : this.short}
      </button>
      <dialog aria-label=${this.texts.copyByHand}>
        <p>${this.texts.copyByHand}</p>
        <input readonly .value=${this.address} aria-label=${this.name} />
        <button class="button" @click=${() => this.dialog.close()}>${this.texts.close}</button>
      </dialog>
    `;
  }

  async #copy(): Promise<void> {
    if (!(await this.#writeClipboard())) return;
    this.copied = true;
    setTimeout(() => (this.copied = false), COPIED_SHOWN_MS);
  }

  /** The clipboard proper wants HTTPS or localhost, which a camera server at home rarely is. */
  async #writeClipboard(): Promise<boolean> {
    try {
      await navigator.clipboard.writeText(this.address);
      return true;
    } catch {
      this.dialog.showModal();
      this.input.select();
      return false;
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'yeoul-copy': CopyButton;
  }
}

customElements.define('yeoul-copy', CopyButton);
