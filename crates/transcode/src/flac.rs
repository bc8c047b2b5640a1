//! Uncompressed sound as FLAC (RFC 9639): G.711 and linear PCM in a form that browsers and MP4 take, without loss.
//!
//! A frame of PCM becomes a frame of FLAC whose subframes are verbatim (§9.2.2): some header in front of the samples, and no
//! computation. It leaves out compression, which sound of 64 kbit/s does not need.

use bytes::{BufMut, Bytes, BytesMut};
use yeoul_media::bitstream::flac::{STREAM_INFO_BYTES, StreamInfo};
use yeoul_media::{Codec, PcmLayout};

/// Samples of a frame that the `STREAMINFO` block announces, at least and at most: frames of cameras vary.
const BLOCK_SAMPLES: (u16, u16) = (16, 65_535);

/// Bits of a sample.
const BITS: u8 = 16;

/// Most channels that a frame has as they are (§9.1.3).
const MAX_CHANNELS: u8 = 8;

/// Makes FLAC of the frames of one track.
#[derive(Debug)]
pub struct Encoder {
    coding: Coding,
    layout: PcmLayout,
    info: StreamInfo,
    /// Samples of each channel so far: what a frame's header counts.
    samples: u64,
}

#[derive(Clone, Copy, Debug)]
enum Coding {
    Mulaw,
    Alaw,
    Linear,
}

impl Encoder {
    /// An encoder for a track of this codec; `None` if it is not PCM, or has no sample rate or more than 8 channels.
    #[must_use]
    pub fn new(codec: &Codec) -> Option<Self> {
        let (coding, layout) = match codec {
            Codec::Pcmu(layout) => (Coding::Mulaw, *layout),
            Codec::Pcma(layout) => (Coding::Alaw, *layout),
            Codec::L16(layout) => (Coding::Linear, *layout),
            Codec::H264(_)
            | Codec::H265(_)
            | Codec::Av1(_)
            | Codec::Vp9(_)
            | Codec::Vp8(_)
            | Codec::Mpeg4Video(_)
            | Codec::Jpeg { .. }
            | Codec::Aac(_)
            | Codec::Opus { .. }
            | Codec::G722
            | Codec::Flac(_)
            | Codec::Mp3(_) => return None,
        };
        (1..=MAX_CHANNELS).contains(&layout.channels).then_some(())?;
        let info = StreamInfo::parse(&stream_info(layout)?)?;
        Some(Self { coding, layout, info, samples: 0 })
    }

    /// What the frames are.
    #[must_use]
    pub fn codec(&self) -> Codec {
        Codec::Flac(self.info.clone())
    }

    /// One frame of the track as a frame of FLAC; `None` if it has no whole sample, or more than 65535.
    pub fn encode(&mut self, data: &[u8]) -> Option<Bytes> {
        let channels = usize::from(self.layout.channels);
        let sample_bytes = match self.coding {
            Coding::Mulaw | Coding::Alaw => 1,
            Coding::Linear => 2,
        };
        let count = u16::try_from(data.len() / (channels * sample_bytes)).ok().filter(|&count| count > 0)?;
        let mut out = BytesMut::with_capacity(24 + channels * (1 + 2 * usize::from(count)));
        self.put_header(count, &mut out);
        for channel in 0..channels {
            // Subframe header: no padding, verbatim, no wasted bits (§9.2.1).
            out.put_u8(0b0000_0010);
            for sample in data.chunks_exact(channels * sample_bytes) {
                let sample = sample.get(channel * sample_bytes..)?;
                out.put_i16(self.coding.decode(sample)?);
            }
        }
        let crc = crc16(&out);
        out.put_u16(crc);
        self.samples += u64::from(count);
        Some(out.freeze())
    }

    /// The frame header (§9.1): blocks of varying size, sample rate and size as `STREAMINFO` says.
    fn put_header(&self, count: u16, out: &mut BytesMut) {
        // The number of samples less one follows in 16 bits; the rate is in `STREAMINFO`.
        const BLOCK_SIZE_FOLLOWS: u8 = 0b0111_0000;
        const SIXTEEN_BITS: u8 = 0b100 << 1;
        out.put_slice(&[0xff, 0xf9, BLOCK_SIZE_FOLLOWS, ((self.layout.channels - 1) << 4) | SIXTEEN_BITS]);
        put_coded_number(self.samples, out);
        out.put_u16(count - 1);
        let crc = crc8(out);
        out.put_u8(crc);
    }
}

impl Coding {
    /// The first sample of the bytes.
    fn decode(self, bytes: &[u8]) -> Option<i16> {
        match self {
            Self::Mulaw => bytes.first().copied().map(mulaw),
            Self::Alaw => bytes.first().copied().map(alaw),
            Self::Linear => bytes.first_chunk().copied().map(i16::from_be_bytes),
        }
    }
}

/// The `STREAMINFO` block (§8.2) of frames of any length: nothing is known of the whole.
fn stream_info(layout: PcmLayout) -> Option<Bytes> {
    let rate = u64::from(layout.sample_rate);
    if rate == 0 || rate >= 1 << 20 {
        return None;
    }
    let mut out = BytesMut::with_capacity(STREAM_INFO_BYTES);
    out.put_u16(BLOCK_SAMPLES.0);
    out.put_u16(BLOCK_SAMPLES.1);
    // Sizes of frames: unknown.
    out.put_bytes(0, 6);
    out.put_u64((rate << 44) | (u64::from(layout.channels - 1) << 41) | (u64::from(BITS - 1) << 36));
    // No digest of the samples.
    out.put_bytes(0, 16);
    Some(out.freeze())
}

/// A number as UTF-8 would code it, continued to 36 bits (§9.1.5).
fn put_coded_number(number: u64, out: &mut BytesMut) {
    const MASK: u64 = (1 << 36) - 1;
    let number = number & MASK;
    if number < 0x80 {
        out.put_u8(low_byte(number));
        return;
    }
    // With n bytes there are 6(n-1) bits and what the first has: 7-n.
    let bytes = (2..=7).find(|n| number < 1 << (6 * (n - 1) + (7 - n))).unwrap_or(7);
    let first = (0xff00_u16 >> bytes) & 0xff;
    let top = number >> (6 * (bytes - 1));
    out.put_u8(low_byte(u64::from(first) | top));
    for at in (0..bytes - 1).rev() {
        out.put_u8(low_byte(0x80 | ((number >> (6 * at)) & 0x3f)));
    }
}

fn low_byte(number: u64) -> u8 {
    number.to_be_bytes()[7]
}

/// x⁸ + x² + x + 1 (§9.1.8).
fn crc8(data: &[u8]) -> u8 {
    data.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { (crc << 1) ^ 0x07 })
    })
}

/// x¹⁶ + x¹⁵ + x² + 1 (§9.3).
fn crc16(data: &[u8]) -> u16 {
    data.iter().fold(0, |crc, byte| {
        let crc = crc ^ (u16::from(*byte) << 8);
        (0..8).fold(crc, |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x8005 })
    })
}

/// µ-law to 16 bits (ITU-T G.711 table 2, scaled by 4).
fn mulaw(byte: u8) -> i16 {
    const BIAS: i16 = 0x84;
    let byte = !byte;
    let magnitude = ((i16::from(byte & 0x0f) << 3) + BIAS) << ((byte >> 4) & 7);
    if byte & 0x80 == 0 { magnitude - BIAS } else { BIAS - magnitude }
}

/// A-law to 16 bits (ITU-T G.711 table 1, scaled by 8).
fn alaw(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let (exponent, mantissa) = ((byte >> 4) & 7, i16::from(byte & 0x0f) << 4);
    let magnitude = if exponent == 0 { mantissa + 8 } else { (mantissa + 0x108) << (exponent - 1) };
    if byte & 0x80 == 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn layout(channels: u8) -> PcmLayout {
        PcmLayout { sample_rate: 8000, channels }
    }

    #[test]
    fn g711_reaches_from_end_to_end_and_is_silent_in_the_middle() {
        // ITU-T G.711: the decoder's values, in 14 and 13 bits, at the places where its tables name them.
        assert_eq!([0xff, 0x7f, 0x80, 0x00].map(mulaw), [0, 0, 32_124, -32_124]);
        assert_eq!([0xd5, 0x55, 0xaa, 0x2a].map(alaw), [8, -8, 32_256, -32_256]);
        for law in [mulaw, alaw] {
            let mut levels: Vec<i16> = (0..=255).map(law).collect();
            levels.sort_unstable();
            levels.dedup();
            assert!(levels.len() >= 255, "each code has its level");
        }
    }

    #[test]
    fn the_checksums_are_those_of_the_standard() {
        // RFC 9639 appendix D.1.2: the only frame of the first example, header and whole.
        let frame =
            [0xff, 0xf8, 0x69, 0x18, 0x00, 0x00, 0xbf, 0x03, 0x58, 0xfd, 0x03, 0x12, 0x8b, 0xaa, 0x9a];
        assert_eq!(crc8(&frame[..6]), 0xbf);
        assert_eq!(crc16(&frame[..13]), 0xaa9a);
    }

    #[test]
    fn only_pcm_becomes_flac() {
        assert!(Encoder::new(&Codec::Opus { channels: 2 }).is_none());
        assert!(Encoder::new(&Codec::Pcma(PcmLayout { sample_rate: 0, channels: 1 })).is_none());
        assert!(Encoder::new(&Codec::Pcma(layout(9))).is_none());
        let encoder = Encoder::new(&Codec::L16(PcmLayout { sample_rate: 44_100, channels: 2 })).unwrap();
        let codec = encoder.codec();
        assert_eq!((codec.sample_rate(), codec.channels()), (Some(44_100), Some(2)));
    }

    #[test]
    fn a_frame_without_a_sample_is_none() {
        let mut encoder = Encoder::new(&Codec::L16(layout(2))).unwrap();
        assert!(encoder.encode(&[0; 3]).is_none());
        assert!(encoder.encode(&vec![0; 4 * 65_536]).is_none());
    }

    /// Samples by channel of a frame, and the number of its first one, by the rules of §9.
    fn read(frame: &[u8], channels: usize) -> (u64, Vec<Vec<i16>>) {
        assert_eq!(frame[..3], [0xff, 0xf9, 0x70]);
        assert_eq!(frame[3], u8::try_from((channels - 1) << 4).unwrap() | 8);
        let more = usize::try_from(frame[4].leading_ones()).unwrap().saturating_sub(1);
        let first = u64::from(frame[4]) & (0x7f >> (more + usize::from(more > 0)));
        let number =
            frame[5..5 + more].iter().fold(first, |number, byte| (number << 6) | u64::from(byte & 0x3f));
        let rest = &frame[5 + more..];
        let count = usize::from(u16::from_be_bytes([rest[0], rest[1]])) + 1;
        assert_eq!(rest[2], crc8(&frame[..7 + more]));
        let (body, crc) = rest[3..].split_at(rest.len() - 5);
        assert_eq!(crc, crc16(&frame[..frame.len() - 2]).to_be_bytes());
        let channel = |subframe: &[u8]| {
            assert_eq!(subframe[0], 2);
            subframe[1..].chunks(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]])).collect()
        };
        (number, body.chunks(1 + 2 * count).map(channel).collect())
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            channels in 1_u8..=8,
            samples in 0_u64..1 << 36,
            values in prop::collection::vec(any::<i16>(), 8..400),
        ) {
            let mut encoder = Encoder::new(&Codec::L16(layout(channels))).unwrap();
            encoder.samples = samples;
            let data: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
            let frame = encoder.encode(&data).unwrap();
            let (number, read) = read(&frame, channels.into());
            prop_assert_eq!(number, samples);
            let count = values.len() / usize::from(channels);
            for (channel, read) in read.iter().enumerate() {
                let expected: Vec<i16> =
                    values.iter().skip(channel).step_by(channels.into()).take(count).copied().collect();
                prop_assert_eq!(read, &expected);
            }
            prop_assert_eq!(encoder.samples, samples + count as u64);
        }

        #[test]
        fn no_bytes_panic(data: Vec<u8>, channels in 0_u8..=9) {
            for codec in [Codec::Pcmu(layout(channels)), Codec::Pcma(layout(channels)), Codec::L16(layout(channels))] {
                if let Some(mut encoder) = Encoder::new(&codec) {
                    let _ = encoder.encode(&data);
                }
            }
        }
    }
}
