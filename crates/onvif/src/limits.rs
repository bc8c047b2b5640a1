//! Every bound of this crate, with its reason.

/// Bytes of an answer: a recorder's profiles of 64 channels have a quarter of it.
pub const XML_BYTES: usize = 1 << 20;

/// Elements inside each other: the deepest answer that we ask for has twelve.
pub const XML_DEPTH: usize = 32;

/// Elements and attributes of an answer: sixteen times those of a recorder's profiles.
pub const XML_ITEMS: usize = 1 << 17;

/// Profiles of a device: a recorder of 64 channels has a main and a sub stream of each.
pub const PROFILES: usize = 256;

/// Presets of a camera: the most that one is known to have is 300.
pub const PRESETS: usize = 512;

/// Characters of what a device says for people: names, reasons. More than a line helps nobody.
pub const TEXT_CHARS: usize = 200;

/// Bytes of a token: the ONVIF schema has 64 (`ReferenceToken`), cameras have more.
pub const TOKEN_BYTES: usize = 256;

/// Bytes of the address of a stream, or a picture: what RTSP and HTTP servers take.
pub const URI_BYTES: usize = 4096;

/// Bytes of a datagram of WS-Discovery: scopes make some larger than a packet (SOAP-over-UDP allows 64 KiB).
pub const DATAGRAM_BYTES: usize = 64 << 10;

/// Devices in one answer: a proxy answers for those that it stands for.
pub const MATCHES: usize = 64;

/// Addresses of one device: one for each of its interfaces and IP versions.
pub const ADDRESSES: usize = 16;
