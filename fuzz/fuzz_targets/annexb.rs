//! See `yeoul_fuzz::streams::annexb`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::streams::annexb(data));
