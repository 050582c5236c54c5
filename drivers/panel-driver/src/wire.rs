use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use panel_model::WallTime;

use crate::clock;

/// Which way bytes went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Direction {
    FromPanel,
    ToPanel,
}

/// Some bytes of the wire. Secrets were masked by the session, whole and with a fixed length.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "said above")]
pub struct WireEntry {
    pub direction: Direction,
    pub masked: Bytes,
}

/// The last bytes to and from one panel (D4). Holds a fixed number of entries; the oldest goes.
#[derive(Debug, Clone, Default)]
pub struct WireLog(Arc<Mutex<VecDeque<(WallTime, WireEntry)>>>);

impl WireLog {
    const KEPT: usize = 200;

    /// Adds an entry, stamped now.
    pub fn push(&self, entry: WireEntry) {
        // A std mutex: held for a push or a copy only, never across an await.
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() == Self::KEPT {
            entries.pop_front();
        }
        entries.push_back((clock::wall(), entry));
    }

    /// The entries, oldest first.
    #[must_use]
    pub fn entries(&self) -> Vec<(WallTime, WireEntry)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
