//! Byte pipes to panels. `panels/` opens them and holds the only back-off; drivers never do.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::LinkError;

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
        listen: std::net::SocketAddr,
        /// The panel's identifier, as its protocol spells it.
        identifier: String,
    },
}

impl fmt::Display for LinkConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial { path, baud } => write!(f, "serial {} at {baud} baud", path.display()),
            Self::Tcp { host, port } => write!(f, "tcp {host}:{port}"),
            Self::Tls { host, port, .. } => write!(f, "tls {host}:{port}"),
            Self::TcpIn { listen, .. } => write!(f, "tcp from the panel, on {listen}"),
        }
    }
}

trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Pipe for T {}

/// An open link, whatever it runs over.
pub struct Link(Box<dyn Pipe>);

impl Link {
    /// Wraps any stream of bytes, such as one side of an in-memory pipe.
    #[must_use]
    pub fn new(pipe: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self(Box::new(pipe))
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link(..)")
    }
}

impl AsyncRead for Link {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Link {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Opens a link. [`LinkConfig::TcpIn`] waits for the panel to dial.
///
/// # Errors
/// [`LinkError`] with what was tried and the operating system's reason.
pub async fn open(config: &LinkConfig) -> Result<Link, LinkError> {
    match config {
        LinkConfig::Tcp { host, port } => {
            let what = || config.to_string();
            let stream =
                tokio::net::TcpStream::connect((host.as_str(), *port)).await.map_err(|e| LinkError::new(what(), &e))?;
            stream.set_nodelay(true).map_err(|e| LinkError::new(what(), &e))?;
            Ok(Link::new(stream))
        }
        other => Err(LinkError { what: other.to_string(), kind: io::ErrorKind::Unsupported }),
    }
}
