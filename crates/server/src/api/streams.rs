//! The streams in go2rtc's shape, with what Yeoul knows beyond it: state, reason and tracks.

use super::Peer;
use super::program::json_line;
use crate::app::App;
use crate::limits::API_PROBE_WAIT;
use crate::publish::{Publication, State as Publishing};
use crate::streams::{ConfiguredStream, Variant};
use crate::wants;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Instant;
use tokio::time::timeout;
use yeoul_hub::{Consumer, ConsumerSnapshot, Label, SourceSnapshot, State as StreamState, Stream};
use yeoul_media::{Codec, Track};

/// `GET /api/streams`, `?src=NAME`, and with `&video&audio` after a look at the camera.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let name =
        url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "src").map(|(_, value)| value);
    let Some(name) = name else {
        let all: Map<_, _> = app
            .streams
            .all()
            .into_iter()
            .map(|(name, stream)| {
                let described = describe(&app, &name, &stream);
                (name, described)
            })
            .collect();
        return json_line(&Value::Object(all));
    };
    let Some(stream) = app.streams.configured(&name) else {
        return no_such_stream();
    };
    // Held until the answer is made: without it the camera would be let go before it is told of.
    let _consumer = match probe(&stream.stream, &query, peer, &headers).await {
        Ok(consumer) => consumer,
        Err(text) => {
            return (StatusCode::INTERNAL_SERVER_ERROR, format!("{}\n", app.masker.mask(&text)))
                .into_response();
        }
    };
    let text = format!("{:#}\n", describe(&app, &name, &stream));
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// 404, with go2rtc's words.
pub(super) fn no_such_stream() -> Response {
    (StatusCode::NOT_FOUND, "stream not found\n").into_response()
}

/// Joins the stream if the query asks for tracks; why not, in words, if they cannot be had.
async fn probe(
    stream: &Arc<Stream>,
    query: &str,
    peer: Peer,
    headers: &HeaderMap,
) -> Result<Option<Consumer>, String> {
    let wants = wants::from_query(query);
    if wants.is_empty() {
        return Ok(None);
    }
    let user_agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).map(str::to_owned);
    let label = Label { protocol: "probe".to_owned(), remote: peer.to_string(), user_agent, url: None };
    let mut joining = stream.join(wants, label);
    match timeout(API_PROBE_WAIT, joining.ready()).await {
        Ok(Ok(consumer)) => Ok(Some(consumer)),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(joining.explain()),
    }
}

/// One stream.
fn describe(app: &App, name: &str, configured: &ConfiguredStream) -> Value {
    let snapshot = configured.stream.snapshot();
    let urls = configured.sources.iter().map(|source| app.masker.mask(&source.text)).map(Some);
    let urls = urls.chain(std::iter::repeat(None));
    let producers: Vec<Value> = snapshot
        .sources
        .iter()
        .enumerate()
        .zip(urls)
        .map(|((index, source), url)| producer(app, index, source, url.as_deref()))
        .collect();
    let consumers: Vec<Value> = snapshot.consumers.iter().map(|seen| consumer(app, seen)).collect();
    let tracks: Vec<Value> = snapshot.sources.iter().flat_map(|source| &source.tracks).map(track).collect();
    let mut stream = json!({"producers": producers, "consumers": consumers, "tracks": tracks});
    if !configured.variants.is_empty() {
        stream["variants"] = configured.variants.iter().map(|seen| variant(app, seen)).collect();
    }
    let publications = app.publications.of(name);
    if !publications.is_empty() {
        stream["publish"] = publications.iter().map(|seen| publication(app, seen)).collect();
    }
    add_state(app, &mut stream, &snapshot.state, snapshot.reason.as_deref());
    stream
}

/// A quality of a stream: its name among them, and the stream that it is.
fn variant(app: &App, variant: &Variant) -> Value {
    let snapshot = variant.stream.snapshot();
    let mut value = json!({"name": variant.name, "stream": variant.stream.name()});
    add_state(app, &mut value, &snapshot.state, snapshot.reason.as_deref());
    value
}

/// Where a stream is published to.
fn publication(app: &App, publication: &Publication) -> Value {
    let mut value = json!({"url": app.masker.mask(&publication.target.to_string())});
    let (state, failure) = match publication.state() {
        Publishing::Waiting => ("waiting", None),
        Publishing::Connecting => ("connecting", None),
        Publishing::Live => ("live", None),
        Publishing::Failed { reason, retry_at } => ("failed", Some((reason, retry_at))),
    };
    value["state"] = state.into();
    if let Some((reason, retry_at)) = failure {
        value["retry_in_ms"] = milliseconds_until(retry_at).into();
        value["reason"] = app.masker.mask(&reason).into();
    }
    value
}

fn milliseconds_until(at: Instant) -> u64 {
    u64::try_from(at.saturating_duration_since(Instant::now()).as_millis()).unwrap_or(u64::MAX)
}

/// A source. `url` is always there: go2rtc's client takes no list without it.
fn producer(app: &App, index: usize, source: &SourceSnapshot, url: Option<&str>) -> Value {
    let label = source.label.as_ref();
    let url = url.or(label.and_then(|label| label.url.as_deref())).unwrap_or_default();
    let mut producer = json!({"url": app.masker.mask(url)});
    if let Some(label) = label {
        producer["id"] = index.into();
        add_label(app, &mut producer, label);
        producer["medias"] = source.tracks.iter().map(|track| media(track, "recvonly")).collect();
        producer["receivers"] = source.tracks.iter().map(part).collect();
        producer["bytes_recv"] = source.bytes.into();
        producer["frames"] = source.frames.into();
    }
    add_state(app, &mut producer, &source.state, source.reason.as_deref());
    if let Some(progress) = &source.progress {
        producer["progress"] = app.masker.mask(progress).into();
    }
    producer
}

fn consumer(app: &App, seen: &ConsumerSnapshot) -> Value {
    let mut consumer = json!({
        "id": seen.id,
        "medias": seen.tracks.iter().map(|track| media(track, "sendonly")).collect::<Vec<_>>(),
        "senders": seen.tracks.iter().map(part).collect::<Vec<_>>(),
        "bytes_send": seen.bytes,
        "frames": seen.frames,
        "skipped_frames": seen.skipped,
    });
    add_label(app, &mut consumer, &seen.label);
    consumer
}

fn add_label(app: &App, value: &mut Value, label: &Label) {
    let format = label.protocol.split_once('+').map_or(label.protocol.as_str(), |(format, _)| format);
    value["format_name"] = format.into();
    value["protocol"] = label.protocol.as_str().into();
    value["remote_addr"] = label.remote.as_str().into();
    if let Some(agent) = &label.user_agent {
        value["user_agent"] = app.masker.mask(agent).into();
    }
    if value.get("url").is_none()
        && let Some(url) = &label.url
    {
        value["url"] = app.masker.mask(url).into();
    }
}

fn add_state(app: &App, value: &mut Value, state: &StreamState, reason: Option<&str>) {
    value["state"] = match state {
        StreamState::Idle => "idle",
        StreamState::Connecting => "connecting",
        StreamState::Live => "live",
        StreamState::Failed { retry_at, .. } => {
            value["retry_in_ms"] = milliseconds_until(*retry_at).into();
            "failed"
        }
    }
    .into();
    if let Some(reason) = reason {
        value["reason"] = app.masker.mask(reason).into();
    }
}

/// A track as Yeoul tells it.
fn track(track: &Track) -> Value {
    let codec = &track.codec;
    let mut value = json!({"id": track.id.0, "kind": track.kind().to_string(), "codec": codec.name()});
    if let Some((width, height)) = codec.dimensions() {
        value["width"] = width.into();
        value["height"] = height.into();
    }
    if let Some(profile) = codec.profile_name() {
        value["profile"] = profile.into();
    }
    if let Some(fps) = frame_rate(codec) {
        value["fps"] = fps.into();
    }
    add_sound(&mut value, codec);
    value
}

/// A track as go2rtc tells it, with ffmpeg's names.
fn part(track: &Track) -> Value {
    let codec = &track.codec;
    let mut value = json!({"codec_name": ffmpeg_name(codec), "codec_type": track.kind().to_string()});
    if let Some(profile) = codec.profile_name() {
        value["profile"] = profile.into();
    }
    add_sound(&mut value, codec);
    json!({"id": track.id.0, "codec": value})
}

fn add_sound(value: &mut Value, codec: &Codec) {
    if let Some(rate) = codec.sample_rate() {
        value["sample_rate"] = rate.into();
    }
    if let Some(channels) = codec.channels() {
        value["channels"] = channels.into();
    }
}

/// `video, recvonly, H264`; `audio, sendonly, OPUS/48000/2`.
fn media(track: &Track, direction: &str) -> Value {
    let codec = &track.codec;
    let name = match codec {
        Codec::Aac(_) => "MPEG4-GENERIC",
        Codec::L16(_) => "PCM",
        Codec::H264(_)
        | Codec::H265(_)
        | Codec::Av1(_)
        | Codec::Vp9(_)
        | Codec::Vp8(_)
        | Codec::Mpeg4Video(_)
        | Codec::Jpeg { .. }
        | Codec::Opus { .. }
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::Flac(_)
        | Codec::Mp3(_) => codec.name(),
    };
    let rate = codec.sample_rate().map(|rate| format!("/{rate}")).unwrap_or_default();
    let channels = codec.channels().filter(|&channels| channels > 1).map(|channels| format!("/{channels}"));
    format!("{}, {direction}, {name}{rate}{}", track.kind(), channels.unwrap_or_default()).into()
}

fn ffmpeg_name(codec: &Codec) -> &'static str {
    match codec {
        Codec::H264(_) => "h264",
        Codec::H265(_) => "hevc",
        Codec::Av1(_) => "av1",
        Codec::Vp9(_) => "vp9",
        Codec::Vp8(_) => "vp8",
        Codec::Mpeg4Video(_) => "mpeg4",
        Codec::Jpeg { .. } => "mjpeg",
        Codec::Aac(_) => "aac",
        Codec::Opus { .. } => "opus",
        Codec::Pcmu(_) => "pcm_mulaw",
        Codec::Pcma(_) => "pcm_alaw",
        Codec::G722 => "adpcm_g722",
        Codec::L16(_) => "pcm_s16be",
        Codec::Flac(_) => "flac",
        Codec::Mp3(_) => "mp3",
    }
}

/// As the encoder declares it.
fn frame_rate(codec: &Codec) -> Option<f64> {
    match codec {
        Codec::H264(sets) => sets.as_ref().and_then(yeoul_media::bitstream::h264::ParameterSets::frame_rate),
        Codec::H265(_)
        | Codec::Av1(_)
        | Codec::Vp9(_)
        | Codec::Vp8(_)
        | Codec::Mpeg4Video(_)
        | Codec::Jpeg { .. }
        | Codec::Aac(_)
        | Codec::Opus { .. }
        | Codec::Pcmu(_)
        | Codec::Pcma(_)
        | Codec::G722
        | Codec::L16(_)
        | Codec::Flac(_)
        | Codec::Mp3(_) => None,
    }
}
