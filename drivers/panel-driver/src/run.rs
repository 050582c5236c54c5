//! The one loop that joins a [`Session`] with a link and a port. Vendors do not write loops.

use std::collections::HashMap;
use std::future::ready;
use std::io;
use std::iter::from_fn;
use std::time::{Duration, Instant};

use panel_model::{NotNow, WallTime};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::link::{Displaced, HungUp};
use crate::{
    Busy, CommandId, CommandRequest, DriverError, DriverEvent, DriverPort, LinkError, Outcome, Reply, Session,
    SessionOutput, Stamped, clock,
};

/// How long a session has from `handle_shutdown` to its end.
pub(crate) const SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);
/// How long the link may take to accept one piece of output. The longest frames are a few hundred bytes, so a link
/// that takes longer is dead.
const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// How long bytes wait for the note that speaks of them to be on the disk.
const NOTE_LIMIT: Duration = Duration::from_secs(5);
/// Reads in a row after which timers and commands have their turn, however much the panel talks.
const READS_IN_A_ROW: u32 = 16;

/// Runs a session over a link until one of them ends.
///
/// Order within one turn: outputs go to the owner before bytes go to the panel (see [`Session`]). A half-sent frame
/// is never dropped: a write is awaited to its end, or the link is given up.
///
/// When the port is cancelled, or the owner dropped its end of it, the session is asked to stop and the loop goes on
/// until it ends, for ten seconds at most; the owner keeps taking events meanwhile. Commands that the session did
/// not accept until then are answered `NotNow`, accepted ones by the session, or as interrupted when the loop ends
/// without their outcome.
pub async fn run_session<S, L>(session: S, link: L, port: DriverPort) -> DriverError
where
    S: Session,
    L: AsyncRead + AsyncWrite + Send + Unpin,
{
    let stop = port.cancel.child_token();
    let now = (clock::now(), clock::wall());
    let replies = HashMap::new();
    let run = Run {
        session,
        link,
        port,
        stop: stop.clone(),
        stopping: false,
        now,
        replies,
        waiting: None,
        reads: 0,
        notes: 0,
    };
    // The deadline stands outside the loop, so that it holds wherever the loop hangs: in a session that never ends,
    // a link that takes no bytes, an owner that takes no events.
    tokio::select! {
        biased;
        end = run.until_end() => end,
        () = overdue(&stop) => {
            tracing::warn!("the driver reached no safe point within {SHUTDOWN_LIMIT:?} and is cut off");
            DriverError::Shutdown
        }
    }
}

async fn overdue(stop: &CancellationToken) {
    stop.cancelled().await;
    sleep(SHUTDOWN_LIMIT).await;
}

struct Run<S, L> {
    session: S,
    link: L,
    port: DriverPort,
    /// Follows the port's token, and is set when the owner goes away without cancelling.
    stop: CancellationToken,
    stopping: bool,
    /// Residue notes told.
    notes: u64,
    /// When the session was last handed something: the time of what comes out of it.
    now: (Instant, WallTime),
    replies: HashMap<CommandId, Reply>,
    /// A command that the session was too busy for; offered again each turn.
    waiting: Option<CommandRequest>,
    /// Reads since the last timer or command.
    reads: u32,
}

impl<S, L> Run<S, L>
where
    S: Session,
    L: AsyncRead + AsyncWrite + Send + Unpin,
{
    async fn until_end(mut self) -> DriverError {
        let mut buffer = [0_u8; 4096];
        self.session.handle_open(self.now.0);
        loop {
            if let Err(end) = self.drain().await {
                return end;
            }
            // Every arm is cancel-safe: `read` and `recv` take nothing unless they complete. Reading goes before the
            // timer, so that an answer that lay waiting while we were held up is not taken for a missing one.
            tokio::select! {
                biased;
                () = self.stop.cancelled(), if !self.stopping => self.begin_stop(),
                read = self.link.read(&mut buffer), if self.reads < READS_IN_A_ROW => match read {
                    Ok(0) => return self.closed(LinkError::closed().into()),
                    Ok(n) => {
                        self.reads += 1;
                        let now = self.tick();
                        self.session.handle_bytes(now, buffer.get(..n).unwrap_or_default());
                    }
                    Err(error) if HungUp::is(&error) => {
                        self.reads += 1;
                        let now = self.tick();
                        self.session.handle_hung_up(now);
                    }
                    Err(error) => return self.closed(broken("reading", &error)),
                },
                () = clock::reached(self.session.poll_timeout()) => {
                    self.reads = 0;
                    let now = self.tick();
                    self.session.handle_timeout(now);
                }
                request = self.port.commands.recv(), if self.waiting.is_none() && !self.stopping => {
                    self.reads = 0;
                    match request {
                        Some(request) => self.waiting = Some(request),
                        None => self.stop.cancel(),
                    }
                }
                () = ready(()), if self.reads >= READS_IN_A_ROW => self.reads = 0,
            }
            self.offer();
        }
    }

    /// The link is gone; the session may know why, unless it was we who ended it.
    fn closed(&mut self, error: DriverError) -> DriverError {
        let now = self.tick();
        let reason = self.session.handle_closed(now);
        match error {
            DriverError::TakenOver(_) => error,
            _ => reason.unwrap_or(error),
        }
    }

    fn tick(&mut self) -> Instant {
        self.now = (clock::now(), clock::wall());
        self.now.0
    }

    fn begin_stop(&mut self) {
        self.stopping = true;
        self.port.commands.close();
        let unheard = self.waiting.take().into_iter().chain(from_fn(|| self.port.commands.try_recv().ok()));
        for request in unheard {
            request.reply.complete(Outcome::NotNow(NotNow { why: "the driver is stopping".into() }));
        }
        let now = self.tick();
        self.session.handle_shutdown(now);
    }

    fn offer(&mut self) {
        let Some(request) = self.waiting.take() else { return };
        let now = self.tick();
        match self.session.handle_command(now, request.id, request.command) {
            Ok(()) => {
                self.replies.insert(request.id, request.reply);
            }
            Err(Busy(command)) => self.waiting = Some(CommandRequest { command, ..request }),
        }
    }

    /// Takes everything out of the session: first to the owner, then to the panel.
    async fn drain(&mut self) -> Result<(), DriverError> {
        self.log_wire();
        while let Some(output) = self.session.poll_output() {
            match output {
                SessionOutput::Event(event) => self.tell(event).await,
                SessionOutput::Done(id, outcome) => match self.replies.remove(&id) {
                    Some(reply) => reply.complete(outcome),
                    None => tracing::warn!(command_id = %id, "the session answered a command that is not open"),
                },
                SessionOutput::End(error) => {
                    // Last words, such as the key that leaves a menu, still go out; that the link may be broken by
                    // now does not change why the session ended.
                    if self.transmit().await.is_ok() {
                        let _ = timeout(WRITE_LIMIT, self.link.shutdown()).await;
                    }
                    self.log_wire();
                    return Err(error);
                }
            }
        }
        self.transmit().await?;
        self.log_wire();
        Ok(())
    }

    async fn tell(&mut self, event: DriverEvent) {
        let (at, wall) = self.now;
        let begins = matches!(event, DriverEvent::Residue(Some(_)));
        self.notes += u64::from(matches!(event, DriverEvent::Residue(_)));
        if self.port.events.send(Stamped { at, wall, event }).await.is_err() {
            // Nobody listens any more: the same as being asked to stop, menus are still to be left.
            self.stop.cancel();
        } else if begins {
            // Not before the note is on the disk may the bytes follow that it speaks of: the box may lose power now.
            // A disk that takes nothing does not keep a person's disarming from the panel for ever, though.
            let _ = timeout(NOTE_LIMIT, self.port.kept.wait_for(|kept| *kept >= self.notes)).await;
        }
    }

    async fn transmit(&mut self) -> Result<(), DriverError> {
        while let Some(bytes) = self.session.poll_transmit() {
            let write = async {
                self.link.write_all(&bytes).await?;
                self.link.flush().await
            };
            timeout(WRITE_LIMIT, write)
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
                .map_err(|error| broken("writing", &error))?;
        }
        Ok(())
    }

    fn log_wire(&mut self) {
        while let Some(entry) = self.session.poll_wire() {
            self.port.wire.push(entry);
        }
    }
}

/// What an IO error of the link says.
fn broken(what: &str, error: &io::Error) -> DriverError {
    match Displaced::of(error) {
        Some(Displaced::By(from)) => DriverError::TakenOver(from),
        _ => LinkError::new(what, error).into(),
    }
}
