//! Wrong installer codes within the last hour, over all connections of one panel: the panel counts them as well, and
//! locks out whoever goes on (dossier 4.5).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::quirks::INSTALLER_TRIES;

/// Shared by the sessions of one factory.
#[derive(Debug, Clone, Default)]
pub struct InstallerTries(
    // A std mutex: held for a look or a change, never across an await.
    Arc<Mutex<Vec<Instant>>>,
);

impl InstallerTries {
    /// A code was refused.
    pub(crate) fn wrong(&self, now: Instant) {
        let mut wrong = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.retain(|at| now < *at + INSTALLER_TRIES.1);
        wrong.push(now);
    }

    /// Whether no more may be tried for now.
    pub(crate) fn are_spent(&self, now: Instant) -> bool {
        let wrong = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.iter().filter(|at| now < **at + INSTALLER_TRIES.1).count() >= INSTALLER_TRIES.0
    }
}
