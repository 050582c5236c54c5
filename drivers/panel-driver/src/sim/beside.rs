//! A door beside the first one, whose clients talk to the same simulator. It owns their sockets only: what they say goes
//! to the server's task, which alone has the simulator, and what they are told comes back.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, split};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::door::{Client, Door};
use super::server::{LAST_WORDS, Request, Server};
use crate::clock;

/// Answers that may wait for a client that does not read.
const MOST_WORDS: usize = 64;

/// What happens at the door.
pub(super) enum Caller {
    /// Somebody came, from there; answers go this way.
    Connected(String, mpsc::Sender<Words>),
    Bytes(Bytes),
    Gone,
    /// Somebody else came, from there, while there was no place.
    TurnedAway(String),
}

/// What a client is told.
pub(super) enum Words {
    Bytes(Bytes),
    /// Nothing more; for so long nobody is let in.
    HangUp(Duration),
}

/// The server is gone.
struct Over;

pub(super) struct SideDoor {
    pub(super) door: Door,
    pub(super) server: mpsc::Sender<Request>,
}

impl SideDoor {
    /// Until the server is gone.
    pub(super) async fn run(mut self) {
        while self.next_client().await.is_ok() {}
    }

    async fn next_client(&mut self) -> Result<(), Over> {
        match self.door.next(true).await {
            Ok(client) => {
                let down = self.serve(client).await?;
                self.say(Caller::Gone).await?;
                self.closed_for(down).await
            }
            Err(peer) => self.say(Caller::TurnedAway(peer.to_string())).await,
        }
    }

    /// Returns how long the door stays closed then.
    async fn serve(&mut self, client: Client) -> Result<Duration, Over> {
        let (mut reader, mut writer) = split(client.pipe);
        let (words, mut told) = mpsc::channel(MOST_WORDS);
        self.say(Caller::Connected(client.from, words)).await?;
        let mut buffer = [0_u8; 4096];
        loop {
            // Every arm is cancel-safe.
            tokio::select! {
                biased;
                words = told.recv() => match words {
                    Some(Words::Bytes(bytes)) => {
                        if !matches!(timeout(LAST_WORDS, writer.write_all(&bytes)).await, Ok(Ok(()))) {
                            return Ok(Duration::ZERO);
                        }
                    }
                    Some(Words::HangUp(down)) => {
                        // One that is gone already is as good.
                        let _ = timeout(LAST_WORDS, writer.shutdown()).await;
                        return Ok(down);
                    }
                    None => return Ok(Duration::ZERO),
                },
                other = self.door.next(false) => self.turn_away(other).await?,
                read = reader.read(&mut buffer) => match read {
                    Ok(n) if n > 0 => {
                        self.say(Caller::Bytes(Bytes::copy_from_slice(buffer.get(..n).unwrap_or_default()))).await?;
                    }
                    _ => return Ok(Duration::ZERO),
                },
            }
        }
    }

    async fn closed_for(&mut self, down: Duration) -> Result<(), Over> {
        if down.is_zero() {
            return Ok(());
        }
        let mut over = std::pin::pin!(sleep(down));
        loop {
            tokio::select! {
                biased;
                () = &mut over => return Ok(()),
                other = self.door.next(false) => self.turn_away(other).await?,
            }
        }
    }

    async fn turn_away(&mut self, other: Result<Client, std::net::SocketAddr>) -> Result<(), Over> {
        match other {
            Ok(_) => Ok(()),
            Err(peer) => self.say(Caller::TurnedAway(peer.to_string())).await,
        }
    }

    async fn say(&mut self, caller: Caller) -> Result<(), Over> {
        self.server.send(Request::Beside(caller)).await.map_err(|_| Over)
    }
}

/// The server's side.
impl Server {
    pub(super) async fn called(&mut self, caller: Caller) {
        match caller {
            Caller::Connected(from, words) => {
                self.beside = Some(words);
                self.tell(beside_the_first(json!({"event": "client_connected", "from": from}))).await;
                if let Some(line) = self.simulator.beside() {
                    line.beside_connected(clock::now());
                }
            }
            // What comes after we hung up is lost.
            Caller::Bytes(bytes) if self.beside.is_some() => {
                if let Some(line) = self.simulator.beside() {
                    line.beside_bytes(clock::now(), &bytes);
                }
            }
            Caller::Bytes(_) => {}
            Caller::Gone => self.part_beside().await,
            Caller::TurnedAway(from) => {
                self.tell(beside_the_first(json!({"event": "client_turned_away", "from": from}))).await;
            }
        }
    }

    async fn part_beside(&mut self) {
        if self.beside.take().is_none() {
            return;
        }
        if let Some(line) = self.simulator.beside() {
            line.beside_gone(clock::now());
        }
        self.tell(beside_the_first(json!({"event": "client_gone"}))).await;
    }

    /// Takes out what is for the second door's client.
    pub(super) async fn drain_beside(&mut self) {
        let Some(line) = self.simulator.beside() else { return };
        let mut parts = false;
        let say = |words: Words| match &self.beside {
            Some(client) => client.try_send(words).is_ok(),
            None => true,
        };
        while let Some(bytes) = line.poll_beside() {
            // It does not read.
            parts |= !say(Words::Bytes(bytes));
        }
        if let Some(hangup) = line.take_beside_hangup() {
            say(Words::HangUp(hangup.down));
            parts = true;
        }
        if parts {
            self.part_beside().await;
        }
    }
}

/// Says of which door this is.
pub(super) fn beside_the_first(mut value: Value) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.insert("beside".into(), true.into());
    }
    value
}
