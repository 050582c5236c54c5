//! What every driver is tested with: the deterministic pair harness and the conformance kit.
//!
//! [`Pair`] joins a driver's [`Session`](crate::Session) and a [`Simulator`](crate::sim::Simulator) in memory, under
//! a clock that jumps and a network that misbehaves by seed. It checks the rules of the contract at every step; what
//! breaks one is a [`Failure`]. [`seeds`] runs one scenario under many seeds and says how to run a failing one again.
//! [`conformance`] holds the checks that every driver passes. [`leak`] looks for secrets in a `Debug` text.
//!
//! ```text
//! #[test]
//! fn a_code_reaches_the_panel_over_a_bad_line() -> Result<(), Failure> {
//!     seeds(500, |seed| {
//!         let mut pair = Pair::new(seed, |_| Panel::factory_default(), |start| DscSession::new(config(), start))
//!             .with_faults(NetFaults::choppy());
//!         pair.settle()?;
//!         let outcome = pair.ask(Command::SetUser(user(4, "4821")))?;
//!         pair.check(matches!(outcome, Outcome::Applied(_)), "the code is set")
//!     })
//! }
//! ```

pub mod conformance;
mod failure;
mod leak;
mod machine;
mod net;
mod pair;
mod record;
mod rng;
mod seeds;

pub use failure::Failure;
pub use leak::leak;
pub use net::NetFaults;
pub use pair::Pair;
pub use rng::Rng;
pub use seeds::seeds;
