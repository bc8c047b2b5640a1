//! Every bound of this crate, with its reason. Bytes from outside are counted against these before they are kept.

use std::time::Duration;

/// Start line and headers of one message. Real ones are below 2 KiB; a Digest answer with long nonces below 4 KiB.
pub const HEAD_BYTES: usize = 16 * 1024;

/// Headers in one message. Real ones have about ten.
pub const HEADERS: usize = 100;

/// Body of one message. The longest real SDP is below 8 KiB; this leaves room for servers with hundreds of tracks.
pub const BODY_BYTES: usize = 256 * 1024;

/// Bytes between two messages that belong to none, in a row, before the peer is given up: cameras that miscount their
/// Content-Length or cut an interleaved packet leave at most one packet (64 KiB) behind.
pub const STRAY_BYTES: usize = 128 * 1024;

/// A session id (RFC 2326 §3.4 asks for at least 8 characters and names no upper bound).
pub const SESSION_ID_BYTES: usize = 256;

/// Alternatives in one Transport header, and entries in one RTP-Info header.
pub const LIST_ENTRIES: usize = 32;

/// A URL, as configured or as sent by the peer.
pub const URL_BYTES: usize = 4 * 1024;

/// How long a keepalive interval can be, whatever the server says: `timeout=4294967295` would never be kept alive.
pub const SESSION_TIMEOUT_MAX: Duration = Duration::from_secs(24 * 3600);
