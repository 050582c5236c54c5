//! One simulator, running for real: a task that owns it, a door for its client, a handle to poke it.

use std::fmt;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::beside::{Caller, SideDoor, Words, beside_the_first};
use super::door::{Client, Door, Pipe, ServeOn};
use super::pty::Pty;
use super::{Poke, PokeError, Simulator};
use crate::clock;

/// What may wait for a client that does not read.
const OUT_LIMIT: usize = 64 * 1024;
/// How long the last bytes before a hang-up may take.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(1);
/// How often a pty is looked after.
const TIDY: Duration = Duration::from_secs(5);

/// A simulator that could not be served.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum ServeError {
    #[error("cannot listen on {addr}: {source}; choose another address with --listen")]
    Listen { addr: String, source: io::Error },
    #[error("cannot listen on {addr} besides: {source}; choose another address for the second door")]
    ListenBeside { addr: String, source: io::Error },
    #[error("cannot make a pty at {}: {source}; choose another path with --pty", path.display())]
    Pty { path: PathBuf, source: io::Error },
    #[error("cannot write what happens: {0}")]
    Output(#[source] io::Error),
}

pub(super) enum Request {
    Poke(Poke, oneshot::Sender<Result<(), PokeError>>),
    Users(oneshot::Sender<Value>),
    State(oneshot::Sender<Value>),
    /// At the second door.
    Beside(Caller),
}

/// A running simulator. Ends when stopped or dropped, and hangs up then.
#[derive(Debug)]
pub struct SimServer {
    handle: SimHandle,
    addr: Option<SocketAddr>,
    addr_beside: Option<SocketAddr>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

/// Pokes a running simulator and asks it. Can be copied.
#[derive(Debug, Clone)]
pub struct SimHandle(mpsc::Sender<Request>);

impl SimServer {
    /// Opens the door and runs the simulator in a task of its own.
    ///
    /// One client at a time: a further one is closed at once. What happens is sent to `happened` as JSON objects
    /// with a field `event`, first of all `{"event":"listening", …}` with `addr`, `pty` or `connect`. When that
    /// channel is full the simulator waits; when its receiver is dropped, what happens is told to nobody.
    ///
    /// On a pty the simulator is connected from the start, since clients that come and go cannot be seen there. When
    /// it hangs up, the pty goes away with its link, for as long as the simulator says, and a new one comes.
    ///
    /// # Errors
    /// [`ServeError`] when the address or path cannot be used.
    pub async fn start(
        simulator: Box<dyn Simulator>,
        on: ServeOn,
        happened: mpsc::Sender<Value>,
    ) -> Result<Self, ServeError> {
        Self::start_with(simulator, on, None, happened).await
    }

    /// The same with a second door, an address that clients of [`Simulator::beside`] dial, one at a time. What happens
    /// there is told with `"beside":true`.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with(
        simulator: Box<dyn Simulator>,
        on: ServeOn,
        beside: Option<String>,
        happened: mpsc::Sender<Value>,
    ) -> Result<Self, ServeError> {
        let door = Door::open(on).await?;
        let side = match beside {
            Some(addr) => match Door::open(ServeOn::Listen(addr)).await {
                Err(ServeError::Listen { addr, source }) => return Err(ServeError::ListenBeside { addr, source }),
                door => Some(door?),
            },
            None => None,
        };
        let (addr, addr_beside) = (door.addr(), side.as_ref().and_then(Door::addr));
        let mut announcements = vec![door.announcement()];
        announcements.extend(side.as_ref().map(|side| beside_the_first(side.announcement())));
        let (requests, inbox) = mpsc::channel(16);
        let stop = CancellationToken::new();
        let server =
            Server { simulator, door, line: None, down_until: None, beside: None, happened, stop: stop.clone() };
        let mut tasks = JoinSet::new();
        tasks.spawn(server.run(announcements, inbox));
        if let Some(door) = side {
            let (side, stop) = (SideDoor { door, server: requests.clone() }, stop.clone());
            tasks.spawn(async move { stop.run_until_cancelled(side.run()).await.unwrap_or_default() });
        }
        Ok(Self { handle: SimHandle(requests), addr, addr_beside, stop, tasks })
    }

    /// The address that clients dial; `None` unless the simulator listens.
    #[must_use]
    pub fn addr(&self) -> Option<SocketAddr> {
        self.addr
    }

    /// The same of the second door.
    #[must_use]
    pub fn addr_beside(&self) -> Option<SocketAddr> {
        self.addr_beside
    }

    /// For pokes and questions.
    #[must_use]
    pub fn handle(&self) -> SimHandle {
        self.handle.clone()
    }

    /// Hangs up, ends the simulator and waits until it has ended.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

impl SimHandle {
    /// Does something at the panel.
    ///
    /// # Errors
    /// [`PokeError`] when this panel has no such thing, or the simulator has ended.
    pub async fn poke(&self, poke: Poke) -> Result<(), PokeError> {
        self.ask(|reply| Request::Poke(poke, reply)).await.unwrap_or_else(|| Err(PokeError(ENDED.into())))
    }

    /// All users with their codes; `null` when the simulator has ended.
    pub async fn users(&self) -> Value {
        self.ask(Request::Users).await.unwrap_or_default()
    }

    /// Partitions, zones, troubles; `null` when the simulator has ended.
    pub async fn state(&self) -> Value {
        self.ask(Request::State).await.unwrap_or_default()
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.0.send(request(reply)).await.ok()?;
        answer.await.ok()
    }
}

const ENDED: &str = "the simulator has ended";

/// The client that is connected.
struct Line {
    reader: ReadHalf<Box<dyn Pipe>>,
    writer: WriteHalf<Box<dyn Pipe>>,
    out: BytesMut,
    pty: Option<Pty>,
}

pub(super) struct Server {
    pub(super) simulator: Box<dyn Simulator>,
    door: Door,
    line: Option<Line>,
    /// The simulator hung up and takes nobody until then.
    down_until: Option<Instant>,
    /// To the client at the second door.
    pub(super) beside: Option<mpsc::Sender<Words>>,
    happened: mpsc::Sender<Value>,
    stop: CancellationToken,
}

impl Server {
    async fn run(mut self, announcements: Vec<Value>, mut requests: mpsc::Receiver<Request>) {
        let mut buffer = [0_u8; 4096];
        let mut tidy = tokio::time::interval(TIDY);
        for announcement in announcements {
            self.tell(announcement).await;
        }
        // Its clock runs from now on, not only once somebody connects.
        self.simulator.handle_timeout(clock::now());
        loop {
            self.drain().await;
            let free = self.line.is_none() && self.down_until.is_none();
            let (reader, out, pty) = match &mut self.line {
                Some(Line { reader, writer, out, pty }) => (Some(reader), Some((writer, out)), pty.as_mut()),
                None => (None, None, None),
            };
            // Every arm is cancel-safe: reads, partial writes, `recv` and ticks take nothing unless they complete,
            // and the door keeps what it began. Reading is last, so that a busy client holds up nothing else.
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                request = requests.recv() => match request {
                    Some(Request::Beside(caller)) => self.called(caller).await,
                    Some(request) => self.answer(request),
                    None => break,
                },
                () = clock::reached(self.simulator.poll_timeout()) => self.simulator.handle_timeout(clock::now()),
                () = clock::reached(self.down_until) => self.down_until = None,
                _ = tidy.tick(), if pty.is_some() => if let Some(pty) = pty {
                    pty.tidy();
                },
                arrived = self.door.next(free) => self.arrived(arrived).await,
                written = write_some(out) => if written.is_err() {
                    self.part().await;
                },
                read = read_some(reader, &mut buffer) => match read {
                    Ok(n) if n > 0 => {
                        self.simulator.handle_bytes(clock::now(), buffer.get(..n).unwrap_or_default());
                    }
                    _ => self.part().await,
                },
            }
        }
        self.part().await;
    }

    fn answer(&mut self, request: Request) {
        // That nobody waits for the answer any more is not an error.
        match request {
            Request::Poke(poke, reply) => {
                let _ = reply.send(self.simulator.poke(clock::now(), poke));
            }
            Request::Users(reply) => {
                let _ = reply.send(self.simulator.users());
            }
            Request::State(reply) => {
                let _ = reply.send(self.simulator.state());
            }
            Request::Beside(_) => {}
        }
    }

    async fn arrived(&mut self, arrived: Result<Client, SocketAddr>) {
        match arrived {
            Ok(Client { pipe, from, pty }) => {
                let (reader, writer) = split(pipe);
                self.line = Some(Line { reader, writer, out: BytesMut::new(), pty });
                self.tell(json!({"event": "client_connected", "from": from})).await;
                self.simulator.handle_connect(clock::now());
            }
            Err(peer) => self.tell(json!({"event": "client_turned_away", "from": peer.to_string()})).await,
        }
    }

    /// The client is gone, or we let it go.
    async fn part(&mut self) {
        if self.line.take().is_some() {
            self.simulator.handle_disconnect(clock::now());
            self.tell(json!({"event": "client_gone"})).await;
        }
    }

    /// Takes everything out of the simulator. What it would send while nobody is connected is lost.
    async fn drain(&mut self) {
        self.tell_happened().await;
        self.drain_beside().await;
        loop {
            self.tell_happened().await;
            while let Some(bytes) = self.simulator.poll_transmit() {
                if let Some(line) = &mut self.line {
                    line.out.extend_from_slice(&bytes);
                }
            }
            if let Some(hangup) = self.simulator.take_hangup() {
                // A client that dials again at once is not turned away when the simulator only closed.
                self.down_until = (!hangup.down.is_zero()).then(|| clock::now() + hangup.down);
                self.last_words().await;
                self.part().await;
                continue;
            }
            match &mut self.line {
                Some(Line { out, pty: Some(_), .. }) if out.len() > OUT_LIMIT => out.clear(),
                Some(Line { out, .. }) if out.len() > OUT_LIMIT => self.part().await,
                _ => return,
            }
        }
    }

    async fn tell_happened(&mut self) {
        while let Some(value) = self.simulator.poll_happened() {
            self.tell(value).await;
        }
    }

    async fn last_words(&mut self) {
        if let Some(Line { writer, out, .. }) = &mut self.line {
            let words = async {
                writer.write_all(out).await?;
                writer.shutdown().await
            };
            // A client that does not take them is hung up on all the same.
            let _ = timeout(LAST_WORDS, words).await;
        }
    }

    pub(super) async fn tell(&mut self, value: Value) {
        tokio::select! {
            biased;
            // Nobody listens, or somebody does.
            _ = self.happened.send(value) => {}
            () = self.stop.cancelled() => {}
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("simulator", &self.simulator).finish_non_exhaustive()
    }
}

async fn read_some(reader: Option<&mut ReadHalf<Box<dyn Pipe>>>, buffer: &mut [u8]) -> io::Result<usize> {
    match reader {
        Some(reader) => reader.read(buffer).await,
        None => pending().await,
    }
}

async fn write_some(out: Option<(&mut WriteHalf<Box<dyn Pipe>>, &mut BytesMut)>) -> io::Result<usize> {
    match out {
        Some((writer, out)) if out.has_remaining() => writer.write_buf(out).await,
        _ => pending().await,
    }
}
