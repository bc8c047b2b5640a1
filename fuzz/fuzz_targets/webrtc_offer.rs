//! See `yeoul_fuzz::webrtc::webrtc_offer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::webrtc::webrtc_offer(data));
