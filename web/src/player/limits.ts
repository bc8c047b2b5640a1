// Every bound and period of the player, with its reason. Milliseconds, unless the name says otherwise.

/** No decoded frame for this long is a stall: 50 frames at 25 fps, beyond any jitter buffer or key frame wait. */
export const STALL_AFTER_MS = 2_000;

/** The watchdog looks this often: a stall is noticed at most a quarter of its length late. */
export const WATCH_EVERY_MS = 500;

/**
 * Without frames for this long although the server calls the camera live, the fault is on our way to it: a new session
 * is worth its cost. Shorter would tear down sessions that a lossy link is about to repair.
 */
export const RENEW_AFTER_MS = 10_000;

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
