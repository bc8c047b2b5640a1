//! The client's side of WHEP without sockets and clock: an offer to receive video and sound, then the packets that come.
//!
//! Implements what draft-ietf-wish-whep says of a client's offer and answer; HTTP and sockets are the caller's. ICE, DTLS and
//! SRTP are `str0m`'s. Drive it like every session here: handle something, then [`Client::poll_output`] until
//! [`Output::Wait`]. Left out: trickled candidates, counter-offers, restarts, TCP.

use std::net::SocketAddr;
use std::time::Instant;
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind};
use str0m::net::{DatagramSend, Protocol, Receive};
use str0m::rtp::RtpPacket;
use str0m::{Candidate, Event, IceConnectionState, Input, Rtc};

/// One session.
pub(crate) struct Client {
    rtc: Rtc,
    /// Until there is an answer.
    pending: Option<SdpPendingOffer>,
    local: SocketAddr,
}

/// What the caller does.
#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart at once; a box would be an allocation for each packet"
)]
pub(crate) enum Output {
    /// Send a datagram.
    Transmit(SocketAddr, DatagramSend),
    /// A packet of the server's media.
    Packet(RtpPacket),
    /// The way to the server stands, and it is encrypted.
    Connected,
    /// The session is over.
    Closed(&'static str),
    /// Nothing to do until then, or until a datagram comes.
    Wait(Instant),
}

/// Why there is no session; a sentence.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The answer cannot be used.
    #[error("the server's answer cannot be used: {0}")]
    Answer(String),
    /// ICE, DTLS or SRTP failed.
    #[error("WebRTC failed: {0}")]
    Rtc(String),
}

impl From<str0m::RtcError> for Error {
    fn from(error: str0m::RtcError) -> Self {
        Self::Rtc(error.to_string())
    }
}

impl Client {
    /// A session that receives at `local`, and its offer.
    ///
    /// # Errors
    /// If `local` is no address that others could send to.
    pub(crate) fn offer(now: Instant, local: SocketAddr) -> Result<(Self, String), Error> {
        let mut rtc = Rtc::builder()
            .clear_codecs()
            .enable_h264(true)
            .enable_h265(true)
            .enable_vp8(true)
            .enable_vp9(true)
            .enable_av1(true)
            .enable_opus(true, false)
            .enable_pcma(true, false)
            .enable_pcmu(true, false)
            .set_rtp_mode(true)
            .build(now);
        let candidate = Candidate::host(local, "udp").map_err(|error| Error::Rtc(error.to_string()))?;
        rtc.add_local_candidate(candidate);
        let mut change = rtc.sdp_api();
        for kind in [MediaKind::Video, MediaKind::Audio] {
            change.add_media(kind, Direction::RecvOnly, None, None, None);
        }
        let (offer, pending) =
            change.apply().ok_or_else(|| Error::Rtc("there is nothing to offer".to_owned()))?;
        Ok((Self { rtc, pending: Some(pending), local }, offer.to_sdp_string()))
    }

    /// Takes the server's answer.
    ///
    /// # Errors
    /// If it is none, or the second one.
    pub(crate) fn answer(&mut self, sdp: &str) -> Result<(), Error> {
        let answer = SdpAnswer::from_sdp_string(sdp).map_err(|error| Error::Answer(error.to_string()))?;
        let pending = self.pending.take().ok_or_else(|| Error::Answer("there was one before".to_owned()))?;
        self.rtc.sdp_api().accept_answer(pending, answer).map_err(|error| Error::Answer(error.to_string()))
    }

    /// The codec of packets of this payload type.
    pub(crate) fn codec(&self, packet: &RtpPacket) -> Option<Codec> {
        let mut params = self.rtc.codec_config().params().iter();
        params.find(|params| params.pt() == packet.header.payload_type).map(|params| params.spec().codec)
    }

    /// A datagram came in; what belongs to no session is passed over.
    ///
    /// # Errors
    /// If the session cannot go on.
    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
    ) -> Result<(), Error> {
        let Ok(contents) = datagram.try_into() else { return Ok(()) };
        let receive = Receive { proto: Protocol::Udp, source: from, destination: self.local, contents };
        Ok(self.rtc.handle_input(Input::Receive(now, receive))?)
    }

    /// It is later than it was.
    ///
    /// # Errors
    /// If the session cannot go on.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        Ok(self.rtc.handle_input(Input::Timeout(now))?)
    }

    /// What is to be done; call it until it says [`Output::Wait`] or [`Output::Closed`].
    ///
    /// # Errors
    /// If the session cannot go on.
    pub(crate) fn poll_output(&mut self) -> Result<Output, Error> {
        loop {
            match self.rtc.poll_output()? {
                str0m::Output::Timeout(at) => return Ok(Output::Wait(at)),
                str0m::Output::Transmit(transmit) => {
                    return Ok(Output::Transmit(transmit.destination, transmit.contents));
                }
                str0m::Output::Event(Event::RtpPacket(packet)) => return Ok(Output::Packet(packet)),
                str0m::Output::Event(Event::Connected) => return Ok(Output::Connected),
                str0m::Output::Event(Event::IceConnectionStateChange(IceConnectionState::Disconnected)) => {
                    return Ok(Output::Closed("the server does not answer any more"));
                }
                str0m::Output::Event(Event::Closed) => {
                    return Ok(Output::Closed("the server ended the session"));
                }
                // Statistics and the like, of which there are more with every version.
                str0m::Output::Event(_) => {}
            }
        }
    }

    /// Says goodbye: transmit what [`Client::poll_output`] gives, then drop it.
    pub(crate) fn close(&mut self) {
        // One that is over already has nobody to tell.
        let _ = self.rtc.close();
    }
}
