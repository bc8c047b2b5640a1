//! See `yeoul_fuzz::streams::mpegts`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::streams::mpegts(data));
