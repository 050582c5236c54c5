use std::collections::VecDeque;

/// Records of the outbox that are on their way. Pure bookkeeping.
///
/// A record may be deleted only when the broker has it and everything that was sent before it: so the outbox never has
/// a hole before a record that the broker lacks, and after a crash the rest comes again in order.
#[derive(Debug, Default)]
pub(super) struct Window {
    sent: VecDeque<Sent>,
    /// Taken by the broker, not yet deleted.
    taken: Vec<u64>,
    /// Being deleted now.
    deleting: Vec<u64>,
}

#[derive(Debug)]
struct Sent {
    seq: u64,
    taken: bool,
}

impl Window {
    /// Most records on their way at once.
    pub(super) const SENT: usize = super::session::IN_FLIGHT as usize;
    /// Most records that wait for their deletion; sending stops there.
    const WAITING: usize = 512;

    /// How many more records may be sent now.
    pub(super) fn free(&self) -> usize {
        if self.taken.len() + self.deleting.len() >= Self::WAITING {
            return 0;
        }
        Self::SENT.saturating_sub(self.sent.len())
    }

    pub(super) fn is_idle(&self) -> bool {
        self.sent.is_empty()
    }

    /// Everything that the outbox still has and that must not be sent again on this connection.
    pub(super) fn known(&self) -> Vec<u64> {
        self.sent
            .iter()
            .map(|sent| sent.seq)
            .chain(self.taken.iter().copied())
            .chain(self.deleting.iter().copied())
            .collect()
    }

    pub(super) fn send(&mut self, seq: u64) {
        self.sent.push_back(Sent { seq, taken: false });
    }

    pub(super) fn acknowledge(&mut self, seq: u64) {
        if let Some(sent) = self.sent.iter_mut().find(|sent| sent.seq == seq) {
            sent.taken = true;
        }
        while self.sent.front().is_some_and(|first| first.taken) {
            self.taken.extend(self.sent.pop_front().map(|first| first.seq));
        }
    }

    /// The broker did not take it: it comes again with a later fetch.
    pub(super) fn give_back(&mut self, seq: u64) {
        self.sent.retain(|sent| sent.seq != seq);
        self.acknowledge(seq);
    }

    /// How many records wait for their deletion.
    pub(super) fn waiting(&self) -> usize {
        self.taken.len()
    }

    /// What to delete now; nothing while a deletion runs.
    pub(super) fn begin_deletion(&mut self) -> Vec<u64> {
        if self.deleting.is_empty() {
            self.deleting = std::mem::take(&mut self.taken);
            self.deleting.clone()
        } else {
            Vec::new()
        }
    }

    pub(super) fn deleted(&mut self) {
        self.deleting.clear();
    }

    /// The deletion failed: try again with the next.
    pub(super) fn not_deleted(&mut self) {
        let mut again = std::mem::take(&mut self.deleting);
        again.append(&mut self.taken);
        self.taken = again;
    }

    /// The connection ended: what was not acknowledged is sent again on the next.
    pub(super) fn reset(&mut self) {
        self.sent.clear();
        self.not_deleted();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deletion_waits_for_everything_that_was_sent_before() {
        let mut window = Window::default();
        for seq in [7, 3, 9] {
            window.send(seq);
        }
        window.acknowledge(3);
        window.acknowledge(9);
        assert!(window.begin_deletion().is_empty(), "7 is not acknowledged");
        window.acknowledge(7);
        assert_eq!(window.begin_deletion(), [7, 3, 9]);
        assert!(window.begin_deletion().is_empty(), "one deletion at a time");
        assert_eq!(window.known(), [7, 3, 9], "not sent again before they are gone");
        window.deleted();
        assert!(window.known().is_empty());
    }

    #[test]
    fn a_lost_connection_forgets_what_was_not_acknowledged_and_nothing_else() {
        let mut window = Window::default();
        window.send(1);
        window.send(2);
        window.acknowledge(1);
        window.begin_deletion();
        window.reset();
        assert_eq!(window.known(), [1]);
        assert_eq!(window.begin_deletion(), [1]);
    }

    #[test]
    fn what_the_broker_refuses_does_not_hold_up_the_rest() {
        let mut window = Window::default();
        window.send(1);
        window.send(2);
        window.acknowledge(2);
        window.give_back(1);
        assert_eq!(window.begin_deletion(), [2]);
        assert!(window.is_idle());
    }

    #[test]
    fn no_more_than_the_limits_are_on_their_way() {
        let mut window = Window::default();
        for seq in 0..64 {
            assert_eq!(window.free(), 64 - usize::try_from(seq).expect("small"));
            window.send(seq);
        }
        assert_eq!(window.free(), 0);
        let mut seq = 64;
        while window.waiting() < 512 {
            window.acknowledge(seq - 64);
            if window.free() > 0 {
                window.send(seq);
                seq += 1;
            }
        }
        assert_eq!(window.free(), 0, "a store that does not delete stops the sending");
    }
}
