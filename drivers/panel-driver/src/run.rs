//! The one loop that joins a [`Session`] with a link and a port. Vendors do not write loops.

use std::collections::HashMap;
use std::io;
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::sleep_until;

use crate::{
    Busy, CommandId, CommandRequest, DriverError, DriverPort, LinkError, Reply, Session, SessionOutput, Stamped, clock,
};

/// Runs a session over a link until one of them ends.
///
/// Order within one turn: outputs go to the owner before bytes go to the panel (see [`Session`]). A half-sent frame
/// is never dropped: a write is awaited to its end, or the link is given up.
pub async fn run_session<S, L>(mut session: S, link: L, mut port: DriverPort) -> DriverError
where
    S: Session,
    L: AsyncRead + AsyncWrite + Send + Unpin,
{
    let (mut reader, mut writer) = tokio::io::split(link);
    let mut turn = Turn { replies: HashMap::new(), waiting: None, stopping: false };
    let mut buffer = [0_u8; 4096];
    session.handle_open(clock::now());
    loop {
        if let Some(end) = turn.drain(&mut session, &mut writer, &port).await {
            return end;
        }
        let wants_command = turn.waiting.is_none() && !turn.stopping;
        // Every arm is cancel-safe: `read` takes nothing unless it completes, `recv` and `cancelled` likewise.
        tokio::select! {
            biased;
            () = port.cancel.cancelled(), if !turn.stopping => {
                turn.stopping = true;
                session.handle_shutdown(clock::now());
            }
            read = reader.read(&mut buffer) => match read {
                Ok(0) => return LinkError::closed().into(),
                Ok(n) => session.handle_bytes(clock::now(), buffer.get(..n).unwrap_or_default()),
                Err(error) => return LinkError::new("reading", &error).into(),
            },
            () = timer(session.poll_timeout()) => session.handle_timeout(clock::now()),
            request = port.commands.recv(), if wants_command => match request {
                Some(request) => turn.waiting = Some(request),
                // The owner went away without cancelling: the same as being asked to stop.
                None => {
                    turn.stopping = true;
                    session.handle_shutdown(clock::now());
                }
            },
        }
        turn.offer(&mut session);
    }
}

struct Turn {
    replies: HashMap<CommandId, Reply>,
    /// A command that the session was too busy for; offered again each turn.
    waiting: Option<CommandRequest>,
    stopping: bool,
}

impl Turn {
    fn offer<S: Session>(&mut self, session: &mut S) {
        if self.stopping {
            self.waiting = None;
        }
        let Some(request) = self.waiting.take() else { return };
        match session.handle_command(clock::now(), request.id, request.command) {
            Ok(()) => {
                self.replies.insert(request.id, request.reply);
            }
            Err(Busy(command)) => self.waiting = Some(CommandRequest { command, ..request }),
        }
    }

    async fn drain<S, W>(&mut self, session: &mut S, writer: &mut W, port: &DriverPort) -> Option<DriverError>
    where
        S: Session,
        W: AsyncWrite + Unpin,
    {
        while let Some(entry) = session.poll_wire() {
            port.wire.push(entry);
        }
        while let Some(output) = session.poll_output() {
            match output {
                SessionOutput::Event(event) => {
                    let stamped = Stamped { at: clock::now(), wall: clock::wall(), event };
                    if port.events.send(stamped).await.is_err() {
                        return Some(DriverError::Shutdown);
                    }
                }
                SessionOutput::Done(id, outcome) => {
                    if let Some(reply) = self.replies.remove(&id) {
                        reply.complete(outcome);
                    }
                }
                SessionOutput::End(error) => {
                    // Last words, such as the key that leaves a menu, still go out.
                    let _ = transmit(session, writer).await;
                    return Some(error);
                }
            }
        }
        let sent = transmit(session, writer).await;
        while let Some(entry) = session.poll_wire() {
            port.wire.push(entry);
        }
        sent.err().map(|error| LinkError::new("writing", &error).into())
    }
}

async fn transmit<S: Session, W: AsyncWrite + Unpin>(session: &mut S, writer: &mut W) -> io::Result<()> {
    while let Some(bytes) = session.poll_transmit() {
        writer.write_all(&bytes).await?;
        writer.flush().await?;
    }
    Ok(())
}

async fn timer(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
