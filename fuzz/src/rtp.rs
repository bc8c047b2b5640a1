//! Targets of `yeoul-rtp`: packets, reports, payload formats, session descriptions.

use std::time::Duration;
use yeoul_media::bitstream::aac::AudioSpecificConfig;
use yeoul_media::bitstream::nal;
use yeoul_media::{Codec, Frame, PcmLayout, Timestamp, TrackId};
use yeoul_rtp::clock::ClockMapping;
use yeoul_rtp::reorder::{GapDetector, Reorder};
use yeoul_rtp::rtcp::{self, ReceiverStats};
use yeoul_rtp::{AuHeaderLayout, Depacketizer, Header, MediaFormat, PacketRef, Packetizer, Packing, sdp};
use yeoul_testkit as testkit;

/// Datagrams, each behind its length in one byte: parsed, put in order, counted.
pub fn rtp(data: &[u8]) {
    let (mut reorder, mut gaps, mut stats) =
        (Reorder::default(), GapDetector::default(), ReceiverStats::new(90_000));
    let mut now = testkit::epoch();
    let (mut pushed, mut given) = (0u64, 0u64);
    for datagram in records(data) {
        let Ok(packet) = PacketRef::parse(datagram) else { continue };
        assert!(packet.payload.len() + 12 <= datagram.len());
        assert!(packet.header.payload_type < 128);
        now += Duration::from_millis(u64::from(packet.header.rtp_time % 30));
        gaps.lost_before(&packet.header);
        stats.on_packet(now, &packet.header);
        let _ = stats.report_block(now);
        reorder.push(now, packet.to_owned());
        pushed += 1;
        while reorder.pop(now).is_some() {
            given += 1;
        }
    }
    while let Some(timeout) = reorder.next_timeout() {
        while reorder.pop(timeout).is_some() {
            given += 1;
        }
    }
    assert!(given + reorder.dropped() <= pushed);
}

/// Seeds of [`rtp`].
pub fn rtp_seeds() -> Vec<Vec<u8>> {
    let packets = |sequences: &[u16]| {
        let packet = |&sequence: &u16| {
            let header = Header {
                payload_type: 96,
                marker: false,
                sequence,
                rtp_time: u32::from(sequence) * 3600,
                ssrc: 7,
            };
            [&header.write()[..], &[0x65, 0x88, 1, 2]].concat()
        };
        write_records(&sequences.iter().map(packet).collect::<Vec<_>>())
    };
    // CSRC, extension and padding in one packet.
    let full = [
        0xb1, 0xe0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 7, 1, 2, 3, 4, 0xbe, 0xde, 0, 1, 5, 6, 7, 8, 0x65, 0x88, 0, 2,
    ];
    vec![
        packets(&[65_533, 65_535, 65_534, 1, 1, 0]),
        packets(&[1, 2, 40_000, 40_001]),
        write_records(&[full.to_vec()]),
    ]
}

/// Compound RTCP packets: what parses is written and parses to the same.
pub fn rtcp(data: &[u8]) {
    let packets: Vec<rtcp::Packet> = rtcp::packets(data).filter_map(Result::ok).collect();
    let mut written = Vec::new();
    packets.iter().for_each(|packet| packet.write(&mut written));
    let again: Result<Vec<rtcp::Packet>, rtcp::Error> = rtcp::packets(&written).collect();
    // Texts that were not UTF-8 have grown, types that are passed over have lost their content: as many remain.
    assert_eq!(again.expect("what was written parses").len(), packets.len());
}

/// Seeds of [`rtcp()`].
pub fn rtcp_seeds() -> Vec<Vec<u8>> {
    let write = |packets: &[rtcp::Packet]| {
        let mut out = Vec::new();
        packets.iter().for_each(|packet| packet.write(&mut out));
        out
    };
    let block = rtcp::ReportBlock { ssrc: 1, fraction_lost: 3, cumulative_lost: -1, ..Default::default() };
    let report = rtcp::SenderReport { ssrc: 9, rtp_time: 5, blocks: vec![block], ..Default::default() };
    let described = rtcp::SourceDescription { ssrc: 9, cname: Some("cam".to_owned()) };
    vec![
        write(&[
            rtcp::Packet::SenderReport(report),
            rtcp::Packet::SourceDescription(vec![described]),
            rtcp::Packet::Bye(rtcp::Bye { ssrcs: vec![9], reason: Some("over".to_owned()) }),
        ]),
        write(&[
            rtcp::Packet::ReceiverReport(rtcp::ReceiverReport { ssrc: 9, blocks: vec![block] }),
            rtcp::Packet::Nack(rtcp::Nack { sender_ssrc: 9, media_ssrc: 1, lost: vec![1, 2, 40] }),
            rtcp::Packet::PictureLoss { sender_ssrc: 9, media_ssrc: 1 },
            rtcp::Packet::FullIntraRequest { sender_ssrc: 9, requests: vec![(1, 7)] },
        ]),
    ]
}

/// A session description: every media is either supported or named, and what is supported can be described again.
pub fn sdp(data: &[u8]) {
    let Ok(session) = sdp::parse(data) else { return };
    for media in &session.medias {
        assert!(media.format.is_some() != media.unsupported.is_some());
    }
    let control = |n: usize| format!("trackID={n}");
    let medias: Vec<(MediaFormat, String)> = session
        .medias
        .iter()
        .filter_map(|media| media.format.as_ref())
        .enumerate()
        .map(|(n, format)| (MediaFormat::new(format.codec.clone(), format.payload_type), control(n)))
        .collect();
    let server = std::net::IpAddr::from([127, 0, 0, 1]);
    let name = session.name.as_deref().unwrap_or_default();
    let written = sdp::write(&sdp::Description { name, server, session_id: 1, medias: &medias });
    let again = sdp::parse(written.as_bytes()).map(|session| session.medias.len()).unwrap_or(0);
    assert_eq!(again, medias.len());
}

/// Seeds of [`sdp()`].
pub fn sdp_seeds() -> Vec<Vec<u8>> {
    let start = "v=0\r\no=- 0 0 IN IP4 1.2.3.4\r\ns=x\r\nt=0 0\r\na=control:*\r\n";
    let medias = [
        "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;profile-level-id=4D001F;sprop-parameter-sets=Z00AH5WoFAFuQA==,aO48gA==\r\na=control:track1\r\n",
        "m=video 0 RTP/AVP 98\r\na=rtpmap:98 H265/90000\r\na=fmtp:98 sprop-sps=QgEBAWAAAAMAsAAAAwAAAwBaoAWCAeFja5JFL83BQYFBAAADAAEAAAMADKE=;sprop-pps=RAHA8saNA7NA;sprop-vps=QAEMAf//AWAAAAMAsAAAAwAAAwBarAwAAAMABAAAAwAyqA==\r\n",
        "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/48000/2\r\na=fmtp:97 mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1190\r\na=recvonly\r\n",
        "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MP4A-LATM/48000/2\r\na=fmtp:97 cpresent=0;config=400023203fc0\r\n",
        "m=audio 0 RTP/AVP 111 0\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 sprop-stereo=1\r\n",
    ];
    medias.map(|media| format!("{start}{media}").into_bytes()).to_vec()
}

/// Packets of H.264, each behind flags and its length.
pub fn depacketize_h264(data: &[u8]) {
    depacketize(&MediaFormat::new(Codec::H264(None), 96), data);
}

/// Seeds of [`depacketize_h264`].
pub fn depacketize_h264_seeds() -> Vec<Vec<u8>> {
    use testkit::h264::{Slice, aud, pps, sei, slice, slice_at, sps};
    let gop = [
        vec![sps(640, 360), pps(), sei(5), slice(Slice::Idr, 150), slice_at(Slice::Idr, 9, 40)],
        vec![slice(Slice::P, 200)],
        vec![slice(Slice::B, 20)],
    ];
    let units = [sps(640, 360), pps(), slice(Slice::Idr, 60)];
    let stream = super::media::annex_b(&units)[4..].to_vec();
    let plain: Vec<(u8, Vec<u8>)> =
        [aud(), sps(640, 360), pps(), slice(Slice::Idr, 60)].map(|u| (0, u)).to_vec();
    vec![
        carried(&Codec::H264(None), &gop.map(|units| length_prefixed(&units))),
        write_packets(&plain),
        write_packets(&[(MARKER, stream)]),
    ]
}

/// Packets of H.265 with and without decoding order numbers, as [`depacketize_h264`].
pub fn depacketize_h265(data: &[u8]) {
    let plain = MediaFormat::new(Codec::H265(None), 96);
    depacketize(&plain, data);
    depacketize(&MediaFormat { packing: Packing::DecodingOrderNumbers, ..plain }, data);
}

/// Seeds of [`depacketize_h265`].
pub fn depacketize_h265_seeds() -> Vec<Vec<u8>> {
    use testkit::h265::{Slice, pps, slice, slice_at, sps, vps};
    let gop = [
        vec![vps(), sps(640, 360), pps(), slice(Slice::Idr, 150), slice_at(Slice::Idr, false, 40)],
        vec![slice(Slice::P, 200)],
    ];
    vec![carried(&Codec::H265(None), &gop.map(|units| length_prefixed(&units)))]
}

/// Packets of every audio format; the first byte chooses one.
pub fn depacketize_audio(data: &[u8]) {
    let Some((&choice, data)) = data.split_first() else { return };
    let config = AudioSpecificConfig::low_complexity(48_000, 2).expect("a usual layout");
    let aac = MediaFormat::new(Codec::Aac(config), 97);
    let every_field = AuHeaderLayout {
        cts_delta_bits: 5,
        dts_delta_bits: 3,
        random_access_indication: true,
        stream_state_bits: 2,
        auxiliary_size_bits: 8,
        ..AuHeaderLayout::LOW_BITRATE
    };
    let packing = match choice % 9 {
        0 => Packing::AuHeaders(AuHeaderLayout::HIGH_BITRATE),
        1 => Packing::AuHeaders(AuHeaderLayout::LOW_BITRATE),
        2 => Packing::AuHeaders(AuHeaderLayout::NONE),
        3 => Packing::AuHeaders(AuHeaderLayout { constant_size: 7, ..AuHeaderLayout::NONE }),
        4 => Packing::AuHeaders(every_field),
        5 => Packing::Latm { in_band_config: true, sub_frames: 1 },
        6 => Packing::Latm { in_band_config: false, sub_frames: 3 },
        7 => {
            let layout = PcmLayout { sample_rate: 44_100, channels: 2 };
            return depacketize(&MediaFormat::new(Codec::Mp3(layout), 14), data);
        }
        _ => {
            let layout = PcmLayout { sample_rate: 44_100, channels: 2 };
            return depacketize(&MediaFormat::new(Codec::L16(layout), 10), data);
        }
    };
    depacketize(&MediaFormat { packing, ..aac }, data);
}

/// Seeds of [`depacketize_audio`].
pub fn depacketize_audio_seeds() -> Vec<Vec<u8>> {
    let config = AudioSpecificConfig::low_complexity(48_000, 2).expect("a usual layout");
    let frames = [20, 200, 60].map(testkit::aac::frame);
    // useSameStreamMux 0, the configuration of 48 kHz stereo, then a length and its bytes one bit off.
    let in_band = vec![0x20, 0x00, 0x11, 0x90, 0x1f, 0xe0, 0x01, 0x55, 0x80];
    // A frame of 144 bytes: 48 kbit/s at 48 kHz, in two packets.
    let mp3 = [&[0, 0, 0, 0, 0xff, 0xfb, 0x34, 0x64][..], &[5; 140]].concat();
    let elements = [(MARKER, vec![3, 1, 2, 3, 2, 4, 5, 1, 6]), (0, vec![9, 1]), (MARKER, vec![2; 8])];
    vec![
        [vec![0], carried(&Codec::Aac(config), &frames)].concat(),
        [vec![1], write_packets(&[(MARKER, vec![0, 16, 2 << 2, 1 << 2, 1, 2, 3])])].concat(),
        [vec![2], write_packets(&[(0, vec![1; 20]), (MARKER, vec![2; 20])])].concat(),
        [vec![3], write_packets(&[(MARKER, vec![1; 21])])].concat(),
        [vec![4], write_packets(&[(MARKER, vec![0, 17, 8, 0xd2, 0x80, 8, 0xee, 7, 8])])].concat(),
        [vec![5], write_packets(&[(MARKER, in_band)])].concat(),
        [vec![6], write_packets(&elements)].concat(),
        [vec![7], write_packets(&[(0, mp3[..90].to_vec()), (0, [&[0, 0, 0, 86], &mp3[90..]].concat())])]
            .concat(),
        [vec![8], write_packets(&[(0, vec![1; 40])])].concat(),
    ]
}

/// Packets of JPEG, as [`depacketize_h264`].
pub fn depacketize_jpeg(data: &[u8]) {
    depacketize(&MediaFormat::new(Codec::Jpeg { dimensions: None }, 26), data);
}

/// Seeds of [`depacketize_jpeg`]: a picture of the standard's tables in two pieces, one with its own tables, one with restarts.
pub fn depacketize_jpeg_seeds() -> Vec<Vec<u8>> {
    let pieces =
        [(0, vec![0, 0, 0, 0, 1, 50, 80, 45, 1, 2, 3]), (MARKER, vec![0, 0, 0, 3, 1, 50, 80, 45, 4, 5])];
    let own_tables = [&[0, 0, 0, 0, 0, 255, 2, 2, 0, 0, 0, 128][..], &[3; 128], &[9, 9, 9]].concat();
    let restarts = vec![0, 0, 0, 0, 0x41, 20, 4, 4, 0, 4, 0xff, 0xff, 7];
    vec![write_packets(&pieces), write_packets(&[(MARKER, own_tables)]), write_packets(&[(MARKER, restarts)])]
}

/// Packets of AV1, VP9, VP8 and MPEG-4 part 2; the first byte chooses one.
pub fn depacketize_pictures(data: &[u8]) {
    let Some((&choice, data)) = data.split_first() else { return };
    let codecs = [Codec::Av1(None), Codec::Vp9(None), Codec::Vp8(None), Codec::Mpeg4Video(None)];
    let codec = &codecs[usize::from(choice) % codecs.len()];
    depacketize(&MediaFormat::new(codec.clone(), 96), data);
}

/// Seeds of [`depacketize_pictures`]: a keyframe in some packets and a picture after it, and VP9 in two layers.
pub fn depacketize_pictures_seeds() -> Vec<Vec<u8>> {
    let long = |start: &[u8], size: usize| [start, &vec![7; size]].concat();
    let sequence = [0x0a, 0x0b, 0, 0, 0, 0x2d, 0x4c, 0xff, 0xb3, 0xcd, 0xaf, 0x90, 0x04];
    let av1 = [long(&[&sequence[..], &[0x32, 0xc9, 1, 0x10]].concat(), 200), vec![0x32, 3, 0x30, 1, 2]];
    let vp9 = [long(&[0x82, 0x49, 0x83, 0x42, 0x40, 0x4f, 0xf0, 0x2c, 0xf0], 150), vec![0x86, 1, 2]];
    let vp8 = [long(&[0x10, 2, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1], 150), vec![0x31, 2, 0, 1]];
    let headers = [
        0, 0, 1, 0xb0, 1, 0, 0, 1, 0xb5, 0x89, 0x13, 0, 0, 1, 0, 0, 0, 1, 0x20, 0, 0xc4, 0x8d, 0x88, 0, 0xcd,
        0x14, 0x04, 0x3c, 0x14, 0x43,
    ];
    let mpeg4 = [long(&[&headers[..], &[0, 0, 1, 0xb6, 0x10]].concat(), 150), vec![0, 0, 1, 0xb6, 0x50, 1]];
    let layers = [(0, long(&[0xac, 5, 0, 9], 20)), (MARKER, long(&[0xac, 5, 2, 9], 30))];
    vec![
        [vec![0], carried(&Codec::Av1(None), &av1)].concat(),
        [vec![1], carried(&Codec::Vp9(None), &vp9)].concat(),
        [vec![2], carried(&Codec::Vp8(None), &vp8)].concat(),
        [vec![3], carried(&Codec::Mpeg4Video(None), &mpeg4)].concat(),
        [vec![1], write_packets(&layers)].concat(),
    ]
}

/// Flags of a record: the marker, a loss before it, another RTP time (its steps in the bits above).
const MARKER: u8 = 1;
const LOST: u8 = 2;
const STEP_SHIFT: u32 = 2;

fn depacketize(format: &MediaFormat, data: &[u8]) {
    let mut depacketizer = Depacketizer::new(format);
    let mut clock = ClockMapping::default();
    let track = clock.add_track(format.codec.kind(), format.clock_rate);
    let (mut rtp_time, mut now, mut last) = (0u32, testkit::epoch(), Timestamp::from_nanos(i64::MIN));
    for record in records(data) {
        let Some((&flags, payload)) = record.split_first() else { continue };
        // Three small steps, a large one, one back; 0 stays.
        let step = [0, 1024, 3600, 90_000, 4_000_000_000, 0x8000_0000, 1, 7200]
            .get(usize::from(flags >> STEP_SHIFT) % 8)
            .copied();
        rtp_time = rtp_time.wrapping_add(step.unwrap_or(0));
        now += Duration::from_millis(10);
        let header = Header { payload_type: 96, marker: flags & MARKER != 0, sequence: 0, rtp_time, ssrc: 1 };
        let _ = depacketizer.push(PacketRef { header, payload }, flags & LOST != 0, now);
        while let Some(unit) = depacketizer.pull() {
            assert!(!unit.data.is_empty());
            if matches!(format.codec, Codec::H264(_) | Codec::H265(_)) {
                let bytes: usize = nal::length_prefixed(&unit.data).map(|unit| 4 + unit.len()).sum();
                assert_eq!(bytes, unit.data.len(), "an access unit is NAL units behind their lengths");
            }
            let times = clock.map(track, unit.rtp_time, unit.decode_ahead_ticks, unit.received_at);
            assert!(times.dts <= times.pts && times.dts >= last);
            last = times.dts;
        }
    }
}

/// Records behind their length in one byte; the last may be cut.
fn records(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (&length, rest) = data.split_first()?;
        let (record, rest) = rest.split_at(rest.len().min(length.into()));
        data = rest;
        Some(record)
    })
}

fn write_records(records: &[Vec<u8>]) -> Vec<u8> {
    let length = |record: &Vec<u8>| u8::try_from(record.len()).expect("a seed's record is short");
    records.iter().flat_map(|record| [&[length(record)], record.as_slice()].concat()).collect()
}

fn write_packets(packets: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let records: Vec<Vec<u8>> =
        packets.iter().map(|(flags, payload)| [&[*flags], payload.as_slice()].concat()).collect();
    write_records(&records)
}

/// The packets of frames, as records.
fn carried(codec: &Codec, frames: &[Vec<u8>]) -> Vec<u8> {
    const SMALL: usize = 100;
    let mut packetizer = Packetizer::new(codec, SMALL);
    let mut records = Vec::new();
    for (number, data) in (0u8..).zip(frames) {
        let frame = Frame {
            track: TrackId(0),
            keyframe: number == 0,
            pts: Timestamp::ZERO,
            dts: Timestamp::ZERO,
            new_codec: None,
            captured_at: None,
            received_at: testkit::epoch(),
            data: data.clone().into(),
        };
        for (at, payload) in packetizer.packetize(&frame).payloads.iter().enumerate() {
            let step = if at == 0 && number > 0 { 1 << STEP_SHIFT } else { 0 };
            let mut bytes = Vec::new();
            payload.write_to(&mut bytes);
            records.push((step | u8::from(payload.marker), bytes));
        }
    }
    write_packets(&records)
}

fn length_prefixed(units: &[Vec<u8>]) -> Vec<u8> {
    let mut frame = bytes::BytesMut::new();
    units.iter().for_each(|unit| nal::put_length_prefixed(&mut frame, unit));
    frame.to_vec()
}
