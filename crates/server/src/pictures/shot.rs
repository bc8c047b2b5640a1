//! One picture of a stream, and what is made of it: once, for all who ask for the same.

use super::jobs::{JobError, Jobs};
use crate::limits::PICTURE_LOOKS;
use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::OnceCell;
use yeoul_transcode::ascii::{self, Style};
use yeoul_transcode::jpeg::{self, Quality};
use yeoul_transcode::{Picture, StillError, Turn};

/// A picture of a stream.
#[derive(Debug)]
pub(super) struct Shot {
    content: Content,
    /// When its frame came in.
    pub(super) received_at: Instant,
    /// What has been made of it, by how it looks.
    made: Mutex<Vec<(Look, Made)>>,
}

type Made = Arc<OnceCell<Result<Bytes, ShotError>>>;

/// A picture as the camera, or the decoder, gave it.
#[derive(Debug)]
enum Content {
    Decoded(Picture),
    /// A JPEG image of the camera's own.
    Jpeg(Bytes),
}

/// What somebody wants a picture to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Look {
    /// Pixels, or characters; what is missing follows from the shape of the picture.
    pub(super) width: Option<usize>,
    pub(super) height: Option<usize>,
    /// Turned after it was given that size, as in go2rtc.
    pub(super) turn: Turn,
    pub(super) form: Form,
}

/// What a picture is written as.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Form {
    /// A JPEG image; without a quality, a camera's own is good as it is.
    Jpeg(Option<Quality>),
    /// Characters for a terminal.
    Text(Style),
}

/// Why a picture cannot be had in the way that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ShotError {
    #[error("a picture of {0} cannot be made that wide or high")]
    Size(yeoul_transcode::Size),
    #[error("the camera's JPEG image can only be sent as it is: {0}")]
    Jpeg(#[from] StillError),
    #[error(
        "pictures of this stream are asked for in {PICTURE_LOOKS} sizes and forms already; ask for one of those"
    )]
    TooManyLooks,
    #[error(transparent)]
    Job(#[from] JobError),
}

impl Shot {
    pub(super) fn decoded(picture: Picture, received_at: Instant) -> Self {
        Self { content: Content::Decoded(picture), received_at, made: Mutex::default() }
    }

    pub(super) fn jpeg(image: Bytes, received_at: Instant) -> Self {
        Self { content: Content::Jpeg(image), received_at, made: Mutex::default() }
    }

    /// Whether it was a JPEG image from the beginning.
    pub(super) fn is_jpeg(&self) -> bool {
        matches!(self.content, Content::Jpeg(_))
    }

    /// The picture in that look: made now if nobody has asked for it before, waited for if somebody has.
    pub(super) async fn look(self: &Arc<Self>, look: &Look, jobs: &Arc<Jobs>) -> Result<Bytes, ShotError> {
        if let Content::Jpeg(image) = &self.content
            && look.is_untouched()
        {
            return Ok(image.clone());
        }
        let made = self.made(look)?;
        let make = || {
            let (shot, look) = (Arc::clone(self), look.clone());
            jobs.answer(move || shot.content.make(&look))
        };
        // Who was refused because others waited may be luckier next time; everything else stays as it is.
        made.get_or_try_init(make).await?.clone()
    }

    fn made(&self, look: &Look) -> Result<Made, ShotError> {
        // Nothing panics while it holds the list; were it to, each entry is still whole.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = made.iter().find(|(known, _)| known == look) {
            return Ok(Arc::clone(found));
        }
        if made.len() == PICTURE_LOOKS {
            return Err(ShotError::TooManyLooks);
        }
        let cell = Made::default();
        made.push((look.clone(), Arc::clone(&cell)));
        Ok(cell)
    }
}

impl Look {
    /// A JPEG image of the camera's own is what is wanted.
    fn is_untouched(&self) -> bool {
        let Self { width, height, turn, form } = self;
        (width, height, turn, form) == (&None, &None, &Turn::None, &Form::Jpeg(None))
    }
}

impl Content {
    fn make(&self, look: &Look) -> Result<Bytes, ShotError> {
        let decoded;
        let picture = match self {
            Self::Decoded(picture) => picture,
            Self::Jpeg(image) => {
                decoded = jpeg::decode(image)?;
                &decoded
            }
        };
        let whole = picture.size();
        let size = match &look.form {
            Form::Jpeg(_) => whole.asked(look.width, look.height).ok_or(ShotError::Size(whole))?,
            Form::Text(_) => ascii::cells(whole, look.width, look.height),
        };
        let picture = picture.scaled(size).ok_or(ShotError::Size(whole))?.turned(look.turn);
        Ok(match &look.form {
            Form::Jpeg(quality) => jpeg::encode(picture, quality.unwrap_or_default()).into(),
            Form::Text(style) => ascii::draw(picture, style).into_bytes().into(),
        })
    }
}
