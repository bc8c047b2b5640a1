// A camera and an HLS server in small, for the tests of pages: ffmpeg encodes a test picture in real time into fMP4
// fragments of 200 ms, which are served as parts and segments (RFC 8216bis), each quality at an address of its own. It
// does what the player needs and no more: no delta updates, no sliding of what nobody asks for any more.

import { spawn } from 'node:child_process';
import { once } from 'node:events';

const FPS = 25;
const PART_SECONDS = 0.2;
const PARTS_OF_SEGMENT = 5;
/** Kept and listed: enough for classic players, which stay three segments behind. */
const SEGMENTS = 8;
/** Parts are listed of the newest segments only (RFC 8216bis §4.4.4.9). */
const SEGMENTS_WITH_PARTS = 3;
/** A blocked reload ends by itself. */
const BLOCK_TIMEOUT_MS = 10_000;

/**
 * Starts the qualities `{name: {size, kbits}}`, until the end of the test `t`, and for so many seconds at most.
 * `answer(path, query)` gives what stands at a path below the stream's folder, or null; `pause(true)` stops the picture,
 * as a camera does that hangs.
 */
export async function startHlsOrigin(
  t,
  qualities = { main: { size: '640x360', kbits: 600 } },
  { sound = true, seconds = 300 } = {},
) {
  const streams = Object.fromEntries(
    Object.entries(qualities).map(([name, quality]) => [
      name,
      new Quality(t, name, { ...quality, sound, seconds }),
    ]),
  );
  await Promise.all(Object.values(streams).map((stream) => stream.has(1)));
  return {
    streams,
    answer: async (path, query) => {
      const [name, file] = path.replace(/^hls\//, '').split('/');
      const parts = !path.startsWith('hls/');
      if (name === 'index.m3u8') return playlist(multivariant(streams, sound));
      return file && Object.hasOwn(streams, name) ? await streams[name].answer(file, query, parts) : null;
    },
    pause: (paused) => Object.values(streams).forEach((stream) => stream.pause(paused)),
  };
}

function multivariant(streams, sound) {
  const lines = Object.values(streams).flatMap(({ name, size, kbits, codec }) => [
    `#EXT-X-STREAM-INF:BANDWIDTH=${(kbits + 100) * 1200},CODECS="${codec}${sound ? ',mp4a.40.2' : ''}",` +
      `RESOLUTION=${size},FRAME-RATE=${FPS}`,
    `${name}/media.m3u8`,
  ]);
  return ['#EXTM3U', '#EXT-X-VERSION:9', '#EXT-X-INDEPENDENT-SEGMENTS', ...lines, ''].join('\n');
}

const playlist = (text) => ({
  status: 200,
  headers: { 'Content-Type': 'application/vnd.apple.mpegurl', 'Cache-Control': 'no-cache' },
  text,
});

class Quality {
  constructor(t, name, { size, kbits, codec = 'avc1.42c01e', sound, seconds }) {
    Object.assign(this, { name, size, kbits, codec });
    this.init = Buffer.alloc(0);
    /** All parts so far, `{bytes, at}`; a segment is five of them. */
    this.parts = [];
    this.waiting = new Set();
    const child = spawn('ffmpeg', encoderArguments(size, kbits, sound, seconds), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child = child;
    const ended = once(child, 'exit');
    t.after(async () => {
      child.kill('SIGCONT');
      child.kill('SIGKILL');
      await ended;
    });
    this.read(child.stdout);
  }

  pause(paused) {
    this.child.kill(paused ? 'SIGSTOP' : 'SIGCONT');
  }

  async read(stream) {
    let rest = Buffer.alloc(0);
    let fragment = [];
    for await (const chunk of stream) {
      rest = Buffer.concat([rest, chunk]);
      for (let box = firstBox(rest); box !== null; box = firstBox(rest)) {
        rest = rest.subarray(box.bytes.length);
        if (['ftyp', 'moov'].includes(box.type)) this.init = Buffer.concat([this.init, box.bytes]);
        if (['moof', 'mdat'].includes(box.type)) fragment.push(box.bytes);
        if (box.type !== 'mdat') continue;
        this.parts.push({ bytes: Buffer.concat(fragment), at: Date.now() });
        fragment = [];
        for (const wake of [...this.waiting]) wake();
      }
    }
  }

  /** Waits until there are so many parts. */
  async has(count) {
    const end = Date.now() + BLOCK_TIMEOUT_MS;
    while (this.parts.length < count && Date.now() < end) {
      await new Promise((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, end - Date.now());
        this.waiting.add(wake);
      });
    }
    return this.parts.length >= count;
  }

  async answer(file, query, lowLatency) {
    if (file === 'media.m3u8') {
      const msn = query.get('_HLS_msn');
      const part = Number(query.get('_HLS_part') ?? PARTS_OF_SEGMENT - 1);
      const known = msn === null || (await this.has(Number(msn) * PARTS_OF_SEGMENT + part + 1));
      if (!lowLatency) await this.has(PARTS_OF_SEGMENT);
      return known
        ? playlist(this.media(lowLatency))
        : { status: 503, text: 'no media from the camera for 10 s\n' };
    }
    if (file === 'init.mp4') return media(this.init);
    const [, kind, number] = /^(segment|part)(\d+)\.m4s$/.exec(file) ?? [];
    if (kind === undefined) return null;
    const [from, count] =
      kind === 'part' ? [Number(number), 1] : [number * PARTS_OF_SEGMENT, PARTS_OF_SEGMENT];
    if (!(await this.has(from + count))) return { status: 404, text: 'no such segment\n' };
    return media(Buffer.concat(this.parts.slice(from, from + count).map(({ bytes }) => bytes)));
  }

  media(lowLatency) {
    const whole = Math.floor(this.parts.length / PARTS_OF_SEGMENT);
    const first = Math.max(0, whole - SEGMENTS);
    const seconds = PART_SECONDS * PARTS_OF_SEGMENT;
    const lines = [
      '#EXTM3U',
      `#EXT-X-VERSION:${lowLatency ? 9 : 7}`,
      `#EXT-X-TARGETDURATION:${Math.ceil(seconds)}`,
    ];
    if (lowLatency) {
      lines.push(
        `#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=${3 * PART_SECONDS}`,
        `#EXT-X-PART-INF:PART-TARGET=${PART_SECONDS}`,
      );
    }
    lines.push(`#EXT-X-MEDIA-SEQUENCE:${first}`, '#EXT-X-MAP:URI="init.mp4"');
    for (let segment = first; segment <= whole; segment += 1) {
      const from = segment * PARTS_OF_SEGMENT;
      const parts = this.parts.slice(from, from + PARTS_OF_SEGMENT);
      // A part is as old as its first picture.
      if (parts.length > 0) {
        lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(parts[0].at - PART_SECONDS * 1000).toISOString()}`);
      }
      if (lowLatency && segment > whole - SEGMENTS_WITH_PARTS) {
        for (const index of parts.keys()) {
          const independent = index === 0 ? ',INDEPENDENT=YES' : '';
          lines.push(`#EXT-X-PART:DURATION=${PART_SECONDS},URI="part${from + index}.m4s"${independent}`);
        }
      }
      if (segment < whole) lines.push(`#EXTINF:${seconds.toFixed(3)},`, `segment${segment}.m4s`);
    }
    if (lowLatency) lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part${this.parts.length}.m4s"`);
    return [...lines, ''].join('\n');
  }
}

const media = (bytes) => ({ status: 200, headers: { 'Content-Type': 'video/mp4' }, text: bytes });

function encoderArguments(size, kbits, sound, seconds) {
  const gop = FPS * PART_SECONDS * PARTS_OF_SEGMENT;
  return [
    ...['-nostdin', '-loglevel', 'error'],
    ...['-re', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${FPS}`],
    ...(sound ? ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-c:a', 'aac'] : []),
    ...[
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-tune',
      'zerolatency',
      '-profile:v',
      'baseline',
      '-threads',
      '1',
    ],
    ...['-pix_fmt', 'yuv420p', '-b:v', `${kbits}k`, '-g', gop, '-keyint_min', gop, '-sc_threshold', '0'],
    // Ends by itself, whatever becomes of the test.
    ...[
      '-t',
      seconds,
      '-f',
      'mp4',
      '-movflags',
      '+empty_moov+default_base_moof+frag_keyframe',
      '-flush_packets',
      '1',
    ],
    ...['-frag_duration', PART_SECONDS * 1e6 - 1000, '-'],
  ].map(String);
}

/** The first box (ISO/IEC 14496-12 §4.2), whole; null where it is not there yet. */
function firstBox(bytes) {
  if (bytes.length < 8) return null;
  const length = bytes.readUInt32BE(0);
  return bytes.length < length
    ? null
    : { type: bytes.toString('latin1', 4, 8), bytes: bytes.subarray(0, length) };
}
