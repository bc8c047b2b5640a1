//! What both sides say of Enhanced RTMP when they connect (Enhanced RTMP v2, "Enhancing NetConnection connect Command").

use crate::amf::Value;
use crate::message::object;

/// The codecs that we take and send, by their FourCC.
const VIDEO: [&str; 4] = ["hvc1", "av01", "vp09", "avc1"];
const AUDIO: [&str; 4] = ["Opus", "fLaC", "mp4a", ".mp3"];

/// All of them, as v1 has them told.
pub(crate) fn four_ccs() -> Value {
    Value::StrictArray(VIDEO.into_iter().chain(AUDIO).map(Value::from).collect())
}

/// What a server tells of what it can.
pub(crate) fn capabilities() -> Vec<(String, Value)> {
    /// `CanForward`.
    const FORWARD: f64 = 4.0;
    /// Multitrack, `ModEx`, nanoseconds.
    const CAPABILITIES: f64 = 14.0;
    vec![
        ("fourCcList".to_owned(), four_ccs()),
        ("capsEx".to_owned(), CAPABILITIES.into()),
        ("videoFourCcInfoMap".to_owned(), object(VIDEO.map(|name| (name, FORWARD.into())))),
        ("audioFourCcInfoMap".to_owned(), object(AUDIO.map(|name| (name, FORWARD.into())))),
    ]
}
