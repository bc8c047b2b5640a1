//! A viewer of an endless HTTP body: `/api/stream.mp4`, `.ts`, `.flv`, `.mjpeg`, Icecast.

use super::clock;
use super::http::{broken, client, sentence};
use super::tally::{Counts, Seat};
use std::time::Instant;
use url::Url;

/// Reads `url` until it ends, which is a failure: it should have no end.
///
/// # Errors
/// A sentence about why there is nothing, or nothing more.
pub(super) async fn watch(url: &Url, seat: &mut Seat) -> Result<(), String> {
    let (mut client, url) = client(url)?;
    let mut reply = client.get(&url).await.map_err(sentence)?;
    let mut counts = Counts { requests: 1, ..Counts::default() };
    while let Some(piece) = reply.next().await.map_err(broken)? {
        counts.bytes = u64::try_from(piece.len()).unwrap_or_default();
        counts.frames = stamps(&piece, seat);
        seat.media(Instant::now(), std::mem::take(&mut counts));
    }
    Err("the server ended the answer".to_owned())
}

/// Notes every clock in `bytes`; a frame has one.
pub(super) fn stamps(bytes: &[u8], seat: &Seat) -> u64 {
    let mut count = 0;
    for sent_ns in clock::every(bytes) {
        seat.clock(sent_ns);
        count += 1;
    }
    count
}
