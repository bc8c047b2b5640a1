//! Bounds of WebRTC: viewers, publishers and calls.

use std::time::Duration;

/// Addresses in `webrtc.candidates`: each costs a viewer a row of connectivity checks.
pub(crate) const WEBRTC_CANDIDATES: usize = 16;

/// How long an offer waits for a camera that is being dialled. Browsers and players give up after 10 s and more; they are
/// told what the camera says before.
pub(crate) const WEBRTC_SOURCE_WAIT: Duration = Duration::from_secs(5);

/// What the kernel holds of datagrams that viewers sent: reports and checks of some thousand viewers within a hiccup.
pub(crate) const WEBRTC_RECEIVE_BUFFER: usize = 4 << 20;

/// What the kernel holds of datagrams on their way out: one frame of a 4 Mbit/s camera for 200 viewers is 4 MB.
pub(crate) const WEBRTC_SEND_BUFFER: usize = 8 << 20;

/// Datagrams, or runs of equal ones, read with one call.
pub(crate) const WEBRTC_RECEIVE_BATCH: usize = 8;

/// Datagrams that wait for a worker: a second of what 500 viewers send. More are lost, as in any network.
pub(crate) const WEBRTC_DATAGRAM_QUEUE: usize = 1024;

/// Datagrams that a worker takes before it looks for media to send.
pub(crate) const WEBRTC_DATAGRAM_BATCH: usize = 64;

/// Requests that wait for a worker; whoever asks waits too.
pub(crate) const WEBRTC_CONTROL_QUEUE: usize = 256;

/// Streams with news that wait for a worker; each waits at most once.
pub(crate) const WEBRTC_NEWS_QUEUE: usize = 256;

/// Frames of a stream that a worker keeps cut into packets: a GOP of 20 s at 25 pictures and 50 sounds a second. They share
/// the bytes of the stream's own buffer.
pub(crate) const WEBRTC_CACHED_FRAMES: usize = 1_500;

/// Of these, how many before the last keyframe, for viewers that are a little behind: 0.8 s at the same rates.
pub(crate) const WEBRTC_CACHED_FRAMES_BEFORE_KEYFRAME: u64 = 64;

/// TCP connections of viewers: each has a task and two small buffers. More wait to be accepted.
pub(crate) const WEBRTC_TCP_CONNECTIONS: usize = 1_024;

/// How long a TCP connection may say nothing before its first packet, which names its viewer.
pub(crate) const WEBRTC_TCP_FIRST_PACKET: Duration = Duration::from_secs(10);

/// A viewer that lost the picture is not sent the GOP again if the next keyframe comes this soon: browsers need as long to
/// catch up with a long GOP.
pub(crate) const WEBRTC_KEYFRAME_NEAR: Duration = Duration::from_millis(1_500);

/// A viewer that shall get a lower quality which nobody watches yet gets no more pictures of the higher one for so long: the
/// lower one begins with a keyframe, from which it can go on if it has not seen more by then.
pub(crate) const WEBRTC_CHANGE_HOLD: Duration = Duration::from_millis(1_500);

/// So long the old quality may need to come to where the new one begins: ffmpeg's pictures come some tenths of a second
/// after the camera's.
pub(crate) const WEBRTC_CHANGE_WAIT: Duration = Duration::from_millis(700);

/// A new quality that gives no picture for so long is given up.
pub(crate) const WEBRTC_CHANGE_STALL: Duration = Duration::from_secs(2);

/// A new quality without a keyframe for so long is given up: "smart" cameras have one every 10 to 20 s.
pub(crate) const WEBRTC_CHANGE_LONGEST: Duration = Duration::from_secs(25);

/// A queue on a viewer's line in which more pictures would only come later, and make the next quality wait.
pub(crate) const WEBRTC_LINE_FULL: Duration = Duration::from_millis(500);

/// Bytes that wait to be written to a viewer by TCP: half a second of 4 Mbit/s. A viewer that does not take them gets no
/// more frames, and goes on at a keyframe.
pub(crate) const WEBRTC_TCP_QUEUE_BYTES: usize = 256 << 10;

/// Writes that wait with them: bursts and small control packets.
pub(crate) const WEBRTC_TCP_QUEUE_WRITES: usize = 64;

/// When a worker looks again at a viewer whose TCP connection was full.
pub(crate) const WEBRTC_TCP_RETRY: Duration = Duration::from_millis(5);

/// How long a server may take for the goodbye to it; DTLS has said it already.
pub(crate) const WEBRTC_FAREWELL_WAIT: Duration = Duration::from_secs(2);

/// Longest message of a WebSocket on which a call is answered: an answer with its candidates has a few KiB.
pub(crate) const WEBRTC_SIGNAL_BYTES: usize = 64 << 10;

/// Most messages before the answer: each of the server's candidates may come alone.
pub(crate) const WEBRTC_SIGNALS_BEFORE_ANSWER: usize = 64;

/// Longest that a datagram may have waited in the kernel, by its clock: its buffer has room for less.
pub(crate) const WEBRTC_LONGEST_UNREAD: Duration = Duration::from_secs(2);

/// What a session tells of itself: that it is connected, and that it has ended.
pub(crate) const WEBRTC_PROGRESS_QUEUE: usize = 2;
