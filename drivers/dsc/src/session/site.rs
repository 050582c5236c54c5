//! What every procedure works with: the panel as known, the keypad as seen, codes, waiting commands, output.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use panel_driver::{CommandId, CommandQueue, Credentials, DriverEvent, Outcome, Residue, SessionOutput};
use panel_model::{AccessCode, Capabilities, InstallerCode, PanelEvent};

use super::queue::CAPACITY;
use super::track::Tracker;
use crate::capabilities::capabilities;
use crate::config::Config;
use crate::message::{ErrorCode, Transport};
use crate::procedure::view::View;
use crate::quirks::{BATCH_PAUSE, BATCH_RESERVE, BATCH_TIME, BATCH_USERS};

#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) config: Config,
    pub(crate) capabilities: Capabilities,
    pub(crate) transport: Transport,
    pub(crate) credentials: Credentials,
    /// The panel refused the master code in this session: it is not tried again without a person.
    pub(crate) master_refused: bool,
    /// How often the line was caught losing, doubling or garbling.
    pub(crate) noise: u64,
    /// How often a code seemed to be refused while it did.
    pub(crate) noisy_refusals: u8,
    /// The installer code that the panel refused last.
    pub(crate) installer_refused: Option<InstallerCode>,
    pub(crate) tracker: Tracker,
    pub(crate) view: View,
    pub(crate) queue: CommandQueue,
    pub(crate) batch: Batch,
    /// The command that reads all users, under way or paused.
    pub(crate) reading: Option<CommandId>,
    /// A menu may be open: noted for the next run.
    pub(crate) residue: bool,
    /// A report is to be asked for when nothing else is under way.
    pub(crate) report_wanted: bool,
    /// Labels were read on this connection, or cannot be.
    pub(crate) labels_read: bool,
    /// The module said that its virtual keypad is off.
    pub(crate) keypad_off: bool,
    /// We are to stop.
    pub(crate) stopping: bool,
    out: VecDeque<SessionOutput>,
}

impl Site {
    pub(crate) fn new(config: Config, credentials: Credentials, residue: bool) -> Self {
        let transport = config.interface.transport();
        Self {
            capabilities: capabilities(&config),
            transport,
            credentials,
            master_refused: false,
            noise: 0,
            noisy_refusals: 0,
            installer_refused: None,
            tracker: Tracker::new(config.partitions, config.zones),
            view: View::new(transport),
            queue: CommandQueue::holding(CAPACITY),
            batch: Batch::default(),
            reading: None,
            residue,
            report_wanted: false,
            labels_read: transport == Transport::Envisalink,
            keypad_off: false,
            stopping: false,
            out: VecDeque::new(),
            config,
        }
    }

    pub(crate) fn event(&mut self, event: DriverEvent) {
        self.out.push_back(SessionOutput::Event(event));
    }

    pub(crate) fn happened(&mut self, events: impl IntoIterator<Item = PanelEvent>) {
        for event in events {
            self.event(DriverEvent::Happened(event));
        }
    }

    pub(crate) fn done(&mut self, id: CommandId, outcome: Outcome) {
        if self.reading == Some(id) {
            self.reading = None;
        }
        self.out.push_back(SessionOutput::Done(id, outcome));
    }

    pub(crate) fn end(&mut self, error: panel_driver::DriverError) {
        self.out.push_back(SessionOutput::End(error));
    }

    pub(crate) fn poll_output(&mut self) -> Option<SessionOutput> {
        self.out.pop_front()
    }

    /// Notes that a menu may be open, before the first key that opens it.
    pub(crate) fn note_residue(&mut self, what: &str) {
        if !self.residue {
            self.residue = true;
            self.event(DriverEvent::Residue(Some(Residue(what.to_owned()))));
        }
    }

    /// It is proved that no menu of ours is open.
    pub(crate) fn clear_residue(&mut self) {
        if self.residue {
            self.residue = false;
            self.event(DriverEvent::Residue(None));
        }
    }

    /// What a refusal of the module says about the panel, whatever was asked.
    pub(crate) fn module_refused(&mut self, now: Instant, code: ErrorCode) {
        let events = match code {
            ErrorCode::KEYBUS_DOWN => self.tracker.panel_link(true),
            ErrorCode::LOCKOUT => self.tracker.lockout_seen(now),
            ErrorCode::INSTALLER_MODE => self.tracker.installer_mode_seen(),
            ErrorCode::KEYPAD_OFF => {
                self.keypad_off = true;
                Vec::new()
            }
            // The module's transmit buffer ran over: something was not told.
            ErrorCode(3) => {
                self.report_wanted = true;
                Vec::new()
            }
            _ => Vec::new(),
        };
        self.happened(events);
    }

    /// The new master code may be in the panel now; until that is proved the old one is kept beside it.
    pub(crate) fn master_written(&mut self, new: AccessCode) {
        self.credentials.previous_master = self.credentials.master.replace(new);
    }
}

/// How much of a batch of menu work is spent. It refills by a pause.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    users: u8,
    open_for: Duration,
    opened: Option<Instant>,
    left: Option<Instant>,
}

impl Batch {
    /// When a menu may be opened, if not now.
    pub(crate) fn opens_at(&self, now: Instant) -> Option<Instant> {
        let again = self.left? + BATCH_PAUSE;
        let spent = self.users >= BATCH_USERS || self.open_for + BATCH_RESERVE > BATCH_TIME;
        (spent && now < again).then_some(again)
    }

    /// A pause that was long enough begins a new batch.
    pub(crate) fn refill(&mut self, now: Instant) {
        if self.left.is_some_and(|left| now >= left + BATCH_PAUSE) {
            *self = Self::default();
        }
    }

    pub(crate) fn opened(&mut self, now: Instant) {
        self.opened = Some(now);
    }

    pub(crate) fn closed(&mut self, now: Instant) {
        if let Some(opened) = self.opened.take() {
            self.open_for += now.saturating_duration_since(opened);
            self.left = Some(now);
        }
    }

    /// Another user is worked on.
    pub(crate) fn count_user(&mut self) {
        self.users = self.users.saturating_add(1);
    }

    /// Whether another user fits.
    pub(crate) fn has_room(&self, now: Instant) -> bool {
        self.users < BATCH_USERS && self.left_over(now) >= BATCH_RESERVE
    }

    /// Time left in the menu.
    pub(crate) fn left_over(&self, now: Instant) -> Duration {
        let present = self.opened.map_or(Duration::ZERO, |opened| now.saturating_duration_since(opened));
        BATCH_TIME.saturating_sub(self.open_for + present)
    }
}

#[cfg(test)]
mod tests {
    use panel_driver::clock;

    use super::*;

    #[test]
    fn a_spent_batch_refills_by_a_pause() {
        let start = clock::now();
        let seconds = |n| start + Duration::from_secs(n);
        let mut batch = Batch::default();
        batch.opened(start);
        for _ in 0..BATCH_USERS {
            assert!(batch.has_room(seconds(1)));
            batch.count_user();
        }
        assert!(!batch.has_room(seconds(1)));
        batch.closed(seconds(20));
        assert_eq!(batch.opens_at(seconds(21)), Some(seconds(50)));
        assert_eq!(batch.opens_at(seconds(50)), None);
        batch.refill(seconds(50));
        batch.opened(seconds(50));
        assert!(batch.has_room(seconds(51)));
    }

    #[test]
    fn time_in_menus_adds_up_until_the_pause() {
        let start = clock::now();
        let seconds = |n| start + Duration::from_secs(n);
        let mut batch = Batch::default();
        for n in 0..2 {
            batch.opened(seconds(n * 30));
            batch.closed(seconds(n * 30 + 25));
        }
        assert_eq!(batch.opens_at(seconds(56)), Some(seconds(85)), "50 of 60 seconds are spent");
    }
}
