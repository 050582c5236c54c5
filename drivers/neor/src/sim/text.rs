//! Label texts as panels hold them: UTF-16 units, whatever they mean.

use std::fmt;

/// A user's label has 14 units, a zone's or partition's two lines of 14 `[impl NH]`.
pub(super) const USER_UNITS: usize = 14;
pub(super) const LABEL_UNITS: usize = 28;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text(Vec<u16>);

/// What fills a text up to its width on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filler {
    /// UTF-16 blanks.
    Spaces,
    /// Zeros.
    Nul,
}

impl Text {
    pub(super) fn new(text: &str) -> Self {
        Self(text.encode_utf16().collect())
    }

    /// Takes a text as it is written, blanks and zeros at its end left out.
    pub(super) fn from_be_bytes(bytes: &[u8]) -> Self {
        let mut units: Vec<u16> =
            bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair_at(pair, 0), pair_at(pair, 1)])).collect();
        while matches!(units.last(), Some(0 | 0x20)) {
            units.pop();
        }
        Self(units)
    }

    /// The text at its width, as it is read.
    pub(super) fn to_be_bytes(&self, units: usize, filler: Filler) -> Vec<u8> {
        let filler = match filler {
            Filler::Spaces => 0x20,
            Filler::Nul => 0,
        };
        let padded = self.0.iter().copied().chain(std::iter::repeat(filler)).take(units);
        padded.flat_map(u16::to_be_bytes).collect()
    }
}

fn pair_at(pair: &[u8], index: usize) -> u8 {
    pair.get(index).copied().unwrap_or(0)
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf16_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_padded_when_read_and_trimmed_when_written() {
        let alice = Text::new("Alice");
        let bytes = alice.to_be_bytes(USER_UNITS, Filler::Spaces);
        assert_eq!(bytes.len(), 28);
        assert_eq!(bytes[..4], [0, b'A', 0, b'l']);
        assert_eq!(bytes[26..], [0, 0x20]);
        assert_eq!(Text::from_be_bytes(&bytes), alice);
        assert_eq!(alice.to_be_bytes(USER_UNITS, Filler::Nul)[26..], [0, 0]);
        assert_eq!(
            Text::from_be_bytes(&[0xD8, 0, 0, 0x41]).to_string(),
            "\u{FFFD}A",
            "half a pair is kept, shown lossy"
        );
    }
}
