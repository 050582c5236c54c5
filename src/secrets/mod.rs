//! The box's master key and everything that is derived from it: fields sealed at rest, hashes of codes, and the
//! sealed boxes in which codes travel. A leaf: it knows the model and nothing else of the daemon.

mod seal;

pub use seal::SealedCode;
