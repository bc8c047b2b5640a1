//! See `yeoul_fuzz::rtp::depacketize_h265`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::rtp::depacketize_h265(data));
