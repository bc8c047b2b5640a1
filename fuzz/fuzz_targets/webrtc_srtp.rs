//! See `yeoul_fuzz::webrtc::webrtc_srtp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::webrtc::webrtc_srtp(data));
