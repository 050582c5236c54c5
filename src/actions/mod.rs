//! The single door: everything that a person or a cloud does goes through [`Actions::perform`].

mod action;

pub use action::{Action, CredentialKind, RefreshSection};
