//! See `yeoul_fuzz::onvif::onvif_xml`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| yeoul_fuzz::onvif::onvif_xml(data));
