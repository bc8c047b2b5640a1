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

/// Wrong passwords on one connection before it is ended: a person's typing errors, not a dictionary.
pub const AUTH_FAILURES: u32 = 5;

/// How long the server takes answers to one Digest nonce: a recorded answer is worth nothing later, and a player that
/// answers at once never sees it expire.
pub const NONCE_LIFETIME: Duration = Duration::from_secs(300);

/// How long a client may take from one whole request to the next while it has no session: a person at a keyboard is slow,
/// a connection that never says anything is a waste of a descriptor.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a session lives without a request or an RTCP report, as the Session header tells the client. Media over TCP
/// keeps it alive too: there a dead peer shows in what cannot be written.
pub const SESSION_TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes that may come in while the answer to a request is being found: pipelined requests and a publisher's first
/// packets are small, and what is above has to wait in the client.
pub const PIPELINED_BYTES: usize = 64 * 1024;

/// Longest RTP packet that is sent. With headers of IPv6 and UDP it leaves 52 bytes of an Ethernet frame for tunnels; it is
/// what GStreamer takes as well.
pub const PACKET_BYTES: usize = 1400;

/// Time between two sender or receiver reports (RFC 3550 §6.2 names 5 s as the minimum).
pub const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// Frames whose sequence numbers are remembered for players that are behind or start in the past: as many as a stream
/// keeps.
pub const NUMBERED_FRAMES: usize = 16_384;

/// Bytes of the newest interleaved blocks that are kept for players that ask for them a little later than the first one:
/// two keyframes of a 4K camera. Older blocks are made again from their frames, which are stored anyway.
pub const RECENT_BLOCK_BYTES: usize = 2 << 20;

/// How many of the newest blocks are kept: a second of picture and sound.
pub const RECENT_BLOCKS: usize = 128;

/// Redirects that a client follows before it gives up: a load balancer and its standby need two.
pub const REDIRECTS: u8 = 4;

/// Connections a client makes anew within one session because the server closed the one that carried a 401: some cameras
/// do, and one that does it twice has something else.
pub const RECONNECTS: u8 = 1;

/// Tracks of one session that a client sets up. Cameras have up to six; each needs two of the 256 interleaved channels.
pub const TRACKS: usize = 32;

/// Requests of a client's user that wait for the answer to the one before.
pub const QUEUED_REQUESTS: usize = 8;

/// How long a client waits for the answer to TEARDOWN: it is a courtesy, and the program may be ending.
pub const TEARDOWN_WAIT: Duration = Duration::from_millis(500);

/// The shortest keepalive interval, whatever timeout the server names.
pub const KEEPALIVE_MIN: Duration = Duration::from_secs(1);

/// Packets that a client keeps while it waits for the answer to PLAY, which tells where they belong in time: servers send
/// the first ones together with it. With more than these the answer is not waited for.
pub const EARLY_PACKETS: usize = 512;

/// Bytes of those packets: two keyframes of a 4K camera.
pub const EARLY_BYTES: usize = 2 << 20;
