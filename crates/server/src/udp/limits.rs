//! Every bound of sources by UDP, with its reason.

use std::time::Duration;

/// Bytes of a datagram, as many as there can be.
pub(crate) const UDP_READ_BYTES: usize = 64 << 10;

/// What the kernel may hold of a transport stream: half a second of 60 Mbit/s, which comes in bursts of pictures.
pub(crate) const UDP_SOCKET_BYTES: usize = 4 << 20;

/// After this silence of a sender another one is listened to: an encoder that was replaced has another port.
pub(crate) const UDP_SENDER_SILENCE: Duration = Duration::from_secs(1);

/// Seconds that `#timeout=` of a UDP source may say.
pub(crate) const UDP_TIMEOUT: std::ops::RangeInclusive<u64> = 1..=3600;

/// Datagrams in a row that are no transport stream, before that is told: a stray one is no reason to give up.
pub(crate) const UDP_FOREIGN_DATAGRAMS: u32 = 32;

/// Time between log lines about packets that are missing: a bad line loses some every second.
pub(crate) const UDP_LOSS_REPORT: Duration = Duration::from_secs(60);
