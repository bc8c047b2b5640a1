//! Why a request for HLS was not served, as HTTP tells it.

use super::names::Piece;
use crate::mask::Masker;
use crate::outputs::OutputError;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use yeoul_hls::BadDirectives;

/// Why a request was not served; the text goes to the caller.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("stream not found: {0}")]
    NoStream(String),
    #[error("name the stream: /api/stream.m3u8?src=NAME")]
    NoName,
    #[error(
        "there is no HLS output of that id: nobody watched it for a while, or the server has started anew; load the \
             playlist of the stream again"
    )]
    NoOutput,
    #[error("there is nothing at this address")]
    NoFile,
    /// A segment, part or init segment that is not there.
    #[error("{piece} is not there: it was never made or is gone{}", last_of(*.last))]
    Gone { piece: Piece, last: Option<u64> },
    #[error("{0}")]
    BadDirectives(#[from] BadDirectives),
    #[error(transparent)]
    Output(#[from] OutputError),
    /// There is no segment, or part, yet.
    #[error(
        "there is nothing to play yet: a segment starts with a keyframe and ends with the next one, and that took the camera \
         more than {0} s; ask again, or set its keyframe interval (I-frame interval, GOP) to 1 to 4 s"
    )]
    NotYet(u64),
    /// RFC 8216bis §6.2.5.2: the client has waited long enough.
    #[error(
        "what was waited for did not come within {0} s: the camera has paused; ask again without _HLS_msn"
    )]
    Late(u64),
}

fn last_of(last: Option<u64>) -> String {
    last.map(|last| format!("; the playlist ends with segment {last}")).unwrap_or_default()
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoStream(_) | Self::NoOutput | Self::NoFile | Self::Gone { .. } => StatusCode::NOT_FOUND,
            Self::NoName | Self::BadDirectives(_) => StatusCode::BAD_REQUEST,
            // Players try a 503 again, as they should: the camera may be mended meanwhile.
            Self::Output(OutputError::Failed(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Output(error) => error.status(),
            Self::NotYet(_) | Self::Late(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The answer: the sentence as text. No cache keeps it, for what is not there now may be there soon.
    pub(super) fn answer(&self, masker: &Masker) -> Response {
        let status = self.status();
        let text = format!("{}\n", masker.mask(&self.to_string()));
        let mut response = (status, [(header::CACHE_CONTROL, "no-store")], text).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, axum::http::HeaderValue::from_static("2"));
        }
        response
    }
}
