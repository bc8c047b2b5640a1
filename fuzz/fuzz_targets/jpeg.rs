//! See `yeoul_fuzz::transcode::jpeg`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::transcode::jpeg(data));
