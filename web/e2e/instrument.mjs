// Put into each page before its own scripts: keeps the peer connections, notes when the offer went out and when the first
// picture came, and reads numbers out of pictures. It changes nothing of what the page does.

/** Runs in the browser, as text: it sees nothing of this module. */
export function instrumentPage() {
  const peers = [];
  const test = { peers, offerAt: null, firstFrameAt: null, events: [] };
  window.yeoulTest = test;

  document.addEventListener('yeoul-state', ({ detail }) => test.events.push(detail));

  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Peer {
    constructor(...args) {
      super(...args);
      peers.push(this);
    }
  };

  const fetchAsBefore = window.fetch.bind(window);
  window.fetch = (resource, options) => {
    if (options?.method === 'POST') test.offerAt = performance.now();
    return fetchAsBefore(resource, options);
  };

  const play = HTMLVideoElement.prototype.play;
  HTMLVideoElement.prototype.play = function () {
    this.requestVideoFrameCallback((now) => (test.firstFrameAt ??= now));
    return play.call(this);
  };

  /** The first element of that name, in whichever shadow. */
  const find = (name, root = document) =>
    root.querySelector(name) ??
    [...root.querySelectorAll('*')]
      .map(({ shadowRoot }) => shadowRoot && find(name, shadowRoot))
      .find(Boolean);
  test.player = () => find('yeoul-player');
  test.video = () => find('video');

  const inbound = async (kind) => {
    const report = (await peers.at(-1)?.getStats()) ?? new Map();
    return [...report.values()].find((entry) => entry.type === 'inbound-rtp' && entry.kind === kind) ?? null;
  };
  test.videoStats = () => inbound('video');
  test.audioStats = () => inbound('audio');

  const CELLS = 40;
  const canvas = document.createElement('canvas');
  test.pictureNumber = () => {
    const element = test.video();
    if (!element?.videoWidth) return null;
    const at = Date.now();
    const pageAt = performance.now();
    const cell = Math.floor(element.videoWidth / CELLS / 2) * 2;
    canvas.width = cell * CELLS;
    canvas.height = cell;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(element, 0, 0, canvas.width, cell, 0, 0, canvas.width, cell);
    const { data } = context.getImageData(0, Math.floor(cell / 2), canvas.width, 1);
    const bits = [];
    for (let index = 0; index < CELLS; index += 1) {
      bits.push(data[(index * cell + Math.floor(cell / 2)) * 4 + 1] > 128 ? 1 : 0);
    }
    const value = (from, count) => bits.slice(from, from + count).reduce((sum, bit) => sum * 2 + bit, 0);
    let check = 0;
    for (let group = 0; group < 8; group += 1) check ^= value(2 + group * 4, 4);
    const guards = bits[0] === 1 && bits[1] === 0 && bits[38] === 0 && bits[39] === 1;
    return guards && check === value(34, 4) ? { number: value(2, 32), at, pageAt } : null;
  };
}
