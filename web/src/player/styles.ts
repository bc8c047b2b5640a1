// The player's look. Theming: the custom properties at the top and the parts `frame`, `video`, `still`, `info`,
// `message`, `notice`, `overlay`, `button`, `controls`.

import { css } from 'lit';

export const playerStyles = css`
  :host {
    --_background: var(--yeoul-background, #0a1216);
    --_text: var(--yeoul-text, #f2f6f7);
    --_panel: var(--yeoul-panel, rgb(8 16 20 / 78%));
    --_accent: var(--yeoul-accent, #6fd3e3);
    --_radius: var(--yeoul-radius, 0);

    display: block;
    position: relative;
    aspect-ratio: var(--yeoul-aspect-ratio, 16 / 9);
    min-width: 0;
    overflow: hidden;
    border-radius: var(--_radius);
    background: var(--_background);
    color: var(--_text);
    font:
      500 0.875rem/1.45 var(--yeoul-font, system-ui),
      sans-serif;
    -webkit-text-size-adjust: 100%;
    /* Korean breaks between words. */
    word-break: keep-all;
  }

  :host([hidden]),
  [hidden] {
    display: none !important;
  }

  .frame {
    position: absolute;
    inset: 0;
    container-type: size;
    outline-offset: -3px;
  }

  video,
  canvas {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    object-fit: var(--yeoul-object-fit, contain);
  }

  .quiet video,
  .quiet canvas {
    filter: brightness(0.4) saturate(0.6);
    transition: filter 0.4s;
  }

  .info {
    position: absolute;
    top: 0.625rem;
    right: 0.625rem;
    display: flex;
    align-items: center;
    gap: 0.4rem;
    max-width: calc(100% - 1.25rem);
    padding: 0.15rem 0.55rem;
    border-radius: 1rem;
    background: var(--_panel);
    font-size: 0.75rem;
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
    pointer-events: none;
  }

  .info::before {
    content: '';
    width: 0.45rem;
    height: 0.45rem;
    border-radius: 50%;
    background: #4fd08a;
  }

  .overlay {
    position: absolute;
    top: 0.625rem;
    left: 0.625rem;
    display: grid;
    gap: 0.1rem 0.9rem;
    box-sizing: border-box;
    width: 21rem;
    max-width: calc(100% - 1.25rem);
    /* The controls stay in reach below it. */
    max-height: calc(100% - 4.25rem);
    margin: 0;
    padding: 0.5rem 0.75rem;
    border-radius: 0.5rem;
    background: var(--_panel);
    font-size: 0.8125rem;
    font-variant-numeric: tabular-nums;
    overflow: auto;
    overflow-wrap: anywhere;
  }

  .overlay div {
    display: grid;
    grid-template-columns: 6.25rem minmax(0, 1fr);
    gap: 0.75rem;
  }

  .overlay dt,
  .overlay small {
    opacity: 0.75;
  }

  .overlay dd {
    margin: 0;
  }

  .overlay small {
    display: block;
    font-size: 0.75rem;
  }

  .notice {
    position: absolute;
    left: 0.625rem;
    bottom: 3.6rem;
    max-width: min(40rem, calc(100% - 1.25rem));
    margin: 0;
    box-sizing: border-box;
    border: solid transparent;
    border-width: 0.35rem 0.75rem;
    border-radius: 0.5rem;
    background: var(--_panel);
    font-size: 0.8125rem;
    /* Three lines: the transport stands in the first. */
    display: -webkit-box;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 3;
    overflow: hidden;
    overflow-wrap: anywhere;
    pointer-events: none;
    animation: appear 0.3s both;
  }

  .message {
    position: absolute;
    inset: 0;
    display: grid;
    place-content: center;
    justify-items: center;
    gap: 0.3rem;
    padding: 1rem 1.25rem;
    text-align: center;
    text-wrap: balance;
    text-shadow: 0 1px 3px rgb(0 0 0 / 70%);
    /* A quick start shows no message at all. */
    animation: appear 0.3s 0.25s both;
  }

  .message p {
    max-width: 34rem;
    margin: 0;
    max-height: 7.5em;
    overflow: auto;
    overflow-wrap: anywhere;
  }

  .message .headline {
    margin-bottom: 0.25rem;
    font-size: 1.125rem;
    font-weight: 600;
  }

  .message .reason {
    font-size: 0.9375rem;
  }

  .message .hint {
    margin-top: 0.25rem;
    opacity: 0.8;
  }

  @container (max-height: 16rem) {
    .message {
      padding: 0.4rem 0.75rem;
    }

    .message .headline {
      margin: 0;
      font-size: 1rem;
    }

    .message .reason {
      font-size: 0.8125rem;
    }

    .message .hint {
      display: none;
    }

    .message button {
      min-height: 2.25rem;
      margin-top: 0.35rem;
    }

    .overlay {
      gap: 0 0.75rem;
      font-size: 0.75rem;
      line-height: 1.35;
    }

    .overlay small {
      font-size: 0.6875rem;
    }

    .notice {
      font-size: 0.75rem;
      line-height: 1.35;
    }
  }

  @container (max-width: 26rem) {
    .overlay div {
      grid-template-columns: 5rem minmax(0, 1fr);
      gap: 0.5rem;
    }
  }

  .spoken-only {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }

  .waves {
    width: 3.75rem;
    height: 1.5rem;
    margin-bottom: 0.5rem;
    fill: none;
    stroke: var(--_accent);
    stroke-width: 2.5;
    stroke-linecap: round;
  }

  .waves path {
    animation: flow 1.8s linear infinite;
  }

  .waves path + path {
    animation-duration: 2.6s;
    opacity: 0.55;
  }

  button,
  select {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 0.4rem;
    min-width: 2.75rem;
    min-height: 2.75rem;
    padding: 0 0.6rem;
    border: 0;
    border-radius: 0.5rem;
    background: transparent;
    color: inherit;
    font: inherit;
    cursor: pointer;
  }

  select {
    min-width: 0;
    appearance: none;
    /* The list that drops down is the browser's. */
    color-scheme: dark;
    text-overflow: ellipsis;
  }

  .menu {
    position: relative;
    display: inline-flex;
    align-items: center;
    min-width: 0;
  }

  .menu select {
    padding-right: 1.75rem;
  }

  .menu .icon {
    position: absolute;
    right: 0.45rem;
    width: 1rem;
    height: 1rem;
    pointer-events: none;
  }

  @container (max-width: 26rem) {
    .menu select {
      padding: 0 1.4rem 0 0.25rem;
    }

    .menu .icon {
      right: 0.3rem;
    }
  }

  option {
    background: #10242b;
    color: #f2f6f7;
  }

  button:hover,
  select:hover {
    background: rgb(255 255 255 / 16%);
  }

  .frame:focus-visible,
  .overlay:focus-visible,
  button:focus-visible,
  select:focus-visible {
    outline: 2px solid var(--_accent);
  }

  .overlay:focus-visible,
  button:focus-visible,
  select:focus-visible {
    outline-offset: -2px;
  }

  .message button,
  .unmute {
    border: 1px solid rgb(255 255 255 / 38%);
    background: var(--_panel);
    padding: 0 1rem;
  }

  .message button {
    margin-top: 0.8rem;
  }

  .message button:hover,
  .unmute:hover {
    background: rgb(40 58 66 / 92%);
  }

  .unmute {
    position: absolute;
    left: 0.625rem;
    top: 0.625rem;
  }

  .controls {
    position: absolute;
    inset: auto 0 0;
    display: flex;
    align-items: center;
    gap: 0.125rem;
    padding: 1.75rem 0.5rem 0.4rem;
    background: linear-gradient(transparent, rgb(0 0 0 / 62%));
    opacity: 0;
    transition: opacity 0.15s;
  }

  .controls .gap {
    flex: 1;
  }

  :host(:hover) .controls,
  .frame:focus-within .controls,
  .frame:focus-visible .controls {
    opacity: 1;
  }

  @media (hover: none) {
    .controls {
      opacity: 1;
    }
  }

  .icon {
    width: 1.5rem;
    height: 1.5rem;
    fill: none;
    stroke: currentColor;
    stroke-width: 1.75;
    stroke-linecap: round;
    stroke-linejoin: round;
  }

  .icon .filled {
    fill: currentColor;
  }

  @keyframes appear {
    from {
      opacity: 0;
    }
  }

  @keyframes flow {
    to {
      transform: translateX(30px);
    }
  }

  @media (prefers-reduced-motion: reduce) {
    * {
      animation: none !important;
      transition: none !important;
    }
  }
`;
