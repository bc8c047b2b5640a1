// WHEP against a scripted server and a peer connection that only remembers.

import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { CAM, fakePlatform } from './testing.js';
import type { Failure } from './transport.js';
import { openWhep } from './whep.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const OFFER = 'v=0\r\na=ice-ufrag:me\r\na=ice-pwd:mine\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n';
const ANSWER = 'v=0\r\na=ice-ufrag:you\r\na=ice-pwd:yours\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n';
const SESSION = 'http://s/api/webrtc?id=7';

class FakePeer extends EventTarget {
  connectionState: RTCPeerConnectionState = 'new';
  localDescription: { sdp: string } | null = null;
  remoteDescription: { sdp: string } | null = null;
  closed = false;
  preferences: string[][] = [];
  targets: unknown[] = [];
  refusesAnswer = false;

  addTransceiver = (kind: string, init: RTCRtpTransceiverInit) => {
    expect(init.direction).toBe('recvonly');
    const receiver = {
      set jitterBufferTarget(value: number) {
        peer.targets.push([kind, value]);
      },
    };
    const peer = this as FakePeer;
    return {
      receiver,
      setCodecPreferences: (codecs: RTCRtpCodec[]) =>
        this.preferences.push(codecs.map(({ mimeType }) => mimeType)),
    };
  };

  createOffer = (options?: RTCOfferOptions) =>
    Promise.resolve({ type: 'offer', sdp: options?.iceRestart ? OFFER.replace('me', 'again') : OFFER });

  setLocalDescription = (description: { sdp: string }) => {
    this.localDescription = description;
    return Promise.resolve();
  };

  setRemoteDescription = (description: { sdp: string }) => {
    if (this.refusesAnswer) return Promise.reject(new Error('m-lines do not match'));
    this.remoteDescription = description;
    return Promise.resolve();
  };

  close = () => {
    this.closed = true;
  };

  become(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.dispatchEvent(new Event('connectionstatechange'));
  }

  gather(candidate: string | null): void {
    const event = Object.assign(new Event('icecandidate'), {
      candidate: candidate === null ? null : { candidate },
    });
    this.dispatchEvent(event);
  }
}

type Reply = Response | null;

const created = (headers: Record<string, string> = { Location: '?id=7', ETag: '"a"' }) =>
  new Response(ANSWER, { status: 201, headers });

/** Opens a session; `serve` answers each request, null as silence for ever. */
async function open(serve: (method: string) => Reply | Promise<Reply>) {
  const peer = new FakePeer();
  const requests: string[] = [];
  const bodies: string[] = [];
  const told: unknown[] = [];
  const codec = (mimeType: string) => ({ mimeType, clockRate: 90000 });
  const platform = fakePlatform({
    fetch: async (url, init) => {
      const headers = init.headers as Record<string, string> | undefined;
      requests.push(
        [init.method, url, headers?.['If-Match'], init.keepalive && 'keepalive'].filter(Boolean).join(' '),
      );
      if (typeof init.body === 'string') bodies.push(init.body);
      const reply = await serve(init.method ?? 'GET');
      if (reply !== null) return reply;
      return await new Promise((_resolve, reject) => {
        init.signal?.addEventListener('abort', () => reject(new DOMException('late', 'AbortError')));
      });
    },
    createPeer: () => peer as unknown as RTCPeerConnection,
    codecs: (kind) =>
      kind === 'video'
        ? ['video/VP8', 'video/rtx', 'video/H264', 'video/AV1', 'video/H265', 'video/ulpfec'].map(codec)
        : ['audio/opus', 'audio/red', 'audio/G722', 'audio/PCMU', 'audio/PCMA', 'audio/telephone-event'].map(
            codec,
          ),
  });
  const transport = openWhep(CAM, platform, {
    accepted: () => told.push('accepted'),
    media: () => told.push('media'),
    qualities: () => told.push('qualities'),
    presented: () => told.push('presented'),
    failed: (failure: Failure) => told.push(failure),
  });
  await settle();
  return { peer, requests, bodies, told, transport, platform };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

it('posts the offer before any candidate is gathered', async () => {
  const { requests, bodies, told, peer } = await open(() => created());
  expect(requests).toEqual(['POST http://s/api/webrtc?src=cam']);
  expect(bodies).toEqual([OFFER]);
  expect(told).toEqual(['accepted']);
  expect(peer.remoteDescription?.sdp).toBe(ANSWER);
});

it('offers what cameras and publishers send, and keeps no more than the network needs', async () => {
  const { peer } = await open(() => created());
  expect(peer.preferences).toEqual([
    ['video/VP8', 'video/rtx', 'video/H264', 'video/AV1', 'video/H265'],
    ['audio/opus', 'audio/PCMU', 'audio/PCMA'],
  ]);
  expect(peer.targets).toEqual([
    ['video', 0],
    ['audio', 0],
  ]);
});

it('sends gathered candidates to the session, and the newer ones with the newer tag', async () => {
  const { peer, requests, bodies } = await open((method) =>
    method === 'POST' ? created() : new Response(null, { status: 204, headers: { ETag: '"b"' } }),
  );
  peer.gather('candidate:1');
  peer.gather('candidate:2');
  await settle();
  peer.gather(null);
  await settle();
  expect(requests.slice(1)).toEqual([`PATCH ${SESSION} "a"`, `PATCH ${SESSION} "b"`, `PATCH ${SESSION} "b"`]);
  expect(bodies[1]).toContain('a=candidate:1\r\n');
  expect(bodies[2]).toContain('a=candidate:2\r\n');
  expect(bodies[3]).toContain('a=end-of-candidates\r\n');
});

it('keeps the candidates that come before the answer', async () => {
  let reply: (response: Response) => void = () => undefined;
  const { peer, requests, bodies } = await open((method) =>
    method === 'POST'
      ? new Promise<Response>((resolve) => (reply = resolve))
      : new Response(null, { status: 204 }),
  );
  peer.gather('candidate:1');
  peer.gather(null);
  await settle();
  expect(requests.length).toBe(1);
  reply(created());
  await settle();
  expect(bodies[1]).toContain('a=candidate:1\r\na=end-of-candidates\r\n');
});

it('does without trickling where the server refuses it', async () => {
  const { peer, requests, told } = await open((method) =>
    method === 'POST' ? created() : new Response(null, { status: 405 }),
  );
  peer.gather('candidate:1');
  await settle();
  peer.gather('candidate:2');
  await settle();
  expect(requests.length).toBe(2);
  expect(told).toEqual(['accepted']);
});

it('plays from a server that tells no address of the session', async () => {
  const { peer, requests, transport, told } = await open(() => created({}));
  peer.gather('candidate:1');
  transport.close();
  await settle();
  expect(requests).toEqual(['POST http://s/api/webrtc?src=cam']);
  expect(told).toEqual(['accepted']);
});

it('tells the session which quality is wanted, the best of which the server counts first', async () => {
  const qualities = [
    { name: 'main', height: 720 },
    { name: 'sub', height: 360 },
  ];
  const { requests, bodies, told, transport } = await open((method) =>
    method === 'POST' ? created() : Response.json({ qualities, quality: null }),
  );
  for (const quality of [null, 1, 0]) {
    transport.choose?.(quality);
    await settle();
  }
  expect(requests.slice(1)).toEqual(Array(3).fill(`PATCH ${SESSION}`));
  expect(bodies.slice(1)).toEqual(['{"quality":null}', '{"quality":0}', '{"quality":1}']);
  // Said again, they are no news.
  expect(told).toEqual(['accepted', 'qualities']);
});

it('deletes the session when it is closed, even from a page that goes away', async () => {
  const { requests, transport, peer } = await open(() => created());
  transport.close();
  transport.close();
  await settle();
  expect(requests.slice(1)).toEqual([`DELETE ${SESSION} keepalive`]);
  expect(peer.closed).toBe(true);
});

it('deletes a session that is answered after it was closed', async () => {
  let reply: (response: Response) => void = () => undefined;
  const { requests, transport, told } = await open(
    () => new Promise<Response>((resolve) => (reply = resolve)),
  );
  transport.close();
  reply(created());
  await settle();
  expect(requests.slice(1)).toEqual([`DELETE ${SESSION} keepalive`]);
  expect(told).toEqual([]);
});

it('tells the sentence of a refusal and when to come again', async () => {
  const { told } = await open(
    () => new Response('the camera sends H265\n', { status: 503, headers: { 'Retry-After': '4' } }),
  );
  expect(told).toEqual([
    { problem: { kind: 'refused', status: 503, text: 'the camera sends H265' }, retryAfterMs: 4_000 },
  ]);
});

it('takes a web page in a refusal for no sentence', async () => {
  const { told } = await open(
    () => new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'Content-Type': 'text/html' } }),
  );
  expect(told).toEqual([{ problem: { kind: 'refused', status: 502, text: '' }, retryAfterMs: null }]);
});

it('knows an unknown stream', async () => {
  const { told } = await open(() => new Response('stream not found', { status: 404 }));
  expect(told).toEqual([{ problem: { kind: 'not-found', text: 'stream not found' } }]);
});

it('gives up an offer that is never answered', async () => {
  const { told } = await open(() => null);
  await vi.advanceTimersByTimeAsync(15_000);
  expect(told).toEqual([{ problem: { kind: 'unreachable' } }]);
});

it('deletes the session whose answer the browser refuses', async () => {
  let reply: (response: Response) => void = () => undefined;
  const { peer, requests, told } = await open((method) =>
    method === 'POST' ? new Promise<Response>((resolve) => (reply = resolve)) : new Response(null),
  );
  peer.refusesAnswer = true;
  reply(created());
  await settle();
  expect(told).toEqual([{ problem: { kind: 'bad-answer', text: 'Error: m-lines do not match' } }]);
  expect(requests.slice(1)).toEqual([`DELETE ${SESSION} keepalive`]);
});

it('tells a path that never came up from one that was lost', async () => {
  const never = await open(() => created());
  never.peer.become('failed');
  expect(never.told.at(-1)).toEqual({ problem: { kind: 'no-path' } });

  const lost = await open(() => created());
  lost.peer.become('connected');
  lost.peer.become('failed');
  expect(lost.told.at(-1)).toEqual({ problem: { kind: 'lost' } });
});

it('restarts ICE on the same session when the path breaks', async () => {
  const fragment = 'a=ice-ufrag:new\r\na=ice-pwd:newer\r\na=candidate:9 1 udp 1 10.0.0.9 8555 typ host\r\n';
  const { peer, requests, bodies, told } = await open((method) =>
    method === 'POST' ? created() : new Response(fragment, { status: 200, headers: { ETag: '"b"' } }),
  );
  peer.become('connected');
  peer.become('disconnected');
  await settle();
  expect(requests[1]).toBe(`PATCH ${SESSION} *`);
  expect(bodies[1]).toContain('a=ice-ufrag:again\r\n');
  expect(peer.remoteDescription?.sdp).toContain('a=ice-ufrag:new\r\na=ice-pwd:newer\r\n');
  peer.become('connected');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(told).toEqual(['accepted']);
});

it('gives the session up when the server has forgotten it', async () => {
  const { peer, told } = await open((method) =>
    method === 'POST' ? created() : new Response('no such session', { status: 404 }),
  );
  peer.become('connected');
  peer.become('disconnected');
  await settle();
  expect(told).toEqual(['accepted', { problem: { kind: 'lost' } }]);
});

it('gives the session up when an ICE restart brings no path in time', async () => {
  const { peer, told } = await open((method) => (method === 'POST' ? created() : null));
  peer.become('connected');
  peer.become('disconnected');
  await vi.advanceTimersByTimeAsync(4_000);
  expect(told).toEqual(['accepted', { problem: { kind: 'lost' } }]);
});
