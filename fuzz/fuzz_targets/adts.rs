//! See `yeoul_fuzz::streams::adts`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::streams::adts(data));
