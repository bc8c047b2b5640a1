//! Every bound of this crate, with its reason.

use std::time::Duration;

/// Largest access unit of video taken in. A keyframe of an 8K camera at 100 Mbit/s has about 2 MiB.
pub const MAX_ACCESS_UNIT_BYTES: usize = 8 << 20;
/// Memory that a demuxer keeps for each track between access units: enough for the keyframes of 4K cameras, so that they cost no
/// allocation, and little enough for a thousand cameras.
pub const MAX_SCRATCH_BYTES: usize = 1 << 20;
/// Largest frame of sound taken in: AAC allows 768 bytes a channel, 48 channels.
pub const MAX_AUDIO_FRAME_BYTES: usize = 64 << 10;
/// Most tracks of a transport stream: their descriptions fit one packet of the program map.
pub const MAX_TS_TRACKS: usize = 8;

/// How often PAT and PMT are repeated, and the longest time between two clock references (ISO/IEC 13818-1 §2.7.2 allows
/// 100 ms for those; receivers that join later wait no longer than this for the tables).
pub const TS_REPEAT: Duration = Duration::from_millis(100);
/// A clock reference goes into a packet of sound at this distance already, so that none comes later than [`TS_REPEAT`].
pub const TS_CLOCK_DUE: Duration = Duration::from_millis(50);
/// A step of time beyond this is announced as a discontinuity, not filled with clock references: the camera was away.
pub const TS_GAP: Duration = Duration::from_secs(3);
/// A track without frames for this long no longer gives the clock: another one does.
pub const TS_CLOCK_SILENCE: Duration = Duration::from_secs(1);

/// How long frames of known tracks are held back for a track that has not told its configuration. Video tells it with a keyframe,
/// which may take a GOP: sound goes on without waiting for that.
pub const MAX_HELD_TIME: Duration = Duration::from_secs(2);
/// Most frames held back: [`MAX_HELD_TIME`] of 60 pictures and of 400 frames of sound (2.5 ms of Opus) a second.
pub const MAX_HELD_FRAMES: usize = 1024;
/// Most bytes held back: [`MAX_HELD_TIME`] of 64 Mbit/s.
pub const MAX_HELD_BYTES: usize = 16 << 20;

/// How far decoding time may go back within a track without being a jump: some muxers round.
pub const MAX_STEP_BACK: Duration = Duration::from_millis(500);
/// How far decoding time may run ahead of the arrivals without being a jump: longer than the pause between two frames of any
/// camera, shorter than what restarts make.
pub const MAX_STEP_AHEAD: Duration = Duration::from_secs(10);
/// How far tracks may be apart in the stream: muxers interleave them within a second or two.
pub const MAX_TRACK_DISTANCE: Duration = Duration::from_secs(5);
/// Longest time between decoding and presentation that is believed: 16 frames at 2 a second.
pub const MAX_COMPOSITION: Duration = Duration::from_secs(8);

/// Largest section of PAT and PMT (ISO/IEC 13818-1 §2.4.4.3: `section_length` is at most 1021).
pub const MAX_TS_SECTION_BYTES: usize = 1024;
/// Most elementary streams of a program that are looked at: broadcasts have some ten.
pub const MAX_TS_STREAMS: usize = 16;
/// Bytes without a packet after which a stream is no transport stream.
pub const MAX_TS_SEARCH_BYTES: usize = 64 << 10;

/// Bytes without a frame's beginning after which a stream is something else.
pub const MAX_SEARCH_BYTES: usize = 64 << 10;

/// Largest JPEG picture taken in: 8K at the best quality.
pub const MAX_PICTURE_BYTES: usize = 16 << 20;
/// Largest header of a part: cameras send 50 to 200 bytes.
pub const MAX_PART_HEADER_BYTES: usize = 16 << 10;
/// Bytes without a delimiter after which a stream is no multipart stream.
pub const MAX_PREAMBLE_BYTES: usize = 64 << 10;

/// Largest FLV tag taken in: an access unit with its head.
pub const MAX_FLV_TAG_BYTES: usize = MAX_ACCESS_UNIT_BYTES + 1024;
/// Most tracks of FLV and RTMP: multitrack senders have up to six qualities and as many languages.
pub const MAX_FLV_TRACKS: usize = 16;
