//! See `yeoul_fuzz::rtmp::rtmp_client`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::rtmp::rtmp_client(data));
