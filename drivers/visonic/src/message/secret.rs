//! What must not be printed: codes in the two bytes that they travel in, and bytes that may hold codes.

use std::fmt;
use std::ops::Deref;

use panel_model::AccessCode;
use zeroize::Zeroizing;

/// A code as it travels: four hex digits in two bytes. A person's code has decimal digits only; a download code may
/// have `A` to `F` [doc F].
#[derive(Clone, PartialEq, Eq)]
pub struct WireCode(Zeroizing<[u8; 2]>);

impl WireCode {
    /// `0000`, which stands for "none".
    #[must_use]
    pub fn none() -> Self {
        Self::from_bytes([0, 0])
    }

    /// The two bytes of the wire.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 2]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Four hex digits, such as `1234` or `AAAA`; `None` for anything else.
    #[must_use]
    pub fn from_digits(digits: &str) -> Option<Self> {
        let well_formed = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = u16::from_str_radix(digits, 16).ok().filter(|_| well_formed)?;
        Some(Self::from_bytes(value.to_be_bytes()))
    }

    /// The two bytes of the wire.
    #[must_use]
    pub fn bytes(&self) -> [u8; 2] {
        *self.0
    }

    /// Whether a slot that holds this is empty [impl P4] [impl OH].
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(*self.0, [0, 0] | [0xFF, 0xFF])
    }

    /// The code of a person; `None` when the slot is empty or holds what no keypad can type.
    #[must_use]
    pub fn access_code(&self) -> Option<AccessCode> {
        let digits = Zeroizing::new(self.digits());
        let typed = digits.bytes().all(|byte| byte.is_ascii_digit()) && !self.is_none();
        typed.then(|| AccessCode::new(digits.to_string()))
    }

    /// The four digits. A secret like the code itself.
    #[must_use]
    pub fn digits(&self) -> String {
        let [high, low] = *self.0;
        format!("{high:02X}{low:02X}")
    }
}

impl fmt::Debug for WireCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WireCode(<redacted>)")
    }
}

/// Bytes that may hold codes, such as a block of EEPROM. Wiped on drop and never printed.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Hidden(Zeroizing<Vec<u8>>);

impl Hidden {
    /// Takes the bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }
}

impl Deref for Hidden {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_travel_as_hex_digits() {
        let code = WireCode::from_digits("1234").expect("digits");
        assert_eq!(code.bytes(), [0x12, 0x34]);
        assert_eq!(code.access_code(), Some(AccessCode::new("1234".into())));
        let download = WireCode::from_digits("AAAA").expect("digits");
        assert_eq!(download.access_code(), None, "nobody can type it");
        for wrong in ["123", "12345", "12g4", "+123", ""] {
            assert_eq!(WireCode::from_digits(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_empty_slot_is_no_code() {
        for bytes in [[0, 0], [0xFF, 0xFF]] {
            let code = WireCode::from_bytes(bytes);
            assert!(code.is_none() && code.access_code().is_none());
        }
    }

    #[test]
    fn neither_prints_what_it_holds() {
        assert_eq!(format!("{:?}", WireCode::from_bytes([0x47, 0x11])), "WireCode(<redacted>)");
        assert_eq!(format!("{:?}", Hidden::new([0x47, 0x11])), "<redacted>");
    }
}
