use std::fmt;
use std::time::Duration;

/// A broken rule, or a scenario that did not come out as it should: what, when, under which seed, and what went on
/// before. Prints the same with `{}` and `{:?}`, so that a test may simply return it.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was wrong.
    pub what: String,
    /// The seed of the run; `None` if nothing was random.
    pub seed: Option<u64>,
    /// Virtual time since the pair was made.
    pub at: Duration,
    /// The last things that happened, one a line, oldest first.
    pub trace: Vec<String>,
}

impl Failure {
    /// A failure outside any pair.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), seed: None, at: Duration::ZERO, trace: Vec::new() }
    }

    /// The same, with the circumstances said before it.
    #[must_use]
    pub fn when(self, circumstances: &str) -> Self {
        Self { what: format!("{circumstances}: {}", self.what), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} (at {:?} of virtual time)", self.what, self.at)?;
        for line in &self.trace {
            writeln!(f, "  {line}")?;
        }
        if let Some(seed) = self.seed {
            // The test runner names a test's thread after the test.
            let test = std::thread::current().name().unwrap_or("<test>").to_owned();
            writeln!(f, "again with: PAIR_SEED={seed} cargo test {test}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {}
