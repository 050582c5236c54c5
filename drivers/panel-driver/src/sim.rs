//! The other half of the contract: a vendor's simulated panel, and the words that poke its front panel.

use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use panel_model::{AccessCode, ArmMode, LockId, Partition, Slot, Zone};

/// A thing that somebody does at the panel, the same words for every vendor where they apply.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words are the command line's; see `Poke::parse`")]
pub enum Poke {
    Open(Zone),
    Close(Zone),
    Tamper(Zone),
    Trip(Zone),
    Battery {
        low: bool,
        zone: Option<Zone>,
    },
    Ac {
        on: bool,
    },
    EnterCode {
        code: AccessCode,
        partition: Partition,
    },
    Arm {
        mode: ArmMode,
        partition: Partition,
        slot: Option<Slot>,
    },
    Disarm {
        partition: Partition,
        slot: Option<Slot>,
    },
    Panic(PanicKey),
    Lock {
        lock: LockId,
        locked: bool,
    },
    Tag {
        slot: Slot,
        partition: Partition,
    },
    /// Somebody programs a user at the keypad; the words are the vendor's (`edit 7 code 4821`).
    Edit {
        slot: Slot,
        words: Vec<String>,
    },
    /// The line drops, for so long.
    Drop(Duration),
    Reboot,
    /// A fault of the vendor's list, with its words.
    Fault(Vec<String>),
}

/// The three keys of a keypad that call for help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum PanicKey {
    Fire,
    Medical,
    Police,
}

/// A poke that the simulator cannot do, with what to type instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PokeError(pub String);

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
}

/// The simulator closes its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hangup {
    /// How long the line stays down before somebody can connect again.
    pub down: Duration,
}
