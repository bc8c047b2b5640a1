//! One Media Playlist: what its reader says is fetched, decrypted, demuxed, and sent to be played out.

use super::cipher::decrypt;
use super::segments::Segments;
use super::{join, read, within};
use crate::http::client::{Client, authority};
use crate::limits::{HLS_KEYS, HLS_SEGMENT_BYTES};
use crate::playout::{Lane, Media};
use crate::streams::{DialError, ErrorKind};
use bytes::Bytes;
use std::collections::VecDeque;
use std::ops::Range;
use std::time::Instant;
use tokio::sync::mpsc;
use tokio::time::sleep_until;
use tracing::debug;
use url::Url;
use yeoul_hls::client::{self, Fetch, Key, Output, Reader};

/// A playlist that has been read already, and when it was asked for.
pub(super) type Listed = (client::Media, Instant);

/// Bytes of a key.
const KEY_BYTES: usize = 16;

/// One Media Playlist.
pub(super) struct Rendition {
    client: Client,
    url: Url,
    segments: Segments,
    queue: mpsc::Sender<Media>,
    /// Keys that were fetched already, by their address.
    keys: VecDeque<(Url, [u8; KEY_BYTES])>,
    /// The initialization of the segment at hand.
    init: Option<Bytes>,
    /// A segment has been had.
    has_begun: bool,
}

impl Rendition {
    pub(super) fn new(client: Client, lane: Lane, queue: mpsc::Sender<Media>, url: Url) -> Self {
        let segments = Segments::new(lane);
        Self { client, url, segments, queue, keys: VecDeque::new(), init: None, has_begun: false }
    }

    /// Its server, for sentences.
    fn name(&self) -> String {
        authority(&self.url)
    }

    /// Goes through the playlist to its end, or until nobody takes what it gives any more.
    pub(super) async fn run(mut self, mut listed: Option<Listed>) -> Result<(), DialError> {
        let mut reader = Reader::default();
        let mut missed = 0;
        loop {
            match reader.poll_output(Instant::now()) {
                Output::Wait(at) => sleep_until(at.into()).await,
                Output::Playlist => {
                    let got = match listed.take() {
                        Some(listed) => Ok(listed),
                        None => self.playlist().await,
                    };
                    match got {
                        Ok((media, asked_at)) => {
                            let handled = reader.handle_playlist(media, asked_at, Instant::now());
                            handled.map_err(|error| self.error(ErrorKind::Retry, error))?;
                        }
                        // Its own words say more than that there was no playlist.
                        Err(error) => reader.handle_no_playlist(Instant::now()).map_err(|_| error)?,
                    }
                }
                Output::Segment(fetch) => match self.segment(&fetch).await {
                    Ok(bytes) => {
                        reader.handle_segment();
                        self.has_begun = true;
                        let media = self.segments.take(&fetch, self.init.as_ref(), &bytes);
                        let media = media.map_err(|error| self.error(error.kind, error.text))?;
                        if !self.send(media).await {
                            return Ok(());
                        }
                    }
                    Err(error) => self.handle_no_segment(&mut reader, error)?,
                },
                Output::End => {
                    let media = self.segments.finish()?;
                    self.send(media).await;
                    return Ok(());
                }
            }
            if reader.missed() > missed {
                missed = reader.missed();
                debug!(target: "hls", "{}: {missed} segments were missed so far", self.name());
            }
        }
    }

    /// Whether somebody still takes it.
    async fn send(&self, media: Vec<Media>) -> bool {
        for media in media {
            if self.queue.send(media).await.is_err() {
                return false;
            }
        }
        true
    }

    fn handle_no_segment(&self, reader: &mut Reader, error: DialError) -> Result<(), DialError> {
        let is_gone = match error.kind {
            ErrorKind::Retry => false,
            ErrorKind::NotFound | ErrorKind::LimitExceeded => true,
            // Stores such as S3 answer 403 for what is not there any more.
            ErrorKind::Unauthorized if self.has_begun => true,
            // Others are no better with the next segment.
            ErrorKind::Unauthorized
            | ErrorKind::Unsupported
            | ErrorKind::PeerViolation
            | ErrorKind::Ended => {
                return Err(error);
            }
        };
        debug!(target: "hls", "{}", error.text);
        let handled = reader.handle_no_segment(is_gone, Instant::now());
        handled.map_err(|over| self.error(ErrorKind::Retry, format_args!("{over}; {}", error.text)))
    }

    async fn playlist(&mut self) -> Result<Listed, DialError> {
        let asked_at = Instant::now();
        let read = async {
            let reply = self.client.get(&self.url).await?;
            let url = reply.url.clone();
            Ok((url, read(reply).await?))
        };
        let (url, playlist) = within(read, &self.url).await?;
        let media = playlist.into_media().map_err(|error| self.error(ErrorKind::PeerViolation, error))?;
        // Where it was redirected to is where it is asked for from now on, and what it lists is relative to (RFC 8216 §4.1).
        self.url = url;
        Ok((media, asked_at))
    }

    /// The bytes of a segment, in the clear; its initialization is fetched as well.
    async fn segment(&mut self, fetch: &Fetch) -> Result<Bytes, DialError> {
        let segment = &fetch.segment;
        // Another one may have the same address by now: behind a discontinuity, or where the server has begun anew.
        if !fetch.continues {
            self.init = None;
            if let Some(map) = &segment.map {
                let init = self.get(&map.uri, map.range.as_ref()).await?;
                self.init = Some(self.in_the_clear(init, map.key.as_deref(), segment.number).await?);
            }
        }
        let Some(piece) = &segment.whole else { return Ok(Bytes::new()) };
        let bytes = self.get(&piece.uri, piece.range.as_ref()).await?;
        self.in_the_clear(bytes, segment.key.as_deref(), segment.number).await
    }

    async fn in_the_clear(
        &mut self,
        bytes: Bytes,
        key: Option<&Key>,
        number: u64,
    ) -> Result<Bytes, DialError> {
        match key {
            None => Ok(bytes),
            Some(Key::Foreign(method)) => {
                let text = format!("encrypts its media by {method}; only AES-128 is supported");
                Err(self.error(ErrorKind::Unsupported, text))
            }
            Some(Key::Aes128 { uri, iv }) => {
                let key = self.key(uri).await?;
                decrypt(bytes, &key, Key::vector(*iv, number)).ok_or_else(|| {
                    self.error(ErrorKind::PeerViolation, "gives a segment that its key does not open")
                })
            }
        }
    }

    async fn key(&mut self, uri: &str) -> Result<[u8; KEY_BYTES], DialError> {
        let url = join(&self.url, uri)?;
        if let Some((_, key)) = self.keys.iter().find(|(known, _)| *known == url) {
            return Ok(*key);
        }
        let bytes = self.get(uri, None).await?;
        let key = <[u8; KEY_BYTES]>::try_from(&bytes[..]).map_err(|_| {
            self.error(
                ErrorKind::PeerViolation,
                format_args!("gives a key of {} bytes, expected {KEY_BYTES}", bytes.len()),
            )
        })?;
        if self.keys.len() >= HLS_KEYS {
            self.keys.pop_front();
        }
        self.keys.push_back((url, key));
        Ok(key)
    }

    async fn get(&mut self, uri: &str, range: Option<&Range<u64>>) -> Result<Bytes, DialError> {
        let url = join(&self.url, uri)?;
        let client = &mut self.client;
        let read = async { client.get_part(&url, range).await?.bytes(range, HLS_SEGMENT_BYTES).await };
        within(read, &url).await
    }

    fn error(&self, kind: ErrorKind, text: impl std::fmt::Display) -> DialError {
        DialError::new(kind, format!("{}: {text}", self.name()))
    }
}
