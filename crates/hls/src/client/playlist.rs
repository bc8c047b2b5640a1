//! What a playlist's text turns out to be.

use super::media::Media;
use super::multivariant::Multivariant;

/// A playlist.
#[derive(Clone, Debug, PartialEq)]
pub enum Playlist {
    /// One that lists qualities.
    Multivariant(Multivariant),
    /// One that lists segments.
    Media(Media),
}

/// Why a text is no playlist that can be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaylistError {
    /// Something else.
    #[error("the playlist does not begin with #EXTM3U")]
    NoPlaylist,
    /// A number that is none, or beyond all reason.
    #[error("the playlist has {value:?} in {tag}, where a number belongs")]
    Number {
        /// The tag.
        tag: &'static str,
        /// What stands there, the beginning of it.
        value: String,
    },
    /// An attribute that has to be there.
    #[error("the playlist has {tag} without {attribute}")]
    Missing {
        /// The tag.
        tag: &'static str,
        /// The attribute.
        attribute: &'static str,
    },
    /// More than a playlist has.
    #[error("the playlist has more than {most} {what}")]
    TooMany {
        /// Entries of which kind.
        what: &'static str,
        /// The bound.
        most: usize,
    },
    /// One kind was expected and the other one came.
    #[error("the playlist of a quality lists qualities again")]
    Nested,
}

impl PlaylistError {
    pub(super) fn number(tag: &'static str, value: &str) -> Self {
        Self::Number { tag, value: value.chars().take(40).collect() }
    }
}

impl Playlist {
    /// Reads a playlist of either kind.
    ///
    /// # Errors
    /// If it is none, or cannot be played.
    pub fn parse(text: &str) -> Result<Self, PlaylistError> {
        let text = text.trim_start_matches('\u{feff}');
        if !text.starts_with("#EXTM3U") {
            return Err(PlaylistError::NoPlaylist);
        }
        if text.lines().any(|line| line.starts_with("#EXT-X-STREAM-INF:")) {
            return Multivariant::parse(text).map(Self::Multivariant);
        }
        Media::parse(text).map(Self::Media)
    }

    /// The Media Playlist that this has to be.
    ///
    /// # Errors
    /// If it is the other kind.
    pub fn into_media(self) -> Result<Media, PlaylistError> {
        match self {
            Self::Media(media) => Ok(media),
            Self::Multivariant(_) => Err(PlaylistError::Nested),
        }
    }
}

/// Lines that say something, as tag and value; the value of an address is the whole line, and its tag empty.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(
        |line| if line.starts_with('#') { line.split_once(':').unwrap_or((line, "")) } else { ("", line) },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_playlist_panics(lines in proptest::collection::vec(
            "#EXT(INF|-X-(PART|PART-INF|MAP|KEY|BYTERANGE|MEDIA-SEQUENCE|DISCONTINUITY|DISCONTINUITY-SEQUENCE|START|TARGETDURATION|SERVER-CONTROL|GAP|MEDIA|STREAM-INF)):[A-Z]{0,3}=?\"?[-0-9.@xe,=\"a-zA-Z]{0,24}|[a-z]{1,4}",
            0..12,
        )) {
            let _ = Playlist::parse(&format!("#EXTM3U\n{}", lines.join("\n")));
        }
    }

    #[test]
    fn the_kinds_are_told_apart() {
        let check = |text: &str, expected: &str| {
            let told = match Playlist::parse(text) {
                Ok(Playlist::Multivariant(_)) => "multivariant".to_owned(),
                Ok(Playlist::Media(_)) => "media".to_owned(),
                Err(error) => error.to_string(),
            };
            assert_eq!(told, expected, "{text}");
        };
        check("\u{feff}#EXTM3U\n#EXTINF:1,\na.ts\n", "media");
        check("#EXTM3U\r\n#EXT-X-STREAM-INF:BANDWIDTH=1\r\na.m3u8\r\n", "multivariant");
        check("<html>", "the playlist does not begin with #EXTM3U");
        check("#EXTM3U\n#EXTINF:x,\na.ts\n", "the playlist has \"x\" in EXTINF, where a number belongs");
        check("#EXTM3U\n#EXT-X-MAP:\n", "the playlist has EXT-X-MAP without URI");
    }
}
