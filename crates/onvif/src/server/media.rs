//! The media service of ours.

use super::{Device, NoProfile, Request, Stream};
use crate::xml::escape;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Told of a stream that nobody has watched yet, as go2rtc tells it of all.
const USUAL_SIZE: (u32, u32) = (1920, 1080);

/// What stands in the element of the response; `None` if this service has no such operation.
pub(super) fn answer(device: &Device<'_>, request: &Request) -> Option<Result<String, NoProfile>> {
    let all = |write: fn(&Stream) -> String| Ok(device.streams.iter().map(write).collect());
    let one = |write: fn(&Stream) -> String| device.stream(request).map(write);
    let plain = |content: &str| Ok(content.to_owned());
    Some(match request.operation.as_str() {
        "GetProfiles" => all(|stream| profile("Profiles", stream)),
        "GetProfile" => one(|stream| profile("Profile", stream)),
        "GetVideoSources" => all(video_source),
        "GetVideoSourceConfigurations" => all(|stream| source_configuration("trt:Configurations", stream)),
        "GetVideoSourceConfiguration" => one(|stream| source_configuration("trt:Configuration", stream)),
        "GetVideoEncoderConfigurations" => all(|stream| encoder_configuration("trt:Configurations", stream)),
        "GetVideoEncoderConfiguration" => one(|stream| encoder_configuration("trt:Configuration", stream)),
        "GetVideoEncoderConfigurationOptions" => plain(&encoder_options()),
        "GetAudioEncoderConfigurations" | "GetAudioSources" | "GetAudioSourceConfigurations" => plain(""),
        "GetServiceCapabilities" => plain(
            "<trt:Capabilities SnapshotUri=\"true\" Rotation=\"false\" VideoSourceMode=\"false\" OSD=\"false\">\
             <trt:StreamingCapabilities RTPMulticast=\"false\" RTP_TCP=\"false\" RTP_RTSP_TCP=\"true\"/></trt:Capabilities>",
        ),
        "GetStreamUri" => device.stream(request).map(|stream| {
            let port = device.rtsp_port.map(|port| format!(":{port}")).unwrap_or_default();
            uri(&format!("rtsp://{}{port}/{}", device.host(), encoded(&stream.name)))
        }),
        "GetSnapshotUri" => device.stream(request).map(|stream| {
            let Device { authority, base_path, .. } = device;
            uri(&format!("http://{authority}{base_path}/api/frame.jpeg?src={}", encoded(&stream.name)))
        }),
        _ => return None,
    })
}

fn encoded(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

fn uri(uri: &str) -> String {
    let uri = escape(uri);
    format!(
        "<trt:MediaUri><tt:Uri>{uri}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>\
         <tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>"
    )
}

fn profile(element: &str, stream: &Stream) -> String {
    let name = escape(&stream.name);
    format!(
        "<trt:{element} token=\"{name}\" fixed=\"true\"><tt:Name>{name}</tt:Name>{}{}</trt:{element}>",
        source_configuration("tt:VideoSourceConfiguration", stream),
        encoder_configuration("tt:VideoEncoderConfiguration", stream)
    )
}

fn resolution(stream: &Stream) -> String {
    let (width, height) = stream.size.unwrap_or(USUAL_SIZE);
    format!("<tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height>")
}

fn video_source(stream: &Stream) -> String {
    let name = escape(&stream.name);
    let resolution = resolution(stream);
    format!(
        "<trt:VideoSources token=\"{name}\"><tt:Framerate>30</tt:Framerate>\
         <tt:Resolution>{resolution}</tt:Resolution></trt:VideoSources>"
    )
}

fn source_configuration(element: &str, stream: &Stream) -> String {
    let name = escape(&stream.name);
    let (width, height) = stream.size.unwrap_or(USUAL_SIZE);
    format!(
        "<{element} token=\"{name}\"><tt:Name>{name}</tt:Name><tt:UseCount>1</tt:UseCount>\
         <tt:SourceToken>{name}</tt:SourceToken>\
         <tt:Bounds x=\"0\" y=\"0\" width=\"{width}\" height=\"{height}\"/></{element}>"
    )
}

/// It says H264 whatever it is: this service has no word for H.265, and Home Assistant leaves out what is not H264. What there is, RTSP
/// tells. UniFi Protect wants a `RateControl`.
fn encoder_configuration(element: &str, stream: &Stream) -> String {
    let name = escape(&stream.name);
    let resolution = resolution(stream);
    format!(
        "<{element} token=\"{name}\"><tt:Name>{name}</tt:Name><tt:UseCount>1</tt:UseCount>\
         <tt:Encoding>H264</tt:Encoding><tt:Resolution>{resolution}</tt:Resolution><tt:Quality>5</tt:Quality>\
         <tt:RateControl><tt:FrameRateLimit>30</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval>\
         <tt:BitrateLimit>8192</tt:BitrateLimit></tt:RateControl>\
         <tt:H264><tt:GovLength>30</tt:GovLength><tt:H264Profile>Main</tt:H264Profile></tt:H264>\
         <tt:SessionTimeout>PT60S</tt:SessionTimeout></{element}>"
    )
}

fn encoder_options() -> String {
    let range =
        |name: &str, most: u32| format!("<tt:{name}><tt:Min>1</tt:Min><tt:Max>{most}</tt:Max></tt:{name}>");
    let (width, height) = USUAL_SIZE;
    format!(
        "<trt:Options>{}<tt:H264><tt:ResolutionsAvailable><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height>\
         </tt:ResolutionsAvailable>{}{}{}<tt:H264ProfilesSupported>Main</tt:H264ProfilesSupported></tt:H264></trt:Options>",
        range("QualityRange", 6),
        range("GovLengthRange", 100),
        range("FrameRateRange", 30),
        range("EncodingIntervalRange", 1)
    )
}
