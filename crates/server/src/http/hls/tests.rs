//! A server of which every file is chosen.

use crate::http::{Client, Source, run};
use crate::policy::Route;
use crate::streams::ErrorKind;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use yeoul_container::Sample;
use yeoul_container::fmp4::Muxer;
use yeoul_hub::{Label, Stream, StreamOptions};
use yeoul_media::bitstream::aac::AudioSpecificConfig;
use yeoul_media::{Codec, Frame, Timestamp, Track, TrackId};
use yeoul_testkit::epoch;

/// Serves these files, and refuses what is below `/closed`; the paths that were asked for come with its address.
async fn server(files: BTreeMap<&'static str, Vec<u8>>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(socket.read_u8().await.unwrap());
            }
            let request = String::from_utf8(request).unwrap();
            let path = request.split(' ').nth(1).unwrap().to_owned();
            let (status, body) = match files.get(path.as_str()) {
                Some(body) => ("200 OK", body.clone()),
                None if path.starts_with("/closed") => ("403 Forbidden", Vec::new()),
                None => ("404 Not Found", Vec::new()),
            };
            asked.lock().unwrap().push(path);
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            socket.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
        }
    });
    (address, seen)
}

/// How playing ends.
async fn play(address: &str, parameters: &str) -> (ErrorKind, String) {
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let source = Source::parse(&format!("http://{address}/a.m3u8{parameters}")).unwrap();
    let attach = stream.sources()[0].attach();
    let error = run(&source, Route::of_owner(), attach, CancellationToken::new()).await.unwrap_err();
    (error.kind, error.text.replace(address, "HOST"))
}

/// A segment of packed audio, 5 frames.
fn sound() -> Vec<u8> {
    let config = AudioSpecificConfig::low_complexity(48_000, 2).unwrap();
    let header = yeoul_container::adts::Header::of(&config).unwrap();
    (0..5).flat_map(|_| [&header.write(9).unwrap()[..], &[7; 9]].concat()).collect()
}

fn playlist(body: &str) -> Vec<u8> {
    format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n{body}#EXT-X-ENDLIST\n").into_bytes()
}

#[tokio::test]
async fn a_recording_is_played_to_its_end_though_a_segment_is_missing() {
    let list = playlist("#EXTINF:0.1,\na/1\n#EXTINF:0.1,\ngone\n#EXTINF:0.1,\n#EXT-X-BYTERANGE:80@80\na/1\n");
    let files = BTreeMap::from([("/a.m3u8", list), ("/a/1", [sound(), sound()].concat())]);
    let (address, seen) = server(files).await;
    assert_eq!(play(&address, "").await, (ErrorKind::Ended, "HOST has been played to its end".to_owned()));
    assert_eq!(*seen.lock().unwrap(), ["/a.m3u8", "/a/1", "/gone", "/a/1"]);
}

/// The initialization and a segment of fragmented MP4, 5 frames.
fn fragmented() -> (Vec<u8>, Vec<u8>) {
    let codec = Codec::Aac(AudioSpecificConfig::low_complexity(48_000, 2).unwrap());
    let mut muxer = Muxer::new(&[Track { id: TrackId(0), codec }]).unwrap();
    let time = |count: i64| Timestamp::from_ticks(count * 1024, 48_000);
    let sample = |count| Sample {
        duration: time(1).saturating_since(time(0)),
        frame: Frame {
            track: TrackId(0),
            keyframe: true,
            pts: time(count),
            dts: time(count),
            new_codec: None,
            captured_at: None,
            received_at: epoch(),
            data: vec![7; 9].into(),
        },
    };
    let samples: Vec<Sample> = (0..5).map(sample).collect();
    (muxer.init().to_vec(), muxer.fragment(&samples).to_vec())
}

#[tokio::test]
async fn an_initialization_is_fetched_anew_where_media_does_not_go_on() {
    let (init, segment) = fragmented();
    let list = playlist(
        "#EXT-X-MAP:URI=\"init\"\n#EXTINF:0.1,\n1\n#EXTINF:0.1,\n1\n#EXT-X-DISCONTINUITY\n#EXTINF:0.1,\n1\n",
    );
    let files = BTreeMap::from([("/a.m3u8", list), ("/init", init), ("/1", segment)]);
    let (address, seen) = server(files).await;
    assert_eq!(play(&address, "").await.0, ErrorKind::Ended);
    assert_eq!(*seen.lock().unwrap(), ["/a.m3u8", "/init", "/1", "/1", "/init", "/1"]);
}

#[tokio::test]
async fn a_refusal_is_a_segment_that_is_gone_once_there_was_one() {
    let check = async |body: &str, expected: (ErrorKind, &str)| {
        let files = BTreeMap::from([("/a.m3u8", playlist(body)), ("/1", sound())]);
        let (address, _) = server(files).await;
        assert_eq!(play(&address, "").await, (expected.0, expected.1.to_owned()));
    };
    let closed = "#EXTINF:0.1,\nclosed\n";
    check(closed, (ErrorKind::Unauthorized, "HOST answers 403 Forbidden")).await;
    let one = "#EXTINF:0.1,\n1\n";
    check(&[one, closed, one].concat(), (ErrorKind::Ended, "HOST has been played to its end")).await;
    let text = "HOST: 5 segments in a row could not be had; HOST answers 403 Forbidden";
    check(&[one, &closed.repeat(9)].concat(), (ErrorKind::Retry, text)).await;
}

#[tokio::test]
async fn a_playlist_that_stalls_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serve = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n#EXTM3U\n").await.unwrap();
        socket
    };
    let source = Source::parse(&format!("http://{address}/a.m3u8")).unwrap();
    let mut client = Client::new(source.clone(), Route::of_owner());
    let (_socket, reply) = tokio::join!(serve, client.get(&source.url));
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let attach = stream.sources()[0].attach();
    // From here on the clock goes on to what is waited for.
    tokio::time::pause();
    let playing = super::run(&source, client, (reply.unwrap(), epoch()), attach, Label::default());
    let error = playing.await.unwrap_err();
    assert_eq!((error.kind, error.text), (ErrorKind::Retry, format!("{address} takes longer than 30 s")));
}

#[tokio::test]
async fn the_quality_that_is_wanted_and_the_sound_beside_it_are_fetched() {
    let qualities = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"x\",URI=\"sound.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=100000\nlow.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=900000,AUDIO=\"g\"\nhigh.m3u8\n";
    let list = playlist("#EXTINF:0.1,\n1\n");
    let files = || {
        let text = qualities.as_bytes().to_vec();
        BTreeMap::from([
            ("/a.m3u8", text),
            ("/low.m3u8", list.clone()),
            ("/high.m3u8", list.clone()),
            ("/sound.m3u8", list.clone()),
            ("/1", sound()),
        ])
    };
    for (parameters, expected) in
        [("#variant=500k", &["/low.m3u8"][..]), ("", &["/high.m3u8", "/sound.m3u8"])]
    {
        let (address, seen) = server(files()).await;
        assert_eq!(play(&address, parameters).await.0, ErrorKind::Ended);
        let mut lists: Vec<String> = seen.lock().unwrap().drain(1..).filter(|path| path != "/1").collect();
        lists.sort();
        assert_eq!(lists, expected);
    }
}

#[tokio::test]
async fn what_cannot_be_played_is_told() {
    let check = async |body: &str, expected: (ErrorKind, &str)| {
        let files = BTreeMap::from([
            ("/a.m3u8", playlist(body)),
            ("/1", sound()),
            ("/words", b"no media at all".repeat(60)),
        ]);
        let (address, _) = server(files).await;
        let (kind, text) = play(&address, "").await;
        assert!(kind == expected.0 && text.starts_with(expected.1), "{kind:?} {text}");
    };
    let sample_aes = "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n#EXTINF:1,\n1\n";
    check(
        sample_aes,
        (ErrorKind::Unsupported, "HOST: encrypts its media by SAMPLE-AES; only AES-128 is supported"),
    )
    .await;
    let short = "#EXT-X-KEY:METHOD=AES-128,URI=\"words\"\n#EXTINF:1,\n1\n";
    check(short, (ErrorKind::PeerViolation, "HOST: gives a key of 900 bytes, expected 16")).await;
    check(
        "#EXTINF:1,\nfile:///etc/passwd\n",
        (ErrorKind::PeerViolation, "HOST lists what is no HTTP address"),
    )
    .await;
    let text = "HOST: gives a segment that cannot be read: this is neither MPEG-TS";
    check("#EXTINF:1,\nwords\n", (ErrorKind::Unsupported, text)).await;
    check("#EXTINF:x,\n1\n", (ErrorKind::PeerViolation, "HOST: the playlist has \"x\" in EXTINF")).await;
    let gone = "#EXTINF:1,\nx\n".repeat(9);
    let text = "HOST: 5 segments in a row could not be had; HOST answers 404 Not Found";
    check(&gone, (ErrorKind::Retry, text)).await;
}
