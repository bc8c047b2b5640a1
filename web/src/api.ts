// The server's answers at /api and /api/streams (go2rtc's shape with keys of our own), read without trusting them: a
// missing or odd key becomes its plainest value, so that an older server or a proxy's page never breaks the screen.

export const STREAM_STATES = ['idle', 'connecting', 'live', 'failed'] as const;
export type StreamState = (typeof STREAM_STATES)[number];

export interface Track {
  kind: 'video' | 'audio';
  codec: string;
  profile?: string;
  width?: number;
  height?: number;
  fps?: number;
  sampleRate?: number;
  channels?: number;
}

export interface Stream {
  name: string;
  state: StreamState;
  /** Why it is not live, a sentence in the server's words; empty when there is nothing to say. */
  reason: string;
  /** Until the source is dialled again, while it waits for that. */
  retryInMs: number | null;
  tracks: Track[];
  consumers: number;
}

export interface Server {
  version: string;
  /** `host:port` of the RTSP server as configured, mostly without the host; empty when it is off. */
  rtspListen: string;
}

/** `GET /api/streams`: all streams, in the server's order. */
export function parseStreams(json: unknown): Stream[] {
  return Object.entries(record(json)).map(([name, stream]) => parseStream(name, stream));
}

/** `GET /api/streams?src=NAME`, and each value of the object above. */
export function parseStream(name: string, json: unknown): Stream {
  const stream = record(json);
  const retryInMs = number(stream.retry_in_ms);
  return {
    name,
    state: STREAM_STATES.find((state) => state === stream.state) ?? 'idle',
    reason: text(stream.reason),
    retryInMs: retryInMs ?? null,
    tracks: list(stream.tracks).flatMap(parseTrack),
    consumers: list(stream.consumers).length,
  };
}

/** `GET /api`. */
export function parseServer(json: unknown): Server {
  const server = record(json);
  return { version: text(server.version), rtspListen: text(record(server.rtsp).listen) };
}

function parseTrack(json: unknown): Track[] {
  const track = record(json);
  const { kind } = track;
  if (kind !== 'video' && kind !== 'audio') return [];
  return [
    {
      kind,
      codec: text(track.codec),
      ...defined({ profile: text(track.profile) || undefined }),
      ...defined({
        width: number(track.width),
        height: number(track.height),
        fps: number(track.fps),
        sampleRate: number(track.sample_rate),
        channels: number(track.channels),
      }),
    },
  ];
}

function record(value: unknown): Partial<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}

/** Leaves out the keys without a value: an optional key is absent, never `undefined`. */
function defined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
