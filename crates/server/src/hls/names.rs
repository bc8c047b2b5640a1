//! What segments, parts and init segments are called in playlists, and read back from the addresses of requests.
//!
//! Media below `/NAME/hls/` stands in a folder of its own for each start of an output, so that nothing between us and the
//! player ever takes a segment for one of the same number of another start. Transport streams have the plain names that old
//! players know; their numbers alone keep starts apart (see `first_msn` in [`super::output`]).

use std::fmt::Write as _;
use yeoul_hls::Names;

/// One piece of media, as an address names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// The init segment of this version.
    Init(u64),
    /// The segment of this Media Sequence Number.
    Segment(u64),
    /// The part of this number.
    Part(u64),
}

/// For sentences.
impl std::fmt::Display for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Init(version) => write!(f, "init segment {version}"),
            Self::Segment(msn) => write!(f, "segment {msn}"),
            Self::Part(number) => write!(f, "part {number}"),
        }
    }
}

impl Piece {
    /// Reads `init0.mp4`, `segment12.m4s`, `segment12.ts`, `part99.m4s`.
    pub(super) fn parse(file: &str) -> Option<Self> {
        let (stem, ending) = file.rsplit_once('.')?;
        let number = |prefix: &str| number(stem.strip_prefix(prefix)?);
        match ending {
            "mp4" => number("init").map(Self::Init),
            "m4s" => number("segment").map(Self::Segment).or_else(|| number("part").map(Self::Part)),
            "ts" => number("segment").map(Self::Segment),
            _ => None,
        }
    }
}

/// A decimal number as we write it: no sign, no zeros in front, so that one piece has one address.
pub(super) fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

/// Names in a folder of the output's own: `k3v9x1/segment12.m4s`.
#[derive(Debug)]
pub(super) struct FolderNames(pub(super) String);

impl Names for FolderNames {
    fn init(&self, version: u64, out: &mut String) {
        let _ = write!(out, "{}/init{version}.mp4", self.0);
    }

    fn segment(&self, msn: u64, out: &mut String) {
        let _ = write!(out, "{}/segment{msn}.m4s", self.0);
    }

    fn part(&self, number: u64, out: &mut String) {
        let _ = write!(out, "{}/part{number}.m4s", self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_name_of_ours_is_nothing() {
        for file in [
            "",
            "segment.ts",
            "segment01.m4s",
            "segment+1.ts",
            "segment1.mp4",
            "init0.m4s",
            "part1.ts",
            "../a",
            "segment18446744073709551616.ts",
        ] {
            assert_eq!(Piece::parse(file), None, "{file}");
        }
        assert_eq!(Piece::parse("segment7.ts"), Some(Piece::Segment(7)));
    }

    proptest! {
        #[test]
        fn no_file_name_panics(file in "\\PC{0,40}|(segment|part|init)[0-9]{0,30}\\.(ts|m4s|mp4)") {
            let _ = Piece::parse(&file);
        }

        #[test]
        fn names_are_read_back(number: u64) {
            let names = FolderNames("ab".to_owned());
            let read = |write: &dyn Fn(&mut String)| {
                let mut text = String::new();
                write(&mut text);
                Piece::parse(text.strip_prefix("ab/").expect("the folder"))
            };
            prop_assert_eq!(read(&|out| names.init(number, out)), Some(Piece::Init(number)));
            prop_assert_eq!(read(&|out| names.segment(number, out)), Some(Piece::Segment(number)));
            prop_assert_eq!(read(&|out| names.part(number, out)), Some(Piece::Part(number)));
        }
    }
}
