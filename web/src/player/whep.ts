// Playback over WebRTC by WHEP (draft-ietf-wish-whep): POST the offer, take the answer, PATCH candidates and ICE
// restarts, DELETE at the end. The offer goes out before any candidate is gathered: the server has its candidates in the
// answer and learns ours from our checks, so that trickling is a courtesy and never delays the picture.
// Of a server of ours, the session also tells the stream's qualities (GET) and takes the reader's choice (PATCH, as JSON).
// Left out: STUN and TURN servers of the server's choice, which come in `Link` headers, and sending media.

import { parseQualities } from './choice.js';
import { CANDIDATES_MAX, ICE_RESTART_TIMEOUT_MS, OFFER_TIMEOUT_MS, PATCH_TIMEOUT_MS } from './limits.js';
import { request, type Cancel, type Platform } from './platform.js';
import { refusal } from './refusal.js';
import { RtcMeter } from './rtc-meter.js';
import { iceFragment, parseIceFragment, withIce, withStereoOpus } from './sdp.js';
import type { Target } from './target.js';
import type { Failure, Quality, Transport, TransportEvents, TransportStats } from './transport.js';

/** What cameras and publishers send and a server can pass on untouched; `rtx` carries what was lost on the way. */
const CODECS = {
  video: ['video/h264', 'video/h265', 'video/vp8', 'video/vp9', 'video/av1', 'video/rtx'],
  audio: ['audio/opus', 'audio/pcmu', 'audio/pcma'],
} as const;

export function openWhep(target: Target, platform: Platform, events: TransportEvents): Transport {
  return new Whep(target, platform, events);
}

class Whep implements Transport {
  readonly #target: Target;
  readonly #platform: Platform;
  readonly #events: TransportEvents;
  readonly #meter = new RtcMeter();
  #peer: RTCPeerConnection | null = null;
  #closed = false;
  /** The session's own address (`Location`); null before the answer and with servers that give none. */
  #session: string | null = null;
  #etag: string | null = null;
  #hadPath = false;
  /** Candidates that the server does not have yet. */
  #candidates: string[] = [];
  #gathered = false;
  #trickling = false;
  /** One PATCH at a time: each depends on the entity tag that the one before it left. */
  #lastPatch: Promise<unknown> = Promise.resolve();
  #cancelRestart: Cancel | null = null;
  #qualities: readonly Quality[] = [];
  /** Of the picture when the qualities were last asked for: a camera tells nothing of a quality before it is watched. */
  #height = 0;

  constructor(target: Target, platform: Platform, events: TransportEvents) {
    this.#target = target;
    this.#platform = platform;
    this.#events = events;
    void Promise.resolve().then(() => this.#start());
  }

  async stats(): Promise<TransportStats> {
    const report = await this.#peer?.getStats();
    const { framesDecoded, codec, figures } = this.#meter.read(report, this.#platform.now());
    if (figures.height !== this.#height) {
      this.#height = figures.height;
      void this.#askQualities();
    }
    const quality = this.#qualities.findIndex(({ height }) => height > 0 && height === figures.height);
    return {
      connected: this.#hadPath,
      framesDecoded,
      codec,
      paused: false,
      figures: { ...figures, quality: quality < 0 ? null : quality },
    };
  }

  choose(quality: number | null): void {
    // The server counts from the best one.
    void this.#askQualities({ quality: quality === null ? null : this.#qualities.length - 1 - quality });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelRestart?.();
    this.#peer?.close();
    this.#deleteSession();
  }

  async #start(): Promise<void> {
    if (this.#closed) return;
    if (this.#platform.createPeer === null) {
      this.#fail({ problem: { kind: 'unsupported' } });
      return;
    }
    const peer = this.#platform.createPeer({ bundlePolicy: 'max-bundle' });
    this.#peer = peer;
    this.#listen(peer);
    try {
      this.#addTransceivers(peer);
      await describe(peer, await peer.createOffer());
    } catch (error) {
      this.#fail({ problem: { kind: 'bad-answer', text: String(error) } });
      return;
    }
    await this.#offer(peer);
  }

  #listen(peer: RTCPeerConnection): void {
    const stream = this.#platform.createMedia();
    peer.addEventListener('track', ({ track }) => {
      stream.addTrack(track);
      if (this.#closed) return;
      this.#events.media({ kind: 'stream', stream, sound: stream.getAudioTracks().length > 0 });
    });
    peer.addEventListener('icecandidate', ({ candidate }) => {
      // An empty text ends one generation, null ends all gathering (W3C WebRTC §4.8.1.2); both say the same here.
      if (!candidate?.candidate) this.#gathered = true;
      else if (this.#candidates.length < CANDIDATES_MAX) this.#candidates.push(candidate.candidate);
      void this.#trickle();
    });
    peer.addEventListener('connectionstatechange', () => {
      if (this.#closed) return;
      this.#pathChanged(peer.connectionState);
    });
  }

  #addTransceivers(peer: RTCPeerConnection): void {
    for (const kind of ['video', 'audio'] as const) {
      const transceiver = peer.addTransceiver(kind, { direction: 'recvonly' });
      const wanted: readonly string[] = CODECS[kind];
      const codecs = this.#platform
        .codecs(kind)
        .filter(({ mimeType }) => wanted.includes(mimeType.toLowerCase()));
      if (codecs.length > 0) transceiver.setCodecPreferences(codecs);
      // Live means now: the browser still keeps as much as the network's jitter needs.
      transceiver.receiver.jitterBufferTarget = 0;
    }
  }

  async #offer(peer: RTCPeerConnection): Promise<void> {
    const response = await request(this.#platform, this.#target.whep, OFFER_TIMEOUT_MS, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp' },
      body: peer.localDescription?.sdp ?? '',
    });
    if (response?.ok) {
      const location = response.headers.get('Location');
      this.#session = location && new URL(location, response.url || this.#target.whep).href;
      this.#etag = response.headers.get('ETag');
      // Closed while the server was thinking: it must not keep a session for nobody.
      if (this.#closed) this.#deleteSession();
    }
    if (this.#closed) return;
    if (response === null) {
      this.#fail({ problem: { kind: 'unreachable' } });
    } else if (!response.ok) {
      this.#fail(await refusal(response));
    } else {
      await this.#accept(peer, await response.text());
    }
  }

  async #accept(peer: RTCPeerConnection, sdp: string): Promise<void> {
    try {
      await peer.setRemoteDescription({ type: 'answer', sdp });
    } catch (error) {
      this.#fail({ problem: { kind: 'bad-answer', text: String(error) } });
      return;
    }
    if (this.#closed) return;
    this.#events.accepted();
    void this.#trickle();
  }

  #pathChanged(state: RTCPeerConnectionState): void {
    switch (state) {
      case 'connected':
        this.#hadPath = true;
        this.#cancelRestart?.();
        this.#cancelRestart = null;
        break;
      case 'disconnected':
        void this.#restartIce();
        break;
      case 'failed':
      case 'closed':
        this.#fail({ problem: { kind: this.#hadPath ? 'lost' : 'no-path' } });
        break;
      case 'new':
      case 'connecting':
        break;
    }
  }

  /** Sends the candidates gathered so far; those that come meanwhile go in the next PATCH. */
  async #trickle(): Promise<void> {
    const sdp = this.#peer?.localDescription?.sdp;
    if (!sdp || this.#closed || this.#session === null || this.#trickling) return;
    if (this.#candidates.length === 0 && !this.#gathered) return;
    const fragment = iceFragment(sdp, this.#candidates, this.#gathered);
    this.#candidates = [];
    this.#gathered = false;
    this.#trickling = true;
    const response = await this.#patch(fragment, this.#etag);
    // A server that refuses does without, for good: its answers to our checks find the same path.
    if (!response?.ok) return;
    this.#trickling = false;
    void this.#trickle();
  }

  /** A new ICE generation on the same session: the way for a phone that changed from Wi-Fi to mobile. */
  async #restartIce(): Promise<void> {
    const peer = this.#peer;
    const answer = peer?.remoteDescription?.sdp;
    if (!peer || !answer || this.#session === null || this.#cancelRestart !== null) return;
    this.#cancelRestart = this.#platform.after(ICE_RESTART_TIMEOUT_MS, () => {
      this.#cancelRestart = null;
      if (peer.connectionState !== 'connected') this.#fail({ problem: { kind: 'lost' } });
    });
    try {
      this.#candidates = [];
      this.#gathered = false;
      await describe(peer, await peer.createOffer({ iceRestart: true }));
      const response = await this.#patch(iceFragment(peer.localDescription?.sdp ?? '', [], false), '*');
      const ice = response?.ok ? parseIceFragment(await response.text()) : null;
      if (this.#closed) return;
      if (ice === null) throw new Error('no ICE restart');
      await peer.setRemoteDescription({ type: 'answer', sdp: withIce(answer, ice) });
      void this.#trickle();
    } catch {
      this.#fail({ problem: { kind: 'lost' } });
    }
  }

  #patch(fragment: string, match: string | null): Promise<Response | null> {
    const patch = this.#lastPatch.then(async () => {
      if (this.#session === null) return null;
      const response = await request(this.#platform, this.#session, PATCH_TIMEOUT_MS, {
        method: 'PATCH',
        headers: {
          'Content-Type': 'application/trickle-ice-sdpfrag',
          ...(match !== null && { 'If-Match': match }),
        },
        body: fragment,
      });
      if (response?.ok) this.#etag = response.headers.get('ETag') ?? this.#etag;
      return response;
    });
    this.#lastPatch = patch;
    return patch;
  }

  /** Asks what there is to choose from, and chooses before if `choice` says so. */
  async #askQualities(choice?: { quality: number | null }): Promise<void> {
    // Whose WHEP address it is otherwise, nobody knows.
    if (this.#session === null || this.#target.status === null) return;
    const response = await request(this.#platform, this.#session, PATCH_TIMEOUT_MS, {
      ...(choice && {
        method: 'PATCH',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(choice),
      }),
    });
    // A stream of one quality has none to tell of.
    if (!response?.ok) return;
    const qualities = parseQualities(await response.json().catch(() => null));
    if (this.#closed || JSON.stringify(qualities) === JSON.stringify(this.#qualities)) return;
    this.#qualities = qualities;
    this.#events.qualities(qualities);
  }

  #deleteSession(): void {
    if (this.#session === null) return;
    // Must outlive the page. When it fails, the server's own timeout ends the session.
    void this.#platform.fetch(this.#session, { method: 'DELETE', keepalive: true }).catch(() => null);
    this.#session = null;
  }

  #fail(failure: Failure): void {
    if (this.#closed) return;
    this.close();
    this.#events.failed(failure);
  }
}

/** Sets our description, in stereo where the browser lets us say so. */
async function describe(
  peer: RTCPeerConnection,
  { type, sdp = '' }: RTCSessionDescriptionInit,
): Promise<void> {
  try {
    await peer.setLocalDescription({ type, sdp: withStereoOpus(sdp) });
  } catch {
    await peer.setLocalDescription({ type, sdp });
  }
}
