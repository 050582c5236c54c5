use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::token::{self, Time, TokenFault};

/// Most keys of a set: two are in use while the cloud changes them.
const MOST_KEYS: usize = 16;
/// Longest key set that is looked at, in characters.
const LONGEST_SET: usize = 16 * 1024;
const LONGEST_KID: usize = 128;
/// The `typ` of a signed key set.
pub(super) const KEY_SET_TYPE: &str = "jwk-set+jwt";

/// The keys that the cloud signs tokens with: public Ed25519 keys by their `kid`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeySet(BTreeMap<String, [u8; 32]>);

/// What is wrong with a JWKS file. Never holds a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Not the form of RFC 7517.
    #[error("it is no JSON object with an array `keys`")]
    Form,
    /// A private key lies where only public ones belong.
    #[error("key {0} has its private half `d` in it; take it off the box and make a new one")]
    Private(usize),
    /// A key that cannot be used.
    #[error("key {number}: {what}")]
    Key {
        /// Counted from 1.
        number: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// Nothing to check tokens with.
    #[error("there is no Ed25519 key in it (kty OKP, crv Ed25519)")]
    Empty,
    /// More than anybody needs.
    #[error("there are more than 16 keys in it")]
    TooMany,
}

/// A key as it stands in a set (RFC 7517, RFC 8037). Members that are not named do not matter here.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    kid: Option<String>,
    x: Option<String>,
    d: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

/// A signed key set's payload: the set, and when it was made.
#[derive(Deserialize)]
struct Signed {
    keys: Vec<Jwk>,
    iat: i64,
    exp: Option<i64>,
}

impl KeySet {
    /// Reads a JWKS file. Keys of other kinds than Ed25519 are passed over, as RFC 7517 asks.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn read(json: &[u8]) -> Result<Self, KeySetError> {
        let file: Jwks = serde_json::from_slice(json).map_err(|_| KeySetError::Form)?;
        Self::from_keys(&file.keys)
    }

    fn from_keys(list: &[Jwk]) -> Result<Self, KeySetError> {
        let mut keys = BTreeMap::new();
        for (number, key) in (1..).zip(list) {
            if key.d.is_some() {
                return Err(KeySetError::Private(number));
            }
            if key.kty != "OKP" || key.crv.as_deref() != Some("Ed25519") {
                continue;
            }
            let wrong = |what| KeySetError::Key { number, what };
            let kid = key.kid.as_ref().filter(|kid| (1..=LONGEST_KID).contains(&kid.len()));
            let kid = kid.ok_or_else(|| wrong("it needs a `kid` of 1 to 128 characters"))?;
            let x = key.x.as_ref().and_then(|x| URL_SAFE_NO_PAD.decode(x).ok()).and_then(|x| x.try_into().ok());
            let x = x.ok_or_else(|| wrong("`x` is not 32 bytes in base64url"))?;
            if keys.insert(kid.clone(), x).is_some() {
                return Err(wrong("its `kid` is another key's too"));
            }
        }
        match keys.len() {
            0 => Err(KeySetError::Empty),
            n if n > MOST_KEYS => Err(KeySetError::TooMany),
            _ => Ok(Self(keys)),
        }
    }

    /// A set of one key.
    #[must_use]
    pub fn of(kid: String, public: [u8; 32]) -> Self {
        Self(BTreeMap::from([(kid, public)]))
    }

    /// The set as a JWKS file.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "keys": self.list() })
    }

    /// What a signer signs to make this set the box's next one (see [`KeySet::next`]).
    pub(super) fn payload(&self, iat: i64) -> serde_json::Value {
        serde_json::json!({ "keys": self.list(), "iat": iat })
    }

    fn list(&self) -> Vec<serde_json::Value> {
        let key = |(kid, x): (&String, &[u8; 32])| {
            let x = URL_SAFE_NO_PAD.encode(x);
            serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x })
        };
        self.0.iter().map(key).collect()
    }

    /// The keys' names.
    pub fn kids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn key(&self, kid: &str) -> Option<&[u8; 32]> {
        self.0.get(kid)
    }

    /// Whether an order says nothing but what holds already: this very set, made then. It is not looked at who signed it,
    /// because nothing follows from it; it may be a key that has gone since.
    #[must_use]
    pub fn came_with(&self, signed: &str, issued_at: i64) -> bool {
        let payload = signed.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).unwrap_or_default();
        serde_json::from_slice::<Signed>(&payload)
            .is_ok_and(|order| order.iat == issued_at && Self::from_keys(&order.keys).as_ref() == Ok(self))
    }

    /// The set that takes this one's place: a JWS in compact form, type `jwk-set+jwt`, signed with one of this set's
    /// keys, whose payload is a JWKS with `iat`. Also tells that `iat`.
    ///
    /// `since` is the `iat` of the set in use: an older one, kept by somebody, would bring a withdrawn key back.
    ///
    /// # Errors
    /// [`TokenFault`].
    pub fn next(&self, signed: &str, since: i64, now: Time) -> Result<(Self, i64), TokenFault> {
        let payload = token::proved(signed, LONGEST_SET, KEY_SET_TYPE, self)?;
        let Signed { keys, iat, exp } = token::claims(&payload)?;
        let keys = Self::from_keys(&keys).map_err(|_| TokenFault::Claims)?;
        if iat <= since {
            return Err(TokenFault::Older);
        }
        if now.is_to_come(iat) {
            return Err(TokenFault::NotYet);
        }
        if exp.is_some_and(|end| now.is_past(end)) {
            return Err(TokenFault::Expired);
        }
        Ok((keys, iat))
    }
}
