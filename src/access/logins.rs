use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::PersonName;

/// Unused that long, a login ends.
const IDLE: Duration = Duration::from_secs(15 * 60);
/// Used or not, it ends after that.
const ABSOLUTE: Duration = Duration::from_secs(8 * 60 * 60);

/// Who of the box's system users logged in as whom. Kept in memory only: a restart logs everybody out.
#[derive(Debug, Default)]
pub struct Logins(BTreeMap<u32, Login>);

#[derive(Debug)]
struct Login {
    person: PersonName,
    opened: Instant,
    used: Instant,
    must_change: bool,
}

/// A system user that acts as a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedIn {
    /// As whom.
    pub person: PersonName,
    /// A new password has to be set before anything else: they came with a temporary or a one-time password.
    pub must_change: bool,
}

impl Logins {
    /// From now on that system user acts as that person, in place of whom it acted as before.
    pub fn open(&mut self, uid: u32, person: PersonName, must_change: bool, now: Instant) {
        self.0.retain(|_, login| !login.is_over(now));
        self.0.insert(uid, Login { person, opened: now, used: now, must_change });
    }

    /// As whom that system user acts; asking counts as use.
    pub fn current(&mut self, uid: u32, now: Instant) -> Option<LoggedIn> {
        let found = self.glance(uid, now)?;
        self.0.entry(uid).and_modify(|login| login.used = now);
        Some(found)
    }

    /// The same, for what goes on by itself, such as a stream: it is no use.
    pub fn glance(&mut self, uid: u32, now: Instant) -> Option<LoggedIn> {
        let login = self.0.get(&uid).filter(|login| !login.is_over(now))?;
        Some(LoggedIn { person: login.person.clone(), must_change: login.must_change })
    }

    /// The person has set a password of their own: this login goes on, those by other system users end.
    pub fn password_set(&mut self, person: &PersonName, by: Option<u32>) {
        self.0.retain(|uid, login| login.person != *person || Some(*uid) == by);
        for login in self.0.values_mut().filter(|login| login.person == *person) {
            login.must_change = false;
        }
    }

    /// Ends the login of a system user; tells whether there was one.
    pub fn close(&mut self, uid: u32) -> bool {
        self.0.remove(&uid).is_some()
    }

    /// Ends every login of a person.
    pub fn end_of(&mut self, person: &PersonName) {
        self.0.retain(|_, login| login.person != *person);
    }
}

impl Login {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.used) >= IDLE || now.saturating_duration_since(self.opened) >= ABSOLUTE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anna() -> PersonName {
        "anna@example.org".parse().expect("a name")
    }

    fn minutes(n: u64) -> Duration {
        Duration::from_secs(n * 60)
    }

    #[test]
    fn a_login_ends_after_a_quarter_of_an_hour_without_use_and_after_eight_hours_with_it() {
        let (mut logins, start) = (Logins::default(), panel_driver::clock::now());
        logins.open(1000, anna(), false, start);
        assert!(logins.current(1000, start + minutes(14)).is_some());
        assert!(logins.current(1000, start + minutes(28)).is_some(), "it was used");
        assert!(logins.current(1000, start + minutes(43)).is_none());
        logins.open(1000, anna(), false, start);
        for n in (10..480).step_by(10) {
            assert!(logins.current(1000, start + minutes(n)).is_some(), "{n} minutes");
        }
        assert!(logins.current(1000, start + minutes(480)).is_none());
    }

    #[test]
    fn a_stream_that_goes_on_keeps_no_login_open() {
        let (mut logins, start) = (Logins::default(), panel_driver::clock::now());
        logins.open(1000, anna(), false, start);
        for n in 0..15 {
            assert!(logins.glance(1000, start + minutes(n)).is_some(), "{n} minutes");
        }
        assert!(logins.glance(1000, start + minutes(15)).is_none());
        assert!(logins.current(1000, start + minutes(15)).is_none());
    }

    #[test]
    fn logins_belong_to_a_system_user_and_end_with_the_person() {
        let (mut logins, now) = (Logins::default(), panel_driver::clock::now());
        logins.open(1000, anna(), false, now);
        logins.open(1001, anna(), true, now);
        logins.open(1002, PersonName::Init, true, now);
        assert_eq!(logins.current(7, now), None);
        logins.password_set(&anna(), Some(1001));
        assert_eq!(logins.current(1000, now), None, "another login of the same person");
        assert_eq!(logins.current(1001, now), Some(LoggedIn { person: anna(), must_change: false }));
        assert!(logins.current(1002, now).is_some_and(|login| login.must_change));
        logins.end_of(&anna());
        assert_eq!(logins.current(1001, now), None);
        assert!(logins.close(1002) && !logins.close(1002));
    }
}
