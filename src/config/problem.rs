use std::fmt;

use serde::Serialize;

/// Whether a problem stops the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The daemon does not start.
    Error,
    /// It starts, but somebody should know.
    Warning,
}

/// One thing that is wrong or doubtful in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Error or warning.
    pub level: Level,
    /// The key, whole: `cloud.url`, `panel dsc-1: supervision.period_s`.
    pub key: String,
    /// What is wrong. Never quotes a value that could be a secret.
    pub what: String,
    /// What to do.
    pub hint: String,
}

impl Problem {
    /// A problem that stops the daemon.
    pub fn error(key: impl Into<String>, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { level: Level::Error, key: key.into(), what: what.into(), hint: hint.into() }
    }

    /// A problem that is only told.
    pub fn warning(key: impl Into<String>, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { level: Level::Warning, key: key.into(), what: what.into(), hint: hint.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        write!(f, "{level}: {}: {}\n    {}", self.key, self.what, self.hint)
    }
}

/// All that was found in one go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// A single problem.
    #[must_use]
    pub fn one(problem: Problem) -> Self {
        Self(vec![problem])
    }

    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Adds an error.
    pub fn error(&mut self, key: impl Into<String>, what: impl Into<String>, hint: impl Into<String>) {
        self.push(Problem::error(key, what, hint));
    }

    /// Adds a warning.
    pub fn warning(&mut self, key: impl Into<String>, what: impl Into<String>, hint: impl Into<String>) {
        self.push(Problem::warning(key, what, hint));
    }

    /// Adds all of `other`.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether one of them stops the daemon.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|problem| problem.level == Level::Error)
    }

    /// In the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// The known word that `word` was probably meant to be, if one is near.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(3) / 3)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters have to be added, dropped, changed or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let cell = |back: usize, column: usize| rows.get((i + 1).wrapping_sub(back)).and_then(|r| r.get(column));
            let change = cell(1, j).map_or(usize::MAX, |d| d + usize::from(from != to));
            let drop = cell(1, j + 1).map_or(usize::MAX, |d| d + 1);
            let add = row.last().map_or(usize::MAX, |d| d + 1);
            let swapped = i > 0 && j > 0 && Some(from) == b.get(j - 1) && a.get(i - 1) == Some(to);
            let swap = if swapped { cell(2, j - 1).map_or(usize::MAX, |d| d + 1) } else { usize::MAX };
            row.push(change.min(drop).min(add).min(swap));
        }
        rows.push(row);
    }
    rows.last().and_then(|row| row.last()).copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_slips_of_the_hand() {
        for (a, b, expected) in
            [("url", "url", 0), ("ulr", "url", 1), ("prefx", "prefix", 1), ("prefixx", "prefix", 1), ("", "ca", 2)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn the_nearest_word_is_named_only_when_it_is_near() {
        let known = ["history_rows", "password", "prefix", "url"];
        assert_eq!(nearest("historyrows", known), Some("history_rows"));
        assert_eq!(nearest("pasword", known), Some("password"));
        assert_eq!(nearest("ulr", known), Some("url"));
        assert_eq!(nearest("banana", known), None);
    }
}
