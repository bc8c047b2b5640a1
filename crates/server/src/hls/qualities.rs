//! The multivariant playlist of a stream that has several qualities (RFC 8216bis §4.4.6.2): a playlist of pictures for each, and
//! one of sound for all of them.
//!
//! A quality's playlist belongs to its own stream (`/cam_sub/ll-video/…`), so that streams that share a quality share it here too.
//! All qualities are on one timeline, so that a player goes from one to another without a jump.

use super::failure::Failure;
use super::form::{Choice, Container};
use super::output::{Live, State};
use super::view::View;
use super::{Hls, reply};
use crate::app::App;
use crate::limits::HLS_QUALITY_WAIT;
use crate::outputs::Lease;
use crate::streams::Variant;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::sync::{Arc, Weak};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use yeoul_hls::{AudioRendition, RenditionReport};
use yeoul_hub::Stream;
use yeoul_media::Kind;

/// What a path may have as it is (RFC 3986 §2.3).
const NOT_IN_A_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// `GROUP-ID` of the one audio group.
const GROUP: &str = "sound";

/// Another playlist of the same multivariant playlist.
#[derive(Clone, Debug)]
pub(super) struct Sibling {
    uri: String,
    live: Weak<Live>,
}

impl Sibling {
    /// Where it is (RFC 8216bis §4.4.5.4); `None` while it does not run.
    pub(super) fn report(&self) -> Option<RenditionReport> {
        let live = self.live.upgrade()?;
        let State::Playing(view) = live.state().borrow().clone() else { return None };
        let (last_msn, last_part) = view.snapshot.last();
        Some(RenditionReport { uri: self.uri.clone(), last_msn, last_part })
    }
}

/// A playlist that runs.
struct Running {
    live: Lease<Live>,
    view: Arc<View>,
    /// From the folder of the multivariant playlist.
    uri: String,
}

/// The text of the multivariant playlist. A quality that cannot be had, or not in time, is left out as long as there is another.
pub(super) async fn multivariant(
    app: &Arc<App>,
    variants: &[Variant],
    container: Container,
) -> Result<String, Failure> {
    let started = |stream: &Arc<Stream>, choice| start(app, stream, container, choice);
    let pictures: Vec<_> = variants.iter().map(|variant| started(&variant.stream, Choice::VIDEO)).collect();
    let sound = variants.first().map(|variant| started(&variant.stream, Choice::AUDIO));
    let deadline = Instant::now() + HLS_QUALITY_WAIT;
    let (mut found, mut missing) = (Vec::new(), None);
    for picture in pictures {
        match in_time(picture, deadline).await {
            Ok(running) => found.push(running),
            Err(failure) => missing = missing.or(Some(failure)),
        }
    }
    if found.is_empty() {
        return Err(missing.unwrap_or(Failure::NoFile));
    }
    // Streams without sound, or with sound that has no place in HLS, are watched without.
    let sound = match sound {
        Some(sound) => in_time(sound, deadline).await.ok(),
        None => None,
    };
    introduce(&found, sound.as_ref());
    let renditions: Vec<AudioRendition> = sound.iter().map(rendition).collect();
    let variants: Vec<yeoul_hls::Variant> = found
        .iter()
        .map(|running| yeoul_hls::Variant {
            audio: (!renditions.is_empty()).then(|| GROUP.to_owned()),
            ..reply::variant(&running.view, running.uri.clone())
        })
        .collect();
    Ok(yeoul_hls::multivariant(&variants, &renditions))
}

/// Asks for a playlist and waits until there is something in it.
fn start(
    app: &Arc<App>,
    stream: &Arc<Stream>,
    container: Container,
    choice: Choice,
) -> JoinHandle<Result<Running, Failure>> {
    let folder = Hls::folder(container, &choice);
    let name = utf8_percent_encode(stream.name(), NOT_IN_A_PATH);
    let uri = format!("../{name}/{}/media.m3u8", folder.name);
    let (app, stream) = (Arc::clone(app), Arc::clone(stream));
    tokio::spawn(async move {
        let live = app.hls.outputs.ask(&stream, &app.hls.form(container, choice)).await?;
        let view = reply::first(&live).await?;
        Ok(Running { live, view, uri })
    })
}

async fn in_time(
    mut running: JoinHandle<Result<Running, Failure>>,
    deadline: Instant,
) -> Result<Running, Failure> {
    match timeout_at(deadline, &mut running).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Failure::NoOutput),
        Err(_) => {
            running.abort();
            Err(Failure::NotYet(HLS_QUALITY_WAIT.as_secs()))
        }
    }
}

/// Each tells its viewers where the others are.
fn introduce(pictures: &[Running], sound: Option<&Running>) {
    let all: Vec<&Running> = pictures.iter().chain(sound).collect();
    for one in &all {
        let others = all.iter().filter(|other| !Arc::ptr_eq(&other.live, &one.live)).map(|other| Sibling {
            // From its own folder, `/NAME/ll-video/`.
            uri: format!("../{}", other.uri),
            live: Arc::downgrade(&other.live),
        });
        one.live.set_siblings(others.collect());
    }
}

fn rendition(running: &Running) -> AudioRendition {
    let stream = running.live.stream().snapshot();
    let mut tracks = stream.sources.iter().flat_map(|source| &source.tracks);
    let channels = tracks.find(|track| track.kind() == Kind::Audio).and_then(|track| track.codec.channels());
    AudioRendition {
        group: GROUP.to_owned(),
        name: "Sound".to_owned(),
        uri: running.uri.clone(),
        rates: running.view.snapshot.rates(),
        codecs: running.view.snapshot.codecs().to_owned(),
        channels: channels.unwrap_or(1),
        default: true,
    }
}
