// What `src` and `server` mean: the addresses of one stream on one server.

export interface Target {
  /** The stream's name, for people; of a foreign WHEP address, the address itself. */
  name: string;
  /** Where the offer is posted (WHEP). */
  whep: string;
  /** The other forms of the stream; null for a foreign WHEP address. */
  http: HttpAddresses | null;
  /** Where the state of the stream is asked; null for a foreign WHEP address, which has no such place. */
  status: string | null;
}

/** A stream's addresses for players that speak HTTP. */
export interface HttpAddresses {
  /** Multivariant playlists: parts in fMP4; whole segments in fMP4; the same in MPEG-TS. */
  llHls: string;
  hls: string;
  hlsTs: string;
  mjpeg: string;
}

/**
 * `src` is a stream name or an http(s) address: a page of the server (`http://host:1984/?src=cam`), its WHEP addresses
 * (`…/api/webrtc?src=cam`, `…/cam/whep`) or any other WHEP address. `server` is the folder in which `api/` lies, itself
 * relative to `base`. Null when there is nothing to play.
 */
export function resolveTarget(src: string, server: string, base: string): Target | null {
  if (src === '') return null;
  const address = /^https?:\/\//i.test(src) ? parse(src) : null;
  if (address === null) {
    const folder = parse(server, base);
    return folder && onServer(folder, src);
  }
  const name = address.searchParams.get('src');
  if (name) {
    const folder = new URL('.', address);
    folder.pathname = folder.pathname.replace(/\/api\/$/, '/');
    return onServer(folder, name);
  }
  const short = /^(.*\/)([^/]+)\/whep\/?$/.exec(address.pathname);
  const shortName = short?.[2] === undefined ? null : decode(short[2]);
  if (short === null || shortName === null) {
    return { name: address.href, whep: address.href, http: null, status: null };
  }
  const folder = new URL('.', address);
  folder.pathname = short[1] ?? '/';
  return { ...onServer(folder, shortName), whep: address.href };
}

function onServer(folder: URL, name: string): Target {
  // Without the slash, the last part of the path would be taken for a file and dropped.
  if (!folder.pathname.endsWith('/')) folder.pathname += '/';
  const query = `?src=${encodeURIComponent(name)}`;
  return {
    name,
    whep: new URL(`api/webrtc${query}`, folder).href,
    http: httpAddresses(name, folder.href),
    status: new URL(`api/streams${query}`, folder).href,
  };
}

/** `base` is the folder in which `api/` lies. Null for a name that is no folder in an address: `.` and `..`. */
export function httpAddresses(name: string, base: string): HttpAddresses | null {
  if (name === '.' || name === '..') return null;
  const folder = encodeURIComponent(name);
  const at = (path: string) => new URL(path, base).href;
  return {
    llHls: at(`./${folder}/index.m3u8`),
    hls: at(`./${folder}/hls/index.m3u8`),
    hlsTs: at(`./${folder}/ts/index.m3u8`),
    mjpeg: at(`api/stream.mjpeg?src=${folder}`),
  };
}

function parse(address: string, base?: string): URL | null {
  try {
    return new URL(address, base);
  } catch {
    return null;
  }
}

function decode(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}
