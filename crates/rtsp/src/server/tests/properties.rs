//! Bytes from outside never panic, and any chunking of them means the same.

use super::*;
use proptest::prelude::*;

/// Requests, packets and rubbish, in a form that gets far into the session.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let method = prop::sample::select(vec![
        "OPTIONS",
        "DESCRIBE",
        "ANNOUNCE",
        "SETUP",
        "PLAY",
        "PAUSE",
        "RECORD",
        "GET_PARAMETER",
        "TEARDOWN",
        "X",
    ]);
    let uri = prop::sample::select(vec![
        "*",
        "rtsp://h/cam",
        "rtsp://h/cam/trackID=0",
        "rtsp://h/mono",
        "rtsp://h/in",
        "rtsp://h/in/streamid=0",
        "rtsp://h/%",
    ]);
    let transport = prop::sample::select(vec![
        "",
        "RTP/AVP/TCP;interleaved=0-1",
        "RTP/AVP;client_port=7000-7001",
        "RTP/AVP/TCP;mode=record",
        "RTP/AVP;client_port=1-2;mode=record",
    ]);
    let body = prop::sample::select(vec![
        "",
        "v=0\r\ns=-\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:streamid=0\r\n",
    ]);
    let request = (method, uri, transport, any::<bool>(), body).prop_map(|(method, uri, transport, session, body)| {
        let session = if session { "Session: {id}\r\n" } else { "" };
        format!(
            "{method} {uri} RTSP/1.0\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nTransport: {transport}\r\n{session}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    });
    let data = (0u8..6, prop::collection::vec(any::<u8>(), 0..60)).prop_map(|(channel, mut payload)| {
        if let Some(first) = payload.first_mut() {
            *first = 0x80 | (*first & 0x3f);
        }
        let mut bytes = vec![b'$', channel, 0, u8::try_from(payload.len()).unwrap()];
        bytes.extend(payload);
        bytes
    });
    prop_oneof![6 => request, 2 => data, 1 => prop::collection::vec(any::<u8>(), 0..40)]
}

/// Puts the session's id in, if there is one by now.
fn with_id(rig: &Rig, message: &[u8]) -> Vec<u8> {
    let id = rig.session.id.clone().unwrap_or_default();
    String::from_utf8(message.to_vec())
        .map_or(message.to_vec(), |text| text.replace("{id}", &id).into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_panic_and_nothing_grows(
        messages in prop::collection::vec((message(), any::<bool>(), 0u64..70), 1..30),
        datagrams in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..80)), 0..10),
    ) {
        let mut rig = Rig::new();
        let mut datagrams = datagrams.into_iter();
        let mut index = 0;
        for (message, play, seconds) in messages {
            let bytes = with_id(&rig, &message);
            rig.input(Input::Received(&bytes));
            if let Some((is_rtp, bytes)) = datagrams.next() {
                let (port, from) = if is_rtp { (Port::Rtp, 7000) } else { (Port::Rtcp, 7001) };
                rig.input(Input::Datagram { port, from, bytes: &bytes });
            }
            if play && rig.fanout.is_some() {
                rig.frame(index, &sound(0, 0, true, Bytes::from_static(b"x")).for_any(&rig));
                index += 1;
            }
            rig.now += Duration::from_secs(seconds / 10);
            rig.input(Input::Timeout);
            rig.bytes.clear();
            rig.datagrams.clear();
        }
    }

    #[test]
    fn any_chunking_means_the_same(
        messages in prop::collection::vec(message(), 1..10),
        cuts in prop::collection::vec(1usize..50, 1..20),
    ) {
        let all: Vec<u8> = messages.concat();
        let mut whole = Rig::new();
        whole.input(Input::Received(&all));
        let mut chunked = Rig::new();
        let mut rest = all.as_slice();
        let mut cuts = cuts.iter().cycle();
        while let (false, Some(cut)) = (rest.is_empty(), cuts.next()) {
            let (chunk, after) = rest.split_at((*cut).min(rest.len()));
            chunked.input(Input::Received(chunk));
            rest = after;
        }
        // The sentence about rubbish quotes as much of it as there is.
        let told = |rig: &Rig| {
            let text = format!("{} {}", rig.events.join(" "), String::from_utf8_lossy(&rig.bytes));
            text.split(", got ").map(|part| part.split_once('\n').map_or("", |(_, after)| after).to_owned()).collect::<String>()
        };
        prop_assert_eq!(told(&whole), told(&chunked));
        prop_assert_eq!(whole.closed, chunked.closed);
    }
}

trait ForAny {
    /// The same frame on the first track that the rig's stream has.
    fn for_any(self, rig: &Rig) -> Self;
}

impl ForAny for Frame {
    fn for_any(self, rig: &Rig) -> Self {
        let is_mono =
            rig.fanout.as_ref().is_some_and(|fanout| fanout.start(&[], Timestamp::ZERO).tracks.len() == 1);
        if is_mono { self } else { picture(4, 0, true, 100) }
    }
}
