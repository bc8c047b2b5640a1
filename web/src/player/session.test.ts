// Transcripts of the session on a virtual clock: what the server and the transport do, and what the viewer is told.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Rung } from './ladder.js';
import type { Mode } from './modes.js';
import { Session, type SessionView } from './session.js';
import { CAM, fakePlatform } from './testing.js';
import { NO_FIGURES, type Failure, type Problem, type TransportEvents } from './transport.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const REFUSED: Failure = { problem: { kind: 'refused', status: 500, text: 'out of luck' } };

/** A transport whose other end is the test. */
class Line {
  readonly events: TransportEvents;
  closed = false;
  connected = false;
  paused = false;
  chosen: number | null | undefined;
  #frames = 0;
  #lastMs = 0;
  #framesPerSecond = 0;

  constructor(events: TransportEvents) {
    this.events = events;
  }

  accept(): void {
    this.events.accepted();
    this.connected = true;
  }

  /** From now on so many frames come each second. */
  flow(framesPerSecond: number): void {
    this.#count();
    this.#framesPerSecond = framesPerSecond;
  }

  fail(failure: Failure): void {
    this.closed = true;
    this.events.failed(failure);
  }

  stats = () => {
    this.#count();
    const frames = Math.floor(this.#frames);
    return Promise.resolve({
      connected: this.connected,
      framesDecoded: frames,
      codec: frames > 0 ? 'H264' : null,
      paused: this.paused,
      figures: NO_FIGURES,
    });
  };

  close = () => {
    this.closed = true;
  };

  choose = (quality: number | null) => {
    this.chosen = quality;
  };

  #count(): void {
    this.#frames += ((Date.now() - this.#lastMs) / 1000) * this.#framesPerSecond;
    this.#lastMs = Date.now();
  }
}

/**
 * A session on these rungs, best first, with the log of what it tells and does. A line is `open`, or `state: kind of
 * problem`; with several rungs, the transport stands before both: `hls open`.
 */
function start(...modes: Mode[]) {
  const log: string[] = [];
  const lines: Line[] = [];
  const questions: string[] = [];
  const views: SessionView[] = [];
  const world = {
    /** What `GET /api/streams?src=cam` answers; null: nobody answers. */
    status: { state: 'live' } as object | null | number,
    answerAfterMs: 0,
  };
  const platform = fakePlatform({
    fetch: async (url) => {
      questions.push(url);
      const { status, answerAfterMs } = world;
      if (answerAfterMs > 0) await new Promise((resolve) => setTimeout(resolve, answerAfterMs));
      if (status === null) throw new TypeError('refused');
      return typeof status === 'number' ? new Response('no', { status }) : Response.json(status);
    },
  });
  const prefix = (mode: Mode) => (modes.length === 0 ? '' : `${mode} `);
  const rung = (mode: Mode): Rung => ({
    mode,
    open: (_target, _platform, events) => {
      log.push(`${prefix(mode)}open`);
      const line = new Line(events);
      lines.push(line);
      return line;
    },
    provesUnseen: mode === 'webrtc',
    patience: { path: 5_000, firstFrame: 2_000, stall: 2_000, renew: 10_000 },
  });
  const [first = 'webrtc', ...others] = modes;
  const session = new Session(CAM, [rung(first), ...others.map(rung)], platform, {
    changed: (view) => {
      views.push(view);
      const { state, problem, mode } = view;
      const entry = `${prefix(mode)}${problem ? `${state}: ${problem.kind}` : state}`;
      if (log.at(-1) !== entry) log.push(entry);
    },
    media: () => log.push('media'),
    ending: () => log.push('ending'),
    measured: () => undefined,
  });
  session.start();
  return {
    session,
    log,
    questions,
    world,
    line: () => lines.at(-1) ?? expect.fail('no transport'),
    lines,
    view: () => views.at(-1) ?? expect.fail('nothing was told'),
    /** Why better rungs were left: `mode: kind of problem`. */
    descents: () => (views.at(-1)?.descents ?? []).map(({ mode, problem }) => `${mode}: ${problem.kind}`),
    opened: () => lines.length,
    /** The log since the last call. */
    news: () => log.splice(0),
    pass: (ms: number) => vi.advanceTimersByTimeAsync(ms),
  };
}

/** A session that has played for five seconds. */
async function playing() {
  const run = start();
  run.line().accept();
  run.line().flow(25);
  await run.pass(5_000);
  run.news();
  return run;
}

describe('connecting', () => {
  it('plays at the first decoded frame', async () => {
    const run = start();
    run.line().accept();
    await run.pass(400);
    run.line().flow(25);
    await run.pass(200);
    expect(run.news()).toEqual(['open', 'connecting', 'playing']);
  });

  it('plays at the first presented frame without waiting for statistics', () => {
    const run = start();
    run.line().accept();
    run.session.framePresented();
    expect(run.news()).toEqual(['open', 'playing']);
  });

  it('tells the refusal and tries again by itself', async () => {
    const run = start();
    run.line().fail(REFUSED);
    await run.pass(500);
    expect(run.news()).toEqual(['open', 'ending', 'failed: refused', 'open']);
  });

  it('keeps the reason on the screen while it tries again', async () => {
    const run = start();
    run.line().fail(REFUSED);
    await run.pass(500);
    run.line().fail(REFUSED);
    expect(run.news().filter((entry) => entry.startsWith('connecting'))).toEqual([]);
  });

  it('is no stall while the server still thinks about the offer', async () => {
    const run = start();
    await run.pass(8_000);
    expect(run.news()).toEqual(['open']);
    expect(run.questions).toEqual([]);
  });

  it('says that the path is closed when nothing connects for ten seconds', async () => {
    const run = start();
    run.line().events.accepted();
    await run.pass(10_000);
    expect(run.news()).toEqual(['open', 'ending', 'failed: no-path']);
  });

  it('does not try again what the browser cannot do', async () => {
    const run = start();
    run.line().fail({ problem: { kind: 'unsupported' } });
    await run.pass(600_000);
    expect(run.opened()).toBe(1);
  });
});

describe('waits between attempts', () => {
  it('grow with each failure', async () => {
    const run = start();
    const waits: number[] = [];
    for (let failures = 0; failures < 7; failures += 1) {
      run.line().fail(REFUSED);
      const failedAt = Date.now();
      const before = run.opened();
      while (run.opened() === before) await run.pass(100);
      waits.push(Date.now() - failedAt);
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  it('start anew after a picture that lasted', async () => {
    const run = start();
    run.line().fail(REFUSED);
    await run.pass(500);
    run.line().fail(REFUSED);
    await run.pass(1_000);
    run.line().accept();
    run.line().flow(25);
    await run.pass(12_000);
    run.line().fail({ problem: { kind: 'lost' } });
    const before = run.opened();
    await run.pass(500);
    expect(run.opened()).toBe(before + 1);
  });

  it('go on growing when every picture breaks at once', async () => {
    const run = start();
    for (const wait of [500, 1_000, 2_000]) {
      run.line().accept();
      run.session.framePresented();
      run.line().fail({ problem: { kind: 'lost' } });
      const before = run.opened();
      await run.pass(wait - 1);
      expect(run.opened()).toBe(before);
      await run.pass(1);
      expect(run.opened()).toBe(before + 1);
    }
  });

  it('end when the network comes back', () => {
    const run = start();
    run.line().fail({ problem: { kind: 'not-found', text: '' } });
    run.session.online();
    expect(run.opened()).toBe(2);
  });

  it('end when the page is looked at again', () => {
    const run = start();
    run.session.setVisible(false);
    run.line().fail(REFUSED);
    run.session.setVisible(true);
    expect(run.opened()).toBe(2);
  });

  it('end when somebody asks', () => {
    const run = start();
    run.line().fail(REFUSED);
    run.news();
    run.session.retry();
    expect(run.news()).toEqual(['connecting', 'open']);
  });

  it('open one session only, however often they are ended', async () => {
    const run = start();
    run.line().fail(REFUSED);
    run.session.online();
    run.session.online();
    run.session.retry();
    await run.pass(5_000);
    expect(run.opened()).toBe(2);
  });
});

describe('a stall', () => {
  it('is told after two seconds and over with the next frame', async () => {
    const run = await playing();
    run.line().flow(0);
    await run.pass(1_500);
    expect(run.news()).toEqual([]);
    await run.pass(1_000);
    expect(run.news()).toEqual(['waiting: no-frames']);
    run.line().flow(25);
    await run.pass(500);
    expect(run.news()).toEqual(['playing']);
    expect(run.opened()).toBe(1);
  });

  it('tells what the server says of the camera', async () => {
    const run = await playing();
    run.world.status = { state: 'failed', reason: 'camera refused the password' };
    run.line().flow(0);
    await run.pass(3_000);
    expect(run.news()).toEqual(['waiting: no-frames', 'waiting: camera']);
    expect(run.questions).toEqual(['http://s/api/streams?src=cam']);
  });

  it('is waited out in the same session while the camera is away', async () => {
    const run = await playing();
    run.world.status = { state: 'failed', reason: 'no route to host' };
    run.line().flow(0);
    await run.pass(300_000);
    expect(run.opened()).toBe(1);
    run.world.status = { state: 'live' };
    await run.pass(1_000);
    run.line().flow(25);
    await run.pass(500);
    expect(run.news().at(-1)).toBe('playing');
    expect(run.opened()).toBe(1);
  });

  it('asks the server every two seconds and not more often', async () => {
    const run = await playing();
    run.world.status = { state: 'connecting' };
    run.line().flow(0);
    await run.pass(2_500);
    run.questions.length = 0;
    await run.pass(20_000);
    expect(run.questions.length).toBe(10);
  });

  it('opens a new session when the server calls the camera live for ten seconds', async () => {
    const run = await playing();
    run.line().flow(0);
    await run.pass(9_000);
    expect(run.opened()).toBe(1);
    await run.pass(3_000);
    expect(run.news()).toEqual(['waiting: no-frames', 'ending', 'open']);
  });

  it('gives frames ten seconds after the camera is live again', async () => {
    const run = await playing();
    run.world.status = { state: 'failed', reason: 'gone' };
    run.line().flow(0);
    await run.pass(60_000);
    run.world.status = { state: 'live' };
    await run.pass(8_000);
    expect(run.opened()).toBe(1);
  });

  it('opens a new session at once when the server knows no viewer', async () => {
    const run = await playing();
    run.world.status = { state: 'idle' };
    run.line().flow(0);
    await run.pass(3_500);
    expect(run.news()).toEqual(['waiting: no-frames', 'ending', 'waiting: lost', 'open']);
  });

  it('opens a new session at once when the server has been away', async () => {
    const run = await playing();
    run.world.status = null;
    run.line().flow(0);
    await run.pass(3_000);
    expect(run.news()).toEqual(['waiting: no-frames', 'waiting: unreachable']);
    run.world.status = { state: 'connecting' };
    await run.pass(3_000);
    expect(run.news()).toEqual(['ending', 'waiting: lost', 'open']);
  });

  it('is a failure when the server stays away', async () => {
    const run = await playing();
    run.world.status = null;
    run.line().flow(0);
    await run.pass(11_000);
    expect(run.news()).toContain('failed: unreachable');
  });

  it('is a failure when the stream has been removed', async () => {
    const run = await playing();
    run.world.status = 404;
    run.line().flow(0);
    await run.pass(3_000);
    expect(run.news()).toEqual(['waiting: no-frames', 'ending', 'failed: not-found']);
  });

  it('is none while nobody looks at the page', async () => {
    const run = await playing();
    run.session.setVisible(false);
    run.line().flow(0);
    await run.pass(60_000);
    run.session.setVisible(true);
    await run.pass(1_000);
    expect(run.news()).toEqual([]);
    await run.pass(1_500);
    expect(run.news()).toEqual(['waiting: no-frames']);
  });

  it('is over, whatever an answer says that comes after the frames', async () => {
    const run = await playing();
    run.world.answerAfterMs = 1_000;
    run.world.status = { state: 'idle' };
    run.line().flow(0);
    await run.pass(2_500);
    expect(run.questions.length).toBe(1);
    run.session.framePresented();
    await run.pass(1_500);
    expect(run.news()).toEqual(['waiting: no-frames', 'playing']);
  });
});

describe('a picture that the browser or the reader holds', () => {
  it('is no stall', async () => {
    const run = await playing();
    run.line().flow(0);
    run.line().paused = true;
    await run.pass(60_000);
    expect(run.news()).toEqual([]);
    run.line().paused = false;
    await run.pass(2_500);
    expect(run.news()).toEqual(['waiting: no-frames']);
  });
});

describe('a stream that others publish', () => {
  it('is waited for in the same session while its publisher is away', async () => {
    const run = await playing();
    run.world.status = { state: 'idle', consumers: [{}] };
    run.line().flow(0);
    await run.pass(60_000);
    expect(run.news()).toEqual(['waiting: no-frames', 'waiting: camera']);
  });
});

describe('a lost path', () => {
  it('keeps waiting on the last picture, not failing, while the new session comes up', async () => {
    const run = await playing();
    run.line().fail({ problem: { kind: 'lost' } });
    await run.pass(500);
    run.line().accept();
    run.line().flow(25);
    await run.pass(600);
    expect(run.news()).toEqual(['ending', 'waiting: lost', 'open', 'playing']);
  });
});

const WRONG_CODEC: Failure = { problem: { kind: 'refused', status: 406, text: 'cam has H265' } };
const SWITCHED_OFF: Failure = { problem: { kind: 'refused', status: 503, text: 'no picture' } };

/** Plays on the second of these rungs, because the first failed with that problem. */
async function descended(problem: Problem, ...modes: [Mode, Mode, ...Mode[]]) {
  const run = start(...modes);
  run.line().fail({ problem });
  run.line().accept();
  run.line().flow(25);
  await run.pass(1_000);
  run.news();
  return run;
}

describe('a transport that cannot do it', () => {
  it('is followed by the next at once, and the reason is kept', async () => {
    const run = start('webrtc', 'll-hls', 'hls');
    run.line().fail(WRONG_CODEC);
    expect(run.news()).toEqual(['webrtc open', 'ending', 'll-hls connecting', 'll-hls open']);
    run.line().fail({ problem: { kind: 'codec', codec: 'H.265' } });
    run.line().accept();
    run.line().flow(25);
    await run.pass(1_000);
    expect(run.news().at(-1)).toBe('hls playing');
    expect(run.descents()).toEqual(['webrtc: refused', 'll-hls: codec']);
  });

  it('is left after five seconds without a path', async () => {
    const run = start('webrtc', 'll-hls');
    run.line().events.accepted();
    await run.pass(4_500);
    expect(run.opened()).toBe(1);
    await run.pass(1_000);
    expect(run.opened()).toBe(2);
    expect(run.descents()).toEqual(['webrtc: no-path']);
  });

  it('is left when no first frame comes although the camera is live', async () => {
    const run = start('webrtc', 'll-hls');
    run.line().accept();
    await run.pass(12_000);
    expect(run.descents()).toEqual(['webrtc: no-frames']);
  });

  it('is left when its picture breaks a second time', async () => {
    const run = start('webrtc', 'll-hls');
    for (const waitMs of [500, 0]) {
      run.line().accept();
      run.line().flow(25);
      await run.pass(2_000);
      run.line().fail({ problem: { kind: 'lost' } });
      await run.pass(waitMs);
    }
    expect(run.descents()).toEqual(['webrtc: lost']);
  });

  it('is tried again when its picture broke once', async () => {
    const run = start('webrtc', 'll-hls');
    for (let breaks = 0; breaks < 3; breaks += 1) {
      run.line().accept();
      run.line().flow(25);
      await run.pass(12_000);
      run.line().fail({ problem: { kind: 'lost' } });
      await run.pass(500);
    }
    expect(run.descents()).toEqual([]);
    expect(run.view().mode).toBe('webrtc');
  });
});

describe('a camera that has no picture', () => {
  it.each([404, 401, 429])('is asked for again in the same way after a refusal %d', async (status) => {
    const run = start('webrtc', 'll-hls');
    run.line().fail({
      problem: status === 404 ? { kind: 'not-found', text: '' } : ({ ...REFUSED.problem, status } as Problem),
    });
    await run.pass(20_000);
    expect(run.news()).not.toContain('ll-hls open');
  });

  it('is no reason for another transport', async () => {
    const run = start('webrtc', 'll-hls');
    run.world.status = { state: 'failed', reason: 'no route to host' };
    run.line().fail(SWITCHED_OFF);
    await run.pass(600);
    expect(run.news()).toEqual(['webrtc open', 'ending', 'webrtc failed: refused', 'webrtc open']);
  });

  it('is told from a part of the server that is switched off', async () => {
    const run = start('webrtc', 'll-hls');
    run.line().fail(SWITCHED_OFF);
    await run.pass(0);
    expect(run.news()).toEqual([
      'webrtc open',
      'ending',
      'webrtc failed: refused',
      'll-hls failed: refused',
      'll-hls open',
    ]);
    await run.pass(5_000);
    expect(run.opened()).toBe(2);
  });

  it('that is removed is not looked for in other forms', async () => {
    const run = await descended({ kind: 'no-path' }, 'webrtc', 'll-hls', 'hls');
    run.world.status = 404;
    run.line().flow(0);
    await run.pass(3_000);
    expect(run.news()).toEqual(['ll-hls waiting: no-frames', 'ending', 'll-hls failed: not-found']);
    await run.pass(15_000);
    expect(run.news()).toEqual(['webrtc failed: not-found', 'webrtc open']);
  });
});

describe('the last transport', () => {
  it('fails with the reason of the first, and the next attempt begins at the first', async () => {
    const run = start('webrtc', 'll-hls');
    run.line().fail(WRONG_CODEC);
    run.line().fail({ problem: { kind: 'not-found', text: '' } });
    expect(run.view()).toMatchObject({ state: 'failed', problem: WRONG_CODEC.problem });
    await run.pass(500);
    expect(run.news().at(-1)).toBe('webrtc open');
  });

  it('is not tried again when the browser can do none', async () => {
    const run = start('webrtc', 'll-hls');
    run.line().fail({ problem: { kind: 'unsupported' } });
    run.line().fail({ problem: { kind: 'unsupported' } });
    await run.pass(600_000);
    expect(run.opened()).toBe(2);
    expect(run.view()).toMatchObject({ state: 'failed', problem: { kind: 'unsupported' } });
  });

  it('does not hide behind what the browser cannot do', () => {
    const run = start('webrtc', 'll-hls');
    run.line().fail({ problem: { kind: 'unsupported' } });
    run.line().fail({ problem: { kind: 'codec', codec: 'H.265' } });
    expect(run.view().problem?.kind).toBe('codec');
  });
});

describe('a better transport', () => {
  it('is tried unseen after a minute, and takes over with its first frame', async () => {
    const run = await descended({ kind: 'no-path' }, 'webrtc', 'll-hls');
    await run.pass(60_000);
    expect(run.news()).toEqual(['webrtc open']);
    const [, old, better] = run.lines;
    better?.accept();
    better?.events.media({ kind: 'canvas', canvas: {} as HTMLCanvasElement, sound: false });
    better?.flow(25);
    await run.pass(600);
    expect(run.news()).toEqual(['ending', 'webrtc playing', 'media']);
    expect(old?.closed).toBe(true);
    expect(run.descents()).toEqual([]);
    better?.flow(0);
    await run.pass(3_000);
    expect(run.news()).toEqual(['webrtc waiting: no-frames']);
  });

  it('that fails leaves the picture alone and is tried less and less often', async () => {
    const run = await descended({ kind: 'no-path' }, 'webrtc', 'll-hls');
    const tries: number[] = [];
    const since = Date.now();
    while (tries.length < 7) {
      const before = run.opened();
      while (run.opened() === before) await run.pass(1_000);
      tries.push(Math.round((Date.now() - since) / 60_000));
      run.line().fail({ problem: { kind: 'no-path' } });
    }
    expect(tries).toEqual([1, 3, 7, 15, 30, 45, 60]);
    expect(run.news().filter((entry) => entry !== 'webrtc open')).toEqual([]);
  });

  it('that shows nothing in ten seconds is closed', async () => {
    const run = await descended({ kind: 'no-path' }, 'webrtc', 'll-hls');
    await run.pass(60_000);
    run.line().accept();
    await run.pass(11_000);
    expect(run.line().closed).toBe(true);
    expect(run.view()).toMatchObject({ mode: 'll-hls', state: 'playing' });
  });

  it('is tried at once when the network is another', async () => {
    const run = await descended({ kind: 'no-path' }, 'webrtc', 'll-hls');
    run.session.online();
    run.session.online();
    expect(run.news()).toEqual(['webrtc open']);
  });

  it('is not tried while nobody looks', async () => {
    const run = await descended({ kind: 'no-path' }, 'webrtc', 'll-hls');
    run.session.setVisible(false);
    await run.pass(300_000);
    expect(run.opened()).toBe(2);
    run.session.setVisible(true);
    await run.pass(61_000);
    expect(run.opened()).toBe(3);
  });

  it('is not tried when the browser has it not', async () => {
    const run = await descended({ kind: 'unsupported' }, 'webrtc', 'll-hls');
    await run.pass(3_600_000);
    expect(run.opened()).toBe(2);
  });

  it('is tried first when the picture is gone anyway', async () => {
    const run = await descended({ kind: 'no-path' }, 'webrtc', 'll-hls');
    await run.pass(59_000);
    run.line().fail({ problem: { kind: 'lost' } });
    await run.pass(500);
    expect(run.news()).toEqual(['ending', 'll-hls waiting: lost', 'webrtc waiting: lost', 'webrtc open']);
  });

  it('is closed with the session', async () => {
    const run = await descended({ kind: 'no-path' }, 'webrtc', 'll-hls');
    await run.pass(60_000);
    run.session.stop();
    expect(run.lines.map(({ closed }) => closed)).toEqual([true, true, true]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a choice of quality', () => {
  const qualities = [
    { height: 360, bitsPerSecond: 5e5 },
    { height: 1080, bitsPerSecond: 4e6 },
  ];

  it('is passed on and outlives the transport', async () => {
    const run = start('hls');
    run.line().accept();
    run.line().events.qualities(qualities);
    run.session.choose(1);
    expect(run.line().chosen).toBe(1);
    run.line().fail({ problem: { kind: 'lost' } });
    await run.pass(500);
    expect(run.view()).toMatchObject({ qualities: [], chosen: null });
    run.line().events.qualities([{ height: 720, bitsPerSecond: 2e6 }, ...qualities]);
    expect(run.line().chosen).toBe(2);
    expect(run.view().chosen).toBe(2);
    run.session.choose(null);
    expect(run.line().chosen).toBeNull();
  });
});

describe('stop', () => {
  it('closes the transport and leaves nothing running', async () => {
    const run = await playing();
    run.session.stop();
    expect(run.line().closed).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    await run.pass(60_000);
    expect(run.opened()).toBe(1);
  });

  it('ends a wait for the next attempt', async () => {
    const run = start();
    run.line().fail(REFUSED);
    run.session.stop();
    await run.pass(60_000);
    expect(run.opened()).toBe(1);
  });
});
