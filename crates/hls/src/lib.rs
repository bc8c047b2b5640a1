//! HTTP Live Streaming: segments, parts and playlists (RFC 8216, RFC 8216bis). Everything is sans-IO: bytes and time in,
//! bytes out.
