//! See `yeoul_fuzz::container::fmp4`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::container::fmp4(data));
