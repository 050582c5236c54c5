use std::collections::VecDeque;
use std::net::SocketAddr;

use panel_model::WallTime;

/// Identifiers remembered that nobody has configured.
const KEPT: usize = 32;
/// Longest identifier remembered.
const IDENTIFIER_CHARS: usize = 64;

/// A panel that dials us and that nobody has configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanting {
    /// What it calls itself: printable, at most 64 characters.
    pub identifier: String,
    /// The address that it dialled.
    pub listen: SocketAddr,
    /// Where it dialled from last.
    pub from: SocketAddr,
    /// How often.
    pub count: u64,
    /// When first, as far as it was remembered since.
    pub first: WallTime,
    /// When last.
    pub last: WallTime,
}

/// The panels that want in at one address, the latest first.
#[derive(Debug, Default)]
pub(super) struct WantingList {
    rows: VecDeque<Wanting>,
    /// Rows that had to go for newer ones.
    dropped: u64,
}

/// What a call changed in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    /// The panel stood there already.
    Again,
    /// It is new in the list.
    New,
    /// It is new, and the one that was heard of longest ago had to go.
    NewForOld,
}

impl WantingList {
    /// A panel that nobody knows dialled.
    pub(super) fn note(&mut self, identifier: &str, listen: SocketAddr, from: SocketAddr, now: WallTime) -> Noted {
        let identifier: String = identifier.chars().filter(|c| !c.is_control()).take(IDENTIFIER_CHARS).collect();
        let known = self.rows.iter().position(|row| row.identifier == identifier);
        let before = known.and_then(|at| self.rows.remove(at));
        let noted = match &before {
            Some(_) => Noted::Again,
            None if self.rows.len() >= KEPT => {
                self.rows.pop_back();
                self.dropped += 1;
                Noted::NewForOld
            }
            None => Noted::New,
        };
        let (count, first) = before.map_or((0, now), |row| (row.count, row.first));
        self.rows.push_front(Wanting { identifier, listen, from, count: count + 1, first, last: now });
        noted
    }

    /// Somebody knows the panel now. True if it stood in the list.
    pub(super) fn remove(&mut self, identifier: &str) -> bool {
        let before = self.rows.len();
        self.rows.retain(|row| row.identifier != identifier);
        self.rows.len() < before
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Wanting> {
        self.rows.iter()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }
}
