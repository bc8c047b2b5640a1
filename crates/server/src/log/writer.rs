//! The thread that writes log lines.

use crate::limits::{LOG_FLUSH_WAIT, LOG_LINES};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::Builder;

/// Where lines are handed in.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    queue: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Message {
    Line(String),
    End,
}

/// The thread; when dropped, it writes what it has and ends.
#[derive(Debug)]
pub(super) struct Writer {
    queue: SyncSender<Message>,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
}

impl Writer {
    pub(super) fn start(out: Box<dyn Write + Send>) -> std::io::Result<(Self, Lines)> {
        let (queue, messages) = sync_channel(LOG_LINES);
        let lost = Arc::new(AtomicU64::new(0));
        let lines = Lines { queue: queue.clone(), lost: Arc::clone(&lost) };
        let (alive, ended) = sync_channel(0);
        Builder::new().name("log".to_owned()).spawn(move || {
            write(&messages, out, &lost);
            drop(alive);
        })?;
        Ok((Self { queue, ended }, lines))
    }
}

impl Lines {
    /// Hands in a line; it is lost, and counted, if the writer is too far behind.
    pub(super) fn send(&self, line: String) {
        match self.queue.try_send(Message::Line(line)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
            // The process ends.
            Err(TrySendError::Disconnected(_)) => {}
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // A terminal or pipe that stands still must not hold up the end: its lines are given up.
        if self.queue.try_send(Message::End).is_ok() {
            let _ = self.ended.recv_timeout(LOG_FLUSH_WAIT);
        }
    }
}

fn write(messages: &Receiver<Message>, mut out: Box<dyn Write + Send>, lost: &AtomicU64) {
    while let Ok(Message::Line(line)) = messages.recv() {
        let lost = lost.swap(0, Ordering::Relaxed);
        // Nobody is left to be told when the log itself cannot be written.
        let _ = out.write_all(line.as_bytes());
        if lost > 0 {
            let _ = writeln!(
                out,
                "WRN [log] {lost} lines were lost: they came faster than they could be written"
            );
        }
        let _ = out.flush();
    }
}
