//! See `yeoul_fuzz::transcode::still_h264`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::transcode::still_h264(data));
