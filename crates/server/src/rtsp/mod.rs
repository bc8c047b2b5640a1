//! RTSP on sockets: cameras that we dial, players and publishers that dial us.

mod connection;
pub(crate) mod desk;
pub(crate) mod dial;
mod fanout;
mod feed;
pub(crate) mod listen;
mod open;
mod outbox;
mod serve;
mod udp;
mod viewing;
mod worker;

use yeoul_hub::Want;
use yeoul_media::Kind;
use yeoul_rtp::format;

/// What waits to be sent on a TCP connection.
pub(crate) use outbox::Stream as Outbox;

/// One picture and one sound at most, of codecs that RTP carries.
pub(crate) fn wants(video: bool, audio: bool) -> Vec<Want> {
    let kinds = [(Kind::Video, video), (Kind::Audio, audio)].into_iter().filter(|(_, is_wanted)| *is_wanted);
    kinds.map(|(kind, _)| Want::any(kind).limited_to(format::carries)).collect()
}
