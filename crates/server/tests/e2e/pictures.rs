//! Pictures over HTTP: JPEG images, streams of them, and characters.
//!
//! What a picture has to be is what ffmpeg decodes of the same stream over RTSP. Where two pictures are compared the camera
//! shows a still, so that every one of its frames is the same one; both are compared as red, green and blue, because JPEG has
//! other colours than video.

use crate::harness::{SECOND, Tool, Yeoul, run, wait_until};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};

/// One picture again and again: 720p, whose colours are BT.709's.
const STILL: &str = "testsrc2=size=1280x720:rate=25,trim=end_frame=1,loop=loop=-1:size=1,setpts=N/25/TB";
/// Each frame another one.
const MOVING: &str = "testsrc2=size=640x360:rate=25";
/// The children of a server that has none.
const NOBODY: [&str; 0] = [];
/// A server that can start no child process at all.
const NO_FFMPEG: &str = "ffmpeg: {bin: /nowhere/ffmpeg}";

const H264: &[&str] = &["-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-pix_fmt", "yuv420p"];
const H265: &[&str] = &["-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];

/// A camera that publishes what ffmpeg makes of a graph.
fn publish(server: &Yeoul, name: &str, graph: &str, encoder: &[&str]) -> Tool {
    publish_from(server, name, &["-re", "-f", "lavfi", "-i", graph], encoder)
}

/// The same of any input. Waits until the stream is there.
fn publish_from(server: &Yeoul, name: &str, input: &[&str], encoder: &[&str]) -> Tool {
    let url = server.rtsp(&name.replace(' ', "%20"));
    let quiet: &[&str] =
        if encoder.contains(&"libx265") { &["-x265-params", "log-level=error:keyint=25"] } else { &[] };
    let output = ["-f", "rtsp", "-rtsp_transport", "tcp", &url];
    let publisher = Tool::start("ffmpeg", &[&["-v", "error"], input, encoder, quiet, &output].concat());
    let published = format!("{name}: published by ");
    wait_until("published", SECOND * 30, || server.log().contains(&published));
    publisher
}

/// The JPEG image that the server answers, and its age in milliseconds.
fn frame(server: &Yeoul, query: &str) -> (Vec<u8>, u64) {
    let (status, head, body) = server.ask("GET", &format!("api/frame.jpeg?{query}"), "");
    assert_eq!(status, 200, "{query}: {}", String::from_utf8_lossy(&body));
    assert!(head.contains("content-type: image/jpeg") && head.contains("cache-control: no-cache"), "{head}");
    let age = head.split("x-picture-age-ms: ").nth(1).and_then(|rest| rest.lines().next());
    (body, age.and_then(|age| age.parse().ok()).expect("an age"))
}

/// A file for ffmpeg that goes with this value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(ending: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("pictures-{}-{number}.{ending}", std::process::id());
        Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name))
    }

    fn jpeg(image: &[u8]) -> Self {
        let file = Self::new("jpeg");
        std::fs::write(&file.0, image).expect("a file");
        file
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a path of ours")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Runs ffmpeg without a word of complaint.
fn ffmpeg(arguments: &[&str]) -> String {
    let output = run("ffmpeg", &[&["-hide_banner", "-nostdin", "-y"], arguments].concat(), SECOND * 60);
    assert!(output.status.success(), "ffmpeg {arguments:?}: {}", output.stderr);
    output.stderr
}

/// What ffmpeg decodes of a stream after a second of it, as red, green and blue.
fn decoded_by_ffmpeg(server: &Yeoul, name: &str, filter: &str) -> Scratch {
    let file = Scratch::new("png");
    let filter = format!("{filter},select=gte(n\\,25),scale=in_color_matrix=bt709:in_range=tv,format=rgb24");
    let input = ["-v", "error", "-rtsp_transport", "tcp", "-i", &server.rtsp(name)];
    ffmpeg(&[&input[..], &["-vf", &filter, "-frames:v", "1", file.path()]].concat());
    file
}

/// How alike a JPEG image is to a picture that `filter` was applied to, in dB.
fn psnr(image: &[u8], picture: &Scratch, filter: &str) -> f64 {
    let image = Scratch::jpeg(image);
    let graph = format!(
        "[0]scale=in_color_matrix=bt601:in_range=pc,format=gbrp[a];[1]{filter},format=gbrp[b];[a][b]psnr"
    );
    let inputs = ["-i", image.path(), "-i", picture.path()];
    let said = ffmpeg(&[&inputs[..], &["-lavfi", &graph, "-f", "null", "-"]].concat());
    let average = said.split("average:").nth(1).and_then(|rest| rest.split(' ').next());
    average.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no PSNR: {said}"))
}

/// The best image of 4:2:0 that ffmpeg makes of a picture.
fn jpeg_by_ffmpeg(picture: &Scratch, filter: &str) -> Vec<u8> {
    let image = Scratch::new("jpeg");
    let filter = format!("{filter},scale=out_color_matrix=bt601:out_range=pc,format=yuvj420p");
    let encoder = ["-c:v", "mjpeg", "-q:v", "1", "-qmin", "1", image.path()];
    ffmpeg(&[&["-v", "error", "-i", picture.path(), "-vf", &filter][..], &encoder].concat());
    std::fs::read(&image.0).expect("the image")
}

#[test]
fn a_picture_is_what_ffmpeg_decodes_and_starts_no_process() {
    let server = Yeoul::start(&format!("streams: {{h264: , h265: }}\n{NO_FFMPEG}"));
    let publishers = [publish(&server, "h264", STILL, H264), publish(&server, "h265", STILL, H265)];
    for name in ["h264", "h265"] {
        let theirs = decoded_by_ffmpeg(&server, name, "null");
        // With how alike an image is that ffmpeg makes of its picture by the same way.
        let like = |query: &str, filter: &str| {
            let alike = psnr(&frame(&server, &format!("src={name}&{query}")).0, &theirs, filter);
            let best = psnr(&jpeg_by_ffmpeg(&theirs, filter), &theirs, filter);
            eprintln!("{name} {query}: {alike:.1} dB, by ffmpeg {best:.1}");
            (alike, best)
        };
        let (usual, best) = like("cache=200ms", "null");
        assert!(usual > best - 1.5, "{name}: {usual:.1} dB, by ffmpeg {best:.1}");
        assert_eq!(server.children(), NOBODY, "{name}");
        for (query, filter) in [
            ("width=640&quality=98", "scale=640:360:flags=bilinear"),
            ("h=240&quality=98", "scale=426:240:flags=bilinear"),
            ("w=400&height=400&quality=98", "scale=400:400:flags=bilinear"),
            ("quality=98", "null"),
            ("rotate=90&quality=98", "transpose=1"),
            ("rotate=180&quality=98", "hflip,vflip"),
            ("rotate=270&quality=98", "transpose=2"),
            ("width=640&rotate=-90&quality=98", "scale=640:360:flags=bilinear,transpose=2"),
        ] {
            let (alike, best) = like(query, filter);
            // Ours is scaled as planes, its colours at half the resolution of its brightness; ffmpeg's by way of RGB.
            let less = if filter.contains("scale") { 2.0 } else { 0.5 };
            assert!(alike > best - less, "{name} {query}: {alike:.1} dB, by ffmpeg {best:.1}");
        }
        // What the comparison says of two pictures that differ.
        let (turned, _) = like("rotate=180&quality=98", "null");
        assert!(turned < 20.0, "{name}: {turned:.1} dB");
    }
    assert_eq!(server.children(), NOBODY);
    assert!(!server.log().contains("ffmpeg is called"), "{}", server.log());
    assert!(publishers.iter().all(|publisher| publisher.said().is_empty()));
}

#[test]
fn a_picture_is_as_old_as_the_request_allows() {
    let server = Yeoul::start(&format!("streams: {{'front door': }}\n{NO_FFMPEG}"));
    let gop = ["-c:v", "libx264", "-preset", "veryfast", "-g", "250", "-pix_fmt", "yuv420p"];
    let _publisher = publish(&server, "front door", MOVING, &gop);
    let patient = "name=front+door&cache=1m";
    let (first, _) = frame(&server, patient);
    wait_until("it gets old", SECOND * 20, || {
        let (image, age) = frame(&server, patient);
        assert!(image == first, "one picture is enough for as long as it may be old");
        age > 700
    });
    // Far from a keyframe, so that the frames up to now have to be decoded.
    let (fresh, age) = frame(&server, "src=front%20door&cache=100ms");
    eprintln!("cache=100ms: {age} ms old");
    assert!(fresh != first && age < 2_000, "{age} ms old");
    assert_eq!(server.children(), NOBODY);
}

#[test]
fn all_who_ask_at_once_share_one_picture() {
    const ASKERS: usize = 200;
    let server = Yeoul::start(&format!("streams: {{cam: }}\n{NO_FFMPEG}"));
    let _publisher = publish(&server, "cam", "testsrc2=size=1920x1080:rate=25", H264);
    frame(&server, "src=cam&cache=1m");
    // Eight pictures are made for eight who want eight of them.
    let before = server.cpu_time();
    let images: Vec<_> =
        (60..68).map(|quality| frame(&server, &format!("src=cam&cache=1m&quality={quality}")).0).collect();
    let eight = server.cpu_time() - before;
    assert!(images.is_sorted_by(|a, b| a.len() < b.len()), "eight qualities");
    let before = server.cpu_time();
    let start = Barrier::new(ASKERS);
    let images: Vec<Vec<u8>> = thread::scope(|scope| {
        let ask = || {
            start.wait();
            frame(&server, "src=cam&cache=1m&quality=70").0
        };
        let askers: Vec<_> = (0..ASKERS).map(|_| scope.spawn(ask)).collect();
        askers.into_iter().map(|asker| asker.join().expect("an answer")).collect()
    });
    let all = server.cpu_time() - before;
    eprintln!("CPU time: {eight:?} for 8 pictures, {all:?} for {ASKERS} askers of one");
    assert!(images.windows(2).all(|two| two[0] == two[1]), "the camera's picture moves: theirs is one");
    assert!(all < eight * 4, "{ASKERS} askers cost {all:?}, 8 pictures {eight:?}");
    let streams = server.get("/api/streams?src=cam");
    assert_eq!(streams.matches("pictures+http").count(), 1, "{streams}");
}

/// Somebody who reads a stream of pictures to see when they come.
struct Watcher(BufReader<TcpStream>);

impl Watcher {
    fn new(server: &Yeoul, query: &str) -> Self {
        let mut socket = TcpStream::connect(("127.0.0.1", server.api_port())).expect("connected");
        socket.set_read_timeout(Some(SECOND * 60)).expect("a socket");
        // HTTP/1.0 has no chunks: the parts come as they are.
        write!(socket, "GET /api/stream.mjpeg?{query} HTTP/1.0\r\n\r\n").expect("sent");
        let mut watcher = Self(BufReader::new(socket));
        let head = watcher.head();
        assert!(head.starts_with("HTTP/1.0 200") || head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.to_lowercase().contains("multipart/x-mixed-replace; boundary=frame"), "{head}");
        watcher
    }

    /// Lines up to an empty one.
    fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let count = self.0.read_line(&mut head).expect("a line");
            assert!(count > 0, "the stream ends: {head}");
        }
        head
    }

    /// The next picture.
    fn picture(&mut self) -> Vec<u8> {
        let head = self.head();
        assert!(head.contains("--frame\r\nContent-Type: image/jpeg\r\n"), "{head}");
        let length = head.split("Content-Length: ").nth(1).and_then(|rest| rest.lines().next());
        let mut picture = vec![0; length.and_then(|text| text.parse().ok()).expect("a length")];
        self.0.read_exact(&mut picture).expect("a whole picture");
        assert!(picture.starts_with(&[0xff, 0xd8]) && picture.ends_with(&[0xff, 0xd9]), "a JPEG image");
        let mut end = [0; 2];
        self.0.read_exact(&mut end).expect("an empty line");
        picture
    }
}

#[test]
fn a_stream_of_pictures_is_read_by_ffmpeg() {
    let server = Yeoul::start(&format!("streams: {{cam: }}\n{NO_FFMPEG}"));
    let _publisher = publish(&server, "cam", MOVING, H264);
    let url = server.http("api/stream.mjpeg?src=cam&width=320&fps=10");
    let hashes = ["-v", "error", "-f", "mpjpeg", "-i", &url, "-frames:v", "12", "-f", "framemd5", "-"];
    let output = run("ffmpeg", &hashes, SECOND * 60);
    assert_eq!((output.stderr.as_str(), output.status.success()), ("", true));
    assert!(output.stdout.contains("#dimensions 0: 320x180"), "{}", output.stdout);
    let mut pictures: Vec<&str> = output
        .stdout
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit(", ").next())
        .collect();
    assert_eq!(pictures.len(), 12);
    pictures.dedup();
    assert_eq!(pictures.len(), 12, "each is another one");
    assert_eq!(server.children(), NOBODY);
}

#[test]
fn viewers_get_as_many_pictures_a_second_as_they_ask_for() {
    let server = Yeoul::start(&format!("streams: {{cam: }}\n{NO_FFMPEG}"));
    let _publisher = publish(&server, "cam", MOVING, H264);
    let (few, usual, many) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for (count, query) in
            [(&few, "src=cam&w=160&fps=1"), (&usual, "src=cam&w=160"), (&many, "src=cam&w=160&fps=20")]
        {
            let (server, over) = (&server, &over);
            scope.spawn(move || {
                let mut watcher = Watcher::new(server, query);
                while !over.load(Ordering::Relaxed) {
                    watcher.picture();
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        wait_until("six pictures at one a second", SECOND * 60, || few.load(Ordering::Relaxed) >= 6);
        over.store(true, Ordering::Relaxed);
    });
    let counts = [few, usual, many].map(AtomicUsize::into_inner);
    eprintln!("1, 5 and 20 pictures a second: {counts:?}");
    assert!(counts[1] > counts[0] * 2 && counts[2] > counts[1] * 3 / 2, "{counts:?}");
    for (query, sentence) in [
        ("fps=0", "fps=0 is not understood; expected 0.1 to 60\n"),
        ("fps=61", "fps=61 is not understood; expected 0.1 to 60\n"),
        ("width=8193", "width=8193 is not understood; expected 1 to 8192 pixels\n"),
        ("rotate=45", "rotate=45 is not understood; expected 90, 180, 270 or -90\n"),
        ("w=8192&h=8192", "a picture of 640x360 cannot be made that wide or high\n"),
    ] {
        for path in ["stream.mjpeg", "frame.jpeg"] {
            let (status, _, body) = server.ask("GET", &format!("api/{path}?src=cam&{query}"), "");
            assert_eq!((status, String::from_utf8_lossy(&body).as_ref()), (400, sentence), "{path} {query}");
        }
    }
}

/// What RTP carries of a JPEG image (RFC 2435 §3): its size, the sampling and the quantization of each component, and the coded
/// data. Not the Huffman tables, which have to be the usual ones, nor comments and application segments; and a table that
/// several components share may come as one for each.
#[derive(PartialEq, Eq)]
struct Carried {
    height_and_width: Vec<u8>,
    components: Vec<(u8, Vec<u8>)>,
    coded: Vec<u8>,
}

impl Carried {
    fn of(image: &[u8]) -> Self {
        let (mut tables, mut frame) = (BTreeMap::new(), Vec::new());
        let mut rest = image.strip_prefix(&[0xff, 0xd8]).expect("SOI");
        while let [0xff, marker, high, low, ..] = rest {
            let (segment, after) = rest.split_at(2 + usize::from(u16::from_be_bytes([*high, *low])));
            match marker {
                0xc0 => frame = segment[5..].to_vec(),
                // Tables of 8 bits, 64 of them behind an id; one segment may have several.
                0xdb => tables.extend(segment[4..].chunks(65).map(|table| (table[0], table[1..].to_vec()))),
                _ => {}
            }
            rest = after;
            if *marker == 0xda {
                break;
            }
        }
        let components = frame[5..].chunks(3).map(|part| (part[1], tables[&part[2]].clone())).collect();
        let coded = rest.strip_suffix(&[0xff, 0xd9]).expect("EOI").to_vec();
        Self { height_and_width: frame[..4].to_vec(), components, coded }
    }
}

#[test]
fn pictures_of_a_jpeg_camera_are_untouched() {
    let image = Scratch::new("jpeg");
    let encoder = ["-c:v", "mjpeg", "-huffman", "default", "-q:v", "3", "-pix_fmt", "yuvj420p"];
    let source = ["-v", "error", "-f", "lavfi", "-i", MOVING, "-frames:v", "1"];
    ffmpeg(&[&source[..], &encoder, &["-f", "mjpeg", image.path()]].concat());
    let sent = std::fs::read(&image.0).expect("the image");
    let server = Yeoul::start(&format!("streams: {{cam: }}\n{NO_FFMPEG}"));
    let input = ["-re", "-f", "image2", "-loop", "1", "-framerate", "5", "-i", image.path()];
    let _publisher = publish_from(&server, "cam", &input, &["-c:v", "copy"]);
    let (whole, _) = frame(&server, "src=cam");
    let (ours, theirs) = (Carried::of(&whole), Carried::of(&sent));
    assert_eq!((&ours.height_and_width, &ours.components), (&theirs.height_and_width, &theirs.components));
    assert!(ours.coded.len() > 10_000 && ours.coded == theirs.coded, "the coded data");
    let mut watcher = Watcher::new(&server, "src=cam");
    for _ in 0..3 {
        assert!(watcher.picture() == whole, "the same in a stream of pictures");
    }
    let (theirs, filter) = (image_as_png(&sent), "scale=320:180:flags=bilinear");
    let alike = psnr(&frame(&server, "src=cam&width=320&quality=98").0, &theirs, filter);
    let best = psnr(&jpeg_by_ffmpeg(&theirs, filter), &theirs, filter);
    eprintln!("made smaller: {alike:.1} dB, by ffmpeg {best:.1}");
    assert!(alike > best - 2.0, "made smaller: {alike:.1} dB, by ffmpeg {best:.1}");
    assert_eq!(server.children(), NOBODY);
}

/// What ffmpeg decodes of a JPEG image, as red, green and blue.
fn image_as_png(image: &[u8]) -> Scratch {
    let (image, png) = (Scratch::jpeg(image), Scratch::new("png"));
    let filter = "scale=in_color_matrix=bt601:in_range=pc,format=rgb24";
    ffmpeg(&["-v", "error", "-i", image.path(), "-vf", filter, "-frames:v", "1", png.path()]);
    png
}

#[test]
fn what_is_not_decoded_here_is_decoded_by_a_child_as_long_as_somebody_asks() {
    let server = Yeoul::start("streams: {ten: , fields: }");
    let ten = ["-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-pix_fmt", "yuv420p10le"];
    let fields = [H264, &["-flags", "+ilme+ildct"]].concat();
    let _publishers = [publish(&server, "ten", STILL, &ten), publish(&server, "fields", STILL, &fields)];
    for (name, filter) in [("ten", "null"), ("fields", "yadif=deint=interlaced")] {
        let theirs = decoded_by_ffmpeg(&server, name, filter);
        let alike = psnr(&frame(&server, &format!("src={name}")).0, &theirs, "null");
        let best = psnr(&jpeg_by_ffmpeg(&theirs, "null"), &theirs, "null");
        eprintln!("{name}: {alike:.1} dB, by ffmpeg {best:.1}");
        assert!(alike > best - 1.5, "{name}: {alike:.1} dB, by ffmpeg {best:.1}");
        let children = server.children();
        assert!(!children.is_empty() && children.iter().all(|name| name == "ffmpeg"), "{children:?}");
    }
    assert_eq!(server.log().matches("ffmpeg is called").count(), 2, "one for each stream");
    wait_until("nobody asks, no child", SECOND * 40, || server.children().is_empty());
}

#[test]
fn what_cannot_be_had_is_said() {
    let server = Yeoul::start("streams: {sound: , away: 'rtsp://127.0.0.1:1/'}");
    let input = ["-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"];
    let _publisher = publish_from(&server, "sound", &input, &["-c:a", "aac"]);
    for path in ["frame.jpeg", "stream.mjpeg", "stream.ascii"] {
        let refused = |src: &str| {
            let (status, _, body) = server.ask("GET", &format!("api/{path}?{src}"), "");
            (status, String::from_utf8(body).expect("text"))
        };
        let (status, sentence) = refused("src=none");
        assert_eq!((status, sentence.as_str()), (404, "stream not found: none\n"), "{path}");
        let (status, sentence) = refused("width=640");
        assert_eq!((status, sentence.as_str()), (400, "name the stream: src=NAME\n"), "{path}");
        let (status, sentence) = refused("src=sound");
        assert_eq!(status, 406, "{path}: {sentence}");
        assert!(sentence.contains("AAC") && sentence.ends_with('\n'), "{path}: {sentence}");
    }
    let (status, head, body) = server.ask("GET", "api/frame.jpeg?src=away", "");
    let sentence = String::from_utf8_lossy(&body);
    assert_eq!(status, 503, "{sentence}");
    assert!(sentence.contains("refused") && head.contains("retry-after: "), "{head}{sentence}");
}

#[test]
fn characters_are_a_picture_too() {
    let server = Yeoul::start(&format!("streams: {{cam: }}\n{NO_FFMPEG}"));
    let _publisher = publish(&server, "cam", MOVING, H264);
    let mut socket = TcpStream::connect(("127.0.0.1", server.api_port())).expect("connected");
    socket.set_read_timeout(Some(SECOND * 60)).expect("a socket");
    write!(socket, "GET /api/stream.ascii?src=cam&width=60&text=block HTTP/1.0\r\n\r\n").expect("sent");
    let mut answer = Vec::new();
    // Each picture goes over the one before: the cursor goes home, the screen is cleared once.
    let pictures = |answer: &[u8]| String::from_utf8_lossy(answer).matches("\x1b[H").count();
    while pictures(&answer) < 4 {
        let mut piece = [0; 4096];
        let count = socket.read(&mut piece).expect("more");
        assert!(count > 0, "it has no end");
        answer.extend_from_slice(&piece[..count]);
    }
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").expect("a header");
    assert!(head.to_lowercase().contains("content-type: text/plain; charset=utf-8"), "{head}");
    let lines = body.split("\x1b[H").nth(2).expect("a whole one").lines().count();
    assert!((10..40).contains(&lines), "{lines} lines of 60 characters:\n{body}");
}

/// Somebody who reads all that comes.
struct Reader {
    bytes: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    fn start(server: &Yeoul, path: &str) -> Self {
        let (bytes, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, is_over) = (Arc::clone(&bytes), Arc::clone(&stop));
        let mut socket = TcpStream::connect(("127.0.0.1", server.api_port())).expect("connected");
        socket.set_read_timeout(Some(SECOND * 60)).expect("a socket");
        write!(socket, "GET /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
        let read = move || {
            let mut piece = vec![0; 32 << 10];
            while !is_over.load(Ordering::Relaxed) {
                match socket.read(&mut piece) {
                    Ok(length @ 1..) => count.fetch_add(length as u64, Ordering::Relaxed),
                    Ok(0) | Err(_) => return,
                };
            }
        };
        let thread = thread::Builder::new().stack_size(128 << 10).spawn(read).expect("a thread");
        Self { bytes, stop, thread: Some(thread) }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[test]
fn memory_does_not_grow_with_what_viewers_see() {
    const FEW: usize = 5;
    const MANY: usize = 200;
    for (form, path) in [("MJPEG", "api/stream.mjpeg?src=cam"), ("MP4", "api/stream.mp4?src=cam")] {
        let server = Yeoul::start(&format!("streams: {{cam: }}\n{NO_FFMPEG}"));
        let _publisher = publish(&server, "cam", MOVING, H264);
        let mut readers: Vec<Reader> = (0..FEW).map(|_| Reader::start(&server, path)).collect();
        let has_read = |readers: &[Reader], bytes: u64| {
            readers.iter().all(|reader| reader.bytes.load(Ordering::Relaxed) > bytes)
        };
        wait_until("all read", SECOND * 120, || has_read(&readers, 256 << 10));
        let few = server.memory_kib();
        readers.extend((FEW..MANY).map(|_| Reader::start(&server, path)));
        wait_until("all read", SECOND * 120, || has_read(&readers, 256 << 10));
        let many = server.memory_kib();
        let each = many.saturating_sub(few) / (MANY - FEW) as u64;
        eprintln!("{form}: {few} KiB with {FEW} viewers, {many} KiB with {MANY}: {each} KiB each");
        // The connection's buffers (30 KiB), and what the allocator keeps.
        assert!(each < 64, "{form}: {each} KiB for each viewer");
    }
}
