//! [`Packet`]s to compound packets.

use super::{
    APP, BYE, CNAME, FULL_INTRA_REQUEST, GENERIC_NACK, MAX_COUNT, PAYLOAD_FEEDBACK, PICTURE_LOSS, Packet, RR,
    ReportBlock, SDES, SR, TRANSPORT_FEEDBACK, TRANSPORT_WIDE,
};

impl Packet {
    /// Appends the packet to `out`; several make a compound packet, which SR or RR should start, with SDES after it (RFC
    /// 3550 §6.1). What exceeds a bound named in the fields' documentation is left out.
    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend([0; 4]);
        let (count, packet_type) = match self {
            Self::SenderReport(report) => {
                put_u32(out, report.ssrc);
                out.extend(report.ntp.0.to_be_bytes());
                for field in [report.rtp_time, report.packet_count, report.octet_count] {
                    put_u32(out, field);
                }
                (put_blocks(out, &report.blocks), SR)
            }
            Self::ReceiverReport(report) => {
                put_u32(out, report.ssrc);
                (put_blocks(out, &report.blocks), RR)
            }
            Self::SourceDescription(chunks) => {
                for chunk in chunks.iter().take(MAX_COUNT) {
                    put_u32(out, chunk.ssrc);
                    if let Some(cname) = &chunk.cname {
                        out.push(CNAME);
                        put_text(out, cname);
                    }
                    // At least one zero ends the chunk.
                    out.push(0);
                    pad(out, start);
                }
                (chunks.len().min(MAX_COUNT), SDES)
            }
            Self::Bye(bye) => {
                bye.ssrcs.iter().take(MAX_COUNT).for_each(|&ssrc| put_u32(out, ssrc));
                if let Some(reason) = &bye.reason {
                    put_text(out, reason);
                    pad(out, start);
                }
                (bye.ssrcs.len().min(MAX_COUNT), BYE)
            }
            Self::Nack(nack) => {
                put_u32(out, nack.sender_ssrc);
                put_u32(out, nack.media_ssrc);
                put_lost(out, &nack.lost);
                (GENERIC_NACK.into(), TRANSPORT_FEEDBACK)
            }
            Self::Arrivals(arrivals) => {
                arrivals.write(out);
                pad(out, start);
                (TRANSPORT_WIDE.into(), TRANSPORT_FEEDBACK)
            }
            Self::PictureLoss { sender_ssrc, media_ssrc } => {
                put_u32(out, *sender_ssrc);
                put_u32(out, *media_ssrc);
                (PICTURE_LOSS.into(), PAYLOAD_FEEDBACK)
            }
            Self::FullIntraRequest { sender_ssrc, requests } => {
                put_u32(out, *sender_ssrc);
                put_u32(out, 0);
                for (ssrc, number) in requests {
                    put_u32(out, *ssrc);
                    out.extend([*number, 0, 0, 0]);
                }
                (FULL_INTRA_REQUEST.into(), PAYLOAD_FEEDBACK)
            }
            Self::Other { packet_type } => (0, (*packet_type).clamp(APP, 223)),
        };
        let words = u16::try_from((out.len() - start) / 4 - 1).unwrap_or(u16::MAX);
        let [l0, l1] = words.to_be_bytes();
        let head = [0x80 | u8::try_from(count).unwrap_or(0), packet_type, l0, l1];
        if let Some(place) = out.get_mut(start..start + 4) {
            place.copy_from_slice(&head);
        }
    }
}

fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_be_bytes());
}

fn pad(out: &mut Vec<u8>, start: usize) {
    out.resize(start + (out.len() - start).next_multiple_of(4), 0);
}

/// A text behind its length, cut to 255 bytes at a character.
fn put_text(out: &mut Vec<u8>, text: &str) {
    let end = (0..=text.len().min(255)).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    let text = text.get(..end).unwrap_or_default();
    out.push(u8::try_from(text.len()).unwrap_or(0));
    out.extend_from_slice(text.as_bytes());
}

fn put_blocks(out: &mut Vec<u8>, blocks: &[ReportBlock]) -> usize {
    for block in blocks.iter().take(MAX_COUNT) {
        put_u32(out, block.ssrc);
        let lost = block.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff).cast_unsigned() & 0x00ff_ffff;
        put_u32(out, (u32::from(block.fraction_lost) << 24) | lost);
        for field in [block.highest_sequence, block.jitter, block.last_sr, block.delay_since_last_sr] {
            put_u32(out, field);
        }
    }
    blocks.len().min(MAX_COUNT)
}

/// As few pairs of a sequence number and a mask of the 16 after it as possible.
fn put_lost(out: &mut Vec<u8>, lost: &[u16]) {
    let mut lost = lost.iter().copied().peekable();
    while let Some(first) = lost.next() {
        let mut mask = 0u16;
        while let Some(bit) =
            lost.peek().map(|next| next.wrapping_sub(first)).filter(|bit| (1..=16).contains(bit))
        {
            mask |= 1 << (bit - 1);
            lost.next();
        }
        out.extend(first.to_be_bytes());
        out.extend(mask.to_be_bytes());
    }
}
