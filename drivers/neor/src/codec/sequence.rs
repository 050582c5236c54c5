//! The two sequence bytes of every packet (dossier 2.3). Sending follows the vendor's rule; what is taken depends on
//! the mode, because implementations differ and panels take all of them.

use zeroize::Zeroizing;

/// How exactly the peer's numbers are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SequenceMode {
    /// Rules 7 and 8 to the letter.
    Strict,
    /// Whatever numbers come are taken and gaps told; only an exact repetition is a duplicate.
    #[default]
    Lenient,
}

/// What an accepted packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// New.
    New,
    /// Sent again by the peer: to be acknowledged, and its content ignored.
    Duplicate,
    /// New, though its number is not the one that was due (lenient mode only).
    OutOfStep {
        /// The number due.
        expected: u8,
        /// The number that came.
        found: u8,
    },
}

/// A packet that must not be taken: `CommandError(command, 3)`, and the session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SequenceFault {
    /// The sender sequence is not the one due.
    #[error("sequence {found} where {expected} was due")]
    Sender {
        /// The number due.
        expected: u8,
        /// The number that came.
        found: u8,
    },
    /// The receiver sequence is neither our last nor the one before.
    #[error("acknowledges {found}, while {current} was sent last")]
    Receiver {
        /// Our last number.
        current: u8,
        /// The number acknowledged.
        found: u8,
    },
}

/// The counters of one side of a session.
#[derive(Clone)]
pub struct Sequences {
    /// Number of our last message that was not an acknowledgement.
    own: u8,
    /// The one before.
    before: u8,
    /// Number of the peer's last message; `None` before its first, when that opens the session.
    peer: Option<u8>,
    /// Our first message opens the session and goes out as 0.
    opens: bool,
    /// What the peer's last message said, to know a repetition in lenient mode. It may hold codes.
    last: Zeroizing<Vec<u8>>,
    acknowledged: bool,
}

impl std::fmt::Debug for Sequences {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sequences").field("own", &self.own).field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl Sequences {
    /// The side that sends the first message: the panel.
    #[must_use]
    pub fn opener() -> Self {
        Self { own: 0, before: 0, peer: Some(0), opens: true, last: Zeroizing::default(), acknowledged: true }
    }

    /// The side that is dialled: the server.
    #[must_use]
    pub fn acceptor() -> Self {
        Self { peer: None, opens: false, ..Self::opener() }
    }

    /// Sender and receiver byte of the next message that is not a SimpleAck.
    #[must_use]
    pub fn next_message(&mut self) -> (u8, u8) {
        if std::mem::take(&mut self.opens) {
            self.acknowledged = false;
            return self.current();
        }
        self.before = self.own;
        self.own = after(self.own);
        self.acknowledged = false;
        self.current()
    }

    /// Sender and receiver byte of a SimpleAck, or of the last message sent again.
    #[must_use]
    pub fn current(&self) -> (u8, u8) {
        (self.own, self.peer.unwrap_or(0))
    }

    /// Whether the peer has acknowledged our last message: only then the next one may be sent.
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        self.acknowledged
    }

    /// Takes the two bytes of a packet; `content` is what follows them, empty in a SimpleAck.
    ///
    /// # Errors
    /// [`SequenceFault`], in strict mode only.
    pub fn accept(
        &mut self,
        sender: u8,
        receiver: u8,
        content: &[u8],
        mode: SequenceMode,
    ) -> Result<Arrival, SequenceFault> {
        if receiver == self.own {
            self.acknowledged = true;
        } else if receiver != self.before && mode == SequenceMode::Strict {
            return Err(SequenceFault::Receiver { current: self.own, found: receiver });
        }
        if content.is_empty() {
            return Ok(Arrival::New);
        }
        let expected = self.peer.map_or(0, after);
        let arrival = match mode {
            SequenceMode::Strict => match () {
                () if sender == expected => Arrival::New,
                () if Some(sender) == self.peer => Arrival::Duplicate,
                () => return Err(SequenceFault::Sender { expected, found: sender }),
            },
            SequenceMode::Lenient if Some(sender) == self.peer && *content == **self.last => Arrival::Duplicate,
            SequenceMode::Lenient if sender == expected => Arrival::New,
            SequenceMode::Lenient => Arrival::OutOfStep { expected, found: sender },
        };
        if arrival != Arrival::Duplicate {
            self.peer = Some(sender);
            self.last.clear();
            self.last.extend_from_slice(content);
        }
        Ok(arrival)
    }
}

/// The number after this one: 255 wraps to 1, since 0 is the first message only.
#[must_use]
pub fn after(number: u8) -> u8 {
    number.checked_add(1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: SequenceMode = SequenceMode::Strict;
    const LENIENT: SequenceMode = SequenceMode::Lenient;

    #[test]
    fn the_handshake_has_the_vendors_numbers() {
        let (mut panel, mut server) = (Sequences::opener(), Sequences::acceptor());
        let mut said = Vec::new();
        for (panel_speaks, ack) in [
            (true, false),
            (false, false),
            (true, true),
            (false, false),
            (true, false),
            (false, true),
            (true, false),
            (false, false),
            (true, true),
            (false, false),
            (true, false),
            (false, true),
        ] {
            let (from, to) = if panel_speaks { (&mut panel, &mut server) } else { (&mut server, &mut panel) };
            let numbers = if ack { from.current() } else { from.next_message() };
            let content: &[u8] = if ack { &[] } else { &[6, 0x0A] };
            assert_eq!(to.accept(numbers.0, numbers.1, content, STRICT), Ok(Arrival::New));
            said.push(numbers);
        }
        let dossier = [(0, 0), (1, 0), (0, 1), (2, 0), (1, 2), (2, 1), (2, 2), (3, 2), (2, 3), (4, 2), (3, 4), (4, 3)];
        assert_eq!(said, dossier);
    }

    #[test]
    fn strict_refuses_what_lenient_takes() {
        let mut strict = Sequences::acceptor();
        assert_eq!(strict.accept(0, 0, &[1], STRICT), Ok(Arrival::New));
        assert_eq!(strict.accept(0, 0, &[9], STRICT), Ok(Arrival::Duplicate));
        let mut lenient = strict.clone();
        let fault = SequenceFault::Sender { expected: 1, found: 5 };
        assert_eq!(strict.accept(5, 0, &[2], STRICT), Err(fault));
        let step = Arrival::OutOfStep { expected: 1, found: 5 };
        assert_eq!(lenient.accept(5, 0, &[2], LENIENT), Ok(step));
        assert_eq!(lenient.accept(5, 0, &[2], LENIENT), Ok(Arrival::Duplicate));
        // NeoHub's responses carry the number of its last message again.
        let reuse = Arrival::OutOfStep { expected: 6, found: 5 };
        assert_eq!(lenient.accept(5, 0, &[3], LENIENT), Ok(reuse));
        let fault = SequenceFault::Receiver { current: 0, found: 9 };
        assert_eq!(strict.accept(1, 9, &[2], STRICT), Err(fault));
        assert_eq!(lenient.accept(6, 9, &[2], LENIENT), Ok(Arrival::New));
    }

    #[test]
    fn numbers_wrap_to_one_and_a_message_waits_for_its_acknowledgement() {
        let mut own = Sequences::acceptor();
        let _ = own.accept(0, 0, &[1], STRICT);
        for _ in 0..255 {
            let _ = own.next_message();
        }
        assert_eq!(own.current().0, 255);
        assert_eq!(own.next_message().0, 1);
        assert!(!own.is_acknowledged());
        assert_eq!(own.accept(0, 255, &[], STRICT), Ok(Arrival::New));
        assert!(!own.is_acknowledged(), "the one before");
        assert_eq!(own.accept(0, 1, &[], STRICT), Ok(Arrival::New));
        assert!(own.is_acknowledged());
    }
}
