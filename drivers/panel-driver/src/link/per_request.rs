//! A TCP link to a peer that answers one request per connection and then closes, as small HTTP servers do.
//!
//! What is written up to a flush is one request. The first byte after it opens a new connection and closes the one
//! before, with whatever might still come on it. That the peer closes is no end of the link, it is told once by a
//! [`HungUp`]; a peer that cannot be reached is.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::tcp;
use crate::{BoxFuture, LinkError};

/// The peer closed the connection of the last request: nothing more comes on it. Found inside the link's IO error, after
/// which the link goes on with the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the peer closed the request's connection")]
pub(crate) struct HungUp;

impl HungUp {
    /// Whether an error of a link is this one.
    pub(crate) fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Self>())
    }
}

enum Line {
    Open(TcpStream),
    Dialling(BoxFuture<'static, Result<TcpStream, LinkError>>),
    Closed,
}

pub(super) struct PerRequest {
    host: String,
    port: u16,
    what: String,
    line: Line,
    /// A whole request was written: the next byte begins another one.
    flushed: bool,
    /// Who waits to read, while there is nothing to read from.
    reader: Option<Waker>,
}

impl PerRequest {
    /// Dials for the first request, so that a peer that is not there is told at once. The address is our own, as that
    /// peer sees it.
    pub(super) async fn open(host: &str, port: u16, what: &str) -> Result<(Self, Option<IpAddr>), LinkError> {
        let stream = tcp::connect(host, port, what).await?;
        let local = stream.local_addr().ok().map(|addr| addr.ip());
        let (host, what) = (host.to_owned(), what.to_owned());
        Ok((Self { host, port, what, line: Line::Open(stream), flushed: false, reader: None }, local))
    }

    fn dial(&self) -> BoxFuture<'static, Result<TcpStream, LinkError>> {
        let (host, port, what) = (self.host.clone(), self.port, self.what.clone());
        Box::pin(async move { tcp::connect(&host, port, &what).await })
    }
}

impl AsyncRead for PerRequest {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if let Line::Open(stream) = &mut self.line {
            match Pin::new(stream).poll_read(cx, buf) {
                Poll::Ready(Ok(())) if buf.filled().len() > before => return Poll::Ready(Ok(())),
                Poll::Pending => {}
                Poll::Ready(_) => {
                    self.line = Line::Closed;
                    // Before the first request there is nobody whom it could matter to.
                    if self.flushed {
                        return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, HungUp)));
                    }
                }
            }
        }
        self.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl AsyncWrite for PerRequest {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if std::mem::replace(&mut self.flushed, false) {
            self.line = Line::Closed;
        }
        loop {
            self.line = match &mut self.line {
                Line::Open(stream) => return Pin::new(stream).poll_write(cx, bytes),
                Line::Closed => Line::Dialling(self.dial()),
                Line::Dialling(dialling) => match ready!(dialling.as_mut().poll(cx)) {
                    Ok(stream) => {
                        if let Some(reader) = self.reader.take() {
                            reader.wake();
                        }
                        Line::Open(stream)
                    }
                    Err(error) => {
                        self.line = Line::Closed;
                        return Poll::Ready(Err(io::Error::new(error.kind, error.reason)));
                    }
                },
            };
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Line::Open(stream) = &mut self.line {
            ready!(Pin::new(stream).poll_flush(cx))?;
        }
        self.flushed = true;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.line {
            Line::Open(stream) => Pin::new(stream).poll_shutdown(cx),
            Line::Dialling(_) | Line::Closed => Poll::Ready(Ok(())),
        }
    }
}
