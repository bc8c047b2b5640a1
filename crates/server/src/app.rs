//! What every part of the running program shares, its start and its end.

use crate::api;
use crate::config::Config;
use crate::limits::SHUTDOWN_WAIT;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Shared by every task of the program. Made once, never changed.
#[derive(Debug)]
pub(crate) struct App {
    /// The configuration as read at the start.
    pub(crate) config: Config,
    /// Cancelled when the program is told to end: every session then says goodbye and returns.
    pub(crate) shutdown: CancellationToken,
    /// Every task that should have ended before the program does.
    pub(crate) tasks: TaskTracker,
}

/// Why the program could not start: a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub(crate) String);

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
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let app = Arc::new(App { config, shutdown: CancellationToken::new(), tasks: TaskTracker::new() });
        let api = api::listen::start(&app).await?;
        Ok(Self { app, api })
    }

    /// Where the API listens; `None` if it is off.
    #[must_use]
    pub fn api(&self) -> Option<SocketAddr> {
        self.api
    }

    /// Ends every session; resolves when all have ended, or after the bound for that.
    pub async fn stop(self) {
        self.app.shutdown.cancel();
        self.app.tasks.close();
        // What has not ended by now is cut off with the process.
        let _ = tokio::time::timeout(SHUTDOWN_WAIT, self.app.tasks.wait()).await;
    }
}
