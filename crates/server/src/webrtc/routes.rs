//! Whose datagram is it: from addresses and ufrags to viewers.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{PoisonError, RwLock};
use yeoul_webrtc::{DatagramKind, Transport, local_ufrag};

/// A viewer and the worker that owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) worker: usize,
    pub(super) viewer: u64,
}

/// The table that the sockets' readers share with the workers. Its size is bounded by that of the sessions: each has one
/// ufrag and at most `MAX_REMOTE_ADDRESSES` addresses.
#[derive(Debug, Default)]
pub(super) struct Routes {
    tables: RwLock<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    by_address: HashMap<(Transport, SocketAddr), Owner>,
    by_ufrag: HashMap<String, Owner>,
    /// By the random id in the session's URL.
    by_session: HashMap<String, Owner>,
}

impl Routes {
    /// The owner of a datagram. By its sender's address once that is known; a STUN request by the ufrag it names, so that
    /// an address that another viewer had before finds the new one.
    pub(super) fn find(&self, transport: Transport, source: SocketAddr, datagram: &[u8]) -> Option<Owner> {
        let kind = DatagramKind::of(datagram)?;
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        if kind == DatagramKind::Stun
            && let Some(ufrag) = local_ufrag(datagram)
        {
            return tables.by_ufrag.get(ufrag).copied();
        }
        tables.by_address.get(&(transport, source)).copied()
    }

    /// The owner of a session's URL.
    pub(super) fn session(&self, id: &str) -> Option<Owner> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).by_session.get(id).copied()
    }

    /// Whether a viewer has this ufrag now.
    pub(super) fn is_ufrag_of(&self, ufrag: &str, owner: Owner) -> bool {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).by_ufrag.get(ufrag) == Some(&owner)
    }

    pub(super) fn add_session(&self, id: &str, owner: Owner) {
        self.write(|tables| tables.by_session.insert(id.to_owned(), owner));
    }

    pub(super) fn add_ufrag(&self, ufrag: &str, owner: Owner) {
        self.write(|tables| tables.by_ufrag.insert(ufrag.to_owned(), owner));
    }

    /// After a datagram of that address proved to be the viewer's.
    pub(super) fn add_address(&self, transport: Transport, address: SocketAddr, owner: Owner) {
        self.write(|tables| tables.by_address.insert((transport, address), owner));
    }

    /// Forgets everything about a viewer.
    pub(super) fn remove(&self, owner: Owner) {
        self.write(|tables| {
            tables.by_ufrag.retain(|_, of| *of != owner);
            tables.by_address.retain(|_, of| *of != owner);
            tables.by_session.retain(|_, of| *of != owner);
        });
    }

    /// Forgets the ufrags of a viewer but this one, after a restart of ICE.
    pub(super) fn keep_ufrag(&self, ufrag: &str, owner: Owner) {
        self.write(|tables| tables.by_ufrag.retain(|of, holder| *holder != owner || of == ufrag));
    }

    fn write<T>(&self, change: impl FnOnce(&mut Tables) -> T) {
        change(&mut self.tables.write().unwrap_or_else(PoisonError::into_inner));
    }
}
