//! Who of a worker's connections plays which stream: the news of a stream goes from one to the next.

use super::connection::Connection;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinHandle;
use yeoul_hub::Stream;

/// The streams that a worker's connections play. Their number is bounded by that of the connections.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    /// By the address of the stream, which its feed keeps alive.
    by_stream: RefCell<HashMap<usize, Rc<Feed>>>,
}

/// The players of one stream.
#[derive(Debug)]
struct Feed {
    stream: Arc<Stream>,
    /// Those that have left are taken out when the round is over.
    players: RefCell<Vec<Weak<RefCell<Connection>>>>,
    someone_left: Cell<bool>,
    /// Waits for news.
    watch: RefCell<Option<JoinHandle<()>>>,
}

impl Feeds {
    /// From now on `player` is told when the stream has news. Call it inside the worker's runtime.
    pub(super) fn subscribe(
        self: &Rc<Self>,
        stream: &Arc<Stream>,
        player: &Weak<RefCell<Connection>>,
    ) -> Subscription {
        let mut by_stream = self.by_stream.borrow_mut();
        let feed = by_stream.entry(Arc::as_ptr(stream).addr()).or_insert_with(|| {
            let feed = Rc::new(Feed {
                stream: Arc::clone(stream),
                players: RefCell::default(),
                someone_left: Cell::new(false),
                watch: RefCell::default(),
            });
            let watch = tokio::task::spawn_local(watch(Rc::downgrade(&feed)));
            *feed.watch.borrow_mut() = Some(watch);
            feed
        });
        feed.players.borrow_mut().push(Weak::clone(player));
        Subscription { feeds: Rc::clone(self), feed: Rc::clone(feed), player: Weak::clone(player) }
    }
}

/// Tells the players of a feed of its news until nobody plays it.
async fn watch(feed: Weak<Feed>) {
    let Some(mut head) = feed.upgrade().map(|feed| feed.stream.news()) else { return };
    while head.changed().await.is_ok()
        && let Some(feed) = feed.upgrade()
    {
        feed.round(Instant::now());
    }
}

impl Feed {
    fn round(&self, now: Instant) {
        let mut at = 0;
        // The table is not borrowed while a player is told: it may leave.
        while let Some(player) = self.player(at) {
            if let Some(player) = player.upgrade() {
                Connection::news(&player, now);
            }
            at += 1;
        }
        if self.someone_left.take() {
            self.players.borrow_mut().retain(|player| player.strong_count() > 0);
        }
    }

    fn player(&self, at: usize) -> Option<Weak<RefCell<Connection>>> {
        self.players.borrow().get(at).cloned()
    }
}

/// A player's place in a feed; it ends when dropped.
#[derive(Debug)]
pub(super) struct Subscription {
    feeds: Rc<Feeds>,
    feed: Rc<Feed>,
    player: Weak<RefCell<Connection>>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut players = self.feed.players.borrow_mut();
        if let Some(place) = players.iter_mut().find(|player| player.ptr_eq(&self.player)) {
            *place = Weak::new();
            self.feed.someone_left.set(true);
        }
        if players.iter().all(|player| player.strong_count() == 0) {
            self.feeds.by_stream.borrow_mut().remove(&Arc::as_ptr(&self.feed.stream).addr());
            if let Some(watch) = self.feed.watch.take() {
                watch.abort();
            }
        }
    }
}
