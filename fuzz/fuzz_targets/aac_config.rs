//! See `yeoul_fuzz::media::aac_config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::media::aac_config(data));
