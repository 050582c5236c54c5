use std::path::{Path, PathBuf};
use std::sync::Arc;

use rumqttc_v5::TlsConfiguration;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::CloudError;

/// PEM files for TLS. Read at each connect, so that renewed certificates are taken up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificates to trust; nothing else is trusted.
    pub ca: PathBuf,
    /// Our certificate chain and private key, where the broker wants to see who we are.
    pub identity: Option<(PathBuf, PathBuf)>,
}

pub(super) async fn configuration(files: &TlsFiles) -> Result<TlsConfiguration, CloudError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&files.ca).await? {
        roots.add(certificate).map_err(|error| unusable(&files.ca, &error))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| CloudError::Files(error.to_string()))?
        .with_root_certificates(roots);
    let config = match &files.identity {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => builder
            .with_client_auth_cert(certificates(chain).await?, private_key(key).await?)
            .map_err(|error| unusable(chain, &error))?,
    };
    Ok(TlsConfiguration::Rustls(Arc::new(config)))
}

async fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CloudError> {
    let pem = read(path).await?;
    let list: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match list {
        Ok(list) if list.is_empty() => Err(unusable(path, &"there is no PEM certificate in it")),
        Ok(list) => Ok(list),
        Err(error) => Err(unusable(path, &error)),
    }
}

async fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, CloudError> {
    let pem = zeroize::Zeroizing::new(read(path).await?);
    // The error of the parser is left out: it might quote the file.
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| unusable(path, &"there is no PEM private key in it"))
}

async fn read(path: &Path) -> Result<Vec<u8>, CloudError> {
    tokio::fs::read(path).await.map_err(|error| CloudError::Files(format!("cannot read {}: {error}", path.display())))
}

fn unusable(path: &Path, why: &dyn std::fmt::Display) -> CloudError {
    CloudError::Files(format!("cannot use {}: {why}", path.display()))
}
