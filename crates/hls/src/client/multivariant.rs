//! Multivariant Playlists (RFC 8216 §4.3.4): the qualities of a presentation, and sound that is told apart from them.

use super::PlaylistError;
use super::attributes::{Attributes, whole};
use super::choice::Choice;
use super::playlist::lines;
use crate::limits::MAX_READ_VARIANTS;

/// A Multivariant Playlist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Multivariant {
    /// Its qualities in their order.
    pub variants: Vec<Variant>,
    /// Renditions of sound (`EXT-X-MEDIA:TYPE=AUDIO`) in their order.
    pub sounds: Vec<Rendition>,
}

/// One quality.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variant {
    /// Its Media Playlist, relative to this one.
    pub uri: String,
    /// Bits a second at most.
    pub bandwidth: u64,
    /// Lines of its picture, where they are told.
    pub height: Option<u32>,
    /// `CODECS` as it stands.
    pub codecs: String,
    /// The group of its sounds.
    pub audio: Option<String>,
}

/// One rendition of sound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendition {
    group: String,
    /// Its Media Playlist; `None` is inside the variant.
    pub uri: Option<String>,
    is_default: bool,
    is_automatic: bool,
}

impl Multivariant {
    /// The variant to play; `None` if there is none at all.
    #[must_use]
    pub fn choose(&self, choice: Choice) -> Option<&Variant> {
        let playable = || self.variants.iter().filter(|variant| variant.can_be_read());
        // Where nothing can be read by what it says, what it says may be wrong.
        let mut candidates: Vec<&Variant> = playable().collect();
        if candidates.is_empty() {
            candidates = self.variants.iter().collect();
        }
        let best = || candidates.iter().copied().max_by_key(|variant| variant.bandwidth);
        let least = || candidates.iter().copied().min_by_key(|variant| variant.bandwidth);
        match choice {
            Choice::Best => best(),
            Choice::Place(place) => {
                self.variants.get(place.saturating_sub(1)).or_else(|| self.variants.last())
            }
            Choice::MostBits(most) => {
                let below = candidates.iter().copied().filter(|variant| variant.bandwidth <= most);
                below.max_by_key(|variant| variant.bandwidth).or_else(least)
            }
            Choice::Height(most) => {
                let below = candidates
                    .iter()
                    .copied()
                    .filter(|variant| variant.height.is_some_and(|height| height <= most));
                below.max_by_key(|variant| (variant.height, variant.bandwidth)).or_else(least)
            }
        }
    }

    /// The sound that is fetched beside a variant, if it has such.
    #[must_use]
    pub fn sound_of(&self, variant: &Variant) -> Option<&Rendition> {
        let group = variant.audio.as_deref()?;
        let of_group = || self.sounds.iter().filter(|sound| sound.group == group);
        let chosen = of_group()
            .find(|sound| sound.is_default)
            .or_else(|| of_group().find(|sound| sound.is_automatic))
            .or_else(|| of_group().next())?;
        chosen.uri.is_some().then_some(chosen)
    }

    pub(super) fn parse(text: &str) -> Result<Self, PlaylistError> {
        let mut playlist = Self::default();
        let mut open = None;
        for (tag, value) in lines(text) {
            let list = Attributes(value);
            match tag {
                "#EXT-X-STREAM-INF" => open = Some(Variant::read(list)?),
                "#EXT-X-MEDIA" if list.get("TYPE") == Some("AUDIO") => {
                    playlist.sounds.push(Rendition::read(list)?);
                }
                "" => playlist
                    .variants
                    .extend(open.take().map(|variant| Variant { uri: value.to_owned(), ..variant })),
                _ => {}
            }
            if playlist.variants.len().max(playlist.sounds.len()) > MAX_READ_VARIANTS {
                return Err(PlaylistError::TooMany { what: "qualities", most: MAX_READ_VARIANTS });
            }
        }
        Ok(playlist)
    }
}

impl Variant {
    fn read(list: Attributes<'_>) -> Result<Self, PlaylistError> {
        let bandwidth = list.get("BANDWIDTH").map_or(Ok(0), |text| whole("EXT-X-STREAM-INF", text))?;
        let height = list.get("RESOLUTION").and_then(|size| size.split_once(['x', 'X'])?.1.parse().ok());
        let own = |name| list.get(name).unwrap_or_default().to_owned();
        Ok(Self {
            uri: String::new(),
            bandwidth,
            height,
            codecs: own("CODECS"),
            audio: list.get("AUDIO").map(str::to_owned),
        })
    }

    /// Whether the picture's coding, as far as it is told, is one that is read: qualities for other players stand beside.
    fn can_be_read(&self) -> bool {
        const READ: &[&str] = &["avc1", "avc3", "hvc1", "hev1", "av01", "vp09"];
        const FOREIGN: &[&str] = &["dvh1", "dvhe", "dva1", "dvav", "vvc1", "mjpg"];
        let is = |names: &[&str]| {
            self.codecs.split(',').any(|codec| names.iter().any(|name| codec.trim().starts_with(name)))
        };
        self.codecs.is_empty() || is(READ) || (!is(FOREIGN) && self.height.is_none())
    }
}

impl Rendition {
    fn read(list: Attributes<'_>) -> Result<Self, PlaylistError> {
        Ok(Self {
            group: list.required("EXT-X-MEDIA", "GROUP-ID")?.to_owned(),
            uri: list.get("URI").map(str::to_owned),
            is_default: list.get("DEFAULT") == Some("YES"),
            is_automatic: list.get("AUTOSELECT") == Some("YES"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Playlist;

    const TEXT: &str = "#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Deutsch\",URI=\"de.m3u8\"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"English, as spoken\",DEFAULT=YES,URI=\"en.m3u8\"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"inside\",NAME=\"x\",DEFAULT=YES
#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,CODECS=\"avc1.4d401e,mp4a.40.2\",AUDIO=\"a\"

low.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=5000000,RESOLUTION=1920x1080,CODECS=\"avc1.640028,mp4a.40.2\",AUDIO=\"inside\"
high.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2500000,RESOLUTION=1280x720,CODECS=\"avc1.64001f\"
middle.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=9000000,RESOLUTION=3840x2160,CODECS=\"dvh1.05.06\"
vision.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS=\"mp4a.40.2\"
sound.m3u8
";

    fn read() -> Multivariant {
        match Playlist::parse(TEXT).unwrap() {
            Playlist::Multivariant(playlist) => playlist,
            Playlist::Media(_) => panic!("it has qualities"),
        }
    }

    #[test]
    fn a_quality_is_chosen() {
        let playlist = read();
        let check = |choice: &str, expected: &str| {
            let chosen = playlist.choose(choice.parse().unwrap());
            assert_eq!(chosen.map(|variant| variant.uri.as_str()), Some(expected), "{choice}");
        };
        check("best", "high.m3u8");
        check("3000000", "middle.m3u8");
        check("3M", "middle.m3u8");
        check("1000k", "low.m3u8");
        check("1000", "sound.m3u8");
        check("720p", "middle.m3u8");
        check("1000p", "middle.m3u8");
        check("4", "vision.m3u8");
        check("99", "sound.m3u8");
    }

    #[test]
    fn sound_beside_a_quality_is_its_groups_default() {
        let playlist = read();
        let sounds: Vec<_> = playlist
            .variants
            .iter()
            .map(|variant| playlist.sound_of(variant).and_then(|sound| sound.uri.as_deref()))
            .collect();
        assert_eq!(sounds, [Some("en.m3u8"), None, None, None, None]);
    }
}
