//! Targets of `yeoul-hls`: what a request for a playlist asks for; playlists and segments of others.

use std::time::Duration;
use yeoul_container::{Event, adts};
use yeoul_hls::client::{Choice, Output, PackedAudio, Playlist, Reader};
use yeoul_hls::{Directives, Position, Reload};
use yeoul_media::bitstream::aac::AudioSpecificConfig;
use yeoul_testkit as testkit;

/// The query of a playlist's URI, and whether it can be answered.
pub fn hls_directives(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else { return };
    let Ok(directives) = Directives::parse(query) else { return };
    assert!(directives.msn.is_some() || directives.part.is_none());
    let live = Position {
        open_msn: 10,
        open_parts: 2,
        last_parts: 5,
        part_target: Some(Duration::from_millis(200)),
        can_block: true,
        ended: false,
    };
    let last =
        Position { open_msn: u64::MAX, open_parts: u64::MAX, part_target: Some(Duration::ZERO), ..live };
    for position in [live, last, Position { part_target: None, ..live }] {
        let now = position.reload(&directives);
        // What is there stays there, and what has ended makes nobody wait.
        let later = Position { open_msn: position.open_msn.saturating_add(2), ..position };
        if now == Ok(Reload::Ready) {
            assert_eq!(later.reload(&directives), Ok(Reload::Ready), "{query}");
        }
        assert_eq!(Position { ended: true, ..position }.reload(&directives), Ok(Reload::Ready), "{query}");
    }
}

/// Seeds of [`hls_directives`].
pub fn hls_directives_seeds() -> Vec<Vec<u8>> {
    let queries = [
        "",
        "_HLS_msn=10&_HLS_part=2&_HLS_skip=YES",
        "token=a%20b&_HLS_msn=9",
        "_HLS_skip=v2&_HLS_part=1&_HLS_msn=18446744073709551615",
    ];
    queries.iter().map(|query| query.as_bytes().to_vec()).collect()
}

/// Playlists, a zero byte between two of them, as a server would give them one after another: each is read, a quality is chosen, and a
/// reader goes through. Nothing is fetched twice, and what can be fetched comes to an end.
pub fn m3u8(data: &[u8]) {
    let mut reader = Reader::default();
    let mut now = testkit::epoch();
    let mut last = None;
    for text in data.split(|&byte| byte == 0) {
        now += Duration::from_secs(1);
        match Playlist::parse(&String::from_utf8_lossy(text)) {
            Ok(Playlist::Multivariant(playlist)) => {
                for choice in
                    [Choice::Best, Choice::Place(2), Choice::MostBits(1_000_000), Choice::Height(720)]
                {
                    let variant = playlist.choose(choice);
                    assert_eq!(variant.is_none(), playlist.variants.is_empty());
                    variant.map(|variant| playlist.sound_of(variant));
                }
            }
            Ok(Playlist::Media(media)) => {
                if reader.handle_playlist(media, now, now).is_err() {
                    return;
                }
            }
            Err(_) => {
                if reader.handle_no_playlist(now).is_err() {
                    return;
                }
            }
        }
        while let Output::Segment(fetch) = reader.poll_output(now) {
            let place = (fetch.timeline >> 48, fetch.segment.number);
            assert!(last.is_none_or(|last| last < place) || place.1 == u64::MAX, "{place:?} after {last:?}");
            last = Some(place);
            if fetch.segment.number % 7 == 3 {
                if reader.handle_no_segment(true, now).is_err() {
                    return;
                }
            } else {
                reader.handle_segment();
            }
        }
    }
}

/// Seeds of [`m3u8`].
pub fn m3u8_seeds() -> Vec<Vec<u8>> {
    let live = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-MAP:URI=\"i.mp4\",BYTERANGE=\"9@0\"\n\
        #EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x0a\n#EXTINF:2,\na\n#EXT-X-DISCONTINUITY\n#EXTINF:1.5,\n#EXT-X-BYTERANGE:5@9\nb\n\
        #EXT-X-GAP\n#EXTINF:2,\nc\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:2,\nd\n";
    let later = live.replace("SEQUENCE:7", "SEQUENCE:9");
    let anew = live.replace("SEQUENCE:7", "SEQUENCE:0");
    let ended = format!("{later}#EXT-X-START:TIME-OFFSET=-4.5\n#EXT-X-ENDLIST\n");
    let qualities = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",DEFAULT=YES,URI=\"s.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,CODECS=\"avc1.4d401e,mp4a.40.2\",AUDIO=\"a\"\nl.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=5000000,RESOLUTION=1920x1080\nh.m3u8\n";
    let parts = "#EXTM3U\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES\n#EXT-X-PART-INF:PART-TARGET=0.2\n\
        #EXT-X-PART:DURATION=0.2,URI=\"p\",BYTERANGE=\"5@1\",INDEPENDENT=YES\n#EXTINF:1,\ne\n#EXT-X-PART:DURATION=0.2,URI=\"q\"\n";
    let seeds =
        [live.to_owned(), [live, &later, &ended].join("\0"), [live, &anew, &anew, qualities].join("\0")];
    seeds.into_iter().chain([qualities.to_owned(), parts.to_owned()]).map(String::into_bytes).collect()
}

/// Segments of packed audio, a zero byte between two: time goes on within one.
pub fn packed_audio(data: &[u8]) {
    let mut packed = PackedAudio::default();
    let mut tracks = 0;
    for segment in data.split(|&byte| byte == 0xee) {
        let mut last = None;
        for event in packed.read(segment, testkit::epoch()) {
            match event {
                Event::Tracks(_) => tracks += 1,
                Event::Frame(frame) => {
                    assert!(last.is_none_or(|last| last < frame.dts) && !frame.data.is_empty());
                    last = Some(frame.dts);
                }
            }
        }
    }
    assert!(tracks <= 1);
}

/// Seeds of [`packed_audio`].
pub fn packed_audio_seeds() -> Vec<Vec<u8>> {
    let config = AudioSpecificConfig::low_complexity(48_000, 2).expect("a usual one");
    let header = adts::Header::of(&config).and_then(|header| header.write(9)).expect("a usual one");
    let sound = [&header[..], &[7; 9]].concat().repeat(3);
    let owner = b"com.apple.streaming.transportStreamTimestamp\0";
    let tag = [b"ID3\x04\0\0\0\0\0\x3fPRIV\0\0\0\x35\0\0", &owner[..], &[0, 0, 0, 0, 0, 1, 95, 144]].concat();
    vec![sound.clone(), [tag, sound].concat()]
}
