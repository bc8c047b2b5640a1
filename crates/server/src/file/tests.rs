//! What names a file, and files that cannot be played.

use super::reading::{Opened, open};
use super::*;
use std::fs;

#[test]
fn a_path_is_taken_apart() {
    let check = |text: &str, path: &str, repeats: bool, start: u64| {
        let source = Source::parse(text).unwrap();
        let expected = (PathBuf::from(path), repeats, Duration::from_secs(start));
        assert_eq!((source.path, source.repeats, source.start), expected, "{text}");
    };
    check("file:movie.mp4", "movie.mp4", false, 0);
    check("file:a b%20.mp4#loop", "a b%20.mp4", true, 0);
    check("file:/media/a.ts#start=1:00:30#loop", "/media/a.ts", true, 3630);
    check("file:///media/a%20%23b.mp4#start=90", "/media/a #b.mp4", false, 90);
    check("file://localhost/a.mp4", "/a.mp4", false, 0);
}

#[test]
fn what_is_no_path_is_refused_in_words() {
    let check = |text: &str, expected: &str| {
        assert_eq!(Source::parse(text).unwrap_err().to_string(), expected, "{text}");
    };
    check("file:", "expected the path of a file such as file:movie.mp4 or file:///media/movie.mp4");
    check("file://host/a", "expected the path of a file such as file:movie.mp4 or file:///media/movie.mp4");
    check("file:a#start=x", "#start=x: expected seconds from its beginning such as 90, or 0:01:30");
    check("file:a#lop", "#lop means nothing to a file; known are loop and start");
}

#[test]
fn what_cannot_be_opened_is_told() {
    let folder = std::env::temp_dir().join(format!("yeoul-file-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let check = |path: &str, expected: Result<bool, &str>| {
        let source = Source::parse(&format!("file:{path}")).unwrap();
        let opened =
            open(&source).map(|opened| matches!(opened, Opened::Ours(..))).map_err(|error| error.text);
        assert_eq!(opened, expected.map_err(str::to_owned), "{path}");
    };
    let inside = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let gone = inside("gone.mp4");
    check(&gone, Err(&format!("gone.mp4 is not there: {gone}")));
    check(
        folder.to_str().unwrap(),
        Err(&format!("{} is a directory, not a file", folder.file_name().unwrap().display())),
    );
    check("/dev/null", Err("null is a device or a pipe, not a file; ffmpeg: and exec: read those"));
    let empty = inside("empty.mp4");
    fs::write(&empty, b"").unwrap();
    check(&empty, Err("empty.mp4 is empty"));
    for (name, head, is_ours) in
        [("a.mkv", &b"\x1a\x45\xdf\xa3 and so on"[..], false), ("a.flv", b"FLV\x01 and so on", true)]
    {
        let path = inside(name);
        fs::write(&path, head).unwrap();
        check(&path, Ok(is_ours));
    }
    let error = Source::parse("file:no/such.mp4").map(|source| open(&source).err().unwrap().text).unwrap();
    assert!(error.starts_with("such.mp4 is not there: no/such.mp4 in the working directory, /"), "{error}");
    fs::remove_dir_all(folder).unwrap();
}
