//! What the client is to a session: nobody yet, a player, a publisher; and the ways of its packets.

use super::receiving::Receiving;
use super::uri::RequestUri;
use super::{Output, Port};
use crate::send::{Block, Datagrams, Interleaved, Sending, Way};
use bytes::Bytes;
use std::collections::VecDeque;
use yeoul_rtp::MediaFormat;

/// Where the packets of a track go, or come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    /// Channels of the control connection.
    Interleaved { rtp: u8, rtcp: u8 },
    /// Ports of the client.
    Udp { rtp: u16, rtcp: u16 },
}

impl Way for Path {
    type Output = Output;

    fn media(self, block: &Block, out: &mut VecDeque<Output>) {
        match self {
            Self::Interleaved { rtp, rtcp } => {
                out.extend(Interleaved { rtp, rtcp }.media(block).map(Output::Send));
            }
            Self::Udp { rtp, .. } => out.extend(block.datagrams().iter().map(|datagrams| {
                Output::Datagrams { port: Port::Rtp, to: rtp, datagrams: datagrams.clone() }
            })),
        }
    }

    fn report(self, bytes: Vec<u8>, out: &mut VecDeque<Output>) {
        match self {
            Self::Interleaved { rtp, rtcp } => {
                out.extend(Interleaved { rtp, rtcp }.report(&bytes).map(Output::Send));
            }
            Self::Udp { rtcp, .. } => out.push_back(Output::Datagrams {
                port: Port::Rtcp,
                to: rtcp,
                datagrams: Datagrams::one(Bytes::from(bytes)),
            }),
        }
    }
}

/// What the client is.
#[derive(Debug)]
pub(super) enum Role {
    /// Nothing yet.
    Nobody,
    /// It has described a stream, and perhaps set up tracks of it.
    Player(Player),
    /// It has announced a stream.
    Publisher(Publisher),
}

#[derive(Debug)]
pub(super) struct Player {
    pub(super) uri: RequestUri,
    pub(super) formats: Vec<MediaFormat>,
    /// In the order of `formats`; `None` is not set up.
    pub(super) paths: Vec<Option<Path>>,
    /// While it plays.
    pub(super) sending: Option<Sending<Path>>,
}

#[derive(Debug)]
pub(super) struct Publisher {
    pub(super) uri: RequestUri,
    pub(super) announced: String,
    pub(super) medias: Vec<AnnouncedMedia>,
    /// From its RECORD on.
    pub(super) receiving: Option<Receiving>,
    pub(super) paused: bool,
}

#[derive(Debug)]
pub(super) struct AnnouncedMedia {
    pub(super) control: Option<String>,
    /// `None` cannot be taken: it is set up, and what comes is dropped.
    pub(super) format: Option<MediaFormat>,
    pub(super) path: Option<Path>,
}
