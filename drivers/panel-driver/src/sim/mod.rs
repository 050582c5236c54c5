//! The other half of the contract: a vendor's simulated panel, and the words that poke its front panel.
//!
//! A vendor implements [`Simulator`]. [`Poke`] and [`ScriptLine`] are what a person or a script does to it.
//! [`SimServer`] runs one for real, over TCP or a pty; [`serve`] puts it on the command line.

mod agenda;
mod beside;
mod door;
mod poke;
mod pty;
mod rng;
mod serve;
mod server;

use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;

pub use agenda::{Agenda, later};
pub use door::ServeOn;
pub use poke::{PanicKey, Poke, PokeError, ScriptLine};
pub use rng::Rng;
pub use serve::{Input, Player, json_line, serve, serve_all};
pub use server::{ServeError, SimHandle, SimServer};

/// The panel's side of one protocol, without IO and without a clock: the mirror of [`crate::Session`].
///
/// After each call the caller drains [`poll_happened`](Self::poll_happened) and
/// [`poll_transmit`](Self::poll_transmit). The panel lives on while nobody is connected; what it would have sent
/// then is lost, as with the real one.
pub trait Simulator: Send + fmt::Debug {
    /// Somebody connected.
    fn handle_connect(&mut self, now: Instant);
    /// The connection is gone.
    fn handle_disconnect(&mut self, now: Instant);
    /// Bytes came.
    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]);
    /// The time of [`poll_timeout`](Self::poll_timeout) is reached.
    fn handle_timeout(&mut self, now: Instant);
    /// Somebody does something at the panel.
    ///
    /// # Errors
    /// [`PokeError`] when this panel has no such thing.
    fn poke(&mut self, now: Instant, poke: Poke) -> Result<(), PokeError>;
    /// Bytes to send.
    fn poll_transmit(&mut self) -> Option<Bytes>;
    /// The next thing that happened inside, as a JSON object with a field `event`.
    fn poll_happened(&mut self) -> Option<serde_json::Value>;
    /// When [`handle_timeout`](Self::handle_timeout) wants to be called, if ever.
    fn poll_timeout(&self) -> Option<Instant>;
    /// Whether the simulator wants the connection closed now (reboot, refused login); asked after each call,
    /// after the last bytes were sent. Reading it clears it.
    fn take_hangup(&mut self) -> Option<Hangup>;
    /// All users with their codes, as JSON: what `users` prints.
    fn users(&self) -> serde_json::Value;
    /// Partitions, zones, troubles, as JSON: what `state` prints.
    fn state(&self) -> serde_json::Value;
    /// A second line into the same panel, if it has one.
    fn beside(&mut self) -> Option<&mut dyn Beside> {
        None
    }
}

/// A second line into a simulated panel beside its first, such as a network module's on a panel that has a serial port
/// too. Its methods are those of [`Simulator`] for that line; time and what happens are the panel's.
pub trait Beside {
    /// Somebody connected.
    fn beside_connected(&mut self, now: Instant);
    /// The connection is gone.
    fn beside_gone(&mut self, now: Instant);
    /// Bytes came.
    fn beside_bytes(&mut self, now: Instant, bytes: &[u8]);
    /// Bytes to send.
    fn poll_beside(&mut self) -> Option<Bytes>;
    /// Whether the connection is to be closed, after the last bytes were sent. Reading it clears it.
    fn take_beside_hangup(&mut self) -> Option<Hangup>;
}

/// The simulator closes its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hangup {
    /// How long the line stays down before somebody can connect again.
    pub down: Duration,
}
