//! Dials an ONVIF source: asks the camera where its stream, or its picture, is, and dials that. Asked anew each time, for cameras
//! change their addresses.
//!
//! Which host is dialled: where the address names a host by which the device knows itself (one of its own service addresses, or
//! loopback, or 0.0.0.0), it is the device, and is dialled where we have found it; behind a NAT it knows itself by another address than
//! we do. Where it names another machine, as recorders may, that one is dialled. The port is always the one that the device names.

use super::session::Session;
use super::source::{Source, Wanted};
use crate::policy::Route;
use crate::streams::{DialError, ErrorKind};
use crate::{http, rtsp};
use tokio_util::sync::CancellationToken;
use yeoul_hub::Attach;
use yeoul_rtsp::client;
use yeoul_rtsp::url::{Credentials, Scheme, Url};

/// Publishes what the camera gives until it ends or `hang_up` is cancelled.
pub(crate) async fn run(
    source: &Source,
    route: Route,
    attach: Attach,
    hang_up: CancellationToken,
) -> Result<(), DialError> {
    let (target, route) = tokio::select! {
        found = find(source, route) => found?,
        () = hang_up.cancelled() => return Ok(()),
    };
    match target {
        Target::Stream(stream) => rtsp::dial::run(&stream, route, attach, hang_up).await,
        Target::Snapshot(pictures) => http::run(&pictures, route, attach, hang_up).await,
    }
}

/// Where a camera leads.
#[derive(Debug)]
pub(super) enum Target {
    Stream(Box<client::Source>),
    Snapshot(Box<http::Source>),
}

/// Asks the camera, and tells the way there.
pub(super) async fn find(source: &Source, route: Route) -> Result<(Target, Route), DialError> {
    let mut session = Session::open(source, route).await?;
    let profiles = session.profiles().await?;
    let profile = session.choose(&profiles, &source.subtype)?;
    let target = match &source.wanted {
        Wanted::Stream(options) => {
            let uri = session.stream_uri(&profile).await?;
            stream(source, &session, &uri, options.as_ref().clone()).map(Box::new).map(Target::Stream)
        }
        Wanted::Snapshot => {
            let uri = session.snapshot_uri(&profile).await?;
            pictures(source, &session, &uri).map(Box::new).map(Target::Snapshot)
        }
    };
    Ok((target?, session.into_route()))
}

fn stream(
    source: &Source,
    session: &Session,
    uri: &str,
    options: client::Options,
) -> Result<client::Source, DialError> {
    let mut url = Url::parse(uri).map_err(|error| {
        session
            .failed(ErrorKind::PeerViolation, format!("names an address of its stream that is none: {error}"))
    })?;
    if session.is_own_host(&url.host) {
        let host = source.device().url().host_str().unwrap_or_default();
        host.trim_matches(['[', ']']).clone_into(&mut url.host);
    }
    // Who named it was not checked either.
    if url.scheme == Scheme::Rtsps {
        url.scheme = Scheme::Rtspx;
    }
    url.credentials = url.credentials.or_else(|| {
        let yeoul_onvif::Credentials { username: user, password } = source.credentials()?;
        Some(Credentials { user, password })
    });
    Ok(client::Source { url, options })
}

fn pictures(source: &Source, session: &Session, uri: &str) -> Result<http::Source, DialError> {
    let uri = uri.strip_prefix("https://").map_or_else(|| uri.to_owned(), |rest| format!("httpx://{rest}"));
    let target = source.device().lead_to(&uri).map_err(|error| {
        session.failed(
            ErrorKind::PeerViolation,
            format!("names an address of its picture that is none: {error}"),
        )
    });
    let mut target = target?;
    if target.url().host_str().is_some_and(|host| session.is_own_host(host)) {
        target.set_host(source.device().url().host_str());
    }
    Ok(target)
}
