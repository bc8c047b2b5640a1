// The ways to bring a picture to a page, best first, and how `mode=` names them.

export const MODES = ['webrtc', 'll-hls', 'hls', 'mjpeg'] as const;
export type Mode = (typeof MODES)[number];

/** As people write them, in every language. */
export const MODE_NAMES: Record<Mode, string> = {
  webrtc: 'WebRTC',
  'll-hls': 'LL-HLS',
  hls: 'HLS',
  mjpeg: 'MJPEG',
};

/**
 * The attribute `mode`: one mode, or several between commas or spaces, tried in the order given. Words that are no mode of
 * ours (go2rtc's `mse`, `mp4`) are passed over; where nothing is left, all modes are meant.
 */
export function parseModes(text: string): readonly Mode[] {
  const words = text.toLowerCase().split(/[\s,]+/);
  const modes = words.flatMap((word) => MODES.find((mode) => mode === word) ?? []);
  return modes.length === 0 ? MODES : [...new Set(modes)];
}
