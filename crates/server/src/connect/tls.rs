//! TLS to others: with the certificate checked (`rtsps`, `https`), or with any (`rtspx`, `httpx`).

use super::Refusal;
use crate::streams::ErrorKind;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::io;
use std::sync::{Arc, LazyLock};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tracing::warn;

/// TLS with a certificate that the system, or Mozilla's list where it has none, trusts for this host.
pub(super) async fn checked(stream: TcpStream, host: &str) -> Result<TlsStream<TcpStream>, Refusal> {
    static CONFIG: LazyLock<Option<Arc<ClientConfig>>> = LazyLock::new(|| {
        let builder =
            ClientConfig::builder_with_provider(Arc::clone(&PROVIDER)).with_safe_default_protocol_versions();
        Some(Arc::new(builder.ok()?.with_root_certificates(roots()).with_no_client_auth()))
    });
    secure(stream, host, CONFIG.as_ref()).await
}

/// TLS with whatever certificate there is: eavesdroppers are kept out, impostors are not.
pub(super) async fn unchecked(stream: TcpStream, host: &str) -> Result<TlsStream<TcpStream>, Refusal> {
    static CONFIG: LazyLock<Option<Arc<ClientConfig>>> = LazyLock::new(|| {
        let builder =
            ClientConfig::builder_with_provider(Arc::clone(&PROVIDER)).with_safe_default_protocol_versions();
        let verifier = Arc::new(AnyCertificate(Arc::clone(&PROVIDER)));
        Some(Arc::new(
            builder.ok()?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth(),
        ))
    });
    secure(stream, host, CONFIG.as_ref()).await
}

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));

async fn secure(
    stream: TcpStream,
    host: &str,
    config: Option<&Arc<ClientConfig>>,
) -> Result<TlsStream<TcpStream>, Refusal> {
    let Some(config) = config else {
        return Err((
            ErrorKind::Unsupported,
            "cannot be reached by TLS: this build has no cipher suites".to_owned(),
        ));
    };
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| (ErrorKind::Unsupported, "is no name that a certificate can have".to_owned()))?;
    TlsConnector::from(Arc::clone(config)).connect(name, stream).await.map_err(|error| refusal(&error))
}

fn refusal(error: &io::Error) -> Refusal {
    let certificate = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match certificate {
        Some(rustls::Error::InvalidCertificate(reason)) => (
            ErrorKind::Unsupported,
            format!(
                "has a certificate that cannot be trusted ({reason}); rtspx:// in place of rtsps://, rtmpx:// in place of rtmps:// or httpx:// in place of https://, takes any"
            ),
        ),
        Some(other) => (ErrorKind::Retry, format!("cannot be reached by TLS: {other}")),
        None => (ErrorKind::Retry, format!("cannot be reached by TLS: {error}")),
    }
}

fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    let (added, ignored) = roots.add_parsable_certificates(system.certs);
    if ignored > 0 {
        warn!(target: "tls", "{ignored} of the system's CA certificates cannot be read");
    }
    if added == 0 {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

/// Takes any certificate, but only from a peer that has its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
