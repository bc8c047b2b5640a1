//! One stream as an egress worker sees it: its viewers, and its frames cut into packets once for all of them.

use crate::limits::{WEBRTC_CACHED_FRAMES, WEBRTC_CACHED_FRAMES_BEFORE_KEYFRAME};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use yeoul_hub::{Delivery, Stream};
use yeoul_media::{Kind, Timestamp, Track, TrackId};
use yeoul_rtp::{Packetizer, Packets};
use yeoul_webrtc::limits::MAX_PAYLOAD_BYTES;

/// Names a feed: the address of its stream, which the feed keeps alive.
pub(super) type FeedKey = usize;

fn key(stream: &Arc<Stream>) -> FeedKey {
    Arc::as_ptr(stream).addr()
}

/// All streams that a worker's viewers read.
#[derive(Debug)]
pub(super) struct Feeds {
    by_stream: HashMap<FeedKey, Feed>,
    news: mpsc::Sender<FeedKey>,
}

/// The viewers of one stream at one worker.
#[derive(Debug)]
struct Feed {
    /// Keeps the stream alive, whose address names the feed.
    _stream: Arc<Stream>,
    viewers: Vec<u64>,
    cache: PacketCache,
    /// Tells the worker when the stream has news.
    watch: JoinHandle<()>,
}

impl Feeds {
    /// `news` gets the names of feeds that have something new.
    pub(super) fn new(news: mpsc::Sender<FeedKey>) -> Self {
        Self { by_stream: HashMap::new(), news }
    }

    /// The viewers of a feed.
    pub(super) fn viewers(&self, feed: FeedKey) -> Vec<u64> {
        self.by_stream.get(&feed).map(|feed| feed.viewers.clone()).unwrap_or_default()
    }

    /// The viewer reads the stream from now on. Call it inside the worker's runtime.
    pub(super) fn add(&mut self, stream: &Arc<Stream>, viewer: u64) {
        let feed = self.by_stream.entry(key(stream)).or_insert_with(|| {
            let mut head = stream.news();
            let (sender, name) = (self.news.clone(), key(stream));
            let watch = tokio::spawn(async move {
                while head.changed().await.is_ok() && sender.send(name).await.is_ok() {}
            });
            let cache = PacketCache::default();
            Feed { _stream: Arc::clone(stream), viewers: Vec::new(), cache, watch }
        });
        feed.viewers.push(viewer);
    }

    /// The viewer does not read the stream any more.
    pub(super) fn remove(&mut self, stream: &Arc<Stream>, viewer: u64) {
        let Some(feed) = self.by_stream.get_mut(&key(stream)) else { return };
        feed.viewers.retain(|of| *of != viewer);
        if feed.viewers.is_empty() {
            self.by_stream.remove(&key(stream));
        }
    }

    /// The packets of a frame of that stream: made when the first viewer asks, given to all others.
    pub(super) fn packets(
        &mut self,
        stream: &Arc<Stream>,
        delivery: &Delivery,
        tracks: &[Track],
    ) -> Option<Arc<Packets>> {
        self.by_stream.get_mut(&key(stream))?.cache.packets(delivery, tracks)
    }

    /// How long after `now` the stream's next keyframe comes, if the camera keeps to its last distance.
    pub(super) fn next_keyframe_in(&self, stream: &Arc<Stream>, now: Timestamp) -> Option<Duration> {
        self.by_stream.get(&key(stream))?.cache.next_keyframe_in(now)
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// Packets of the frames since about the last keyframe, by their place in the stream. They share the frames' bytes.
#[derive(Debug, Default)]
struct PacketCache {
    packetizers: Vec<(TrackId, Packetizer)>,
    packets: BTreeMap<u64, Arc<Packets>>,
    /// Of the newest keyframe.
    keyframe_pts: Option<Timestamp>,
    /// From the keyframe before to the newest one.
    gop: Option<Duration>,
}

impl PacketCache {
    /// The packets of a frame: made when the first viewer asks, given to all others.
    fn packets(&mut self, delivery: &Delivery, tracks: &[Track]) -> Option<Arc<Packets>> {
        if let Some(packets) = self.packets.get(&delivery.index) {
            return Some(Arc::clone(packets));
        }
        let track = tracks.iter().find(|track| track.id == delivery.frame.track)?;
        let packets = Arc::new(self.packetizer(track).packetize(&delivery.frame));
        let newest = self.packets.last_key_value().is_none_or(|(index, _)| *index < delivery.index);
        if newest && delivery.frame.keyframe && track.kind() == Kind::Video {
            // Who is still before the keyframe has them cut again, a few of them kept: the frames must not outlive the
            // stream's own buffer here.
            let first = delivery.index.saturating_sub(WEBRTC_CACHED_FRAMES_BEFORE_KEYFRAME);
            self.packets = self.packets.split_off(&first);
            self.gop = self.keyframe_pts.map(|last| delivery.frame.pts.saturating_since(last));
            self.keyframe_pts = Some(delivery.frame.pts);
        }
        self.packets.insert(delivery.index, Arc::clone(&packets));
        while self.packets.len() > WEBRTC_CACHED_FRAMES {
            self.packets.pop_first();
        }
        Some(packets)
    }

    /// How long after `now` on the stream's timeline the next keyframe comes, if the camera keeps to its last distance.
    fn next_keyframe_in(&self, now: Timestamp) -> Option<Duration> {
        let (last, gop) = (self.keyframe_pts?, self.gop?);
        let next = last + gop;
        (next >= now).then(|| next.saturating_since(now))
    }

    fn packetizer(&mut self, track: &Track) -> &mut Packetizer {
        let at = match self.packetizers.iter().position(|(of, _)| *of == track.id) {
            Some(at) => at,
            None => {
                self.packetizers.push((track.id, Packetizer::new(&track.codec, MAX_PAYLOAD_BYTES)));
                self.packetizers.len() - 1
            }
        };
        &mut self.packetizers[at].1
    }
}
