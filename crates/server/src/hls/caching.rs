//! How long browsers, proxies and CDNs may keep what they get (RFC 9111 §5.2.2).
//!
//! | what | kept |
//! |---|---|
//! | segments, parts, init segments | an hour: their addresses never mean anything else |
//! | transport streams | five minutes: their plain names are told apart from those of an earlier start by the clock only |
//! | a playlist that was waited for (`_HLS_msn`) | a target duration: whoever asks so late wants a later one |
//! | other media playlists | half a target duration; those of LL-HLS not at all |
//! | multivariant playlists | a second |
//!
//! A CDN may keep them only where this server asks for no account: a cache would hand the picture to those without one.

use axum::http::HeaderValue;

/// The words of `Cache-Control` for everything of HLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Caching {
    /// Caches that serve many may keep it.
    shared: bool,
}

/// What is to be cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cached {
    /// Media whose address means nothing else, ever.
    Media,
    /// Media with a plain name.
    PlainMedia,
    /// A media playlist.
    Playlist {
        /// Its target duration in seconds.
        target_duration: u32,
        /// It has parts.
        low_latency: bool,
        /// The request named what it waited for.
        waited: bool,
    },
    Multivariant,
}

impl Caching {
    pub(super) fn new(has_account: bool) -> Self {
        Self { shared: !has_account }
    }

    pub(super) fn header(self, what: Cached) -> HeaderValue {
        let seconds = match what {
            Cached::Media => 3_600,
            Cached::PlainMedia => 300,
            Cached::Playlist { target_duration, waited: true, .. } => target_duration,
            Cached::Playlist { low_latency: true, .. } => 0,
            Cached::Playlist { target_duration, .. } => target_duration / 2,
            Cached::Multivariant => 1,
        };
        let scope = if self.shared { "public" } else { "private" };
        let text = match (what, seconds) {
            // Nothing is asked again about media, even when a page is loaded anew (RFC 8246).
            (Cached::Media, _) => format!("{scope}, max-age={seconds}, immutable"),
            // Asked again, and mostly answered 304.
            (_, 0) => format!("{scope}, no-cache"),
            (_, _) => format!("{scope}, max-age={seconds}"),
        };
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("no-cache"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_time() {
        let check = |what, expected: &str| assert_eq!(Caching::new(false).header(what), expected);
        let playlist =
            |target_duration, low_latency, waited| Cached::Playlist { target_duration, low_latency, waited };
        check(Cached::Media, "public, max-age=3600, immutable");
        check(Cached::PlainMedia, "public, max-age=300");
        check(playlist(2, true, true), "public, max-age=2");
        check(playlist(2, true, false), "public, no-cache");
        check(playlist(1, false, false), "public, no-cache");
        check(playlist(4, false, false), "public, max-age=2");
        check(Cached::Multivariant, "public, max-age=1");
    }

    #[test]
    fn where_an_account_is_asked_for_no_cache_of_others_keeps_anything() {
        assert_eq!(Caching::new(true).header(Cached::Media), "private, max-age=3600, immutable");
    }
}
