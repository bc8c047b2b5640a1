// Which transports a stream can be played by, in order, with what each may take its time for. The only place that knows
// them all.

import { openHls, openLlHls } from './hls.js';
import type { Rung } from './ladder.js';
import {
  HLS_FIRST_FRAME_MS,
  HLS_RENEW_AFTER_MS,
  LL_HLS_FIRST_FRAME_MS,
  MJPEG_STALL_AFTER_MS,
  PATH_AFTER_MS,
  RENEW_AFTER_MS,
  STALL_AFTER_MS,
} from './limits.js';
import { openMjpeg } from './mjpeg.js';
import type { Mode } from './modes.js';
import type { Target } from './target.js';
import { openWhep } from './whep.js';

const WEBRTC: Rung = {
  mode: 'webrtc',
  open: openWhep,
  // A browser decodes what arrives, whether or not it is shown.
  provesUnseen: true,
  patience: {
    path: PATH_AFTER_MS,
    firstFrame: STALL_AFTER_MS,
    stall: STALL_AFTER_MS,
    renew: RENEW_AFTER_MS,
  },
};

const RUNGS: Record<Mode, Rung> = {
  webrtc: WEBRTC,
  'll-hls': {
    mode: 'll-hls',
    open: openLlHls,
    provesUnseen: false,
    patience: { ...WEBRTC.patience, firstFrame: LL_HLS_FIRST_FRAME_MS, renew: HLS_RENEW_AFTER_MS },
  },
  hls: {
    mode: 'hls',
    open: openHls,
    provesUnseen: false,
    patience: { ...WEBRTC.patience, firstFrame: HLS_FIRST_FRAME_MS, renew: HLS_RENEW_AFTER_MS },
  },
  mjpeg: {
    mode: 'mjpeg',
    open: openMjpeg,
    provesUnseen: false,
    patience: {
      ...WEBRTC.patience,
      firstFrame: MJPEG_STALL_AFTER_MS,
      stall: MJPEG_STALL_AFTER_MS,
      renew: MJPEG_STALL_AFTER_MS + RENEW_AFTER_MS,
    },
  },
};

/** The rungs of these modes; a foreign WHEP address has WebRTC only, whatever is asked for. */
export function rungsFor(target: Target, modes: readonly Mode[]): readonly [Rung, ...Rung[]] {
  if (target.http === null) return [WEBRTC];
  const [first = WEBRTC, ...others] = modes.map((mode) => RUNGS[mode]);
  return [first, ...others];
}
