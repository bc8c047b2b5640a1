//! The requests, one function for each method (RFC 2326 §10).

use super::account::Verdict;
use super::receiving::Receiving;
use super::uri::{RequestUri, control};
use super::{AnnouncedMedia, Error, Output, Player, Publisher, Refusal, Role, ServerSession};
use crate::message::{Method, Request, Response, RtpInfo, SessionHeader, StatusCode, Version, header};
use crate::send::{Sending, Start, media_formats};
use std::time::Instant;
use yeoul_media::Track;
use yeoul_rtp::sdp;

/// What OPTIONS answers.
const METHODS: &str =
    "OPTIONS, DESCRIBE, ANNOUNCE, SETUP, PLAY, PAUSE, RECORD, GET_PARAMETER, SET_PARAMETER, TEARDOWN";
const SDP: &str = "application/sdp";
/// Live streams have no beginning and no end (RFC 2326 §3.6).
const LIVE: &str = "npt=now-";

/// What becomes of a request.
enum Fate {
    Answer(Response),
    /// The answer comes later; this is what it depends on.
    Wait(Output),
}

type Verb = Result<Fate, Refusal>;

impl ServerSession {
    pub(super) fn request(&mut self, now: Instant, request: Request) -> Result<(), Error> {
        if self.user_agent.is_none() {
            self.user_agent =
                request.headers.get(header::USER_AGENT).map(|agent| agent.chars().take(200).collect());
        }
        if let Err(refusal) = self.admit(&request) {
            self.refuse(&request, &refusal);
            return Ok(());
        }
        if self.asks_for_account(&request) && !self.check_account(now, &request)? {
            return Ok(());
        }
        match self.dispatch(&request) {
            Ok(Fate::Answer(response)) => self.respond(response, None),
            Ok(Fate::Wait(question)) => {
                self.pending = Some(request);
                self.outputs.push_back(question);
            }
            Err(refusal) => self.refuse(&request, &refusal),
        }
        Ok(())
    }

    /// What is wrong with a request whoever sends it.
    fn admit(&mut self, request: &Request) -> Result<(), Refusal> {
        if let Some(sentence) = &self.refusal {
            let refusal = Refusal::new(StatusCode::Forbidden, sentence.as_str());
            self.close();
            return Err(refusal);
        }
        if request.version != Version::V1_0 {
            let sentence = "expected RTSP/1.0";
            return Err(Refusal::new(StatusCode::RTSPVersionNotSupported, sentence));
        }
        if request.headers.cseq().is_none() {
            return Err(Refusal::new(StatusCode::BadRequest, "the header CSeq is missing or no number"));
        }
        Ok(())
    }

    /// Everything but OPTIONS, and but requests within a session, which is bound to this connection and was begun with
    /// the account: players leave it out of their keepalives.
    fn asks_for_account(&self, request: &Request) -> bool {
        let ticket = self.options.tickets.filter(|_| self.guard.is_some());
        if ticket.is_some_and(|ticket| parse_uri(request).is_ok_and(|uri| uri.name.starts_with(ticket))) {
            return false;
        }
        let within_session = self.id.is_some() && self.check_session(request).is_ok();
        match request.method {
            Method::Options => false,
            Method::GetParameter | Method::SetParameter | Method::Pause | Method::Teardown => !within_session,
            Method::Describe
            | Method::Announce
            | Method::Setup
            | Method::Play
            | Method::Record
            | Method::PlayNotify
            | Method::Redirect
            | Method::Extension(_) => true,
        }
    }

    /// Whether the request carries the account; if not, it has been answered.
    fn check_account(&mut self, now: Instant, request: &Request) -> Result<bool, Error> {
        let fresh_nonce = self.secrets.next_u128();
        let Some(guard) = &mut self.guard else { return Ok(true) };
        let verdict = guard.check(now, request);
        if verdict == Verdict::Granted {
            return Ok(true);
        }
        let mut response = Response::to(request, StatusCode::Unauthorized);
        for challenge in guard.challenges(now, fresh_nonce, verdict) {
            response.headers.push(header::WWW_AUTHENTICATE, challenge);
        }
        let exhausted = guard.is_exhausted();
        self.respond(response, None);
        if exhausted { Err(Error::WrongPassword) } else { Ok(false) }
    }

    fn dispatch(&mut self, request: &Request) -> Verb {
        if let Some(options) =
            request.headers.get(header::REQUIRE).filter(|options| !options.trim().is_empty())
        {
            // ONVIF's clients ask for its backchannel this way, and do without where it is refused.
            let response = Response::to(request, StatusCode::OptionNotSupported);
            return Ok(Fate::Answer(response.with(header::UNSUPPORTED, options)));
        }
        match request.method {
            Method::Options => {
                Ok(Fate::Answer(Response::to(request, StatusCode::Ok).with(header::PUBLIC, METHODS)))
            }
            Method::Describe => self.describe(request),
            Method::Announce => self.announce(request),
            Method::Setup => self.setup(request),
            Method::Play => self.play(request),
            Method::Pause => self.pause(request),
            Method::Record => self.record(request),
            Method::GetParameter | Method::SetParameter => self.parameter(request),
            Method::Teardown => self.teardown(request),
            Method::PlayNotify | Method::Redirect | Method::Extension(_) => {
                let response = Response::to(request, StatusCode::NotImplemented);
                Ok(Fate::Answer(response.with(header::PUBLIC, METHODS)))
            }
        }
    }

    fn describe(&mut self, request: &Request) -> Verb {
        let uri = parse_uri(request)?;
        let accepts: Vec<_> =
            request.headers.get_all(header::ACCEPT).flat_map(|value| value.split(',')).collect();
        let is_sdp = |range: &&str| {
            let range = range.split(';').next().unwrap_or_default().trim();
            [SDP, "application/*", "*/*"].iter().any(|ours| range.eq_ignore_ascii_case(ours))
        };
        if !accepts.is_empty() && !accepts.iter().any(is_sdp) {
            return Err(Refusal::new(StatusCode::NotAcceptable, format!("descriptions are {SDP}")));
        }
        if self.id.is_some() {
            return Err(not_now("there is a session already: DESCRIBE comes before SETUP"));
        }
        Ok(Fate::Wait(Output::Open { name: uri.name, query: uri.query }))
    }

    fn announce(&mut self, request: &Request) -> Verb {
        let uri = parse_uri(request)?;
        if self.id.is_some() {
            return Err(not_now("there is a session already: ANNOUNCE comes before SETUP"));
        }
        let content_type = request.headers.get(header::CONTENT_TYPE).unwrap_or_default();
        if !content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(SDP) {
            let sentence = format!("expected a body of {SDP}");
            return Err(Refusal::new(StatusCode::UnsupportedMediaType, sentence));
        }
        let described = sdp::parse(&request.body)
            .map_err(|error| Refusal::new(StatusCode::BadRequest, error.to_string()))?;
        if described.medias.iter().all(|media| media.format.is_none()) {
            let there_are: Vec<_> =
                described.medias.into_iter().filter_map(|media| media.unsupported).collect();
            let sentence = format!("no track can be taken: announced were {}", there_are.join(", "));
            return Err(Refusal::new(StatusCode::UnsupportedMediaType, sentence));
        }
        let medias = described.medias.into_iter();
        let medias =
            medias.map(|media| AnnouncedMedia { control: media.control, format: media.format, path: None });
        self.stop();
        let name = uri.name.clone();
        self.role = Role::Publisher(Publisher {
            uri,
            announced: request.uri.clone(),
            medias: medias.collect(),
            receiving: None,
            paused: false,
        });
        Ok(Fate::Wait(Output::Announce { name }))
    }

    fn setup(&mut self, request: &Request) -> Verb {
        let uri = parse_uri(request)?;
        if request.headers.get(header::SESSION).is_some() {
            self.check_session(request)?;
        }
        match &self.role {
            Role::Player(Player { sending: Some(_), .. }) => {
                return Err(not_now("PAUSE before another SETUP"));
            }
            Role::Publisher(Publisher { receiving: Some(_), .. }) => {
                return Err(not_now("tracks are set up before RECORD"));
            }
            Role::Player(player) if player.uri.name == uri.name => {}
            Role::Publisher(_) => {}
            Role::Player(player) if self.id.is_some() => {
                let sentence = format!("the session is one of stream {}", player.uri.name);
                return Err(not_now(&sentence));
            }
            // Players that know the description may leave DESCRIBE out.
            Role::Nobody | Role::Player(_) => {
                return Ok(Fate::Wait(Output::Open { name: uri.name, query: uri.query }));
            }
        }
        self.set_up(request, &uri).map(Fate::Answer)
    }

    fn play(&mut self, request: &Request) -> Verb {
        self.check_session(request)?;
        let Role::Player(player) = &self.role else { return Err(not_now("the session publishes: RECORD")) };
        self.check_aggregate(request, player.paths.iter().flatten().count())?;
        if player.sending.is_some() {
            // Live streams have nothing to seek: the request is a sign of life.
            return Ok(Fate::Answer(self.ok(request)));
        }
        Ok(Fate::Wait(Output::Play))
    }

    fn pause(&mut self, request: &Request) -> Verb {
        self.check_session(request)?;
        match &mut self.role {
            Role::Player(player) if player.sending.is_some() => {
                player.sending = None;
                self.outputs.push_back(Output::Pause);
            }
            Role::Publisher(publisher) if publisher.receiving.is_some() && !publisher.paused => {
                publisher.paused = true
            }
            Role::Nobody | Role::Player(_) | Role::Publisher(_) => return Err(not_now("nothing plays")),
        }
        Ok(Fate::Answer(self.ok(request)))
    }

    fn record(&mut self, request: &Request) -> Verb {
        self.check_session(request)?;
        let ssrc = self.secrets.next_u32();
        let Role::Publisher(publisher) = &mut self.role else {
            return Err(not_now("the session plays: ANNOUNCE comes before RECORD"));
        };
        if publisher.receiving.is_some() {
            publisher.paused = false;
            return Ok(Fate::Answer(self.ok(request)));
        }
        let set_up = publisher.medias.iter().filter_map(|media| Some((media.format.clone()?, media.path?)));
        let receiving = Receiving::new(self.last_heard, set_up.collect(), ssrc);
        let codecs = receiving.codecs();
        if codecs.is_empty() {
            return Err(not_now("no track that can be taken is set up"));
        }
        publisher.receiving = Some(receiving);
        // Nothing is taken before the answer.
        publisher.paused = true;
        Ok(Fate::Wait(Output::Record { name: publisher.uri.name.clone(), codecs }))
    }

    /// GET_PARAMETER and SET_PARAMETER: without a body signs of life; there are no parameters.
    fn parameter(&mut self, request: &Request) -> Verb {
        if request.headers.get(header::SESSION).is_some() {
            self.check_session(request)?;
        }
        if request.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Fate::Answer(self.ok(request)));
        }
        Err(Refusal::new(StatusCode::ParameterNotUnderstood, "there are no parameters"))
    }

    fn teardown(&mut self, request: &Request) -> Verb {
        self.check_session(request)?;
        if self.tear_down_track(request) {
            return Ok(Fate::Answer(self.ok(request)));
        }
        self.stop();
        Ok(Fate::Answer(Response::to(request, StatusCode::Ok)))
    }

    /// Whether the request ends one track of several that are set up and do not play yet.
    fn tear_down_track(&mut self, request: &Request) -> bool {
        let Role::Player(player) = &mut self.role else { return false };
        let track = RequestUri::parse(&request.uri).ok().and_then(|uri| uri.track);
        let set_up = player.paths.iter().flatten().count();
        let path = track.and_then(|track| player.paths.get_mut(track));
        match path {
            Some(path) if set_up > 1 && path.is_some() && player.sending.is_none() => {
                *path = None;
                true
            }
            Some(_) | None => false,
        }
    }

    /// The host's answer to [`Output::Open`]: for DESCRIBE, or for a SETUP without one.
    pub(super) fn opened(&mut self, request: &Request, answer: Result<Vec<Track>, Refusal>) {
        let uri = parse_uri(request);
        let (uri, tracks) = match uri.and_then(|uri| Ok((uri, answer?))) {
            Ok(opened) => opened,
            Err(refusal) => return self.refuse(request, &refusal),
        };
        let formats = media_formats(&tracks);
        let paths = vec![None; formats.len()];
        self.role = Role::Player(Player { uri: uri.clone(), formats, paths, sending: None });
        if request.method == Method::Setup {
            match self.set_up(request, &uri) {
                Ok(response) => self.respond(response, None),
                Err(refusal) => self.refuse(request, &refusal),
            }
            return;
        }
        let response = self.description(request, &uri);
        self.respond(response, None);
    }

    fn description(&mut self, request: &Request, uri: &RequestUri) -> Response {
        let session_id = self.secrets.next_u64() >> 1;
        let Role::Player(player) = &self.role else {
            return Response::to(request, StatusCode::InternalServerError);
        };
        let medias: Vec<_> =
            player.formats.iter().enumerate().map(|(at, format)| (format.clone(), control(at))).collect();
        let description =
            sdp::Description { name: &uri.name, server: self.local, session_id, medias: &medias };
        Response::to(request, StatusCode::Ok)
            .with(header::CONTENT_BASE, format!("{}/", uri.base))
            .with_body(SDP, sdp::write(&description))
    }

    /// The host's answer to [`Output::Announce`] or [`Output::Record`].
    pub(super) fn accepted(&mut self, now: Instant, request: &Request, answer: Result<(), Refusal>) {
        if let Err(refusal) = answer {
            self.stop();
            return self.refuse(request, &refusal);
        }
        if let (Method::Record, Role::Publisher(publisher)) = (&request.method, &mut self.role) {
            publisher.paused = false;
            self.last_heard = now;
        }
        let response = self.ok(request);
        self.respond(response, None);
    }

    /// The host's answer to [`Output::Play`].
    pub(super) fn playing(&mut self, now: Instant, request: &Request, answer: Result<Start, Refusal>) {
        let start = match answer {
            Ok(start) => start,
            Err(refusal) => return self.refuse(request, &refusal),
        };
        let mut response = self.ok(request).with(header::RANGE, LIVE);
        if let Role::Player(player) = &mut self.role {
            let set_up =
                player.paths.iter().zip(&start.tracks).enumerate().filter(|(_, (path, _))| path.is_some());
            let entries: Vec<_> = set_up
                .map(|(at, (_, track))| RtpInfo {
                    url: player.uri.of_track(at),
                    seq: Some(track.seq),
                    rtptime: Some(track.rtp_time(start.pts)),
                    ssrc: None,
                })
                .collect();
            response.headers.push(header::RTP_INFO, RtpInfo::write(&entries));
            player.sending = Some(Sending::new(now, &start, &player.paths));
        }
        self.respond(response, None);
    }

    /// 200 with the session's id.
    fn ok(&self, request: &Request) -> Response {
        let response = Response::to(request, StatusCode::Ok);
        match &self.id {
            Some(id) => response.with(header::SESSION, id.as_str()),
            None => response,
        }
    }

    /// The request is one of this connection's session.
    fn check_session(&self, request: &Request) -> Result<(), Refusal> {
        let not_found = |sentence| Err(Refusal::new(StatusCode::SessionNotFound, sentence));
        let given = request.headers.get(header::SESSION).map(SessionHeader::parse);
        match (given, &self.id) {
            (None, _) => not_found("the header Session is missing"),
            (Some(Some(given)), Some(id)) if given.id == *id => Ok(()),
            (Some(_), Some(_)) => not_found("this connection has another session"),
            (Some(_), None) => not_found("this connection has no session"),
        }
    }

    /// PLAY is for all tracks that are set up.
    fn check_aggregate(&self, request: &Request, set_up: usize) -> Result<(), Refusal> {
        let of_track = RequestUri::parse(&request.uri).ok().and_then(|uri| uri.track);
        if of_track.is_some() && set_up > 1 {
            let sentence = format!("{set_up} tracks are set up: use the URL of the stream");
            return Err(Refusal::new(StatusCode::OnlyAggregateOperationAllowed, sentence));
        }
        Ok(())
    }
}

fn parse_uri(request: &Request) -> Result<RequestUri, Refusal> {
    RequestUri::parse(&request.uri).map_err(|error| Refusal::new(StatusCode::BadRequest, error.to_string()))
}

fn not_now(sentence: &str) -> Refusal {
    Refusal::new(StatusCode::MethodNotValidInThisState, sentence)
}
