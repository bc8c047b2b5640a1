//! Answers out of an output: at once, or when what is asked for is there.

use super::caching::Cached;
use super::failure::Failure;
use super::names::Piece;
use super::output::{Live, State};
use super::view::View;
use crate::api::{Prepared, media};
use crate::limits::{HLS_FIRST_WAIT, HLS_WAIT_TARGETS};
use crate::outputs::Lease;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use yeoul_hls::{Directives, Found, Reload, Snapshot, Variant, reload};

/// A media playlist, when it has what the directives ask for (RFC 8216bis §6.2.5.2).
pub(super) async fn playlist(
    live: &Lease<Live>,
    names: usize,
    directives: Directives,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let ready = |view: &View| match reload(&view.snapshot, &directives)? {
        Reload::Ready => Ok(Some(())),
        Reload::Wait => Ok(None),
    };
    let (view, ()) = wait(live, ready).await?;
    Live::hold(live, target_duration(&view));
    Ok(view.playlist(live, names, &directives).answer(headers))
}

/// The multivariant playlist with one media playlist in it.
pub(super) async fn multivariant(
    live: &Lease<Live>,
    uri: String,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let snapshot = first(live).await?;
    let variant = Variant {
        uri,
        rates: snapshot.rates(),
        codecs: snapshot.codecs().to_owned(),
        resolution: snapshot.resolution(),
        frame_rate_millis: snapshot.frame_rate_millis(),
        audio: None,
    };
    Ok(multivariant_text(live, yeoul_hls::multivariant(&[variant], &[]), headers))
}

/// The same, as text.
pub(super) fn multivariant_text(live: &Lease<Live>, text: String, headers: &HeaderMap) -> Response {
    Prepared::new(super::PLAYLIST, live.caching().header(Cached::Multivariant), text).answer(headers)
}

/// What there is to play, once there is something.
pub(super) async fn first(live: &Lease<Live>) -> Result<Arc<Snapshot>, Failure> {
    let (view, ()) = wait(live, |_| Ok(Some(()))).await?;
    Ok(Arc::clone(&view.snapshot))
}

/// A segment, part or init segment; a part that is being made, when it is.
pub(super) async fn piece(
    live: &Lease<Live>,
    piece: Piece,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    match piece {
        Piece::Init(version) => {
            let view = now(live, piece)?;
            let init = view.snapshot.init(version).ok_or_else(|| gone(&view, piece))?;
            Ok(answer(live, piece, std::slice::from_ref(&init.bytes), headers))
        }
        Piece::Segment(msn) => {
            let view = now(live, piece)?;
            match view.snapshot.segment(msn) {
                // That of a gap has no bytes, and nobody should load it (RFC 8216bis §4.4.4.7); who does not know of gaps, as
                // ffmpeg 5, is glad of an empty one.
                Found::Here(segment) => Ok(answer(live, piece, &segment.pieces, headers)),
                Found::Soon | Found::Gone => Err(gone(&view, piece)),
            }
        }
        Piece::Part(number) => {
            let found = |view: &View| match view.snapshot.part(number) {
                Found::Here(part) if !part.gap => Ok(Some(part.bytes.clone())),
                Found::Soon => Ok(None),
                Found::Here(_) | Found::Gone => Err(gone(view, piece)),
            };
            now(live, piece)?;
            let (_, bytes) = wait(live, found).await?;
            Ok(answer(live, piece, &[bytes], headers))
        }
    }
}

fn answer(live: &Lease<Live>, piece: Piece, pieces: &[axum::body::Bytes], headers: &HeaderMap) -> Response {
    let (letter, number) = match piece {
        Piece::Init(version) => ('i', version),
        Piece::Segment(msn) => ('s', msn),
        Piece::Part(number) => ('p', number),
    };
    // Letters and digits: the other value is never used.
    let etag = HeaderValue::try_from(format!("\"{}-{letter}{number}\"", live.id()));
    let etag = etag.unwrap_or(HeaderValue::from_static("\"\""));
    media::answer(headers, live.headers(piece).clone(), &etag, pieces)
}

/// What there is at this moment; nobody has been told of media before the first playlist.
fn now(live: &Lease<Live>, piece: Piece) -> Result<Arc<View>, Failure> {
    match live.state().borrow().clone() {
        State::Playing(view) => Ok(view),
        State::Filling => Err(Failure::Gone { piece, last: None }),
        State::Over => Err(Failure::NoOutput),
    }
}

fn gone(view: &View, piece: Piece) -> Failure {
    Failure::Gone { piece, last: Some(view.snapshot.last().0) }
}

fn target_duration(view: &View) -> Duration {
    Duration::from_secs(view.snapshot.promise().target_duration.into())
}

/// Waits until `ready` gives something out of a view, within a bound that depends on what is waited for.
async fn wait<T>(
    live: &Lease<Live>,
    ready: impl Fn(&View) -> Result<Option<T>, Failure>,
) -> Result<(Arc<View>, T), Failure> {
    let began = Instant::now();
    let mut states = live.state();
    loop {
        let state = states.borrow_and_update().clone();
        let (longest, late) = match state {
            State::Playing(view) => {
                if let Some(found) = ready(&view)? {
                    return Ok((view, found));
                }
                (target_duration(&view) * HLS_WAIT_TARGETS, Failure::Late as fn(u64) -> Failure)
            }
            State::Filling => (HLS_FIRST_WAIT, Failure::NotYet as fn(u64) -> Failure),
            State::Over => return Err(live.over().await.into()),
        };
        // The sender lives in the output that is held here.
        if timeout_at(began + longest, states.changed()).await.is_err() {
            return Err(late(longest.as_secs()));
        }
    }
}
