//! Byte pipes to panels. `panels/` opens them and holds the only back-off; drivers never do.
//!
//! [`open`] dials or opens a device; [`Links`] does that too and holds the listeners on which panels dial us.

mod dialled;
mod links;
mod listen;
mod per_request;
mod serial;
mod tcp;
mod tls;
mod wanting;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(crate) use dialled::Displaced;
pub use links::{Door, Links};
pub use listen::{Counts, Identified, Identify, Listener};
pub use wanting::Wanting;

use crate::LinkError;
pub(crate) use per_request::HungUp;
use per_request::PerRequest;

/// Where a panel is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkConfig {
    /// A serial device or pty, 8 data bits, no parity, 1 stop bit, no flow control.
    Serial {
        /// Device path.
        path: PathBuf,
        /// Bits per second.
        baud: u32,
    },
    /// We dial.
    Tcp {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// We dial, once for each request: the peer closes after its answer, as small HTTP servers do. Each piece of a
    /// session's output is one request; what would still come on the connection before it is lost. That the peer
    /// closed is told to [`Session::handle_hung_up`](crate::Session::handle_hung_up).
    TcpPerRequest {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// We dial, over TLS.
    Tls {
        /// Host name or address; checked against the certificate.
        host: String,
        /// Port.
        port: u16,
        /// PEM file with the certificates to trust.
        ca: PathBuf,
        /// PEM files of our certificate chain and key, where the other side wants them.
        identity: Option<(PathBuf, PathBuf)>,
    },
    /// The panel dials us; told apart from others on the same listener by its identifier.
    TcpIn {
        /// Address to listen on; panels with the same address share one listener.
        listen: SocketAddr,
        /// The panel's identifier, as its protocol spells it.
        identifier: String,
    },
}

impl fmt::Display for LinkConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial { path, baud } => write!(f, "serial {} at {baud} baud", path.display()),
            Self::Tcp { host, port } => write!(f, "tcp {host}:{port}"),
            Self::TcpPerRequest { host, port } => write!(f, "tcp {host}:{port}, once per request"),
            Self::Tls { host, port, .. } => write!(f, "tls {host}:{port}"),
            Self::TcpIn { listen, identifier } => write!(f, "tcp from panel {identifier}, on {listen}"),
        }
    }
}

trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Pipe for T {}

/// An open link, whatever it runs over.
pub struct Link {
    pipe: Box<dyn Pipe>,
    local_ip: Option<IpAddr>,
}

impl Link {
    /// Wraps any stream of bytes, such as one side of an in-memory pipe.
    #[must_use]
    pub fn new(pipe: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self { pipe: Box::new(pipe), local_ip: None }
    }

    /// Our own address as the peer sees it, where the peer is to be told ([`LinkConfig::TcpPerRequest`]).
    #[must_use]
    pub fn local_ip(&self) -> Option<IpAddr> {
        self.local_ip
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link(..)")
    }
}

impl AsyncRead for Link {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_read(cx, buf)
    }
}

impl AsyncWrite for Link {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}

/// Opens a link, in ten seconds at most (over TLS twenty). Panels that dial us need [`Links`].
///
/// # Errors
/// [`LinkError`] with what was tried, why it failed and what to do.
///
/// # Cancel safety
/// When dropped, what was opened so far is closed.
pub async fn open(config: &LinkConfig) -> Result<Link, LinkError> {
    let what = config.to_string();
    match config {
        LinkConfig::Serial { path, baud } => serial::open(path, *baud, &what),
        LinkConfig::Tcp { host, port } => tcp::connect(host, *port, &what).await.map(Link::new),
        LinkConfig::TcpPerRequest { host, port } => {
            let (pipe, local_ip) = PerRequest::open(host, *port, &what).await?;
            Ok(Link { pipe: Box::new(pipe), local_ip })
        }
        LinkConfig::Tls { host, port, ca, identity } => {
            let settings = tls::client_config(ca, identity.as_ref(), &what)?;
            let stream = tcp::connect(host, *port, &what).await?;
            tls::connect(stream, host, settings, ca, &what).await.map(Link::new)
        }
        LinkConfig::TcpIn { .. } => {
            Err(LinkError::because(what, io::ErrorKind::Unsupported, "this vendor's panels do not dial"))
        }
    }
}
