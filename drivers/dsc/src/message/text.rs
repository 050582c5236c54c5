use std::fmt;

use zeroize::Zeroizing;

/// Text of a label or a screen, one byte per character (the keypads' own set, shown as Latin-1).
///
/// Screens may show codes: it is wiped on drop and prints as `<redacted>`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Text(Zeroizing<Vec<u8>>);

impl Text {
    /// Text to send. What a frame cannot carry becomes a blank.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let bytes = text.chars().map(|c| match u8::try_from(c) {
            Ok(b) if b >= 0x20 && b != 0x7F => b,
            _ => b' ',
        });
        Self(Zeroizing::new(bytes.collect()))
    }

    pub(super) fn from_wire(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// The bytes as on the wire.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, read as Latin-1.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.iter().map(|b| char::from(*b)).collect())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(<redacted>)")
    }
}
