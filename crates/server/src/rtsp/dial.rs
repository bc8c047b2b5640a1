//! Dials a camera.

use crate::streams::DialError;
use tokio_util::sync::CancellationToken;
use yeoul_hub::Attach;

pub(crate) async fn run(_url: &str, _attach: Attach, _hang_up: CancellationToken) -> Result<(), DialError> {
    Err(DialError::new(crate::streams::ErrorKind::Retry, "not written yet"))
}
