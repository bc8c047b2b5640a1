//! RTSP on sockets: cameras that we dial, players and publishers that dial us.

mod connection;
pub(crate) mod desk;
pub(crate) mod dial;
mod fanout;
mod feed;
pub(crate) mod listen;
mod open;
mod outbox;
mod serve;
mod udp;
mod viewing;
mod worker;

/// What waits to be sent on a TCP connection.
pub(crate) use outbox::Stream as Outbox;

/// 32 bytes that nobody can guess.
pub(crate) fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    // Without random numbers there is no safe session: as for TLS, this is the end of the program.
    aws_lc_rs::rand::fill(&mut bytes).expect("the system gives random numbers");
    bytes
}
