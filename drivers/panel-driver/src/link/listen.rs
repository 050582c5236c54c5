//! One listening socket for many panels that dial us.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use panel_model::WallTime;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{Link, tcp};
use crate::{LinkError, clock};

/// Connections that have not said yet who they are. When one more comes, the oldest is closed: those who connect and
/// say nothing cannot keep a panel out.
const PENDING: usize = 64;
/// How long a connection has to say who it is, however slowly it speaks.
const IDENTIFY_LIMIT: Duration = Duration::from_secs(10);
/// How many bytes it may take for that.
const FIRST_BYTES: usize = 1024;
/// Identifiers remembered that nobody has configured.
const WANTING: usize = 32;
/// Longest identifier remembered.
const IDENTIFIER_CHARS: usize = 64;

/// What the first bytes of a connection say of who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identified {
    /// More bytes are needed.
    More,
    /// It is the panel of this identifier.
    Panel(String),
    /// It is nothing of this vendor's; it is closed.
    Stranger,
}

/// A vendor's way to find a panel's identifier in the first bytes that it sends. Called with all bytes so far, each
/// time that more have come. Must be quick and pure.
pub type Identify = fn(&[u8]) -> Identified;

/// A panel that dials us and that nobody has configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanting {
    /// What it calls itself: printable, at most 64 characters.
    pub identifier: String,
    /// The address that it dialled.
    pub listen: SocketAddr,
    /// Where it dialled from last.
    pub from: SocketAddr,
    /// How often.
    pub count: u64,
    /// When last.
    pub last: WallTime,
}

/// A listening socket that panels of one vendor dial, told apart by their first bytes.
pub struct Listener {
    addr: SocketAddr,
    shared: Arc<Shared>,
    /// The task that takes connections; ends with the listener.
    _welcome: JoinSet<()>,
}

impl Listener {
    /// Opens the socket and takes connections from now on. Needs a tokio runtime.
    ///
    /// # Errors
    /// The address is in use or not ours.
    pub fn bind(addr: SocketAddr, identify: Identify) -> Result<Self, LinkError> {
        let what = format!("listening on {addr}");
        let socket = Self::socket(addr).map_err(|error| match error.kind() {
            kind @ io::ErrorKind::AddrInUse => LinkError::because(&what, kind, "another program uses this address"),
            kind @ io::ErrorKind::AddrNotAvailable => LinkError::because(&what, kind, "this box has no such address"),
            _ => LinkError::new(&what, &error),
        })?;
        let addr = socket.local_addr().map_err(|error| LinkError::new(&what, &error))?;
        let shared = Arc::new(Shared { addr, identify, state: Mutex::default() });
        let mut welcome = JoinSet::new();
        welcome.spawn(take_connections(socket, shared.clone()));
        Ok(Self { addr, shared, _welcome: welcome })
    }

    fn socket(addr: SocketAddr) -> io::Result<TcpListener> {
        // The standard library sets SO_REUSEADDR, so that a restart does not wait for old connections to be forgotten.
        let socket = std::net::TcpListener::bind(addr)?;
        socket.set_nonblocking(true)?;
        TcpListener::from_std(socket)
    }

    /// The address that panels dial.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits for the panel of this identifier, which counts as known from the first call on. The bytes by which it
    /// was told are the first that the link gives.
    ///
    /// The newest connection of a panel wins: the link of an older one ends with an error as soon as it comes.
    ///
    /// # Cancel safety
    /// When dropped, a panel that dialled waits for the next call.
    pub async fn accept(&self, identifier: &str) -> Link {
        let arrived = self.shared.lock().panels.entry(identifier.to_owned()).or_default().arrived.clone();
        loop {
            if let Some(link) = self.shared.take(identifier) {
                return link;
            }
            arrived.notified().await;
        }
    }

    /// Forgets a panel: its connection is closed, and it is unknown from now on.
    pub fn forget(&self, identifier: &str) {
        if let Some(panel) = self.shared.lock().panels.remove(identifier) {
            panel.superseded.cancel();
        }
    }

    /// Panels that dialled and are not known, the latest first; at most 32.
    #[must_use]
    pub fn wanting(&self) -> Vec<Wanting> {
        self.shared.lock().wanting.iter().cloned().collect()
    }

    /// Connections that were closed because they did not say in time, or not at all, which panel they are.
    #[must_use]
    pub fn strangers(&self) -> u64 {
        self.shared.lock().strangers
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("addr", &self.addr).finish_non_exhaustive()
    }
}

struct Shared {
    addr: SocketAddr,
    identify: Identify,
    // A std mutex: held for a look or a change, never across an await.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    panels: HashMap<String, Known>,
    wanting: VecDeque<Wanting>,
    strangers: u64,
}

/// A panel that somebody waits for, or has waited for before.
#[derive(Default)]
struct Known {
    arrived: Arc<Notify>,
    waiting: Option<(TcpStream, Bytes)>,
    /// Ends the link that was handed out last.
    superseded: CancellationToken,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, identifier: &str) -> Option<Link> {
        let mut state = self.lock();
        let panel = state.panels.get_mut(identifier)?;
        let (stream, first) = panel.waiting.take()?;
        panel.superseded = CancellationToken::new();
        let superseded = Box::pin(panel.superseded.clone().cancelled_owned());
        Some(Link::new(Dialled { stream, first, superseded }))
    }

    fn arrived(&self, identifier: &str, from: SocketAddr, stream: TcpStream, first: Bytes) {
        let mut state = self.lock();
        match state.panels.get_mut(identifier) {
            Some(panel) => {
                panel.superseded.cancel();
                panel.waiting = Some((stream, first));
                panel.arrived.notify_one();
            }
            None => state.wants_in(identifier, self.addr, from),
        }
    }
}

impl State {
    fn wants_in(&mut self, identifier: &str, listen: SocketAddr, from: SocketAddr) {
        let identifier: String = identifier.chars().filter(|c| !c.is_control()).take(IDENTIFIER_CHARS).collect();
        let known = self.wanting.iter().position(|wanting| wanting.identifier == identifier);
        let count = known.and_then(|at| self.wanting.remove(at)).map_or(0, |wanting| wanting.count);
        self.wanting.push_front(Wanting { identifier, listen, from, count: count + 1, last: clock::wall() });
        self.wanting.truncate(WANTING);
    }
}

async fn take_connections(socket: TcpListener, shared: Arc<Shared>) {
    let mut tasks = JoinSet::new();
    let mut pending: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        // Both arms are cancel-safe.
        tokio::select! {
            accepted = socket.accept() => match accepted {
                Ok((stream, from)) => {
                    pending.retain(|task| !task.is_finished());
                    if pending.len() >= PENDING && let Some(oldest) = pending.pop_front() {
                        oldest.abort();
                        shared.lock().strangers += 1;
                    }
                    pending.push_back(tasks.spawn(identify(stream, from, shared.clone())));
                }
                // Out of file handles, most likely; that does not pass at once.
                Err(error) => {
                    tracing::warn!(addr = %shared.addr, %error, "cannot take a connection");
                    sleep(Duration::from_secs(1)).await;
                }
            },
            Some(_) = tasks.join_next() => {}
        }
    }
}

async fn identify(mut stream: TcpStream, from: SocketAddr, shared: Arc<Shared>) {
    match timeout(IDENTIFY_LIMIT, first_bytes(&mut stream, shared.identify)).await {
        Ok(Some((identifier, first))) if tcp::prepare(&stream).is_ok() => {
            shared.arrived(&identifier, from, stream, first);
        }
        _ => shared.lock().strangers += 1,
    }
}

async fn first_bytes(stream: &mut TcpStream, identify: Identify) -> Option<(String, Bytes)> {
    let mut first = BytesMut::with_capacity(FIRST_BYTES);
    while first.len() < FIRST_BYTES {
        if stream.read_buf(&mut first).await.ok()? == 0 {
            return None;
        }
        match identify(&first) {
            Identified::More => {}
            Identified::Panel(identifier) => return Some((identifier, first.freeze())),
            Identified::Stranger => return None,
        }
    }
    None
}

/// A connection that a panel made, with the bytes that were read to tell it.
struct Dialled {
    stream: TcpStream,
    first: Bytes,
    superseded: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Dialled {
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.superseded.as_mut().poll(cx) {
            Poll::Pending => Ok(()),
            Poll::Ready(()) => {
                Err(io::Error::new(io::ErrorKind::ConnectionAborted, "a newer connection of the panel took its place"))
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
