//! Addresses of the RTSP server for one program each, which this server has started itself: at one of them it reads a stream, or
//! publishes what a source is to be.
//!
//! An address has 128 random bits and stands on the program's command line. It needs no account, so that no password stands there,
//! works from this machine only, and ends with its [`Ticket`].

use crate::random;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio_util::sync::CancellationToken;
use yeoul_hub::Attach;

/// What such names begin with. No stream is found by a name of this kind.
pub(crate) const PREFIX: &str = ".child/";

/// Gives out addresses.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    /// Where the RTSP server is reached from this machine; nowhere while it does not listen.
    address: OnceLock<SocketAddr>,
    entries: Mutex<BTreeMap<String, Entry>>,
}

#[derive(Debug)]
enum Entry {
    Reads(Reading),
    Publishes(Publishing),
}

/// A stream to be read.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// Its name.
    pub(crate) stream: String,
    /// Which tracks: as in an address that people write.
    pub(crate) query: String,
    /// The stream's own source that reads it, which must not be waited for.
    pub(crate) except: Option<usize>,
}

/// A source that is waited for.
#[derive(Debug)]
pub(super) struct Publishing {
    pub(super) attach: Attach,
    begun: CancellationToken,
    /// Cancelled when the publisher has gone.
    pub(super) ended: CancellationToken,
}

/// An address that was given out; when dropped, it is none any more.
#[derive(Debug)]
pub(crate) struct Ticket {
    desk: Arc<Desk>,
    name: String,
    /// The address.
    pub(crate) url: String,
}

/// What becomes of an address to publish to.
#[derive(Debug)]
pub(crate) struct Publication {
    _ticket: Ticket,
    begun: CancellationToken,
    ended: CancellationToken,
}

impl Publication {
    /// Resolves when somebody publishes.
    pub(crate) async fn begun(&self) {
        self.begun.cancelled().await;
    }

    /// Resolves when the publisher has gone.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }
}

impl Desk {
    /// The RTSP server listens here.
    pub(super) fn open(&self, listening: SocketAddr) {
        let local =
            if listening.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { listening.ip() };
        let _ = self.address.set(SocketAddr::new(local, listening.port()));
    }

    /// Whether there is a server that addresses could be of.
    pub(crate) fn is_open(&self) -> bool {
        self.address.get().is_some()
    }

    /// An address at which a stream can be read; `None` if the server does not listen.
    pub(crate) fn read(self: &Arc<Self>, reading: Reading) -> Option<Ticket> {
        self.issue(Entry::Reads(reading))
    }

    /// An address at which a source can be published; `None` if the server does not listen.
    pub(crate) fn publish(self: &Arc<Self>, attach: Attach) -> Option<(String, Publication)> {
        let (begun, ended) = (CancellationToken::new(), CancellationToken::new());
        let publishing = Publishing { attach, begun: begun.clone(), ended: ended.clone() };
        let ticket = self.issue(Entry::Publishes(publishing))?;
        Some((ticket.url.clone(), Publication { _ticket: ticket, begun, ended }))
    }

    fn issue(self: &Arc<Self>, entry: Entry) -> Option<Ticket> {
        let address = self.address.get()?;
        let name = format!("{PREFIX}{}", random::name());
        let url = format!("rtsp://{address}/{name}");
        self.lock().insert(name.clone(), entry);
        Some(Ticket { desk: Arc::clone(self), name, url })
    }

    /// The stream that is read at this name.
    pub(super) fn reading(&self, name: &str) -> Option<Reading> {
        match self.lock().get(name)? {
            Entry::Reads(reading) => Some(reading.clone()),
            Entry::Publishes(_) => None,
        }
    }

    /// Whether somebody is waited for at this name.
    pub(super) fn expects(&self, name: &str) -> bool {
        matches!(self.lock().get(name), Some(Entry::Publishes(_)))
    }

    /// The publisher is there: the first one only.
    pub(super) fn take(&self, name: &str) -> Option<Publishing> {
        let mut entries = self.lock();
        if !matches!(entries.get(name), Some(Entry::Publishes(_))) {
            return None;
        }
        match entries.remove(name)? {
            Entry::Publishes(publishing) => {
                publishing.begun.cancel();
                Some(publishing)
            }
            Entry::Reads(_) => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        // Nobody panics while holding it.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.desk.lock().remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yeoul_hub::{Stream, StreamOptions};

    #[tokio::test]
    async fn an_address_is_for_one_purpose_and_one_publisher() {
        let desk = Arc::new(Desk::default());
        let reading = Reading { stream: "cam".to_owned(), query: "video".to_owned(), except: None };
        assert!(desk.read(reading.clone()).is_none(), "nobody listens yet");
        desk.open("0.0.0.0:8554".parse().unwrap());
        let ticket = desk.read(reading).unwrap();
        let name = ticket.url.strip_prefix("rtsp://127.0.0.1:8554/").unwrap().to_owned();
        assert_eq!((name.len(), desk.expects(&name)), (PREFIX.len() + 32, false));
        assert_eq!(desk.reading(&name).unwrap().stream, "cam");
        drop(ticket);
        assert!(desk.reading(&name).is_none());

        let stream = Stream::new("cam", 1, StreamOptions::default());
        let (url, publication) = desk.publish(stream.sources()[0].attach()).unwrap();
        let name = url.strip_prefix("rtsp://127.0.0.1:8554/").unwrap();
        assert!(desk.expects(name) && desk.reading(name).is_none());
        let taken = desk.take(name).unwrap();
        assert!(desk.take(name).is_none(), "only the first publisher");
        publication.begun().await;
        taken.ended.cancel();
        publication.ended().await;
    }
}
