//! Publishes a stream to a server: a target.

use super::http::Endpoint;
use super::{ended, needed, refused, told};
use crate::http::Source;
use crate::limits::WEBRTC_PROGRESS_QUEUE;
use crate::policy::Route;
use crate::streams::DialError;
use crate::webrtc::WebRtc;
use crate::webrtc::session::{Progress, Side};
use crate::webrtc::viewer::Viewer;
use crate::webrtc::worker::Member;
use std::sync::Arc;
use std::time::{Instant, SystemTime};
use tokio::sync::mpsc;
use yeoul_hub::{Consumer, Want};
use yeoul_media::Kind;
use yeoul_webrtc::Call;

/// What can be published: a picture and a sound of codecs that WebRTC carries.
pub(crate) fn wants() -> Vec<Want> {
    [Kind::Video, Kind::Audio].map(|kind| Want::any(kind).limited_to(Call::carries)).into()
}

/// Publishes what `consumer` gets to the WHIP endpoint `target`, until the stream's tracks change or it ends, or until the server
/// refuses or goes away. `live` is called once the way to it stands. Dropped, it ends the session.
pub(crate) async fn push(
    target: &Source,
    webrtc: Option<&Arc<WebRtc>>,
    route: Route,
    consumer: Consumer,
    live: impl FnOnce() + Send,
) -> Result<(), DialError> {
    let webrtc = needed(webrtc)?;
    let peer = target.peer();
    let addresses = webrtc.addresses_towards(target.url()).await;
    let settings = webrtc.settings(&addresses, false);
    let published = Call::to_publish(consumer.tracks(), &settings);
    let (call, offer) = published.map_err(|error| refused(&peer, &error))?;
    let mut endpoint = Endpoint::new(target, route);
    let (answer, remote) = endpoint.offer(offer).await?;
    let answered = call.answered(Instant::now(), SystemTime::now(), &answer, &settings);
    let result = match answered {
        Ok(session) => {
            let (watcher, mut progress) = mpsc::channel(WEBRTC_PROGRESS_QUEUE);
            let who = (Side::Viewer, consumer.stream().name().to_owned(), remote);
            let viewer = |session| Member::Viewer(Box::new(Viewer::new(session, consumer, None)));
            match webrtc.admit(session, who, None, Some(watcher), viewer).await {
                Ok(_) => Err(ended(&peer, &watched(&mut progress, live).await)),
                Err(_) => Err(ended(&peer, "the server ends")),
            }
        }
        Err(error) => Err(refused(&peer, &error)),
    };
    endpoint.hang_up().await;
    result
}

/// Waits for the end of the session; gives the reason.
async fn watched(progress: &mut mpsc::Receiver<Progress>, live: impl FnOnce() + Send) -> String {
    let mut live = Some(live);
    loop {
        match told(progress).await {
            Progress::Connected => {
                if let Some(live) = live.take() {
                    live();
                }
            }
            Progress::Ended(why) => return why,
        }
    }
}
