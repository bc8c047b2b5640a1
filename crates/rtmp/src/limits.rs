//! Every bound of this crate, with its reason. Bytes from outside are counted against these before they are kept.

use std::time::Duration;
use yeoul_container::limits::MAX_FLV_TAG_BYTES;

/// One audio, video or aggregate message: what an access unit can have.
pub const MEDIA_MESSAGE_BYTES: usize = MAX_FLV_TAG_BYTES;

/// Any other message. A connect has 1 KiB, metadata of talkative encoders some.
pub const CONTROL_MESSAGE_BYTES: usize = 64 << 10;

/// Bytes of messages that have begun and are not whole, of all chunk streams: two pictures of the largest size.
pub const PARTIAL_BYTES: usize = 2 * MEDIA_MESSAGE_BYTES;

/// Room that is made for a message before its bytes have come: what a header claims costs nobody more.
pub const MESSAGE_ROOM_BYTES: usize = 64 << 10;

/// Chunk streams that a peer may use: real ones use about five.
pub const CHUNK_STREAMS: usize = 64;

/// The size of our chunks: most frames are one chunk, and Flash's own servers went no further.
pub const CHUNK_BYTES: usize = 64 << 10;

/// Bytes after which a peer shall acknowledge, as servers usually ask for.
pub const WINDOW_BYTES: u32 = 2_500_000;

/// The smallest window that we acknowledge: a peer that asks for an acknowledgement of each byte gets one each this often.
pub const WINDOW_BYTES_LEAST: u32 = 4 << 10;

/// Levels of objects in a command: real ones have two.
pub const AMF_DEPTH: u32 = 8;

/// Values in one message: a connect has about thirty.
pub const AMF_VALUES: usize = 1024;

/// A URL, and what a client calls a stream, query included.
pub const URL_BYTES: usize = 4 * 1024;

/// Messages inside one aggregate: a second of picture and sound.
pub const AGGREGATE_MESSAGES: usize = 256;

/// How long a client may take until it plays or publishes: it knows what it wants.
pub const SETUP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a publisher may send nothing: an encoder whose network is gone comes back on a new connection.
pub const PUBLISHER_SILENCE: Duration = Duration::from_secs(30);

/// Signs of life that are asked of a player, for those who read without ever writing.
pub const PING_INTERVAL: Duration = Duration::from_secs(60);

/// How long a server may take to answer, and to go on with media that has begun, unless the source's `timeout` says otherwise.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest that `timeout` can say.
pub const ANSWER_TIMEOUT_MAX: Duration = Duration::from_secs(3600);

/// Commands in a row that a peer may send and that mean nothing to us, before it is given up.
pub const IDLE_COMMANDS: u32 = 64;

/// Notes about what cannot be read, of one session: more of them tell nothing new.
pub const NOTES: u32 = 5;

/// Frames whose message is remembered for players that ask for it a little later than the first one: a second of picture and sound.
pub const RECENT_BLOCKS: usize = 128;

/// Bytes of these: two keyframes of a 4K camera. Older ones are made again.
pub const RECENT_BLOCK_BYTES: usize = 2 << 20;

/// Time in front of the first frame of a fan-out: sound that comes behind a keyframe may be a little older than it.
pub const LEAD_IN: Duration = Duration::from_secs(1);
