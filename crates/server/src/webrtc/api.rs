//! Sessions over HTTP: go2rtc's `POST /api/webrtc`, WHEP (draft-ietf-wish-whep) at `/api/webrtc` and `/{name}/whep`, WHIP (RFC
//! 9725) at `/api/webrtc?dst=` and `/{name}/whip`.

use super::WebRtc;
use super::form::{Form, etag};
use super::publisher::Place;
use super::quality::Quality;
use super::routes::Owner;
use super::worker::{Control, Restart};
use crate::api::{Peer as Caller, Route};
use crate::app::App;
use crate::limits::WEBRTC_SOURCE_WAIT;
use crate::streams::Variant;
use axum::body::Bytes;
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;
use tokio::time::timeout;
use yeoul_hub::{Consumer, JoinError, Label, Stream, Want};
use yeoul_media::Kind;
use yeoul_webrtc::{Fragment, FragmentError, Offer, OfferError};

/// What a PATCH carries (RFC 8840 §9).
pub(super) const FRAGMENT_TYPE: &str = "application/trickle-ice-sdpfrag";
pub(super) const SDP_TYPE: &str = "application/sdp";
/// Ours: which quality the viewer wants.
const JSON_TYPE: &str = "application/json";

/// The routes of this module.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/api/webrtc", offer_to_query),
        Route::new(Method::GET, "/api/webrtc", choice_by_query),
        Route::new(Method::PATCH, "/api/webrtc", patch_by_query),
        Route::new(Method::DELETE, "/api/webrtc", delete_by_query),
        Route::new(Method::OPTIONS, "/api/webrtc", options),
        Route::new(Method::POST, "/{name}/whep", offer_to_path),
        Route::new(Method::OPTIONS, "/{name}/whep", options),
        Route::new(Method::GET, "/{name}/whep/{id}", choice_by_path),
        Route::new(Method::POST, "/{name}/whip", publish_to_path),
        Route::new(Method::OPTIONS, "/{name}/whip", options_to_publish),
        Route::new(Method::PATCH, "/{name}/whip/{id}", patch_by_path),
        Route::new(Method::DELETE, "/{name}/whip/{id}", delete_by_path),
        Route::new(Method::OPTIONS, "/{name}/whip/{id}", options_of_published),
        Route::new(Method::PATCH, "/{name}/whep/{id}", patch_by_path),
        Route::new(Method::DELETE, "/{name}/whep/{id}", delete_by_path),
        Route::new(Method::OPTIONS, "/{name}/whep/{id}", options_of_session),
    ]
}

#[derive(Debug, Default, Deserialize)]
struct Params {
    src: Option<String>,
    dst: Option<String>,
    id: Option<String>,
}

/// Why a request was not served; the text goes to the caller.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("WebRTC is off: webrtc.listen is empty in the configuration")]
    Off,
    #[error("name the stream: /api/webrtc?src=NAME to watch it, /api/webrtc?dst=NAME to publish to it")]
    NoName,
    #[error("stream not found: {0}")]
    NoStream(String),
    #[error("there is no WebRTC session of that id; it has ended, or never was")]
    NoSession,
    #[error("the body cannot be read: {0}")]
    BadBody(String),
    #[error("{0}")]
    BadOffer(OfferError),
    #[error("{0}")]
    Unacceptable(String),
    #[error("the stream has no picture or sound yet: {0}")]
    NotReady(String),
    #[error("{0}")]
    BadFragment(#[from] FragmentError),
    #[error("If-Match names another ICE session than the one that runs")]
    OtherSession,
    #[error(
        "the stream has no quality of that number: a GET of the session lists them from 0 on, of a stream of several"
    )]
    NoQuality,
    #[error("expected Content-Type {FRAGMENT_TYPE}, or {JSON_TYPE} with a quality")]
    NoFragment,
    #[error("the server ends")]
    Ending,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Off | Self::Ending => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoName | Self::BadBody(_) | Self::BadOffer(_) | Self::BadFragment(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::NoStream(_) | Self::NoSession | Self::NoQuality => StatusCode::NOT_FOUND,
            Self::Unacceptable(_) => StatusCode::NOT_ACCEPTABLE,
            Self::NotReady(_) => {
                // RFC 9110 §10.2.3: the camera may be back any moment.
                let retry = [(header::RETRY_AFTER, "2")];
                return (StatusCode::SERVICE_UNAVAILABLE, retry, format!("{self}\n")).into_response();
            }
            Self::OtherSession => StatusCode::PRECONDITION_FAILED,
            Self::NoFragment => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        };
        (status, format!("{self}\n")).into_response()
    }
}

impl From<OfferError> for Failure {
    fn from(error: OfferError) -> Self {
        match error {
            OfferError::NoCommonCodec { .. }
            | OfferError::NothingTaken { .. }
            | OfferError::NothingCarried(_) => Self::Unacceptable(error.to_string()),
            OfferError::TooLong(_)
            | OfferError::NotSdp(_)
            | OfferError::NoMedia
            | OfferError::SameMid(_)
            | OfferError::TooManyMedias(_)
            | OfferError::Malformed { .. }
            | OfferError::Missing(_)
            | OfferError::WeakFingerprint
            | OfferError::NothingWanted
            | OfferError::NothingGiven => Self::BadOffer(error),
        }
    }
}

async fn offer_to_query(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Query(params): Query<Params>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let location = |id: &str| format!("{}/api/webrtc?id={id}", app.config.api.base_path);
    match (&params.src, &params.dst) {
        (Some(name), _) => offer(&app, caller, name, &headers, &body, location).await.into_response(),
        (None, Some(name)) => publish(&app, caller, name, &headers, &body, location).await.into_response(),
        (None, None) => Failure::NoName.into_response(),
    }
}

async fn offer_to_path(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let location = |id: &str| location(&app, &name, "whep", id);
    offer(&app, caller, &name, &headers, &body, location).await.into_response()
}

async fn publish_to_path(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let location = |id: &str| location(&app, &name, "whip", id);
    publish(&app, caller, &name, &headers, &body, location).await.into_response()
}

/// The address of a session that began below the stream's name.
fn location(app: &App, name: &str, protocol: &str, id: &str) -> String {
    let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    format!("{}/{}/{protocol}/{id}", app.config.api.base_path, name.replace('+', "%20"))
}

fn label(caller: Caller, headers: &HeaderMap) -> Label {
    Label {
        protocol: "webrtc".to_owned(),
        remote: caller.to_string(),
        user_agent: headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned),
        url: None,
    }
}

/// WebRTC, and the stream that a caller names.
fn asked_for<'a>(app: &'a App, name: &str) -> Result<(&'a WebRtc, Arc<Stream>), Failure> {
    let webrtc = app.webrtc.as_ref().ok_or(Failure::Off)?;
    let stream = app.streams.get(name).ok_or_else(|| Failure::NoStream(name.to_owned()))?;
    Ok((webrtc, stream))
}

async fn offer(
    app: &App,
    caller: Caller,
    name: &str,
    headers: &HeaderMap,
    body: &[u8],
    location: impl Fn(&str) -> String,
) -> Result<Response, Failure> {
    let (webrtc, stream) = asked_for(app, name)?;
    let (form, text) = Form::read(headers, body)?;
    let offer = Arc::new(Offer::parse(&text)?);
    let label = label(caller, headers);
    let (consumer, quality) = join(&stream, &app.streams.variants(name), &offer, &label).await?;
    let begun = webrtc.begin(&offer, consumer, quality, called(caller, headers), caller.to_string()).await?;
    let location = location(&begun.id);
    Ok(form.answer(&begun, location))
}

/// Takes a publisher, in place of the one that the stream may have: as publishers of every protocol are taken.
async fn publish(
    app: &App,
    caller: Caller,
    name: &str,
    headers: &HeaderMap,
    body: &[u8],
    location: impl Fn(&str) -> String,
) -> Result<Response, Failure> {
    let (webrtc, stream) = asked_for(app, name)?;
    let (form, text) = Form::read(headers, body)?;
    let offer = Offer::parse_published(&text)?;
    let place = Place::Stream(stream);
    let begun = webrtc.accept(&offer, place, label(caller, headers), called(caller, headers)).await?;
    let location = location(&begun.id);
    Ok(form.answer(&begun, location))
}

/// Joins the stream; of several qualities the best whose picture the viewer can show.
async fn join(
    stream: &Arc<Stream>,
    variants: &[Variant],
    offer: &Arc<Offer>,
    label: &Label,
) -> Result<(Consumer, Option<Quality>), Failure> {
    if variants.len() < 2 || !offer.wants(Kind::Video) {
        return Ok((join_one(stream, offer, label).await?, None));
    }
    let mut refused = None;
    for (index, variant) in variants.iter().enumerate() {
        match join_one(&variant.stream, offer, label).await {
            Ok(consumer) if consumer.tracks().iter().any(|track| track.kind() == Kind::Video) => {
                let quality = Quality::new(Instant::now(), variants, index, offer, label);
                return Ok((consumer, Some(quality)));
            }
            // Its sound alone would do, but another one may have a picture, too.
            Ok(_) => {}
            Err(failure @ Failure::Unacceptable(_)) => drop(refused.get_or_insert(failure)),
            Err(failure) => return Err(failure),
        }
    }
    match refused {
        Some(failure) => Err(failure),
        None => Ok((join_one(stream, offer, label).await?, None)),
    }
}

async fn join_one(stream: &Arc<Stream>, offer: &Arc<Offer>, label: &Label) -> Result<Consumer, Failure> {
    let mut joining = stream.join(wants(offer), label.clone());
    match timeout(WEBRTC_SOURCE_WAIT, joining.ready()).await {
        Ok(Ok(consumer)) => Ok(consumer),
        Ok(Err(JoinError::NoMatch { there_are, wanted })) => Err(Failure::Unacceptable(format!(
            "no codec in common: the stream has {there_are}, the viewer takes {wanted}"
        ))),
        Ok(Err(error @ (JoinError::TooManyConsumers(_) | JoinError::Closed))) => {
            Err(Failure::NotReady(error.to_string()))
        }
        Err(_) => Err(Failure::NotReady(joining.explain())),
    }
}

/// What the viewer asks for, as the hub understands it.
fn wants(offer: &Arc<Offer>) -> Vec<Want> {
    let kinds = [Kind::Video, Kind::Audio].into_iter().filter(|kind| offer.wants(*kind));
    let want = |kind| {
        let accepting = Arc::clone(offer);
        Want {
            kind,
            accepts: Box::new(move |codec| accepting.accepts(codec)),
            all: false,
            text: offer.codecs_text(kind),
        }
    };
    kinds.map(want).collect()
}

/// The address of ours that the caller used, as far as it can be known: its candidate comes first.
fn called(caller: Caller, headers: &HeaderMap) -> Option<IpAddr> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name).trim_start_matches('[').trim_end_matches(']');
    let peer = match caller {
        Caller::Address(address) => Some(address.ip().to_canonical()),
        Caller::Unix => None,
    };
    name.parse().ok().or(peer.filter(IpAddr::is_loopback))
}

async fn patch_by_query(
    State(app): State<Arc<App>>,
    Query(params): Query<Params>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    patch(&app, params.id.as_deref(), &headers, &body).await.into_response()
}

async fn patch_by_path(
    State(app): State<Arc<App>>,
    Path((_, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    patch(&app, Some(&id), &headers, &body).await.into_response()
}

/// Candidates that came later (204), new ICE credentials (200 with ours), or the quality that the viewer wants.
async fn patch(app: &App, id: Option<&str>, headers: &HeaderMap, body: &[u8]) -> Result<Response, Failure> {
    let webrtc = app.webrtc.as_ref().ok_or(Failure::Off)?;
    let owner = id.and_then(|id| webrtc.routes.session(id)).ok_or(Failure::NoSession)?;
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match content_type.split(';').next().map(str::trim) {
        Some(FRAGMENT_TYPE) => {}
        Some(JSON_TYPE) => {
            let wanted: Wanted =
                serde_json::from_slice(body).map_err(|error| Failure::BadBody(error.to_string()))?;
            return choice(webrtc, owner, Some(wanted.quality)).await;
        }
        _ => return Err(Failure::NoFragment),
    }
    if let Some(expected) = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok())
        && expected != "*"
        && !webrtc.routes.is_ufrag_of(expected.trim_matches('"'), owner)
    {
        return Err(Failure::OtherSession);
    }
    let text = std::str::from_utf8(body).map_err(|_| Failure::BadBody("it is not UTF-8".to_owned()))?;
    let fragment = Fragment::parse(text)?;
    let worker = webrtc.workers.get(owner.worker).ok_or(Failure::NoSession)?;
    let (reply, replied) = oneshot::channel();
    worker.ask(Control::Trickle { viewer: owner.viewer, fragment, reply }).await;
    match replied.await {
        Ok(None) => Ok(StatusCode::NO_CONTENT.into_response()),
        Ok(Some(Restart { fragment, ufrag })) => {
            let mut response = (StatusCode::OK, fragment).into_response();
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(FRAGMENT_TYPE));
            if let Ok(etag) = HeaderValue::from_str(&etag(&ufrag)) {
                headers.insert(header::ETAG, etag);
            }
            Ok(response)
        }
        Err(_) => Err(Failure::NoSession),
    }
}

/// Which quality a viewer wants, by its number in [`Choice`](super::quality::Choice); null is what its line carries.
#[derive(Debug, Deserialize)]
struct Wanted {
    quality: Option<usize>,
}

async fn choice_by_query(State(app): State<Arc<App>>, Query(params): Query<Params>) -> Response {
    ask_choice(&app, params.id.as_deref()).await.into_response()
}

async fn choice_by_path(State(app): State<Arc<App>>, Path((_, id)): Path<(String, String)>) -> Response {
    ask_choice(&app, Some(&id)).await.into_response()
}

async fn ask_choice(app: &App, id: Option<&str>) -> Result<Response, Failure> {
    let webrtc = app.webrtc.as_ref().ok_or(Failure::Off)?;
    let owner = id.and_then(|id| webrtc.routes.session(id)).ok_or(Failure::NoSession)?;
    choice(webrtc, owner, None).await
}

/// Chooses a quality, where one is to be chosen, and tells what there is.
async fn choice(webrtc: &WebRtc, owner: Owner, choose: Option<Option<usize>>) -> Result<Response, Failure> {
    let worker = webrtc.workers.get(owner.worker).ok_or(Failure::NoSession)?;
    let (reply, replied) = oneshot::channel();
    worker.ask(Control::Quality { viewer: owner.viewer, choose, reply }).await;
    match replied.await {
        Ok(Some(choice)) => Ok(axum::Json(choice).into_response()),
        Ok(None) => Err(Failure::NoQuality),
        Err(_) => Err(Failure::NoSession),
    }
}

async fn delete_by_query(State(app): State<Arc<App>>, Query(params): Query<Params>) -> Response {
    delete(&app, params.id.as_deref()).await.into_response()
}

async fn delete_by_path(State(app): State<Arc<App>>, Path((_, id)): Path<(String, String)>) -> Response {
    delete(&app, Some(&id)).await.into_response()
}

async fn delete(app: &App, id: Option<&str>) -> Result<StatusCode, Failure> {
    let webrtc = app.webrtc.as_ref().ok_or(Failure::Off)?;
    let owner = id.and_then(|id| webrtc.routes.session(id)).ok_or(Failure::NoSession)?;
    webrtc.end(owner).await;
    Ok(StatusCode::OK)
}

async fn options() -> Response {
    let headers = [(header::ALLOW, "POST, GET, PATCH, DELETE, OPTIONS"), (header::ACCEPT, SDP_TYPE)];
    (StatusCode::NO_CONTENT, headers, [("Accept-Post", SDP_TYPE)]).into_response()
}

async fn options_of_session() -> Response {
    let headers = [(header::ALLOW, "GET, PATCH, DELETE, OPTIONS")];
    (StatusCode::NO_CONTENT, headers, [("Accept-Patch", format!("{FRAGMENT_TYPE}, {JSON_TYPE}"))])
        .into_response()
}

async fn options_to_publish() -> Response {
    let headers = [(header::ALLOW, "POST, OPTIONS"), (header::ACCEPT, SDP_TYPE)];
    (StatusCode::NO_CONTENT, headers, [("Accept-Post", SDP_TYPE)]).into_response()
}

async fn options_of_published() -> Response {
    let headers = [(header::ALLOW, "PATCH, DELETE, OPTIONS")];
    (StatusCode::NO_CONTENT, headers, [("Accept-Patch", FRAGMENT_TYPE)]).into_response()
}
