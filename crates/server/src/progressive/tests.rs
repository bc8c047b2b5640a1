//! Files of a stream that tests publish to, read back by the demuxers; and what the routes answer.

use super::download::Download;
use super::form::{Container, Form};
use super::live::Live;
use super::pieces::{Piece, Pieces, Read};
use super::query::pairs;
use super::viewer::Viewer;
use crate::api::Pull;
use crate::limits::{PROGRESSIVE_BYTES, PROGRESSIVE_LAG};
use crate::outputs::Outputs;
use axum::body::Bytes;
use axum::http::HeaderValue;
use bytes::BytesMut;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use yeoul_container::{Event, flv, fmp4, mpegts};
use yeoul_hub::{Label, Producer, Stream, StreamOptions};
use yeoul_media::bitstream::aac::AudioSpecificConfig;
use yeoul_media::bitstream::{h264, h265, nal};
use yeoul_media::{Codec, Frame, Kind, Timestamp, Track};
use yeoul_testkit as testkit;

/// Between pictures, and between sounds.
const STEP: Duration = Duration::from_millis(40);
/// Pictures from one keyframe to the next.
const GOP: u32 = 5;

fn h264(width: u32) -> Codec {
    let units = [testkit::h264::sps(width, 360), testkit::h264::pps()];
    Codec::H264(Some(h264::ParameterSets::from_units(units.map(Bytes::from)).expect("right sets")))
}

fn h265(width: u32) -> Codec {
    let units = [testkit::h265::vps(), testkit::h265::sps(width, 360), testkit::h265::pps()];
    Codec::H265(Some(h265::ParameterSets::from_units(units.map(Bytes::from)).expect("right sets")))
}

fn aac() -> Codec {
    Codec::Aac(AudioSpecificConfig::low_complexity(48_000, 2).expect("a configuration"))
}

/// A camera that publishes pictures with B-frames, and sounds.
struct Camera {
    producer: Producer,
    codec: Codec,
    /// Keyframes have their parameter sets.
    repeats: bool,
    began: Instant,
    count: u32,
}

impl Camera {
    /// A camera with this picture that begins at `began`.
    fn new(stream: &Arc<Stream>, codec: Codec, began: Instant) -> Self {
        let producer = stream.publish(Label::default(), vec![codec.clone(), aac()]);
        Self { producer, codec, repeats: true, began, count: 0 }
    }

    /// The next picture with the sound after it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the tests have these two only")]
    fn send(&mut self) {
        let (n, keyframe) = (self.count, self.count.is_multiple_of(GOP));
        self.count += 1;
        let mut data = BytesMut::new();
        let sets: Vec<Bytes> = match &self.codec {
            Codec::H264(Some(sets)) => sets.units().cloned().collect(),
            Codec::H265(Some(sets)) => sets.units().cloned().collect(),
            codec => panic!("no picture of {codec}"),
        };
        sets.iter()
            .filter(|_| keyframe && self.repeats)
            .for_each(|set| nal::put_length_prefixed(&mut data, set));
        let slice = match (&self.codec, keyframe) {
            (Codec::H264(_), true) => testkit::h264::slice(testkit::h264::Slice::Idr, 300),
            (Codec::H264(_), false) => testkit::h264::slice(testkit::h264::Slice::P, 100),
            (_, true) => testkit::h265::slice(testkit::h265::Slice::Idr, 300),
            (_, false) => testkit::h265::slice(testkit::h265::Slice::P, 100),
        };
        nal::put_length_prefixed(&mut data, &slice);
        let dts = Timestamp::ZERO + STEP * n;
        // Keyframes one picture later than decoded, the others in turn two and none.
        let later = if keyframe { 1 } else { (n % 2) * 2 };
        for (track, keyframe, later, data) in
            [(0, keyframe, later, data.freeze()), (1, true, 0, Bytes::from(n.to_be_bytes().repeat(20)))]
        {
            let frame = Frame {
                track: self.producer.track(track).expect("a track"),
                keyframe,
                dts,
                pts: dts + STEP * later,
                new_codec: None,
                captured_at: None,
                received_at: self.began + STEP * n,
                data,
            };
            self.producer.publish(frame).expect("published");
        }
    }
}

/// A file read back: its tracks as last told, and its frames.
fn read(container: Container, file: &[u8]) -> (Vec<Track>, Vec<Frame>) {
    let at = testkit::epoch();
    let mut events = Vec::new();
    match container {
        Container::Mp4 => {
            let mut demuxer = fmp4::Demuxer::new();
            demuxer.push(file, at).expect("MP4");
            events.extend(std::iter::from_fn(|| demuxer.pull()));
        }
        Container::Ts => {
            let mut demuxer = mpegts::Demuxer::default();
            demuxer.push(file, at).expect("a transport stream");
            demuxer.finish();
            events.extend(std::iter::from_fn(|| demuxer.pull()));
        }
        Container::Flv => {
            let mut demuxer = flv::Demuxer::default();
            demuxer.push(file, at).expect("FLV");
            demuxer.finish();
            events.extend(std::iter::from_fn(|| demuxer.pull()));
        }
        Container::Aac => panic!("ADTS is read elsewhere"),
    }
    let (mut tracks, mut frames) = (Vec::new(), Vec::new());
    for event in events {
        match event {
            Event::Tracks(told) => tracks = told,
            Event::Frame(frame) => frames.push(frame),
        }
    }
    (tracks, frames)
}

/// The pictures among the frames: decoding time in steps since the first one, and whether it is a keyframe.
fn pictures(tracks: &[Track], frames: &[Frame]) -> Vec<(u32, bool)> {
    let video: Vec<_> =
        tracks.iter().filter(|track| track.kind() == Kind::Video).map(|track| track.id).collect();
    let frames: Vec<&Frame> = frames.iter().filter(|frame| video.contains(&frame.track)).collect();
    let first = frames.first().map_or(Timestamp::ZERO, |frame| frame.dts);
    let step = |frame: &Frame| {
        let since = frame.dts.saturating_since(first).as_secs_f64() / STEP.as_secs_f64();
        format!("{since:.0}").parse().expect("a number")
    };
    frames.iter().map(|frame| (step(frame), frame.keyframe)).collect()
}

struct Scene {
    stream: Arc<Stream>,
    outputs: Outputs<Live>,
    _tasks: TaskTracker,
}

impl Scene {
    fn new() -> Self {
        let tasks = TaskTracker::new();
        let stream = Stream::new("cam", 0, StreamOptions::default());
        Self { stream, outputs: Outputs::new(&tasks), _tasks: tasks }
    }

    async fn watch(&self, container: Container) -> Viewer {
        let live = self.outputs.ask(&self.stream, &form(container)).await.expect("an output");
        Viewer::enter(live).await.expect("something to start with").0
    }
}

fn form(container: Container) -> Form {
    Form::from_query(container, &pairs(""))
}

/// What a viewer has to read at this moment, and whether its file is at its end.
async fn take(viewer: &mut impl Pull) -> (Vec<Bytes>, bool) {
    let mut taken = Vec::new();
    loop {
        match timeout(Duration::from_millis(50), viewer.pull()).await {
            Ok(Some(piece)) => taken.push(piece),
            Ok(None) => return (taken, true),
            Err(_) => return (taken, false),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn all_viewers_read_the_same_bytes_and_newcomers_start_at_the_last_keyframe() {
    for container in [Container::Mp4, Container::Ts, Container::Flv] {
        let scene = Scene::new();
        let mut camera = Camera::new(&scene.stream, h264(640), testkit::epoch());
        (0..7).for_each(|_| camera.send());
        let mut first = scene.watch(container).await;
        let (early, _) = take(&mut first).await;
        (7..13).for_each(|_| camera.send());
        // Those who write the file get their turn.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let mut second = scene.watch(container).await;
        let ((late_first, _), (late_second, _)) = (take(&mut first).await, take(&mut second).await);
        // An MP4 picture is written when the next one has come.
        let held = usize::from(container == Container::Mp4);
        let (tracks, frames) = read(container, &early.concat());
        assert_eq!(pictures(&tracks, &frames), [(0, true), (1, false)][..2 - held], "{container:?}");
        let (tracks, frames) = read(container, &late_second.concat());
        let expected = [(0, true), (1, false), (2, false)];
        assert_eq!(pictures(&tracks, &frames), expected[..3 - held], "{container:?}");
        let (one, other) = (late_first.last().expect("a piece"), late_second.last().expect("a piece"));
        assert_eq!(one.as_ptr(), other.as_ptr(), "{container:?}: one copy for both");
        let all = [early, late_first].concat().concat();
        let (tracks, frames) = read(container, &all);
        assert_eq!(pictures(&tracks, &frames).len(), 8 - held, "{container:?}");
        let video = tracks.iter().find(|track| track.kind() == Kind::Video).expect("a picture");
        let later: Vec<_> = frames
            .iter()
            .filter(|frame| frame.track == video.id)
            .map(|frame| frame.pts.saturating_since(frame.dts).as_millis())
            .collect();
        assert_eq!(later[..4], [40, 0, 80, 0], "{container:?}: B-frames keep their time");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_size_goes_on_for_those_who_watch_and_is_told_to_newcomers() {
    for (container, repeats) in [Container::Mp4, Container::Ts, Container::Flv]
        .into_iter()
        .flat_map(|form| [(form, true), (form, false)])
    {
        let scene = Scene::new();
        let mut camera = Camera::new(&scene.stream, h264(640), testkit::epoch());
        (0..3).for_each(|_| camera.send());
        let mut viewer = scene.watch(container).await;
        let (before, _) = take(&mut viewer).await;
        // Sooner than the hub lets a viewer be behind: it would go on at the keyframe after.
        let again = testkit::epoch() + Duration::from_secs(2);
        let mut camera = Camera::new(&scene.stream, h264(1280), again);
        camera.repeats = repeats;
        (0..8).for_each(|_| camera.send());
        let (after, over) = take(&mut viewer).await;
        assert!(!over, "{container:?}");
        let (_, frames) = read(container, &[before, after].concat().concat());
        let sets = testkit::h264::sps(1280, 360);
        let told = frames.iter().any(|frame| {
            frame.new_codec.is_some() || nal::length_prefixed(&frame.data).any(|unit| unit == &sets[..])
        });
        assert!(told, "{container:?} {repeats}: the new size stands in the file");
        let newcomer = scene.outputs.ask(&scene.stream, &form(container)).await.expect("an output");
        let (mut newcomer, content_type) = Viewer::enter(newcomer).await.expect("something to start with");
        let (tracks, _) = read(container, &take(&mut newcomer).await.0.concat());
        let video = tracks.iter().find(|track| track.kind() == Kind::Video).expect("a picture");
        assert_eq!(video.codec.dimensions(), Some((1280, 360)), "{container:?} {repeats}");
        if container == Container::Mp4 {
            let level = testkit::h264::sps(1280, 360)[3];
            let expected = format!("video/mp4; codecs=\"avc1.6400{level:02X},mp4a.40.2\"");
            assert_eq!(content_type, expected, "of the new size");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn another_codec_goes_on_in_a_transport_stream_and_ends_an_mp4() {
    for (container, ends) in [(Container::Ts, false), (Container::Flv, false), (Container::Mp4, true)] {
        let scene = Scene::new();
        let mut camera = Camera::new(&scene.stream, h264(640), testkit::epoch());
        (0..3).for_each(|_| camera.send());
        let mut viewer = scene.watch(container).await;
        let (before, _) = take(&mut viewer).await;
        let mut camera = Camera::new(&scene.stream, h265(640), testkit::epoch() + Duration::from_secs(3));
        tokio::time::sleep(Duration::from_millis(1)).await;
        (0..4).for_each(|_| camera.send());
        let (after, over) = take(&mut viewer).await;
        assert_eq!(over, ends, "{container:?}");
        if !ends {
            let (tracks, _) = read(container, &[before, after].concat().concat());
            assert!(
                tracks.iter().any(|track| matches!(track.codec, Codec::H265(_))),
                "{container:?}: {tracks:?}"
            );
        }
        let (newcomer, _) = take(&mut scene.watch(container).await).await;
        let (tracks, frames) = read(container, &newcomer.concat());
        assert!(matches!(tracks[0].codec, Codec::H265(_)), "{container:?}: {tracks:?}");
        assert!(pictures(&tracks, &frames).len() >= 3);
    }
}

#[tokio::test(start_paused = true)]
async fn pcm_stands_in_mp4_as_flac() {
    let scene = Scene::new();
    let codec = Codec::Pcma(yeoul_media::PcmLayout { sample_rate: 8000, channels: 1 });
    let mut producer = scene.stream.publish(Label::default(), vec![codec]);
    let track = producer.track(0).expect("a track");
    let mut send = |n: u32| {
        let dts = Timestamp::ZERO + Duration::from_millis(20) * n;
        let received_at = testkit::epoch() + Duration::from_millis(20) * n;
        let data = Bytes::from(vec![0xd5; 160]);
        let (keyframe, new_codec, captured_at) = (true, None, None);
        let frame = Frame { track, keyframe, dts, pts: dts, new_codec, captured_at, received_at, data };
        producer.publish(frame).expect("published");
    };
    let form = Form::from_query(Container::Mp4, &pairs("mp4=flac"));
    let live = scene.outputs.ask(&scene.stream, &form).await.expect("an output");
    let entering = Viewer::enter(live);
    (0..20).for_each(&mut send);
    let (mut viewer, content_type) = entering.await.expect("something to start with");
    assert_eq!(content_type, "audio/mp4; codecs=\"flac\"");
    let (tracks, frames) = read(Container::Mp4, &take(&mut viewer).await.0.concat());
    assert_eq!(tracks[0].codec.sample_rate(), Some(8000));
    assert!(matches!(tracks[0].codec, Codec::Flac(_)));
    assert!(frames.len() >= 6 && frames.iter().all(|frame| frame.data.starts_with(&[0xff, 0xf9])));
}

#[tokio::test(start_paused = true)]
async fn a_file_ends_with_its_stream() {
    let scene = Scene::new();
    let mut camera = Camera::new(&scene.stream, h264(640), testkit::epoch());
    (0..3).for_each(|_| camera.send());
    let mut viewer = scene.watch(Container::Ts).await;
    take(&mut viewer).await;
    scene.stream.close();
    assert_eq!(take(&mut viewer).await, (Vec::new(), true));
}

#[tokio::test(start_paused = true)]
async fn a_camera_that_is_away_is_told_although_its_last_pictures_are_kept() {
    let scene = Scene::new();
    let mut camera = Camera::new(&scene.stream, h264(640), testkit::epoch());
    (0..3).for_each(|_| camera.send());
    let _viewer = scene.watch(Container::Ts).await;
    drop(camera);
    let live = scene.outputs.ask(&scene.stream, &form(Container::Ts)).await.expect("it runs");
    let refusal = Viewer::enter(live).await.map(|_| ()).expect_err("no camera").to_string();
    assert_eq!(refusal, "nobody is publishing to stream cam");
}

#[tokio::test(start_paused = true)]
async fn a_camera_without_keyframes_is_told() {
    let scene = Scene::new();
    let _camera = Camera::new(&scene.stream, h264(640), testkit::epoch());
    let live = scene.outputs.ask(&scene.stream, &form(Container::Mp4)).await.expect("it runs");
    let refusal = Viewer::enter(live).await.map(|_| ()).expect_err("no keyframe").to_string();
    assert!(refusal.starts_with("the camera of stream cam has sent no keyframe for 15 s"), "{refusal}");
}

#[tokio::test(start_paused = true)]
async fn a_download_begins_at_zero_and_ends_in_time() {
    for container in [Container::Mp4, Container::Ts, Container::Flv] {
        let scene = Scene::new();
        let mut camera = Camera::new(&scene.stream, h264(640), testkit::epoch());
        (0..7).for_each(|_| camera.send());
        let duration = Some(STEP * 8);
        let begun = Download::begin(&scene.stream, &form(container), duration, Label::default()).await;
        let (mut download, _) = begun.expect("a file");
        let (mut file, _) = take(&mut download).await;
        (7..30).for_each(|_| camera.send());
        let (rest, over) = take(&mut download).await;
        assert!(over, "{container:?}");
        file.extend(rest);
        let (tracks, frames) = read(container, &file.concat());
        let pictures = pictures(&tracks, &frames);
        assert_eq!(pictures.len(), 8, "{container:?}: {pictures:?}");
        assert_eq!((pictures[0], pictures[5]), ((0, true), (5, true)), "{container:?}");
        if container != Container::Ts {
            assert_eq!(frames[0].dts, Timestamp::ZERO, "{container:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_download_ends_although_the_camera_is_away() {
    let scene = Scene::new();
    let mut camera = Camera::new(&scene.stream, h264(640), testkit::epoch());
    (0..3).for_each(|_| camera.send());
    let duration = Some(Duration::from_secs(10));
    let begun = Download::begin(&scene.stream, &form(Container::Mp4), duration, Label::default()).await;
    let (mut download, _) = begun.expect("a file");
    drop(camera);
    let mut file = Vec::new();
    while let Some(piece) = download.pull().await {
        file.extend_from_slice(&piece);
    }
    let (tracks, frames) = read(Container::Mp4, &file);
    assert_eq!(pictures(&tracks, &frames).len(), 3);
}

fn piece(start: bool, at: Duration, size: usize) -> Piece {
    let bytes = Bytes::from(vec![0; size]);
    Piece { bytes, start: start.then(|| Bytes::from_static(b"head")), received_at: testkit::epoch() + at }
}

fn pieces() -> Pieces {
    Pieces::new(HeaderValue::from_static("video/mp4"))
}

fn length(read: &Read) -> Option<(usize, usize)> {
    match read {
        Read::Bytes(before, piece) => Some((before.len(), piece.len())),
        Read::Wait | Read::End => None,
    }
}

#[test]
fn a_slow_viewer_goes_on_at_the_last_start() {
    let pieces = pieces();
    pieces.push(piece(true, Duration::ZERO, 1));
    let (mut place, _) = pieces.enter();
    assert_eq!(length(&pieces.read(&mut place)), Some((4, 1)));
    pieces.push(piece(false, Duration::from_secs(1), 2));
    pieces.push(piece(true, Duration::from_secs(2), 3));
    pieces.push(piece(false, Duration::from_secs(1) + PROGRESSIVE_LAG, 4));
    let mut patient = place;
    assert_eq!(length(&pieces.read(&mut patient)), Some((0, 2)), "not yet too late");
    pieces.push(piece(false, Duration::from_millis(1001) + PROGRESSIVE_LAG, 5));
    assert_eq!(length(&pieces.read(&mut place)), Some((0, 3)), "without what it has read already");
    assert_eq!(length(&pieces.read(&mut place)), Some((0, 4)));
}

#[test]
fn what_is_kept_is_bounded() {
    let pieces = pieces();
    let size = PROGRESSIVE_BYTES / 4;
    let (mut place, _) = pieces.enter();
    for n in 0..8 {
        pieces.push(piece(n == 0, Duration::from_millis(n), size));
    }
    assert!(!pieces.has_start(), "the start has gone with the rest");
    assert_eq!(pieces.read(&mut place), Read::Wait, "nothing to start with");
    pieces.push(piece(true, Duration::from_millis(9), 7));
    assert_eq!(length(&pieces.read(&mut place)), Some((4, 7)));
}

#[test]
fn the_next_file_is_not_for_those_who_read_the_last() {
    let pieces = pieces();
    pieces.push(piece(true, Duration::ZERO, 1));
    let (mut place, _) = pieces.enter();
    assert_eq!(length(&pieces.read(&mut place)), Some((4, 1)));
    pieces.push(piece(false, Duration::ZERO, 2));
    pieces.next_file(HeaderValue::from_static("video/mp2t"));
    pieces.push(piece(true, Duration::ZERO, 3));
    assert_eq!(length(&pieces.read(&mut place)), Some((0, 2)), "what was left of it comes first");
    assert_eq!(pieces.read(&mut place), Read::End);
    let (mut place, content_type) = pieces.enter();
    assert_eq!(
        (length(&pieces.read(&mut place)), content_type.as_bytes()),
        (Some((4, 3)), &b"video/mp2t"[..])
    );
}
