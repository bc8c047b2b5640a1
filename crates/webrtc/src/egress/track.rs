//! One track towards one viewer: its SSRCs, sequence numbers and headers.

use super::burst::Burst;
use super::extension::Extension;
use super::history::History;
use super::playout::Playout;
use crate::limits::MIN_REPORT_INTERVAL;
use crate::srtp::{Exhausted, Sealer, Sequence};
use std::sync::Arc;
use std::time::{Duration, Instant};
use yeoul_media::{Kind, Timestamp, Track, TrackId};
use yeoul_rtp::{Header, Packets, Payload, rtcp};

const RTP_HEADER_BYTES: usize = yeoul_rtp::packet::HEADER_BYTES;
/// The original sequence number in front of what is sent again (RFC 4588 §4).
const RESEND_HEAD_BYTES: usize = 2;

/// What is sent again.
#[derive(Debug)]
pub(super) struct Resend {
    pub(super) track: usize,
    why: Why,
    number: u16,
    packets: Arc<Packets>,
    payload: usize,
}

/// Why something is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// The viewer misses it.
    Missed,
    /// To find out whether the line carries more.
    Padding,
}

/// What a viewer reports of a track, and what we sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrackStats {
    /// Packets sent, without repetitions.
    pub packets: u64,
    /// Payload bytes of these.
    pub bytes: u64,
    /// Packets sent again because they were missed.
    pub resent: u64,
    /// Packets sent again to find out whether the line carries more.
    pub padding: u64,
    /// Packets the viewer says it never got.
    pub lost: i32,
    /// Jitter the viewer sees, in ticks of the track's clock.
    pub jitter: u32,
}

/// One track towards one viewer.
#[derive(Debug)]
pub(crate) struct OutTrack {
    id: TrackId,
    kind: Kind,
    /// What may be sent, the first one to begin with.
    formats: Vec<Format>,
    /// Which of them is.
    format: usize,
    media: Sequence,
    rtp_offset: u32,
    extension: Extension,
    resend: Option<ResendStream>,
    report: rtcp::SenderStats,
    stats: TrackStats,
}

/// A payload type of a track.
#[derive(Clone, Debug)]
pub(crate) struct Format {
    /// The codec's name in SDP, in capitals.
    pub(crate) name: String,
    pub(crate) payload_type: u8,
    /// RTX of that payload type.
    pub(crate) resend_payload_type: Option<u8>,
}

/// RTX (RFC 4588) of a track.
#[derive(Debug)]
struct ResendStream {
    sequence: Sequence,
    history: History,
    playout: Playout,
    /// When the viewer reported last, and how many packets had been sent then.
    packets_reported: (Instant, u64),
}

impl OutTrack {
    pub(crate) fn new(
        now: Instant,
        track: &Track,
        (formats, clock_rate): (Vec<Format>, u32),
        media: Sequence,
        rtp_offset: u32,
        extension: Extension,
        resend: Option<Sequence>,
    ) -> Self {
        Self {
            id: track.id,
            kind: track.kind(),
            formats,
            format: 0,
            report: rtcp::SenderStats::new(media.ssrc(), clock_rate, rtp_offset),
            media,
            rtp_offset,
            extension,
            resend: resend.map(|sequence| ResendStream {
                sequence,
                history: History::default(),
                playout: Playout::new(now),
                packets_reported: (now, 0),
            }),
            stats: TrackStats::default(),
        }
    }

    pub(crate) const fn id(&self) -> TrackId {
        self.id
    }

    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) const fn ssrc(&self) -> u32 {
        self.media.ssrc()
    }

    pub(crate) const fn stats(&self) -> TrackStats {
        self.stats
    }

    /// Whether the viewer was told of a codec of that name in SDP.
    pub(crate) fn takes(&self, name: &str) -> bool {
        self.formats.iter().any(|format| format.name == name)
    }

    /// Goes on with the frames of another track, whose codec has that name in SDP: SSRC, sequence numbers and RTP time are
    /// the same as before. False if the viewer was not told of that codec.
    pub(crate) fn replace(&mut self, track: TrackId, name: &str) -> bool {
        let Some(format) = self.formats.iter().position(|format| format.name == name) else { return false };
        if let Some(resend) = &mut self.resend {
            // The viewer goes on at a keyframe: what came before it is not worth a place on the line, which often is full then.
            resend.history.clear();
        }
        (self.id, self.format) = (track, format);
        true
    }

    /// The sender report that says: `pts` belongs to `wall`. `None` before the first packet.
    pub(crate) fn report(&self, wall: std::time::SystemTime, pts: Timestamp) -> Option<rtcp::SenderReport> {
        (self.stats.packets > 0).then(|| self.report.report(wall, pts))
    }

    /// Takes a report of the viewer, with the round trip as far as it is known.
    pub(crate) fn on_report(
        &mut self,
        now: Instant,
        block: &rtcp::ReportBlock,
        round_trip: Option<Duration>,
    ) {
        self.stats.lost = block.cumulative_lost;
        self.stats.jitter = block.jitter;
        self.extension.mid_is_known();
        let (Some(resend), Some(round_trip)) = (&mut self.resend, round_trip) else { return };
        let (last, packets) = std::mem::replace(&mut resend.packets_reported, (now, self.stats.packets));
        let seconds = now.saturating_duration_since(last).max(MIN_REPORT_INTERVAL).as_secs_f64();
        // A count of packets between two reports is far below 2^32.
        let sent = u32::try_from(self.stats.packets.saturating_sub(packets)).unwrap_or(u32::MAX);
        let per_second = f64::from(sent) / seconds;
        if let Some(delay) = resend.playout.on_report(now, block.fraction_lost, per_second, round_trip) {
            self.extension.tell_playout_delay(now, delay);
        }
    }

    /// Before the first packet of a frame.
    pub(super) fn begin_frame(&mut self, now: Instant, packets: &Arc<Packets>) {
        self.extension.expire(now);
        let first = self.media.next_index();
        if let Some(resend) = &mut self.resend {
            resend.history.push(now, first, packets);
        }
    }

    /// Whether its packets are numbered for feedback about their arrival.
    pub(super) const fn is_numbered(&self) -> bool {
        self.extension.is_numbered()
    }

    /// The number of the packet that is sealed next.
    pub(super) fn number(&mut self, number: u16) {
        self.extension.number(number);
    }

    /// Length of the packet that [`OutTrack::seal`] makes of `payload`.
    pub(super) fn packet_bytes(&self, payload: &Payload, tag: usize) -> usize {
        RTP_HEADER_BYTES + self.extension.bytes().len() + payload.len() + tag
    }

    /// Length of the packet that [`OutTrack::seal_resend`] makes.
    pub(super) fn resent_bytes(&self, resend: &Resend, tag: usize) -> usize {
        let payload = resend.packets.payloads.get(resend.payload).map_or(0, Payload::len);
        RTP_HEADER_BYTES + self.extension.bytes().len() + RESEND_HEAD_BYTES + payload + tag
    }

    /// Seals the next packet of the track into `burst`; gives its length.
    pub(super) fn seal(
        &mut self,
        packets: &Packets,
        payload: &Payload,
        sealer: &mut Sealer,
        burst: &mut Burst,
    ) -> Result<usize, Exhausted> {
        let Some(format) = self.formats.get(self.format) else { return Ok(0) };
        let header = Header {
            payload_type: format.payload_type,
            marker: payload.marker,
            sequence: self.media.next_number(),
            rtp_time: packets.rtp_time(payload, self.rtp_offset),
            ssrc: self.media.ssrc(),
        };
        let extension = self.extension.bytes();
        let media = &mut self.media;
        let length = burst.packet(
            sealer.profile().tag_bytes(),
            |out| write(out, header, extension, &[], payload),
            |packet| sealer.seal_rtp(media, packet, RTP_HEADER_BYTES + extension.len()),
        )?;
        self.stats.packets += 1;
        self.stats.bytes += payload.len() as u64;
        self.report.on_sent(1, payload.len());
        Ok(length)
    }

    /// What has to be sent again for sequence number `number`; `None` if it cannot be (without RTX, not sent, or too old), or
    /// was less than `way` ago.
    pub(super) fn find(&mut self, now: Instant, track: usize, number: u16, way: Duration) -> Option<Resend> {
        let back = u64::from(self.media.next_number().wrapping_sub(number));
        let index = self.media.next_index().checked_sub(back).filter(|_| back > 0)?;
        let (packets, payload) = self.resend.as_mut()?.history.repeat(now, index, way)?;
        Some(Resend { track, why: Why::Missed, number, packets, payload })
    }

    /// A packet that the viewer has already, to fill the line with; another one for each `turn`. `None` without RTX.
    pub(super) fn padding(&self, track: usize, turn: u64) -> Option<Resend> {
        let (first, packets, payload) = self.resend.as_ref()?.history.any(turn)?;
        // The sequence number is the low 16 bits of the index.
        let back = self.media.next_index().checked_sub(first + payload as u64)?;
        let number = self.media.next_number().wrapping_sub(u16::try_from(back & 0xffff).unwrap_or(0));
        Some(Resend { track, why: Why::Padding, number, packets, payload })
    }

    /// Seals a repetition as a packet of the RTX stream (RFC 4588 §4); gives its length.
    ///
    /// The packet is sealed anew with its own SSRC and index: a repetition under the original ones would be the same
    /// nonce, which is safe only as long as not one bit of the header differs.
    pub(super) fn seal_resend(
        &mut self,
        resend: &Resend,
        sealer: &mut Sealer,
        burst: &mut Burst,
    ) -> Result<usize, Exhausted> {
        let Some(payload) = resend.packets.payloads.get(resend.payload) else { return Ok(0) };
        let extension = self.extension.bytes();
        let Some(payload_type) = self.formats.get(self.format).and_then(|of| of.resend_payload_type) else {
            return Ok(0);
        };
        let Some(stream) = &mut self.resend else { return Ok(0) };
        let header = Header {
            payload_type,
            marker: payload.marker,
            sequence: stream.sequence.next_number(),
            rtp_time: resend.packets.rtp_time(payload, self.rtp_offset),
            ssrc: stream.sequence.ssrc(),
        };
        let sequence = &mut stream.sequence;
        let length = burst.packet(
            sealer.profile().tag_bytes(),
            |out| write(out, header, extension, &resend.number.to_be_bytes(), payload),
            |packet| sealer.seal_rtp(sequence, packet, RTP_HEADER_BYTES + extension.len()),
        )?;
        match resend.why {
            Why::Missed => self.stats.resent += 1,
            Why::Padding => self.stats.padding += 1,
        }
        Ok(length)
    }
}

/// Appends header, extension, `head` and payload.
fn write(out: &mut Vec<u8>, header: Header, extension: &[u8], head: &[u8], payload: &Payload) {
    let mut fixed = header.write();
    if !extension.is_empty() {
        fixed[0] |= 0x10;
    }
    out.extend_from_slice(&fixed);
    out.extend_from_slice(extension);
    out.extend_from_slice(head);
    payload.write_to(out);
}
