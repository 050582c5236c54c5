//! Online, late, stale, offline (D7): a pure machine over what was heard when.

use std::time::{Duration, Instant};

use panel_model::{EventKind, PanelStatus};

/// The two timers of a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SupervisionConfig {
    /// A panel that was silent for longer is late.
    pub period: Duration,
    /// A panel that was silent or unconnected for longer is offline.
    pub offline_after: Duration,
}

/// Where a panel stands, and what has been told about it.
#[derive(Debug)]
pub(super) struct Supervision {
    config: SupervisionConfig,
    connected: bool,
    last_heard: Instant,
    status: PanelStatus,
    /// The last event told was that it is late or offline: that it is back is told as well.
    missed: bool,
}

impl Supervision {
    /// What it tells.
    pub(super) const EVENTS: [EventKind; 3] = [EventKind::PanelOnline, EventKind::PanelLate, EventKind::PanelOffline];

    /// A panel that was not heard of in this run. `known`: we have its state from before, so it is stale and not
    /// offline until the timer says so. `told`: the last event of an earlier run; what was told missing then is told
    /// back when it comes, and not told missing again.
    pub(super) fn new(now: Instant, config: SupervisionConfig, known: bool, told: Option<EventKind>) -> Self {
        let offline = !known || told == Some(EventKind::PanelOffline);
        let status = if offline { PanelStatus::Offline } else { PanelStatus::Stale };
        let missed = offline || told == Some(EventKind::PanelLate);
        Self { config, connected: false, last_heard: now, status, missed }
    }

    pub(super) fn status(&self) -> PanelStatus {
        self.status
    }

    /// A snapshot arrived: the panel is connected.
    pub(super) fn connected(&mut self, now: Instant) -> Option<EventKind> {
        self.connected = true;
        self.last_heard = now;
        self.update(now)
    }

    /// Anything was heard. Before a snapshot that proves nothing about the panel: a module may talk and refuse us.
    pub(super) fn heard(&mut self, now: Instant) -> Option<EventKind> {
        if self.connected {
            self.last_heard = now;
        }
        self.update(now)
    }

    /// The connection ended.
    pub(super) fn disconnected(&mut self, now: Instant) -> Option<EventKind> {
        self.connected = false;
        self.update(now)
    }

    /// Time passed. Returns the event to tell, if the status crossed a line.
    pub(super) fn update(&mut self, now: Instant) -> Option<EventKind> {
        let silent = now.saturating_duration_since(self.last_heard);
        let next = match (self.connected, self.status) {
            _ if silent >= self.config.offline_after => PanelStatus::Offline,
            (true, _) if silent >= self.config.period => PanelStatus::Late,
            (true, _) => PanelStatus::Online,
            // A panel that is offline stays so until it connects, however short ago it was heard.
            (false, PanelStatus::Offline) => PanelStatus::Offline,
            (false, _) => PanelStatus::Stale,
        };
        let before = std::mem::replace(&mut self.status, next);
        match next {
            PanelStatus::Online => std::mem::take(&mut self.missed).then_some(EventKind::PanelOnline),
            PanelStatus::Late if before != next => self.missing(EventKind::PanelLate),
            PanelStatus::Offline if before != next => self.missing(EventKind::PanelOffline),
            _ => None,
        }
    }

    fn missing(&mut self, kind: EventKind) -> Option<EventKind> {
        self.missed = true;
        Some(kind)
    }

    /// When [`Self::update`] is to be called next.
    pub(super) fn next_update(&self) -> Option<Instant> {
        match (self.connected, self.status) {
            (_, PanelStatus::Offline) => None,
            (true, PanelStatus::Online) => Some(self.last_heard + self.config.period),
            _ => Some(self.last_heard + self.config.offline_after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn a_panel_goes_late_then_offline_and_comes_back() {
        let t = panel_driver::clock::now();
        let config = SupervisionConfig { period: Duration::from_secs(60), offline_after: Duration::from_secs(180) };
        let mut s = Supervision::new(t, config, false, None);
        assert_eq!(s.status(), PanelStatus::Offline);
        assert_eq!(s.connected(at(t, 1)), Some(EventKind::PanelOnline));
        assert_eq!(s.next_update(), Some(at(t, 61)));
        assert_eq!(s.heard(at(t, 30)), None);
        assert_eq!(s.update(at(t, 61)), None);
        assert_eq!(s.update(at(t, 90)), Some(EventKind::PanelLate));
        assert_eq!(s.update(at(t, 210)), Some(EventKind::PanelOffline));
        assert_eq!(s.heard(at(t, 211)), Some(EventKind::PanelOnline));
    }

    #[test]
    fn a_panel_that_was_told_late_is_told_back_also_after_a_break() {
        let t = panel_driver::clock::now();
        let config = SupervisionConfig { period: Duration::from_secs(60), offline_after: Duration::from_secs(180) };
        let mut s = Supervision::new(t, config, true, None);
        assert_eq!(s.connected(at(t, 1)), None);
        assert_eq!(s.update(at(t, 61)), Some(EventKind::PanelLate));
        assert_eq!(s.disconnected(at(t, 62)), None);
        assert_eq!(s.status(), PanelStatus::Stale);
        assert_eq!(s.connected(at(t, 63)), Some(EventKind::PanelOnline));
    }

    #[test]
    fn a_module_that_talks_but_lets_us_not_in_keeps_no_panel_from_going_offline() {
        let t = panel_driver::clock::now();
        let config = SupervisionConfig { period: Duration::from_secs(60), offline_after: Duration::from_secs(180) };
        let mut s = Supervision::new(t, config, true, None);
        for n in 1..18 {
            assert_eq!(s.heard(at(t, n * 10)), None);
        }
        assert_eq!(s.heard(at(t, 180)), Some(EventKind::PanelOffline));
    }

    #[test]
    fn a_short_break_is_stale_and_makes_no_event() {
        let t = panel_driver::clock::now();
        let config = SupervisionConfig { period: Duration::from_secs(60), offline_after: Duration::from_secs(180) };
        let mut s = Supervision::new(t, config, true, None);
        assert_eq!(s.status(), PanelStatus::Stale);
        assert_eq!(s.connected(at(t, 1)), None);
        assert_eq!(s.disconnected(at(t, 10)), None);
        assert_eq!(s.status(), PanelStatus::Stale);
        assert_eq!(s.connected(at(t, 20)), None);
        assert_eq!(s.disconnected(at(t, 30)), None);
        assert_eq!(s.update(at(t, 200)), Some(EventKind::PanelOffline));
        assert_eq!(s.next_update(), None);
    }

    #[test]
    fn what_was_told_missing_before_a_restart_is_told_back_after_it_and_not_told_missing_again() {
        let t = panel_driver::clock::now();
        let config = SupervisionConfig { period: Duration::from_secs(60), offline_after: Duration::from_secs(180) };
        let mut s = Supervision::new(t, config, true, Some(EventKind::PanelOffline));
        assert_eq!((s.status(), s.update(at(t, 500))), (PanelStatus::Offline, None));
        assert_eq!(s.connected(at(t, 501)), Some(EventKind::PanelOnline));
        let mut s = Supervision::new(t, config, true, Some(EventKind::PanelLate));
        assert_eq!(s.status(), PanelStatus::Stale);
        assert_eq!(s.connected(at(t, 1)), Some(EventKind::PanelOnline));
        let mut s = Supervision::new(t, config, true, Some(EventKind::PanelOnline));
        assert_eq!((s.connected(at(t, 1)), s.status()), (None, PanelStatus::Online));
    }
}
