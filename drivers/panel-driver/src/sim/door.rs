//! How clients reach a simulator: they dial it, it dials them, or they open its pty.

use std::future::pending;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::pty::Pty;
use super::server::ServeError;
use crate::BoxFuture;

/// Where a simulator is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServeOn {
    /// Clients dial this address, such as `127.0.0.1:4025`; port 0 takes any free one.
    Listen(String),
    /// Clients open a pty by this symbolic link.
    Pty(PathBuf),
    /// The simulator dials this address, again and again, as panels do whose receiver is on our side. After a
    /// connection that came about, the simulator's own hang-up says how long it waits.
    Connect(String),
}

/// How long a simulator that dials waits after its first failed try; twice as long after each further one.
const DIAL_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two tries, as that of a panel's communicator.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Between two connections at least: whoever is hung up on at once must not spin.
const REDIAL_PAUSE: Duration = Duration::from_millis(50);
/// How long one try may take.
const DIAL_WITHIN: Duration = Duration::from_secs(10);

pub(super) trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Pipe for T {}

/// Somebody who came in.
pub(super) struct Client {
    pub(super) pipe: Box<dyn Pipe>,
    /// For people: from where.
    pub(super) from: String,
    /// Set on a pty only.
    pub(super) pty: Option<Pty>,
}

impl Client {
    fn tcp(stream: TcpStream, peer: SocketAddr) -> Self {
        // Simulated frames are small and wanted at once; where it cannot be set they only come later.
        let _ = stream.set_nodelay(true);
        Self { pipe: Box::new(stream), from: peer.to_string(), pty: None }
    }
}

pub(super) enum Door {
    Listening(TcpListener),
    Dialling {
        to: String,
        attempt: Option<BoxFuture<'static, Client>>,
        /// Before the first try of the next attempt.
        pause: Duration,
    },
    /// The first pty is made at start, so that a path that cannot be used is told at once.
    Pty {
        link: PathBuf,
        first: Option<Client>,
    },
}

impl Door {
    pub(super) async fn open(on: ServeOn) -> Result<Self, ServeError> {
        match on {
            ServeOn::Listen(addr) => match TcpListener::bind(&addr).await {
                Ok(listener) => Ok(Self::Listening(listener)),
                Err(source) => Err(ServeError::Listen { addr, source }),
            },
            ServeOn::Pty(link) => match Self::pty(&link) {
                Ok(client) => Ok(Self::Pty { link, first: Some(client) }),
                Err(source) => Err(ServeError::Pty { path: link, source }),
            },
            ServeOn::Connect(to) => Ok(Self::Dialling { to, attempt: None, pause: Duration::ZERO }),
        }
    }

    fn pty(link: &std::path::Path) -> std::io::Result<Client> {
        let (pty, pipe) = Pty::open(link)?;
        Ok(Client { pipe: Box::new(pipe), from: link.display().to_string(), pty: Some(pty) })
    }

    /// Address that clients dial.
    pub(super) fn addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Listening(listener) => listener.local_addr().ok(),
            _ => None,
        }
    }

    /// The first line of a simulator's output.
    pub(super) fn announcement(&self) -> Value {
        match self {
            Self::Listening(_) => json!({"event": "listening", "addr": self.addr().map(|addr| addr.to_string())}),
            Self::Dialling { to, .. } => json!({"event": "listening", "connect": to}),
            Self::Pty { link, .. } => json!({"event": "listening", "pty": link}),
        }
    }

    /// The next client. While there is no place for one, those who dial us are closed at once and told of by
    /// address.
    ///
    /// Cancel-safe: an attempt to dial goes on in the next call.
    pub(super) async fn next(&mut self, free: bool) -> Result<Client, SocketAddr> {
        match self {
            Self::Listening(listener) => loop {
                match listener.accept().await {
                    Ok((stream, peer)) if free => return Ok(Client::tcp(stream, peer)),
                    Ok((_, peer)) => return Err(peer),
                    // Out of file handles, or the client is gone already. Neither is better at once.
                    Err(_) => sleep(DIAL_PAUSE).await,
                }
            },
            _ if !free => pending().await,
            Self::Dialling { to, attempt, pause } => {
                let client = attempt.get_or_insert_with(|| Box::pin(dial(to.clone(), *pause))).await;
                (*attempt, *pause) = (None, REDIAL_PAUSE);
                Ok(client)
            }
            Self::Pty { link, first } => loop {
                match first.take().map_or_else(|| Self::pty(link), Ok) {
                    Ok(client) => return Ok(client),
                    Err(_) => sleep(DIAL_PAUSE).await,
                }
            },
        }
    }
}

async fn dial(to: String, first: Duration) -> Client {
    sleep(first).await;
    let mut pause = DIAL_PAUSE;
    loop {
        if let Ok(Ok(stream)) = timeout(DIAL_WITHIN, TcpStream::connect(&to)).await
            && let Ok(peer) = stream.peer_addr()
        {
            return Client::tcp(stream, peer);
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
