use panel_model::WallTime;

/// How the way to the cloud stands, for `panelgate panels`, the watchdog and people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CloudHealth {
    /// The broker is connected now.
    pub connected: bool,
    /// Since when.
    pub since: Option<WallTime>,
    /// What is wrong, if anything.
    pub trouble: Option<String>,
    /// Connections since the start.
    pub connections: u64,
    /// Records of the outbox that the broker took since the start.
    pub delivered: u64,
    /// Desired documents that were refused as a whole since the start.
    pub refused_documents: u64,
}

/// Says a trouble once, and again only after it was over or became another one.
#[derive(Debug, Default)]
pub(super) struct Told {
    last: Option<String>,
    times: u64,
}

impl Told {
    /// Whether `text` is news.
    pub(super) fn is_news(&mut self, text: &str) -> bool {
        self.times += 1;
        if self.last.as_deref() == Some(text) {
            return false;
        }
        self.last = Some(text.to_owned());
        self.times = 1;
        true
    }

    /// How often the trouble came, if there was one; forgets it.
    pub(super) fn over(&mut self) -> Option<u64> {
        self.last.take().map(|_| std::mem::take(&mut self.times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_told_once_and_counted() {
        let mut told = Told::default();
        assert!(told.is_news("no route"));
        assert!(!told.is_news("no route"));
        assert!(told.is_news("refused"));
        assert!(!told.is_news("refused"));
        assert_eq!(told.over(), Some(2));
        assert_eq!(told.over(), None);
        assert!(told.is_news("refused"));
    }
}
