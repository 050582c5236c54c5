use std::collections::BTreeMap;
use std::time::Duration;

use panel_model::PanelId;

/// A stay ends after so long without use.
pub const IDLE: Duration = Duration::from_secs(15 * 60);
/// And after so long in any case.
pub const LONGEST: Duration = Duration::from_secs(8 * 60 * 60);

/// How long something stays open, and for whom. Times are since boot.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stay {
    who: String,
    begun: Duration,
    used: Duration,
}

impl Stay {
    fn begin(who: &str, now: Duration) -> Self {
        Self { who: who.to_owned(), begun: now, used: now }
    }

    /// Uses it, if it is theirs and not over.
    fn used(&mut self, who: &str, now: Duration) -> bool {
        let open = self.who == who && now.saturating_sub(self.used) < IDLE && now.saturating_sub(self.begun) < LONGEST;
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
}

impl Sessions {
    /// A system user, who acted as `who`, showed the panel's installer code.
    pub fn unlock(&mut self, uid: u32, who: &str, panel: &PanelId, now: Duration) {
        self.of.entry(uid).or_default().panels.insert(panel.clone(), Stay::begin(who, now));
    }

    /// Whether a system user has the panel unlocked; that counts as use. What a person unlocked closes when the system
    /// user acts as somebody else, or as itself: their login is over.
    pub fn is_unlocked(&mut self, uid: u32, who: &str, panel: &PanelId, now: Duration) -> bool {
        let Some(session) = self.of.get_mut(&uid) else { return false };
        let open = session.panels.get_mut(panel).is_some_and(|stay| stay.used(who, now));
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

    const WHO: &str = "uid:1000";
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
        sessions.unlock(ANNA, WHO, &panel("dsc-1"), minutes(0));
        assert!(sessions.is_unlocked(ANNA, WHO, &panel("dsc-1"), minutes(1)));
        assert!(!sessions.is_unlocked(BEN, WHO, &panel("dsc-1"), minutes(1)));
        assert!(!sessions.is_unlocked(ANNA, WHO, &panel("dsc-2"), minutes(1)));
    }

    #[test]
    fn what_a_person_unlocked_closes_when_their_login_is_over() {
        let (mut sessions, id) = (Sessions::default(), panel("dsc-1"));
        sessions.unlock(ANNA, "person:anna@example.org", &id, minutes(0));
        assert!(sessions.is_unlocked(ANNA, "person:anna@example.org", &id, minutes(1)));
        assert!(!sessions.is_unlocked(ANNA, WHO, &id, minutes(2)));
        assert!(!sessions.is_unlocked(ANNA, "person:anna@example.org", &id, minutes(2)), "closed for good");
    }

    #[test]
    fn it_stays_so_while_it_is_used_and_eight_hours_at_most() {
        let (mut sessions, id) = (Sessions::default(), panel("dsc-1"));
        sessions.unlock(ANNA, WHO, &id, minutes(0));
        for n in (10..480).step_by(10) {
            assert!(sessions.is_unlocked(ANNA, WHO, &id, minutes(n)), "after {n} minutes");
        }
        assert!(!sessions.is_unlocked(ANNA, WHO, &id, minutes(480)));
        sessions.unlock(ANNA, WHO, &id, minutes(500));
        assert!(sessions.is_unlocked(ANNA, WHO, &id, minutes(514)));
        assert!(!sessions.is_unlocked(ANNA, WHO, &id, minutes(529)), "15 minutes unused");
        assert!(!sessions.is_unlocked(ANNA, WHO, &id, minutes(515)), "what is over stays over");
    }

    #[test]
    fn locking_closes_one_or_all_and_a_new_code_closes_those_of_everybody() {
        let (one, two) = (panel("dsc-1"), panel("dsc-2"));
        let now = minutes(1);
        let mut sessions = Sessions::default();
        let open = |sessions: &mut Sessions| {
            [(ANNA, &one), (ANNA, &two), (BEN, &one)].map(|(uid, panel)| sessions.is_unlocked(uid, WHO, panel, now))
        };
        for (uid, panel) in [(ANNA, &one), (ANNA, &two), (BEN, &one)] {
            sessions.unlock(uid, WHO, panel, now);
        }
        sessions.lock(ANNA, Some(&one));
        assert_eq!(open(&mut sessions), [false, true, true]);
        sessions.unlock(ANNA, WHO, &one, now);
        sessions.close(&one);
        assert_eq!(open(&mut sessions), [false, true, false]);
        sessions.lock(ANNA, None);
        assert_eq!(open(&mut sessions), [false; 3]);
    }
}
