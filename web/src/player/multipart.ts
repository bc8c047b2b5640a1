// Reads `multipart/x-mixed-replace` as cameras and servers send MJPEG in it: parts behind `--boundary`, each with headers
// (RFC 2046 §5.1.1) and mostly a `Content-Length`; without one, the next boundary ends the part.

const CR_LF = [13, 10];

export interface MultipartBounds {
  headerBytes: number;
  bodyBytes: number;
}

export class Multipart {
  readonly #delimiter: Uint8Array;
  readonly #bounds: MultipartBounds;
  #bytes = new Uint8Array(0);
  /** Null between parts; within one, what its header says of its length. */
  #part: { length: number | null } | null = null;

  /** `contentType` is the response's. Throws where it names no boundary. */
  constructor(contentType: string, bounds: MultipartBounds) {
    const match = /^multipart\/[\w-]+\s*;.*\bboundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType);
    const boundary = match?.[1] ?? match?.[2];
    if (boundary === undefined)
      throw new Error(`expected multipart/x-mixed-replace, got ${contentType || 'nothing'}`);
    this.#delimiter = new TextEncoder().encode(`--${boundary}`);
    this.#bounds = bounds;
  }

  /** Takes the next bytes, however cut, and gives the bodies that are whole now. Throws what no such stream can hold. */
  push(chunk: Uint8Array): Uint8Array<ArrayBuffer>[] {
    const bytes = new Uint8Array(this.#bytes.length + chunk.length);
    bytes.set(this.#bytes);
    bytes.set(chunk, this.#bytes.length);
    this.#bytes = bytes;
    const bodies: Uint8Array<ArrayBuffer>[] = [];
    for (;;) {
      if (this.#part === null && !this.#readHeader()) break;
      const body = this.#readBody();
      if (body === null) break;
      bodies.push(body);
    }
    return bodies;
  }

  #readHeader(): boolean {
    const start = find(this.#bytes, this.#delimiter, 0);
    // The end of the bytes may be the beginning of a delimiter.
    if (start < 0) this.#drop(Math.max(0, this.#bytes.length - this.#delimiter.length));
    const end = start < 0 ? -1 : find(this.#bytes, [...CR_LF, ...CR_LF], start);
    if (end < 0) {
      if (this.#bytes.length - Math.max(0, start) > this.#bounds.headerBytes) {
        throw new Error(`a part's header has more than ${this.#bounds.headerBytes} bytes`);
      }
      return false;
    }
    const header = new TextDecoder().decode(this.#bytes.subarray(start, end));
    const length = /^content-length:\s*(\d+)\s*$/im.exec(header)?.[1];
    this.#part = { length: length === undefined ? null : Number(length) };
    this.#drop(end + 4);
    return true;
  }

  #readBody(): Uint8Array<ArrayBuffer> | null {
    const length = this.#part?.length ?? null;
    const end = length ?? find(this.#bytes, this.#delimiter, 0);
    // Without a length and without an end, what is there already belongs to the body.
    if ((end < 0 ? this.#bytes.length : end) > this.#bounds.bodyBytes) {
      throw new Error(`a part has more than ${this.#bounds.bodyBytes} bytes`);
    }
    if (end < 0 || this.#bytes.length < end) return null;
    // The line break before a boundary belongs to the boundary.
    const body = this.#bytes.slice(0, length === null ? Math.max(0, end - CR_LF.length) : end);
    this.#drop(end);
    this.#part = null;
    return body;
  }

  #drop(count: number): void {
    this.#bytes = this.#bytes.slice(count);
  }
}

/** The first place of `what` at or after `from`; -1 where there is none. */
function find(bytes: Uint8Array, what: ArrayLike<number>, from: number): number {
  const first = what[0] ?? 0;
  for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
    let matched = 1;
    while (matched < what.length && bytes[at + matched] === what[matched]) matched += 1;
    if (matched === what.length) return at;
  }
  return -1;
}
