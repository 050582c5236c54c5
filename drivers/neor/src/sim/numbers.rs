//! The panel's view of the two sequence bytes. Written apart from the codec's, so that a mistake there does not find
//! its twin here; in strict mode it takes nothing but the vendor's rule (dossier 2.3).

use zeroize::Zeroizing;

use crate::codec::SequenceMode;

pub(super) struct Numbers {
    mode: SequenceMode,
    own: u8,
    before: u8,
    peer: u8,
    /// What we acknowledged last: the server may not go on before.
    told: u8,
    /// The first message goes out as 0.
    begun: bool,
    last: Zeroizing<Vec<u8>>,
}

/// What came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    /// Our message in flight is acknowledged.
    pub(super) acknowledges: bool,
    pub(super) is_new: bool,
}

impl Numbers {
    pub(super) fn new(mode: SequenceMode) -> Self {
        Self { mode, own: 0, before: 0, peer: 0, told: 0, begun: false, last: Zeroizing::default() }
    }

    /// The bytes of the next message.
    pub(super) fn message(&mut self) -> [u8; 2] {
        if std::mem::replace(&mut self.begun, true) {
            self.before = self.own;
            self.own = next(self.own);
        }
        self.acknowledgement()
    }

    /// The bytes of a SimpleAck.
    pub(super) fn acknowledgement(&mut self) -> [u8; 2] {
        self.told = self.peer;
        [self.own, self.peer]
    }

    /// Goes on elsewhere, as numbers do that were given before the last session broke.
    pub(super) fn jump(&mut self, to: u8) {
        self.own = to;
        self.before = to;
    }

    /// Takes a packet; `content` is empty in a SimpleAck.
    ///
    /// # Errors
    /// What is wrong with its numbers.
    pub(super) fn take(&mut self, sender: u8, receiver: u8, content: &[u8]) -> Result<Taken, &'static str> {
        let strict = self.mode == SequenceMode::Strict;
        if strict && receiver != self.own && receiver != self.before {
            return Err("acknowledges what was not sent");
        }
        let acknowledges = receiver == self.own;
        if content.is_empty() {
            if strict && sender != self.peer {
                return Err("an acknowledgement with a number of its own");
            }
            return Ok(Taken { acknowledges, is_new: false });
        }
        let repeated = sender == self.peer && (strict || *content == **self.last);
        if repeated && !self.last.is_empty() {
            return Ok(Taken { acknowledges, is_new: false });
        }
        if strict && sender != next(self.peer) {
            return Err("a number out of step");
        }
        if strict && self.told != self.peer {
            return Err("a message before the last one was acknowledged");
        }
        self.peer = sender;
        self.last.clear();
        self.last.extend_from_slice(content);
        Ok(Taken { acknowledges, is_new: true })
    }
}

/// 255 wraps to 1.
fn next(number: u8) -> u8 {
    match number {
        255 => 1,
        n => n + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Result<Taken, &str> = Ok(Taken { acknowledges: true, is_new: true });

    fn opened(mode: SequenceMode) -> Numbers {
        let mut numbers = Numbers::new(mode);
        assert_eq!(numbers.message(), [0, 0]);
        assert_eq!(numbers.take(1, 0, &[5, 2]), NEW);
        assert_eq!(numbers.acknowledgement(), [0, 1]);
        numbers
    }

    #[test]
    fn strict_takes_the_vendors_rule_only() {
        let mut numbers = opened(SequenceMode::Strict);
        assert_eq!(numbers.take(2, 0, &[6]), NEW);
        assert!(numbers.take(3, 0, &[6]).is_err(), "2 is not acknowledged");
        assert_eq!(numbers.message(), [1, 2]);
        assert_eq!(numbers.take(2, 1, &[6]), Ok(Taken { acknowledges: true, is_new: false }), "sent again");
        assert!(numbers.take(4, 1, &[6]).is_err());
        assert!(numbers.take(3, 2, &[6]).is_err(), "2 was not sent");
        assert!(numbers.take(0, 1, &[]).is_err(), "as the older library acknowledges");
        assert_eq!(numbers.take(2, 1, &[]), Ok(Taken { acknowledges: true, is_new: false }));
        assert_eq!(numbers.take(3, 0, &[7]), Ok(Taken { acknowledges: false, is_new: true }), "the one before");
    }

    #[test]
    fn lenient_takes_the_other_schemes_too() {
        let mut numbers = opened(SequenceMode::Lenient);
        assert_eq!(numbers.take(1, 0, &[6, 0x0A]), NEW, "a response with the number of the message before");
        assert_eq!(numbers.take(1, 0, &[6, 0x0A]), Ok(Taken { acknowledges: true, is_new: false }));
        assert_eq!(numbers.take(9, 0, &[6, 0x0A]), NEW);
        assert_eq!(numbers.take(0, 0, &[]), Ok(Taken { acknowledges: true, is_new: false }));
    }

    #[test]
    fn numbers_wrap_to_one() {
        let mut numbers = opened(SequenceMode::Strict);
        numbers.jump(255);
        assert_eq!(numbers.message(), [1, 1]);
    }
}
