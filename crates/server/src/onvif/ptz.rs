//! `/api/ptz`: moves the camera of a stream that has an ONVIF source.
//!
//! A camera that is moved stops by itself: it is told how long to move, and told to stop when that time is over, for many do not keep
//! it. A move that comes meanwhile takes the place of the one before.

use super::session::Session;
use super::source::Source;
use crate::api::Route as ApiRoute;
use crate::app::App;
use crate::limits::{PTZ_MOVE_LONGEST, PTZ_MOVE_USUAL, SOURCE_STOP_WAIT};
use crate::mask::Masker;
use crate::policy::Route;
use crate::streams::{ConfiguredStream, DialError, ErrorKind};
use axum::extract::{Query, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use url::Url;
use yeoul_onvif::Operation;
use yeoul_onvif::ptz::{self, Velocity};
use yeoul_onvif::xml::Element;

pub(super) fn routes() -> Vec<ApiRoute> {
    vec![ApiRoute::new(Method::GET, "/api/ptz", presets), ApiRoute::new(Method::POST, "/api/ptz", operate)]
}

/// The cameras that are moved, by the names of their streams: each from its first order on, until its stream is another one.
#[derive(Debug, Default)]
pub(crate) struct Cameras(std::sync::Mutex<BTreeMap<String, Kept>>);

#[derive(Debug)]
struct Kept {
    stream: Weak<ConfiguredStream>,
    camera: Arc<Camera>,
    /// Ends the task that stops it.
    end: CancellationToken,
}

#[derive(Debug)]
pub(super) struct Camera {
    /// The stream's.
    name: String,
    source: Source,
    /// Where it may lead.
    route: Route,
    /// The conversation that is kept from one move to the next.
    link: Mutex<Option<Link>>,
    /// When it is to stop.
    moves_until: watch::Sender<Option<Instant>>,
}

struct Link {
    session: Session,
    service: Url,
    profile: String,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// The first ONVIF source of a stream.
pub(super) fn onvif_source(stream: &ConfiguredStream) -> Option<&Source> {
    stream.sources.iter().find_map(|written| written.source.as_onvif())
}

impl Cameras {
    /// The camera of a stream, which has this source. Call it inside the runtime.
    fn of(&self, app: &App, name: &str, stream: &Arc<ConfiguredStream>, source: &Source) -> Arc<Camera> {
        let mut cameras = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) =
            cameras.get(name).filter(|kept| Weak::ptr_eq(&kept.stream, &Arc::downgrade(stream)))
        {
            return Arc::clone(&kept.camera);
        }
        // Streams come and go.
        cameras.retain(|known, kept| {
            let stays = kept.stream.strong_count() > 0 && known != name;
            if !stays {
                kept.end.cancel();
            }
            stays
        });
        let route = app.streams.means().route(stream.origin);
        let camera = Arc::new(Camera::new(name, source.clone(), route));
        let end = app.shutdown.child_token();
        app.tasks.spawn(stop_in_time(Arc::clone(&camera), app.masker.clone(), end.clone()));
        let kept = Kept { stream: Arc::downgrade(stream), camera: Arc::clone(&camera), end };
        cameras.insert(name.to_owned(), kept);
        camera
    }
}

/// Stops a camera whenever the time of its movement is over, and at the end.
pub(super) async fn stop_in_time(camera: Arc<Camera>, masker: Masker, end: CancellationToken) {
    let mut moves_until = camera.moves_until.subscribe();
    loop {
        let until = *moves_until.borrow_and_update();
        let over = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => pending().await,
            }
        };
        tokio::select! {
            // The sender is the camera's, which this task holds.
            _ = moves_until.changed() => continue,
            () = over => {}
            () = end.cancelled() => {}
        }
        // A move that has come meanwhile has a time of its own.
        let is_over =
            camera.moves_until.send_if_modified(|current| *current == until && current.take().is_some());
        if is_over || (end.is_cancelled() && until.is_some()) {
            match timeout(SOURCE_STOP_WAIT, camera.ask("StopResponse", ptz::stop)).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    warn!(target: "onvif", "{}: cannot be stopped: {}", camera.name, masker.mask(&error.text))
                }
                Err(_) => warn!(target: "onvif", "{}: has not said whether it stops", camera.name),
            }
        }
        if end.is_cancelled() {
            return;
        }
    }
}

impl Camera {
    pub(super) fn new(name: &str, source: Source, route: Route) -> Self {
        let (link, moves_until) = (Mutex::new(None), watch::Sender::new(None));
        Self { name: name.to_owned(), source, route, link, moves_until }
    }

    /// Asks its PTZ service what `operation` makes of the profile's token. A conversation that was kept may be over, or the camera has
    /// begun anew with another clock: then there is a second attempt.
    async fn ask(&self, expected: &str, operation: impl Fn(&str) -> Operation) -> Result<Element, DialError> {
        let mut link = self.link.lock().await;
        if let Some(mut kept) = link.take() {
            let answer = kept.ask(expected, &operation).await;
            match answer.as_ref().err().map(|error| error.kind) {
                // The camera has understood, whatever it says.
                None | Some(ErrorKind::NotFound | ErrorKind::Unsupported) => {
                    *link = Some(kept);
                    return answer;
                }
                Some(
                    ErrorKind::Retry
                    | ErrorKind::Unauthorized
                    | ErrorKind::PeerViolation
                    | ErrorKind::LimitExceeded
                    | ErrorKind::Ended,
                ) => {}
            }
        }
        let mut new = Link::open(&self.source, self.route.clone()).await?;
        let answer = new.ask(expected, &operation).await?;
        *link = Some(new);
        Ok(answer)
    }
}

impl Link {
    async fn open(source: &Source, route: Route) -> Result<Self, DialError> {
        let mut session = Session::open(source, route).await?;
        let service = session.ptz()?;
        let profiles = session.profiles().await?;
        let watched = session.choose(&profiles, &source.subtype)?;
        // Sub streams often have no PTZ of their own: they are of the same lens.
        let movable = [&watched].into_iter().chain(&profiles).find(|profile| profile.has_ptz);
        let profile = movable.map(|profile| profile.token.clone());
        let profile = profile.ok_or_else(|| {
            session.failed(
                ErrorKind::Unsupported,
                "cannot be moved: none of its profiles has a PTZ configuration",
            )
        })?;
        Ok(Self { session, service, profile })
    }

    async fn ask(
        &mut self,
        expected: &str,
        operation: &impl Fn(&str) -> Operation,
    ) -> Result<Element, DialError> {
        self.session.ask(&self.service, &operation(&self.profile), expected).await
    }
}

/// The query of both.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    src: Option<String>,
    operation: Option<String>,
    pan: Option<f32>,
    tilt: Option<f32>,
    zoom: Option<f32>,
    timeout: Option<f64>,
    preset: Option<String>,
}

/// Why a camera is not moved.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("src: expected the name of a stream")]
    NoName,
    #[error("stream not found")]
    NoStream,
    #[error("the stream {0} has no onvif source")]
    NotOnvif(String),
    #[error("operation: expected ContinuousMove, Stop, GotoPreset or GotoHomePosition, got {0:?}")]
    Operation(String),
    #[error("{0}: expected a speed from -1 to 1")]
    Speed(&'static str),
    #[error("ContinuousMove: expected a speed in pan, tilt or zoom")]
    NoSpeed,
    #[error("timeout: expected seconds above 0, at most {}", PTZ_MOVE_LONGEST.as_secs())]
    Timeout,
    #[error("GotoPreset: expected the token of a preset; GET /api/ptz?src= lists them")]
    NoPreset,
    #[error("{0}")]
    Camera(#[from] DialError),
}

impl Refusal {
    fn answer(&self, masker: &Masker) -> Response {
        let status = match self {
            Self::NoStream => StatusCode::NOT_FOUND,
            Self::NoName
            | Self::NotOnvif(_)
            | Self::Operation(_)
            | Self::Speed(_)
            | Self::NoSpeed
            | Self::Timeout
            | Self::NoPreset => StatusCode::BAD_REQUEST,
            Self::Camera(error) => match error.kind {
                ErrorKind::NotFound => StatusCode::NOT_FOUND,
                ErrorKind::Unsupported => StatusCode::NOT_IMPLEMENTED,
                ErrorKind::Retry
                | ErrorKind::Unauthorized
                | ErrorKind::PeerViolation
                | ErrorKind::LimitExceeded
                | ErrorKind::Ended => StatusCode::BAD_GATEWAY,
            },
        };
        (status, format!("{}\n", masker.mask(&self.to_string()))).into_response()
    }
}

fn camera(app: &App, src: Option<&str>) -> Result<Arc<Camera>, Refusal> {
    let name = src.filter(|name| !name.is_empty()).ok_or(Refusal::NoName)?;
    let stream = app.streams.configured(name).ok_or(Refusal::NoStream)?;
    let source = onvif_source(&stream).ok_or_else(|| Refusal::NotOnvif(name.to_owned()))?;
    Ok(app.cameras.of(app, name, &stream, source))
}

/// `GET /api/ptz?src=cam`: its presets.
async fn presets(State(app): State<Arc<App>>, Query(asked): Query<Asked>) -> Response {
    let listed = async {
        let answer = camera(&app, asked.src.as_deref())?.ask("GetPresetsResponse", ptz::get_presets).await?;
        let presets = ptz::presets(&answer);
        Ok::<_, Refusal>(
            presets
                .into_iter()
                .map(|preset| json!({"token": preset.token, "name": preset.name}))
                .collect::<Vec<_>>(),
        )
    };
    match listed.await {
        Ok(presets) => {
            let text = format!("{}\n", json!({"presets": presets}));
            ([(header::CONTENT_TYPE, "application/json")], text).into_response()
        }
        Err(refusal) => refusal.answer(&app.masker),
    }
}

/// `POST /api/ptz?src=cam&operation=…`: moves it.
async fn operate(State(app): State<Arc<App>>, Query(asked): Query<Asked>) -> Response {
    let operated = async { camera(&app, asked.src.as_deref())?.operate(&asked).await };
    match operated.await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refusal) => refusal.answer(&app.masker),
    }
}

impl Camera {
    pub(super) async fn operate(&self, asked: &Asked) -> Result<(), Refusal> {
        match asked.operation.as_deref().unwrap_or_default() {
            "ContinuousMove" => {
                let (velocity, time) = (velocity(asked)?, move_time(asked.timeout)?);
                // Before it moves: an answer that gets lost must not let it move on.
                self.moves_until.send_replace(Some(Instant::now() + time));
                let operation = |profile: &str| ptz::continuous_move(profile, velocity, time);
                self.ask("ContinuousMoveResponse", operation).await?;
            }
            "Stop" => {
                let until = *self.moves_until.borrow();
                self.ask("StopResponse", ptz::stop).await?;
                // Another move may have been asked for meanwhile: that one has to end as well.
                self.moves_until.send_if_modified(|now| *now == until && now.take().is_some());
            }
            "GotoPreset" => {
                let preset = asked.preset.as_deref().filter(|preset| !preset.is_empty());
                let preset = preset.ok_or(Refusal::NoPreset)?;
                self.go("GotoPresetResponse", |profile| ptz::goto_preset(profile, preset)).await?;
            }
            "GotoHomePosition" => self.go("GotoHomePositionResponse", ptz::goto_home_position).await?,
            other => return Err(Refusal::Operation(other.chars().take(40).collect())),
        }
        Ok(())
    }

    /// A movement that has an end of its own.
    async fn go(&self, expected: &str, operation: impl Fn(&str) -> Operation) -> Result<(), DialError> {
        let until = self.moves_until.send_replace(None);
        let answer = self.ask(expected, operation).await;
        if answer.is_err() && until.is_some() {
            self.moves_until.send_if_modified(|now| {
                let is_unset = now.is_none();
                if is_unset {
                    *now = until;
                }
                is_unset
            });
        }
        answer.map(drop)
    }
}

fn velocity(asked: &Asked) -> Result<Velocity, Refusal> {
    let Asked { pan, tilt, zoom, .. } = *asked;
    for (name, speed) in [("pan", pan), ("tilt", tilt), ("zoom", zoom)] {
        if speed.is_some_and(|speed| !(-1.0..=1.0).contains(&speed)) {
            return Err(Refusal::Speed(name));
        }
    }
    if pan.or(tilt).or(zoom).is_none() { Err(Refusal::NoSpeed) } else { Ok(Velocity { pan, tilt, zoom }) }
}

fn move_time(seconds: Option<f64>) -> Result<Duration, Refusal> {
    let Some(seconds) = seconds else { return Ok(PTZ_MOVE_USUAL) };
    let time = Duration::try_from_secs_f64(seconds).map_err(|_| Refusal::Timeout)?;
    if time.is_zero() || time > PTZ_MOVE_LONGEST { Err(Refusal::Timeout) } else { Ok(time) }
}
