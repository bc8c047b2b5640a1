//! Muxer and demuxer together, and the muxer under the strict reader of the testkit.

mod demuxer;
mod muxer;
mod peer;

use super::{Demuxer, Muxer, ZERO_TICKS};
use crate::testing::{Demuxed, pieces};
use bytes::BytesMut;
use yeoul_media::{Frame, Track};
use yeoul_testkit::epoch;

/// An endless stream of these frames.
fn mux(tracks: &[Track], frames: &[Frame]) -> Vec<u8> {
    let (mut muxer, mut out) = (Muxer::new(tracks).unwrap(), BytesMut::new());
    frames.iter().for_each(|frame| muxer.write(frame, &mut out));
    out.to_vec()
}

/// What a demuxer gives for a stream cut into pieces by `seed`.
fn demux(stream: &[u8], seed: u64) -> Demuxed {
    let (mut demuxer, mut demuxed) = (Demuxer::default(), Demuxed::default());
    for piece in pieces(stream, seed) {
        demuxer.push(piece, epoch()).unwrap();
        std::iter::from_fn(|| demuxer.pull()).for_each(|event| demuxed.take(event));
    }
    demuxer.finish();
    std::iter::from_fn(|| demuxer.pull()).for_each(|event| demuxed.take(event));
    demuxed
}

/// What of a frame goes through a transport stream: its times in ticks, counted from the timeline's zero.
fn outline(frame: &Frame, zero: i64) -> (i64, i64, bool, &[u8]) {
    (frame.pts.to_ticks(90_000) - zero, frame.dts.to_ticks(90_000) - zero, frame.keyframe, &frame.data)
}

/// The frames that went in, by track, and those that came out are the same.
fn assert_same(tracks: &[Track], sent: &[Frame], got: &Demuxed) {
    let received = got.tracks();
    assert_eq!(received.len(), tracks.len(), "{:?}", got.told);
    for (track, (codec, frames)) in tracks.iter().zip(received) {
        assert_eq!(codec, &track.codec);
        let sent: Vec<_> =
            sent.iter().filter(|frame| frame.track == track.id).map(|frame| outline(frame, 0)).collect();
        let got: Vec<_> = frames.iter().map(|frame| outline(frame, ZERO_TICKS)).collect();
        assert!(sent == got, "{codec}: {} frames sent, {} received, or not the same", sent.len(), got.len());
    }
}
