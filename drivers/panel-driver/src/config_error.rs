use std::fmt;

/// One thing that is wrong in a panel's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The key, as it is written.
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: String,
    /// What to write instead.
    pub fix: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.key, self.problem, self.fix)
    }
}

/// What is wrong so far, while a configuration is looked through: all of it is told at once.
#[derive(Debug, Default)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// One more; the value that was asked for is not to be had.
    pub fn add<T>(&mut self, key: &'static str, problem: impl Into<String>, fix: impl Into<String>) -> Option<T> {
        self.0.push(ConfigError { key, problem: problem.into(), fix: fix.into() });
        None
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of it, in the order in which it was found.
    #[must_use]
    pub fn into_vec(self) -> Vec<ConfigError> {
        self.0
    }
}
