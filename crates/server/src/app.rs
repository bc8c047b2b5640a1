//! What every part of the running program shares, its start and its end.

use crate::access::Access;
use crate::api;
use crate::config::Config;
use crate::ffmpeg::Ffmpeg;
use crate::hls::Hls;
use crate::limits::{SHUTDOWN_WAIT, TIMELINE_BEFORE_START};
use crate::mask::Masker;
use crate::onvif::ptz::Cameras;
use crate::outputs::Outputs;
use crate::pictures::Pictures;
use crate::preload;
use crate::progressive::Live;
use crate::publish::Publications;
use crate::rtsp::desk::Desk;
use crate::schemes::Means;
use crate::streams::{Registry, StreamSettings, Streams};
use crate::webrtc::WebRtc;
use crate::{rtmp, rtsp};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};
use yeoul_hub::{StreamOptions, Timeline};

/// Shared by every task of the program. Made once, never changed.
#[derive(Debug)]
pub(crate) struct App {
    /// The configuration as read at the start.
    pub(crate) config: Config,
    /// Who may call.
    pub(crate) access: Access,
    /// Masks secrets in what is shown.
    pub(crate) masker: Masker,
    /// The streams by name.
    pub(crate) streams: Streams,
    /// Where programs of ours read and publish by RTSP.
    pub(crate) desk: Arc<Desk>,
    /// Pictures for those who ask by HTTP.
    pub(crate) pictures: Pictures,
    /// Viewers and publishers by WebRTC; `None` if that is off.
    pub(crate) webrtc: Option<Arc<WebRtc>>,
    /// Cameras that can be moved.
    pub(crate) cameras: Cameras,
    /// What is published to other servers.
    pub(crate) publications: Publications,
    /// Endless files that are being watched.
    pub(crate) progressive: Outputs<Live>,
    /// What is served as HLS.
    pub(crate) hls: Hls,
    /// Cancelled when the program is told to end: every session then says goodbye and returns.
    pub(crate) shutdown: CancellationToken,
    /// Every task that should have ended before the program does.
    pub(crate) tasks: TaskTracker,
    /// Changes of the streams and of the file that keeps them, one after the other.
    pub(crate) edits: Arc<tokio::sync::Mutex<()>>,
    end: OnceLock<End>,
}

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With this exit code.
    Exit(u8),
    /// And begins again, with the same command line.
    Restart,
}

/// Why the program could not start: a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub(crate) String);

impl App {
    /// The application of a configuration: everything but the listeners of RTSP and the API. Call it inside the runtime.
    ///
    /// # Errors
    /// If a socket cannot be opened.
    pub(crate) fn new(config: Config) -> Result<Arc<Self>, StartError> {
        let masker = Masker::new(&config.secrets);
        let shutdown = CancellationToken::new();
        let tasks = TaskTracker::new();
        let webrtc = WebRtc::start(&config.webrtc, &shutdown, &tasks)?.map(Arc::new);
        let defaults = config.stream_defaults;
        let ffmpeg = Arc::new(Ffmpeg::new(config.ffmpeg.clone(), masker.clone()));
        let desk = Arc::new(Desk::default());
        let settings = StreamSettings {
            linger: defaults.linger,
            options: StreamOptions {
                max_ring_bytes: defaults.buffer_size,
                max_ring_age: defaults.buffer_duration,
                ..StreamOptions::default()
            },
            timeline: timeline(),
            means: Arc::new(Means {
                ffmpeg: Arc::clone(&ffmpeg),
                desk: Arc::clone(&desk),
                streams: Registry::default(),
                source_networks: config.api.source_networks.clone().into(),
                exec: config.exec.clone(),
                echo: config.echo.clone(),
                webrtc: webrtc.clone(),
                masker: masker.clone(),
            }),
        };
        let streams = Streams::start(config.streams.clone(), settings, shutdown.child_token());
        let publications =
            Publications::start(&config.publish, streams.registry(), webrtc.as_ref(), &tasks, &shutdown);
        Ok(Arc::new(Self {
            cameras: Cameras::default(),
            publications,
            access: Access::new(config.access.clone()),
            masker,
            streams,
            desk,
            pictures: Pictures::new(&tasks, &ffmpeg),
            webrtc,
            progressive: Outputs::new(&tasks),
            hls: Hls::new(&config, &tasks),
            shutdown,
            tasks,
            edits: Arc::default(),
            end: OnceLock::new(),
            config,
        }))
    }

    /// How a caller of the API ended the program, if one did.
    pub(crate) fn ended_by(&self) -> Option<End> {
        self.end.get().copied()
    }

    /// Ends the program; the first call says how.
    pub(crate) fn end(&self, end: End) {
        let _ = self.end.set(end);
        self.shutdown.cancel();
    }
}

/// The timeline of this server, which began a little before it.
fn timeline() -> Timeline {
    let now = Instant::now();
    Timeline::starting(now.checked_sub(TIMELINE_BEFORE_START).unwrap_or(now))
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    api: Option<SocketAddr>,
}

impl Server {
    /// Opens the listeners and starts the tasks. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// If a listener cannot be opened.
    pub fn start(config: Config) -> Result<Self, StartError> {
        let app = App::new(config)?;
        if app.access.is_open() {
            warn!(target: "access", "access is open: whoever reaches this machine can watch every stream; set accounts, or `access: private`");
        }
        info!(target: "streams", count = app.config.streams.len(), "configured");
        rtsp::listen::start(&app)?;
        rtmp::listen::start(&app)?;
        preload::start(&app);
        // The API last: who waits for its log line finds everything else listening.
        let api = api::listen::start(&app)?;
        Ok(Self { app, api })
    }

    /// Where the API listens; `None` if it is off.
    #[must_use]
    pub fn api(&self) -> Option<SocketAddr> {
        self.api
    }

    /// Resolves when a caller of the API ends the program.
    pub async fn ended(&self) -> End {
        self.app.shutdown.cancelled().await;
        self.app.ended_by().unwrap_or(End::Exit(0))
    }

    /// Ends every session; resolves when all have ended, or after the bound for that.
    pub async fn stop(self) {
        self.app.shutdown.cancel();
        self.app.tasks.close();
        let closed = async {
            self.app.streams.close().await;
            self.app.tasks.wait().await;
        };
        if tokio::time::timeout(SHUTDOWN_WAIT, closed).await.is_err() {
            warn!(target: "app", "{} sessions did not end in time and are cut off", self.app.tasks.len());
        }
    }
}
