//! Why an output cannot be had, as HTTP tells it.

use crate::mask::Masker;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use yeoul_hub::{JoinError, Label, Stream};

/// Why an output cannot be had: a sentence for whoever asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OutputError {
    /// The stream has no such tracks, is full, or was removed.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The camera does not answer, or nobody publishes.
    #[error("{0}")]
    Away(String),
    /// What the camera sends cannot be put into this form.
    #[error("{0}")]
    Failed(String),
    /// The stream is watched in too many ways at a time.
    #[error(
        "the stream is already served in {0} different forms and choices of tracks, which is the most it may have; ask for \
         one that others have, or try again later"
    )]
    TooMany(usize),
    /// It ended while it was asked for.
    #[error("the output has ended; ask again")]
    Unused,
}

impl OutputError {
    /// Why the camera of `stream` is not there.
    pub(crate) fn away(stream: &Arc<Stream>) -> Self {
        Self::Away(stream.join(Vec::new(), Label::default()).explain())
    }

    /// The status that goes with the sentence.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Join(JoinError::NoMatch { .. }) => StatusCode::NOT_ACCEPTABLE,
            Self::Join(JoinError::Closed) => StatusCode::NOT_FOUND,
            Self::Join(JoinError::TooManyConsumers(_)) | Self::Away(_) | Self::TooMany(_) | Self::Unused => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            // The camera is upstream of us.
            Self::Failed(_) => StatusCode::BAD_GATEWAY,
        }
    }

    /// The answer to a request: the sentence as text.
    pub(crate) fn answer(&self, masker: &Masker) -> Response {
        (self.status(), format!("{}\n", masker.mask(&self.to_string()))).into_response()
    }
}
