//! The virtual keypad's display and what its texts mean. Wording differs by firmware and is [inferred] but for a few
//! captures: this table is the place to change after a look at real hardware.

use std::fmt;

use panel_model::Slot;
use zeroize::Zeroize;

use crate::message::Text;

/// Two lines of 16 characters. Wiped on drop, never printed: it may show codes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Screen([u8; 32]);

impl Default for Screen {
    fn default() -> Self {
        Self([b' '; 32])
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Screen(<redacted>)")
    }
}

/// What a screen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScreenKind {
    /// Outside any menu: ready, not ready, armed, date and time.
    Resting,
    /// A master or access code is wanted.
    CodeWanted,
    /// The installer code is wanted.
    InstallerCodeWanted,
    /// The list of `*5`: a user's line, with its `P` if it has a code.
    User { slot: Slot, programmed: bool },
    /// `*5`: digits of a code are wanted.
    NewCode,
    /// Menu 98: bit 0 is partition 1.
    Partitions(u8),
    /// Menu 99: bit 0 is attribute 1.
    Attributes(u8),
    /// A code was refused.
    Invalid,
    /// The function is not available now.
    NotAvailable,
    /// `*8`: the number of a section is wanted.
    SectionWanted,
    /// `*8`: a section that holds a code; its digits are on the second line.
    SectionCode,
    /// Anything else, or half of an update.
    Other,
}

impl Screen {
    /// Writes text from a position on; what does not fit is not shown.
    pub(crate) fn write(&mut self, line: u8, column: u8, text: &Text) {
        let from = usize::from(line) * 16 + usize::from(column);
        for (cell, byte) in self.0.iter_mut().skip(from).zip(text.bytes()) {
            *cell = *byte;
        }
    }

    /// What the screen is, matched loosely.
    pub(crate) fn kind(&self) -> ScreenKind {
        let mut folded = self.0.map(|b| b.to_ascii_lowercase());
        let kind = self.classify(&folded);
        folded.zeroize();
        kind
    }

    fn classify(&self, folded: &[u8; 32]) -> ScreenKind {
        let has = |words: &[u8]| folded.windows(words.len()).any(|w| w == words);
        let first = |words: &[u8]| folded.get(..16).is_some_and(|l| l.windows(words.len()).any(|w| w == words));
        if first(b"press (*)") {
            // The main menu: it names the others.
            ScreenKind::Other
        } else if has(b"invalid") {
            ScreenKind::Invalid
        } else if has(b"not") && has(b"available") {
            ScreenKind::NotAvailable
        } else if has(b"installer code") {
            ScreenKind::InstallerCodeWanted
        } else if has(b"master code") || has(b"access code") {
            ScreenKind::CodeWanted
        } else if first(b"new code") {
            ScreenKind::NewCode
        } else if first(b"partition") {
            self.mask().map_or(ScreenKind::Other, ScreenKind::Partitions)
        } else if first(b"attribute") {
            self.mask().map_or(ScreenKind::Other, ScreenKind::Attributes)
        } else if has(b"section") {
            ScreenKind::SectionWanted
        } else if let Some(slot) = self.user() {
            ScreenKind::User { slot, programmed: self.0.last() == Some(&b'P') }
        } else if [&b"system is"[..], b"secure system", b"system armed", b"date", b"exit delay"].iter().any(|w| has(w))
        {
            ScreenKind::Resting
        } else if first(b"code") {
            ScreenKind::SectionCode
        } else {
            ScreenKind::Other
        }
    }

    /// The second line: the digits of a section that shows a code.
    pub(crate) fn shows_digits(&self, digits: &str) -> bool {
        let line = self.0.get(16..).unwrap_or_default();
        line.trim_ascii() == digits.as_bytes()
    }

    /// `User NN` on the second line.
    fn user(&self) -> Option<Slot> {
        let line = self.0.get(16..)?;
        let at = line.windows(5).position(|w| w.eq_ignore_ascii_case(b"user "))?;
        let digits = line.get(at + 5..at + 7)?;
        let number: u32 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        Slot::new(number).ok()
    }

    /// The eight cells of a toggle line: a digit where the bit is on, `-` where it is off.
    fn mask(&self) -> Option<u8> {
        let line = self.0.get(16..)?.trim_ascii();
        if line.len() != 8 {
            return None;
        }
        (1..=8_u8).zip(line).try_fold(0, |mask, (n, cell)| match cell {
            b'-' => Some(mask),
            digit if *digit == b'0' + n => Some(mask | 1 << (n - 1)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(first: &str, second: &str) -> ScreenKind {
        let mut screen = Screen::default();
        screen.write(0, 0, &Text::new(&format!("{first:16}{second:16}")));
        screen.kind()
    }

    fn slot(n: u32) -> Slot {
        Slot::new(n).expect("in range")
    }

    #[test]
    fn the_texts_of_the_dossier_are_known() {
        for (first, second, expected) in [
            ("System is", "Ready to Arm  <>", ScreenKind::Resting),
            ("Secure System", "Before Arming <>", ScreenKind::Resting),
            ("System Armed", "in Away Mode", ScreenKind::Resting),
            ("  Date     Time", "JUL 08/14 10:49p", ScreenKind::Resting),
            ("Press (*) for <>", "Access Codes", ScreenKind::Other),
            ("Enter", "Master Code", ScreenKind::CodeWanted),
            ("Enter", "Access Code", ScreenKind::CodeWanted),
            ("Enter", "Installer Code", ScreenKind::InstallerCodeWanted),
            ("(*) to Edit <>", "User 01        P", ScreenKind::User { slot: slot(1), programmed: true }),
            ("(*) to Edit <>", "User 95", ScreenKind::User { slot: slot(95), programmed: false }),
            ("Enter New Code", "AAAA", ScreenKind::NewCode),
            ("Partitions", "12------", ScreenKind::Partitions(0b11)),
            ("Attributes", "--34---8", ScreenKind::Attributes(0b1000_1100)),
            ("Attributes", "User 01        P", ScreenKind::Other),
            ("Partitions", "21------", ScreenKind::Other),
            ("Invalid", "Access Code", ScreenKind::Invalid),
            ("Function not", "available", ScreenKind::NotAvailable),
            ("Enter Section", "---", ScreenKind::SectionWanted),
            ("Code", "4711", ScreenKind::SectionCode),
            ("", "", ScreenKind::Other),
        ] {
            assert_eq!(kind(first, second), expected, "{first} / {second}");
        }
    }

    #[test]
    fn parts_of_a_screen_can_be_written() {
        let mut screen = Screen::default();
        screen.write(0, 0, &Text::new("Partitions"));
        screen.write(1, 0, &Text::new("1-------"));
        screen.write(1, 1, &Text::new("2"));
        assert_eq!(screen.kind(), ScreenKind::Partitions(0b11));
        screen.write(1, 15, &Text::new("long text"));
        assert_eq!(screen.0.last(), Some(&b'l'), "what does not fit is not shown");
    }
}
