use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Name;

/// The stable name of a company, as tokens and the configuration say it; spelt like a panel id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[a-z0-9][a-z0-9-]{0,31}$"))]
pub struct CompanyId(String);

/// A text that is no [`CompanyId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a company's id has 1 to 32 characters of a-z, 0-9 and -, beginning with a letter or digit")]
pub struct CompanyIdError;

impl CompanyId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CompanyId {
    type Err = CompanyIdError;

    fn from_str(text: &str) -> Result<Self, CompanyIdError> {
        let known = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if known && (1..=32).contains(&text.len()) && !text.starts_with('-') {
            Ok(Self(text.to_owned()))
        } else {
            Err(CompanyIdError)
        }
    }
}

impl TryFrom<String> for CompanyId {
    type Error = CompanyIdError;

    fn try_from(text: String) -> Result<Self, CompanyIdError> {
        text.parse()
    }
}

impl From<CompanyId> for String {
    fn from(id: CompanyId) -> Self {
        id.0
    }
}

impl fmt::Display for CompanyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A company in the tree of companies (P6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Company {
    /// Its stable name.
    pub id: CompanyId,
    /// Its name for people.
    pub name: Name,
    /// The company that it is a subsidiary of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<CompanyId>,
}

/// P6: whether somebody of the company `of` acts on what belongs to `owner`: the same company, or one of its
/// subsidiaries at any depth. A company that is in no tree reaches itself only.
#[must_use]
pub fn reaches(tree: &[Company], of: &CompanyId, owner: &CompanyId) -> bool {
    let parent = |id: &CompanyId| tree.iter().find(|company| company.id == *id).and_then(|c| c.parent.as_ref());
    // A damaged tree may have a ring: nobody is asked twice.
    let mut seen = BTreeSet::new();
    let mut at = Some(owner);
    while let Some(company) = at {
        if company == of {
            return true;
        }
        if !seen.insert(company) {
            return false;
        }
        at = parent(company);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> CompanyId {
        text.parse().expect("an id")
    }

    fn tree(rows: &[(&str, Option<&str>)]) -> Vec<Company> {
        let company = |(of, parent): &(&str, Option<&str>)| Company {
            id: id(of),
            name: "Some company".parse().expect("a name"),
            parent: parent.map(id),
        };
        rows.iter().map(company).collect()
    }

    #[test]
    fn a_company_reaches_itself_and_its_subsidiaries_and_nothing_else() {
        let tree = tree(&[
            ("acme", None),
            ("acme-north", Some("acme")),
            ("acme-north-oslo", Some("acme-north")),
            ("acme-south", Some("acme")),
            ("rival", None),
            ("orphan", Some("gone")),
            ("ring-a", Some("ring-b")),
            ("ring-b", Some("ring-a")),
        ]);
        for (of, owner, expected) in [
            ("acme", "acme", true),
            ("acme", "acme-north", true),
            ("acme", "acme-north-oslo", true),
            ("acme-north", "acme-north-oslo", true),
            ("acme-north", "acme", false),
            ("acme-north", "acme-south", false),
            ("rival", "acme", false),
            ("acme", "rival", false),
            ("gone", "orphan", true),
            ("acme", "orphan", false),
            ("nobody-knows", "nobody-knows", true),
            ("acme", "nobody-knows", false),
            ("ring-a", "ring-b", true),
            ("acme", "ring-a", false),
        ] {
            assert_eq!(reaches(&tree, &id(of), &id(owner)), expected, "{of} on {owner}");
        }
    }

    #[test]
    fn ids_are_spelt_like_those_of_panels() {
        for bad in ["", "-acme", "Acme", "acme north", "ac\u{441}e", &"a".repeat(33)] {
            assert_eq!(bad.parse::<CompanyId>(), Err(CompanyIdError), "{bad:?}");
        }
    }
}
