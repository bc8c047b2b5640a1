//! RTSP on sockets: cameras that we dial, readers and publishers that dial us.

pub(crate) mod dial;
