//! Requests' bodies: whole before anybody works with them, small and soon.

use crate::limits::{API_BODY_BYTES, API_BODY_WAIT};
use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

/// The request with its body as one piece; the answer that refuses it, with a sentence, if that is too long or takes too
/// long.
pub(super) async fn whole(request: Request) -> Result<Request, Response> {
    if request.body().is_end_stream() {
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    match timeout(API_BODY_WAIT, to_bytes(body, API_BODY_BYTES)).await {
        Ok(Ok(bytes)) => Ok(Request::from_parts(parts, Body::from(bytes))),
        Ok(Err(error)) => {
            let sentence = format!("the body could not be read (at most {API_BODY_BYTES} bytes): {error}\n");
            Err((StatusCode::PAYLOAD_TOO_LARGE, sentence).into_response())
        }
        Err(_) => {
            let sentence = format!("the body did not come in whole within {} s\n", API_BODY_WAIT.as_secs());
            Err((StatusCode::REQUEST_TIMEOUT, sentence).into_response())
        }
    }
}
