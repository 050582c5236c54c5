use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto_box::PublicKey;
use crypto_box::aead::OsRng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::{Keys, SealError};

/// Longest sealed text that is looked at, in characters of base64. Codes and passwords are far shorter.
const MAX_CHARS: usize = 1024;

/// A code on its way: libsodium's sealed box to the key in `info`, base64 (standard alphabet, padded).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object with the code `sealed`, never a number or clear text")]
pub struct SealedCode {
    /// The box.
    pub sealed: String,
}

/// Seals a secret to a box's public key, as libsodium's `crypto_box_seal` does.
///
/// # Errors
/// [`SealError::CannotSeal`] when the secret is too long to be opened again.
pub fn seal_to(public: &[u8; 32], secret: &str) -> Result<SealedCode, SealError> {
    let sealed = PublicKey::from_bytes(*public).seal(&mut OsRng, secret.as_bytes());
    let sealed = STANDARD.encode(sealed.map_err(|_| SealError::CannotSeal)?);
    if sealed.len() > MAX_CHARS {
        return Err(SealError::CannotSeal);
    }
    Ok(SealedCode { sealed })
}

impl Keys {
    /// Opens a sealed box that was made for this box's key.
    ///
    /// # Errors
    /// [`SealError::Format`] when it is no base64 or too long, [`SealError::Wrong`] when it was made for another key
    /// or changed, [`SealError::NotText`] when its content is not UTF-8.
    pub fn open_sealed(&self, code: &SealedCode) -> Result<Zeroizing<String>, SealError> {
        if code.sealed.len() > MAX_CHARS {
            return Err(SealError::Format);
        }
        let sealed = STANDARD.decode(&code.sealed).map_err(|_| SealError::Format)?;
        let plain = self.sealbox().unseal(&sealed).map_err(|_| SealError::Wrong)?;
        String::from_utf8(plain).map(Zeroizing::new).map_err(|error| {
            error.into_bytes().zeroize();
            SealError::NotText
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_code_opens_with_its_own_key_only() {
        let keys = Keys::from_bytes([7; 32]);
        let code = seal_to(&keys.sealing_public_key(), "0042").expect("sealed");
        assert_eq!(keys.open_sealed(&code).expect("opened").as_str(), "0042");
        assert_eq!(Keys::from_bytes([8; 32]).open_sealed(&code), Err(SealError::Wrong));
        assert_ne!(code, seal_to(&keys.sealing_public_key(), "0042").expect("sealed"), "a fresh key each time");
    }

    /// Made by PyNaCl 1.6 (libsodium): `SealedBox(PublicKey(...)).encrypt(b"0042")`, the secret key derived by
    /// Python's own HMAC from the master key of 32 sevens.
    #[test]
    fn a_box_that_libsodium_sealed_opens() {
        let code =
            SealedCode { sealed: "f7LStJhjSIIxk24JAt4io0QRFblGPpT+zfe0fHpCGgjg6JWF7kr5FokDWZ2SoTP0LYAOow==".into() };
        assert_eq!(Keys::from_bytes([7; 32]).open_sealed(&code).expect("opened").as_str(), "0042");
    }

    #[test]
    fn what_is_no_sealed_code_is_refused() {
        let keys = Keys::from_bytes([7; 32]);
        let sealed_bytes = |bytes: &[u8]| {
            let public = PublicKey::from_bytes(keys.sealing_public_key());
            STANDARD.encode(public.seal(&mut OsRng, bytes).expect("sealed"))
        };
        for (text, why) in [
            (String::new(), SealError::Wrong),
            ("0042".to_owned(), SealError::Wrong),
            ("not base64!".to_owned(), SealError::Format),
            ("A".repeat(MAX_CHARS + 4), SealError::Format),
            (STANDARD.encode([1; 80]), SealError::Wrong),
            (sealed_bytes(&[0xff, 0xfe]), SealError::NotText),
        ] {
            assert_eq!(keys.open_sealed(&SealedCode { sealed: text.clone() }), Err(why), "{text}");
        }
    }

    #[test]
    fn a_secret_that_is_too_long_is_not_sealed() {
        let keys = Keys::from_bytes([7; 32]);
        let longest = "x".repeat(700);
        assert!(seal_to(&keys.sealing_public_key(), &longest).is_ok_and(|code| keys.open_sealed(&code).is_ok()));
        assert_eq!(seal_to(&keys.sealing_public_key(), &"x".repeat(1000)), Err(SealError::CannotSeal));
    }
}
