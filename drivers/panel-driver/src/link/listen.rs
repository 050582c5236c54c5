//! One listening socket for many panels that dial us.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet, yield_now};
use tokio::time::{sleep, timeout};

use super::dialled::{Dialled, Displaced};
use super::wanting::{Noted, Wanting, WantingList};
use super::{Link, tcp};
use crate::{LinkError, clock};

/// Connections that have not said yet who they are. When one more comes, the oldest is closed: those who connect and
/// say nothing cannot keep a panel out. A panel speaks first and at once, so that even a flood of 500 connections a
/// second leaves it half a second for that.
const PENDING: usize = 256;
/// How long a connection has to say who it is, however slowly it speaks.
const IDENTIFY_LIMIT: Duration = Duration::from_secs(10);
/// How many bytes it may take for that.
const FIRST_BYTES: usize = 1024;
/// How often the log says of a panel that it is set up wrongly: such a panel dials again and again.
const MISFIT_AGAIN: Duration = Duration::from_secs(600);
/// Connections that the system holds for us until we take them: after a power cut all panels of a place dial at once.
const BACKLOG: i32 = 1024;

/// What the first bytes of a connection say of who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identified {
    /// More bytes are needed.
    More,
    /// It is the panel of this identifier.
    Panel(String),
    /// It is nothing of this vendor's; it is closed.
    Stranger,
    /// It is a panel that is set up in a way that cannot be served; it is closed like a stranger, and what to do about
    /// it goes to the log.
    Misfit(&'static str),
}

/// A vendor's way to find a panel's identifier in the first bytes that it sends. Called with all bytes so far, each
/// time that more have come. Must be quick and pure.
pub type Identify = fn(&[u8]) -> Identified;

/// What came to a listener since it was opened, apart from the panels that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Connections that were closed because they did not say in time, or not at all, which panel they are.
    pub strangers: u64,
    /// Of these, how many had to go early because too many others had not said it either.
    pub crowded_out: u64,
    /// Connections of panels that nobody configured.
    pub unknown: u64,
    /// Connections that ended because a newer one of the same panel came.
    pub displaced: u64,
    /// Panels that nobody configured and that were dropped from the list of them, because it was full.
    pub dropped: u64,
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
        Self::bind_knowing(addr, identify, std::iter::empty(), watch::Sender::default())
    }

    /// The same with panels that are known from the first connection on, telling changes of [`Self::wanting`] to
    /// `changed`.
    pub(super) fn bind_knowing(
        addr: SocketAddr,
        identify: Identify,
        known: impl Iterator<Item = String>,
        changed: watch::Sender<u64>,
    ) -> Result<Self, LinkError> {
        let what = format!("listening on {addr}");
        let socket = socket(addr).map_err(|error| match error.kind() {
            kind @ io::ErrorKind::AddrInUse => LinkError::because(&what, kind, "another program uses this address"),
            kind @ io::ErrorKind::AddrNotAvailable => LinkError::because(&what, kind, "this box has no such address"),
            kind @ io::ErrorKind::PermissionDenied => {
                LinkError::because(&what, kind, "the system does not let us; take a port above 1023")
            }
            _ => LinkError::new(&what, &error),
        })?;
        let addr = socket.local_addr().map_err(|error| LinkError::new(&what, &error))?;
        let panels = known.map(|identifier| (identifier, Known::default())).collect();
        let state = Mutex::new(State { panels, ..State::default() });
        let shared = Arc::new(Shared { addr, identify, state, changed });
        let mut welcome = JoinSet::new();
        welcome.spawn(take_connections(socket, shared.clone()));
        Ok(Self { addr, shared, _welcome: welcome })
    }

    /// The address that panels dial.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// From now on the panel of this identifier is known: when it dials before anybody waits for it, its connection is
    /// kept for [`Self::accept`].
    pub fn know(&self, identifier: &str) {
        let mut state = self.shared.lock();
        if !state.panels.contains_key(identifier) {
            state.panels.insert(identifier.to_owned(), Known::default());
            if state.wanting.remove(identifier) {
                self.shared.tell_change();
            }
        }
    }

    /// Waits for the panel of this identifier, which is known from the first call on. The bytes by which it was told
    /// are the first that the link gives.
    ///
    /// The newest connection of a panel wins: the link of an older one ends with an error as soon as it comes.
    ///
    /// # Cancel safety
    /// When dropped, a panel that dialled waits for the next call.
    pub async fn accept(&self, identifier: &str) -> Link {
        self.know(identifier);
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
        if let Some(mut panel) = self.shared.lock().panels.remove(identifier) {
            panel.displace(Displaced::Forgotten);
        }
    }

    /// Panels that dialled and are not known, the latest first; at most 32.
    #[must_use]
    pub fn wanting(&self) -> Vec<Wanting> {
        self.shared.lock().wanting.rows().cloned().collect()
    }

    /// All that came apart from known panels.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let state = self.shared.lock();
        Counts { dropped: state.wanting.dropped(), ..state.counts }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("addr", &self.addr).finish_non_exhaustive()
    }
}

fn socket(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // So that a restart does not wait for old connections to be forgotten.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

struct Shared {
    addr: SocketAddr,
    identify: Identify,
    // A std mutex: held for a look or a change, never across an await.
    state: Mutex<State>,
    /// Rises when the list of those who want in has other names.
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    panels: HashMap<String, Known>,
    wanting: WantingList,
    counts: Counts,
    /// When the log last said that a panel is set up wrongly.
    misfit_told: Option<Instant>,
}

impl State {
    /// Whether the log should say it once more.
    fn tells_misfit(&mut self, now: Instant) -> bool {
        let due = self.misfit_told.is_none_or(|told| now.saturating_duration_since(told) >= MISFIT_AGAIN);
        if due {
            self.misfit_told = Some(now);
        }
        due
    }
}

/// A panel that somebody waits for, or will wait for.
#[derive(Default)]
struct Known {
    arrived: Arc<Notify>,
    waiting: Option<(TcpStream, Bytes)>,
    /// Ends the link that was handed out last.
    handed_out: Option<oneshot::Sender<Displaced>>,
}

impl Known {
    /// True if there was an open connection.
    fn displace(&mut self, why: Displaced) -> bool {
        let waited = self.waiting.take().is_some();
        self.handed_out.take().is_some_and(|link| link.send(why).is_ok()) || waited
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_change(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    fn take(&self, identifier: &str) -> Option<Link> {
        let mut state = self.lock();
        let panel = state.panels.get_mut(identifier)?;
        let (stream, first) = panel.waiting.take()?;
        let (handed_out, displaced) = oneshot::channel();
        panel.handed_out = Some(handed_out);
        Some(Link::new(Dialled { stream, first, displaced: Some(displaced) }))
    }

    fn arrived(&self, identifier: &str, from: SocketAddr, stream: TcpStream, first: Bytes) {
        let mut state = self.lock();
        match state.panels.get_mut(identifier) {
            Some(panel) => {
                let displaced = panel.displace(Displaced::By(from));
                panel.waiting = Some((stream, first));
                panel.arrived.notify_one();
                state.counts.displaced += u64::from(displaced);
            }
            None => self.wants_in(&mut state, identifier, from),
        }
    }

    fn wants_in(&self, state: &mut State, identifier: &str, from: SocketAddr) {
        state.counts.unknown += 1;
        let noted = state.wanting.note(identifier, self.addr, from, clock::wall());
        let listen = self.addr;
        match noted {
            Noted::Again => return,
            Noted::New => tracing::info!(identifier, %from, %listen, "a panel that nobody configured wants in"),
            // Told once: whoever makes up identifiers fills no log.
            Noted::NewForOld if state.wanting.dropped() == 1 => {
                tracing::warn!(%from, %listen, "so many panels want in that the oldest are dropped from their list");
            }
            Noted::NewForOld => {}
        }
        self.tell_change();
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
                        let counts = &mut shared.lock().counts;
                        counts.strangers += 1;
                        counts.crowded_out += 1;
                    }
                    pending.push_back(tasks.spawn(identify(stream, from, shared.clone())));
                    // Whoever is in is heard before the next one comes: a rush of panels pushes none of them out.
                    yield_now().await;
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
    let listen = shared.addr;
    let who = timeout(IDENTIFY_LIMIT, first_bytes(&mut stream, shared.identify)).await;
    match who.unwrap_or(Err(None)) {
        Ok((identifier, first)) if tcp::prepare(&stream).is_ok() => {
            shared.arrived(&identifier, from, stream, first);
            return;
        }
        Err(Some(advice)) if shared.lock().tells_misfit(clock::now()) => {
            tracing::warn!(%from, %listen, "closed, told at most every ten minutes: {advice}");
        }
        _ => tracing::debug!(%from, %listen, "closed: it did not say which panel it is"),
    }
    shared.lock().counts.strangers += 1;
}

/// The identifier and the bytes that it was in; else what to do about the panel, where that is known.
async fn first_bytes(stream: &mut TcpStream, identify: Identify) -> Result<(String, Bytes), Option<&'static str>> {
    let mut first = BytesMut::with_capacity(FIRST_BYTES);
    while first.len() < FIRST_BYTES {
        if stream.read_buf(&mut first).await.map_err(|_| None)? == 0 {
            return Err(None);
        }
        match identify(&first) {
            Identified::More => {}
            Identified::Panel(identifier) => return Ok((identifier, first.freeze())),
            Identified::Stranger => return Err(None),
            Identified::Misfit(advice) => return Err(Some(advice)),
        }
    }
    Err(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_that_is_set_up_wrongly_fills_no_log() {
        let (mut state, start) = (State::default(), clock::now());
        let told: Vec<u64> =
            (0..1300).filter(|second| state.tells_misfit(start + Duration::from_secs(*second))).collect();
        assert_eq!(told, [0, 600, 1200]);
    }
}
