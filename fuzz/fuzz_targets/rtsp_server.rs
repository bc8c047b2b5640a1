//! See `yeoul_fuzz::rtsp_server::rtsp_server`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::rtsp_server::rtsp_server(data));
