//! See `yeoul_fuzz::hls::m3u8`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::hls::m3u8(data));
