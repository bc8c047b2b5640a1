//! fMP4 against ffmpeg: what ffmpeg writes is demuxed and muxed again, and ffmpeg finds the same in both files.
//!
//! The files stay in `target/tmp/fmp4/NAME/`: `theirs.mp4` of ffmpeg, `ours.mp4` of the muxer, its `init.mp4` and
//! `fragment-N.m4s`, so that other readers can be set on them.

use bytes::Bytes;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use yeoul_container::Sample;
use yeoul_container::fmp4::{Demuxer, Event, Index, Muxer, TopBox};
use yeoul_media::bitstream::{h264, nal};
use yeoul_media::{Codec, Frame, Kind, Track, TrackId};
use yeoul_testkit as testkit;

/// Our files start this much later: their media time is never negative, theirs can be.
const SHIFT: Duration = Duration::from_secs(10);

const PICTURE: &str = "testsrc2=size=320x180:rate=25:duration=3";
const SOUND: &str = "sine=frequency=440:sample_rate=44100:duration=3";
const FRAGMENTED: &str = "frag_keyframe+empty_moov+default_base_moof";

/// Runs a program; what it writes. Fails with its words if it fails or complains.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("ffmpeg has to be installed");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && complaints.trim().is_empty(),
        "{program} {}: {complaints}",
        arguments.join(" ")
    );
    String::from_utf8(output.stdout).expect("text")
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fmp4").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder for the files");
    folder
}

/// The tracks, as far as they are known by their first frames, and the frames of a file, read in chunks of an odd size.
fn demux(file: &[u8]) -> (Vec<Track>, Vec<Frame>) {
    let mut demuxer = Demuxer::new();
    let (mut tracks, mut frames) = (Vec::new(), Vec::new());
    for chunk in file.chunks(4999) {
        demuxer.push(chunk, testkit::epoch()).expect("ffmpeg's file is read");
        while let Some(event) = demuxer.pull() {
            match event {
                Event::Tracks(found) => tracks = found,
                Event::Frame(frame) => frames.push(frame),
            }
        }
    }
    assert_eq!((demuxer.damaged(), demuxer.left_out()), (0, &[][..]));
    // A file that tells its parameters with the first keyframe only.
    for track in &mut tracks {
        let first = frames.iter().find(|frame| frame.track == track.id);
        if let Some(codec) = first.and_then(|frame| frame.new_codec.as_ref()) {
            track.codec = Codec::clone(codec);
        }
    }
    (tracks, frames)
}

/// The frames with their durations, [`SHIFT`] later, by decoding time.
fn samples(tracks: &[Track], frames: &[Frame]) -> Vec<Sample> {
    let mut samples = Vec::new();
    for track in tracks {
        let of_track: Vec<&Frame> = frames.iter().filter(|frame| frame.track == track.id).collect();
        let mut duration = Duration::ZERO;
        for (index, frame) in of_track.iter().enumerate() {
            // The last one lasts as long as the one before.
            if let Some(next) = of_track.get(index + 1) {
                duration = next.dts.saturating_since(frame.dts);
            }
            let frame = Frame { pts: frame.pts + SHIFT, dts: frame.dts + SHIFT, ..(*frame).clone() };
            samples.push(Sample { frame, duration });
        }
    }
    samples.sort_by_key(|sample| sample.frame.dts);
    samples
}

/// Muxes a file with a fragment every 20 samples.
fn mux(tracks: &[Track], frames: &[Frame], folder: &Path) -> Vec<u8> {
    let mut muxer = Muxer::new(tracks).expect("MP4 carries what MP4 carried");
    let mut file = muxer.init().to_vec();
    std::fs::write(folder.join("init.mp4"), muxer.init()).expect("the init segment is written");
    for (number, samples) in samples(tracks, frames).chunks(20).enumerate() {
        let fragment: Bytes = muxer.fragment(samples);
        std::fs::write(folder.join(format!("fragment-{number}.m4s")), &fragment).expect("written");
        file.extend_from_slice(&fragment);
    }
    file
}

/// What ffprobe says of a packet.
#[derive(Debug)]
struct Packet {
    size: u32,
    keyframe: bool,
    pts_nanos: i128,
    dts_nanos: i128,
}

impl Packet {
    /// The same place in time, but for the half of a tick of 90 kHz that rounding costs.
    fn is_at(&self, other: &Self) -> bool {
        const HALF_A_TICK_NANOS: i128 = 5_557;
        self.keyframe == other.keyframe
            && (self.pts_nanos - other.pts_nanos).abs() <= HALF_A_TICK_NANOS
            && (self.dts_nanos - other.dts_nanos).abs() <= HALF_A_TICK_NANOS
    }
}

/// What ffprobe says of the packets of each stream, `shift` earlier.
fn packets(file: &Path, shift: Duration) -> BTreeMap<u32, Vec<Packet>> {
    let file = file.to_str().expect("a path in UTF-8");
    let entries = "packet=stream_index,pts,dts,size,flags:stream=index,time_base";
    let listing = run("ffprobe", &["-v", "error", "-show_entries", entries, "-of", "compact=nk=0", file]);
    let (mut scales, mut found) = (BTreeMap::new(), Vec::new());
    for line in listing.lines().filter(|line| !line.is_empty()) {
        let mut fields: BTreeMap<&str, &str> =
            line.split('|').filter_map(|field| field.split_once('=')).collect();
        if let Some(scale) = fields.remove("time_base") {
            let scale = scale.strip_prefix("1/").and_then(|scale| scale.parse().ok());
            scales.insert(fields["index"].parse::<u32>().expect("a number"), scale.expect("1/number"));
        } else {
            found.push(fields);
        }
    }
    let mut packets: BTreeMap<u32, Vec<_>> = BTreeMap::new();
    for fields in found {
        let stream = fields["stream_index"].parse().expect("a number");
        let scale: i128 = scales[&stream];
        let shift = i128::try_from(shift.as_nanos()).expect("seconds");
        let time = |name: &str| {
            let ticks: i128 = fields[name].parse().expect("a number");
            (ticks * 1_000_000_000).div_euclid(scale) - shift
        };
        let size = fields["size"].parse().expect("a number");
        let keyframe = fields["flags"].starts_with('K');
        let packet = Packet { size, keyframe, pts_nanos: time("pts"), dts_nanos: time("dts") };
        packets.entry(stream).or_default().push(packet);
    }
    packets
}

/// The MD5 of each frame that ffmpeg gets out of a file, decoded (with what players would skip) or as it stands.
fn hashes(file: &Path, stream: &str, arguments: &[&str]) -> Vec<String> {
    let file = file.to_str().expect("a path in UTF-8");
    let input = ["-v", "error", "-flags2", "+skip_manual", "-i", file, "-map", stream];
    let listing = run("ffmpeg", &[&input[..], arguments, &["-f", "framemd5", "-"]].concat());
    // Stream, DTS, PTS, duration, size, hash, and what the packet has beside its data.
    let hash = |line: &str| line.split(',').nth(5).map(|hash| hash.trim().to_owned());
    listing.lines().filter(|line| !line.starts_with('#')).filter_map(hash).collect()
}

/// What two files have in common.
#[derive(Clone, Copy, PartialEq)]
enum Same {
    /// Every packet, byte by byte.
    Packets,
    /// What decodes; the parameter sets in samples are gone.
    Pictures,
}

/// Has ffmpeg write a file.
fn write_theirs(folder: &Path, arguments: &[&str], movflags: &str) -> PathBuf {
    let theirs = folder.join("theirs.mp4");
    let output = ["-movflags", movflags, theirs.to_str().expect("a path in UTF-8")];
    // Encoders talk whatever the log level is.
    let encoded = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(arguments).args(output).output();
    let encoded = encoded.expect("ffmpeg has to be installed");
    assert!(encoded.status.success(), "{}", String::from_utf8_lossy(&encoded.stderr));
    theirs
}

/// Muxes, and has ffmpeg read the file to its end.
fn write_ours(folder: &Path, tracks: &[Track], frames: &[Frame]) -> PathBuf {
    let ours = folder.join("ours.mp4");
    std::fs::write(&ours, mux(tracks, frames, folder)).expect("our file is written");
    run("ffmpeg", &["-v", "error", "-i", ours.to_str().expect("a path in UTF-8"), "-f", "null", "-"]);
    ours
}

/// Has ffmpeg write a file, muxes it again and compares.
fn check(name: &str, arguments: &[&str], movflags: &str, same: Same) -> (Vec<Track>, Vec<Frame>) {
    let folder = folder(name);
    let theirs = write_theirs(&folder, arguments, movflags);
    let (tracks, frames) = demux(&std::fs::read(&theirs).expect("ffmpeg's file"));
    let ours = write_ours(&folder, &tracks, &frames);
    let (in_theirs, in_ours) = (packets(&theirs, Duration::ZERO), packets(&ours, SHIFT));
    assert_eq!(in_theirs.len(), tracks.len());
    for (stream, theirs_of_stream) in &in_theirs {
        let ours_of_stream = &in_ours[stream];
        assert!(!theirs_of_stream.is_empty());
        assert_eq!(ours_of_stream.len(), theirs_of_stream.len(), "{name}: packets of stream {stream}");
        for (ours, theirs) in ours_of_stream.iter().zip(theirs_of_stream) {
            assert!(ours.is_at(theirs), "{name}: stream {stream} has {ours:?}, expected {theirs:?}");
            assert!(same == Same::Pictures || ours.size == theirs.size);
        }
        let select = format!("0:{stream}");
        if same == Same::Packets {
            let copied = |file| hashes(file, &select, &["-c", "copy"]);
            assert!(copied(&ours) == copied(&theirs), "{name}: packets of stream {stream} differ");
        }
        let decoded = |file| hashes(file, &select, &["-fps_mode", "passthrough"]);
        assert!(!decoded(&ours).is_empty());
        assert!(decoded(&ours) == decoded(&theirs), "{name}: what decodes of stream {stream} differs");
    }
    (tracks, frames)
}

fn encode<'a>(inputs: &[&'a str], codecs: &[&'a str]) -> Vec<&'a str> {
    let inputs = inputs.iter().flat_map(|input| ["-f", "lavfi", "-i", input]);
    inputs.chain(codecs.iter().copied()).collect()
}

const H264: [&str; 8] = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "25"];

fn has_b_frames(frames: &[Frame]) -> bool {
    frames.iter().any(|frame| frame.pts > frame.dts)
}

#[test]
fn h264_with_b_frames_and_aac_survive_the_way() {
    let arguments = encode(&[PICTURE, SOUND], &[&H264[..], &["-c:a", "aac"]].concat());
    let (tracks, frames) = check("h264-aac", &arguments, FRAGMENTED, Same::Packets);
    assert_eq!(tracks[0].codec.dimensions(), Some((320, 180)));
    assert!(has_b_frames(&frames) && frames.iter().all(|frame| frame.new_codec.is_none()));
    assert_eq!(frames.iter().filter(|frame| frame.track == TrackId(0) && frame.keyframe).count(), 3);
}

#[test]
fn edit_lists_of_fragmented_files_move_tracks() {
    let arguments = encode(&[PICTURE, SOUND], &[&H264[..], &["-c:a", "aac"]].concat());
    check("h264-aac-delay-moov", &arguments, "frag_keyframe+delay_moov", Same::Packets);
}

#[test]
fn pictures_shown_before_their_clock_decodes_them_come_out_in_order() {
    let arguments = encode(&[PICTURE], &H264);
    let movflags = "frag_keyframe+empty_moov+default_base_moof+negative_cts_offsets";
    let file = write_theirs(&folder("h264-negative-offsets"), &arguments, movflags);
    let (_, frames) = demux(&std::fs::read(&file).expect("ffmpeg's file"));
    assert!(has_b_frames(&frames) && frames.iter().all(|frame| frame.pts >= frame.dts));
    assert!(frames.is_sorted_by_key(|frame| frame.dts));
    // ffprobe moves every picture later instead, by the same time: the distances are the same.
    let from_first = |times: &mut Vec<i128>| {
        times.sort_unstable();
        let first = times.first().copied().expect("pictures");
        times.iter_mut().for_each(|time| *time -= first);
    };
    let mut shown: Vec<i128> = frames.iter().map(|frame| frame.pts.as_nanos().into()).collect();
    assert_eq!(shown.iter().min(), Some(&0), "the first picture is shown at the zero of the file");
    from_first(&mut shown);
    let mut theirs: Vec<i128> =
        packets(&file, Duration::ZERO)[&0].iter().map(|packet| packet.pts_nanos).collect();
    from_first(&mut theirs);
    assert_eq!(shown, theirs);
}

#[test]
fn a_plain_file_is_read_too() {
    let arguments = encode(&[PICTURE, SOUND], &[&H264[..], &["-c:a", "aac"]].concat());
    check("h264-aac-plain", &arguments, "faststart", Same::Packets);
}

#[test]
fn repeated_parameter_sets_go_and_nothing_is_lost() {
    let in_band = ["-bsf:v", "dump_extra=freq=keyframe"];
    let arguments = encode(&[PICTURE], &[&H264[..], &in_band].concat());
    let (_, frames) = check("h264-in-band", &arguments, FRAGMENTED, Same::Pictures);
    let is_set = |unit: &[u8]| matches!(h264::NalType::of(unit), Some(h264::NalType::Sps));
    let sets = frames.iter().flat_map(|frame| nal::length_prefixed(&frame.data)).filter(|unit| is_set(unit));
    assert_eq!(sets.count(), 3, "ffmpeg put parameter sets in front of every keyframe");
    let ours = std::fs::read(folder_of("h264-in-band").join("ours.mp4")).expect("our file");
    let (_, frames) = demux(&ours);
    assert!(!frames.iter().flat_map(|frame| nal::length_prefixed(&frame.data)).any(is_set));
}

fn folder_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("fmp4").join(name)
}

/// ffmpeg itself cannot read this file of its own: the `avcC` box is empty.
#[test]
fn parameter_sets_that_stand_in_samples_only_are_found() {
    let in_band_only = ["-tag:v", "avc3", "-flags:v", "-global_header"];
    let arguments = encode(&[PICTURE], &[&H264[..], &in_band_only].concat());
    let folder = folder("h264-avc3");
    let theirs = write_theirs(&folder, &arguments, FRAGMENTED);
    let (tracks, frames) = demux(&std::fs::read(&theirs).expect("ffmpeg's file"));
    assert_eq!(tracks[0].codec.dimensions(), Some((320, 180)));
    assert!(frames[0].new_codec.is_some() && frames.iter().skip(1).all(|frame| frame.new_codec.is_none()));
    let ours = write_ours(&folder, &tracks, &frames);
    assert_eq!(hashes(&ours, "0:0", &["-fps_mode", "passthrough"]).len(), 75);
}

#[test]
fn h265_survives_the_way() {
    for tag in ["hvc1", "hev1"] {
        let codec = [
            "-c:v",
            "libx265",
            "-preset",
            "ultrafast",
            "-x265-params",
            "log-level=error:keyint=25:bframes=3",
        ];
        let arguments = encode(&[PICTURE], &[&codec[..], &["-tag:v", tag]].concat());
        let (tracks, frames) = check(&format!("h265-{tag}"), &arguments, FRAGMENTED, Same::Packets);
        assert_eq!((tracks[0].codec.name(), has_b_frames(&frames)), ("H265", true));
    }
}

#[test]
fn h265_of_10_bits_survives_the_way() {
    let codec = [
        "-pix_fmt",
        "yuv420p10le",
        "-c:v",
        "libx265",
        "-preset",
        "ultrafast",
        "-x265-params",
        "log-level=error",
    ];
    let arguments = encode(&["testsrc2=size=320x180:rate=30:duration=1"], &codec);
    check("h265-10-bit", &arguments, FRAGMENTED, Same::Packets);
}

#[test]
fn av1_survives_the_way() {
    let source = "testsrc2=size=192x108:rate=25:duration=1";
    let encoders: [(&str, &[&str]); 2] = [
        ("libaom", &["-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-g", "10"]),
        ("svt", &["-c:v", "libsvtav1", "-preset", "12", "-g", "10"]),
    ];
    for (name, codec) in encoders {
        let (tracks, _) = check(&format!("av1-{name}"), &encode(&[source], codec), FRAGMENTED, Same::Packets);
        assert_eq!(tracks[0].codec.dimensions(), Some((192, 108)));
    }
}

#[test]
fn vp9_and_opus_survive_the_way() {
    let codecs =
        ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "25", "-c:a", "libopus"];
    let sound = "sine=frequency=440:sample_rate=48000:duration=3";
    let (tracks, _) = check("vp9-opus", &encode(&[PICTURE, sound], &codecs), FRAGMENTED, Same::Packets);
    assert_eq!(tracks[0].codec.dimensions(), Some((320, 180)));
    assert_eq!(tracks[1].codec, Codec::Opus { channels: 1 });
}

#[test]
fn flac_survives_the_way() {
    for rate in [44_100, 96_000] {
        let source = format!("sine=frequency=440:sample_rate={rate}:duration=3");
        let arguments = encode(&[&source], &["-c:a", "flac", "-strict", "-2"]);
        let (tracks, _) = check(&format!("flac-{rate}"), &arguments, FRAGMENTED, Same::Packets);
        assert_eq!(tracks[0].codec.sample_rate(), Some(rate));
    }
}

#[test]
fn mp3_survives_the_way() {
    for rate in [44_100, 22_050] {
        let source = format!("sine=frequency=440:sample_rate={rate}:duration=3");
        let arguments = encode(&[&source], &["-c:a", "libmp3lame"]);
        let (tracks, _) = check(&format!("mp3-{rate}"), &arguments, FRAGMENTED, Same::Packets);
        assert_eq!((tracks[0].kind(), tracks[0].codec.sample_rate()), (Kind::Audio, Some(rate)));
    }
}

/// What the `moov` box of a file holds.
fn moov(file: &[u8]) -> &[u8] {
    let mut at = 0;
    loop {
        let top =
            TopBox::read(at, &file[usize::try_from(at).expect("small")..]).expect("sound").expect("a box");
        let (begin, end) = (top.body.0, top.body.1.expect("ffmpeg tells sizes"));
        if top.kind == *b"moov" {
            return &file[usize::try_from(begin).expect("small")..usize::try_from(end).expect("small")];
        }
        at = end;
    }
}

/// Reads a file by its index, from so long after its beginning.
fn by_index(file: &[u8], skipped: Duration) -> (Vec<Track>, Vec<Frame>) {
    let mut index = Index::read(Bytes::copy_from_slice(moov(file))).expect("sound").expect("tables");
    index.skip(skipped);
    let mut frames = Vec::new();
    while let Some(place) = index.next().expect("of a usual size") {
        let offset = usize::try_from(place.offset).expect("small");
        let data = Bytes::copy_from_slice(&file[offset..offset + place.size]);
        frames.extend(index.take(data, testkit::epoch()));
    }
    (index.tracks(), frames)
}

/// A table of sizes that are all the same promises billions of samples in a few bytes.
#[test]
fn an_index_with_more_samples_than_a_week_has_is_refused() {
    let folder = folder("endless-index");
    let path = folder.join("plain.mp4");
    let coding = ["-movflags", "disable_chpl", path.to_str().expect("a path in UTF-8")];
    let arguments = encode(&[PICTURE], &[&H264[..], &coding].concat());
    run("ffmpeg", &[&["-v", "error"], &arguments[..]].concat());
    let file = std::fs::read(path).expect("a file");
    let mut moov = moov(&file).to_vec();
    let sizes = moov.windows(4).position(|kind| kind == b"stsz").expect("a table of sizes") + 8;
    moov[sizes..sizes + 8].copy_from_slice(&[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]);
    let error = Index::read(moov.into()).expect_err("too many").to_string();
    assert!(error.contains("stsz") && error.contains("promises 4294967295 samples"), "{error}");
}

#[test]
fn a_file_is_the_same_by_its_index() {
    let folder = folder("index");
    let file = |name: &str, movflags: &str| {
        let path = folder.join(name);
        let coding = ["-c:a", "aac", "-movflags", movflags, path.to_str().expect("a path in UTF-8")];
        let arguments = encode(&[PICTURE, SOUND], &[&H264[..], &coding].concat());
        run("ffmpeg", &[&["-v", "error"], &arguments[..]].concat());
        std::fs::read(path).expect("a file")
    };
    let (tracks, mut frames) = demux(&file("front.mp4", "faststart"));
    // The `moov` box is the last one here.
    let end = file("end.mp4", "disable_chpl");
    let (of_index, by_index_frames) = by_index(&end, Duration::ZERO);
    assert_eq!(of_index, tracks);
    assert!(by_index_frames.is_sorted_by_key(|frame| frame.dts), "in order of time");
    frames.sort_by_key(|frame| (frame.dts, frame.track));
    let told = |frames: &[Frame]| -> Vec<_> {
        frames
            .iter()
            .map(|frame| (frame.track, frame.dts, frame.pts, frame.keyframe, frame.data.clone()))
            .collect()
    };
    assert_eq!(told(&by_index_frames), told(&frames));
    // From the keyframe at 1 s, of pictures that are shown two later than decoded.
    let (_, late) = by_index(&end, Duration::from_millis(1_900));
    let first = late.iter().find(|frame| frame.track == tracks[0].id).expect("a picture");
    let beginning = by_index_frames.iter().find(|frame| frame.track == tracks[0].id).expect("a picture");
    assert!(first.keyframe);
    assert_eq!(first.dts.saturating_since(beginning.dts), Duration::from_secs(1));
    assert!(late.iter().all(|frame| frame.dts + Duration::from_millis(100) >= first.dts));
    // Behind its end there is nothing.
    assert!(by_index(&end, Duration::from_secs(9)).1.is_empty());
}

#[test]
fn the_last_picture_of_an_index_is_there_until_it_ends() {
    let path = folder("index").join("slow.mp4");
    let input = ["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=1/5", "-t", "20"];
    let output =
        ["-c:v", "libx264", "-bf", "0", "-pix_fmt", "yuv420p", path.to_str().expect("a path in UTF-8")];
    run("ffmpeg", &[&input[..], &output].concat());
    let file = std::fs::read(path).expect("a file");
    let all = by_index(&file, Duration::ZERO).1.len();
    let of = |seconds| by_index(&file, Duration::from_secs(seconds)).1;
    // One keyframe is all there is to begin with.
    assert_eq!((all, of(12).len(), of(17).len(), of(21).len()), (4, 4, 4, 0));
}

/// Files that other programs wrote, from the folder that `YEOUL_SHARED` names.
#[test]
fn files_of_others_are_read() {
    let Some(clips) = testkit::shared().map(|folder| folder.join("media/clips")) else {
        println!("YEOUL_SHARED is not set: files of others are not read");
        return;
    };
    let mut told = String::new();
    for entry in std::fs::read_dir(clips).expect("the folder of clips") {
        let file = entry.expect("a file").path();
        // One of them has its `moov` box last.
        let moved = folder("others").join(file.file_name().expect("a name"));
        let moved_text = moved.to_str().expect("a path in UTF-8");
        let copy = ["-v", "error", "-y", "-i", file.to_str().expect("a path in UTF-8"), "-c", "copy"];
        run("ffmpeg", &[&copy[..], &["-movflags", "faststart", moved_text]].concat());
        let (tracks, frames) = demux(&std::fs::read(&moved).expect("a file"));
        let theirs = packets(&moved, Duration::ZERO);
        for (track, (_, packets)) in tracks.iter().zip(&theirs) {
            let count = frames.iter().filter(|frame| frame.track == track.id).count();
            let _ = writeln!(told, "{}: {count} frames of {}", file.display(), track.codec);
            assert_eq!(count, packets.len());
        }
    }
    println!("{told}");
}
