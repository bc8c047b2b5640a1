// Relays between a browser and the server that carry only so much: a narrow line with a queue in front of it.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { pipeline } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** What one connection sends before it is another one's turn: a few packets. */
const PIECE_BYTES = 4_096;

/**
 * Relays datagrams from a port of its own to `port` of loopback, and back for each sender. `bitsPerSecond` limits the way
 * from the server (null does not); a datagram that would wait longer than `queueMs` is lost. `loss` is the share of datagrams that are
 * lost at random, `delayMs` what all others wait, each way. Ends with the test `t`.
 */
export async function startRelay(
  t,
  port,
  { bitsPerSecond = null, queueMs = 1_000, loss = 0, delayMs = 0 } = {},
) {
  const line = { bitsPerSecond, queueMs, loss, delayMs };
  let dropped = 0;
  const front = createSocket('udp4');
  const backs = new Map();
  let freeAt = 0;
  let closed = false;
  t.after(() => {
    closed = true;
    front.close();
    for (const back of backs.values()) back.close();
  });
  const toViewer = (bytes, viewer) => {
    const now = performance.now();
    const send = () => (closed ? undefined : front.send(bytes, viewer.port, viewer.address));
    if (Math.random() < line.loss) {
      dropped += 1;
      return undefined;
    }
    if (line.bitsPerSecond === null) return line.delayMs ? setTimeout(send, line.delayMs) : send();
    const begin = Math.max(now, freeAt);
    if (begin - now > line.queueMs) return undefined;
    freeAt = begin + (bytes.length * 8_000) / line.bitsPerSecond;
    return setTimeout(send, freeAt - now + line.delayMs);
  };
  front.on('message', (bytes, viewer) => {
    const name = `${viewer.address}:${viewer.port}`;
    let back = backs.get(name);
    if (!back) {
      back = createSocket('udp4');
      back.on('message', (answer) => toViewer(answer, viewer));
      backs.set(name, back);
    }
    if (Math.random() < line.loss) return;
    const send = () => (closed ? undefined : back.send(bytes, port, '127.0.0.1'));
    if (line.delayMs) setTimeout(send, line.delayMs);
    else send();
  });
  front.bind(0, '127.0.0.1');
  await once(front, 'listening');
  return {
    port: front.address().port,
    /** Makes the line as wide as that from now on. */
    set: (next) => Object.assign(line, next),
    /** How many datagrams to viewers were lost at random. */
    dropped: () => dropped,
  };
}

/**
 * Relays TCP connections from a port of its own to `port` of loopback. All of them together carry `bitsPerSecond` from the
 * server (null: as much as there is) and take turns; who does not get on is not read from. Ends with the test `t`.
 */
export async function startTcpRelay(t, port, { bitsPerSecond = null } = {}) {
  const line = { bitsPerSecond };
  let freeAt = 0;
  const sockets = new Set();
  async function* carry(bytes) {
    for await (const chunk of bytes) {
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        const piece = chunk.subarray(at, at + PIECE_BYTES);
        if (line.bitsPerSecond !== null) {
          freeAt = Math.max(performance.now(), freeAt) + (piece.length * 8_000) / line.bitsPerSecond;
          await sleep(freeAt - performance.now());
        }
        yield piece;
      }
    }
  }
  const server = createServer((front) => {
    const back = connect(port, '127.0.0.1');
    for (const socket of [front, back]) {
      sockets.add(socket);
      socket.setNoDelay(true).once('close', () => sockets.delete(socket));
    }
    pipeline(front, back, carry, front, () => {});
  });
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: server.address().port,
    /** Makes the line as wide as that from now on. */
    set: (next) => Object.assign(line, next),
  };
}

/** Runs in the browser: keeps the page's own addresses from the server, so that the only way is the server's candidate. */
export function withoutCandidates() {
  const fetchAsBefore = window.fetch.bind(window);
  window.fetch = (resource, options) => {
    if (typeof options?.body === 'string') {
      options = { ...options, body: options.body.replace(/^a=candidate:.*\r?\n/gm, '') };
    }
    return fetchAsBefore(resource, options);
  };
}
