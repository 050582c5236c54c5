use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::Keys;

/// Version of the sealed format and of the key label that it goes with.
const VERSION: u8 = 1;
const NONCE: usize = 24;

/// Something could not be sealed or opened. Says why in the coarsest way; never with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Sealed by another key, for another place, or changed since.
    #[error("it cannot be opened: sealed with another key, for another place, or changed")]
    Wrong,
    /// Not the format: too short, too long, no base64, an unknown version.
    #[error("it is not a sealed value")]
    Format,
    /// What was sealed is not text.
    #[error("what was sealed is not text")]
    NotText,
    /// The system gave no random bytes, or the value is too long.
    #[error("it cannot be sealed")]
    CannotSeal,
}

impl Keys {
    /// Seals a field for its place in the database: version byte, 24-byte nonce, XChaCha20-Poly1305 ciphertext, tag.
    ///
    /// `place` names table, panel, slot or name, divided by NUL; together with the key version it is authenticated,
    /// so that a sealed field that is moved to another row cannot be opened there.
    ///
    /// # Errors
    /// [`SealError::CannotSeal`] when the system gives no random bytes.
    pub fn seal_field(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| SealError::CannotSeal)?;
        let aad = associated(place);
        let payload = Payload { msg: plain, aad: &aad };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::CannotSeal)?;
        let mut field = Vec::with_capacity(1 + NONCE + sealed.len());
        field.push(VERSION);
        field.extend_from_slice(&nonce);
        field.extend_from_slice(&sealed);
        Ok(field)
    }

    /// Opens what [`Keys::seal_field`] sealed for the same place.
    ///
    /// # Errors
    /// [`SealError::Format`] or [`SealError::Wrong`].
    pub fn open_field(&self, place: &str, field: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (version, rest) = field.split_first().ok_or(SealError::Format)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(SealError::Format)?;
        if *version != VERSION {
            return Err(SealError::Format);
        }
        let aad = associated(place);
        let payload = Payload { msg: sealed, aad: &aad };
        let plain = self.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_| SealError::Wrong)?;
        Ok(Zeroizing::new(plain))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.field).into())
    }
}

fn associated(place: &str) -> Vec<u8> {
    let mut aad = Vec::with_capacity(1 + place.len());
    aad.push(VERSION);
    aad.extend_from_slice(place.as_bytes());
    aad
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_opens_in_its_place_only() {
        let keys = Keys::from_bytes([7; 32]);
        let field = keys.seal_field("secret\0dsc-1\0password", b"user").expect("sealed");
        assert_eq!(keys.open_field("secret\0dsc-1\0password", &field).expect("opened").as_slice(), b"user");
        assert_eq!(keys.open_field("secret\0dsc-2\0password", &field), Err(SealError::Wrong));
        assert_eq!(Keys::from_bytes([8; 32]).open_field("secret\0dsc-1\0password", &field), Err(SealError::Wrong));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let keys = Keys::from_bytes([7; 32]);
        let field = keys.seal_field("here", b"4711").expect("sealed");
        for n in 0..field.len() {
            let mut changed = field.clone();
            changed[n] ^= 1;
            assert!(keys.open_field("here", &changed).is_err(), "byte {n}");
            assert!(keys.open_field("here", &field[..n]).is_err(), "cut at {n}");
        }
    }

    #[test]
    fn the_same_code_never_looks_the_same() {
        let keys = Keys::from_bytes([7; 32]);
        assert_ne!(keys.seal_field("here", b"4711"), keys.seal_field("here", b"4711"));
    }

    /// Sealed by libsodium's crypto_aead_xchacha20poly1305_ietf_encrypt (PyNaCl 1.6), key by Python's own HMAC.
    #[test]
    fn a_field_that_libsodium_sealed_opens() {
        let field = "01b52f05f69b17d2163288213dd6386e9d7ec1e235940c20d04382dd182b0112607c7737800b8de6f074e18538";
        let field: Vec<u8> =
            (0..field.len()).step_by(2).map(|n| u8::from_str_radix(&field[n..n + 2], 16).expect("hex")).collect();
        let plain = Keys::from_bytes([7; 32]).open_field("desired_user\0dsc-1\x004", &field).expect("opened");
        assert_eq!(plain.as_slice(), b"0042");
    }
}
