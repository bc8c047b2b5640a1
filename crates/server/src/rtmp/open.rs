//! From what a client asks for to a stream, and to a consumer of it.

use crate::app::App;
use crate::limits::RTMP_OPEN_WAIT;
use std::sync::Arc;
use tokio::time::timeout;
use yeoul_hub::{Consumer, Label, Stream};
use yeoul_rtmp::server::{Refusal, RefusalKind, Request};

/// The stream that is asked for, if the account is right where there is one.
pub(super) fn find(app: &App, request: &Request) -> Result<Arc<Stream>, Refusal> {
    if let Some(account) = &app.config.rtmp.account {
        let granted =
            request.credentials.as_ref().is_some_and(|given| account.is(&given.user, &given.password));
        if !granted {
            let sentence =
                "user name or password is missing or wrong: rtmp://host/name?user=…&pass=…".to_owned();
            return Err(Refusal { kind: RefusalKind::Unauthorized, sentence });
        }
    }
    let names = request.names();
    names.iter().find_map(|name| app.streams.get(name)).ok_or_else(|| {
        let name = names.first().map_or("", String::as_str);
        Refusal { kind: RefusalKind::NotFound, sentence: format!("there is no stream {name:?}") }
    })
}

/// Joins the stream with the tracks that the query asks for; waits for its camera as long as a player does.
pub(super) async fn open(
    app: Arc<App>,
    stream: Arc<Stream>,
    query: String,
    label: Label,
) -> Result<Consumer, Refusal> {
    let mut joining = stream.join(super::wants(&query), label);
    let sentence = match timeout(RTMP_OPEN_WAIT, joining.ready()).await {
        Ok(Ok(consumer)) => return Ok(consumer),
        Ok(Err(error)) => error.to_string(),
        Err(_) => app.masker.mask(&joining.explain()),
    };
    Err(Refusal { kind: RefusalKind::Unavailable, sentence })
}
