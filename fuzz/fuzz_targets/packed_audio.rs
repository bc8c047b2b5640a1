//! See `yeoul_fuzz::hls::packed_audio`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::hls::packed_audio(data));
