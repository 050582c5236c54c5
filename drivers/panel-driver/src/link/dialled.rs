use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// Why the listener ends a link that it handed out. Found inside the link's IO error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Displaced {
    /// A newer connection with the panel's identifier came, from this address.
    #[error("a newer connection of the panel, from {0}, took its place")]
    By(SocketAddr),
    /// Nobody wants this panel any more.
    #[error("the panel was taken out")]
    Forgotten,
}

impl Displaced {
    /// The reason inside an error of a link, if it is this one.
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

/// A connection that a panel made, with the bytes that were read to tell it.
pub(super) struct Dialled {
    pub(super) stream: TcpStream,
    pub(super) first: Bytes,
    /// Completes when the link is to end. `None` when nobody is left who could say so.
    pub(super) displaced: Option<oneshot::Receiver<Displaced>>,
}

impl fmt::Debug for Dialled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialled").field("stream", &self.stream).finish_non_exhaustive()
    }
}

impl Dialled {
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Some(displaced) = &mut self.displaced else { return Ok(()) };
        match Pin::new(displaced).poll(cx) {
            Poll::Pending => Ok(()),
            Poll::Ready(Ok(why)) => {
                // Every further use of the link ends the same way.
                let (again, displaced) = oneshot::channel();
                let _ = again.send(why);
                self.displaced = Some(displaced);
                Err(io::Error::new(io::ErrorKind::ConnectionAborted, why))
            }
            Poll::Ready(Err(_)) => {
                self.displaced = None;
                Ok(())
            }
        }
    }
}

impl AsyncRead for Dialled {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        if self.first.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let length = self.first.len().min(buf.remaining());
        buf.put_slice(self.first.get(..length).unwrap_or_default());
        self.first.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Dialled {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
