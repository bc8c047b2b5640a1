//! `/api/frame.mp4`: the last keyframe as a file of its own.

use super::form::{Container, Form};
use super::no_start;
use super::writer::Writer;
use crate::api::etag;
use crate::limits::{OUTPUT_WAIT, PROGRESSIVE_FIRST_WAIT};
use crate::outputs::OutputError;
use axum::body::Bytes;
use axum::http::HeaderValue;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use yeoul_hub::{Consumer, Event, Label, Stream};
use yeoul_media::{Frame, Timestamp};

/// How long the picture lasts in the file: players show it and stop.
const LASTS: Duration = Duration::from_secs(1);

/// A file with one picture in it.
pub(super) struct Keyframe {
    pub(super) pieces: [Bytes; 2],
    pub(super) content_type: HeaderValue,
    pub(super) etag: HeaderValue,
}

impl Keyframe {
    /// The last keyframe of the stream, or the next one if there is none.
    ///
    /// # Errors
    /// If none can be had, in words.
    pub(super) async fn last(stream: &Arc<Stream>, form: &Form, label: Label) -> Result<Self, OutputError> {
        let mut joining = stream.join(form.wants(), label);
        let mut consumer = match timeout(OUTPUT_WAIT, joining.ready()).await {
            Ok(joined) => joined?,
            Err(_) => return Err(OutputError::Away(joining.explain())),
        };
        let first = timeout(PROGRESSIVE_FIRST_WAIT, first_frame(&mut consumer)).await;
        let frame = first.unwrap_or_else(|_| Err(no_start(stream)))?;
        Self::of(&consumer, frame).map_err(OutputError::Failed)
    }

    fn of(consumer: &Consumer, frame: Frame) -> Result<Self, String> {
        let mut tracks = consumer.tracks().to_vec();
        if let (Some(track), Some(codec)) = (tracks.first_mut(), &frame.new_codec) {
            track.codec = codec.as_ref().clone();
        }
        let mut writer = Writer::new(Container::Mp4, &tracks)?;
        let content_type = writer.content_type();
        let later = frame.pts.saturating_since(frame.dts);
        let frame = Frame { dts: Timestamp::ZERO, pts: Timestamp::ZERO + later, new_codec: None, ..frame };
        // The only frame is held back until it is said how long it lasts.
        let _ = writer.write(frame, |_| {});
        let mut pieces = None;
        writer
            .finish(Timestamp::ZERO + LASTS, |piece| pieces = piece.start.map(|start| [start, piece.bytes]));
        let pieces = pieces.ok_or("the picture cannot be put into a file")?;
        Ok(Self { etag: etag(&pieces), pieces, content_type })
    }
}

async fn first_frame(consumer: &mut Consumer) -> Result<Frame, OutputError> {
    loop {
        match consumer.next().await {
            Event::Frame(delivery) if delivery.frame.keyframe => return Ok(delivery.frame),
            Event::Frame(_) | Event::Skipped { .. } => {}
            Event::TracksChanged => return Err(OutputError::Unused),
            Event::Ended => return Err(OutputError::Join(yeoul_hub::JoinError::Closed)),
        }
    }
}
