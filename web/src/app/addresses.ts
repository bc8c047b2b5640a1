// The addresses of a stream. Names may hold anything: every address is percent-encoded, and never written as HTML.

/** The page that plays it, relative to the list. */
export function watchLink(name: string): string {
  return `?src=${encodeURIComponent(name)}`;
}

/** The transports that the page's address asks for (`&mode=hls`), as the player's attribute takes them. */
export function modeOf(query: string): string {
  return new URLSearchParams(query).get('mode') ?? '';
}

/** For players that speak WHEP. `base` is the address of the pages. */
export function whepAddress(name: string, base: string): string {
  return new URL(`api/webrtc?src=${encodeURIComponent(name)}`, base).href;
}

/**
 * For VLC, ffmpeg and recorders; null while the RTSP server is off. `listen` is the configured `host:port`: the host
 * only counts if it names one, because `:8554` and `0.0.0.0:8554` mean the host that the reader already talks to.
 */
export function rtspAddress(name: string, listen: string, base: string): string | null {
  const match = /^(.*):(\d+)$/.exec(listen);
  if (match?.[1] === undefined || match[2] === undefined) return null;
  const anyHost = ['', '0.0.0.0', '[::]'].includes(match[1]);
  const host = anyHost ? new URL(base).hostname : match[1];
  // A name may hold slashes, which a path may hold as they are.
  const path = encodeURIComponent(name).replaceAll('%2F', '/');
  return `rtsp://${host}:${match[2]}/${path}`;
}
