// What a list's card and the watch page both say of a stream: its state in a colour and a word, the reason, the tracks,
// the viewers and the addresses.

import { css, html, nothing, type TemplateResult } from 'lit';

import type { Stream, StreamState } from '../api.js';
import { describeTrack } from '../codecs.js';
import type { Texts } from '../i18n.js';
import { httpAddresses } from '../player/target.js';
import { rtspAddress, whepAddress } from './addresses.js';
import './copy-button.js';

export const factsStyles = css`
  .state {
    display: inline-flex;
    align-items: center;
    gap: 0.4rem;
    padding: 0.1rem 0.6rem 0.1rem 0.5rem;
    border-radius: 1rem;
    font-size: 0.8125rem;
    font-weight: 600;
    white-space: nowrap;
  }

  .state::before {
    content: '';
    width: 0.5rem;
    height: 0.5rem;
    border-radius: 50%;
    background: currentColor;
  }

  .state.live {
    color: var(--live);
    background: var(--live-ground);
  }

  .state.connecting {
    color: var(--connecting);
    background: var(--connecting-ground);
  }

  .state.failed {
    color: var(--failed);
    background: var(--failed-ground);
  }

  .state.idle {
    color: var(--idle);
    background: var(--idle-ground);
  }

  .reason {
    font-size: 0.9375rem;
    overflow-wrap: anywhere;
  }

  .reason.idle,
  .reason.connecting,
  .retry {
    color: var(--ink-soft);
  }

  .retry {
    white-space: nowrap;
  }

  .tracks {
    display: grid;
    grid-template-columns: max-content minmax(0, 1fr);
    gap: 0.1rem 0.8rem;
    font-size: 0.9375rem;
  }

  .tracks dt {
    color: var(--ink-soft);
  }

  .tracks dd {
    overflow-wrap: anywhere;
    font-variant-numeric: tabular-nums;
  }

  .viewers {
    color: var(--ink-soft);
    font-size: 0.8125rem;
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }

  .addresses {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem;
  }
`;

export function stateBadge(state: StreamState, texts: Texts): TemplateResult {
  return html`<span class="state ${state}">${texts.state[state]}</span>`;
}

/** Why it is not live and when it is tried again; nothing of a live stream. */
export function reasonOf(stream: Stream, texts: Texts): TemplateResult | typeof nothing {
  const { state, reason, retryInMs } = stream;
  const sentence = reason || texts.stateHint[state];
  if (!sentence) return nothing;
  const retry =
    retryInMs === null
      ? nothing
      : html`<span class="retry">${texts.retryIn(Math.ceil(retryInMs / 1000))}</span>`;
  // The server's sentences go without a full stop, as errors do; another sentence follows here.
  const stop = /[.!?]$/.test(sentence) ? '' : '.';
  return html`<p class="reason ${state}">${sentence}${stop} ${retry}</p>`;
}

export function tracksOf(stream: Stream, texts: Texts): TemplateResult | typeof nothing {
  if (stream.tracks.length === 0) return nothing;
  return html`<dl class="tracks">
    ${stream.tracks.map(
      (track) =>
        html`<dt>${texts[track.kind]}</dt>
          <dd>${describeTrack(track, texts)}</dd>`,
    )}
  </dl>`;
}

export function viewersOf(stream: Stream, texts: Texts): TemplateResult {
  return html`<span class="viewers">${texts.viewers(stream.consumers)}</span>`;
}

/** The addresses that most people look for. `rtspListen` as the server tells it; empty while it has not, or is off. */
export function addressesOf(name: string, rtspListen: string, texts: Texts): TemplateResult[] {
  return copyButtons(name, texts, {
    RTSP: rtspAddress(name, rtspListen, document.baseURI),
    WHEP: whepAddress(name, document.baseURI),
  });
}

/** The same and those for players that speak HTTP. */
export function allAddressesOf(name: string, rtspListen: string, texts: Texts): TemplateResult[] {
  const { llHls, hls, hlsTs, mjpeg } = httpAddresses(name, document.baseURI) ?? {};
  const forHttp = { 'LL-HLS': llHls, HLS: hls, 'HLS (TS)': hlsTs, MJPEG: mjpeg };
  return [...addressesOf(name, rtspListen, texts), ...copyButtons(name, texts, forHttp)];
}

function copyButtons(
  name: string,
  texts: Texts,
  addresses: Record<string, string | null | undefined>,
): TemplateResult[] {
  return Object.entries(addresses).flatMap(([protocol, address]) =>
    address
      ? html`<yeoul-copy
          .texts=${texts}
          .short=${protocol}
          .name=${texts.copyAddress(protocol, name)}
          .address=${address}
        ></yeoul-copy>`
      : [],
  );
}
