//! Who is at the other end of a producer or consumer.

/// What a person reads about a connection in the API and the logs. Holds no secret: `url` is masked by whoever makes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// The protocol with its transport: `rtsp+tcp`, `webrtc+udp`.
    pub protocol: String,
    /// Address and port of the peer.
    pub remote: String,
    /// What the peer says it is.
    pub user_agent: Option<String>,
    /// The URL dialled or asked for, without its password.
    pub url: Option<String>,
}
