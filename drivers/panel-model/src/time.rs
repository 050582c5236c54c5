use serde::{Deserialize, Serialize};

/// A point of wall-clock time: milliseconds since 1970-01-01T00:00:00Z.
///
/// The model never reads a clock; whoever observes a thing stamps it. Rendering as RFC 3339 happens at the edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WallTime(pub i64);

impl WallTime {
    /// Milliseconds from `earlier` to `self`; negative when the clock was set back between the two.
    #[must_use]
    pub fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}
