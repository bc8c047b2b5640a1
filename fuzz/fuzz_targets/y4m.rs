//! See `yeoul_fuzz::transcode::y4m`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::transcode::y4m(data));
