//! How a session's keys come about (dossier 2.7). Each side's initializer gives the key for traffic **towards** it.

use panel_model::Password;
use zeroize::Zeroizing;

use super::crypto::{BLOCK, Key, RandomStream};

/// Length of a Type 1 initializer: 16 bytes of check, 32 of wrapped key material.
pub const TYPE1_LEN: usize = 48;
const WRAPPED: usize = 32;

/// Kind of encryption that an OpenSession announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// None.
    Type0,
    /// Keyed by integration identifier and 8-digit access code.
    Type1,
    /// Keyed by a code of 32 hexadecimal digits.
    Type2,
    /// Type 3 of communicator firmware 5.63, or something newer still. Not known to the public.
    Unknown(u8),
}

impl Encryption {
    /// From the byte of an OpenSession.
    #[must_use]
    pub fn from_byte(byte: u8) -> Self {
        match byte {
            0 => Self::Type0,
            1 => Self::Type1,
            2 => Self::Type2,
            other => Self::Unknown(other),
        }
    }

    /// The byte of an OpenSession.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Self::Type0 => 0,
            Self::Type1 => 1,
            Self::Type2 => 2,
            Self::Unknown(other) => other,
        }
    }
}

/// Who sent an initializer. Type 1 wraps a panel's with the identifier and a server's with the access code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Side {
    Panel,
    Server,
}

/// Why an initializer gives no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The initializer has the wrong length; bytes found.
    #[error("an initializer of {0} bytes")]
    Length(usize),
    /// Type 1: the check bytes do not match, so the identifier or the access code is another one.
    #[error("the initializer was made with another identifier or access code")]
    Check,
    /// The code that this type needs is not configured.
    #[error("no code for this type of encryption is configured")]
    NoCode,
    /// The code is not made of the hexadecimal digits that this type needs.
    #[error("the code does not have the hexadecimal digits that this type of encryption needs")]
    BadCode,
    /// Not a type that is known.
    #[error("this type of encryption is not known")]
    Unsupported,
}

/// What keys are derived from: the same on both sides.
#[derive(Debug, Clone, Default)]
pub struct KeyMaterial {
    /// \[422\] Integration Identification Number: 12 digits.
    pub identifier: String,
    /// \[423\] Type 1 Integration Access Code: 8 hexadecimal digits.
    pub type1: Option<Password>,
    /// \[700\] Type 2 access code: 32 hexadecimal digits; 8 of them stand for four times the same.
    pub type2: Option<Password>,
}

impl KeyMaterial {
    /// An initializer of `side` and the key that it gives. Type 0: the identifier as BCD, and no key.
    ///
    /// # Errors
    /// [`KeyError`] when a code is missing or malformed, or the type is not known.
    pub fn make(
        &self,
        encryption: Encryption,
        side: Side,
        random: &mut RandomStream,
    ) -> Result<(Vec<u8>, Option<Key>), KeyError> {
        match encryption {
            Encryption::Type0 => Ok((hex_digits(&self.identifier).unwrap_or_default().to_vec(), None)),
            Encryption::Type1 => {
                let (initializer, key) = make_type1(&self.wrapping_key(side)?, &Zeroizing::new(random.bytes()));
                Ok((initializer.to_vec(), Some(key)))
            }
            Encryption::Type2 => {
                let initializer: [u8; BLOCK] = random.bytes();
                let key = type2_key(&self.type2_code()?, &initializer)?;
                Ok((initializer.to_vec(), Some(key)))
            }
            Encryption::Unknown(_) => Err(KeyError::Unsupported),
        }
    }

    /// The key that an initializer of `side` gives; `None` for Type 0.
    ///
    /// # Errors
    /// [`KeyError`]. Type 2 has no check: a wrong code shows as traffic that cannot be read.
    pub fn open(&self, encryption: Encryption, side: Side, initializer: &[u8]) -> Result<Option<Key>, KeyError> {
        match encryption {
            Encryption::Type0 => Ok(None),
            Encryption::Type1 => open_type1(&self.wrapping_key(side)?, initializer).map(Some),
            Encryption::Type2 => type2_key(&self.type2_code()?, initializer).map(Some),
            Encryption::Unknown(_) => Err(KeyError::Unsupported),
        }
    }

    fn wrapping_key(&self, side: Side) -> Result<Key, KeyError> {
        match side {
            Side::Panel => type1_wrapping_key(&self.identifier),
            Side::Server => type1_wrapping_key(self.type1.as_ref().ok_or(KeyError::NoCode)?.expose()),
        }
    }

    fn type2_code(&self) -> Result<Key, KeyError> {
        type2_code(self.type2.as_ref().ok_or(KeyError::NoCode)?.expose())
    }
}

/// The first 8 characters of an identifier or access code as hexadecimal digits, four times.
///
/// # Errors
/// [`KeyError::BadCode`].
pub fn type1_wrapping_key(digits: &str) -> Result<Key, KeyError> {
    let four = hex_digits(digits.get(..8).ok_or(KeyError::BadCode)?).ok_or(KeyError::BadCode)?;
    repeated(&four)
}

/// The Type 2 code from its 32 digits, or from 8 digits that are repeated four times [doc EX].
///
/// # Errors
/// [`KeyError::BadCode`].
pub fn type2_code(digits: &str) -> Result<Key, KeyError> {
    repeated(&hex_digits(digits).ok_or(KeyError::BadCode)?)
}

fn repeated(bytes: &[u8]) -> Result<Key, KeyError> {
    let bytes = match bytes.len() {
        4 => bytes.repeat(4),
        _ => bytes.to_vec(),
    };
    Ok(Key::new(bytes.try_into().map_err(|_| KeyError::BadCode)?))
}

fn hex_digits(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let nibble = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(nibble(high)? << 4 | nibble(low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect::<Option<Vec<u8>>>().map(Zeroizing::new)
}

/// A Type 1 initializer from 32 random bytes: the even ones are the check, the odd ones the key.
#[must_use]
pub fn make_type1(wrapping: &Key, random: &[u8; WRAPPED]) -> ([u8; TYPE1_LEN], Key) {
    let (check, key) = halves(random);
    let mut wrapped = *random;
    wrapping.encrypt_blocks(&mut wrapped);
    let mut initializer = [0; TYPE1_LEN];
    initializer.iter_mut().zip(check.iter().chain(&wrapped)).for_each(|(to, from)| *to = *from);
    (initializer, Key::new(key))
}

/// The key in a Type 1 initializer.
///
/// # Errors
/// [`KeyError::Length`], [`KeyError::Check`].
pub fn open_type1(wrapping: &Key, initializer: &[u8]) -> Result<Key, KeyError> {
    let (check, wrapped) = initializer.split_at_checked(BLOCK).ok_or(KeyError::Length(initializer.len()))?;
    let wrapped: [u8; WRAPPED] = wrapped.try_into().map_err(|_| KeyError::Length(initializer.len()))?;
    let mut material = Zeroizing::new(wrapped);
    wrapping.decrypt_blocks(&mut *material);
    let (found, key) = halves(&material);
    if found == check { Ok(Key::new(key)) } else { Err(KeyError::Check) }
}

/// The key that a Type 2 initializer gives.
///
/// # Errors
/// [`KeyError::Length`].
pub fn type2_key(code: &Key, initializer: &[u8]) -> Result<Key, KeyError> {
    let mut key: [u8; BLOCK] = initializer.try_into().map_err(|_| KeyError::Length(initializer.len()))?;
    code.encrypt_blocks(&mut key);
    Ok(Key::new(key))
}

/// The bytes at even and at odd places.
fn halves(bytes: &[u8; WRAPPED]) -> ([u8; BLOCK], [u8; BLOCK]) {
    let (mut even, mut odd) = ([0; BLOCK], [0; BLOCK]);
    even.iter_mut().zip(bytes.iter().step_by(2)).for_each(|(to, from)| *to = *from);
    odd.iter_mut().zip(bytes.iter().skip(1).step_by(2)).for_each(|(to, from)| *to = *from);
    (even, odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn material() -> KeyMaterial {
        KeyMaterial {
            identifier: "310212345678".into(),
            type1: Some(Password::new("12345678".into())),
            type2: Some(Password::new("00112233445566778899AABBCCDDEEFF".into())),
        }
    }

    #[test]
    fn what_one_side_makes_the_other_opens() {
        let mut random = RandomStream::new(&[3; 32]);
        for encryption in [Encryption::Type1, Encryption::Type2] {
            for side in [Side::Panel, Side::Server] {
                let (initializer, key) = material().make(encryption, side, &mut random).unwrap();
                assert_eq!(material().open(encryption, side, &initializer).unwrap(), key);
                assert!(key.is_some());
            }
        }
    }

    #[test]
    fn the_wrong_side_or_code_is_found_out_in_type_1() {
        let mut random = RandomStream::new(&[3; 32]);
        let (initializer, _) = material().make(Encryption::Type1, Side::Server, &mut random).unwrap();
        assert_eq!(material().open(Encryption::Type1, Side::Panel, &initializer), Err(KeyError::Check));
        let other = KeyMaterial { type1: Some(Password::new("87654321".into())), ..material() };
        assert_eq!(other.open(Encryption::Type1, Side::Server, &initializer), Err(KeyError::Check));
        assert_eq!(material().open(Encryption::Type1, Side::Server, &initializer[1..]), Err(KeyError::Length(47)));
        assert_eq!(material().open(Encryption::Type2, Side::Server, &initializer), Err(KeyError::Length(48)));
    }

    #[test]
    fn codes_that_cannot_be_are_told() {
        let none = KeyMaterial { identifier: "310212345678".into(), ..KeyMaterial::default() };
        assert_eq!(none.open(Encryption::Type2, Side::Panel, &[0; 16]), Err(KeyError::NoCode));
        assert_eq!(none.open(Encryption::Unknown(3), Side::Panel, &[]), Err(KeyError::Unsupported));
        for bad in ["", "1234567", "1234567g", "123456789012"] {
            assert_eq!(type2_code(bad), Err(KeyError::BadCode), "{bad}");
        }
        assert_eq!(type2_code("12345678"), type2_code("12345678123456781234567812345678"));
    }
}
