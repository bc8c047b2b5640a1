// Transcripts of the session on a virtual clock: what the server and the transport do, and what the viewer is told.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Platform } from './platform.js';
import { Session } from './session.js';
import type { Failure, TransportEvents } from './transport.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const REFUSED: Failure = { problem: { kind: 'refused', status: 500, text: 'out of luck' } };

/** A transport whose other end is the test. */
class Line {
  readonly events: TransportEvents;
  closed = false;
  connected = false;
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
    });
  };

  close = () => {
    this.closed = true;
  };

  #count(): void {
    this.#frames += ((Date.now() - this.#lastMs) / 1000) * this.#framesPerSecond;
    this.#lastMs = Date.now();
  }
}

/** A session with the log of what it tells and does, `state: kind of problem` a line. */
function start() {
  const log: string[] = [];
  const lines: Line[] = [];
  const questions: string[] = [];
  const world = {
    /** What `GET /api/streams?src=cam` answers; null: nobody answers. */
    status: { state: 'live' } as object | null | number,
    answerAfterMs: 0,
  };
  const platform: Platform = {
    now: () => Date.now(),
    after: (ms, callback) => {
      const id = setTimeout(callback, ms);
      return () => clearTimeout(id);
    },
    random: () => 0,
    fetch: async (url) => {
      questions.push(url);
      const { status, answerAfterMs } = world;
      if (answerAfterMs > 0) await new Promise((resolve) => setTimeout(resolve, answerAfterMs));
      if (status === null) throw new TypeError('refused');
      return typeof status === 'number' ? new Response('no', { status }) : Response.json(status);
    },
    createPeer: null,
    createMedia: () => ({}) as MediaStream,
    codecs: () => [],
  };
  const target = { name: 'cam', whep: 'http://s/api/webrtc?src=cam', status: 'http://s/api/streams?src=cam' };
  const session = new Session(
    target,
    (_target, _platform, events) => {
      log.push('open');
      const line = new Line(events);
      lines.push(line);
      return line;
    },
    platform,
    {
      changed: ({ state, problem }) => log.push(problem ? `${state}: ${problem.kind}` : state),
      media: () => log.push('media'),
      ending: () => log.push('ending'),
    },
  );
  session.start();
  return {
    session,
    log,
    questions,
    world,
    line: () => lines.at(-1) ?? expect.fail('no transport'),
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
