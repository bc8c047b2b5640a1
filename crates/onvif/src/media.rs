//! The media services (ONVIF Media, Media2): profiles, and where their streams and pictures are.
//!
//! The first service has no word for H.265 and what came after it; Media2 has. Both name a profile by the same token. The order of a
//! device's profiles is that of the first service, for `subtype=1` means the second of them; what only Media2 has comes behind.

use crate::limits::{PROFILES, TOKEN_BYTES, URI_BYTES};
use crate::operation::{Operation, content_type};
use crate::soap::printable;
use crate::xml::{Element, escape};
use std::fmt;

/// Which of the two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// Of ONVIF 1 and 2.
    One,
    /// Media2.
    Two,
}

/// A profile: what a device sends as one stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Its name in requests.
    pub token: String,
    /// Its name for people.
    pub name: String,
    /// The service that is asked for its stream.
    pub media: Media,
    /// The picture, as far as the device tells.
    pub video: Option<Video>,
    /// The coding of the sound: `AAC`, `G711`.
    pub audio: Option<String>,
    /// Whether the camera can be moved.
    pub has_ptz: bool,
}

/// A picture as it is coded.
#[derive(Clone, Debug, PartialEq)]
pub struct Video {
    /// `H264`, `H265`, `JPEG`.
    pub encoding: String,
    /// Width and height in pixels.
    pub size: Option<(u32, u32)>,
    /// Pictures a second at most.
    pub frame_rate: Option<f32>,
}

/// `1920x1080 H265 25 fps, AAC`: empty if nothing is known.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        if let Some(video) = &self.video {
            words.extend(video.size.map(|(width, height)| format!("{width}x{height}")));
            words.push(video.encoding.clone());
            words.extend(video.frame_rate.map(|rate| format!("{rate} fps")));
        }
        let video = words.join(" ");
        let parts = [Some(video).filter(|video| !video.is_empty()), self.audio.clone()];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

/// Asks for all profiles.
#[must_use]
pub fn get_profiles(media: Media) -> Operation {
    match media {
        Media::One => Operation::new(
            content_type!("http://www.onvif.org/ver10/media/wsdl", "GetProfiles"),
            "<trt:GetProfiles/>",
        ),
        // Without a type there are no configurations in the answer.
        Media::Two => Operation::new(
            content_type!("http://www.onvif.org/ver20/media/wsdl", "GetProfiles"),
            "<tr2:GetProfiles><tr2:Type>All</tr2:Type></tr2:GetProfiles>",
        ),
    }
}

/// The profiles of `GetProfilesResponse`, at most [`PROFILES`]. One without a token cannot be asked for and is left out.
#[must_use]
pub fn profiles(answer: &Element, media: Media) -> Vec<Profile> {
    answer
        .children_named("Profiles")
        .filter_map(|profile| self::profile(profile, media))
        .take(PROFILES)
        .collect()
}

fn profile(profile: &Element, media: Media) -> Option<Profile> {
    let token = profile.attribute("token").filter(|token| !token.is_empty() && token.len() <= TOKEN_BYTES)?;
    let configuration = |one: &str, two: &str| match media {
        Media::One => profile.at(&[one]),
        Media::Two => profile.at(&["Configurations", two]),
    };
    let video = configuration("VideoEncoderConfiguration", "VideoEncoder").map(|video| {
        let side = |name| video.number_at::<u32>(&["Resolution", name]).filter(|&pixels| pixels > 0);
        Video {
            encoding: encoding(video.text_at(&["Encoding"]).unwrap_or_default()),
            size: side("Width").zip(side("Height")),
            frame_rate: video
                .number_at::<f32>(&["RateControl", "FrameRateLimit"])
                .filter(|rate| rate.is_finite() && *rate > 0.0),
        }
    });
    let audio = configuration("AudioEncoderConfiguration", "AudioEncoder");
    Some(Profile {
        token: token.to_owned(),
        name: printable(profile.text_at(&["Name"]).unwrap_or(token)),
        media,
        video,
        audio: audio.and_then(|audio| audio.text_at(&["Encoding"])).map(printable),
        has_ptz: configuration("PTZConfiguration", "PTZ").is_some(),
    })
}

/// A coding as the first service names it; Media2 has the names of RTP in some devices: `H.265`, `video/H265`.
fn encoding(text: &str) -> String {
    printable(text.rsplit('/').next().unwrap_or_default()).replace('.', "").to_ascii_uppercase()
}

/// The profiles of a device that has both services.
#[must_use]
pub fn merge(one: Vec<Profile>, two: Vec<Profile>) -> Vec<Profile> {
    let mut all = one;
    for profile in two {
        match all.iter_mut().find(|known| known.token == profile.token) {
            // It knows the picture better; the stream is asked for where go2rtc asks.
            Some(known) => {
                known.video = profile.video.or(known.video.take());
                known.audio = profile.audio.or(known.audio.take());
                known.has_ptz |= profile.has_ptz;
            }
            None => all.push(profile),
        }
    }
    all.truncate(PROFILES);
    all
}

/// Asks where a profile's stream is.
#[must_use]
pub fn get_stream_uri(media: Media, token: &str) -> Operation {
    let token = escape(token);
    match media {
        Media::One => Operation::new(
            content_type!("http://www.onvif.org/ver10/media/wsdl", "GetStreamUri"),
            format!(
                "<trt:GetStreamUri><trt:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream>\
                 <tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport></trt:StreamSetup>\
                 <trt:ProfileToken>{token}</trt:ProfileToken></trt:GetStreamUri>"
            ),
        ),
        Media::Two => Operation::new(
            content_type!("http://www.onvif.org/ver20/media/wsdl", "GetStreamUri"),
            format!(
                "<tr2:GetStreamUri><tr2:Protocol>RTSP</tr2:Protocol>\
                 <tr2:ProfileToken>{token}</tr2:ProfileToken></tr2:GetStreamUri>"
            ),
        ),
    }
}

/// Asks where a picture of a profile is.
#[must_use]
pub fn get_snapshot_uri(media: Media, token: &str) -> Operation {
    let token = escape(token);
    match media {
        Media::One => Operation::new(
            content_type!("http://www.onvif.org/ver10/media/wsdl", "GetSnapshotUri"),
            format!("<trt:GetSnapshotUri><trt:ProfileToken>{token}</trt:ProfileToken></trt:GetSnapshotUri>"),
        ),
        Media::Two => Operation::new(
            content_type!("http://www.onvif.org/ver20/media/wsdl", "GetSnapshotUri"),
            format!("<tr2:GetSnapshotUri><tr2:ProfileToken>{token}</tr2:ProfileToken></tr2:GetSnapshotUri>"),
        ),
    }
}

/// The address in the answer to either; `None` if there is none in it, or one that is too long for one.
#[must_use]
pub fn uri(answer: &Element) -> Option<&str> {
    answer.find("Uri").map(Element::text).filter(|uri| !uri.is_empty() && uri.len() <= URI_BYTES)
}
