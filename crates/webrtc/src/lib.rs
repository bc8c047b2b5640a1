//! WebRTC, sans-IO: a [`Peer`] is made from an [`Offer`], and takes the frames of a stream, or gives some.
//!
//! | module | what it is | standard |
//! |---|---|---|
//! | `sdp`, `negotiate` | offer, answer, trickle fragments; which payload type fits a track | RFC 8829, 8866, 8839, 8840, 6184 §8, 7798 §7 |
//! | `connection` | ICE and DTLS, by the crates `is` and `dimpl` | RFC 8445, 6347, 8122 |
//! | [`srtp`] | protection of packets, our own | RFC 3711, 7714, 5764 |
//! | `egress` | frames to sealed packets: headers, RTX, pacing | RFC 3550, 4588, 8285 |
//! | `ingress` | packets to frames: losses asked for again, keyframes asked for, arrivals told | RFC 4585, 4588, 5104 |
//! | [`Ladder`] | what the viewer's line carries, and which quality that allows | draft-holmer-rmcat-transport-wide-cc-extensions-01 |
//! | [`Peer`] | one viewer or publisher: all of these | RFC 8827, 8834, 4585 |
//! | [`Call`] | an offer of ours, and the peer that answers it | RFC 8829 |
//! | [`DatagramKind`], [`local_ufrag`] | whose datagram on the shared port it is | RFC 7983 |
//!
//! Media does not pass through a WebRTC library: a frame is packetized once for all viewers and sealed for each straight
//! into the buffer that is sent ([`Burst`]). The keys of a session have one user, its [`srtp::Sealer`], so that no nonce
//! occurs twice. Left out for now: data channels, TURN.

mod bandwidth;
mod certificate;
mod connection;
mod datagram;
mod egress;
mod ingress;
pub mod limits;
mod negotiate;
mod peer;
mod sdp;
pub mod srtp;
mod transport;

pub use bandwidth::{Ladder, Reading, Step};
pub use certificate::{Certificate, CertificateError};
pub use datagram::{DatagramKind, local_ufrag};
pub use egress::{Burst, TrackStats};
pub use peer::{Call, Closed, Event, Input, Output, Peer, Restarted, Settings, Stats};
pub use sdp::{Fragment, FragmentError, Offer, OfferError};
pub use transport::{Path, Transmit, Transport};
