//! `docs/codecs.md`: which output carries which codec, asked of the functions that decide it.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use yeoul_container::{flv, fmp4, mpegts};
use yeoul_hls::Form;
use yeoul_media::bitstream::{aac::AudioSpecificConfig, flac};
use yeoul_media::{Codec, PcmLayout};
use yeoul_rtp::format;
use yeoul_webrtc::Offer;

/// A page of the documents.
pub(crate) struct Page {
    /// Relative to the root.
    pub(crate) path: &'static str,
    pub(crate) text: String,
}

/// A column of the table.
struct Output {
    name: &'static str,
    carries: fn(&Codec) -> bool,
}

const OUTPUTS: [Output; 7] = [
    Output { name: "RTSP", carries: format::carries },
    Output { name: "WebRTC", carries: by_webrtc },
    Output { name: "HLS", carries: |codec| Form::Fmp4.carries(codec) },
    Output { name: "HLS of TS", carries: |codec| Form::Ts.carries(codec) },
    Output { name: "MP4", carries: fmp4::carries },
    Output { name: "TS", carries: mpegts::carries },
    Output { name: "FLV, RTMP", carries: flv::carries },
];

/// What browsers offer together: Chromium all but H.265 and Safari that too.
const OFFER: &str = "v=0\r
o=- 1 1 IN IP4 0.0.0.0\r
s=-\r
t=0 0\r
a=group:BUNDLE 0 1\r
a=ice-ufrag:abcd\r
a=ice-pwd:abcdefghijklmnopqrstuvwx\r
a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r
a=setup:actpass\r
m=audio 9 UDP/TLS/RTP/SAVPF 111 9 0 8\r
c=IN IP4 0.0.0.0\r
a=mid:0\r
a=recvonly\r
a=rtcp-mux\r
a=rtpmap:111 opus/48000/2\r
a=rtpmap:9 G722/8000\r
a=rtpmap:0 PCMU/8000\r
a=rtpmap:8 PCMA/8000\r
m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 100\r
c=IN IP4 0.0.0.0\r
a=mid:1\r
a=recvonly\r
a=rtcp-mux\r
a=rtpmap:96 H264/90000\r
a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r
a=rtpmap:97 H265/90000\r
a=rtpmap:98 VP8/90000\r
a=rtpmap:99 VP9/90000\r
a=rtpmap:100 AV1/90000\r
";

fn by_webrtc(codec: &Codec) -> bool {
    Offer::parse(OFFER).expect("an offer as browsers make it").accepts(codec)
}

/// Every codec, with a usual configuration where there has to be one.
fn codecs() -> [Codec; 15] {
    let layout = |sample_rate, channels| PcmLayout { sample_rate, channels };
    let aac = AudioSpecificConfig::low_complexity(48_000, 2).expect("a usual configuration");
    // Blocks of 4096 samples of 16 bits in two channels of 48 kHz.
    let mut info = vec![0x10, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x0b, 0xb8, 0x02, 0xf0];
    info.resize(flac::STREAM_INFO_BYTES, 0);
    [
        Codec::H264(None),
        Codec::H265(None),
        Codec::Av1(None),
        Codec::Vp9(None),
        Codec::Vp8(None),
        Codec::Mpeg4Video(None),
        Codec::Jpeg { dimensions: None },
        Codec::Aac(aac),
        Codec::Opus { channels: 2 },
        Codec::Pcmu(layout(8000, 1)),
        Codec::Pcma(layout(8000, 1)),
        Codec::G722,
        Codec::L16(layout(48_000, 2)),
        Codec::Flac(flac::StreamInfo::parse(&Bytes::from(info)).expect("a usual configuration")),
        Codec::Mp3(layout(44_100, 2)),
    ]
}

fn table(first: &str) -> String {
    let names = OUTPUTS.iter().map(|output| output.name);
    let mut rows = vec![std::iter::once(first).chain(names).collect::<Vec<_>>()];
    rows.push(vec!["---"; OUTPUTS.len() + 1]);
    for codec in codecs() {
        let cells = OUTPUTS.iter().map(|output| if (output.carries)(&codec) { "yes" } else { "–" });
        rows.push(std::iter::once(codec.name()).chain(cells).collect());
    }
    rows.iter().map(|row| format!("| {} |\n", row.join(" | "))).collect()
}

/// The pages as the code says.
pub(crate) fn pages() -> Vec<Page> {
    let english = format!(
        "# Codecs

`cargo xtask codecs` writes this page; the end-to-end tests check every cell. A stream is passed on as it comes: what an output
does not carry is left out of it, or the output says so where nothing remains.

{}
- **In**: RTSP, RTMP, FLV, MP4 and TS bring in what they carry out.
- **RTSP** is RTP by RFC 6184, 7798, 7741, 9628, 6416, 2435, 3640, 7587, 3551, 2250 and AOM's payload format of AV1. MP4V-ES is
  MPEG-4 part 2.
- **WebRTC** is what browsers offer together: H.265 in Safari and in browsers with a decoder in hardware. Chromium
  decodes no pictures that are sent in another order than shown (B-frames), so viewers by WebRTC get a stream without them: fewer pictures a
  second, the rest as it is. For all of them, turn B-frames off in the camera or OBS, or make a stream without them by `ffmpeg:`.
- **HLS** leaves out what no browser plays in its segments, though the container carries it.
- **FLV, RTMP**: H265, AV1, VP9, VP8, OPUS and FLAC are tags of Enhanced RTMP. PCMU and PCMA have 8000 Hz there.
- JPEG is also at `/api/stream.mjpeg`, which makes pictures of H264 and H265. `/api/stream.mp4?audio=flac,pcma` makes FLAC of PCMU,
  PCMA and L16.
",
        table("Codec")
    );
    let korean = format!(
        "# 코덱

이 문서는 `cargo xtask codecs`가 만들며, 종단 간 테스트가 모든 칸을 확인합니다. 스트림은 들어온 그대로 전달됩니다. 출력이 담지 못하는
트랙은 빠지고, 남는 것이 없으면 출력이 그렇다고 알립니다.

{}
- **입력**: RTSP, RTMP, FLV, MP4, TS는 내보내는 것과 같은 코덱을 받습니다.
- **RTSP**는 RFC 6184, 7798, 7741, 9628, 6416, 2435, 3640, 7587, 3551, 2250과 AOM의 AV1 페이로드 형식을 따르는 RTP입니다. MP4V-ES는
  MPEG-4 파트 2입니다.
- **WebRTC**는 여러 브라우저가 제안하는 것을 합친 것입니다. H.265는 Safari와 하드웨어 디코더가 있는 브라우저에서 됩니다. Chromium은 보이는
  순서와 다르게 보내는 그림(B 프레임)을 디코딩하지 못하므로, WebRTC로 보는 사람에게는 그런 그림을 빼고 보냅니다. 초당 그림 수만 줄어듭니다.
  다 보려면 카메라나 OBS에서 B 프레임을 끄거나 `ffmpeg:` 소스로 B 프레임 없는 스트림을 만드십시오.
- **HLS**는 컨테이너가 담더라도 어떤 브라우저도 재생하지 못하는 것은 뺍니다.
- **FLV, RTMP**: H265, AV1, VP9, VP8, OPUS, FLAC은 Enhanced RTMP의 태그입니다. PCMU와 PCMA는 8000 Hz입니다.
- JPEG은 `/api/stream.mjpeg`에도 있으며, 이것은 H264와 H265로도 그림을 만듭니다. `/api/stream.mp4?audio=flac,pcma`는 PCMU, PCMA, L16을
  FLAC으로 바꿉니다.
",
        table("코덱")
    );
    vec![Page { path: "docs/codecs.md", text: english }, Page { path: "docs/codecs.ko.md", text: korean }]
}

/// Writes the pages.
pub(crate) fn write() -> Result<()> {
    for page in pages() {
        let path = crate::root().join(page.path);
        std::fs::write(&path, page.text).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}
