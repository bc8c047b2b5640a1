//! From the name and the query of a request to a consumer of the stream.

use super::desk::{self, Reading};
use crate::app::App;
use crate::limits::RTSP_OPEN_WAIT;
use crate::wants;
use std::sync::Arc;
use tokio::time::timeout;
use yeoul_hub::{Consumer, JoinError, Label, Stream};
use yeoul_rtp::format;
use yeoul_rtsp::message::StatusCode;
use yeoul_rtsp::server::Refusal;

/// The stream of this name.
pub(super) fn find(app: &App, name: &str) -> Result<Arc<Stream>, Refusal> {
    let found = app.streams.get(name).filter(|_| !name.starts_with(desk::PREFIX));
    found.ok_or_else(|| Refusal::new(StatusCode::NotFound, format!("there is no stream {name:?}")))
}

/// Joins the stream of this name with the tracks that the query asks for; waits for its camera as long as a player does.
pub(super) async fn open(app: Arc<App>, reading: Reading, label: Label) -> Result<Consumer, Refusal> {
    let Reading { stream: name, query, except } = reading;
    let stream = find(&app, &name)?;
    let mut wants = wants::from_query(&query);
    if wants.is_empty() {
        wants = wants::from_query(&app.config.rtsp.default_query);
    }
    let wants = wants.into_iter().map(|want| want.limited_to(format::carries)).collect();
    let mut joining = stream.join(wants, label);
    if let Some(source) = except {
        joining = joining.except(source);
    }
    match timeout(RTSP_OPEN_WAIT, joining.ready()).await {
        Ok(Ok(consumer)) => Ok(consumer),
        Ok(Err(error)) => Err(Refusal::new(status(&error), error.to_string())),
        // go2rtc says 404 here; a stream that exists and cannot be had now is another matter.
        Err(_) => Err(Refusal::new(StatusCode::ServiceUnavailable, app.masker.mask(&joining.explain()))),
    }
}

fn status(error: &JoinError) -> StatusCode {
    match error {
        JoinError::NoMatch { .. } => StatusCode::NotAcceptable,
        JoinError::TooManyConsumers(_) => StatusCode::ServiceUnavailable,
        JoinError::Closed => StatusCode::Gone,
    }
}
