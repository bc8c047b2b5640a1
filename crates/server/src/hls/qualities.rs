//! Several qualities of one stream, and their sound, in one multivariant playlist (RFC 8216bis §6.2.4).
//!
//! A quality is a stream of its own (see `docs/design/07-variants.md`) with a playlist of its pictures; the sound of all is one
//! playlist, taken from the best quality that has any. All of them promise one target duration, count their time from one zero,
//! and tell of each other (`EXT-X-RENDITION-REPORT`), so that a player goes from one to another without a jump. What is
//! written of a quality is measured: all of them are started for a player that comes, and end when nobody takes them.

use super::failure::Failure;
use super::form::{Folder, Form};
use super::output::Live;
use super::reply;
use crate::app::App;
use crate::limits::HLS_QUALITIES_WAIT;
use crate::outputs::Lease;
use axum::http::HeaderMap;
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::sync::Arc;
use tokio::time::timeout;
use yeoul_hls::{AudioRendition, Snapshot, Variant, multivariant as render};
use yeoul_hub::Stream;

/// `GROUP-ID` and `NAME` of the sound.
const SOUND: &str = "sound";

/// One of the playlists.
struct Rendition {
    live: Lease<Live>,
    snapshot: Arc<Snapshot>,
    /// Its media playlist, from the folder of its stream's name.
    place: String,
}

/// The multivariant playlist of the qualities of a stream; `up` leads from its folder to that of the name.
pub(super) async fn multivariant(
    app: &Arc<App>,
    name: &str,
    low_latency: bool,
    up: &str,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let (pictures, sound) = if low_latency {
        (Folder::LowLatencyVideo, Folder::LowLatencyAudio)
    } else {
        (Folder::ClassicVideo, Folder::ClassicAudio)
    };
    let streams: Vec<Arc<Stream>> =
        app.streams.variants(name).iter().map(|variant| Arc::clone(&variant.stream)).collect();
    let starting: Vec<_> = streams
        .iter()
        .map(|stream| tokio::spawn(start(Arc::clone(app), Arc::clone(stream), pictures)))
        .collect();
    let sound = start_first(app, &streams, sound).await;
    let (mut started, mut failed) = (Vec::new(), None);
    for quality in starting {
        match quality.await {
            Ok(Ok(rendition)) => started.push(rendition),
            Ok(Err(failure)) => failed = failed.or(Some(failure)),
            // The server ends.
            Err(_) => {}
        }
    }
    if started.is_empty() {
        return Err(failed.unwrap_or(Failure::NoOutput));
    }
    agree(started.iter().chain(&sound));
    let up = format!("{up}../");
    let variants: Vec<Variant> =
        started.iter().map(|quality| variant(quality, &up, sound.is_some())).collect();
    let audio: Vec<AudioRendition> = sound.iter().map(|sound| audio(sound, &up)).collect();
    Ok(reply::multivariant_text(&started[0].live, render(&variants, &audio), headers))
}

/// Starts an output and waits until it has something.
async fn start(app: Arc<App>, stream: Arc<Stream>, folder: Folder) -> Result<Rendition, Failure> {
    let form: Form = folder.form(app.hls.settings);
    let started = async {
        let live = app.hls.outputs.ask(&stream, &form).await?;
        let snapshot = reply::first(&live).await?;
        let place =
            format!("{}/{}/media.m3u8", utf8_percent_encode(stream.name(), NON_ALPHANUMERIC), folder.name());
        Ok(Rendition { live, snapshot, place })
    };
    match timeout(HLS_QUALITIES_WAIT, started).await {
        Ok(started) => started,
        Err(_) => Err(Failure::NotYet(HLS_QUALITIES_WAIT.as_secs())),
    }
}

/// The first of the streams that has such a track.
async fn start_first(app: &Arc<App>, streams: &[Arc<Stream>], folder: Folder) -> Option<Rendition> {
    for stream in streams {
        if let Ok(found) = start(Arc::clone(app), Arc::clone(stream), folder).await {
            return Some(found);
        }
    }
    None
}

/// One target duration for all, and each knows of the others.
fn agree<'a>(renditions: impl Iterator<Item = &'a Rendition> + Clone) {
    let target =
        renditions.clone().map(|rendition| rendition.snapshot.promise().target_duration).max().unwrap_or(0);
    for rendition in renditions.clone() {
        rendition.live.raise_target(target);
        let others = renditions
            .clone()
            .filter(|other| !Arc::ptr_eq(&other.live, &rendition.live))
            // From `/NAME/FOLDER/media.m3u8`.
            .map(|other| (format!("../../{}", other.place), Arc::downgrade(&other.live)));
        rendition.live.set_others(others.collect());
    }
}

fn variant(quality: &Rendition, up: &str, has_sound: bool) -> Variant {
    let snapshot = &quality.snapshot;
    Variant {
        uri: format!("{up}{}", quality.place),
        rates: snapshot.rates(),
        codecs: snapshot.codecs().to_owned(),
        resolution: snapshot.resolution(),
        frame_rate_millis: snapshot.frame_rate_millis(),
        audio: has_sound.then(|| SOUND.to_owned()),
    }
}

fn audio(sound: &Rendition, up: &str) -> AudioRendition {
    AudioRendition {
        group: SOUND.to_owned(),
        name: SOUND.to_owned(),
        uri: format!("{up}{}", sound.place),
        rates: sound.snapshot.rates(),
        codecs: sound.snapshot.codecs().to_owned(),
        channels: sound.live.channels(),
        default: true,
    }
}
