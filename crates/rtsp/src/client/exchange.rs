//! Requests and their responses: numbering, session id, credentials, one request at a time.

use super::error::{Error, ErrorKind};
use crate::auth::{Authenticator, ChallengeError};
use crate::limits;
use crate::message::{Method, Request, Response, StatusCode, header};
use crate::url::Credentials;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const USER_AGENT: &str = concat!("yeoul/", env!("CARGO_PKG_VERSION"));

/// What a request is for: what its response is handed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Options,
    Describe,
    Announce,
    /// Of the candidate track with this index.
    Setup(usize),
    Play,
    Record,
    Pause,
    KeepAlive,
    SetParameter,
    Teardown,
}

/// What came of a response.
#[derive(Debug)]
pub(super) enum Answer {
    /// It answers no request of ours, or it is not the last word.
    None,
    /// The request goes out again with other credentials.
    Again(Bytes),
    /// It answers this request.
    To(Purpose, Request),
}

#[derive(Debug)]
pub(super) struct Exchange {
    timeout: Duration,
    authenticator: Authenticator,
    /// The server has taken our credentials: a further 401 is about the nonce.
    accepted: bool,
    next_cseq: u32,
    pub(super) session: Option<String>,
    outstanding: Option<Outstanding>,
    queue: VecDeque<(Purpose, Request)>,
}

#[derive(Debug)]
struct Outstanding {
    purpose: Purpose,
    request: Request,
    cseq: u32,
    sent_at: Instant,
    /// It carried credentials.
    authorized: bool,
    /// It was answered with a challenge, and sent again.
    challenged: bool,
    /// It was sent again although it had carried credentials.
    retried: bool,
}

impl Outstanding {
    fn new(now: Instant, purpose: Purpose, request: Request) -> Self {
        Self { purpose, request, cseq: 0, sent_at: now, authorized: false, challenged: false, retried: false }
    }
}

impl Exchange {
    pub(super) fn new(credentials: Option<Credentials>, timeout: Duration) -> Self {
        Self {
            timeout,
            authenticator: Authenticator::new(credentials),
            accepted: false,
            next_cseq: 1,
            session: None,
            outstanding: None,
            queue: VecDeque::new(),
        }
    }

    /// The bytes of the request, if it is its turn; else it waits for the response to the one before.
    pub(super) fn send(&mut self, now: Instant, purpose: Purpose, request: Request) -> Option<Bytes> {
        if self.outstanding.is_some() {
            if self.queue.len() < limits::QUEUED_REQUESTS {
                self.queue.push_back((purpose, request));
            }
            return None;
        }
        Some(self.write(Outstanding::new(now, purpose, request)))
    }

    /// As [`Exchange::send`], whatever is still unanswered.
    pub(super) fn send_now(&mut self, now: Instant, purpose: Purpose, request: Request) -> Bytes {
        self.write(Outstanding::new(now, purpose, request))
    }

    /// The next request that waits, if it is its turn.
    pub(super) fn send_queued(&mut self, now: Instant) -> Option<Bytes> {
        if self.outstanding.is_some() {
            return None;
        }
        let (purpose, request) = self.queue.pop_front()?;
        self.send(now, purpose, request)
    }

    /// The request that waits for its response once more, for a new connection.
    pub(super) fn send_again(&mut self, now: Instant) -> Option<Bytes> {
        let outstanding = self.outstanding.take()?;
        Some(self.write(Outstanding { sent_at: now, ..outstanding }))
    }

    /// What is waited for, and until when.
    pub(super) fn waits_for(&self) -> Option<(Purpose, Instant)> {
        self.outstanding.as_ref().map(|outstanding| (outstanding.purpose, outstanding.sent_at + self.timeout))
    }

    /// The request that is waited for was answered with a challenge, and has been sent again since.
    pub(super) fn is_challenged(&self) -> bool {
        self.outstanding.as_ref().is_some_and(|outstanding| outstanding.challenged)
    }

    /// Takes a response. Only one request is ever unanswered, so it is the answer to that, whatever its CSeq: servers leave
    /// it out, answer 0, or count on their own.
    pub(super) fn receive(&mut self, now: Instant, peer: &str, response: &Response) -> Result<Answer, Error> {
        let Some(outstanding) = self.outstanding.take() else { return Ok(Answer::None) };
        // TEARDOWN may have overtaken the response to the request before it.
        let is_late = outstanding.purpose == Purpose::Teardown
            && response.headers.cseq().is_some_and(|cseq| cseq.checked_add(1) == Some(outstanding.cseq));
        if response.status.is_informational() || is_late {
            self.outstanding = Some(outstanding);
            return Ok(Answer::None);
        }
        if response.status == StatusCode::Unauthorized {
            return self.answer_challenge(now, peer, response, outstanding).map(Answer::Again);
        }
        self.accepted |= outstanding.authorized && response.status.is_success();
        Ok(Answer::To(outstanding.purpose, outstanding.request))
    }

    fn answer_challenge(
        &mut self,
        now: Instant,
        peer: &str,
        response: &Response,
        outstanding: Outstanding,
    ) -> Result<Bytes, Error> {
        let unauthorized = |text: String| Error::new(ErrorKind::Unauthorized, peer, text);
        let challenged = self.authenticator.challenge(&response.headers).map_err(|error| match error {
            ChallengeError::NoCredentials => unauthorized(
                "asks for a user name and password (401); put them before the host in the source URL"
                    .to_owned(),
            ),
            ChallengeError::Unsupported(_) => {
                unauthorized(format!("asks for credentials in a way that is not supported: {error}"))
            }
        })?;
        // A wrong password is sent once, never again: cameras lock the account after a few. What was right before, or is
        // said to be right now but for its age, is worth one more try.
        let nonce_expired = challenged.is_stale || self.accepted;
        let may_retry = match (outstanding.challenged, outstanding.authorized) {
            (false, _) => !outstanding.authorized || nonce_expired,
            (true, true) => nonce_expired && !outstanding.retried,
            (true, false) => false,
        };
        if !may_retry {
            let user = self.authenticator.user().unwrap_or_default();
            return Err(unauthorized(format!(
                "refused the password for user {user} (401 after {}); check the user name and password in the source URL",
                challenged.scheme
            )));
        }
        let retried = outstanding.authorized;
        Ok(self.write(Outstanding { sent_at: now, challenged: true, retried, ..outstanding }))
    }

    fn write(&mut self, mut outstanding: Outstanding) -> Bytes {
        let request = &outstanding.request;
        outstanding.cseq = self.next_cseq;
        self.next_cseq += 1;
        let mut out = Request::new(request.method.clone(), &request.uri)
            .with(header::CSEQ, outstanding.cseq.to_string())
            .with(header::USER_AGENT, USER_AGENT);
        if let Some(session) = &self.session {
            out = out.with(header::SESSION, session);
        }
        let authorization =
            self.authenticator.authorize(<&str>::from(&request.method), &request.uri, &request.body);
        outstanding.authorized = authorization.is_some();
        if let Some(authorization) = authorization {
            out = out.with(header::AUTHORIZATION, authorization);
        }
        for (name, value) in request.headers.iter() {
            out = out.with(name, value);
        }
        out.body = request.body.clone();
        let mut bytes = BytesMut::new();
        out.write(&mut bytes);
        self.outstanding = Some(outstanding);
        bytes.freeze()
    }
}

/// The method's name as in the protocol, for sentences.
pub(super) fn name(method: &Method) -> &str {
    method.into()
}
