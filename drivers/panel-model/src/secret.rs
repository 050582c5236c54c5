//! Secrets. They print as `<redacted>` whatever their length, cannot be serialised, and are wiped on drop.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use self::constant_time::same;

mod constant_time {
    /// Compares without leaving early, so that the time taken does not tell how much was right.
    pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
        a.len() == b.len() && a.iter().zip(b).fold(0_u8, |diff, (x, y)| diff | (x ^ y)) == 0
    }
}

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// Takes the text as it is; what it must look like is the panel's matter ([`crate::CodeRules`]).
            #[must_use]
            pub fn new(text: String) -> Self {
                Self(SecretString::from(text))
            }

            /// The secret itself. Call it only in a codec, a seal, the duplicate check or a key derivation.
            #[must_use]
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                same(self.expose().as_bytes(), other.expose().as_bytes())
            }
        }

        impl Eq for $name {}

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(<redacted>)"))
            }
        }
    };
}

secret! {
    /// The code of a panel user: digits, 4 to 8 of them by panel.
    AccessCode
}
secret! {
    /// The code that opens a panel's installer programming.
    InstallerCode
}
secret! {
    /// A password of a communication module.
    Password
}

/// Keyed hash of a code: tells equal codes apart from different ones without revealing them.
/// Only the holder of the box's key can compute it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CodeHash(pub [u8; 32]);

impl fmt::Debug for CodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_code_nor_length() {
        let short = format!("{:?}", AccessCode::new("1234".into()));
        let long = format!("{:?}", AccessCode::new("12345678".into()));
        assert_eq!(short, "AccessCode(<redacted>)");
        assert_eq!(short, long);
    }

    #[test]
    fn equality_is_by_content() {
        assert_eq!(AccessCode::new("0042".into()), AccessCode::new("0042".into()));
        assert_ne!(AccessCode::new("0042".into()), AccessCode::new("042".into()));
    }
}
