//! HLS (RFC 8216) and LL-HLS (RFC 8216bis) over HTTP.
//!
//! A [`Live`] is what all viewers of one stream in one form share: a [`yeoul_hls::Segmenter`] fed by one consumer, and its
//! latest snapshot, which wakes those who wait for it. An answer is a look at that snapshot; its texts are rendered and
//! compressed once. [`serve`] has our own addresses, [`go2rtc`] those of go2rtc, [`reply`] what both answer.
//!
//! What it leaves out: encryption, subtitles, I-frame playlists, content steering.

mod caching;
mod failure;
mod form;
mod go2rtc;
mod ids;
mod media;
mod names;
mod output;
mod qualities;
mod reply;
mod serve;
mod view;

use crate::api::Route;
use crate::config::Config;
use crate::outputs::Outputs;
use form::{Choice, Container, Form, Settings};
use ids::Ids;
use output::Live;
use tokio_util::task::TaskTracker;

/// The media type of playlists (RFC 8216 §4).
const PLAYLIST: &str = "application/vnd.apple.mpegurl";

/// A folder of our own addresses.
struct Folder {
    name: &'static str,
    /// The routes of its playlist, and of what has an output's id in front.
    files: &'static str,
    pieces: &'static str,
    container: Container,
    choice: Choice,
}

macro_rules! folder {
    ($name:literal, container: $container:expr, choice: $choice:expr) => {
        Folder {
            name: $name,
            files: concat!("/{name}/", $name, "/{file}"),
            pieces: concat!("/{name}/", $name, "/{id}/{file}"),
            container: $container,
            choice: $choice,
        }
    };
}

/// All of them. Pictures and sound apart are for streams of several qualities.
const FOLDERS: &[Folder] = &[
    folder!("ll", container: Container::LowLatency, choice: Choice::ALL),
    folder!("ll-video", container: Container::LowLatency, choice: Choice::VIDEO),
    folder!("ll-audio", container: Container::LowLatency, choice: Choice::AUDIO),
    folder!("hls", container: Container::Fmp4, choice: Choice::ALL),
    folder!("hls-video", container: Container::Fmp4, choice: Choice::VIDEO),
    folder!("hls-audio", container: Container::Fmp4, choice: Choice::AUDIO),
    folder!("ts", container: Container::Ts, choice: Choice::ALL),
];

/// Everything that is served as HLS.
#[derive(Debug)]
pub(crate) struct Hls {
    outputs: Outputs<Live>,
    ids: Ids,
    settings: Settings,
}

impl Hls {
    /// Nothing runs yet.
    pub(crate) fn new(config: &Config, tasks: &TaskTracker) -> Self {
        Self { outputs: Outputs::new(tasks), ids: Ids::default(), settings: Settings::new(config) }
    }

    /// Below `/NAME/`, where the playlist of this form is.
    fn folder(container: Container, choice: &Choice) -> &'static Folder {
        let is = |folder: &&Folder| folder.container == container && folder.choice == *choice;
        FOLDERS.iter().find(is).unwrap_or(&FOLDERS[0])
    }

    fn form(&self, container: Container, choice: Choice) -> Form {
        Form { container, choice, settings: self.settings }
    }
}

/// The routes of this module.
pub(crate) fn routes() -> Vec<Route> {
    let mut routes = serve::routes();
    routes.extend(go2rtc::routes());
    routes
}
