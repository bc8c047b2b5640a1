//! HLS as a source: the playlists of one quality, and of the sound beside it where that is told apart, are gone through side by
//! side and played out on one clock. What is fetched when is decided by [`yeoul_hls::client`].

mod cipher;
mod rendition;
mod segments;
#[cfg(test)]
mod tests;

use super::Source;
use super::client::{Client, authority};
use super::reply::Reply;
use crate::limits::{HLS_FETCH_WAIT, HLS_PLAYLIST_BYTES};
use crate::playout::{self, Lane, Splice};
use crate::streams::{DialError, ErrorKind};
use rendition::Rendition;
use std::time::Instant;
use tokio::time::timeout;
use url::Url;
use yeoul_hls::client::{Multivariant, Playlist};
use yeoul_hub::{Attach, Label};
use yeoul_media::Kind;

/// Plays the playlist that `reply` holds, asked for at the time beside it, until it ends.
pub(super) async fn run(
    source: &Source,
    client: Client,
    (reply, asked_at): (Reply, Instant),
    attach: Attach,
    mut label: Label,
) -> Result<(), DialError> {
    label.protocol = format!("hls+{}", label.protocol);
    let url = reply.url.clone();
    let (Chosen { picture, sound }, listed) = match within(read(reply), &url).await? {
        Playlist::Media(media) => (Chosen { picture: url, sound: None }, Some((media, asked_at))),
        Playlist::Multivariant(playlist) => (Chosen::of(source, &playlist, &url)?, None),
    };
    let name = authority(&picture);
    let splice = Splice::default();
    let (sender, receiver) = playout::queue();
    let (mut queues, mut lane) = (vec![receiver], Lane::new(0, splice.clone()));
    let beside = sound.map(|url| {
        let (sender, receiver) = playout::queue();
        queues.push(receiver);
        Rendition::new(client.another(), Lane::new(1, splice), sender, url)
    });
    if beside.is_some() {
        lane = lane.without(Kind::Audio);
    }
    let rendition = Rendition::new(client, lane, sender, picture);
    let beside = async {
        match beside {
            Some(rendition) => rendition.run(None).await,
            None => Ok(()),
        }
    };
    tokio::try_join!(playout::play(queues, attach, label), rendition.run(listed), beside)?;
    Err(DialError::new(ErrorKind::Ended, format!("{name} has been played to its end")))
}

/// The playlists of one quality.
struct Chosen {
    /// With its sound, unless that is apart.
    picture: Url,
    sound: Option<Url>,
}

impl Chosen {
    fn of(source: &Source, playlist: &Multivariant, base: &Url) -> Result<Self, DialError> {
        let variant = playlist.choose(source.variant).ok_or_else(|| {
            DialError::new(ErrorKind::Unsupported, format!("{} lists no quality", authority(base)))
        })?;
        let sound = playlist.sound_of(variant).and_then(|sound| sound.uri.as_deref());
        let sound = sound.map(|uri| join(base, uri)).transpose()?;
        Ok(Self { picture: join(base, &variant.uri)?, sound })
    }
}

/// Reads the playlist that an answer holds.
async fn read(reply: Reply) -> Result<Playlist, DialError> {
    let name = authority(&reply.url);
    let bytes = reply.bytes(None, HLS_PLAYLIST_BYTES).await?;
    Playlist::parse(&String::from_utf8_lossy(&bytes))
        .map_err(|error| DialError::new(ErrorKind::PeerViolation, format!("{name}: {error}")))
}

/// What is read of `url`, unless that takes too long: a server that trickles is one that fails.
async fn within<T>(read: impl Future<Output = Result<T, DialError>>, url: &Url) -> Result<T, DialError> {
    let Ok(read) = timeout(HLS_FETCH_WAIT, read).await else {
        let text = format!("{} takes longer than {} s", authority(url), HLS_FETCH_WAIT.as_secs());
        return Err(DialError::new(ErrorKind::Retry, text));
    };
    read
}

/// Where an address of a playlist leads; where its host is, is asked when it is connected to.
fn join(base: &Url, uri: &str) -> Result<Url, DialError> {
    let url = base.join(uri).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| {
        let name = authority(base);
        DialError::new(ErrorKind::PeerViolation, format!("{name} lists what is no HTTP address"))
    })
}
