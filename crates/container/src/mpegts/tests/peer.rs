//! What we write, read by the `mpeg2ts` crate.

use super::mux;
use crate::testing::{aac, frames_of, h264, h265, interleave, mp3, track};
use mpeg2ts::pes::{PesPacketReader, ReadPesPacket};
use mpeg2ts::ts::TsPacketReader;
use yeoul_media::Codec;

fn check(video: Codec, audio: Codec) {
    let tracks = [track(0, video), track(1, audio)];
    let frames = interleave(vec![
        frames_of(&tracks[0], &[70_000, 10, 170, 171, 172, 173, 174, 175, 5000, 184, 368], 6, true),
        frames_of(&tracks[1], &[1, 50, 100, 150, 160, 161, 162, 163, 164, 165, 166, 500, 900], 1, false),
    ]);
    let stream = mux(&tracks, &frames);
    let mut reader = PesPacketReader::new(TsPacketReader::new(&stream[..]));
    let mut read: Vec<(bool, u64, u64)> = Vec::new();
    while let Some(pes) = reader.read_pes_packet().unwrap() {
        let pts = pes.header.pts.unwrap().as_u64();
        read.push((pes.header.stream_id.is_video(), pts, pes.header.dts.map_or(pts, |dts| dts.as_u64())));
    }
    let ticks = |time: yeoul_media::Timestamp| u64::try_from(time.to_ticks(90_000) + 90_000).unwrap();
    let mut sent: Vec<_> =
        frames.iter().map(|frame| (frame.track.0 == 0, ticks(frame.pts), ticks(frame.dts))).collect();
    // It gives a PES packet when the next one of its PID starts.
    read.sort_unstable();
    sent.sort_unstable();
    assert_eq!(read, sent, "{tracks:?}");
}

#[test]
fn the_mpeg2ts_crate_reads_every_packet() {
    for audio in [aac(48_000, 2), Codec::Opus { channels: 2 }, mp3()] {
        check(h264(640), audio.clone());
        check(h265(640), audio);
    }
}
