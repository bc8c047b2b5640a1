//! `ffmpeg:…` sources: ffmpeg reads what is named and gives frames back, by its standard output or by publishing to us.

use super::Ffmpeg;
use super::detour::Detour;
use crate::bytes::Intake;
use crate::child::{self, Manner, Way};
use crate::limits::{CHILD_END_WAIT, CHILD_START_WAIT};
use crate::mask::{self, Masker};
use crate::policy::Origin;
use crate::rtsp::desk::{Desk, Reading, Ticket};
use crate::schemes::SourceError;
use crate::streams::{DialError, ErrorKind, Registry};
use rustix::process::Signal;
use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use yeoul_container::sniff::Form;
use yeoul_hub::{Attach, Label};
use yeoul_transcode::ffmpeg::source::{Engine, Hardware, Input, LIST, Output, Place, Source, Surroundings};

const MANNER: Manner =
    Manner { start_wait: CHILD_START_WAIT, signal: Signal::TERM, end_wait: CHILD_END_WAIT };

/// Runs ffmpeg for `source` until it ends or `hang_up` is cancelled. `streams` has the names that are streams of this server.
pub(crate) async fn run(
    (source, origin): (&Source, Origin),
    ffmpeg: &Ffmpeg,
    desk: &Arc<Desk>,
    streams: &Registry,
    attach: Attach,
    hang_up: CancellationToken,
) -> Result<(), DialError> {
    // Kept as long as ffmpeg reads there.
    let found = match source.input() {
        Input::Name(name) if streams.contains(name) => Found::Stream(read(source, name, desk, &attach)?),
        // What was a stream's name a moment ago would be a file's now.
        Input::Name(_) if origin == Origin::Caller => {
            return Err(DialError::new(ErrorKind::Unsupported, SourceError::Insecure.to_string()));
        }
        Input::Url(url) if mask::has_secrets(url) => Found::behind(source, url, ffmpeg).await?,
        Input::Name(_) | Input::Url(_) | Input::Device(_) | Input::Virtual(_) => Found::Own,
    };
    let templates = ffmpeg.templates();
    attach.progress("ffmpeg has been started and has given no frame yet");
    let publishes = matches!(source.output(templates, desk.is_open().then_some("")), Output::Rtsp(_));
    let label = Label { protocol: "pipe".to_owned(), remote: "ffmpeg".to_owned(), ..Label::default() };
    let (url, way) = if publishes {
        let Some((url, publication)) = desk.publish(attach) else {
            return Err(DialError::new(ErrorKind::Retry, "the RTSP server does not listen yet"));
        };
        (Some(url), Way::Published(publication))
    } else {
        (None, Way::Stdout(Box::new(Intake::new(attach, label))))
    };
    let output = source.output(templates, url.as_deref());
    let surroundings = Surroundings { place: found.place(), engine: engine(source), output };
    let mut child = ffmpeg.spawn(&source.arguments(templates, surroundings))?;
    if let Found::Listed(list) = &found {
        child.give(list).await;
    }
    let way = match (way, form(output)) {
        (Way::Stdout(mut intake), Some(form)) => {
            intake.expect(form);
            Way::Stdout(intake)
        }
        (way @ (Way::Stdout(_) | Way::Published(_)), _) => way,
    };
    let ended = child::run(child, way, MANNER, "ffmpeg", ffmpeg.masker(), hang_up).await;
    let ended = ended.map_err(|error| found.told(error, source, ffmpeg.masker()));
    ended.map_err(|error| if error.text.ends_with(NO_PROTOCOL) { without_protocol(error) } else { error })
}

/// Where ffmpeg finds what it reads. Everybody on the machine can list command lines, so what is secret stands on none.
enum Found {
    /// Where the source says.
    Own,
    /// At our own server.
    Stream(Ticket),
    /// Behind a redirect.
    Detour(Detour),
    /// On its standard input.
    Listed(String),
}

impl Found {
    /// For an address with a secret in it.
    async fn behind(source: &Source, url: &str, ffmpeg: &Ffmpeg) -> Result<Self, DialError> {
        let templates = ffmpeg.templates();
        if source.follows_redirects(templates) {
            let detour = Detour::to(url).await;
            return detour.map(Self::Detour).map_err(|error| {
                let text = format!(
                    "cannot listen on 127.0.0.1 to tell ffmpeg the address with its password: {error}"
                );
                DialError::new(ErrorKind::Retry, text)
            });
        }
        Ok(source.list(templates).map_or(Self::Own, Self::Listed))
    }

    fn place(&self) -> Place<'_> {
        match self {
            Self::Own => Place::Own,
            Self::Stream(ticket) => Place::At(&ticket.url),
            Self::Detour(detour) => Place::At(&detour.url),
            Self::Listed(_) => Place::Listed,
        }
    }

    /// An error of ffmpeg, with the address that people know in place of the one that ffmpeg was given.
    fn told(&self, error: DialError, source: &Source, masker: &Masker) -> DialError {
        let Input::Url(url) = source.input() else { return error };
        let shown = match self.place() {
            Place::Own => return error,
            Place::At(shown) => shown,
            Place::Listed => LIST,
        };
        DialError { text: error.text.replace(shown, &masker.mask(url)), ..error }
    }
}

/// How ffmpeg says that it was built without what an address needs.
const NO_PROTOCOL: &str = "Protocol not found";

fn without_protocol(error: DialError) -> DialError {
    let text = format!(
        "{}; this ffmpeg was built without it, SRT needs libsrt: ffmpeg -protocols lists what there is",
        error.text
    );
    DialError::new(ErrorKind::Unsupported, text)
}

/// An address at which ffmpeg reads a stream of this server.
fn read(source: &Source, name: &str, desk: &Arc<Desk>, attach: &Attach) -> Result<Ticket, DialError> {
    let query = match source.wants() {
        (true, false) => "video",
        (false, true) => "audio",
        (true, true) | (false, false) => "video&audio",
    };
    let except = (attach.stream().name() == name).then(|| attach.source());
    let reading = Reading { stream: name.to_owned(), query: query.to_owned(), except };
    desk.read(reading).ok_or_else(|| {
        let text =
            format!("ffmpeg reads the stream {name} by RTSP, and the RTSP server is off (rtsp.listen)");
        DialError::new(ErrorKind::Unsupported, text)
    })
}

/// What comes out, where that need not be found out.
fn form(output: Output<'_>) -> Option<Form> {
    match output {
        Output::MpegTs => Some(Form::MpegTs),
        Output::Jpeg => Some(Form::Jpeg),
        Output::Adts => Some(Form::Adts),
        Output::Wav => Some(Form::Wav),
        Output::Rtsp(_) => None,
    }
}

/// The encoder in hardware to use: the one named, or the one whose device is there.
fn engine(source: &Source) -> Option<Engine> {
    let there = |path: &str| Path::new(path).exists();
    match source.hardware()? {
        Hardware::This(engine) => Some(engine),
        Hardware::Any if cfg!(target_os = "macos") => Some(Engine::Videotoolbox),
        Hardware::Any if there("/dev/nvidia0") => Some(Engine::Cuda),
        Hardware::Any if there("/dev/mpp_service") => Some(Engine::Rkmpp),
        Hardware::Any if there("/dev/dri/renderD128") => Some(Engine::Vaapi),
        Hardware::Any if there("/dev/video11") => Some(Engine::V4l2m2m),
        Hardware::Any => None,
    }
}
