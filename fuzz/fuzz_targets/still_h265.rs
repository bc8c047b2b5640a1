//! See `yeoul_fuzz::transcode::still_h265`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::transcode::still_h265(data));
