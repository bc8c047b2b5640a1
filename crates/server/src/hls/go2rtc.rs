//! HLS under go2rtc's addresses: `/api/stream.m3u8?src=NAME` and four file names below `/api/hls/`.
//!
//! Proxies in front of go2rtc let no other names through, so that everything else stands in the query: `id` names the
//! output, `n` a segment, `part` a part, `v` an init segment. As there, a query without a filter means a transport stream; with
//! `video`, `audio` or `mp4` it means fragmented MP4, and that is LL-HLS here.
//!
//! go2rtc makes an id for each viewer. Ours names what all of them share: one muxer, whatever their number, and addresses that
//! caches can keep.

use super::failure::Failure;
use super::form::{Choice, Container};
use super::names::{Piece, number};
use super::output::{Live, QUERY};
use super::reply;
use crate::api::Route;
use crate::app::App;
use crate::outputs::Lease;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use std::borrow::Cow;
use std::sync::Arc;
use yeoul_hls::Directives;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/stream.m3u8", multivariant),
        Route::new(Method::GET, "/api/hls/playlist.m3u8", playlist),
        Route::new(Method::GET, "/api/hls/init.mp4", init),
        Route::new(Method::GET, "/api/hls/segment.m4s", fragments),
        Route::new(Method::GET, "/api/hls/segment.ts", transport_stream),
    ]
}

async fn multivariant(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let answer = async {
        let name = value(&query, "src").ok_or(Failure::NoName)?;
        let stream = app.streams.get(&name).ok_or_else(|| Failure::NoStream(name.to_string()))?;
        let form = match Choice::from_query(&query) {
            None => app.hls.form(Container::Ts, Choice::ALL),
            Some(choice) if app.config.hls.low_latency => app.hls.form(Container::LowLatency, choice),
            Some(choice) => app.hls.form(Container::Fmp4, choice),
        };
        let live = app.hls.outputs.ask(&stream, &form).await?;
        app.hls.ids.remember(&app.hls.outputs, &live);
        reply::multivariant(&live, format!("hls/playlist.m3u8?id={}", live.id()), &headers).await
    };
    answer.await.unwrap_or_else(|failure: Failure| failure.answer(&app.masker))
}

async fn playlist(State(app): State<Arc<App>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let query = query.unwrap_or_default();
    let answer = async {
        let directives = Directives::parse(&query)?;
        let live = find(&app, &query)?;
        reply::playlist(&live, QUERY, directives, &headers).await
    };
    answer.await.unwrap_or_else(|failure: Failure| failure.answer(&app.masker))
}

async fn init(State(app): State<Arc<App>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    piece(&app, &query.unwrap_or_default(), &headers, &[("v", Piece::Init)]).await
}

async fn fragments(State(app): State<Arc<App>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    piece(&app, &query.unwrap_or_default(), &headers, &[("part", Piece::Part), ("n", Piece::Segment)]).await
}

async fn transport_stream(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    piece(&app, &query.unwrap_or_default(), &headers, &[("n", Piece::Segment)]).await
}

/// A key of the query, and what its number names.
type Key = (&'static str, fn(u64) -> Piece);

/// What the first of `keys` that the query has names.
async fn piece(app: &App, query: &str, headers: &HeaderMap, keys: &[Key]) -> Response {
    let answer = async {
        let live = find(app, query)?;
        let named = keys.iter().find_map(|(key, kind)| Some(kind(number(&value(query, key)?)?)));
        reply::piece(&live, named.ok_or(Failure::NoFile)?, headers).await
    };
    answer.await.unwrap_or_else(|failure| failure.answer(&app.masker))
}

fn find(app: &App, query: &str) -> Result<Lease<Live>, Failure> {
    let id = value(query, "id").ok_or(Failure::NoOutput)?;
    app.hls.ids.find(&app.hls.outputs, &id).ok_or(Failure::NoOutput)
}

fn value<'q>(query: &'q str, key: &str) -> Option<Cow<'q, str>> {
    url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == key).map(|(_, value)| value)
}
