//! What a stream of bytes is, by its first ones.

use crate::adts;
use crate::mpegts::{PACKET_BYTES, SYNC_BYTE};
use crate::pcm;
use std::fmt;
use yeoul_media::bitstream::mp3;

/// What a stream of bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// MPEG transport stream.
    MpegTs,
    /// Flash video.
    Flv,
    /// MP4, fragmented or with its index in front.
    Mp4,
    /// JPEG pictures as parts (`multipart/x-mixed-replace`).
    Multipart,
    /// JPEG pictures one behind the other.
    Jpeg,
    /// H.264 NAL units behind start codes.
    H264,
    /// H.265 NAL units behind start codes.
    H265,
    /// AAC behind ADTS headers.
    Adts,
    /// MPEG audio.
    Mp3,
    /// WAV.
    Wav,
    /// Samples without any header: nothing tells them but their sender.
    Pcm(pcm::Format),
}

/// As people call it.
impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MpegTs => "mpegts",
            Self::Flv => "flv",
            Self::Mp4 => "mp4",
            Self::Multipart => "mpjpeg",
            Self::Jpeg => "mjpeg",
            Self::H264 => "h264",
            Self::H265 => "hevc",
            Self::Adts => "adts",
            Self::Mp3 => "mp3",
            Self::Wav => "wav",
            Self::Pcm(_) => "pcm",
        })
    }
}

/// What the first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guess {
    /// It is this.
    Form(Form),
    /// More bytes may tell.
    More,
    /// It is this, which is not taken.
    Foreign(&'static str),
    /// Nothing that is known.
    Unknown,
}

/// Bytes after which it is known what a stream is, or that nobody knows: three packets of a transport stream that began in the
/// middle of one.
pub(super) const ENOUGH_BYTES: usize = 4 * PACKET_BYTES;

/// Looks at the first bytes.
pub(super) fn guess(head: &[u8]) -> Guess {
    let known = beginning(head);
    if known != Guess::Unknown {
        return known;
    }
    // A transport stream that was joined in the middle of a packet; the first packet may have a time stamp in front.
    let packets = |at: usize, stride: usize| (0..3).all(|n| head.get(at + n * stride) == Some(&SYNC_BYTE));
    if (0..PACKET_BYTES).any(|at| packets(at, PACKET_BYTES)) || packets(4, 192) {
        return Guess::Form(Form::MpegTs);
    }
    if head.len() < ENOUGH_BYTES && !is_text(head) { Guess::More } else { Guess::Unknown }
}

/// A message for people, which no stream begins with.
fn is_text(head: &[u8]) -> bool {
    head.len() >= 64 && head.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

fn beginning(head: &[u8]) -> Guess {
    let Some(&[a, b, c, d, e, ..]) = head.first_chunk::<12>() else { return Guess::More };
    match [a, b, c, d] {
        [b'F', b'L', b'V', 1] => Guess::Form(Form::Flv),
        [b'R', b'I', b'F', b'F'] if head.get(8..12) == Some(b"WAVE") => Guess::Form(Form::Wav),
        [b'R', b'I', b'F', b'F'] => Guess::Foreign("AVI"),
        [b'Y', b'U', b'V', b'4'] => Guess::Foreign("uncompressed pictures (YUV4MPEG)"),
        [b'O', b'g', b'g', b'S'] => Guess::Foreign("Ogg"),
        [0x1a, 0x45, 0xdf, 0xa3] => Guess::Foreign("Matroska or WebM"),
        [0, 0, 1, 0xba] => Guess::Foreign("an MPEG program stream"),
        [b'#', b'E', b'X', b'T'] => Guess::Foreign("a playlist"),
        [b'I', b'D', b'3', _] => Guess::Form(Form::Mp3),
        [0xff, 0xd8, 0xff, _] => Guess::Form(Form::Jpeg),
        [b'-', b'-', _, _] | [b'\r', b'\n', b'-', b'-'] => Guess::Form(Form::Multipart),
        [0, 0, 1, header] => units(header, e),
        [0, 0, 0, 1] => units(e, head.get(5).copied().unwrap_or(0)),
        [0xff, _, _, _] if adts::Header::parse(head).is_some() => Guess::Form(Form::Adts),
        [0xff, _, _, _] if mp3::Header::parse(head).is_some() => Guess::Form(Form::Mp3),
        _ if is_mp4(head) => Guess::Form(Form::Mp4),
        _ => Guess::Unknown,
    }
}

/// A NAL unit that starts with these bytes: the first one tells H.264 from H.265, whose units of the kinds that a stream starts
/// with have an even first byte and 1 as the second (layer 0, temporal layer 0).
fn units(header: u8, second: u8) -> Guess {
    let h265 = header >> 1;
    if header & 1 == 0 && second == 1 && matches!(h265, 0..=1 | 16..=21 | 32..=35 | 39) {
        return Guess::Form(Form::H265);
    }
    match header & 0x9f {
        1 | 5..=9 => Guess::Form(Form::H264),
        _ => Guess::Unknown,
    }
}

fn is_mp4(head: &[u8]) -> bool {
    let kind = head.get(4..8).unwrap_or_default();
    matches!(kind, b"ftyp" | b"styp" | b"moov" | b"moof" | b"free" | b"skip" | b"wide" | b"mdat" | b"sidx")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &[u8], expected: Guess) {
        let head = [head, &[0x55; 12][..]].concat();
        assert_eq!(guess(&head), expected, "{head:?}");
    }

    #[test]
    fn the_first_bytes_tell() {
        check(b"FLV\x01", Guess::Form(Form::Flv));
        check(b"RIFF\0\0\0\0WAVE", Guess::Form(Form::Wav));
        check(b"RIFF\0\0\0\0AVI ", Guess::Foreign("AVI"));
        check(b"\0\0\0\x1cftypisom", Guess::Form(Form::Mp4));
        check(b"\xff\xd8\xff\xe0", Guess::Form(Form::Jpeg));
        check(b"--frame\r\nContent", Guess::Form(Form::Multipart));
        check(b"\xff\xf1\x50\x80\x2f\x5f\xfc", Guess::Form(Form::Adts));
        check(b"\xff\xfb\x90\x64", Guess::Form(Form::Mp3));
        check(b"\0\0\x01\xba", Guess::Foreign("an MPEG program stream"));
    }

    #[test]
    fn the_first_unit_tells_h264_from_h265() {
        for header in [0x67, 0x27, 0x47, 0x09, 0x06, 0x65, 0x41] {
            check(&[0, 0, 0, 1, header, 0x42], Guess::Form(Form::H264));
            check(&[0, 0, 1, header, 0x42], Guess::Form(Form::H264));
        }
        for header in [0x40, 0x42, 0x44, 0x46, 0x4e, 0x26, 0x02] {
            check(&[0, 0, 0, 1, header, 1], Guess::Form(Form::H265));
            check(&[0, 0, 1, header, 1], Guess::Form(Form::H265));
        }
    }

    #[test]
    fn a_transport_stream_is_found_from_the_middle_of_a_packet() {
        let mut stream = vec![0x11; 900];
        for at in [100, 288, 476, 664, 852] {
            stream[at] = 0x47;
        }
        assert_eq!(guess(&stream[..400]), Guess::More);
        assert_eq!(guess(&stream), Guess::Form(Form::MpegTs));
        assert_eq!(guess(&[0x11; ENOUGH_BYTES]), Guess::Unknown);
    }

    #[test]
    fn words_are_known_as_such_at_once() {
        let words = b"<html><head><title>401 Unauthorized</title></head><body>Please log in.</body></html>";
        assert_eq!(guess(words), Guess::Unknown);
    }
}
