use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, Error, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::tcp::CONNECT_LIMIT;
use crate::LinkError;

/// Reads the files anew for each connection, so that renewed certificates are taken without a restart.
pub(super) fn client_config(
    ca: &Path,
    identity: Option<&(PathBuf, PathBuf)>,
    what: &str,
) -> Result<Arc<ClientConfig>, LinkError> {
    let bad = |reason: String| LinkError::because(what, io::ErrorKind::InvalidInput, reason);
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca).map_err(bad)? {
        roots.add(certificate).map_err(|error| bad(format!("{}: {error}", ca.display())))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(error.to_string()))?
        .with_root_certificates(roots);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let key_der = PrivateKeyDer::from_pem_slice(&read(key).map_err(bad)?)
                .map_err(|_| bad(format!("{} holds no private key", key.display())))?;
            builder
                .with_client_auth_cert(certificates(chain).map_err(bad)?, key_der)
                .map_err(|error| bad(format!("{} with {}: {error}", chain.display(), key.display())))?
        }
    };
    Ok(Arc::new(config))
}

/// Shakes hands over an open connection.
pub(super) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    host: &str,
    config: Arc<ClientConfig>,
    ca: &Path,
    what: &str,
) -> Result<TlsStream<S>, LinkError> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| LinkError::because(what, io::ErrorKind::InvalidInput, "not a host name or address"))?;
    timeout(CONNECT_LIMIT, TlsConnector::from(config).connect(name, stream))
        .await
        .map_err(|_| LinkError::because(what, io::ErrorKind::TimedOut, "no TLS handshake within 10 s"))?
        .map_err(|error| explain(what, ca, &error))
}

/// Tells certificate problems, which need a person, from network problems, which pass.
fn explain(what: &str, ca: &Path, error: &io::Error) -> LinkError {
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return LinkError::new(what, error);
    };
    let reason = match tls {
        Error::InvalidCertificate(problem) => format!("its certificate is not good: {}", about(problem, ca)),
        Error::AlertReceived(alert) => {
            format!("it refused the handshake ({alert:?}); does it want a client certificate?")
        }
        Error::InvalidMessage(_) => "it does not speak TLS on that port".to_owned(),
        other => format!("TLS: {other}"),
    };
    LinkError::because(what, error.kind(), reason)
}

fn about(problem: &CertificateError, ca: &Path) -> String {
    use CertificateError as C;
    match problem {
        // A bad signature: an issuer of the same name with another key, such as one that was made anew.
        C::UnknownIssuer | C::BadSignature => format!("it was not issued by one of those in {}", ca.display()),
        C::Expired | C::ExpiredContext { .. } => "it has expired, or the clock of this box is wrong".to_owned(),
        C::NotValidYet | C::NotValidYetContext { .. } => {
            "it is not valid yet, or the clock of this box is wrong".to_owned()
        }
        other => other.to_string(),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(format!("{} holds no certificate", path.display())),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}
