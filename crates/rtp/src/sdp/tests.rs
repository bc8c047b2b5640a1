use super::*;
use crate::format::{AuHeaderLayout, Packing};
use bytes::Bytes;
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use yeoul_media::bitstream::aac::AudioSpecificConfig;
use yeoul_media::bitstream::{h264, h265};
use yeoul_media::{Codec, PcmLayout};

/// One line for each media: kind, payload type, codec, clock, packing where there is a choice, control.
fn outline(session: &Session) -> Vec<String> {
    session
        .medias
        .iter()
        .map(|media| {
            let control = media.control.as_deref().unwrap_or("-");
            let control =
                control.rsplit('/').next().unwrap_or_default().split('?').next().unwrap_or_default();
            match (&media.format, &media.unsupported) {
                (Some(format), None) => {
                    let packing = match format.packing {
                        Packing::Plain => String::new(),
                        Packing::DecodingOrderNumbers => " DON".to_owned(),
                        Packing::AuHeaders(AuHeaderLayout::HIGH_BITRATE) => " hbr".to_owned(),
                        Packing::AuHeaders(AuHeaderLayout::LOW_BITRATE) => " lbr".to_owned(),
                        Packing::AuHeaders(_) => " other AU headers".to_owned(),
                        Packing::Latm { in_band_config, .. } => format!(" LATM in_band={in_band_config}"),
                    };
                    format!(
                        "{} {} @{}{packing} {control}",
                        format.payload_type, format.codec, format.clock_rate
                    )
                }
                (None, Some(unsupported)) => format!("{:?}: {unsupported} {control}", media.kind),
                (format, unsupported) => panic!("{format:?} and {unsupported:?}"),
            }
        })
        .collect()
}

/// Media lines behind the usual start of a description.
fn parse_medias(medias: &str) -> Vec<String> {
    outline(&parse(format!("v=0\r\no=- 0 0 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\n{medias}").as_bytes()).unwrap())
}

/// Every camera in the shared captures, with what it sends, written by hand from the text and the parameter sets.
const CAMERAS: &[(&str, &[&str])] = &[
    ("anjvision_describe", &["96 H265 Main 1280x704 @90000 trackID=1"]),
    (
        "bunny_describe",
        &[
            "96 AAC 12000 Hz 2 channels @12000 hbr trackID=1",
            "97 H264 Constrained Baseline 240x160 @90000 trackID=2",
        ],
    ),
    (
        "dahua_describe_h264_aac_onvif",
        &[
            "96 H264 High 704x480 @90000 trackID=0",
            "97 AAC 48000 Hz 1 channel @48000 hbr trackID=1",
            "Other: vnd.onvif.metadata trackID=4",
        ],
    ),
    (
        "dahua_describe_h265_pcma",
        &["98 H265 Main 704x480 @90000 trackID=0", "8 PCMA 8000 Hz 1 channel @8000 trackID=1"],
    ),
    ("foscam_describe", &["96 H264 Main 1280x720 @90000 track1", "0 PCMU 8000 Hz 1 channel @8000 track2"]),
    ("gw_main_describe", &["96 H264 Main 1920x1080 @90000 video", "8 PCMU 8000 Hz 1 channel @8000 audio"]),
    ("gw_sub_describe", &["96 H264 Main 720x480 @90000 video"]),
    (
        "h264dvr_describe",
        &["96 H264 Baseline 1920x1080 @90000 trackID=3", "8 PCMA 8000 Hz 1 channel @8000 trackID=4"],
    ),
    (
        "hikvision_describe",
        &["96 H264 Main 1920x1080 @90000 trackID=1", "Other: vnd.onvif.metadata trackID=3"],
    ),
    (
        "missing_content_type_describe",
        &["96 H264 High 320x180 @90000 streamid=0", "97 AAC 48000 Hz 2 channels @48000 hbr streamid=1"],
    ),
    (
        "reolink_describe",
        &["96 H264 High 2560x1440 @90000 trackID=1", "97 AAC 16000 Hz 1 channel @16000 hbr trackID=2"],
    ),
    (
        "reolink_describe_control_first",
        &["96 H264 High 2560x1440 @90000 trackID=1", "97 AAC 16000 Hz 1 channel @16000 hbr trackID=2"],
    ),
    (
        "tplink_sdp",
        &[
            "96 H265 Main 2560x1440 @90000 track1",
            "8 PCMA 8000 Hz 1 channel @8000 track2",
            "Other: application/TP-LINK of format smart/1/90000 track3",
        ],
    ),
    (
        "ubiquiti_sdp",
        &[
            "96 AAC 48000 Hz 1 channel @48000 hbr trackID=0",
            "96 OPUS 48000 Hz 1 channel @48000 trackID=1",
            "97 H264 Main 1920x1080 @90000 trackID=2",
        ],
    ),
    ("vstarcam_describe", &["96 H264 Main 1920x1080 @90000 track0", "8 PCMA 8000 Hz 1 channel @8000 track1"]),
];

#[test]
fn tracks_of_every_captured_camera_are_known() {
    let described = |text: &str| text.contains("\nm=");
    let mut wrong = Vec::new();
    for capture in yeoul_testkit::captures() {
        let text = String::from_utf8_lossy(&capture.bytes);
        if !described(&text) {
            continue;
        }
        let body = text.find("v=0").map_or(&text[..], |start| &text[start..]);
        let session = parse(body.as_bytes()).unwrap_or_else(|error| panic!("{}: {error}", capture.name));
        let expected = CAMERAS.iter().find(|(name, _)| *name == capture.name);
        let expected = expected.unwrap_or_else(|| panic!("{} is new: say what it sends", capture.name)).1;
        if outline(&session) != expected {
            wrong.push((capture.name, outline(&session), expected));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_the_session_says_of_itself_is_kept() {
    let Some(capture) = yeoul_testkit::capture("dahua_describe_h264_aac_onvif") else { return };
    let text = String::from_utf8(capture.bytes).unwrap();
    let session = parse(&text.as_bytes()[text.find("v=0").unwrap()..]).unwrap();
    assert_eq!(
        (session.name.as_deref(), session.control.as_deref(), session.range.as_deref()),
        (Some("Media Server"), Some("*"), Some("npt=now-"))
    );
    assert_eq!(session.medias[0].direction, Direction::ReceiveOnly);
}

#[test]
fn names_of_encodings_have_any_case_and_clocks_are_put_right() {
    assert_eq!(parse_medias("m=video 0 RTP/AVP 31\r\n"), ["Video: H261 (payload type 31) -"]);
    assert_eq!(parse_medias("m=video 0 RTP/AVP 96\r\na=rtpmap:96  h264/10000 \r\n"), ["96 H264 @90000 -"]);
    assert_eq!(parse_medias("m=video 0 RTP/AVP 96\r\na=rtpmap:96 HEVC\r\n"), ["96 H265 @90000 -"]);
    assert_eq!(
        parse_medias("m=audio 0 RTP/AVP 96\r\na=rtpmap:96 opus/48000\r\na=fmtp:96 sprop-stereo=1\r\n"),
        ["96 OPUS 48000 Hz 2 channels @48000 -"]
    );
    assert_eq!(
        parse_medias("m=audio 0 RTP/AVP 97\r\na=rtpmap:97 G722/16000\r\n"),
        ["97 G722 16000 Hz 1 channel @8000 -"]
    );
}

#[test]
fn formats_of_files_and_browsers_are_known() {
    assert_eq!(
        parse_medias(
            "m=video 0 RTP/AVP 96\r\na=rtpmap:96 AV1/90000\r\na=fmtp:96 profile=0;level-idx=5;tier=0\r\n\
             m=video 0 RTP/AVP 97\r\na=rtpmap:97 VP9/90000\r\na=fmtp:97 profile-id=0\r\n\
             m=video 0 RTP/AVP 98\r\na=rtpmap:98 VP8/90000\r\n\
             m=audio 0 RTP/AVP 14\r\n\
             m=audio 0 RTP/AVP 99\r\na=rtpmap:99 MPA/90000/2\r\n"
        ),
        [
            "96 AV1 @90000 -",
            "97 VP9 @90000 -",
            "98 VP8 @90000 -",
            "14 MP3 44100 Hz 2 channels @90000 -",
            "99 MP3 44100 Hz 2 channels @90000 -"
        ]
    );
    let config = "000001B001000001B58913000001000000012000C48D8800CD14043C1443";
    let mpeg4 = format!(
        "m=video 0 RTP/AVP 96\r\na=rtpmap:96 MP4V-ES/90000\r\na=fmtp:96 profile-level-id=1;config={config}\r\n"
    );
    assert_eq!(parse_medias(&mpeg4), ["96 MP4V-ES 640x480 @90000 -"]);
    let format = parse(format!("v=0\r\no=- 0 0 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\n{mpeg4}").as_bytes());
    let format = format.unwrap().medias.remove(0).format.unwrap();
    let medias = [(format, "trackID=0".to_owned())];
    let server = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let written = write(&Description { name: "cam", server, session_id: 1, medias: &medias });
    assert!(written.contains(&format!("a=fmtp:96 profile-level-id=1;config={config}\r\n")), "{written}");
}

#[test]
fn profiles_are_told_to_players() {
    use yeoul_media::bitstream::{av1, vp9};
    let sequence: &'static [u8] = &[0x0a, 0x0b, 0, 0, 0, 0x2d, 0x4c, 0xff, 0xb3, 0xcd, 0xaf, 0x90, 0x04];
    let av1 = av1::SequenceHeader::from_temporal_unit(&Bytes::from_static(sequence)).ok();
    let vp9 = vp9::Parameters::from_keyframe(&[0x82, 0x49, 0x83, 0x42, 0x40, 0x4f, 0xf0, 0x2c, 0xf0]);
    let mp3 = Codec::Mp3(PcmLayout { sample_rate: 48_000, channels: 2 });
    let codecs = [Codec::Av1(av1), Codec::Vp9(vp9), Codec::Vp8(None), mp3];
    let medias: Vec<_> =
        (96..).zip(codecs).map(|(number, codec)| (MediaFormat::new(codec, number), String::new())).collect();
    let server = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let written = write(&Description { name: "cam", server, session_id: 1, medias: &medias });
    let lines = written.lines().filter(|line| line.contains("rtpmap") || line.contains("fmtp"));
    assert_eq!(
        lines.collect::<Vec<_>>(),
        [
            "a=rtpmap:96 AV1/90000",
            "a=fmtp:96 profile=0;level-idx=5;tier=0",
            "a=rtpmap:97 VP9/90000",
            "a=fmtp:97 profile-id=0",
            "a=rtpmap:98 VP8/90000",
            "a=rtpmap:99 MPA/90000"
        ]
    );
}

#[test]
fn payload_types_without_rtpmap_are_those_of_the_standard() {
    assert_eq!(
        parse_medias("m=audio 0 RTP/AVP 10\r\nm=audio 0 RTP/AVP 9\r\nm=audio 0 RTP/AVP 0\r\n"),
        [
            "10 L16 44100 Hz 2 channels @44100 -",
            "9 G722 16000 Hz 1 channel @8000 -",
            "0 PCMU 8000 Hz 1 channel @8000 -"
        ]
    );
    assert_eq!(parse_medias("m=video 0 RTP/AVP 26\r\n"), ["26 JPEG @90000 -"]);
    assert_eq!(parse_medias("m=video 0 RTP/AVP 96\r\n"), ["Video: payload type 96 without a=rtpmap -"]);
}

#[test]
fn the_first_supported_format_of_several_is_taken() {
    assert_eq!(
        parse_medias("m=audio 0 RTP/AVP 97 98 0\r\na=rtpmap:97 G726-32/8000\r\na=rtpmap:98 PCMA/16000/2\r\n"),
        ["98 PCMA 16000 Hz 2 channels @16000 -"]
    );
    assert_eq!(
        parse_medias("m=audio 0 RTP/AVP 97 98\r\na=rtpmap:97 G726-32/8000\r\na=rtpmap:98 speex/8000\r\n"),
        ["Audio: G726-32 -"]
    );
}

#[test]
fn aac_comes_in_every_dress() {
    // Anpviz: a fixed payload type with a name of its own, and nothing but the configuration.
    assert_eq!(
        parse_medias("m=audio 0 RTP/AVP 0\r\na=rtpmap:0 MPEG4-GENERIC/16000/2\r\na=fmtp:0 config=1408\r\n"),
        ["0 AAC 16000 Hz 1 channel @16000 hbr -"]
    );
    assert_eq!(
        parse_medias(
            "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/8000/1\r\na=fmtp:97 mode=AAC-lbr; sizelength=6; indexlength=2; indexdeltalength=2; config=1588\r\n"
        ),
        ["97 AAC 8000 Hz 1 channel @8000 lbr -"]
    );
    assert_eq!(
        parse_medias("m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/44100/2\r\n"),
        ["97 AAC 44100 Hz 2 channels @44100 hbr -"]
    );
    assert_eq!(
        parse_medias(
            "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MP4A-LATM/48000/2\r\na=fmtp:97 cpresent=0;config=400023203fc0\r\n"
        ),
        ["97 AAC 48000 Hz 2 channels @48000 LATM in_band=false -"]
    );
    assert_eq!(
        parse_medias("m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MP4A-LATM/24000\r\n"),
        ["97 AAC 24000 Hz 1 channel @24000 LATM in_band=true -"]
    );
    assert_eq!(
        parse_medias(
            "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MP4A-LATM/24000\r\na=fmtp:97 cpresent=0;config=c0\r\n"
        ),
        ["Audio: StreamMuxConfig version 1A is reserved -"]
    );
}

#[test]
fn parameter_sets_that_cannot_be_read_are_left_to_the_stream() {
    assert_eq!(
        parse_medias(
            "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 sprop-parameter-sets=AAAA,%%%\r\n"
        ),
        ["96 H264 @90000 -"]
    );
}

#[test]
fn parameter_sets_in_a_config_of_anjvision_are_found() {
    // The `sprop` parameters are taken away; the byte stream in `config` stays.
    let Some(capture) = yeoul_testkit::capture("anjvision_describe") else { return };
    let text = String::from_utf8(capture.bytes).unwrap().replace("sprop-", "x-");
    let session = parse(&text.as_bytes()[text.find("v=0").unwrap()..]).unwrap();
    assert_eq!(outline(&session), ["96 H265 Main 1280x704 @90000 trackID=1"]);
}

#[test]
fn decoding_order_numbers_are_announced() {
    assert_eq!(
        parse_medias("m=video 0 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\na=fmtp:96 sprop-max-don-diff=2\r\n"),
        ["96 H265 @90000 DON -"]
    );
}

#[test]
fn a_backchannel_is_told_by_its_direction() {
    let session =
        parse(b"v=0\ns=-\na=recvonly\nm=audio 0 RTP/AVP 0\nm=audio 0 RTP/AVP 8\na=sendonly\n").unwrap();
    assert_eq!(
        session.medias.iter().map(|media| media.direction).collect::<Vec<_>>(),
        [Direction::ReceiveOnly, Direction::SendOnly]
    );
}

#[test]
fn texts_that_a_strict_parser_refuses_are_repaired() {
    let expected = ["0 PCMU 8000 Hz 1 channel @8000 a"];
    for text in [
        &b"v=0\ns=x\nm=audio 0 RTP/AVP 0\na=control:a\n"[..],
        b"\xef\xbb\xbfv=0\rs=x\rm=audio 0 RTP/AVP 0\ra=control:a",
        b"\r\n\r\nv=0\r\no=- 1 2 3 4 5 6 IN IP4 cam\r\ns=\xb0\xa1\r\ns=again\r\nm=audio  99999  RTP/AVP  0 \t\r\n a=control:a \r\n",
        b"s=x\nm=audio RTP/AVP 0\na=\na=control:a\ngarbage\nz=1\n",
        b"v=0\0\nt=now\nb=lots\nm=audio 0/2 RTP/AVP 0\nc=IN\na=control:a\0\n",
        b"v=0\nv=1\nm=AUDIO 0 rtp/avp 0\na=Control: a\n",
    ] {
        let session = parse(text).unwrap_or_else(|error| panic!("{}: {error}", text.escape_ascii()));
        assert_eq!(outline(&session), expected, "{}", text.escape_ascii());
    }
}

#[test]
fn what_rtp_does_not_carry_is_named() {
    assert_eq!(
        parse_medias(
            "m=video 0 UDP 96\r\nm=audio 0 RTP/SAVP 0\r\nm=video\r\nm=audio 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
        ),
        [
            "Video: video over UDP -",
            "Audio: encrypted audio (RTP/SAVP) -",
            "Video: video of format - -",
            "Audio: H264 in m=audio -"
        ]
    );
}

#[test]
fn no_description_is_told_from_one_without_media() {
    assert_eq!(
        parse(b"<html>").unwrap_err().to_string(),
        "the SDP describes no media (no `m=` line in 6 bytes)"
    );
    let long = vec![b'a'; MAX_SDP_BYTES + 1];
    assert_eq!(parse(&long).unwrap_err().to_string(), "the SDP has 65537 bytes, expected at most 65536");
}

fn h264_codec() -> Codec {
    let units = [yeoul_testkit::h264::sps(1280, 720), yeoul_testkit::h264::pps()].map(Bytes::from);
    Codec::H264(Some(h264::ParameterSets::from_units(units).unwrap()))
}

fn h265_codec() -> Codec {
    use yeoul_testkit::h265::{pps, sps, vps};
    let units = [vps(), sps(1280, 720), pps()].map(Bytes::from);
    Codec::H265(Some(h265::ParameterSets::from_units(units).unwrap()))
}

fn described(name: &str, server: IpAddr, codecs: Vec<Codec>) -> (String, Vec<MediaFormat>) {
    let formats: Vec<MediaFormat> =
        (96..).zip(codecs).map(|(pt, codec)| MediaFormat::new(codec, pt)).collect();
    let medias: Vec<(MediaFormat, String)> =
        formats.iter().enumerate().map(|(n, format)| (format.clone(), format!("trackID={n}"))).collect();
    (write(&Description { name, server, session_id: 42, medias: &medias }), formats)
}

#[test]
fn a_description_for_players_says_what_they_need() {
    let aac = AudioSpecificConfig::low_complexity(48_000, 2).unwrap();
    let server = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let (text, _) = described("front door", server, vec![h264_codec(), Codec::Aac(aac)]);
    let Codec::H264(Some(sets)) = h264_codec() else { unreachable!() };
    let sprop = format!("{},{}", fmtp::base64(&sets.sps()[0]), fmtp::base64(&sets.pps()[0]));
    let expected = [
        "v=0",
        "o=- 42 1 IN IP4 192.0.2.1",
        "s=front door",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=tool:yeoul",
        "a=range:npt=now-",
        "a=control:*",
        "m=video 0 RTP/AVP 96",
        "a=rtpmap:96 H264/90000",
        &format!("a=fmtp:96 packetization-mode=1;profile-level-id=64001F;sprop-parameter-sets={sprop}"),
        "a=control:trackID=0",
        "m=audio 0 RTP/AVP 97",
        "a=rtpmap:97 MPEG4-GENERIC/48000/2",
        "a=fmtp:97 streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1190",
        "a=control:trackID=1",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn written_descriptions_read_back() {
    let layout = |sample_rate, channels| PcmLayout { sample_rate, channels };
    let codecs = vec![
        h264_codec(),
        Codec::H264(None),
        h265_codec(),
        Codec::H265(None),
        Codec::Aac(AudioSpecificConfig::low_complexity(44_100, 1).unwrap()),
        Codec::Opus { channels: 1 },
        Codec::Opus { channels: 2 },
        Codec::Pcmu(layout(8000, 1)),
        Codec::Pcma(layout(16_000, 2)),
        Codec::G722,
        Codec::L16(layout(44_100, 2)),
        Codec::Jpeg { dimensions: None },
    ];
    let (text, formats) = described("", IpAddr::V6(Ipv6Addr::LOCALHOST), codecs);
    let session = parse(text.as_bytes()).unwrap();
    let read: Vec<MediaFormat> = session.medias.iter().map(|media| media.format.clone().unwrap()).collect();
    assert_eq!(read, formats);
    assert_eq!((session.control.as_deref(), session.range.as_deref()), (Some("*"), Some("npt=now-")));
    assert_eq!(session.medias[10].control.as_deref(), Some("trackID=10"));
}

#[test]
fn a_name_cannot_add_lines() {
    let (text, _) =
        described("a\r\nm=video 0 RTP/AVP 26", IpAddr::V4(Ipv4Addr::LOCALHOST), vec![Codec::G722]);
    assert_eq!(parse(text.as_bytes()).unwrap().medias.len(), 1);
}

proptest! {
    #[test]
    fn no_text_panics(text: Vec<u8>) {
        let _ = parse(&text);
    }

    #[test]
    fn no_lines_panic(lines in prop::collection::vec(
        "(v=0|s=.{0,5}|m=(audio|video|x) .{0,12}|m=(audio|video) 0 RTP/AVP (96|0|8|26)|a=rtpmap:96 (H264|H265|MPEG4-GENERIC|MP4A-LATM|MP4V-ES|AV1|VP8|VP9|MPA|opus|L16)(/[0-9]{0,6}){0,2}|a=fmtp:96 (config|mode|sizelength|sprop-parameter-sets|sprop-sps)=.{0,20}|a=.{0,10})", 0..12)
    ) {
        let text = lines.join("\r\n");
        if let Ok(session) = parse(text.as_bytes()) {
            for media in &session.medias {
                prop_assert!(media.format.is_some() != media.unsupported.is_some());
            }
        }
    }
}
