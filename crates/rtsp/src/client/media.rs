//! Where the packets of a track come from, and what is sent to open the way for them.

use yeoul_rtp::receive;
use yeoul_rtp::rtcp::{self, ReceiverReport};

/// The receiving end of one track.
pub(super) type Receiver = receive::Receiver<Leg>;

/// RTP or RTCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Media.
    Rtp,
    /// Reports.
    Rtcp,
}

/// How a track's packets travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// On the control connection, RTP and RTCP on these interleaved channels.
    Interleaved(u8, u8),
    /// As datagrams to this pair of our sockets.
    Udp {
        /// The number of the pair.
        socket: usize,
        /// The server's ports for RTP and RTCP, if it names them.
        server: Option<(u16, u16)>,
    },
}

/// A track as it was set up.
#[derive(Clone, Debug)]
pub(super) struct Leg {
    /// Its control URL.
    pub(super) control: String,
    pub(super) carrier: Carrier,
}

/// The datagrams that open a firewall on the way to the server for those that come back: an RTP packet without payload and
/// an RTCP report without blocks.
pub(super) fn hole_punch(ssrc: u32) -> [(Channel, Vec<u8>); 2] {
    let header = yeoul_rtp::Header { payload_type: 0, marker: false, sequence: 0, rtp_time: 0, ssrc };
    let mut report = Vec::new();
    rtcp::Packet::ReceiverReport(ReceiverReport { ssrc, blocks: Vec::new() }).write(&mut report);
    [(Channel::Rtp, header.write().to_vec()), (Channel::Rtcp, report)]
}

/// Whether a packet is RTCP, by its type (RFC 5761 §4): some cameras send it on the channel of RTP.
pub(super) fn is_rtcp(bytes: &[u8]) -> bool {
    matches!(bytes, [first, 200..=207, ..] if first >> 6 == 2)
}
