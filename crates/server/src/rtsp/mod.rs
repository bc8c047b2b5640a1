//! RTSP on sockets: cameras that we dial, players and publishers that dial us.

mod connection;
pub(crate) mod desk;
pub(crate) mod dial;
mod fanout;
pub(crate) mod listen;
mod open;
mod outbox;
mod udp;

/// 32 bytes that nobody can guess.
fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    // Without random numbers there is no safe session: as for TLS, this is the end of the program.
    aws_lc_rs::rand::fill(&mut bytes).expect("the system gives random numbers");
    bytes
}
