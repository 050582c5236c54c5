use std::collections::BTreeMap;
use std::time::Duration;

use panel_model::PanelId;

/// A stay ends after so long without use.
pub const IDLE: Duration = Duration::from_secs(15 * 60);
/// And after so long in any case.
pub const LONGEST: Duration = Duration::from_secs(8 * 60 * 60);

/// How long something stays open. Times are since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stay {
    begun: Duration,
    used: Duration,
}

impl Stay {
    fn begin(now: Duration) -> Self {
        Self { begun: now, used: now }
    }

    /// Uses it, if it is not over.
    fn used(&mut self, now: Duration) -> bool {
        let open = now.saturating_sub(self.used) < IDLE && now.saturating_sub(self.begun) < LONGEST;
        if open {
            self.used = now;
        }
        open
    }
}

/// What system users of the box have open. In memory only: a restart closes everything.
#[derive(Debug, Default)]
pub struct Sessions {
    of: BTreeMap<u32, Session>,
}

/// What one system user has open.
#[derive(Debug, Default)]
struct Session {
    /// Panels that were unlocked with their installer code (I3).
    panels: BTreeMap<PanelId, Stay>,
    // Who logged in (I1) stands here too.
}

impl Sessions {
    /// A system user showed the panel's installer code.
    pub fn unlock(&mut self, uid: u32, panel: &PanelId, now: Duration) {
        self.of.entry(uid).or_default().panels.insert(panel.clone(), Stay::begin(now));
    }

    /// Whether a system user has the panel unlocked; that counts as use.
    pub fn is_unlocked(&mut self, uid: u32, panel: &PanelId, now: Duration) -> bool {
        let Some(session) = self.of.get_mut(&uid) else { return false };
        let open = session.panels.get_mut(panel).is_some_and(|stay| stay.used(now));
        if !open {
            session.panels.remove(panel);
        }
        open
    }

    /// Locks one panel for a system user, or all of them.
    pub fn lock(&mut self, uid: u32, panel: Option<&PanelId>) {
        let Some(session) = self.of.get_mut(&uid) else { return };
        match panel {
            Some(panel) => {
                session.panels.remove(panel);
            }
            None => session.panels.clear(),
        }
    }

    /// Locks a panel for everybody: its installer code is another one now (I2).
    pub fn close(&mut self, panel: &PanelId) {
        for session in self.of.values_mut() {
            session.panels.remove(panel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: u32 = 1000;
    const BEN: u32 = 1001;

    fn panel(id: &str) -> PanelId {
        id.parse().expect("a panel id")
    }

    fn minutes(n: u64) -> Duration {
        Duration::from_secs(n * 60)
    }

    #[test]
    fn a_panel_is_unlocked_for_one_user_and_no_other_panel() {
        let mut sessions = Sessions::default();
        sessions.unlock(ANNA, &panel("dsc-1"), minutes(0));
        assert!(sessions.is_unlocked(ANNA, &panel("dsc-1"), minutes(1)));
        assert!(!sessions.is_unlocked(BEN, &panel("dsc-1"), minutes(1)));
        assert!(!sessions.is_unlocked(ANNA, &panel("dsc-2"), minutes(1)));
    }

    #[test]
    fn it_stays_so_while_it_is_used_and_eight_hours_at_most() {
        let (mut sessions, id) = (Sessions::default(), panel("dsc-1"));
        sessions.unlock(ANNA, &id, minutes(0));
        for n in (10..480).step_by(10) {
            assert!(sessions.is_unlocked(ANNA, &id, minutes(n)), "after {n} minutes");
        }
        assert!(!sessions.is_unlocked(ANNA, &id, minutes(480)));
        sessions.unlock(ANNA, &id, minutes(500));
        assert!(sessions.is_unlocked(ANNA, &id, minutes(514)));
        assert!(!sessions.is_unlocked(ANNA, &id, minutes(529)), "15 minutes unused");
        assert!(!sessions.is_unlocked(ANNA, &id, minutes(515)), "what is over stays over");
    }

    #[test]
    fn locking_closes_one_or_all_and_a_new_code_closes_those_of_everybody() {
        let (one, two) = (panel("dsc-1"), panel("dsc-2"));
        let now = minutes(1);
        let mut sessions = Sessions::default();
        let open = |sessions: &mut Sessions| {
            [(ANNA, &one), (ANNA, &two), (BEN, &one)].map(|(uid, panel)| sessions.is_unlocked(uid, panel, now))
        };
        for (uid, panel) in [(ANNA, &one), (ANNA, &two), (BEN, &one)] {
            sessions.unlock(uid, panel, now);
        }
        sessions.lock(ANNA, Some(&one));
        assert_eq!(open(&mut sessions), [false, true, true]);
        sessions.unlock(ANNA, &one, now);
        sessions.close(&one);
        assert_eq!(open(&mut sessions), [false, true, false]);
        sessions.lock(ANNA, None);
        assert_eq!(open(&mut sessions), [false; 3]);
    }
}
