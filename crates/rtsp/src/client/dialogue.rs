//! The dialogue with the server: which request follows which answer.

use super::error::{Error, ErrorKind, kind_of};
use super::exchange::{Answer, Exchange, Purpose, name};
use super::playback::Channels;
use super::presentation::Presentation;
use super::session::{ClientSession, State};
use super::{Ended, Event, Output};
use crate::limits;
use crate::message::{Method, Range, Request, Response, RtpInfo, StatusCode, header};
use crate::url::Url;
use bytes::BytesMut;
use std::time::Instant;
use yeoul_rtp::clock::ClockMapping;

impl ClientSession {
    pub(super) fn send(&mut self, now: Instant, purpose: Purpose, request: Request) {
        if let Some(bytes) = self.exchange.send(now, purpose, request) {
            self.outputs.push_back(Output::Send(bytes));
        }
    }

    pub(super) fn aggregate(&self) -> String {
        self.presentation.as_ref().map_or_else(|| self.url.request_uri(), |found| found.aggregate.clone())
    }

    pub(super) fn command(&mut self, now: Instant, expected: State, purpose: Purpose, method: Method) {
        if self.state == expected {
            let uri = self.aggregate();
            self.send(now, purpose, Request::new(method, uri));
        }
    }

    pub(super) fn response(&mut self, now: Instant, response: &Response) -> Result<(), Error> {
        let (purpose, request) = match self.exchange.receive(now, &self.peer_name, response)? {
            Answer::None => return Ok(()),
            Answer::Again(bytes) => {
                self.outputs.push_back(Output::Send(bytes));
                return Ok(());
            }
            Answer::To(purpose, request) => (purpose, request),
        };
        if self.server.is_none() {
            self.server =
                response.headers.get(header::SERVER).map(|server| server.chars().take(100).collect());
        }
        let is_before_media = matches!(self.state, State::Asking | State::Starting);
        if is_before_media && response.status.is_redirection() && purpose != Purpose::Teardown {
            return self.redirect(response);
        }
        match purpose {
            Purpose::Options => self.take_options(now, response),
            Purpose::Describe => self.take_description(now, response)?,
            Purpose::Announce => self.take_announcement(now, response)?,
            Purpose::Setup(candidate) => self.set_up(now, candidate, response)?,
            Purpose::Play => self.take_play(now, response, &request)?,
            Purpose::Record => self.take_record(now, response)?,
            Purpose::Pause if response.status.is_success() => self.state = State::Paused,
            Purpose::KeepAlive => self.take_keepalive(response)?,
            Purpose::Pause | Purpose::SetParameter => {
                if !response.status.is_success() {
                    let text = format!(
                        "{} answered {} with {}",
                        self.peer_name,
                        name(&request.method),
                        words(response)
                    );
                    self.outputs.push_back(Output::Event(Event::Note(text)));
                }
            }
            Purpose::Teardown => self.end(Ended::Stopped),
        }
        if let Some(bytes) = self.exchange.send_queued(now) {
            self.outputs.push_back(Output::Send(bytes));
        }
        Ok(())
    }

    fn take_options(&mut self, now: Instant, response: &Response) {
        let public = response.headers.get_all(header::PUBLIC).flat_map(|value| value.split(','));
        if public.into_iter().any(|method| method.trim().eq_ignore_ascii_case("GET_PARAMETER")) {
            self.keepalive = Method::GetParameter;
        }
        // A server that does not know OPTIONS may still know the rest.
        if self.publishing.is_some() {
            return self.send_announcement(now);
        }
        let request =
            Request::new(Method::Describe, self.url.request_uri()).with(header::ACCEPT, "application/sdp");
        self.send(now, Purpose::Describe, request);
    }

    fn take_description(&mut self, now: Instant, response: &Response) -> Result<(), Error> {
        if !response.status.is_success() {
            let kind = kind_of(response.status);
            let advice = match kind {
                ErrorKind::NotFound => "; check the path in the source URL",
                ErrorKind::Unauthorized => "; check the rights of the user in the source URL",
                ErrorKind::Retry
                | ErrorKind::Unsupported
                | ErrorKind::PeerViolation
                | ErrorKind::LimitExceeded => "",
            };
            let text = format!("answered DESCRIBE of {} with {}{advice}", self.url, words(response));
            return Err(self.error(kind, text));
        }
        self.presentation = Some(Presentation::read(&self.url, &self.peer_name, response, &self.options)?);
        self.set_up_next(now, 0)
    }

    fn redirect(&mut self, response: &Response) -> Result<(), Error> {
        let status = u16::from(response.status);
        let to = response.headers.get(header::LOCATION).map(|location| self.url.redirect(location));
        let Some(Ok(to)) = to else {
            let text = format!("sent us elsewhere ({status}) without saying where");
            return Err(self.error(ErrorKind::PeerViolation, text));
        };
        self.redirects += 1;
        if self.redirects > limits::REDIRECTS {
            let text =
                format!("sent us elsewhere ({status}) for the {}th time, at last to {to}", self.redirects);
            return Err(self.error(ErrorKind::LimitExceeded, text));
        }
        self.exchange = Exchange::new(to.credentials.clone(), self.options.timeout);
        self.peer_name = to.authority();
        self.url = to;
        (self.presentation, self.setup_refused, self.session_timeout) = (None, None, None);
        (self.receivers, self.channels, self.clock) = (Vec::new(), Channels::new(), ClockMapping::default());
        if let Some(publishing) = &mut self.publishing {
            publishing.start_over();
        }
        (self.media_source, self.server, self.keepalive) = (None, None, Method::Options);
        self.early.clear();
        self.connect();
        Ok(())
    }

    /// Sends PLAY of everything that is set up.
    pub(super) fn play(&mut self, now: Instant) {
        let live = "npt=0.000-".to_owned();
        let range = self.options.range.as_ref().map_or(live, Range::to_string);
        let request = Request::new(Method::Play, self.aggregate()).with(header::RANGE, range);
        self.state = State::Starting;
        self.timers.last_media = now;
        self.send(now, Purpose::Play, request);
    }

    fn take_play(&mut self, now: Instant, response: &Response, request: &Request) -> Result<(), Error> {
        if !response.status.is_success() {
            let asked_for_range = request.headers.get(header::RANGE).is_some();
            if self.options.range.is_none() && asked_for_range && response.status == StatusCode::InvalidRange
            {
                let request = Request::new(Method::Play, self.aggregate());
                self.send(now, Purpose::Play, request);
                return Ok(());
            }
            let text = match &self.options.range {
                Some(range) => format!("answered PLAY of {range} with {}", words(response)),
                None => format!("answered PLAY with {}", words(response)),
            };
            return Err(self.error(kind_of(response.status), text));
        }
        if self.state == State::Paused {
            self.resume(now);
            return Ok(());
        }
        self.note_session(response);
        if let Some(value) = response.headers.get(header::RTP_INFO) {
            for (index, rtp_time) in self.match_rtp_info(value) {
                if let Some(receiver) = self.receivers.get(index) {
                    self.clock.rtp_info(receiver.clock_track(), rtp_time);
                }
            }
        }
        self.start(now);
        Ok(())
    }

    /// Which receivers an RTP-Info header speaks of, with the RTP time of the start of playback.
    pub(super) fn match_rtp_info(&self, value: &str) -> Vec<(usize, u32)> {
        let Some(found) = &self.presentation else { return Vec::new() };
        let entries = RtpInfo::parse(value).into_iter();
        entries
            .filter_map(|info| {
                let receiver = self.find_by_url(&Url::join_control(&found.base, Some(&info.url)))?;
                Some((receiver, info.rtptime?))
            })
            .collect()
    }

    /// The receiver of that control URL. Some servers (GW Security) leave the query out here: then the last part decides,
    /// if it is one track's alone.
    fn find_by_url(&self, url: &str) -> Option<usize> {
        let controls = || self.receivers.iter().map(|receiver| receiver.leg.control.as_str()).enumerate();
        if let Some((exact, _)) = controls().find(|(_, control)| *control == url) {
            return Some(exact);
        }
        let last = |url: &str| url.rsplit('/').next().unwrap_or_default().to_owned();
        let mut alike = controls().filter(|(_, control)| last(control) == last(url)).map(|(index, _)| index);
        match (alike.next(), alike.next()) {
            (Some(found), None) => Some(found),
            (None, None) if self.receivers.len() == 1 => Some(0),
            _ => None,
        }
    }

    fn take_keepalive(&mut self, response: &Response) -> Result<(), Error> {
        if response.status == StatusCode::SessionNotFound {
            return Err(self.error(ErrorKind::Retry, "has forgotten the session (454)"));
        }
        if !response.status.is_success() {
            self.keepalive = Method::Options;
        }
        Ok(())
    }

    /// A request of the server.
    pub(super) fn request(&mut self, request: &Request) {
        let status = match request.method {
            Method::Options | Method::GetParameter | Method::SetParameter | Method::Announce => {
                StatusCode::Ok
            }
            Method::Redirect | Method::Teardown => StatusCode::Ok,
            Method::Describe
            | Method::Pause
            | Method::Play
            | Method::PlayNotify
            | Method::Setup
            | Method::Record
            | Method::Extension(_) => StatusCode::NotImplemented,
        };
        let mut bytes = BytesMut::new();
        Response::to(request, status).write(&mut bytes);
        self.outputs.push_back(Output::Send(bytes.freeze()));
        if matches!(request.method, Method::Redirect | Method::Teardown) {
            self.end(self.end_by_server());
        }
    }

    pub(super) fn check_answer(&mut self, now: Instant) -> Result<(), Error> {
        let Some((purpose, by)) = self.exchange.waits_for() else { return Ok(()) };
        if now < by {
            return Ok(());
        }
        // A camera that plays without answering PLAY plays.
        if purpose == Purpose::Play && !self.early.is_empty() {
            self.start(now);
            return Ok(());
        }
        let seconds = self.options.timeout.as_secs();
        let method = method_of(&purpose);
        Err(self.error(ErrorKind::Retry, format!("did not answer {method} within {seconds} s")))
    }
}

pub(super) fn method_of(purpose: &Purpose) -> &'static str {
    match purpose {
        Purpose::Options => "OPTIONS",
        Purpose::Describe => "DESCRIBE",
        Purpose::Announce => "ANNOUNCE",
        Purpose::Setup(_) => "SETUP",
        Purpose::Play => "PLAY",
        Purpose::Record => "RECORD",
        Purpose::Pause => "PAUSE",
        Purpose::KeepAlive => "a keepalive",
        Purpose::SetParameter => "SET_PARAMETER",
        Purpose::Teardown => "TEARDOWN",
    }
}

pub(super) fn words(response: &Response) -> String {
    format!("{} {}", u16::from(response.status), response.reason.chars().take(80).collect::<String>())
}
