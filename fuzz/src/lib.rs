//! Fuzz targets: one for each parser of bytes from outside.
//!
//! A target is an ordinary function that takes any bytes and neither panics nor takes long; where it can, it also checks
//! a property of the result. `cargo xtask fuzz` lets libFuzzer choose the bytes; the tests here run each target over its
//! seeds and over damaged copies of them, in every `make test`.
//!
//! To add one: the function in the module of its crate, a line in [`TARGETS`], a file in `fuzz_targets/` and a `[[bin]]`
//! in `Cargo.toml`, both copied from a neighbour.

pub mod config;
pub mod container;
pub mod hls;
pub mod media;
pub mod onvif;
pub mod rtmp;
pub mod rtp;
pub mod rtsp;
pub mod rtsp_server;
pub mod streams;
pub mod transcode;
pub mod webrtc;

/// A function to fuzz, and bytes to start from.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of its file in `fuzz_targets/`.
    pub name: &'static str,
    /// Takes any bytes.
    pub run: fn(&[u8]),
    /// Valid input, so that a fuzzer gets behind the first checks.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets, by name.
pub const TARGETS: &[Target] = &[
    Target { name: "aac_config", run: media::aac_config, seeds: media::aac_config_seeds },
    Target { name: "adts", run: streams::adts, seeds: streams::adts_seeds },
    Target { name: "annexb", run: streams::annexb, seeds: streams::annexb_seeds },
    Target { name: "config", run: config::config, seeds: config::config_seeds },
    Target { name: "depacketize_audio", run: rtp::depacketize_audio, seeds: rtp::depacketize_audio_seeds },
    Target { name: "depacketize_h264", run: rtp::depacketize_h264, seeds: rtp::depacketize_h264_seeds },
    Target { name: "depacketize_h265", run: rtp::depacketize_h265, seeds: rtp::depacketize_h265_seeds },
    Target { name: "depacketize_jpeg", run: rtp::depacketize_jpeg, seeds: rtp::depacketize_jpeg_seeds },
    Target {
        name: "depacketize_pictures",
        run: rtp::depacketize_pictures,
        seeds: rtp::depacketize_pictures_seeds,
    },
    Target { name: "flv", run: streams::flv, seeds: streams::flv_seeds },
    Target { name: "fmp4", run: container::fmp4, seeds: container::fmp4_seeds },
    Target { name: "h264_parameter_sets", run: media::h264_parameter_sets, seeds: media::h264_seeds },
    Target { name: "h265_parameter_sets", run: media::h265_parameter_sets, seeds: media::h265_seeds },
    Target { name: "hls_directives", run: hls::hls_directives, seeds: hls::hls_directives_seeds },
    Target { name: "jpeg", run: transcode::jpeg, seeds: transcode::jpeg_seeds },
    Target { name: "mpegts", run: streams::mpegts, seeds: streams::mpegts_seeds },
    Target { name: "multipart", run: streams::multipart, seeds: streams::multipart_seeds },
    Target { name: "onvif_xml", run: onvif::onvif_xml, seeds: onvif::onvif_xml_seeds },
    Target { name: "rtcp", run: rtp::rtcp, seeds: rtp::rtcp_seeds },
    Target { name: "rtmp_amf", run: rtmp::rtmp_amf, seeds: rtmp::rtmp_amf_seeds },
    Target { name: "rtmp_chunks", run: rtmp::rtmp_chunks, seeds: rtmp::rtmp_chunks_seeds },
    Target { name: "rtmp_client", run: rtmp::rtmp_client, seeds: rtmp::rtmp_client_seeds },
    Target { name: "rtmp_handshake", run: rtmp::rtmp_handshake, seeds: rtmp::rtmp_handshake_seeds },
    Target { name: "rtmp_server", run: rtmp::rtmp_server, seeds: rtmp::rtmp_server_seeds },
    Target { name: "rtp", run: rtp::rtp, seeds: rtp::rtp_seeds },
    Target { name: "rtsp_client", run: rtsp::rtsp_client, seeds: rtsp::rtsp_client_seeds },
    Target { name: "rtsp_headers", run: rtsp::rtsp_headers, seeds: rtsp::rtsp_headers_seeds },
    Target { name: "rtsp_message", run: rtsp::rtsp_message, seeds: rtsp::rtsp_message_seeds },
    Target { name: "rtsp_server", run: rtsp_server::rtsp_server, seeds: rtsp_server::rtsp_server_seeds },
    Target { name: "sdp", run: rtp::sdp, seeds: rtp::sdp_seeds },
    Target { name: "sniff", run: streams::sniff, seeds: streams::sniff_seeds },
    Target { name: "still_h264", run: transcode::still_h264, seeds: transcode::still_h264_seeds },
    Target { name: "still_h265", run: transcode::still_h265, seeds: transcode::still_h265_seeds },
    Target { name: "wav", run: streams::wav, seeds: streams::wav_seeds },
    Target { name: "webrtc_datagram", run: webrtc::webrtc_datagram, seeds: webrtc::webrtc_datagram_seeds },
    Target { name: "webrtc_offer", run: webrtc::webrtc_offer, seeds: webrtc::webrtc_offer_seeds },
    Target { name: "webrtc_srtp", run: webrtc::webrtc_srtp, seeds: webrtc::webrtc_srtp_seeds },
    Target { name: "y4m", run: transcode::y4m, seeds: transcode::y4m_seeds },
];

#[cfg(test)]
mod tests;
