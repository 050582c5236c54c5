//! Links over TLS, and how well their errors tell whose fault it is.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use panel_driver::link::open;
use panel_driver::{Link, LinkConfig, LinkError};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::soon;

struct Ca {
    pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Ca {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self { pem: certificate.pem(), der: certificate.der().clone(), issuer: Issuer::new(params, key) }
    }

    fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

/// A TLS peer that says hello and then echoes, and the files with which we dial it.
struct World {
    dir: tempfile::TempDir,
    port: u16,
    _server: JoinSet<()>,
}

impl World {
    async fn new(ca: &Ca, server: (rcgen::Certificate, KeyPair), wants_client: bool) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
        let builder = if wants_client {
            let mut roots = RootCertStore::empty();
            roots.add(ca.der.clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server.1.serialize_der()));
        let config = builder.with_single_cert(vec![server.0.der().clone()], key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let mut task = JoinSet::new();
        task.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut buffer = [0; 16];
                let _ = stream.write_all(b"hello").await;
                while let Ok(1..) = stream.read(&mut buffer).await {}
            }
        });
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("ca.pem"), &ca.pem).unwrap();
        Self { dir, port, _server: task }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn config(&self) -> LinkConfig {
        LinkConfig::Tls { host: "localhost".into(), port: self.port, ca: self.path("ca.pem"), identity: None }
    }

    async fn error(&self) -> LinkError {
        soon("an answer", open(&self.config())).await.expect_err("cannot be opened")
    }
}

async fn says_hello(link: &mut Link) -> std::io::Result<()> {
    let mut got = [0; 5];
    soon("hello", link.read_exact(&mut got)).await?;
    assert_eq!(&got, b"hello");
    Ok(())
}

#[tokio::test]
async fn a_peer_with_a_trusted_certificate_is_taken() {
    let ca = Ca::new();
    let world = World::new(&ca, ca.issue("localhost", |_| {}), false).await;
    let mut link = soon("the link", open(&world.config())).await.unwrap();
    says_hello(&mut link).await.unwrap();
    let by_address = World::new(&ca, ca.issue("127.0.0.1", |_| {}), false).await;
    let LinkConfig::Tls { port, ca, .. } = by_address.config() else { unreachable!() };
    let config = LinkConfig::Tls { host: "127.0.0.1".into(), port, ca, identity: None };
    says_hello(&mut soon("the link", open(&config)).await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn bad_certificates_are_told_apart() {
    let (ca, other) = (Ca::new(), Ca::new());
    let cases = [
        (other.issue("localhost", |_| {}), "it was not issued by one of those in /"),
        (ca.issue("elsewhere.example", |_| {}), "certificate not valid for name \"localhost\""),
        (
            ca.issue("localhost", |params| params.not_after = date_time_ymd(2001, 1, 1)),
            "it has expired, or the clock of this box is wrong",
        ),
        (
            ca.issue("localhost", |params| params.not_before = date_time_ymd(4000, 1, 1)),
            "it is not valid yet, or the clock of this box is wrong",
        ),
    ];
    for (server, text) in cases {
        let error = World::new(&ca, server, false).await.error().await;
        assert!(error.reason.starts_with("its certificate is not good: "), "{error}");
        assert!(error.reason.contains(text), "{error}");
    }
}

#[tokio::test]
async fn a_peer_that_wants_our_certificate_gets_it() {
    let ca = Ca::new();
    let world = World::new(&ca, ca.issue("localhost", |_| {}), true).await;
    // In TLS 1.3 the peer looks at our certificate after our handshake is over: the refusal comes with a read.
    let refusal = match soon("an answer", open(&world.config())).await {
        Ok(mut link) => LinkError::new("reading", &says_hello(&mut link).await.unwrap_err()),
        Err(error) => error,
    };
    assert!(refusal.to_string().to_lowercase().contains("certificate"), "{refusal}");
    let (certificate, key) = ca.issue("gateway", |_| {});
    fs::write(world.path("us.pem"), certificate.pem()).unwrap();
    fs::write(world.path("us.key"), key.serialize_pem()).unwrap();
    let LinkConfig::Tls { host, port, ca, .. } = world.config() else { unreachable!() };
    let identity = Some((world.path("us.pem"), world.path("us.key")));
    let mut link = soon("the link", open(&LinkConfig::Tls { host, port, ca, identity })).await.unwrap();
    says_hello(&mut link).await.unwrap();
}

#[tokio::test]
async fn a_bad_file_is_named() {
    let ca = Ca::new();
    let world = World::new(&ca, ca.issue("localhost", |_| {}), false).await;
    fs::write(world.path("empty.pem"), "nothing").unwrap();
    let LinkConfig::Tls { host, port, ca, .. } = world.config() else { unreachable!() };
    let tls = |ca: &str, identity: Option<(&str, &str)>| LinkConfig::Tls {
        host: host.clone(),
        port,
        ca: world.path(ca),
        identity: identity.map(|(chain, key)| (world.path(chain), world.path(key))),
    };
    let rows = [
        (tls("missing.pem", None), "cannot read ", "missing.pem: No such file"),
        (tls("empty.pem", None), "", "empty.pem holds no certificate"),
        (tls("ca.pem", Some(("ca.pem", "empty.pem"))), "", "empty.pem holds no private key"),
    ];
    for (config, begins, contains) in rows {
        let error = open(&config).await.unwrap_err();
        assert!(error.reason.starts_with(begins) && error.reason.contains(contains), "{error}");
    }
    assert!(ca.exists());
}

#[tokio::test]
async fn a_network_problem_is_not_taken_for_a_certificate_problem() {
    let ca = Ca::new();
    let world = World::new(&ca, ca.issue("localhost", |_| {}), false).await;
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = plain.local_addr().unwrap().port();
    let config = LinkConfig::Tls { host: "localhost".into(), port, ca: world.path("ca.pem"), identity: None };
    let answer = async {
        let (mut stream, _) = plain.accept().await.unwrap();
        stream.write_all(b"220 this is something else\r\n").await.unwrap();
        stream
    };
    let (link, _stream) = soon("both", async { tokio::join!(open(&config), answer) }).await;
    assert_eq!(link.unwrap_err().reason, "it does not speak TLS on that port");
    drop(plain);
    assert!(open(&config).await.unwrap_err().reason.contains("connection refused"));
}
