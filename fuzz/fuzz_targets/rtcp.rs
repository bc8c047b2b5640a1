//! See `yeoul_fuzz::rtp::rtcp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::rtp::rtcp(data));
