use std::fmt;

use serde::de::DeserializeOwned;

/// Why a JSON text was not taken: where, and what was expected there. Never repeats a value, since the value may be a
/// code that somebody put in the wrong place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    /// Where, such as `users.4.code`; `.` is the whole text.
    pub path: String,
    /// What is wrong.
    pub text: String,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.text)
    }
}

impl std::error::Error for JsonError {}

/// Reads one JSON text.
///
/// # Errors
/// [`JsonError`] with the path of the first thing that does not fit.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    let mut source = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut source).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "?" { ".".to_owned() } else { path };
        JsonError { path, text: without_value(&error.inner().to_string()) }
    })?;
    source.end().map_err(|_| JsonError { path: ".".into(), text: "there is more after the end".into() })?;
    Ok(value)
}

/// serde quotes the value that it found ("invalid type: integer `1234`, expected …"): only what it expected is kept.
/// What speaks of names and places alone is kept whole.
fn without_value(text: &str) -> String {
    let quotes_a_value = ["invalid type", "invalid value", "invalid length", "unknown variant"];
    if !quotes_a_value.iter().any(|start| text.starts_with(start)) {
        return text.to_owned();
    }
    match text.rfind("expected ") {
        Some(at) => text.get(at..).unwrap_or("not as expected").to_owned(),
        None => "not as expected".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::DesiredDocument;

    fn refused(text: &str) -> String {
        read::<DesiredDocument>(text.as_bytes()).expect_err(text).to_string()
    }

    #[test]
    fn errors_name_the_path_and_never_the_value() {
        for (text, path) in [
            (r#"{"version":1,"users":{"4":{"code":739182}}}"#, "users.4.code: "),
            (r#"{"version":1,"users":{"4":{"code":"739182"}}}"#, "users.4.code: "),
            (r#"{"version":1,"users":{"4":{"code":{"sealed":739182}}}}"#, "users.4.code.sealed: "),
            (r#"{"version":1,"users":{"4":{"code":{"clear":"739182"}}}}"#, "users.4.code"),
            (r#"{"version":1,"users":{"4":{"pin":"739182"}}}"#, "users.4"),
            (r#"{"version":1,"users":{"4":739182}}"#, "users.4: "),
            (r#"{"version":1,"users":{"4":{"role":"739182"}}}"#, "users.4.role: "),
            (r#"{"version":1,"users":{"4":{"partitions":[1,40]}}}"#, "users.4.partitions"),
            (r#"{"version":1,"users":{"0":{}}}"#, "users"),
            (r#"{"version":"739182","users":{}}"#, "version: "),
            (r#"{"users":{}}"#, ".: missing field `version`"),
            (r#"{"version":1,"users":{}} 739182"#, ".: there is more"),
            (r#"{"version":1,"#, ".: EOF"),
        ] {
            let told = refused(text);
            assert!(told.starts_with(path), "{text} -> {told}");
            assert!(!told.contains("739182"), "{told}");
        }
    }

    #[test]
    fn an_unknown_field_is_named() {
        let told = refused(r#"{"version":1,"users":{"4":{"labl":"Anna"}}}"#);
        assert!(told.contains("unknown field `labl`"), "{told}");
    }
}
