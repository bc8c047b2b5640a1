//! See `yeoul_fuzz::media::h264_parameter_sets`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::media::h264_parameter_sets(data));
