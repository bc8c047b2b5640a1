//! HLS (RFC 8216) and LL-HLS (RFC 8216bis) over HTTP.
//!
//! A [`Live`] is what all viewers of one stream in one form share: a [`yeoul_hls::Segmenter`] fed by one consumer, and its
//! latest snapshot, which wakes those who wait for it. An answer is a look at that snapshot; its texts are rendered and
//! compressed once. [`serve`] has our own addresses, [`go2rtc`] those of go2rtc, [`reply`] what both answer; [`qualities`] puts
//! several outputs into one multivariant playlist.
//!
//! What it leaves out: encryption, subtitles, I-frame playlists, content steering.

mod caching;
mod failure;
mod form;
mod go2rtc;
mod ids;
mod names;
mod output;
mod qualities;
mod reply;
mod serve;
mod view;

use crate::api::Route;
use crate::config::Config;
use crate::outputs::Outputs;
use form::{Choice, Container, Form, Settings, Use};
use ids::Ids;
use output::Live;
use tokio_util::task::TaskTracker;

/// The media type of playlists (RFC 8216 §4).
const PLAYLIST: &str = "application/vnd.apple.mpegurl";

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

    /// The form of what is served alone under go2rtc's addresses.
    fn form(&self, container: Container, choice: Choice) -> Form {
        Form { container, choice, used: Use::Alone, settings: self.settings }
    }
}

/// The routes of this module.
pub(crate) fn routes() -> Vec<Route> {
    let mut routes = serve::routes();
    routes.extend(go2rtc::routes());
    routes
}
