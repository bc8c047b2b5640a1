//! A camera on loopback, of which every answer is chosen.

use super::*;
use bytes::BytesMut;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use yeoul_hub::{State, Stream, StreamOptions, Want};
use yeoul_media::Kind;
use yeoul_rtsp::message::{Data, Method, Request, Response, StatusCode, Stray, header};
use yeoul_rtsp::{Framer, Message, Transport};

const SDP: &str =
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\nm=audio 0 RTP/AVP 8\r\na=control:track\r\n";

/// What a camera does that the usual one does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// 461 for media over TCP.
    RefusesTcp,
    /// Closes the connection after some packets.
    HangsUp,
    /// 404.
    HasNoPath,
    /// 302 to an address of this machine.
    SendsAway,
}

/// Starts a camera for one connection; the methods it was asked for come through the channel.
async fn camera(fault: Fault) -> (SocketAddr, mpsc::UnboundedReceiver<Method>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, methods) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let _ = Camera { stream, asked, fault, media: None, sequence: 0 }.serve().await;
    });
    (address, methods)
}

struct Camera {
    stream: TcpStream,
    asked: mpsc::UnboundedSender<Method>,
    fault: Fault,
    /// Where packets go, if not over the connection.
    media: Option<(UdpSocket, SocketAddr)>,
    sequence: u16,
}

impl Camera {
    async fn serve(&mut self) -> io::Result<()> {
        let mut framer = Framer::new(Stray::Refuse);
        let mut bytes = [0; 4096];
        let mut playing = false;
        loop {
            tokio::select! {
                count = self.stream.read(&mut bytes) => {
                    let count = count?;
                    if count == 0 {
                        return Ok(());
                    }
                    framer.push(&bytes[..count]);
                }
                () = tokio::time::sleep(Duration::from_millis(2)), if playing => {
                    self.send_packet().await?;
                    if self.fault == Fault::HangsUp && self.sequence == 10 {
                        return Ok(());
                    }
                }
            }
            while let Some(message) = framer.pull().unwrap() {
                if let Message::Request(request) = message {
                    playing |= request.method == Method::Play;
                    self.answer(&request).await?;
                }
            }
        }
    }

    async fn answer(&mut self, request: &Request) -> io::Result<()> {
        let _ = self.asked.send(request.method.clone());
        let response = Response::to(request, StatusCode::Ok);
        let response = if self.fault == Fault::SendsAway {
            Response::to(request, StatusCode::Found).with(header::LOCATION, "rtsp://[::1]:9/")
        } else if request.method == Method::Setup {
            self.set_up(request).await?
        } else if request.method != Method::Describe {
            response.with(header::SESSION, "abc")
        } else if self.fault == Fault::HasNoPath {
            Response::to(request, StatusCode::NotFound)
        } else {
            response.with_body("application/sdp", SDP)
        };
        let mut bytes = BytesMut::new();
        response.write(&mut bytes);
        self.stream.write_all(&bytes).await
    }

    async fn set_up(&mut self, request: &Request) -> io::Result<Response> {
        let asked = request.headers.get(header::TRANSPORT).unwrap();
        let transport = Transport::parse(asked).unwrap();
        if transport.interleaved.is_some() && self.fault == Fault::RefusesTcp {
            return Ok(Response::to(request, StatusCode::UnsupportedTransport));
        }
        let mut answer = transport.clone();
        if let Some((port, _)) = transport.client_port {
            let socket = UdpSocket::bind("127.0.0.1:0").await?;
            let server_port = socket.local_addr()?.port();
            answer.server_port = Some((server_port, server_port));
            self.media = Some((socket, SocketAddr::from(([127, 0, 0, 1], port))));
        }
        let response = Response::to(request, StatusCode::Ok);
        Ok(response.with(header::SESSION, "abc").with(header::TRANSPORT, answer.to_string()))
    }

    async fn send_packet(&mut self) -> io::Result<()> {
        let rtp_time = u32::from(self.sequence) * 160;
        let header =
            yeoul_rtp::Header { payload_type: 8, marker: false, sequence: self.sequence, rtp_time, ssrc: 7 };
        self.sequence += 1;
        let packet = [&header.write()[..], &[0xd5; 160]].concat();
        match &self.media {
            Some((socket, to)) => socket.send_to(&packet, to).await.map(|_| ()),
            None => {
                let mut bytes = BytesMut::new();
                Data { channel: 0, payload: packet.into() }.write(&mut bytes);
                self.stream.write_all(&bytes).await
            }
        }
    }
}

/// Dials the camera while a consumer takes `frames` frames; gives how it ended and what the camera was asked.
async fn take(
    fault: Fault,
    fragment: &str,
    frames: usize,
) -> (Result<(), DialError>, Vec<Method>, Arc<Stream>) {
    let (address, mut methods) = camera(fault).await;
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let slot = stream.sources().remove(0);
    let source = Source::parse(&format!("rtsp://admin:secret@{address}/live{fragment}")).unwrap();
    let hang_up = CancellationToken::new();
    let dial = tokio::spawn({
        let (attach, hang_up) = (slot.attach(), hang_up.clone());
        async move { run(&source, Route::of_owner(), attach, hang_up).await }
    });
    if frames > 0 {
        let mut consumer = stream.join(vec![Want::any(Kind::Audio)], Label::default()).ready().await.unwrap();
        for _ in 0..frames {
            assert!(matches!(consumer.next().await, yeoul_hub::Event::Frame(_)));
        }
        let snapshot = stream.snapshot();
        assert_eq!(snapshot.state, State::Live);
        hang_up.cancel();
    }
    let result = tokio::time::timeout(Duration::from_secs(10), dial).await.expect("it ends").unwrap();
    let mut asked = Vec::new();
    while let Some(method) = methods.recv().await {
        asked.push(method);
    }
    (result, asked, stream)
}

#[tokio::test]
async fn a_camera_is_played_over_tcp_and_torn_down() {
    use Method::{Describe, Options, Play, Setup, Teardown};
    let (result, asked, _) = take(Fault::None, "", 20).await;
    assert_eq!((result, asked), (Ok(()), vec![Options, Describe, Setup, Play, Teardown]));
}

#[tokio::test]
async fn a_camera_is_played_over_udp_where_it_is_chosen_or_tcp_refused() {
    use Method::{Describe, Options, Play, Setup, Teardown};
    let (result, asked, _) = take(Fault::None, "#transport=udp", 20).await;
    assert_eq!((result, asked), (Ok(()), vec![Options, Describe, Setup, Play, Teardown]));
    let (result, asked, _) = take(Fault::RefusesTcp, "", 20).await;
    assert_eq!((result, asked), (Ok(()), vec![Options, Describe, Setup, Setup, Play, Teardown]));
}

#[tokio::test]
async fn a_camera_that_hangs_up_is_an_end() {
    let (result, _, stream) = take(Fault::HangsUp, "", 0).await;
    assert_eq!(result, Ok(()));
    assert_ne!(stream.state(), State::Live);
}

#[tokio::test]
async fn what_a_camera_refuses_is_told_without_the_password() {
    let (result, _, _) = take(Fault::HasNoPath, "", 0).await;
    let error = result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.text.contains("404") && !error.text.contains("secret"), "{error}");
}

#[tokio::test]
async fn where_a_camera_sends_us_is_under_the_policy_as_well() {
    let (address, _methods) = camera(Fault::SendsAway).await;
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let source = Source::parse(&format!("rtsp://{address}/")).unwrap();
    let route = Route::of_caller(Arc::from(["127.0.0.0/8".parse().expect("a network")]));
    let dial = run(&source, route, stream.sources().remove(0).attach(), CancellationToken::new());
    let error = dial.await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::PeerViolation);
    assert!(error.text.contains("is at ::1, an address of this machine's own surroundings"), "{error}");
}

#[tokio::test]
async fn a_camera_that_is_not_there_is_told() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let stream = Stream::new("cam", 1, StreamOptions::default());
    let source = Source::parse(&format!("rtsp://{address}/")).unwrap();
    let error =
        run(&source, Route::of_owner(), stream.sources().remove(0).attach(), CancellationToken::new())
            .await
            .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Retry);
    assert!(error.text.starts_with(&format!("{address} cannot be reached: Connection refused")), "{error}");
}
