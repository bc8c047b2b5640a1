//! See `yeoul_fuzz::rtp::depacketize_jpeg`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::rtp::depacketize_jpeg(data));
