//! The task of one RTSP connection: it waits for what the client does, for time and for the stream to be opened. Frames do
//! not come this way: the worker brings them ([`super::feed`]).

use super::connection::{Connection, Ended, Watched};
use super::udp::Datagram;
use crate::limits::RTSP_CLOSE_WAIT;
use crate::sockets;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::time::Instant;
use tokio::io::Ready;
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
    sockets::say_last_words(&socket, RTSP_CLOSE_WAIT).await;
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
        let Watched { interest, until } = {
            let mut connection = connection.borrow_mut();
            if let Err(ended) = connection.work(Instant::now()) {
                return ended;
            }
            connection.watch()
        };
        if timer.deadline() != until.into() {
            timer.as_mut().reset(until.into());
        }
        let happening = tokio::select! {
            ready = socket.ready(interest) => Happening::Socket(ready),
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
