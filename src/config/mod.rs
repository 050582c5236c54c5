//! The configuration file: read, checked whole, and never half believed.
//!
//! [`load`] and [`Loaded::check`] give either a [`Config`] in which everything is valid, or every problem of the file at
//! once, each with its key, what is wrong, and what to do. A leaf: it knows no vendor (a vendor's own keys are passed on as a
//! table), and only the daemon and `panelgate check` read it. It holds no secret, only the places of secrets.
//!
//! Start with `raw.rs`, which is the list of keys; `checked.rs` and `panel.rs` say what they may be.

mod checked;
mod mail;
mod panel;
mod problem;
mod raw;
mod secret_source;
mod section;
mod url;

use std::path::Path;

pub use checked::{
    AccessConfig, CloudConfig, Config, ListenConfig, LogConfig, LogFormat, MqttProtocol, StoreConfig, TlsFiles,
};
pub use mail::{MailConfig, MailSecurity};
pub use panel::{Authority, CredentialSources, PanelConfig, Supervision};
pub use problem::{Level, Problem, Problems, nearest};
pub use secret_source::{SecretSource, SecretUnreadable};
pub use url::{BrokerUrl, UrlError};

/// Where the daemon looks when nothing else is said.
pub const DEFAULT_FILE: &str = "/etc/panelgate/panelgate.toml";
/// The local API's socket when nothing else is said.
pub const DEFAULT_SOCKET: &str = "/run/panelgate/panelgate.sock";

/// A configuration that was read, with everything that was found wrong in it so far.
#[derive(Debug)]
#[must_use = "whether it is valid is only known after `check`"]
pub struct Loaded {
    /// Missing only when a part that has no default is.
    config: Option<Config>,
    problems: Problems,
}

impl Loaded {
    /// Adds what `more` finds, also in a configuration that has errors already, so that all of them are told at once.
    ///
    /// # Errors
    /// All problems, if one of them is an error.
    pub fn check(mut self, more: impl FnOnce(&Config) -> Problems) -> Result<(Config, Problems), Problems> {
        if let Some(config) = &self.config {
            self.problems.extend(more(config));
        }
        match self.config {
            Some(config) if !self.problems.has_errors() => Ok((config, self.problems)),
            _ => Err(self.problems),
        }
    }
}

/// Reads a configuration file. Relative paths in it are relative to its folder.
pub fn load(path: &Path) -> Loaded {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text, path.parent().unwrap_or(Path::new("."))),
        Err(error) => {
            let hint = "give the path of the configuration with --config, and let the service's user read it";
            let problem = Problem::error(path.display().to_string(), format!("cannot be read: {error}"), hint);
            Loaded { config: None, problems: Problems::one(problem) }
        }
    }
}

/// Reads the text of a configuration file that lies in `folder`.
pub fn parse(text: &str, folder: &Path) -> Loaded {
    let mut problems = Problems::default();
    let config = match toml::from_str(text) {
        Ok(raw) => checked::check(raw, folder, &mut problems),
        Err(error) => {
            problems.push(syntax(text, &error));
            None
        }
    };
    Loaded { config, problems }
}

/// Every key that the file may have outside the vendors' tables, as `section.key`.
#[must_use]
pub fn known_keys() -> Vec<String> {
    raw::known_keys()
}

/// The line is named but not shown: it could hold a secret that somebody wrote in the wrong place.
fn syntax(text: &str, error: &toml::de::Error) -> Problem {
    let line = error.span().map(|span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
    let key = line.map_or_else(|| "the file".to_owned(), |line| format!("line {line}"));
    Problem::error(key, format!("is not TOML: {}", error.message()), "mend this line; the example file shows the form")
}

#[cfg(test)]
mod tests;
