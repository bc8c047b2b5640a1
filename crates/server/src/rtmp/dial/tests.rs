//! A server on loopback, of which every answer is chosen; over TLS with a certificate that nobody signed.

use super::*;
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use yeoul_hub::{Event, State, Stream, StreamOptions, Want};
use yeoul_media::{Kind, PcmLayout, Timestamp, Track, TrackId};
use yeoul_rtmp::Fanout;
use yeoul_rtmp::server::{
    Input as Told, MESSAGE_STREAM, Output as Wish, Refusal, RefusalKind, ServerSession,
};

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Good,
    /// Closes the connection after some frames.
    HangsUp,
    HasNoSuchStream,
}

fn codec() -> Codec {
    Codec::Pcma(PcmLayout { sample_rate: 8000, channels: 1 })
}

fn sound(number: u32) -> Frame {
    let time = Timestamp::ZERO + Duration::from_millis(20) * number;
    Frame {
        track: TrackId(0),
        keyframe: true,
        pts: time,
        dts: time,
        new_codec: None,
        captured_at: None,
        received_at: Instant::now(),
        data: Bytes::from_static(&[0xd5; 160]),
    }
}

/// Starts a server for one connection; what is published to it comes through the channel.
async fn server(manner: Manner, with_tls: bool) -> (SocketAddr, mpsc::UnboundedReceiver<Frame>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (published, frames) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        if with_tls {
            if let Ok(stream) = acceptor().accept(stream).await {
                serve(stream, manner, published).await;
            }
        } else {
            serve(stream, manner, published).await;
        }
    });
    (address, frames)
}

fn acceptor() -> TlsAcceptor {
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let private = rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], private)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    manner: Manner,
    published: mpsc::UnboundedSender<Frame>,
) {
    let tracks = [Track { id: TrackId(0), codec: codec() }];
    let mut fanout = Fanout::new(&tracks, MESSAGE_STREAM).unwrap();
    let mut session = ServerSession::new(Instant::now(), None, 1);
    let (mut bytes, mut number) = ([0; 4096], None::<u32>);
    loop {
        loop {
            match session.poll_output() {
                Wish::Send(bytes) => stream.write_all(&bytes).await.unwrap_or_default(),
                Wish::Play(_) => {
                    let start = fanout.start(&tracks, &sound(0), Purpose::Play).unwrap();
                    let sentence = "there is no stream \"cam\"".to_owned();
                    let refusal = Refusal { kind: RefusalKind::NotFound, sentence };
                    let answer = if manner == Manner::HasNoSuchStream { Err(refusal) } else { Ok(start) };
                    number = answer.is_ok().then_some(0);
                    session.handle_input(Instant::now(), Told::Playing(answer)).unwrap();
                }
                Wish::Publish(_) => session.handle_input(Instant::now(), Told::Accepted(Ok(()))).unwrap(),
                Wish::Frame(frame) => drop(published.send(frame)),
                Wish::Pause(_) | Wish::Tracks(_) | Wish::Note(_) | Wish::Stop => {}
                Wish::Wait(_) => break,
                Wish::Close => {
                    let _ = stream.shutdown().await;
                    return;
                }
            }
        }
        let _ = stream.flush().await;
        tokio::select! {
            read = stream.read(&mut bytes) => match read {
                Ok(count @ 1..) => session.handle_input(Instant::now(), Told::Received(&bytes[..count])).unwrap(),
                Ok(_) | Err(_) => return,
            },
            () = tokio::time::sleep(Duration::from_millis(2)), if number.is_some() => {
                let at = number.unwrap_or(0);
                if manner == Manner::HangsUp && at == 10 {
                    let _ = stream.shutdown().await;
                    return;
                }
                number = Some(at + 1);
                let block = fanout.block(at.into(), &sound(at)).unwrap();
                session.handle_input(Instant::now(), Told::Media(&block.bytes)).unwrap();
            }
        }
    }
}

/// Dials the server while a consumer takes `frames` frames; gives how it ended.
async fn take(manner: Manner, scheme: &str, frames: usize) -> Result<(), DialError> {
    let (address, _published) = server(manner, scheme != "rtmp").await;
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let slot = stream.sources().remove(0);
    let source = Source::parse(&format!("{scheme}://{address}/live/cam")).unwrap();
    let hang_up = CancellationToken::new();
    let dial = tokio::spawn({
        let (attach, hang_up) = (slot.attach(), hang_up.clone());
        async move { run(&source, Route::of_owner(), attach, hang_up).await }
    });
    if frames > 0 {
        let mut consumer = stream.join(vec![Want::any(Kind::Audio)], Label::default()).ready().await.unwrap();
        for _ in 0..frames {
            assert!(matches!(consumer.next().await, Event::Frame(_)));
        }
        assert_eq!(stream.snapshot().state, State::Live);
        hang_up.cancel();
    }
    tokio::time::timeout(Duration::from_secs(20), dial).await.expect("it ends").unwrap()
}

#[tokio::test]
async fn a_server_is_played_plain_and_over_tls() {
    assert_eq!(take(Manner::Good, "rtmp", 20).await, Ok(()));
    assert_eq!(take(Manner::Good, "rtmpx", 20).await, Ok(()));
}

#[tokio::test]
async fn a_certificate_that_nobody_signed_is_refused_in_words() {
    let error = take(Manner::Good, "rtmps", 0).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(error.text.contains("has a certificate that cannot be trusted"), "{error}");
    assert!(error.text.contains("rtmpx://"), "{error}");
}

#[tokio::test]
async fn a_server_that_hangs_up_is_an_end() {
    assert_eq!(take(Manner::HangsUp, "rtmp", 0).await, Ok(()));
}

#[tokio::test]
async fn what_a_server_refuses_is_told() {
    let error = take(Manner::HasNoSuchStream, "rtmp", 0).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.text.contains("there is no stream"), "{error}");
}

#[tokio::test]
async fn a_stream_is_published_over_tls() {
    let (address, mut published) = server(Manner::Good, true).await;
    let stream = Stream::new("cam", 0, StreamOptions::default());
    let mut producer = stream.publish(Label::default(), vec![codec()]);
    let id = producer.track(0).unwrap();
    let consumer = stream.join(vec![Want::any(Kind::Audio)], Label::default()).ready().await.unwrap();
    let target = Source::parse(&format!("rtmpx://{address}/live/key")).unwrap();
    let (tell, live) = tokio::sync::oneshot::channel();
    let pushing = tokio::spawn(async move {
        let live = || tell.send(()).expect("somebody waits");
        push(&target, Route::of_owner(), consumer, live).await
    });
    tokio::time::timeout(Duration::from_secs(10), live).await.expect("in time").unwrap();
    let (mut sent, mut got) = (0, Vec::new());
    while got.len() < 20 {
        tokio::select! {
            frame = published.recv() => got.push(frame.expect("the connection stands")),
            () = tokio::time::sleep(Duration::from_millis(2)) => {
                producer.publish(Frame { track: id, ..sound(sent) }).unwrap();
                sent += 1;
            }
        }
    }
    let steps = got.windows(2).map(|two| two[1].dts.saturating_since(two[0].dts).as_millis());
    assert!(steps.into_iter().all(|step| (19..=21).contains(&step)), "{got:?}");
    stream.close();
    let ended = tokio::time::timeout(Duration::from_secs(10), pushing).await.expect("it ends").unwrap();
    assert_eq!(ended, Ok(()));
}
