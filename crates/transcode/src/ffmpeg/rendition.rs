//! A lower quality of a stream, made of its pictures.

use crate::limits::{RENDITION_BITRATE, RENDITION_GOP, RENDITION_LINES};
use std::fmt;
use std::time::Duration;

/// A lower quality of a stream: how large its picture is, and what it may cost. Written `720p` or `720p@2M`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rendition {
    /// Pixels of the picture's shorter side, an even number: its height, unless the camera stands upright. A picture is
    /// never made larger than it is.
    pub lines: u16,
    /// What it may cost in bits a second, if that was chosen.
    pub bits_per_second: Option<u32>,
}

/// Why a text names no rendition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenditionError {
    /// No number with a `p` behind it.
    #[error("expected a height such as 720p, or with a bitrate 720p@2M")]
    NoHeight,
    /// Too small, too large, or odd.
    #[error("the height of a rendition is an even number from {} to {}", RENDITION_LINES.start(), RENDITION_LINES.end())]
    Height,
    /// No bitrate, or one out of range.
    #[error(
        "the bitrate of a rendition is {} to {} bits a second, such as 800k or 2M",
        RENDITION_BITRATE.start(), RENDITION_BITRATE.end()
    )]
    Bitrate,
}

impl Rendition {
    /// Reads `720p` or `720p@2M`.
    ///
    /// # Errors
    /// If it is neither, or out of bounds.
    pub fn parse(text: &str) -> Result<Self, RenditionError> {
        let (height, bitrate) = match text.split_once('@') {
            Some((height, bitrate)) => (height, Some(bitrate)),
            None => (text, None),
        };
        let digits = height.strip_suffix('p').or(height.strip_suffix('P'));
        let digits = digits.filter(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
        let lines = digits.ok_or(RenditionError::NoHeight)?.parse().map_err(|_| RenditionError::Height)?;
        if !RENDITION_LINES.contains(&lines) || lines % 2 == 1 {
            return Err(RenditionError::Height);
        }
        let bits_per_second = bitrate.map(|text| parse_bitrate(text).ok_or(RenditionError::Bitrate));
        Ok(Self { lines, bits_per_second: bits_per_second.transpose()? })
    }

    /// What it may cost in bits a second: as chosen, or what pictures of cameras need at 25 a second.
    #[must_use]
    pub fn bitrate(&self) -> u32 {
        // 2 Mbit/s for 720 lines. Four times the pixels need less than four times the bits: they grow with the power 1.5
        // of the height. At most 2^26 for the greatest height.
        let share = f64::from(self.lines) / 720.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "far below 2^32")]
        let usual = (2_000_000.0 * share.powf(1.5)) as u32;
        self.bits_per_second.unwrap_or(usual.max(*RENDITION_BITRATE.start()))
    }
}

/// What ffmpeg has to know of the pictures that it makes a rendition of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pictures {
    /// How many come in a second.
    pub per_second: f64,
    /// Those before this time on the clock of its input are decoded but not given: the GOP so far, when a rendition is
    /// begun in the middle of one.
    pub wanted_from: Duration,
}

impl Rendition {
    /// The arguments with which ffmpeg (5.0 and later) makes it: an MPEG transport stream with one track of video in on
    /// standard input, one with H.264 out on standard output, picture by picture.
    ///
    /// A picture keeps its time to the tick. There is a keyframe where the source has one, and at least every
    /// [`RENDITION_GOP`].
    #[must_use]
    pub fn arguments(&self, pictures: &Pictures) -> Vec<String> {
        let per_second = pictures.per_second.clamp(1.0, 240.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 480")]
        let gop = (per_second * RENDITION_GOP.as_secs_f64()).round() as u32;
        let (bitrate, lines) = (self.bitrate(), self.lines);
        let wanted_from = pictures.wanted_from.as_secs_f64();
        // Each frame is a PES packet of known length: the parser would hold it back until the next one begins, and so would
        // looking for the frame rate. What was looked at must not be dropped (`nobuffer` does).
        let input = [
            "-hide_banner -nostdin -loglevel error",
            "-fflags +noparse+nofillin -flags low_delay -thread_type slice -threads 2",
            "-probesize 5000 -analyzeduration 0 -fpsprobesize 0 -f mpegts -copyts -i pipe:0",
        ];
        // The shorter side gets that many lines, the other one keeps the shape; both are even, for chroma has half of them.
        let side = format!("min({lines},trunc(min(iw,ih)/2)*2)");
        let filter = format!(
            "select='gte(t,{wanted_from:.4})',\
             scale=w='if(gt(iw,ih),-2,{side})':h='if(gt(iw,ih),{side},-2)':flags=bicubic,format=yuv420p"
        );
        let coding = format!(
            "-c:v libx264 -preset superfast -tune zerolatency -bf 0 -sc_threshold 0 -g {gop} -force_key_frames source \
             -b:v {bitrate} -maxrate {bitrate} -bufsize {bitrate} -threads {threads} -x264-params fps={fps:.0}/1000",
            threads = if lines > 480 { 2 } else { 1 },
            fps = per_second * 1000.0,
        );
        let output = "-fps_mode passthrough -enc_time_base 1:90000 -omit_video_pes_length 0 -muxdelay 0 -muxpreload 0 \
                      -mpegts_copyts 1 -flush_packets 1 -f mpegts pipe:1";
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let mut arguments: Vec<String> = input.iter().flat_map(|text| words(text)).collect();
        arguments.extend(words("-map 0:v:0 -filter_threads 1 -vf"));
        arguments.push(filter);
        arguments.extend(words(&coding));
        arguments.extend(words(output));
        arguments
    }
}

/// `800k`, `2M`, `1.5M`, or a number of bits a second.
fn parse_bitrate(text: &str) -> Option<u32> {
    let (number, factor) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 1e3),
        b'm' | b'M' => (&text[..text.len() - 1], 1e6),
        _ => (text, 1.0),
    };
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let bits = number.parse::<f64>().ok().filter(|_| plain)? * factor;
    let range = f64::from(*RENDITION_BITRATE.start())..=f64::from(*RENDITION_BITRATE.end());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the range")]
    let whole = bits.round() as u32;
    range.contains(&bits).then_some(whole)
}

/// The height: `720p`. It names the rendition among those of a stream.
impl fmt::Display for Rendition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}p", self.lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: Result<(u16, u32), RenditionError>) {
        let read = Rendition::parse(text).map(|rendition| (rendition.lines, rendition.bitrate()));
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn heights_and_bitrates_are_read() {
        check("720p", Ok((720, 2_000_000)));
        check("360P", Ok((360, 707_106)));
        check("1080p@4M", Ok((1080, 4_000_000)));
        check("180p@150k", Ok((180, 150_000)));
        check("480p@1.25M", Ok((480, 1_250_000)));
        check("480p@900000", Ok((480, 900_000)));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "p", "copy", "720", "720i", "-720p", "7 20p", "720p2M"] {
            check(text, Err(RenditionError::NoHeight));
        }
        for text in ["0p", "719p", "8000p", "99999999999p"] {
            check(text, Err(RenditionError::Height));
        }
        for text in
            ["720p@", "720p@fast", "720p@2G", "720p@-2M", "720p@1e6", "720p@1", "720p@9000M", "720p@NaN"]
        {
            check(text, Err(RenditionError::Bitrate));
        }
    }

    #[test]
    fn ffmpeg_is_told_in_arguments() {
        let pictures = Pictures { per_second: 12.5, wanted_from: Duration::from_millis(3_040) };
        let arguments = Rendition::parse("360p@600k").unwrap().arguments(&pictures);
        let after = |name: &str| {
            let at = arguments.iter().position(|argument| argument == name).unwrap();
            arguments[at + 1].as_str()
        };
        assert_eq!((after("-b:v"), after("-g"), after("-x264-params")), ("600000", "25", "fps=12500/1000"));
        assert_eq!(
            after("-vf"),
            "select='gte(t,3.0400)',\
             scale=w='if(gt(iw,ih),-2,min(360,trunc(min(iw,ih)/2)*2))':h='if(gt(iw,ih),min(360,trunc(min(iw,ih)/2)*2),-2)'\
             :flags=bicubic,format=yuv420p"
        );
        assert_eq!((after("-i"), arguments.last().unwrap().as_str()), ("pipe:0", "pipe:1"));
        assert!(arguments.iter().all(|argument| !argument.is_empty()));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(lines in 32_u16..2_000, kbit in 50_u32..50_000) {
            let text = format!("{}p@{kbit}k", lines * 2);
            let read = Rendition::parse(&text).unwrap();
            prop_assert_eq!((read.lines, read.bitrate()), (lines * 2, kbit * 1000));
            prop_assert_eq!(read.to_string(), format!("{}p", lines * 2));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,20}") {
            let _ = Rendition::parse(&text);
        }
    }
}
