//! The box's master key and everything that is derived from it: fields sealed at rest, hashes of codes, and the
//! sealed boxes in which codes travel. A leaf: it knows the model and nothing else of the daemon.
//!
//! Start with [`Keys`]. Nothing in here logs, and no error carries a byte of a key or of a plain text.

mod field;
mod keyfile;
mod keys;
mod seal;

pub use field::SealError;
pub use keyfile::{KeyError, KeyOrigin, KeySource};
pub use keys::Keys;
pub use seal::{SealedCode, seal_to};
