use std::fmt::Display;
use std::ops::RangeInclusive;

use serde::Serialize;

use super::problem::{Problems, nearest};
use super::raw::{Field, Unknown, keys_of};

/// One section of the file while it is checked: knows its name, and where problems go.
pub(super) struct Section<'p> {
    name: String,
    pub(super) problems: &'p mut Problems,
}

impl<'p> Section<'p> {
    pub(super) fn new(name: impl Into<String>, problems: &'p mut Problems) -> Self {
        Self { name: name.into(), problems }
    }

    /// A key's whole name.
    pub(super) fn key(&self, key: &str) -> String {
        format!("{}{key}", self.name)
    }

    pub(super) fn error(&mut self, key: &str, what: impl Into<String>, hint: impl Into<String>) {
        let key = self.key(key);
        self.problems.error(key, what, hint);
    }

    pub(super) fn warning(&mut self, key: &str, what: impl Into<String>, hint: impl Into<String>) {
        let key = self.key(key);
        self.problems.warning(key, what, hint);
    }

    /// The value if it was given and has the right type; `form` says what the type is.
    pub(super) fn optional<T>(&mut self, key: &str, field: Field<T>, form: &str) -> Option<T> {
        match field {
            Field::Given(value) => Some(value),
            Field::Absent => None,
            Field::Wrong => {
                self.error(key, "has the wrong form", format!("give {form}"));
                None
            }
        }
    }

    /// The value; that it is missing is an error.
    pub(super) fn required<T>(&mut self, key: &str, field: Field<T>, form: &str) -> Option<T> {
        if matches!(field, Field::Absent) {
            self.error(key, "is missing", format!("give {form}"));
        }
        self.optional(key, field, form)
    }

    /// A whole number within its range, or the default.
    pub(super) fn number(&mut self, key: &str, field: Field<u64>, default: u64, range: RangeInclusive<u64>) -> u64 {
        self.ranged(key, field, range, &default.to_string()).unwrap_or(default)
    }

    /// A whole number within its range; `otherwise` says what holds without the key.
    pub(super) fn ranged(
        &mut self,
        key: &str,
        field: Field<u64>,
        range: RangeInclusive<u64>,
        otherwise: &str,
    ) -> Option<u64> {
        let form =
            format!("a whole number from {} to {}; without the key it is {otherwise}", range.start(), range.end());
        let value = self.optional(key, field, &form)?;
        if range.contains(&value) {
            return Some(value);
        }
        self.error(key, format!("{value} is out of range"), format!("give {form}"));
        None
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, key: &str, field: Field<String>, words: &[(&str, T)]) -> Option<T> {
        let list = words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ");
        let given = self.optional(key, field, &list)?;
        let found = words.iter().find(|(word, _)| *word == given).map(|(_, value)| *value);
        if found.is_none() {
            self.error(key, format!("\"{given}\" is not known"), format!("give {list}"));
        }
        found
    }

    /// A text that another type can read.
    pub(super) fn parsed<T>(&mut self, key: &str, field: Field<String>, form: &str) -> Option<T>
    where
        T: std::str::FromStr<Err: Display>,
    {
        let text = self.required(key, field, form)?;
        text.parse().map_err(|error| self.error(key, format!("{error}"), format!("give {form}"))).ok()
    }

    /// Complains about keys that the section `T` does not have. Their values are not shown.
    pub(super) fn unknown<T: Default + Serialize>(&mut self, unknown: &Unknown) {
        let known = keys_of::<T>();
        for key in unknown.keys() {
            let hint = match nearest(key, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("take it out; the keys here are {}", known.join(", ")),
            };
            self.error(key, "is not a key of this section", hint);
        }
    }
}
