use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::key_set::KEY_SET_TYPE;
use super::token::TOKEN_TYPE;
use super::{Claims, KeySet, Token};

/// The beginning of an Ed25519 key in PKCS #8 (RFC 8410, section 7); the 32 bytes of the seed follow.
const PKCS8: [u8; 16] = *b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

/// The cloud's half: makes tokens. A box has no signer; operators at the command line, and tests, do.
pub struct Signer {
    kid: String,
    pair: Ed25519KeyPair,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// There is no usable key. Never says more: the text would quote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no Ed25519 private key in it (PKCS #8, PEM), such as `panelgate operator token --new-key` makes")]
pub struct NoKey;

impl Signer {
    /// From a PEM file, such as [`Signer::new_pem`] or `openssl genpkey -algorithm ed25519` makes.
    ///
    /// # Errors
    /// [`NoKey`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, NoKey> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| NoKey)?;
        // What openssl makes has no public half to compare with.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der()).map_err(|_| NoKey)?;
        Ok(Self { kid: thumbprint(pair.public_key().as_ref()), pair })
    }

    /// A new key as a PEM file. `None`: the system gives no random bytes.
    #[must_use]
    pub fn new_pem() -> Option<Zeroizing<String>> {
        let mut der = Zeroizing::new([0; 48]);
        let (head, seed) = der.split_at_mut(PKCS8.len());
        head.copy_from_slice(&PKCS8);
        getrandom::fill(seed).ok()?;
        let body = Zeroizing::new(STANDARD.encode(der.as_slice()));
        Some(Zeroizing::new(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", body.as_str())))
    }

    /// The public half as a key set. Its `kid` is the thumbprint of RFC 7638.
    #[must_use]
    pub fn key_set(&self) -> KeySet {
        let mut public = [0; 32];
        let bytes = self.pair.public_key().as_ref().iter();
        public.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        KeySet::of(self.kid.clone(), public)
    }

    /// A token that says this.
    #[must_use]
    pub fn token(&self, claims: &Claims) -> Token {
        let header = json!({ "alg": "EdDSA", "kid": self.kid, "typ": TOKEN_TYPE });
        Token::new(self.sign(&header, &serde_json::to_value(claims).unwrap_or_default()))
    }

    /// The order to use other keys from now on (see [`KeySet::next`]). `iat` in seconds since 1970.
    #[must_use]
    pub fn rotation(&self, next: &KeySet, iat: i64) -> String {
        self.sign(&json!({ "alg": "EdDSA", "kid": self.kid, "typ": KEY_SET_TYPE }), &next.payload(iat))
    }

    /// Any header and payload, signed: for tests of what has to be refused.
    #[must_use]
    pub fn sign(&self, header: &Value, payload: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(payload));
        let signature = URL_SAFE_NO_PAD.encode(self.pair.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

/// RFC 7638: SHA-256 over the members that make the key, in their order.
fn thumbprint(public: &[u8]) -> String {
    let x = URL_SAFE_NO_PAD.encode(public);
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendix A.
    fn rfc() -> Signer {
        let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").expect("base64");
        let der = [PKCS8.as_slice(), &seed].concat();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der));
        Signer::from_pem(pem.as_bytes()).expect("a key")
    }

    #[test]
    fn the_example_of_the_rfc_comes_out_the_same() {
        let signer = rfc();
        assert_eq!(signer.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let keys = signer.key_set().to_json();
        assert_eq!(keys["keys"][0]["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        let signature = signer.pair.sign(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc");
        assert_eq!(
            URL_SAFE_NO_PAD.encode(signature),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
    }

    #[test]
    fn a_new_key_is_another_one_each_time_and_can_be_read() {
        let one = Signer::new_pem().expect("made");
        let other = Signer::new_pem().expect("made");
        let kid = |pem: &str| Signer::from_pem(pem.as_bytes()).expect("a key").kid;
        assert_ne!(kid(&one), kid(&other));
        assert_eq!(
            Signer::from_pem(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").err(),
            Some(NoKey)
        );
        assert!(!format!("{:?}", rfc()).contains("nWGx"));
    }
}
