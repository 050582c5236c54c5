use std::fmt;

use crypto_box::{PublicKey, SecretKey};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use panel_model::{CodeHash, PanelId};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::keyfile::{self, KeyError, KeyOrigin, KeySource};

/// A derived key: wiped when it is dropped.
pub(super) type Key = Zeroizing<[u8; 32]>;

/// The keys of one box, all derived from its 32-byte master key by HKDF-SHA256 with a label each. The master key
/// itself is not kept.
pub struct Keys {
    /// Label `db-field/v1`: fields sealed at rest.
    pub(super) field: Key,
    /// Label `pepper/v1`: keyed hashes of codes.
    pepper: Key,
    /// Label `password/v1`: the pepper of people's passwords.
    password: Key,
    /// Label `sealbox/v1`: the box's X25519 key, the same as long as the master key is.
    sealbox: SecretKey,
    origin: KeyOrigin,
}

impl Keys {
    /// Loads the master key, or makes one on the first start.
    ///
    /// # Errors
    /// [`KeyError`] when the key cannot be read or made, is not 32 bytes long, or is readable by others.
    pub fn load(source: &KeySource) -> Result<Self, KeyError> {
        let (master, origin) = keyfile::load(source)?;
        Ok(Self::derive(&master, origin))
    }

    /// Keys of a master key that is given as it is: for tests and simulations.
    #[must_use]
    pub fn from_bytes(master: [u8; 32]) -> Self {
        Self::derive(&Zeroizing::new(master), KeyOrigin::Given)
    }

    fn derive(master: &[u8; 32], origin: KeyOrigin) -> Self {
        let hkdf = Hkdf::<Sha256>::new(None, master);
        Self {
            field: expand(&hkdf, b"db-field/v1"),
            pepper: expand(&hkdf, b"pepper/v1"),
            password: expand(&hkdf, b"password/v1"),
            sealbox: SecretKey::from_bytes(*expand(&hkdf, b"sealbox/v1")),
            origin,
        }
    }

    /// Where the master key came from. A key file beside the database is worth a standing warning: who copies the
    /// directory has both.
    #[must_use]
    pub fn origin(&self) -> &KeyOrigin {
        &self.origin
    }

    /// Keyed hash of a code: equal for equal codes of one panel, and told by nobody without the key. HMAC-SHA256
    /// over panel id, NUL, code.
    #[must_use]
    pub fn code_hash(&self, panel: &PanelId, code: &str) -> CodeHash {
        #[allow(clippy::expect_used, reason = "HMAC takes keys of every length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(self.pepper.as_slice()).expect("a key of any length");
        mac.update(panel.as_str().as_bytes());
        mac.update(&[0]);
        mac.update(code.as_bytes());
        CodeHash(mac.finalize().into_bytes().into())
    }

    /// The pepper of people's passwords: without it a copy of the database is no help in guessing them.
    #[must_use]
    pub fn password_pepper(&self) -> &[u8; 32] {
        &self.password
    }

    /// The key that others seal codes to ([`super::seal_to`]); it stands in `info`.
    #[must_use]
    pub fn sealing_public_key(&self) -> [u8; 32] {
        *PublicKey::from(&self.sealbox).as_bytes()
    }

    pub(super) fn sealbox(&self) -> &SecretKey {
        &self.sealbox
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("origin", &self.origin).finish_non_exhaustive()
    }
}

fn expand(hkdf: &Hkdf<Sha256>, label: &[u8]) -> Key {
    let mut key = Zeroizing::new([0; 32]);
    #[allow(clippy::expect_used, reason = "HKDF-SHA256 gives up to 8160 bytes")]
    hkdf.expand(label, key.as_mut_slice()).expect("32 bytes");
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(id: &str) -> PanelId {
        id.parse().expect("a panel id")
    }

    /// Values of an independent implementation: Python's hmac and PyNaCl, see `seal.rs`.
    #[test]
    fn derived_keys_are_the_ones_that_others_derive() {
        let keys = Keys::from_bytes([7; 32]);
        let hash = keys.code_hash(&panel("dsc-1"), "4711");
        assert_eq!(hex(&hash.0), "31691f364c6195142d617f3a22f8a1ca410a343a9677940952f4244b6985da25");
        assert_eq!(hex(&keys.sealing_public_key()), "7c6377166967aaf3410008a1eb4d4f0fea807240832cba899e57cf25d5716c51");
    }

    #[test]
    fn hashes_tell_panels_codes_and_boxes_apart() {
        let keys = Keys::from_bytes([7; 32]);
        let hash = keys.code_hash(&panel("dsc-1"), "4711");
        assert_eq!(hash, keys.code_hash(&panel("dsc-1"), "4711"));
        assert_ne!(hash, keys.code_hash(&panel("dsc-1"), "4712"));
        assert_ne!(hash, keys.code_hash(&panel("dsc-2"), "4711"));
        assert_ne!(hash, Keys::from_bytes([8; 32]).code_hash(&panel("dsc-1"), "4711"));
        assert_ne!(keys.code_hash(&panel("dsc-1"), "04"), keys.code_hash(&panel("dsc-10"), "4"), "the NUL divides");
    }

    #[test]
    fn debug_shows_no_key() {
        let text = format!("{:?}", Keys::from_bytes([7; 32]));
        assert_eq!(text, "Keys { origin: Given, .. }");
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }
}
