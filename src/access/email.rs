use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An e-mail address that names a person (I1) or an account (A1): trimmed, in small letters, ASCII, at most 254 bytes.
///
/// One address has one spelling. Nothing that looks like another character is taken: no Unicode before the `@`, and a
/// domain with Unicode only in its `xn--` form, which shows what it is. Quoted names, comments and address literals,
/// which mail knows and nobody has, are refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("format" = "email", "maxLength" = 254))]
pub struct Email(String);

/// Why a text is no e-mail address. Does not repeat it: what somebody typed may be a password in the wrong place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// More than 254 bytes, or more than 64 before the `@`.
    #[error("an e-mail address has at most 254 characters, and 64 before the @")]
    TooLong,
    /// Not exactly one `@` with something on both sides.
    #[error("an e-mail address has one @ with a name before and a domain behind it")]
    Form,
    /// Something else than ASCII; it could look like another address.
    #[error("an e-mail address has letters of a to z only; write an international domain in its xn-- form")]
    NotAscii,
    /// A character that the name before the `@` may not have, or dots where none may be.
    #[error("before the @ stand letters, digits and . _ + - ', no dot first, last or twice")]
    Name,
    /// No domain as the name system has them.
    #[error("behind the @ stands a domain such as example.org")]
    Domain,
}

const LONGEST: usize = 254;
const LONGEST_NAME: usize = 64;
const LONGEST_LABEL: usize = 63;

impl Email {
    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        if text.len() > LONGEST {
            return Err(EmailError::TooLong);
        }
        if !text.is_ascii() {
            return Err(EmailError::NotAscii);
        }
        let text = text.to_ascii_lowercase();
        let (name, domain) = text.split_once('@').ok_or(EmailError::Form)?;
        if name.is_empty() || domain.is_empty() || domain.contains('@') {
            return Err(EmailError::Form);
        }
        if name.len() > LONGEST_NAME {
            return Err(EmailError::TooLong);
        }
        let dots_are_apart = name.split('.').all(|part| !part.is_empty());
        if !dots_are_apart || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-'".contains(&b)) {
            return Err(EmailError::Name);
        }
        let labels: Vec<&str> = domain.split('.').collect();
        let last_is_a_name = labels.last().is_some_and(|label| label.bytes().any(|b| b.is_ascii_alphabetic()));
        if labels.len() < 2 || !last_is_a_name || !labels.iter().all(|label| is_label(label)) {
            return Err(EmailError::Domain);
        }
        Ok(Self(text))
    }
}

fn is_label(label: &str) -> bool {
    (1..=LONGEST_LABEL).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl TryFrom<String> for Email {
    type Error = EmailError;

    fn try_from(text: String) -> Result<Self, EmailError> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who logs in: the account of the first start (S1), or a person by e-mail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum PersonName {
    /// The `init` account.
    Init,
    /// A manager or an installer.
    Email(Email),
}

impl PersonName {
    /// The name as text: `init`, or the e-mail address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Init => "init",
            Self::Email(email) => email.as_str(),
        }
    }
}

impl FromStr for PersonName {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        if text.trim() == Self::Init.as_str() { Ok(Self::Init) } else { text.parse().map(Self::Email) }
    }
}

impl TryFrom<String> for PersonName {
    type Error = EmailError;

    fn try_from(text: String) -> Result<Self, EmailError> {
        text.parse()
    }
}

impl From<PersonName> for String {
    fn from(name: PersonName) -> Self {
        name.as_str().to_owned()
    }
}

impl From<Email> for PersonName {
    fn from(email: Email) -> Self {
        Self::Email(email)
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_one_spelling() {
        for (text, email) in [
            ("anna@example.org", "anna@example.org"),
            ("  Anna@Example.ORG\r\n", "anna@example.org"),
            ("anna.b+box-1_x@mail.example.org", "anna.b+box-1_x@mail.example.org"),
            ("o'brien@example.ie", "o'brien@example.ie"),
            ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
            ("1@1.a1", "1@1.a1"),
        ] {
            assert_eq!(text.parse::<Email>().map(|e| e.to_string()), Ok(email.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn what_could_pass_for_another_address_is_refused() {
        let long_name = format!("{}@example.org", "a".repeat(65));
        let long_label = format!("a@{}.org", "a".repeat(64));
        let long = format!("a@{}org", "abcdefghi.".repeat(26));
        for (text, error) in [
            ("", EmailError::Form),
            ("anna", EmailError::Form),
            ("@example.org", EmailError::Form),
            ("anna@", EmailError::Form),
            ("anna@@example.org", EmailError::Form),
            ("anna@example.org@evil.example", EmailError::Form),
            ("anna@example.org,eve@evil.example", EmailError::Form),
            // Look-alikes: Cyrillic а, full-width letters, a dotless i, a zero-width joiner, right-to-left marks.
            ("\u{430}nna@example.org", EmailError::NotAscii),
            ("anna@ex\u{430}mple.org", EmailError::NotAscii),
            ("\u{ff41}nna@example.org", EmailError::NotAscii),
            ("ann\u{131}@example.org", EmailError::NotAscii),
            ("an\u{200d}na@example.org", EmailError::NotAscii),
            ("\u{202e}anna@example.org", EmailError::NotAscii),
            ("anna\u{ff20}example.org", EmailError::NotAscii),
            ("anna@b\u{fc}cher.example", EmailError::NotAscii),
            ("anna\u{a0}@example.org", EmailError::NotAscii),
            // Control characters, which could begin a header or a line of the log.
            ("anna\r\nBcc: eve@evil.example", EmailError::Name),
            ("anna\0@example.org", EmailError::Name),
            ("an\tna@example.org", EmailError::Name),
            ("anna\u{7f}@example.org", EmailError::Name),
            ("anna@example\n.org", EmailError::Domain),
            ("an na@example.org", EmailError::Name),
            ("\"anna\"@example.org", EmailError::Name),
            ("Anna <anna@example.org>", EmailError::Name),
            ("anna(x)@example.org", EmailError::Name),
            (".anna@example.org", EmailError::Name),
            ("anna.@example.org", EmailError::Name),
            ("an..na@example.org", EmailError::Name),
            ("anna%evil.example@example.org", EmailError::Name),
            ("anna@localhost", EmailError::Domain),
            ("anna@[127.0.0.1]", EmailError::Domain),
            ("anna@127.0.0.1", EmailError::Domain),
            ("anna@-example.org", EmailError::Domain),
            ("anna@example-.org", EmailError::Domain),
            ("anna@example..org", EmailError::Domain),
            ("anna@example.org.", EmailError::Domain),
            ("anna@exa_mple.org", EmailError::Domain),
            (long_name.as_str(), EmailError::TooLong),
            (long_label.as_str(), EmailError::Domain),
            (long.as_str(), EmailError::TooLong),
        ] {
            assert_eq!(text.parse::<Email>(), Err(error), "{text:?}");
            let json = serde_json::from_value::<Email>(serde_json::json!(text)).expect_err("refused").to_string();
            assert!(text.len() < 3 || !json.contains(text), "{text:?} is repeated in: {json}");
        }
    }

    #[test]
    fn the_first_account_is_no_address() {
        assert_eq!("init".parse(), Ok(PersonName::Init));
        assert!("Init".parse::<PersonName>().is_err(), "no second spelling");
        assert!("init".parse::<Email>().is_err());
        assert_eq!("A@example.org".parse::<PersonName>().map(|p| p.to_string()), Ok("a@example.org".into()));
    }
}
