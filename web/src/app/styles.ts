// Looks that several elements of the pages share. The colours are custom properties of page.css.

import { css } from 'lit';

export const sharedStyles = css`
  :host {
    display: block;
  }

  *,
  *::before {
    box-sizing: border-box;
  }

  h1,
  h2,
  p,
  ul,
  dl,
  dd,
  pre {
    margin: 0;
    padding: 0;
  }

  ul {
    list-style: none;
  }

  a {
    color: var(--accent);
  }

  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 2px;
    border-radius: 0.25rem;
  }

  .button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 0.4rem;
    min-height: 2.5rem;
    padding: 0.25rem 0.8rem;
    border: 1px solid var(--line);
    border-radius: 0.55rem;
    background: transparent;
    color: var(--ink);
    font: inherit;
    font-size: 0.875rem;
    text-decoration: none;
    cursor: pointer;
  }

  .button:hover {
    background: var(--surface-hover);
  }

  .button.main {
    border-color: transparent;
    background: var(--fill);
    color: #fff;
    font-weight: 600;
  }

  .button.main:hover {
    filter: brightness(1.12);
  }

  .notice {
    max-width: 40rem;
    margin: clamp(1.5rem, 9vh, 6rem) auto 0;
    padding: clamp(1.25rem, 4vw, 2.25rem);
    border: 1px solid var(--line);
    border-radius: 1rem;
    background: var(--surface);
    box-shadow: var(--shadow);
  }

  .notice h2 {
    font-size: 1.25rem;
    line-height: 1.3;
  }

  .notice p {
    margin-top: 0.6rem;
    color: var(--ink-soft);
    overflow-wrap: anywhere;
  }

  .stale-note {
    margin: 0 0 1rem;
    padding: 0.7rem 1rem;
    border-radius: 0.6rem;
    background: var(--failed-ground);
    color: var(--failed);
    font-size: 0.9375rem;
  }

  .icon {
    width: 1rem;
    height: 1rem;
    flex: none;
    fill: none;
    stroke: currentColor;
    stroke-width: 1.75;
    stroke-linecap: round;
    stroke-linejoin: round;
  }

  @media (prefers-reduced-motion: reduce) {
    * {
      animation: none !important;
      transition: none !important;
    }
  }
`;
