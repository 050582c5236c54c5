//! Whether what the module tells is the panel's state of now: a module that does not hear its panel repeats what it saw
//! last.

use std::time::Instant;

use crate::jsonrpc::answer::words;
use crate::jsonrpc::quirks::{DOUBT, FROZEN};

/// What speaks for the module's words and against them.
#[derive(Debug)]
pub(crate) struct Belief {
    /// The module says that it hears the panel.
    linked: bool,
    /// Panel clock as read last, and since when it stands there.
    clock: Option<(String, Instant)>,
    frozen: bool,
    /// When a state was read last that could be believed.
    at: Option<Instant>,
}

impl Default for Belief {
    fn default() -> Self {
        Self { linked: true, clock: None, frozen: false, at: None }
    }
}

impl Belief {
    pub(super) fn linked(&mut self, linked: bool) {
        self.linked = linked;
    }

    /// The panel's clock stands still: the module may tell an old state.
    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// What the module tells is the panel's state of now.
    pub(crate) fn holds(&self) -> bool {
        self.linked && !self.frozen
    }

    /// A state was read that shows this clock. Returns whether nothing that could be believed was seen for long before:
    /// who knows what happened meanwhile.
    pub(super) fn heard(&mut self, now: Instant, clock: Option<&str>) -> bool {
        let clock = clock.map(words);
        let since = self.clock.take().filter(|(before, _)| Some(before) == clock.as_ref()).map_or(now, |(_, at)| at);
        self.frozen = now.saturating_duration_since(since) >= FROZEN;
        self.clock = clock.map(|clock| (clock, since));
        let gap = self.at.is_some_and(|at| now.saturating_duration_since(at) > DOUBT);
        if self.holds() {
            self.at = Some(now);
        }
        gap
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use panel_driver::clock;

    use super::*;

    #[test]
    fn a_clock_that_stands_for_long_is_not_believed_and_one_that_nobody_tells_is() {
        let (start, second) = (clock::now(), Duration::from_secs(1));
        let mut belief = Belief::default();
        for n in 0..89 {
            assert!(!belief.heard(start + n * second, Some("20260314081500")) && belief.holds(), "{n}");
        }
        assert!(!belief.heard(start + FROZEN, Some("20260314081500")) && !belief.holds() && belief.is_frozen());
        assert!(belief.heard(start + FROZEN + DOUBT, Some("20260314081700")) && belief.holds(), "after a gap");
        assert!(!belief.heard(start + FROZEN + DOUBT + second, Some("20260314081701")), "told once");
        let mut silent = Belief::default();
        assert!((0..500).all(|n| !silent.heard(start + n * second, None) && silent.holds()));
        silent.linked(false);
        assert!(!silent.heard(start + 500 * second, None) && !silent.holds());
    }
}
