//! A viewer of HLS: fetches what a player would fetch, when it would, one request after the other.
//!
//! Where the server makes parts and answers requests for those to come (LL-HLS), it takes parts; else whole segments. A picture
//! that would have stood still counts as a stall: more time has passed than media has come.

use super::body::stamps;
use super::http::{broken, client, sentence};
use super::tally::{Counts, Seat};
use crate::http::Client;
use crate::limits::{HLS_PLAYLIST_BYTES, LOAD_HLS_BEHIND, LOAD_HLS_RELOAD_LEAST, LOAD_HLS_STALL_GRACE};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;
use url::Url;
use yeoul_hls::client::{Map, Media, Piece, Playlist};

/// Plays the playlist at `url`.
///
/// # Errors
/// A sentence about why it does not play, or not any longer.
pub(super) async fn watch(url: &Url, seat: &mut Seat) -> Result<(), String> {
    let (client, url) = client(url)?;
    let mut player = Player { client, seat, next: (0, 0), has_begun: false, map: None, shown: None };
    let (mut playlist, mut media_url) = player.playlist(&url).await?;
    if let Playlist::Multivariant(qualities) = &playlist {
        let first = qualities.variants.first().ok_or("the playlist lists no quality")?;
        (playlist, media_url) = player.playlist(&join(&media_url, &first.uri)?).await?;
    }
    loop {
        let media = playlist.into_media().map_err(|error| error.to_string())?;
        let got_some = player.fetch_new(&media_url, &media).await?;
        if media.has_ended {
            return Err("the playlist has an end".to_owned());
        }
        let mut reload = media_url.clone();
        match media.part_target {
            Some(_) => {
                let (number, part) = player.next;
                let query = format!("_HLS_msn={number}&_HLS_part={part}");
                let before = reload.query().map(|before| format!("{before}&")).unwrap_or_default();
                reload.set_query(Some(&(before + &query)));
                // A server that does not hold the answer back would be asked without end.
                if !got_some {
                    sleep(LOAD_HLS_RELOAD_LEAST).await;
                }
            }
            // RFC 8216bis §6.3.4: after something new a target duration, else half of it.
            None => sleep(media.target.max(2 * LOAD_HLS_RELOAD_LEAST) / if got_some { 1 } else { 2 }).await,
        }
        (playlist, _) = player.playlist(&reload).await?;
    }
}

struct Player<'a> {
    client: Client,
    seat: &'a mut Seat,
    /// What is fetched next: segment and part.
    next: (u64, u64),
    has_begun: bool,
    /// The initialization that was fetched last.
    map: Option<Arc<Map>>,
    /// When the first picture was there, and how much media came since.
    shown: Option<(Instant, Duration)>,
}

impl Player<'_> {
    async fn playlist(&mut self, url: &Url) -> Result<(Playlist, Url), String> {
        let reply = self.client.get(url).await.map_err(sentence)?;
        let url = reply.url.clone();
        let bytes = reply.bytes(None, HLS_PLAYLIST_BYTES).await.map_err(sentence)?;
        self.seat.requested(u64::try_from(bytes.len()).unwrap_or_default());
        let playlist =
            Playlist::parse(&String::from_utf8_lossy(&bytes)).map_err(|error| error.to_string())?;
        Ok((playlist, url))
    }

    /// Fetches what was not fetched yet. Whether there was anything.
    async fn fetch_new(&mut self, base: &Url, media: &Media) -> Result<bool, String> {
        if !self.has_begun {
            self.has_begun = true;
            self.next = beginning(media);
        }
        let mut got_some = false;
        for segment in media.segments.iter().filter(|segment| !segment.is_gap) {
            let (number, part) = self.next;
            if segment.number < number {
                continue;
            }
            let part = if segment.number == number { part } else { 0 };
            self.next = (segment.number, part);
            let parts = segment.parts.get(usize::try_from(part).unwrap_or(usize::MAX)..).unwrap_or_default();
            let by_parts = media.part_target.is_some() && (part > 0 || !parts.is_empty());
            if by_parts {
                for piece in parts {
                    self.fetch(base, segment.map.as_ref(), piece).await?;
                    self.next.1 += 1;
                    got_some = true;
                }
            } else if let Some(whole) = &segment.whole {
                self.fetch(base, segment.map.as_ref(), whole).await?;
                got_some = true;
            }
            if segment.whole.is_some() {
                self.next = (segment.number.saturating_add(1), 0);
            }
        }
        Ok(got_some)
    }

    async fn fetch(&mut self, base: &Url, map: Option<&Arc<Map>>, piece: &Piece) -> Result<(), String> {
        if let Some(map) = map.filter(|map| self.map.as_ref() != Some(map)) {
            let reply = self.client.get_part(&join(base, &map.uri)?, map.range.as_ref()).await;
            let mut reply = reply.map_err(sentence)?;
            while reply.next().await.map_err(broken)?.is_some() {}
            self.seat.requested(0);
            self.map = Some(Arc::clone(map));
        }
        let reply = self.client.get_part(&join(base, &piece.uri)?, piece.range.as_ref()).await;
        let mut reply = reply.map_err(sentence)?;
        let mut counts = Counts { requests: 1, ..Counts::default() };
        while let Some(bytes) = reply.next().await.map_err(broken)? {
            counts.frames += stamps(&bytes, self.seat);
            counts.bytes += u64::try_from(bytes.len()).unwrap_or_default();
        }
        let now = Instant::now();
        self.seat.fetched(now, counts);
        self.play(now, piece.length);
        Ok(())
    }

    /// Whether the picture has stood still until this media came.
    fn play(&mut self, now: Instant, length: Duration) {
        let Some((since, media)) = &mut self.shown else {
            self.shown = Some((now, length));
            return;
        };
        if now.saturating_duration_since(*since) > *media + LOAD_HLS_STALL_GRACE {
            self.seat.stalled();
            (*since, *media) = (now, Duration::ZERO);
        }
        *media += length;
    }
}

fn join(base: &Url, uri: &str) -> Result<Url, String> {
    base.join(uri).map_err(|error| format!("the playlist has {uri:?}, which is no address: {error}"))
}

/// Where a player begins: at the last part that it can begin with, or three segments before the end (RFC 8216bis §6.3.3).
fn beginning(media: &Media) -> (u64, u64) {
    let independent = media.segments.iter().rev().find_map(|segment| {
        let at = segment.parts.iter().rposition(|part| part.independent)?;
        Some((segment.number, u64::try_from(at).unwrap_or_default()))
    });
    let classic = media.segments.iter().rev().filter(|segment| !segment.is_gap).take(LOAD_HLS_BEHIND).last();
    let classic = classic.map(|segment| (segment.number, 0));
    independent.filter(|_| media.part_target.is_some()).or(classic).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::beginning;
    use yeoul_hls::client::{Media, Playlist};

    fn media(text: &str) -> Media {
        Playlist::parse(text).and_then(Playlist::into_media).expect("a media playlist")
    }

    #[test]
    fn a_player_begins_near_the_end() {
        let parts = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES\n#EXT-X-PART-INF:PART-TARGET=0.2\n\
            #EXT-X-MEDIA-SEQUENCE:4\n#EXT-X-PART:DURATION=0.2,URI=\"a\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=0.2,URI=\"b\"\n\
            #EXT-X-PART:DURATION=0.2,URI=\"c\",INDEPENDENT=YES\n#EXTINF:1,\nabc\n#EXT-X-PART:DURATION=0.2,URI=\"d\"\n";
        assert_eq!(beginning(&media(parts)), (4, 2));
        let classic = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:4\n#EXTINF:1,\na\n#EXTINF:1,\nb\n#EXTINF:1,\nc\n#EXTINF:1,\nd\n";
        assert_eq!(beginning(&media(classic)), (5, 0));
    }
}
