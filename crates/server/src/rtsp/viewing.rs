//! The stream that a player has opened.

use super::fanout;
use super::feed::Subscription;
use super::listen::Shared;
use crate::limits::RTSP_FIRST_FRAMES;
use std::sync::Arc;
use std::time::{Instant, SystemTime};
use yeoul_hub::{Consumer, Delivery, Event};
use yeoul_media::Kind;
use yeoul_rtsp::{Block, Clock, Start};

/// The stream that a player has opened.
pub(super) struct Viewing {
    pub(super) consumer: Consumer,
    playing: Option<Playing>,
    /// Video is passed over up to a keyframe that has sequence numbers.
    resync: bool,
}

/// While it plays.
struct Playing {
    fanout: fanout::Shared,
    _subscription: Subscription,
}

impl Viewing {
    pub(super) fn new(consumer: Consumer) -> Self {
        Self { consumer, playing: None, resync: false }
    }

    /// Goes to a place where a picture begins: where the player's packets start, and the first of them.
    pub(super) fn start(
        &mut self,
        shared: &Shared,
        now: Instant,
        subscription: Subscription,
    ) -> Result<(Start, Vec<Arc<Block>>), String> {
        self.consumer.restart();
        self.resync = false;
        let mut deliveries: Vec<Delivery> = Vec::new();
        let sees_all = |seen: &[Delivery], consumer: &Consumer| {
            consumer.tracks().iter().all(|track| seen.iter().any(|delivery| delivery.frame.track == track.id))
        };
        while deliveries.len() < RTSP_FIRST_FRAMES && !sees_all(&deliveries, &self.consumer) {
            match self.consumer.try_next() {
                Some(Event::Frame(delivery)) => deliveries.push(delivery),
                Some(Event::Skipped { .. }) => {}
                Some(Event::TracksChanged) => return Err("the camera came back with other tracks".to_owned()),
                Some(Event::Ended) => return Err("the stream has ended".to_owned()),
                None => break,
            }
        }
        let fanout = shared.fanouts.get(&self.consumer, deliveries.first().map(|delivery| delivery.index));
        self.playing = Some(Playing { fanout: Arc::clone(&fanout), _subscription: subscription });
        let mut first = Vec::new();
        for delivery in &deliveries {
            first.extend(self.block(now, delivery)?);
        }
        let start = fanout::lock(&fanout).start(&first, self.consumer.stream().time_at(now));
        Ok((start, first))
    }

    /// Gives no frames until it is started again.
    pub(super) fn pause(&mut self) {
        self.playing = None;
    }

    /// What comes next for a player that plays.
    pub(super) fn next(&mut self) -> Option<Event> {
        self.playing.as_ref()?;
        self.consumer.try_next()
    }

    /// The packets of a frame, or a sentence why there will be none any more.
    pub(super) fn block(&mut self, now: Instant, delivery: &Delivery) -> Result<Option<Arc<Block>>, String> {
        let Some(playing) = &self.playing else { return Ok(None) };
        let clock = Clock { now, wall: SystemTime::now() };
        let frame = &delivery.frame;
        let block = fanout::lock(&playing.fanout)
            .block(delivery.index, frame, clock)
            .map_err(|error| error.to_string())?;
        let is_video =
            self.consumer.tracks().iter().any(|track| track.id == frame.track && track.kind() == Kind::Video);
        if is_video {
            self.resync = if block.is_none() { true } else { self.resync && !frame.keyframe };
        }
        Ok(block.filter(|_| !(is_video && self.resync)))
    }
}
