use std::time::Instant;

use bytes::Bytes;

use crate::{Command, CommandId, DriverError, DriverEvent, Outcome, WireEntry};

/// The session cannot take another command now. It is asked again after its next output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Busy(pub Command);

/// What comes out of a session besides bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionOutput {
    /// Something for the owner.
    Event(DriverEvent),
    /// A command's end; exactly one per accepted command.
    Done(CommandId, Outcome),
    /// The session is over and the link is to be closed. Nothing follows.
    End(DriverError),
}

/// The driver's side of one conversation with a panel, without IO and without a clock.
///
/// The caller calls `handle_*` as things happen, and after each of them drains, in this order,
/// [`poll_output`](Self::poll_output) until `None`, then [`poll_transmit`](Self::poll_transmit) until `None`.
/// The order is a promise: a [`DriverEvent::Residue`] is with the owner before the bytes that it speaks of are sent.
/// `now` never goes backwards.
///
/// A session may keep several accepted commands waiting and choose their order (a disarm goes before a label), but
/// its queue is bounded: when full it answers [`Busy`] with the command given back.
pub trait Session: Send {
    /// The link is open. Called once, before anything else.
    fn handle_open(&mut self, now: Instant);
    /// Bytes came from the panel, in any chunking.
    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]);
    /// A command for the panel.
    ///
    /// # Errors
    /// [`Busy`] when no more commands can wait.
    fn handle_command(&mut self, now: Instant, id: CommandId, command: Command) -> Result<(), Busy>;
    /// The time of [`poll_timeout`](Self::poll_timeout) is reached.
    fn handle_timeout(&mut self, now: Instant);
    /// The peer closed the connection of the last request, with or without an answer; the next request gets another one.
    /// Only on a link that dials for each request ([`crate::LinkConfig::TcpPerRequest`]).
    fn handle_hung_up(&mut self, _now: Instant) {}
    /// The link closed under us. A session that knows a better reason than a broken link says it, such as a module
    /// that hangs up on second clients.
    fn handle_closed(&mut self, _now: Instant) -> Option<DriverError> {
        None
    }
    /// We are to stop: go to the next safe point (leave menus), then answer [`SessionOutput::End`] with
    /// [`DriverError::Shutdown`]. Commands not begun are answered `NotNow`.
    fn handle_shutdown(&mut self, now: Instant);
    /// The next event or outcome.
    fn poll_output(&mut self) -> Option<SessionOutput>;
    /// The next bytes to send.
    fn poll_transmit(&mut self) -> Option<Bytes>;
    /// The next bytes to show in the wire log, with secrets masked already.
    fn poll_wire(&mut self) -> Option<WireEntry>;
    /// When [`handle_timeout`](Self::handle_timeout) wants to be called, if ever.
    fn poll_timeout(&self) -> Option<Instant>;
}
