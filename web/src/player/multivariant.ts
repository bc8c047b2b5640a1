// What the player wants to know of a multivariant playlist (RFC 8216bis §4.4.6.2) before it is played: whether the
// browser has a decoder for any of its variants. Everything else in it is the HLS player's business.

/** The codecs of one variant, as the playlist names them (RFC 6381); empty when it does not tell. */
export type VariantCodecs = string[];

/** One entry for each variant, in order; none for a media playlist. */
export function variantCodecs(playlist: string): VariantCodecs[] {
  return [...playlist.matchAll(/^#EXT-X-STREAM-INF:(.*)$/gm)].map(([, attributes = '']) => {
    const codecs = /(?:^|,)CODECS="([^"]*)"/.exec(attributes)?.[1] ?? '';
    return codecs
      .split(',')
      .map((codec) => codec.trim())
      .filter(Boolean);
  });
}

/**
 * The first codec that stands in the way; null when some variant plays, or may. `plays` is asked for types such as
 * `video/mp4; codecs="avc1.64001f"`.
 */
export function missingCodec(variants: VariantCodecs[], plays: (type: string) => boolean): string | null {
  let missing: string | null = null;
  for (const codecs of variants) {
    // A codec alone: sound that is not played costs the sound, and that is for the HLS player to decide.
    const found = codecs.find((codec) => isVideo(codec) && !plays(`video/mp4; codecs="${codec}"`));
    if (found === undefined) return null;
    missing ??= found;
  }
  return missing;
}

export function isVideo(codec: string): boolean {
  return /^(avc|hvc|hev|av01|vp0|dvh)/i.test(codec);
}
