use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What people call a role or a company: 1 to 64 characters, Latin letters, digits, single blanks and `-_.,&'()/+`, beginning
/// with a letter or digit. Letters of other scripts are not taken: a role `Operator` with a Cyrillic `О` would read
/// like ours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// A text that is no [`Name`]. It is not repeated: it may hold anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name has 1 to 64 Latin letters, digits, single blanks and -_.,&'()/+, and begins and ends with something visible"
)]
pub struct NameError;

impl Name {
    const MOST_CHARS: usize = 64;

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether people would take it for that name: capitals make no difference.
    #[must_use]
    pub fn reads_like(&self, other: &str) -> bool {
        self.0.to_lowercase() == other.to_lowercase()
    }

    /// A name that stands in this program.
    pub(super) fn ours(text: &'static str) -> Self {
        Self(text.to_owned())
    }
}

/// Characters that are not seen, or that change how their neighbours are read: control characters, marks that turn the
/// text around, blanks without width, selectors, tags.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphanumeric() || (('\u{c0}'..='\u{24f}').contains(&c) && c.is_alphabetic())
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let begins = text.chars().next().is_some_and(is_latin);
        let short = text.chars().count() <= Self::MOST_CHARS;
        let known = text.chars().all(|c| is_latin(c) || " -_.,&'()/+".contains(c));
        if begins && short && known && !text.ends_with(' ') && !text.contains("  ") {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError)
        }
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_visible_and_of_one_script() {
        let longest = "n".repeat(64);
        for good in ["Night shift", "Müller & Söhne (Nord)", "R2", "Łódź", longest.as_str()] {
            assert_eq!(good.parse::<Name>().map(|name| name.to_string()), Ok(good.to_owned()));
        }
        let longer = "n".repeat(65);
        for bad in [
            "",
            " ",
            " Operator",
            "Operator ",
            "Night  shift",
            "Night\nshift",
            "\u{41e}perator",   // a Cyrillic O
            "Operator\u{200b}", // a blank without width
            "Ope\u{301}rator",  // an accent of its own
            "\u{202e}Operator", // from right to left
            "Super\u{a0}Admin", // a blank that does not break
            "Operator\u{ff01}", // of double width
            longer.as_str(),
        ] {
            assert_eq!(bad.parse::<Name>(), Err(NameError), "{bad:?}");
        }
    }

    #[test]
    fn capitals_make_no_other_name() {
        let name: Name = "super ADMIN".parse().expect("a name");
        assert!(name.reads_like("Super Admin"));
        assert!(!name.reads_like("Super-Admin"));
    }
}
