//! MPEG-TS and FLV against ffmpeg and GStreamer: what they write is demuxed, what we mux of it they read without a word of
//! complaint, and it decodes to the same pictures and sound.
//!
//! The files stay in `target/tmp/ts_flv/NAME/`.

#![expect(clippy::panic, reason = "that is how a test fails")]

mod flv;
mod harness;
mod ts;
