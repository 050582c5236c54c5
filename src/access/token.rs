//! Tokens of cloud operators (C5): JWS in compact form, signed with Ed25519, checked without asking anybody.
//!
//! Read here and not by a library: the one that everybody takes brings RSA and three curves, and what a box does not
//! have nobody can talk it into. `ring`, which TLS needs anyway, does the signatures. Sources: RFC 7515 (JWS), RFC 7519
//! (claims), RFC 8037 (EdDSA), RFC 8725 (what went wrong with others).

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use panel_model::Refusal;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{KeySet, Permission};

/// Longest token that is looked at, in characters.
pub const LONGEST_TOKEN: usize = 4096;
/// Longest time between a token's making and its end, in seconds.
pub const LONGEST_LIFETIME: i64 = 24 * 3600;
/// How far the clocks of box and cloud may be apart, in seconds.
pub const LEEWAY: i64 = 60;
/// Longest text of a claim, in bytes: the longest e-mail address.
const LONGEST_CLAIM: usize = 254;
/// The `typ` of a token. A key set has another one, so that neither passes for the other.
pub(super) const TOKEN_TYPE: &str = "JWT";

/// A token on its way. Whoever has it may act with it: it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// A token as it was given.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for checking and sending.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// For the request that carries it.
impl Serialize for Token {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl JsonSchema for Token {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Token".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "maxLength": LONGEST_TOKEN,
            "pattern": "^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$",
            "description": "JWS in compact form. Header: alg EdDSA (Ed25519), kid, typ JWT. Claims: sub, role, permissions, \
                            company, aud (the gateway's id), iat, exp (at most 24 hours later), jti. Good for one request."
        })
    }
}

/// What a token says, once its signature is proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who acts.
    pub sub: String,
    /// In which role.
    pub role: String,
    /// What they may do, by the permissions' names. Those that this box does not know permit nothing.
    pub permissions: BTreeSet<String>,
    /// For which company (P6).
    pub company: String,
    /// The gateway that it is for: one, because only that one can know whether the token was used.
    pub aud: String,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// When it begins to be good, if not at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// When it ends.
    pub exp: i64,
    /// Its name, used once.
    pub jti: String,
}

impl Claims {
    /// The permissions that this box knows.
    #[must_use]
    pub fn known_permissions(&self) -> BTreeSet<Permission> {
        self.permissions.iter().filter_map(|name| name.parse().ok()).collect()
    }
}

/// What the box knows of the time, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// By its clock.
    Known(i64),
    /// The clock is not set; it is no earlier than this, because this time was seen before.
    AtLeast(i64),
}

impl Time {
    /// From the box's clock and the latest time that was ever proved.
    #[must_use]
    pub fn from_clock(wall: i64, floor: i64) -> Self {
        // A cloud whose clock is a little ahead does not make ours a wrong one.
        if wall.saturating_add(LEEWAY) < floor { Self::AtLeast(floor) } else { Self::Known(wall.max(floor)) }
    }

    /// The time as far as it is known.
    #[must_use]
    pub fn seconds(self) -> i64 {
        match self {
            Self::Known(at) | Self::AtLeast(at) => at,
        }
    }

    /// Whether that moment has passed, give or take the clocks' difference.
    #[must_use]
    pub fn is_past(self, moment: i64) -> bool {
        self.seconds() >= moment.saturating_add(LEEWAY)
    }

    /// Whether that moment is still to come. Where only the earliest time is known, nobody can tell.
    pub(super) fn is_to_come(self, moment: i64) -> bool {
        matches!(self, Self::Known(at) if moment > at.saturating_add(LEEWAY))
    }
}

/// Why a token or a key set was not believed. Never holds a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum TokenFault {
    /// There is nothing to check it with.
    #[error("the box has no keys for tokens; `[cloud] keys` in its configuration names them")]
    NoKeys,
    /// Longer than any token is.
    #[error("the token is too long")]
    TooLong,
    /// No JWS in compact form, or a header that is none.
    #[error("the token is not a signed token in compact form")]
    Malformed,
    /// `none`, or another algorithm than EdDSA.
    #[error("the token is not signed with EdDSA")]
    Algorithm,
    /// `crit` names something: the box knows no extension.
    #[error("the token has critical extensions, and the box knows none")]
    Critical,
    /// A `typ` that is not the expected one.
    #[error("the token's type is not the one that belongs here")]
    Type,
    /// The `kid` is none of the box's keys.
    #[error("the token is signed with a key that the box does not know")]
    UnknownKey,
    /// Not signed with that key, or changed since.
    #[error("the token's signature is wrong")]
    Signature,
    /// A claim is missing or has the wrong form.
    #[error("the token lacks a claim, or has one of the wrong form")]
    Claims,
    /// For another gateway.
    #[error("the token is for another gateway")]
    Audience,
    /// Good for longer than any token may be.
    #[error("the token lives longer than a day")]
    Lifetime,
    /// Made later than now.
    #[error("the token is not good yet; compare the clocks")]
    NotYet,
    /// Over.
    #[error("the token has expired; get a new one")]
    Expired,
    /// The gateway belongs neither to the token's company nor to one below it (P6).
    #[error("the token's company has no say over this gateway")]
    Company,
    /// It was used for another request.
    #[error("the token was used before; every request needs its own")]
    Replayed,
    /// A key set that is not newer than the one in use.
    #[error("the key set is older than the one in use")]
    Older,
}

impl TokenFault {
    /// The product's code: without a good token nobody has a permission.
    #[must_use]
    pub fn refusal(self) -> Refusal {
        match self {
            Self::Older => Refusal::VersionConflict,
            _ => Refusal::PermissionDenied,
        }
    }

    /// Whether the signature was good: then it is at least known who sent it.
    #[must_use]
    pub fn is_signed(self) -> bool {
        use TokenFault as F;
        matches!(
            self,
            F::Claims | F::Audience | F::Lifetime | F::NotYet | F::Expired | F::Company | F::Replayed | F::Older
        )
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<serde_json::Value>,
}

/// Checks a token for a gateway, and tells what it says. Whose company it is and whether it was used before only the
/// store knows.
///
/// # Errors
/// [`TokenFault`]: the first thing that is wrong with it.
pub fn check(token: &Token, keys: &KeySet, gateway: &str, now: Time) -> Result<Claims, TokenFault> {
    let payload = proved(token.expose(), LONGEST_TOKEN, TOKEN_TYPE, keys)?;
    let claims: Claims = claims(&payload)?;
    let texts = [&claims.sub, &claims.role, &claims.company, &claims.jti];
    if !texts.into_iter().all(|text| is_showable(text)) || claims.exp <= claims.iat {
        return Err(TokenFault::Claims);
    }
    if claims.aud != gateway {
        return Err(TokenFault::Audience);
    }
    if claims.exp.saturating_sub(claims.iat) > LONGEST_LIFETIME {
        return Err(TokenFault::Lifetime);
    }
    if now.is_to_come(claims.iat) || claims.nbf.is_some_and(|begin| now.is_to_come(begin)) {
        return Err(TokenFault::NotYet);
    }
    if now.is_past(claims.exp) {
        return Err(TokenFault::Expired);
    }
    Ok(claims)
}

/// What a JWS carries, once its header is one that we take and its signature is proved.
pub(super) fn proved(text: &str, longest: usize, typ: &str, keys: &KeySet) -> Result<Vec<u8>, TokenFault> {
    if text.len() > longest {
        return Err(TokenFault::TooLong);
    }
    let (signed, signature) = text.rsplit_once('.').ok_or(TokenFault::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(TokenFault::Malformed)?;
    let header: Header = serde_json::from_slice(&part(header)?).map_err(|_| TokenFault::Malformed)?;
    if header.alg != "EdDSA" {
        return Err(TokenFault::Algorithm);
    }
    if header.crit.is_some() {
        return Err(TokenFault::Critical);
    }
    if header.typ.as_deref() != Some(typ) {
        return Err(TokenFault::Type);
    }
    let (payload, signature) = (part(payload)?, part(signature)?);
    if keys.is_empty() {
        return Err(TokenFault::NoKeys);
    }
    let key = header.kid.and_then(|kid| keys.key(&kid)).ok_or(TokenFault::UnknownKey)?;
    let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, key);
    key.verify(signed.as_bytes(), &signature).map_err(|_| TokenFault::Signature)?;
    Ok(payload)
}

pub(super) fn claims<T: DeserializeOwned>(payload: &[u8]) -> Result<T, TokenFault> {
    serde_json::from_slice(payload).map_err(|_| TokenFault::Claims)
}

/// Base64url without padding, in its one form: other engines take several spellings of the same bytes.
fn part(text: &str) -> Result<Vec<u8>, TokenFault> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenFault::Malformed)
}

/// Fit for the action log.
fn is_showable(text: &str) -> bool {
    (1..=LONGEST_CLAIM).contains(&text.len()) && !text.chars().any(super::is_hidden)
}
