//! See `yeoul_fuzz::rtmp::rtmp_server`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::rtmp::rtmp_server(data));
