//! The panel's side.
