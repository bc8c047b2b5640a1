//! `yeoul load camera CLIP`: an endless camera, or as many as a server asks for, each under any path it likes.
//!
//! It speaks RTSP over TCP, and puts the time of sending into each picture (see [`super::clock`]), so that `yeoul load` on the
//! same machine can tell how long the server behind it takes.

use super::clip::Clip;
use super::clock;
use crate::cli::print;
use crate::limits::{ACCEPT_PAUSE, LOAD_CAMERA_SECONDS, RTSP_CONNECTIONS};
use anyhow::Context as _;
use clap::Args;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, sleep_until, timeout};
use yeoul_media::{Frame, Timestamp, Track, TrackId};
use yeoul_rtsp::limits::PACKET_BYTES;
use yeoul_rtsp::message::StatusCode;
use yeoul_rtsp::server::{Input, Options, Output, Refusal, ServerSession};
use yeoul_rtsp::{Clock, Fanout};

/// The arguments of `yeoul load camera`.
#[derive(Debug, Args)]
pub(super) struct CameraArgs {
    /// H.264 or H.265 in Annex B form (ffmpeg makes one with `-c copy -f h264` or `-f hevc`), which begins with a keyframe
    clip: PathBuf,

    /// Address and port
    #[arg(long, default_value = "127.0.0.1:8654", value_name = "ADDR:PORT")]
    listen: SocketAddr,

    /// Pictures a second
    #[arg(long, default_value_t = 25, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=240))]
    fps: u32,

    /// How long to run
    #[arg(long, short, default_value_t = 3600, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=LOAD_CAMERA_SECONDS))]
    seconds: u64,
}

/// Serves the clip until its time is over, or Ctrl-C.
pub(super) async fn run(arguments: &CameraArgs) -> anyhow::Result<()> {
    let clip = Arc::new(Clip::read(&arguments.clip)?);
    let listener = TcpListener::bind(arguments.listen).await.with_context(|| arguments.listen.to_string())?;
    let address = listener.local_addr()?;
    print(&format!(
        "camera: {} pictures of {} at {} a second, rtsp://{address}/ANY-NAME\n",
        clip.len(),
        clip.codec,
        arguments.fps
    ));
    tokio::select! {
        () = accept(&listener, &clip, arguments.fps) => {}
        () = sleep(Duration::from_secs(arguments.seconds)) => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}

async fn accept(listener: &TcpListener, clip: &Arc<Clip>, fps: u32) {
    let places = Arc::new(Semaphore::new(RTSP_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((socket, _)) => {
                let clip = Arc::clone(clip);
                tokio::spawn(async move {
                    // A client that is gone is no news.
                    if let Ok(mut camera) = Camera::new(socket, clip, fps) {
                        let _ = camera.serve().await;
                    }
                    drop(place);
                });
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// One client.
struct Camera {
    socket: TcpStream,
    session: ServerSession,
    clip: Arc<Clip>,
    fps: u32,
    playing: Option<Playing>,
}

/// What is played to it.
struct Playing {
    fanout: Fanout,
    since: Instant,
    /// Frames so far.
    frames: u32,
}

impl Camera {
    fn new(socket: TcpStream, clip: Arc<Clip>, fps: u32) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        let options = Arc::new(Options { server: "yeoul load camera".to_owned(), ..Options::default() });
        let local = socket.local_addr()?.ip();
        let session = ServerSession::new(Instant::now(), options, local, None, crate::random::bytes());
        Ok(Self { socket, session, clip, fps, playing: None })
    }

    async fn serve(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        while let Some(wait) = self.drain().await? {
            let next = self.playing.as_ref().map(|playing| playing.since + self.time(playing.frames));
            tokio::select! {
                read = self.socket.read(&mut buffer) => match read? {
                    0 => return Ok(()),
                    count => self.tell(Input::Received(&buffer[..count])),
                },
                () = sleep_until(next.unwrap_or(wait).into()), if next.is_some() => self.send_frame(),
                () = sleep_until(wait.into()) => self.tell(Input::Timeout),
            }
        }
        Ok(())
    }

    /// When the frame of this number is due, from the first one on.
    fn time(&self, number: u32) -> Duration {
        Duration::from_nanos(u64::from(number) * 1_000_000_000 / u64::from(self.fps))
    }

    fn tell(&mut self, input: Input<'_>) {
        // Its last words, if it has some, follow.
        let _ = self.session.handle_input(Instant::now(), input);
    }

    fn track(&self) -> Track {
        Track { id: TrackId(0), codec: self.clip.codec.clone() }
    }

    fn send_frame(&mut self) {
        let now = Instant::now();
        let clip = Arc::clone(&self.clip);
        let Some(number) = self.playing.as_ref().map(|playing| playing.frames) else { return };
        let (data, keyframe) = clip.frame(usize::try_from(number).unwrap_or_default(), clock::now_ns());
        let pts = Timestamp::from_nanos(i64::try_from(self.time(number).as_nanos()).unwrap_or(i64::MAX));
        let frame = Frame {
            track: TrackId(0),
            keyframe,
            pts,
            dts: pts,
            new_codec: None,
            captured_at: None,
            received_at: now,
            data,
        };
        let Some(playing) = &mut self.playing else { return };
        playing.frames += 1;
        let clock = Clock { now, wall: SystemTime::now() };
        if let Ok(Some(block)) = playing.fanout.block(u64::from(number), &frame, clock) {
            self.tell(Input::Media(&block));
        }
    }

    /// Does what the session wants; gives when it wants more, `None` at its end.
    async fn drain(&mut self) -> io::Result<Option<Instant>> {
        /// How long a client may take nothing: it is gone.
        const PATIENCE: Duration = Duration::from_secs(10);
        loop {
            match self.session.poll_output() {
                Output::Send(bytes) => timeout(PATIENCE, self.socket.write_all(&bytes)).await??,
                Output::Open { .. } => {
                    let tracks = vec![self.track()];
                    self.tell(Input::Opened(Ok(tracks)));
                }
                Output::Play => {
                    let fanout = Fanout::new(&[self.track()], PACKET_BYTES, crate::random::bytes());
                    let start = fanout.start(&[], Timestamp::from_nanos(0));
                    self.playing = Some(Playing { fanout, since: Instant::now(), frames: 0 });
                    self.tell(Input::Playing(Ok(start)));
                }
                Output::Pause | Output::Stop => self.playing = None,
                Output::Announce { .. } | Output::Record { .. } => {
                    let refusal = Refusal::new(StatusCode::MethodNotAllowed, "this camera takes nothing");
                    self.tell(Input::Accepted(Err(refusal)));
                }
                // There are no UDP ports and nothing is published.
                Output::Datagrams { .. } | Output::Frame(_) | Output::Note(_) => {}
                Output::Wait(at) => return Ok(Some(at)),
                Output::Close => return Ok(None),
            }
        }
    }
}
