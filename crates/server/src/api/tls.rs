//! TLS for the API (RFC 8446), with HTTP/2 and HTTP/1.1 to choose from by ALPN (RFC 7301).

use crate::app::StartError;
use crate::config::{Tls, is_pem};
use crate::limits::TLS_FILE_BYTES;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// Takes connections with the certificate of the configuration.
pub(super) fn acceptor(tls: &Tls) -> Result<TlsAcceptor, StartError> {
    let pem = pem(&tls.certificate, "api.tls_cert")?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| {
        StartError(
            "api.tls_cert: expected certificates in PEM, the server's own first; there are none".to_owned(),
        )
    })?;
    let key = PrivateKeyDer::from_pem_slice(&self::pem(&tls.key, "api.tls_key")?).map_err(|_| {
        StartError("api.tls_key: expected a private key in PEM without a password; there is none".to_owned())
    })?;
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = builder
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    let mut config = config.map_err(|error| {
        StartError(format!("api.tls_cert, api.tls_key: these cannot be used together: {error}"))
    })?;
    config.alpn_protocols = vec![HTTP_2.to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The name of HTTP/2 in ALPN (RFC 9113 §3.1).
pub(super) const HTTP_2: &[u8] = b"h2";

/// The text itself, or what the file of this path has in it.
fn pem<'a>(text: &'a str, key: &str) -> Result<Cow<'a, [u8]>, StartError> {
    if is_pem(text) {
        return Ok(Cow::Borrowed(text.as_bytes()));
    }
    let path = text.trim();
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(TLS_FILE_BYTES).read_to_end(&mut bytes))
        .map_err(|error| StartError(format!("{key}: cannot read the file {path}: {error}")))?;
    Ok(Cow::Owned(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Listen;

    fn refusal(certificate: &str, key: &str) -> String {
        let tls = Tls { listen: Listen::port(0), certificate: certificate.to_owned(), key: key.to_owned() };
        acceptor(&tls).err().expect("refused").to_string()
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        assert_eq!(
            refusal("/nowhere/cert.pem", ""),
            "api.tls_cert: cannot read the file /nowhere/cert.pem: No such file or directory (os error 2)"
        );
        let empty = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
        assert_eq!(
            refusal("-----BEGIN NOTHING-----\n-----END NOTHING-----\n", ""),
            "api.tls_cert: expected certificates in PEM, the server's own first; there are none"
        );
        let sentence = refusal(empty, empty);
        assert_eq!(sentence, "api.tls_key: expected a private key in PEM without a password; there is none");
    }
}
