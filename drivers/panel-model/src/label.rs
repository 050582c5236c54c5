use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Refusal;

/// Text that names a user, a zone, a partition. Non-empty, trimmed, printable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Label(String);

/// Which characters a panel can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Charset {
    /// Printable ASCII, 0x20 to 0x7E.
    Ascii,
    /// Any printable Unicode character of the basic plane (panels that store UTF-16).
    Utf16,
    /// Any printable character: the box keeps the label, the panel never sees it.
    Any,
}

/// What a label must look like for a panel (product rule U12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LabelRules {
    /// Longest label in characters.
    pub max_chars: u16,
    /// Characters allowed.
    pub charset: Charset,
}

impl LabelRules {
    /// Checks a label; nothing is cut or replaced (U12).
    ///
    /// # Errors
    /// [`Refusal::LabelFormat`] when it is empty, too long, padded with blanks or not showable.
    pub fn check(&self, text: &str) -> Result<Label, Refusal> {
        let length_fits = text.chars().count() <= usize::from(self.max_chars);
        let showable = text.chars().all(|c| !c.is_control() && !is_invisible(c) && self.charset.has(c));
        if text.is_empty() || text.trim() != text || !length_fits || !showable {
            return Err(Refusal::LabelFormat);
        }
        Ok(Label(text.to_owned()))
    }
}

impl Charset {
    fn has(self, c: char) -> bool {
        match self {
            Self::Ascii => (' '..='~').contains(&c),
            Self::Utf16 => c.len_utf16() == 1,
            Self::Any => true,
        }
    }
}

/// Characters that change how their neighbours are read without showing themselves: a label with them
/// could pass for another one.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

impl Label {
    /// A label that was already accepted once: read from the panel or from the store. Control characters become
    /// blanks; `None` if nothing showable is left.
    #[must_use]
    pub fn from_panel(text: &str) -> Option<Self> {
        let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let clean = clean.trim();
        (!clean.is_empty()).then(|| Self(clean.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_refused_never_cut() {
        let ascii = LabelRules { max_chars: 14, charset: Charset::Ascii };
        let any = LabelRules { max_chars: 32, charset: Charset::Any };
        let utf16 = LabelRules { max_chars: 28, charset: Charset::Utf16 };
        for (rules, text, fits) in [
            (ascii, "Front Door", true),
            (ascii, "Fourteen chars", true),
            (ascii, "Fifteen charss!", false),
            (ascii, "Küche", false),
            (ascii, "", false),
            (ascii, " padded", false),
            (ascii, "tab\there", false),
            (any, "Küche 🚪", true),
            (any, "evil\u{202e}txt", false),
            (any, "two\u{2028}lines", false),
            (any, "turned\u{61c}", false),
            (any, "tagged\u{e0041}", false),
            (utf16, "Küche", true),
            (utf16, "🚪", false),
        ] {
            assert_eq!(rules.check(text).is_ok(), fits, "{text:?}");
        }
    }
}
