//! A conversation with a device: its clock first, for a proof of the password is good for a moment of it; then its services.
//!
//! The password is proved twice: in the envelope (WS-Security), and by HTTP Digest where the device asks for that. Requests follow no
//! redirect, for the proof is for the host that the source names.

use super::source::{Source, Subtype};
use crate::http::{Client, Content};
use crate::limits::{HTTP_ANSWER_WAIT, ONVIF_PROFILES_TOLD};
use crate::policy::Route;
use crate::streams::{DialError, ErrorKind};
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;
use url::Url;
use yeoul_onvif::device::{self, Services};
use yeoul_onvif::media::{self, Media, Profile};
use yeoul_onvif::soap::{AnswerError, FaultKind, read_answer};
use yeoul_onvif::xml::Element;
use yeoul_onvif::{Credentials, Operation, UsernameToken};

/// A device that has told its services.
pub(crate) struct Session {
    client: Client,
    /// The device service.
    device: Url,
    /// Host and port, for sentences.
    peer: String,
    credentials: Option<Credentials>,
    /// How much its clock is ahead of ours.
    clock_ahead: SignedDuration,
    services: Services,
}

/// An answer that was read, with the status that it came with.
struct Refused {
    status: StatusCode,
    error: AnswerError,
}

impl Session {
    /// Begins one, over `route`.
    ///
    /// # Errors
    /// If nobody answers there, or not as an ONVIF device does.
    pub(crate) async fn open(source: &Source, route: Route) -> Result<Self, DialError> {
        let mut session = Self {
            client: Client::new(source.device().clone(), route),
            device: source.device().url().clone(),
            peer: source.device().peer(),
            // Without its clock there is no proof.
            credentials: None,
            clock_ahead: SignedDuration::ZERO,
            services: Services::default(),
        };
        let device = session.device.clone();
        let asked = device::get_system_date_and_time();
        let answer = session.exchange(&device, &asked, "GetSystemDateAndTimeResponse").await?;
        // Where it tells none, ours is the best guess.
        if let Some(clock) = answer.ok().and_then(|answer| device::system_date_and_time(&answer)) {
            session.clock_ahead = clock.duration_since(Timestamp::now());
        }
        session.credentials = source.credentials();
        session.services =
            match session.exchange(&device, &device::get_services(), "GetServicesResponse").await? {
                Ok(answer) => Services::of_services(&answer),
                Err(refused) if refused.is_unauthorized() => return Err(session.told(&device, refused)),
                Err(_) => {
                    let answer =
                        session.ask(&device, &device::get_capabilities(), "GetCapabilitiesResponse").await?;
                    Services::of_capabilities(&answer)
                }
            };
        Ok(session)
    }

    /// Asks a service.
    ///
    /// # Errors
    /// If it gives no answer, or refuses.
    pub(super) async fn ask(
        &mut self,
        service: &Url,
        operation: &Operation,
        expected: &str,
    ) -> Result<Element, DialError> {
        let answer = self.exchange(service, operation, expected).await?;
        answer.map_err(|refused| self.told(service, refused))
    }

    async fn exchange(
        &mut self,
        service: &Url,
        operation: &Operation,
        expected: &str,
    ) -> Result<Result<Element, Refused>, DialError> {
        let created = Timestamp::now().saturating_add(self.clock_ahead).unwrap_or(Timestamp::UNIX_EPOCH);
        let token = self
            .credentials
            .as_ref()
            .map(|credentials| UsernameToken::new(credentials, crate::random::bytes(), created));
        let content: Content = (operation.content_type(), Bytes::from(operation.envelope(token.as_ref())));
        let asking = async {
            let reply = self.client.exchange(&Method::POST, service, Some(&content)).await?;
            Ok((reply.status, reply.text().await?))
        };
        let Ok(answered) = timeout(HTTP_ANSWER_WAIT, asking).await else {
            let seconds = HTTP_ANSWER_WAIT.as_secs();
            return Err(self.failed(ErrorKind::Retry, format!("has not answered within {seconds} s")));
        };
        let (status, text) = answered?;
        Ok(read_answer(text.as_bytes(), expected).map_err(|error| Refused { status, error }))
    }

    /// What an answer that is none means: a sentence.
    fn told(&self, service: &Url, refused: Refused) -> DialError {
        let Refused { status, error } = refused;
        match &error {
            AnswerError::Fault(fault) => match fault.kind {
                FaultKind::NotAuthorized => {
                    let hint = match &self.credentials {
                        Some(_) => "user name or password are wrong",
                        None => "no user name and password are given",
                    };
                    self.failed(ErrorKind::Unauthorized, format!("{error}; {hint}"))
                }
                FaultKind::Unsupported => self.failed(ErrorKind::Unsupported, &error),
                FaultKind::NotFound => self.failed(ErrorKind::NotFound, &error),
                FaultKind::Other => self.failed(ErrorKind::Retry, &error),
            },
            AnswerError::Xml(_) | AnswerError::NoSoap(_) | AnswerError::Other { .. }
                if !status.is_success() =>
            {
                let mut refusal = self.client.refusal(service, status);
                if refusal.kind == ErrorKind::NotFound {
                    refusal.text.push_str(&format!(": no ONVIF service is at {}", service.path()));
                }
                refusal
            }
            AnswerError::Xml(_) | AnswerError::NoSoap(_) | AnswerError::Other { .. } => {
                self.failed(ErrorKind::PeerViolation, &error)
            }
        }
    }

    pub(super) fn failed(&self, kind: ErrorKind, text: impl std::fmt::Display) -> DialError {
        DialError::new(kind, format!("{} {text}", self.peer))
    }

    /// Whether the device means itself by this host.
    pub(super) fn is_own_host(&self, host: &str) -> bool {
        self.services.is_own_host(host)
    }

    /// The PTZ service.
    ///
    /// # Errors
    /// If it has none.
    pub(super) fn ptz(&self) -> Result<Url, DialError> {
        let ptz = self.services.ptz(&self.device);
        ptz.ok_or_else(|| self.failed(ErrorKind::Unsupported, "cannot be moved: it has no PTZ service"))
    }

    /// The way that it has gone.
    pub(super) fn into_route(self) -> Route {
        self.client.into_route()
    }

    /// Manufacturer and model; host and port where it does not tell.
    pub(crate) async fn name(&mut self) -> Result<String, DialError> {
        let device = self.device.clone();
        let answer =
            self.ask(&device, &device::get_device_information(), "GetDeviceInformationResponse").await?;
        let name = device::device_name(&answer);
        Ok(if name.is_empty() { self.peer.clone() } else { name })
    }

    /// Its profiles, of both media services.
    pub(crate) async fn profiles(&mut self) -> Result<Vec<Profile>, DialError> {
        let (one, two) = (self.services.media(&self.device), self.services.media2(&self.device));
        let mut of = async |service: Option<Url>, media| match service {
            Some(url) => {
                let answer = self.ask(&url, &media::get_profiles(media), "GetProfilesResponse").await?;
                Ok(media::profiles(&answer, media))
            }
            None => Ok(Vec::new()),
        };
        let one = of(one, Media::One).await;
        let two = of(two, Media::Two).await;
        match (one, two) {
            (Ok(one), two) if !one.is_empty() => Ok(media::merge(one, two.unwrap_or_default())),
            (_, Ok(two)) if !two.is_empty() => Ok(two),
            (Err(error), _) | (_, Err(error)) => Err(error),
            (Ok(_), Ok(_)) => {
                Err(self.failed(ErrorKind::NotFound, "has no profile: nothing to watch is set up in it"))
            }
        }
    }

    /// The profile that a source means.
    ///
    /// # Errors
    /// If there is none: with those that there are.
    pub(super) fn choose(&self, profiles: &[Profile], subtype: &Subtype) -> Result<Profile, DialError> {
        let named = |token: &str| profiles.iter().find(|profile| profile.token == token);
        let (chosen, wanted) = match subtype {
            Subtype::Index(index) => {
                let text = index.to_string();
                (profiles.get(*index).or_else(|| named(&text)), text)
            }
            Subtype::Token(token) => (named(token), token.clone()),
        };
        chosen.cloned().ok_or_else(|| {
            let wanted: String = wanted.chars().filter(|char| !char.is_control()).take(64).collect();
            let told = profiles.iter().enumerate().take(ONVIF_PROFILES_TOLD).map(|(index, profile)| {
                let about = profile.to_string();
                let about = if about.is_empty() { about } else { format!(", {about}") };
                format!("{index}: {} ({}{about})", profile.token, profile.name)
            });
            let told = told.collect::<Vec<_>>().join("; ");
            self.failed(ErrorKind::NotFound, format!("has no profile {wanted}; it has {told}"))
        })
    }

    fn media(&self, media: Media) -> Result<Url, DialError> {
        let service = match media {
            Media::One => self.services.media(&self.device),
            Media::Two => self.services.media2(&self.device),
        };
        service.ok_or_else(|| self.failed(ErrorKind::Unsupported, "has no media service"))
    }

    /// Where the stream of a profile is.
    pub(super) async fn stream_uri(&mut self, profile: &Profile) -> Result<String, DialError> {
        let service = self.media(profile.media)?;
        let operation = media::get_stream_uri(profile.media, &profile.token);
        let answer = self.ask(&service, &operation, "GetStreamUriResponse").await?;
        self.uri(&answer, "stream")
    }

    /// Where a picture of a profile is.
    pub(crate) async fn snapshot_uri(&mut self, profile: &Profile) -> Result<String, DialError> {
        let service = self.media(profile.media)?;
        let operation = media::get_snapshot_uri(profile.media, &profile.token);
        let answer = self.ask(&service, &operation, "GetSnapshotUriResponse").await?;
        self.uri(&answer, "picture")
    }

    fn uri(&self, answer: &Element, what: &str) -> Result<String, DialError> {
        let uri = media::uri(answer).map(str::to_owned);
        uri.ok_or_else(|| self.failed(ErrorKind::PeerViolation, format!("names no address of its {what}")))
    }
}

impl Refused {
    fn is_unauthorized(&self) -> bool {
        let fault = match &self.error {
            AnswerError::Fault(fault) => Some(fault.kind),
            AnswerError::Xml(_) | AnswerError::NoSoap(_) | AnswerError::Other { .. } => None,
        };
        fault == Some(FaultKind::NotAuthorized) || self.status == StatusCode::UNAUTHORIZED
    }
}
