//! The task of one RTSP connection: it waits for what the client does, for time and for the stream to be opened. Frames do
//! not come this way: the worker brings them ([`super::feed`]).

use super::connection::{Connection, Ended};
use super::udp::Datagram;
use crate::limits::RTSP_CLOSE_WAIT;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::time::Instant;
use tokio::io::{Interest, Ready};
use tokio::net::TcpStream;
use tokio::time::sleep_until;
use tracing::debug;
use yeoul_hub::Consumer;
use yeoul_rtsp::server::Refusal;

/// What wakes the task.
pub(super) enum Happening {
    Socket(io::Result<Ready>),
    Opened(Result<Consumer, Refusal>),
    Datagram(Datagram),
    /// The time that was waited for, or a frame that left something to do.
    Look,
    Shutdown,
}

/// Serves the connection to its end.
pub(super) async fn serve(connection: Rc<RefCell<Connection>>) {
    let (socket, peer) = {
        let connection = connection.borrow();
        (Rc::clone(connection.socket()), connection.peer())
    };
    debug!(target: "rtsp", "{peer}: connected");
    let ended = happenings(&connection, &socket).await;
    // The stream's sources are let go at once; last words may take a moment.
    drop(connection);
    say_last_words(&socket).await;
    debug!(target: "rtsp", "{peer}: {ended}");
}

async fn happenings(connection: &RefCell<Connection>, socket: &TcpStream) -> Ended {
    let (shutdown, nudge) = {
        let connection = connection.borrow();
        (connection.shutdown(), connection.nudge())
    };
    let shutdown = shutdown.cancelled_owned();
    let timer = sleep_until(Instant::now().into());
    tokio::pin!(shutdown, timer);
    loop {
        let (interest, wake_at) = {
            let mut connection = connection.borrow_mut();
            if let Err(ended) = connection.work(Instant::now()) {
                return ended;
            }
            (connection.interest(), connection.arm())
        };
        if timer.deadline() != wake_at.into() {
            timer.as_mut().reset(wake_at.into());
        }
        let happening = tokio::select! {
            ready = readiness(socket, interest) => Happening::Socket(ready),
            opened = poll_fn(|cx| connection.borrow_mut().poll_opened(cx)) => Happening::Opened(opened),
            datagram = poll_fn(|cx| connection.borrow_mut().poll_datagram(cx)) => Happening::Datagram(datagram),
            () = &mut timer => Happening::Look,
            () = nudge.notified() => Happening::Look,
            () = &mut shutdown => Happening::Shutdown,
        };
        if let Err(ended) = connection.borrow_mut().happened(happening) {
            return ended;
        }
    }
}

async fn readiness(socket: &TcpStream, interest: Interest) -> io::Result<Ready> {
    socket.ready(interest).await
}

/// Lets the client read our last answer: closing at once, with something of its still unread, would destroy it.
async fn say_last_words(socket: &TcpStream) {
    let farewell = async {
        if socket2::SockRef::from(socket).shutdown(std::net::Shutdown::Write).is_err() {
            return;
        }
        let mut ignored = [0; 1024];
        while socket.readable().await.is_ok() {
            match socket.try_read(&mut ignored) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    };
    let _ = tokio::time::timeout(RTSP_CLOSE_WAIT, farewell).await;
}
