//! Every bound of the sockets, tasks and files of this program, with its reason. Bounds of a protocol stand in its crate.

use std::time::Duration;

/// A source that lived this long was a working one: the next failure starts the backoff from its beginning.
pub(crate) const SOURCE_STABLE_AFTER: Duration = Duration::from_secs(10);

/// How long a source may take to say goodbye to its camera: less than [`SHUTDOWN_WAIT`].
pub(crate) const SOURCE_STOP_WAIT: Duration = Duration::from_millis(1_000);

/// How long sessions may take to close once the program is told to end; after it the rest is cut off. Supervisors
/// (systemd, Home Assistant) wait 5 s and more before they kill; people expect 2 s.
pub(crate) const SHUTDOWN_WAIT: Duration = Duration::from_millis(1_500);
