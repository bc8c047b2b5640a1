//! A session that we begin: our offer, then a [`Peer`] from the answer to it. A server that is called is a viewer, to which we
//! publish, or a publisher, which we watch, as any other.

use super::Peer;
use super::answer::{Own, Settings, Told, match_given, match_tracks, new_ssrc};
use crate::negotiate::{all_chosen, ours, ours_for};
use crate::sdp::{Direction, Line, Media, Offer, OfferError, OfferedCodec, Receiving, Sending, Setup};
use std::time::{Instant, SystemTime};
use yeoul_media::{Codec, Kind, Track};

/// An offer of ours that has not been answered.
#[derive(Debug)]
pub struct Call {
    own: Own,
    /// What is published; `None` if we watch.
    published: Option<(Vec<Track>, Vec<Told>)>,
}

impl Call {
    /// Whether a track of this codec can be published.
    #[must_use]
    pub fn carries(codec: &Codec) -> bool {
        !ours_for(codec).is_empty()
    }

    /// A call to watch what the server has, and its offer.
    #[must_use]
    pub fn to_watch(settings: &Settings<'_>) -> (Self, String) {
        let medias = [Kind::Video, Kind::Audio].map(|kind| media(kind, ours(kind)));
        let formats = medias.each_ref().map(all_chosen);
        let lines = medias.iter().zip(&formats);
        let lines: Vec<Line<'_>> =
            lines.map(|(media, formats)| Line::Receiving(Receiving { media, formats })).collect();
        let own = Own { is_offerer: true, ..Own::new(settings) };
        let text = own.describe(Setup::ActPass, &lines, settings);
        (Self { own, published: None }, text)
    }

    /// A call to publish the first track of each kind that WebRTC carries, and its offer.
    ///
    /// # Errors
    /// If there is none.
    pub fn to_publish(tracks: &[Track], settings: &Settings<'_>) -> Result<(Self, String), OfferError> {
        let carried = |kind| {
            let mut of_kind = tracks.iter().filter(move |track: &&Track| track.kind() == kind);
            of_kind.find_map(|track| Some((track, Some(ours_for(&track.codec)).filter(|of| !of.is_empty())?)))
        };
        let carried: Vec<_> = [Kind::Video, Kind::Audio].into_iter().filter_map(carried).collect();
        if carried.is_empty() {
            return Err(OfferError::NothingCarried(
                tracks.iter().map(|track| track.codec.to_string()).collect::<Vec<_>>().join(", "),
            ));
        }
        let mut taken = Vec::new();
        let medias: Vec<Media> =
            carried.iter().map(|(track, codecs)| media(track.kind(), codecs.clone())).collect();
        let formats: Vec<_> = medias.iter().map(all_chosen).collect();
        let told: Vec<Told> = carried
            .iter()
            .map(|(track, _)| {
                let kind = track.kind();
                (kind, new_ssrc(&mut taken), (kind == Kind::Video).then(|| new_ssrc(&mut taken)))
            })
            .collect();
        let lines =
            medias.iter().zip(&formats).zip(&told).map(|((media, formats), (_, ssrc, resend_ssrc))| {
                let (ssrc, resend_ssrc) = (*ssrc, *resend_ssrc);
                Line::Sending(Sending { media, formats, ssrc, resend_ssrc, transport_wide: None })
            });
        let own = Own { is_offerer: true, ..Own::new(settings) };
        let text = own.describe(Setup::ActPass, &lines.collect::<Vec<_>>(), settings);
        let tracks = carried.iter().map(|(track, _)| (*track).clone()).collect();
        Ok((Self { own, published: Some((tracks, told)) }, text))
    }

    /// The session, once the server has answered. `settings` are those of the offer, `wall` is the wall clock at `now`.
    ///
    /// # Errors
    /// If the server takes, or has, nothing of what was offered.
    pub fn answered(
        self,
        now: Instant,
        wall: SystemTime,
        answer: &Offer,
        settings: &Settings<'_>,
    ) -> Result<Peer, OfferError> {
        match self.published {
            Some((tracks, told)) => {
                let matched = match_tracks(answer, &tracks, false, &told);
                if matched.is_empty() {
                    return Err(answer.no_common_codec(&tracks));
                }
                Ok(Peer::sending(now, wall, self.own, answer, &matched, settings))
            }
            None => {
                let given = match_given(answer);
                if given.is_empty() {
                    return Err(answer.nothing_taken());
                }
                Ok(Peer::receiving(now, wall, self.own, answer, &given, settings))
            }
        }
    }
}

/// A media as another side would have offered it.
fn media(kind: Kind, codecs: Vec<OfferedCodec>) -> Media {
    let (name, mid) = match kind {
        Kind::Video => ("video", "0"),
        Kind::Audio => ("audio", "1"),
    };
    Media {
        kind: Some(kind),
        name: name.to_owned(),
        protocol: "UDP/TLS/RTP/SAVPF".to_owned(),
        formats: codecs.iter().map(|codec| codec.payload_type.to_string()).collect(),
        mid: mid.to_owned(),
        rejected: false,
        direction: Direction::SendReceive,
        codecs,
        mid_extension: Some(1),
        playout_extension: Some(2).filter(|_| kind == Kind::Video),
        transport_wide_extension: Some(3),
    }
}
