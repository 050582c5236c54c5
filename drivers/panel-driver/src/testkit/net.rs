use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Rng;

/// What the line does to bytes. Probabilities are per piece (after splitting) from 0.0 to 1.0; whatever happens,
/// pieces arrive in the order in which they were sent, as on every serial line and TCP connection.
#[derive(Debug, Clone, PartialEq)]
pub struct NetFaults {
    /// A cut between two bytes of what was sent at once (per byte).
    pub split: f64,
    /// A piece is lost.
    pub drop: f64,
    /// A piece arrives twice.
    pub duplicate: f64,
    /// One byte of a piece is changed.
    pub corrupt: f64,
    /// The whole line goes down as a piece is sent.
    pub cut: f64,
    /// Shortest and longest way of a piece.
    pub delay: (Duration, Duration),
    /// Shortest and longest time for which a cut line stays down.
    pub down: (Duration, Duration),
}

impl NetFaults {
    /// Everything arrives whole after one millisecond.
    #[must_use]
    pub fn perfect() -> Self {
        let delay = Duration::from_millis(1);
        Self {
            split: 0.0,
            drop: 0.0,
            duplicate: 0.0,
            corrupt: 0.0,
            cut: 0.0,
            delay: (delay, delay),
            down: (Duration::from_millis(100), Duration::from_secs(20)),
        }
    }

    /// What TCP may do: bytes arrive in any pieces and late, but all and right; now and then the line is cut.
    #[must_use]
    pub fn choppy() -> Self {
        Self {
            split: 0.2,
            cut: 0.001,
            delay: (Duration::from_millis(1), Duration::from_millis(150)),
            ..Self::perfect()
        }
    }

    /// Everything that a bad serial line does, and cuts.
    #[must_use]
    pub fn nasty() -> Self {
        Self { drop: 0.01, duplicate: 0.01, corrupt: 0.01, ..Self::choppy() }
    }
}

/// What travels one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Bytes(Bytes),
    /// The sender closed its end.
    Close,
}

/// One direction of the line.
#[derive(Debug, Default)]
pub(super) struct Lane {
    items: VecDeque<(Instant, Item)>,
}

impl Lane {
    /// When the next item arrives.
    pub(super) fn next_arrival(&self) -> Option<Instant> {
        self.items.front().map(|(at, _)| *at)
    }

    pub(super) fn take(&mut self) -> Option<Item> {
        self.items.pop_front().map(|(_, item)| item)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.items.clear();
    }

    /// Sends bytes through the faults. Returns whether the line is cut by it.
    pub(super) fn send(&mut self, now: Instant, bytes: &Bytes, faults: &NetFaults, rng: &mut Rng) -> bool {
        let mut cut = false;
        for piece in split(bytes, faults.split, rng) {
            cut |= rng.chance(faults.cut);
            if rng.chance(faults.drop) {
                continue;
            }
            let piece = if rng.chance(faults.corrupt) { corrupted(&piece, rng) } else { piece };
            let copies = if rng.chance(faults.duplicate) { 2 } else { 1 };
            for _ in 0..copies {
                let delay = rng.between(faults.delay.0, faults.delay.1);
                self.push(now + delay, Item::Bytes(piece.clone()));
            }
        }
        cut
    }

    /// Adds an item that arrives then, but not before those that were sent earlier.
    pub(super) fn push(&mut self, at: Instant, item: Item) {
        let at = self.items.back().map_or(at, |(last, _)| at.max(*last));
        self.items.push_back((at, item));
    }
}

fn split(bytes: &Bytes, probability: f64, rng: &mut Rng) -> Vec<Bytes> {
    let mut rest = bytes.clone();
    let mut pieces = Vec::new();
    let mut length = 0;
    while length < rest.len() {
        length += 1;
        if length < rest.len() && rng.chance(probability) {
            pieces.push(rest.split_to(length));
            length = 0;
        }
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

fn corrupted(piece: &Bytes, rng: &mut Rng) -> Bytes {
    let mut bytes = piece.to_vec();
    let flip = u8::try_from(rng.below(255)).unwrap_or(0) + 1;
    let index = usize::try_from(rng.below(bytes.len() as u64)).unwrap_or(0);
    if let Some(byte) = bytes.get_mut(index) {
        *byte ^= flip;
    }
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn sent_through(faults: &NetFaults, seed: u64) -> (Vec<u8>, usize) {
        let mut lane = Lane::default();
        let mut rng = Rng::new(seed);
        let start = clock::now();
        for n in 0..100_u8 {
            lane.send(start + Duration::from_millis(u64::from(n)), &Bytes::from(vec![n; 10]), faults, &mut rng);
        }
        let mut arrivals = Vec::new();
        let mut bytes = Vec::new();
        while let Some(at) = lane.next_arrival() {
            arrivals.push(at);
            if let Some(Item::Bytes(piece)) = lane.take() {
                bytes.extend_from_slice(&piece);
            }
        }
        assert!(arrivals.is_sorted(), "the order is kept");
        (bytes, arrivals.len())
    }

    fn whole() -> Vec<u8> {
        (0..100_u8).flat_map(|n| [n; 10]).collect()
    }

    #[test]
    fn a_perfect_line_changes_nothing() {
        assert_eq!(sent_through(&NetFaults::perfect(), 1), (whole(), 100));
    }

    #[test]
    fn a_choppy_line_only_splits_and_delays() {
        let (bytes, pieces) = sent_through(&NetFaults::choppy(), 1);
        assert_eq!(bytes, whole());
        assert!(pieces > 150, "{pieces}");
    }

    #[test]
    fn each_fault_does_its_harm() {
        let only = |change: fn(&mut NetFaults)| {
            let mut faults = NetFaults::perfect();
            change(&mut faults);
            sent_through(&faults, 1).0
        };
        assert!(only(|f| f.drop = 0.1).len() < 1000);
        assert!(only(|f| f.duplicate = 0.1).len() > 1000);
        let corrupted = only(|f| f.corrupt = 0.1);
        assert_eq!(corrupted.len(), 1000);
        assert_ne!(corrupted, whole());
    }

    #[test]
    fn a_cut_is_reported_to_the_caller() {
        let faults = NetFaults { cut: 1.0, ..NetFaults::perfect() };
        assert!(Lane::default().send(clock::now(), &Bytes::from_static(b"x"), &faults, &mut Rng::new(1)));
    }
}
