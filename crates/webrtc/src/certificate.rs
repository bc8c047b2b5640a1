//! The DTLS identity of this process.

use aws_lc_rs::digest;
use dimpl::{Config, DtlsCertificate};
use std::fmt::Write as _;
use std::sync::Arc;

/// No certificate or DTLS configuration could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no DTLS certificate could be made: {0}")]
pub struct CertificateError(String);

/// A self-signed certificate with its key, made anew at each start and shared by all peers: WebRTC identifies it by the
/// fingerprint in the answer (RFC 8827 §6.5). Cheap to clone.
#[derive(Clone)]
pub struct Certificate {
    pub(crate) certificate: DtlsCertificate,
    pub(crate) config: Arc<Config>,
    pub(crate) fingerprint: Arc<str>,
}

impl Certificate {
    /// Makes a certificate.
    ///
    /// # Errors
    /// If the cryptography library fails.
    pub fn generate() -> Result<Self, CertificateError> {
        let certificate = dimpl::certificate::generate_self_signed_certificate()
            .map_err(|error| CertificateError(error.to_string()))?;
        let config = Config::builder()
            // Our packets reach the peer only through a validated ICE pair, so that a cookie protects nothing and
            // would cost a round trip.
            .use_server_cookie(false)
            .handshake_timeout(crate::limits::CONNECT_TIMEOUT)
            .flight_start_rto(std::time::Duration::from_millis(200))
            .flight_retries(6)
            .build()
            .map_err(|error| CertificateError(error.to_string()))?;
        let mut fingerprint = String::new();
        for byte in digest::digest(&digest::SHA256, &certificate.certificate).as_ref() {
            let separator = if fingerprint.is_empty() { "" } else { ":" };
            let _ = write!(fingerprint, "{separator}{byte:02X}");
        }
        Ok(Self { certificate, config: Arc::new(config), fingerprint: fingerprint.into() })
    }
}

/// Never shows the key.
impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}
