//! See `yeoul_fuzz::rtsp::rtsp_message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::rtsp::rtsp_message(data));
