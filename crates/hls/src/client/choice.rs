//! Which quality is wanted.

use std::str::FromStr;

/// A quality of a Multivariant Playlist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The one with most bits.
    #[default]
    Best,
    /// The one at this place, counted from 1; the last one if there are fewer.
    Place(usize),
    /// The best one with so many bits a second at most, or the one with fewest.
    MostBits(u64),
    /// The best one with so many lines at most, or the one with fewest bits.
    Height(u32),
}

/// Why a text names no quality.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected best, a height such as 720p, bits a second such as 2M, 800k or 2000000, or a place such as 1"
)]
pub struct BadChoice;

/// Plain numbers below this are places: nobody sends a picture with fewer bits a second, or a thousand qualities.
const LEAST_BITS: u64 = 1000;

impl FromStr for Choice {
    type Err = BadChoice;

    fn from_str(text: &str) -> Result<Self, BadChoice> {
        let number = |digits: &str| digits.parse::<u64>().map_err(|_| BadChoice);
        let times =
            |digits: &str, unit: u64| number(digits)?.checked_mul(unit).map(Self::MostBits).ok_or(BadChoice);
        match (text, text.char_indices().next_back()) {
            ("best", _) => Ok(Self::Best),
            (_, Some((at, 'p'))) => text[..at].parse().map(Self::Height).map_err(|_| BadChoice),
            (_, Some((at, 'k'))) => times(&text[..at], 1000),
            (_, Some((at, 'M'))) => times(&text[..at], 1_000_000),
            _ => match number(text)? {
                0 => Err(BadChoice),
                place @ 1..LEAST_BITS => usize::try_from(place).map(Self::Place).map_err(|_| BadChoice),
                bits => Ok(Self::MostBits(bits)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read() {
        let check = |text: &str, expected: Option<Choice>| assert_eq!(text.parse().ok(), expected, "{text}");
        check("best", Some(Choice::Best));
        check("1", Some(Choice::Place(1)));
        check("1080p", Some(Choice::Height(1080)));
        check("800k", Some(Choice::MostBits(800_000)));
        check("2M", Some(Choice::MostBits(2_000_000)));
        check("64000", Some(Choice::MostBits(64_000)));
        for text in ["", "0", "p", "-1", "worst", "99999999999999999999M", "1.5M", "é"] {
            check(text, None);
        }
    }
}
