// The player's icons: strokes in the text colour on a 24-unit square, hidden from screen readers (the buttons have names).

import { html, svg, type SVGTemplateResult, type TemplateResult } from 'lit';

function icon(shape: SVGTemplateResult): TemplateResult {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${shape}</svg>`;
}

const SPEAKER = svg`<path d="M4 9.5v5h3.5l4.5 4v-13l-4.5 4z" />`;

export const playIcon = icon(svg`<path class="filled" d="M8 5.5v13l10.5-6.5z" />`);
export const stopIcon = icon(svg`<rect class="filled" x="7" y="7" width="10" height="10" rx="1" />`);
export const soundIcon = icon(
  svg`${SPEAKER}<path d="M15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.8 7.8 0 0 1 0 11" />`,
);
export const mutedIcon = icon(svg`${SPEAKER}<path d="m16 9.5 5 5m0-5-5 5" />`);
export const insetIcon = icon(
  svg`<path d="M11 18.5H5a1.5 1.5 0 0 1-1.5-1.5V7A1.5 1.5 0 0 1 5 5.5h14A1.5 1.5 0 0 1 20.5 7v4" /><rect class="filled" x="13.5" y="13.5" width="7" height="5" rx="1" />`,
);
export const enterFullscreenIcon = icon(
  svg`<path d="M4.5 9V4.5H9M15 4.5h4.5V9M19.5 15v4.5H15M9 19.5H4.5V15" />`,
);
export const leaveFullscreenIcon = icon(
  svg`<path d="M9 4.5V9H4.5M19.5 9H15V4.5M15 19.5V15h4.5M4.5 15H9v4.5" />`,
);
export const figuresIcon = icon(
  svg`<circle cx="12" cy="12" r="8.5" /><path d="M12 11.2v5" /><circle class="filled" cx="12" cy="7.9" r=".4" />`,
);
export const menuIcon = icon(svg`<path d="m7 10 5 5 5-5" />`);
