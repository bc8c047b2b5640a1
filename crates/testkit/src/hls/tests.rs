//! The checker objects to what is wrong, and to nothing else.

use super::*;

/// A playlist as it should be: two segments, one in progress, with parts.
const GOOD: &str = "#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:1
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=6.0,HOLD-BACK=3.0,PART-HOLD-BACK=1.5
#EXT-X-PART-INF:PART-TARGET=0.5
#EXT-X-MEDIA-SEQUENCE:4
#EXT-X-DISCONTINUITY-SEQUENCE:1
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI=\"init0.mp4\"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z
#EXTINF:1.00000,
segment4.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:01.000Z
#EXT-X-PART:URI=\"part10.m4s\",DURATION=0.50000,INDEPENDENT=YES
#EXT-X-PART:URI=\"part11.m4s\",DURATION=0.50000
#EXTINF:1.00000,
segment5.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z
#EXT-X-PART:URI=\"part12.m4s\",DURATION=0.50000,INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part13.m4s\"
#EXT-X-RENDITION-REPORT:URI=\"low.m3u8\",LAST-MSN=6,LAST-PART=0
";

fn sections(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.section).collect()
}

/// The good playlist with one text replaced by another breaks one rule.
fn check(from: &str, to: &str, section: &'static str) {
    assert!(GOOD.contains(from), "{from} is in the playlist");
    let findings = check_media(&GOOD.replacen(from, to, 1));
    assert_eq!(sections(&findings).first(), Some(&section), "{from:?} becomes {to:?}: {findings:?}");
}

#[test]
fn a_good_playlist_has_no_findings() {
    assert_eq!(check_media(GOOD), []);
    let (playlist, _) = MediaPlaylist::read(GOOD);
    assert_eq!(playlist.last(), Some((6, 1)));
    assert_eq!(playlist.duration(), 2_500_000_000);
    assert_eq!(playlist.segments[1].discontinuity_number, 1);
}

#[test]
fn each_rule_of_one_load_is_told_by_its_section() {
    check("#EXTM3U\n", "\n#EXTM3U\n", "4.4.1.1");
    check("init0", "init\u{7}0", "4.1");
    check("#EXT-X-MEDIA-SEQUENCE:4\n", "#EXT-X-MEDIA-SEQUENCE:4\n#EXT-X-VERSION:6\n", "4.4.3");
    check("#EXT-X-MAP:", "#EXT-X-STREAM-INF:", "4.4.6");
    check("#EXT-X-MEDIA-SEQUENCE:4\n", "#EXT-X-MEDIA-SEQUENCE:4\n#EXT-X-PLAYLIST-TYPE:EVENT\n", "6.2.2");
    check("TARGETDURATION:1\n", "TARGETDURATION:0\n", "4.4.3.1");
    check("#EXTINF:1.00000,\nsegment4", "#EXTINF:1.50000,\nsegment4", "4.4.3.1");
    check("PART-HOLD-BACK=1.5", "PART-HOLD-BACK=0.9", "4.4.3.8");
    check(",PART-HOLD-BACK=1.5", "", "4.4.3.8");
    check("HOLD-BACK=3.0,", "HOLD-BACK=2.9,", "4.4.3.8");
    check("CAN-SKIP-UNTIL=6.0", "CAN-SKIP-UNTIL=5.9", "4.4.3.8");
    check("00:00:01.000Z", "00:00:00.000Z", "6.2.1");
    check("00:00:01.000Z", "00:00:01Z", "4.4.4.6");
    check("DURATION=0.50000\n", "DURATION=0.50001\n", "4.4.4.9");
    check("part12.m4s\",DURATION=0.50000,INDEPENDENT=YES", "part12.m4s\",DURATION=0.5", "4.4.2.1");
    check("#EXTINF:1.00000,\nsegment5", "segment5", "4.4.4.1");
    check("part13", "part12", "4.4.5.3");
    check("TYPE=PART", "TYPE=SEGMENT", "4.4.5.3");
    check("URI=\"low.m3u8\"", "URI=\"/low.m3u8\"", "4.4.5.4");
    check("VERSION:6", "VERSION:5", "8");
    check("CAN-BLOCK-RELOAD=YES,", "", "B.1");
    check("#EXT-X-MAP:URI=\"init0.mp4\"\n", "#EXT-X-MAP:URI=init0.mp4\n", "4.2");
}

#[test]
fn short_parts_are_allowed_at_the_end_of_a_segment_only() {
    let short = |part: &str| {
        let good = format!("{part}.m4s\",DURATION=0.50000");
        check_media(&GOOD.replace(&good, &format!("{part}.m4s\",DURATION=0.40000")))
    };
    assert_eq!(short("part11"), []);
    let not_last =
        GOOD.replace("#EXT-X-PRELOAD", "#EXT-X-PART:URI=\"part13.m4s\",DURATION=0.40000\n#EXT-X-PRELOAD");
    let findings = check_media(&not_last.replace("URI=\"part13.m4s\"\n", "URI=\"part14.m4s\"\n"));
    assert_eq!(sections(&findings), ["4.4.4.9"]);
}

/// Loads the good playlist, then one with a text replaced.
fn reload(from: &str, to: &str) -> Vec<Finding> {
    let mut checker = Checker::new();
    assert_eq!(checker.load(GOOD), []);
    assert!(GOOD.contains(from), "{from} is in the playlist");
    checker.load(&GOOD.replacen(from, to, 1))
}

#[test]
fn a_playlist_may_grow_by_the_part_that_was_hinted_at() {
    let next =
        "#EXT-X-PART:URI=\"part13.m4s\",DURATION=0.50000\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part14.m4s\"";
    assert_eq!(reload("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part13.m4s\"", next), []);
    let wrong = next.replace("14", "16").replace("13", "15");
    let findings = reload("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part13.m4s\"", &wrong);
    assert_eq!(sections(&findings), ["4.4.5.3"]);
}

#[test]
fn each_rule_of_a_reload_is_told_by_its_section() {
    let check = |from: &str, to: &str, expected: &[&str]| {
        let findings = reload(from, to);
        assert_eq!(sections(&findings), expected, "{from:?} becomes {to:?}: {findings:?}");
    };
    check("TARGETDURATION:1", "TARGETDURATION:1\n#EXT-X-START:TIME-OFFSET=0", &["6.2.1"]);
    check("segment4.m4s", "other.m4s", &["6.2.1"]);
    check("part10.m4s", "other.m4s", &["6.2.1"]);
    check("DISCONTINUITY-SEQUENCE:1", "DISCONTINUITY-SEQUENCE:0", &["6.2.2", "6.2.2", "6.2.2"]);
    check("LAST-MSN=6", "LAST-MSN=5", &["4.4.5.4"]);
    check("#EXT-X-PART:URI=\"part12.m4s\",DURATION=0.50000,INDEPENDENT=YES\n", "", &["6.2.1"]);
    let first = "#EXT-X-MAP:URI=\"init0.mp4\"
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z
#EXTINF:1.00000,
segment4.m4s
";
    let mut checker = Checker::new();
    assert_eq!(checker.load(GOOD), []);
    let shorter = GOOD.replace(first, "#EXT-X-MAP:URI=\"init0.mp4\"\n").replace("SEQUENCE:4", "SEQUENCE:5");
    assert_eq!(sections(&checker.load(&shorter)), ["6.2.2"], "less than three target durations remain");
}

#[test]
fn a_new_playlist_in_the_same_place_may_promise_something_else() {
    let mut checker = Checker::new();
    assert_eq!(checker.load(GOOD), []);
    checker.starts_anew();
    let other = GOOD
        .replace("TARGETDURATION:1", "TARGETDURATION:2")
        .replace("6.0,HOLD-BACK=3.0", "12.0,HOLD-BACK=6.0");
    assert_eq!(checker.load(&other), []);
}

/// A playlist of `count` segments of one second, from `first` on.
fn plain(first: u64, count: u64, skip: Option<u64>) -> String {
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:{}\n#EXT-X-TARGETDURATION:1\n#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=6.0\n\
         #EXT-X-MEDIA-SEQUENCE:{first}\n",
        if skip.is_some() { 9 } else { 6 },
    );
    let skipped = skip.unwrap_or(0);
    match skip {
        Some(count) => text.push_str(&format!("#EXT-X-SKIP:SKIPPED-SEGMENTS={count}\n")),
        None => text.push_str("#EXT-X-MAP:URI=\"init0.mp4\"\n"),
    }
    for msn in first + skipped..first + count {
        text.push_str(&format!("#EXTINF:1.00000,\nsegment{msn}.m4s\n"));
    }
    text
}

#[test]
fn a_delta_update_is_the_whole_playlist_once_merged() {
    let mut checker = Checker::new();
    assert_eq!(checker.load(&plain(0, 10, None)), []);
    assert_eq!(checker.load_delta(&plain(1, 10, Some(4))), []);
    let merged = checker.playlist().cloned().expect("it was loaded");
    let (whole, _) = MediaPlaylist::read(&plain(1, 10, None));
    let names = |playlist: &MediaPlaylist| -> Vec<_> {
        playlist
            .segments
            .iter()
            .map(|segment| (segment.msn, segment.uri.clone(), segment.map.clone()))
            .collect()
    };
    assert_eq!(names(&merged), names(&whole));
    assert_eq!(sections(&checker.load_delta(&plain(2, 10, Some(5)))), ["6.2.5.1"], "within the boundary");
    assert_eq!(sections(&checker.load_delta(&plain(40, 10, Some(4)))), ["6.2.5.1"], "never seen");
    assert_eq!(sections(&checker.load(&plain(2, 10, Some(4)))).first(), Some(&"6.2.5.1"), "not asked for");
}

const MULTIVARIANT: &str = "#EXTM3U
#EXT-X-VERSION:6
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"Sound\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"sound.m3u8\"
#EXT-X-STREAM-INF:BANDWIDTH=4200000,AVERAGE-BANDWIDTH=4000000,CODECS=\"avc1.640028,mp4a.40.2\",RESOLUTION=1920x1080,FRAME-RATE=25.000,AUDIO=\"sound\"
high.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=600000,CODECS=\"avc1.64001e,mp4a.40.2\",RESOLUTION=640x360,AUDIO=\"sound\"
low.m3u8
";

#[test]
fn a_multivariant_playlist_is_read_and_checked() {
    let (playlist, findings) = check_multivariant(MULTIVARIANT);
    assert_eq!(findings, []);
    assert_eq!(playlist.variants[0].resolution, Some((1920, 1080)));
    assert_eq!(playlist.variants[0].frame_rate, Some(25_000));
    let check = |from: &str, to: &str, section: &'static str| {
        let (_, findings) = check_multivariant(&MULTIVARIANT.replacen(from, to, 1));
        assert_eq!(sections(&findings).first(), Some(&section), "{from:?} becomes {to:?}: {findings:?}");
    };
    check("BANDWIDTH=600000,", "", "4.4.6.2");
    check("high.m3u8\n", "", "4.4.6.2");
    check("25.000", "25.0000", "4.4.6.2");
    check("AVERAGE-BANDWIDTH=4000000", "AVERAGE-BANDWIDTH=5000000", "4.4.6.2");
    check("GROUP-ID=\"sound\"", "GROUP-ID=\"speech\"", "4.4.6.2");
    check(",NAME=\"Sound\"", "", "4.4.6.1");
    check("AUTOSELECT=YES", "AUTOSELECT=NO", "4.4.6.1");
    check("#EXT-X-VERSION:6", "#EXT-X-TARGETDURATION:6", "4.4.6");
}
