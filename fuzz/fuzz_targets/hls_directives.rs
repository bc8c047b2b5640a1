//! See `yeoul_fuzz::hls::hls_directives`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::hls::hls_directives(data));
