//! See `yeoul_fuzz::container::mp4_index`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::container::mp4_index(data));
