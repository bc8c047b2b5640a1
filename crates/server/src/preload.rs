//! Streams that run without a viewer: section `preload`, so that the first viewer finds a picture.

use crate::app::App;
use crate::wants;
use std::sync::Arc;
use tracing::{info, warn};
use yeoul_hub::Label;

/// Holds every stream of the section until the program ends. Call it inside the runtime.
pub(crate) fn start(app: &Arc<App>) {
    for (name, query) in &app.config.preload {
        app.tasks.spawn(hold(Arc::clone(app), name.clone(), query.clone()));
    }
}

/// Is a consumer that takes nothing: it costs no more than the source.
async fn hold(app: Arc<App>, name: String, query: String) {
    let label = Label { protocol: "preload".to_owned(), url: Some(query.clone()), ..Label::default() };
    let held = async {
        // A stream that takes the place of another by this name is held as well.
        loop {
            let stream = app.streams.registry().wait_for(&name).await;
            let joined = stream.join(wants::from_query(&query), label.clone()).ready().await;
            match &joined {
                Ok(_) => info!(target: "streams", "{name}: preloaded"),
                // Then its sources are let go: somebody wanted sound of a camera that has none.
                Err(error) => warn!(target: "streams", "preload: {name}: {error}"),
            }
            stream.closed().await;
        }
    };
    tokio::select! {
        () = held => {}
        () = app.shutdown.cancelled() => {}
    }
}
