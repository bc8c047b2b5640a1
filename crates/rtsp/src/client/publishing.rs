//! Publishing to a server (RFC 2326 §10.3, §10.11): ANNOUNCE of what comes, SETUP of every track, RECORD, then packets.
//!
//! Media travels interleaved on the control connection only: what a server takes by UDP it takes so as well, and nothing is
//! lost.

use super::dialogue::words;
use super::error::{Error, ErrorKind, kind_of};
use super::exchange::Purpose;
use super::options::Source;
use super::presentation::{Candidate, Presentation};
use super::session::{ClientSession, State};
use super::{Event, Output};
use crate::message::{Method, Request, Response, header};
use crate::send::{Block, Interleaved, Sending, Start, Way, media_formats};
use crate::url::Url;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;
use yeoul_media::Track;
use yeoul_rtp::MediaFormat;
use yeoul_rtp::sdp;

/// What a session publishes.
#[derive(Debug)]
pub(super) struct Publishing {
    formats: Vec<MediaFormat>,
    start: Start,
    /// In the order of `formats`; `None` is not set up.
    ways: Vec<Option<Interleaved>>,
    /// From the answer to RECORD on.
    sending: Option<Sending<Interleaved>>,
}

impl Way for Interleaved {
    type Output = Output;

    fn media(self, block: &Block, out: &mut VecDeque<Output>) {
        out.extend(self.media(block).map(Output::Send));
    }

    fn report(self, bytes: Vec<u8>, out: &mut VecDeque<Output>) {
        out.extend(self.report(&bytes).map(Output::Send));
    }
}

impl ClientSession {
    /// A session that publishes these tracks to `target`. `start` is of the [`crate::Fanout`] that was made for them.
    #[must_use]
    pub fn publish(target: Source, tracks: &[Track], start: Start, now: Instant) -> Self {
        let ssrc = start.tracks.first().map_or(0, |track| track.ssrc);
        let formats = media_formats(tracks);
        let ways = vec![None; formats.len()];
        let mut session = Self::new(target, ssrc, now);
        session.publishing = Some(Publishing { formats, start, ways, sending: None });
        session
    }

    /// Says what comes. After a redirect, it is said to the other server.
    pub(super) fn send_announcement(&mut self, now: Instant) {
        let Some(publishing) = &self.publishing else { return };
        let base = self.url.request_uri();
        let medias: Vec<_> =
            (0..).zip(&publishing.formats).map(|(at, format)| (format.clone(), control(at))).collect();
        let candidates = medias.iter().map(|(format, control)| Candidate {
            control: Url::join_control(&base, Some(control)),
            format: format.clone(),
        });
        let candidates = candidates.collect();
        let description = sdp::Description {
            name: "",
            // Who has made it is of no use to anybody; where it is sent to, SETUP says.
            server: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            session_id: self.ssrc.into(),
            medias: &medias,
        };
        let request =
            Request::new(Method::Announce, &base).with_body("application/sdp", sdp::write(&description));
        self.presentation =
            Some(Presentation { aggregate: base.clone(), base, candidates, passed_over: Vec::new() });
        self.send(now, Purpose::Announce, request);
    }

    pub(super) fn take_announcement(&mut self, now: Instant, response: &Response) -> Result<(), Error> {
        if !response.status.is_success() {
            let kind = match u16::from(response.status) {
                // It takes no streams at all.
                405 | 455 | 501 => ErrorKind::Unsupported,
                _ => kind_of(response.status),
            };
            let text = format!(
                "does not take the stream: it answered ANNOUNCE of {} with {}",
                self.url,
                words(response)
            );
            return Err(self.error(kind, text));
        }
        self.note_session(response);
        self.set_up_next(now, 0)
    }

    /// Asks the server to take what is set up.
    pub(super) fn record(&mut self, now: Instant) {
        let request = Request::new(Method::Record, self.aggregate()).with(header::RANGE, "npt=0.000-");
        self.state = State::Starting;
        self.send(now, Purpose::Record, request);
    }

    pub(super) fn take_record(&mut self, now: Instant, response: &Response) -> Result<(), Error> {
        if !response.status.is_success() {
            let text = format!("answered RECORD with {}", words(response));
            return Err(self.error(kind_of(response.status), text));
        }
        self.note_session(response);
        let Some(publishing) = &mut self.publishing else { return Ok(()) };
        publishing.sending = Some(Sending::new(now, &publishing.start, &publishing.ways));
        self.state = State::Recording;
        self.timers.keepalive_at = now + self.keepalive_interval();
        let passed_over = self.presentation.as_ref().map(|found| found.passed_over.clone());
        self.outputs
            .push_back(Output::Event(Event::Recording { passed_over: passed_over.unwrap_or_default() }));
        Ok(())
    }

    /// Sends the packets of a frame.
    pub(super) fn media(&mut self, now: Instant, block: &Block) {
        if let Some((sending, out)) = self.sending() {
            sending.media(now, block, out);
        }
    }

    pub(super) fn send_reports(&mut self, now: Instant) {
        if let Some((sending, out)) = self.sending() {
            sending.handle_timeout(now, out);
        }
    }

    /// When reports are due.
    pub(super) fn report_at(&self) -> Option<Instant> {
        self.publishing.as_ref()?.sending.as_ref()?.next_timeout()
    }

    /// Says that nothing more comes.
    pub(super) fn goodbye(&mut self) {
        if let Some((sending, out)) = self.sending() {
            sending.goodbye(out);
        }
    }

    /// What is sent, and where it is put, while the server takes it.
    fn sending(&mut self) -> Option<(&mut Sending<Interleaved>, &mut VecDeque<Output>)> {
        let sending = self.publishing.as_mut()?.sending.as_mut()?;
        (self.state == State::Recording).then_some((sending, &mut self.outputs))
    }
}

impl Publishing {
    /// Takes the channels of a track.
    pub(super) fn set_up(&mut self, track: usize, way: Interleaved) {
        self.ways.iter_mut().skip(track).take(1).for_each(|to| *to = Some(way));
    }

    /// Forgets what was set up: the next server is asked anew.
    pub(super) fn start_over(&mut self) {
        self.ways.fill(None);
    }

    pub(super) fn has_set_up(&self) -> bool {
        self.ways.iter().any(Option::is_some)
    }
}

/// The control value of a track.
fn control(track: usize) -> String {
    format!("streamid={track}")
}
