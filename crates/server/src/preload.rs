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
    // The configuration has warned of names that are none.
    let Some(stream) = app.streams.get(&name) else { return };
    let label = Label { protocol: "preload".to_owned(), url: Some(query.clone()), ..Label::default() };
    let mut joining = stream.join(wants::from_query(&query), label);
    let held = async {
        match joining.ready().await {
            Ok(_consumer) => {
                info!(target: "streams", "{name}: preloaded");
                stream.closed().await;
            }
            // Then its sources are let go: somebody wanted sound of a camera that has none.
            Err(error) => warn!(target: "streams", "preload: {name}: {error}"),
        }
    };
    tokio::select! {
        () = held => {}
        () = app.shutdown.cancelled() => {}
    }
}
