//! Audio bodies.

use super::fields::{Fields, Part, parts, put_extended};
use super::{CODED_FRAMES, Error, SEQUENCE_END, SEQUENCE_START};
use bytes::{BufMut, Bytes, BytesMut};
use yeoul_media::bitstream::mp3;

/// `SoundFormat`.
const MP3: u8 = 2;
const PCMA: u8 = 7;
const PCMU: u8 = 8;
const EXTENDED: u8 = 9;
const AAC: u8 = 10;
const MP3_8K: u8 = 14;
/// `SoundRate` 44 kHz, `SoundSize` 16 bits, `SoundType` stereo: what AAC always says.
const AAC_FLAGS: u8 = 0x0f;
const SIXTEEN_BITS: u8 = 2;
const STEREO: u8 = 1;
/// `AudioPacketType` of Enhanced RTMP.
const MULTICHANNEL_CONFIG: u8 = 4;
const MULTITRACK: u8 = 5;

/// Audio codecs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudioCodec {
    /// AAC, in the form of old FLV.
    Aac,
    /// MPEG audio, in the form of old FLV where that has the sample rate.
    Mp3,
    /// Opus.
    Opus,
    /// FLAC, `fLaC`.
    Flac,
    /// G.711 A-law, 8 kHz.
    Pcma,
    /// G.711 µ-law, 8 kHz.
    Pcmu,
}

impl AudioCodec {
    /// The FourCC of Enhanced RTMP; G.711 has none.
    #[must_use]
    pub fn four_cc(self) -> Option<[u8; 4]> {
        match self {
            Self::Aac => Some(*b"mp4a"),
            Self::Mp3 => Some(*b".mp3"),
            Self::Opus => Some(*b"Opus"),
            Self::Flac => Some(*b"fLaC"),
            Self::Pcma | Self::Pcmu => None,
        }
    }

    fn from_four_cc(four_cc: [u8; 4]) -> Result<Self, Error> {
        match &four_cc {
            b"mp4a" => Ok(Self::Aac),
            b".mp3" => Ok(Self::Mp3),
            b"Opus" => Ok(Self::Opus),
            b"fLaC" => Ok(Self::Flac),
            other => Err(Error::Codec(format!("the audio codec {}", other.escape_ascii()))),
        }
    }
}

/// One track's part of an audio body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioTag {
    /// Of multitrack; 0 otherwise.
    pub track: u8,
    /// What is added to the tag's timestamp, 0 to 999 999.
    pub nanos: u32,
    /// The coding.
    pub codec: AudioCodec,
    /// Two channels, as old FLV tells it: true for G.711 only where it has two. Codecs that tell their channels themselves have true.
    pub stereo: bool,
    /// What it brings.
    pub body: AudioBody,
}

/// What an audio tag brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudioBody {
    /// The configuration: `AudioSpecificConfig`, `OpusHead`, or `fLaC` with its first metadata block.
    Config(Bytes),
    /// A coded frame.
    Frame(Bytes),
    /// No more sound comes.
    End,
}

impl AudioTag {
    /// The tags of a body; none if it brings nothing to decode (an empty body is silence).
    ///
    /// # Errors
    /// If it ends too early or has a codec that is not taken.
    pub fn parse(body: &Bytes) -> Result<Vec<Self>, Error> {
        let mut fields = Fields { kind: "audio", rest: body.clone() };
        if body.is_empty() {
            return Ok(Vec::new());
        }
        let first = fields.u8("first byte")?;
        if first >> 4 != EXTENDED {
            return Self::parse_old(first, fields).map(|tag| vec![tag]);
        }
        let mut tags = Vec::new();
        parts(fields, first & 0x0f, MULTITRACK, |part| {
            tags.extend(Self::parse_part(part)?);
            Ok(())
        })?;
        Ok(tags)
    }

    fn parse_old(first: u8, mut fields: Fields) -> Result<Self, Error> {
        let codec = match first >> 4 {
            MP3 | MP3_8K => AudioCodec::Mp3,
            PCMA => AudioCodec::Pcma,
            PCMU => AudioCodec::Pcmu,
            AAC => AudioCodec::Aac,
            0 | 3 => return Err(Error::Codec("linear PCM".to_owned())),
            4..=6 => return Err(Error::Codec("Nellymoser".to_owned())),
            11 => return Err(Error::Codec("Speex".to_owned())),
            other => return Err(Error::Codec(format!("the audio codec {other}"))),
        };
        let is_config = codec == AudioCodec::Aac
            && match fields.u8("packet type")? {
                SEQUENCE_START => true,
                CODED_FRAMES => false,
                other => return Err(fields.unknown("packet type", other)),
            };
        let body = if is_config { AudioBody::Config(fields.rest) } else { AudioBody::Frame(fields.rest) };
        let tells_channels = matches!(codec, AudioCodec::Pcma | AudioCodec::Pcmu);
        Ok(Self { track: 0, nanos: 0, codec, stereo: !tells_channels || first & STEREO != 0, body })
    }

    fn parse_part(part: Part) -> Result<Option<Self>, Error> {
        let Part { track, four_cc, packet_type, nanos, body } = part;
        let codec = AudioCodec::from_four_cc(four_cc)?;
        let body = match packet_type {
            SEQUENCE_START => AudioBody::Config(body.rest),
            CODED_FRAMES => AudioBody::Frame(body.rest),
            SEQUENCE_END => AudioBody::End,
            // Where each channel's loudspeaker is: one or two channels need none.
            MULTICHANNEL_CONFIG => return Ok(None),
            other => return Err(body.unknown("packet type", other)),
        };
        Ok(Some(Self { track, nanos, codec, stereo: true, body }))
    }

    /// Writes what stands in front of [`AudioTag::data`]: at most 15 bytes. Codecs of old FLV have the old form, as every receiver
    /// knows it, where that is possible.
    pub fn write_head(&self, out: &mut BytesMut) {
        let packet_type = match &self.body {
            AudioBody::Config(_) => SEQUENCE_START,
            AudioBody::Frame(_) => CODED_FRAMES,
            AudioBody::End => SEQUENCE_END,
        };
        let plain = self.track == 0 && self.nanos == 0;
        match (self.codec, &self.body) {
            (AudioCodec::Pcma | AudioCodec::Pcmu, _) => {
                let format = if self.codec == AudioCodec::Pcma { PCMA } else { PCMU };
                out.put_u8((format << 4) | SIXTEEN_BITS | if self.stereo { STEREO } else { 0 });
            }
            (AudioCodec::Aac, AudioBody::Config(_) | AudioBody::Frame(_)) if plain => {
                out.put_slice(&[(AAC << 4) | AAC_FLAGS, packet_type]);
            }
            (AudioCodec::Mp3, AudioBody::Frame(data)) if plain && old_mp3(data).is_some() => {
                out.put_u8(old_mp3(data).unwrap_or(0));
            }
            (AudioCodec::Aac | AudioCodec::Mp3 | AudioCodec::Opus | AudioCodec::Flac, _) => {
                let place = (self.track, self.codec.four_cc().unwrap_or_default(), self.nanos);
                put_extended(EXTENDED, packet_type, MULTITRACK, place, out);
            }
        }
    }

    /// What stands behind the head.
    #[must_use]
    pub fn data(&self) -> Bytes {
        match &self.body {
            AudioBody::Config(data) | AudioBody::Frame(data) => data.clone(),
            AudioBody::End => Bytes::new(),
        }
    }
}

/// The first byte of MP3 in old FLV; `None` if that does not know the sample rate, or it is another layer.
fn old_mp3(frame: &[u8]) -> Option<u8> {
    let header = mp3::Header::parse(frame).filter(|header| header.layer == 3)?;
    let stereo = if header.channels == 2 { STEREO } else { 0 };
    let (format, rate) = match header.sample_rate {
        44_100 => (MP3, 3),
        22_050 => (MP3, 2),
        11_025 => (MP3, 1),
        8_000 => (MP3_8K, 0),
        _ => return None,
    };
    Some((format << 4) | (rate << 2) | SIXTEEN_BITS | stereo)
}
