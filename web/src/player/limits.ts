// Every bound and period of the player, with its reason. Milliseconds, unless the name says otherwise.

/** No decoded frame for this long is a stall: 50 frames at 25 fps, beyond any jitter buffer or key frame wait. */
export const STALL_AFTER_MS = 2_000;

/** The watchdog looks this often: a stall is noticed at most a quarter of its length late. */
export const WATCH_EVERY_MS = 500;

/** A first HLS frame takes a playlist, an initialization and a segment: longer than a stall of WebRTC is. */
export const LL_HLS_FIRST_FRAME_MS = 5_000;

/** Classic HLS has no picture before its first segment is whole, and a GOP of ten seconds is common. */
export const HLS_FIRST_FRAME_MS = 12_000;

/** Some cameras are set to a picture every few seconds, and stills are what is asked for here. */
export const MJPEG_STALL_AFTER_MS = 5_000;

/**
 * Without frames for this long although the server calls the camera live, the fault is on our way to it: a new session
 * is worth its cost. Shorter would tear down sessions that a lossy link is about to repair.
 */
export const RENEW_AFTER_MS = 10_000;

/** The same for HLS, where three segments of a GOP of ten seconds are waited for at the start. */
export const HLS_RENEW_AFTER_MS = 40_000;

/**
 * A media path in one network is up within a second, over a relay within three: after this long the rung below is the
 * quicker way to a picture. With no rung below, `RENEW_AFTER_MS` holds.
 */
export const PATH_AFTER_MS = 5_000;

/** Broken twice on one rung without a picture that lasted in between: the rung is at fault, not the moment. */
export const STRIKES_MAX = 2;

/** A better transport on probation has this long to show a frame: three times what a slow path needs. */
export const TRIAL_MS = 10_000;

/** First try of a better transport beside the one that plays: soon enough for a firewall that somebody just opened. */
export const CLIMB_FIRST_MS = 60_000;

/** Longest wait between such tries: one small request each quarter of an hour burdens no server. */
export const CLIMB_MAX_MS = 15 * 60_000;

/** How often the server is asked about the camera during a stall: a retry's outcome shows within two seconds. */
export const STATUS_EVERY_MS = 2_000;

/** A status answer that takes longer is of no use: the next question is due. */
export const STATUS_TIMEOUT_MS = 4_000;

/**
 * An offer may start the camera, whose own bound is 5 s of silence after dialling: the server's sentence about it must
 * be able to arrive before we give up.
 */
export const OFFER_TIMEOUT_MS = 15_000;

/** A PATCH (candidates, ICE restart) reaches a server that has just answered: it is quick or it is lost. */
export const PATCH_TIMEOUT_MS = 5_000;

/** A lost path gets this long to come back through an ICE restart; after it a new session is quicker. */
export const ICE_RESTART_TIMEOUT_MS = 4_000;

/** A playlist may start the camera as an offer may, and classic HLS then waits for a whole segment. */
export const PLAYLIST_TIMEOUT_MS = 30_000;

/** Headers of an MJPEG stream come with its first picture, which may have to be decoded from a GOP's start. */
export const MJPEG_TIMEOUT_MS = 15_000;

/** Largest JPEG: a 4K picture at the best quality has about 6 MB. */
export const JPEG_MAX_BYTES = 16 * 1024 * 1024;

/** Largest header of a part of an MJPEG stream: a type, a length and a time. */
export const PART_HEADER_MAX_BYTES = 4 * 1024;

/** Undecodable pictures in a row before the stream counts as broken: one may be cut, ten are no accident. */
export const JPEG_ERRORS_MAX = 10;

/** hls.js mends its media source this often in a row; after it, the session starts anew. */
export const MEDIA_RECOVERIES_MAX = 2;

/** What is loaded ahead in LL-HLS: the server has no more than its hold-back, and memory stays small. */
export const LL_HLS_BUFFER_SECONDS = 4;

/** The same in classic HLS: three segments of six seconds. */
export const HLS_BUFFER_SECONDS = 20;

/** Played media is dropped after this long: there is no seeking back. */
export const BACK_BUFFER_SECONDS = 10;

/**
 * Half-lives of what hls.js knows of the line. They count the time that is spent loading: a part of a low quality loads in some
 * milliseconds on a line that has become wide, so that with hls.js' own 3 and 9 s it takes minutes to go up again.
 */
export const HLS_BANDWIDTH_FAST_SECONDS = 0.3;
export const HLS_BANDWIDTH_SLOW_SECONDS = 0.6;

/** Most bytes that are loaded ahead: ten seconds of 24 Mbit/s. */
export const HLS_BUFFER_MAX_BYTES = 30 * 1000 * 1000;

/**
 * LL-HLS keeps so much more distance from live after each stall: a part. hls.js would take a whole second, and keep it
 * for good even when it was only the start that stuttered.
 */
export const LL_HLS_STALL_INCREASE_SECONDS = 0.2;

/** So far behind its distance, LL-HLS jumps there instead of hurrying: a hurry of 5 % would take a minute. */
export const LL_HLS_JUMP_AFTER_SECONDS = 3;

/** The same in classic HLS, in target durations behind live, of which three are its normal distance. */
export const HLS_JUMP_AFTER_TARGETS = 8;

/** Rates are measured over this long: calm enough to be read, quick enough to show a change. */
export const RATE_OVER_MS = 4_000;

/** How long the reason for another transport is on the screen: two sentences are read in that. */
export const NOTICE_MS = 10_000;

/** First wait after a failure: short, because most failures are a server restarting. */
export const RETRY_FIRST_MS = 500;

/** Longest wait: nobody should look at a dead picture longer than this once the server is back. */
export const RETRY_MAX_MS = 10_000;

/** An unknown stream appears only when somebody edits the configuration: ask slowly. */
export const RETRY_NOT_FOUND_MS = 15_000;

/** Longest `Retry-After` that is obeyed: a server that says a day is still asked every minute. */
export const RETRY_AFTER_MAX_MS = 60_000;

/** Each wait is lengthened by up to this share, so that a wall of players does not come back in one instant. */
export const RETRY_JITTER = 0.3;

/** A picture that lived this long was a success: the next failure starts from the shortest wait again. */
export const STABLE_AFTER_MS = 10_000;

/** A browser gathers a few dozen candidates at most; more are noise and would let the PATCH body grow. */
export const CANDIDATES_MAX = 64;
