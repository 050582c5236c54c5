//! What every procedure works with: the panel as known, codes, waiting commands, output.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use panel_driver::{Command, CommandId, CommandQueue, Credentials, DriverError, DriverEvent, Outcome, SessionOutput};
use panel_model::{AccessCode, Capabilities, InstallerCode, PanelEvent, PanelState, PartitionSet, Slot};

use super::exchange::Answer;
use super::queue::Class;
use super::track::{Heard, Tracker};
use super::tries::InstallerTries;
use crate::capabilities::{Size, with_size};
use crate::config::Config;
use crate::message::{Notice, SystemCapabilities};
use crate::procedure::Item;
use crate::procedure::installer::Unproved;
use crate::procedure::operate::Bypass;
use crate::procedure::report::Extent;
use crate::procedure::section_label::{Labelled, WriteLabel};
use crate::procedure::users::ReadUsers;
use crate::procedure::write::WriteUser;
use crate::quirks::{BUSY, QUEUE, READ_AGAIN};

/// What a report procedure brought.
#[derive(Debug)]
pub(crate) struct Reported {
    pub(crate) extent: Extent,
    /// `None`: requests were not answered.
    pub(crate) state: Option<PanelState>,
    /// There is nothing behind the communicator.
    pub(crate) panel_silent: bool,
}

#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) config: Config,
    pub(crate) size: Size,
    pub(crate) capabilities: Capabilities,
    pub(crate) credentials: Credentials,
    pub(crate) tracker: Tracker,
    pub(crate) queue: CommandQueue,
    /// The panel refused the master code in this session: it is not tried again without a person.
    pub(crate) master_refused: bool,
    /// The installer code that the panel refused last.
    pub(crate) installer_refused: Option<InstallerCode>,
    pub(crate) installer_tries: InstallerTries,
    /// An installer code that was written and not proved.
    pub(crate) unproved: Option<Unproved>,
    /// The panel answers for several zones at once.
    pub(crate) multi_zone: bool,
    pub(crate) labels_read: bool,
    /// Labels still to be read after an interruption: option, first, last.
    pub(crate) labels_left: VecDeque<(u32, u32, u32)>,
    /// A report ended; the session takes it.
    pub(crate) reported: Option<Reported>,
    /// Something changed while a comparison was under way.
    pub(crate) report_again: bool,
    /// A notification inside an answer.
    pub(crate) observed: Vec<Notice>,
    /// Slots that the panel says have changed.
    pub(crate) changed_users: Option<(u32, u32)>,
    /// They are not read before.
    pub(crate) read_again_at: Option<Instant>,
    /// We are to stop.
    pub(crate) stopping: bool,
    /// Codes of other users, as far as they were read: for the duplicate check.
    codes: BTreeMap<Slot, AccessCode>,
    busy: Option<(Instant, Duration)>,
    mode_open: bool,
    out: VecDeque<SessionOutput>,
}

impl Site {
    pub(crate) fn new(config: Config, credentials: Credentials, installer_tries: InstallerTries) -> Self {
        let size = Size::of(&config);
        Self {
            capabilities: with_size(&config, size),
            tracker: Tracker::new(size.partitions),
            size,
            config,
            credentials,
            queue: CommandQueue::holding(QUEUE),
            master_refused: false,
            installer_refused: None,
            installer_tries,
            unproved: None,
            multi_zone: true,
            labels_read: false,
            labels_left: VecDeque::new(),
            reported: None,
            report_again: false,
            observed: Vec::new(),
            changed_users: None,
            read_again_at: None,
            stopping: false,
            codes: BTreeMap::new(),
            busy: None,
            mode_open: false,
            out: VecDeque::new(),
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
        self.out.push_back(SessionOutput::Done(id, outcome));
    }

    pub(crate) fn end(&mut self, error: DriverError) {
        self.out.push_back(SessionOutput::End(error));
    }

    pub(crate) fn poll_output(&mut self) -> Option<SessionOutput> {
        self.out.pop_front()
    }

    /// 0613: what the panel has counts more than the model's name. A configuration that says less is obeyed.
    pub(crate) fn told_capabilities(&mut self, told: &SystemCapabilities) {
        let number = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
        if told.zones > 0 {
            let zones = number(told.zones).min(999);
            self.size.zones = self.config.zones.map_or(zones, |configured| configured.min(zones));
        }
        if told.users > 0 {
            self.size.users = number(told.users).min(9999);
        }
        if let Ok(partitions @ 1..) = u8::try_from(told.partitions)
            && self.config.partitions.is_none()
        {
            self.size.partitions = PartitionSet::first(partitions.min(32));
        }
        self.size.outputs = u8::try_from(told.outputs).unwrap_or(u8::MAX).min(8);
    }

    /// 0236.
    pub(crate) fn told_code_length(&mut self, digits: u8) {
        if matches!(digits, 4 | 6 | 8) {
            self.size.code_length = digits;
        }
    }

    /// 0772: only what is in use is watched, unless the configuration says so itself.
    pub(crate) fn told_partitions(&mut self, partitions: PartitionSet) {
        if self.config.partitions.is_none() && !partitions.is_empty() {
            self.size.partitions = partitions;
        }
    }

    /// Tells the capabilities, if the panel's are others than were thought.
    pub(crate) fn tell_capabilities(&mut self) {
        self.tracker.set_partitions(self.size.partitions);
        let capabilities = with_size(&self.config, self.size);
        if capabilities != self.capabilities {
            self.capabilities = capabilities.clone();
            self.event(DriverEvent::Capabilities(Box::new(capabilities)));
        }
    }

    pub(crate) fn reported(&mut self, extent: Extent, state: Option<PanelState>, panel_silent: bool) {
        self.reported = Some(Reported { extent, state, panel_silent });
    }

    /// An answer that shows the state of something.
    pub(crate) fn observe_answer(&mut self, notice: &Notice) {
        self.observed.push(notice.clone());
    }

    /// What a notification brought; returns whether the state is to be compared soon.
    pub(crate) fn heard(&mut self, heard: Heard, replayed: bool) -> bool {
        let events = heard.events.into_iter().map(|event| if replayed { event.replayed() } else { event });
        self.happened(events);
        if heard.users_stale {
            self.event(DriverEvent::UsersStale);
        }
        if let Some((from, to)) = heard.users_changed {
            self.users_changed(from, to);
        }
        heard.compare
    }

    fn users_changed(&mut self, from: u32, to: u32) {
        self.changed_users = Some(match self.changed_users {
            Some((first, last)) => (first.min(from), last.max(to)),
            None => (from, to),
        });
    }

    /// These could not be read now.
    pub(crate) fn read_later(&mut self, now: Instant, from: u32, to: u32) {
        self.users_changed(from, to);
        self.read_again_at = Some(now + READ_AGAIN);
    }

    /// The next command of a class that is done in a programming mode, as work for it.
    pub(crate) fn next_item(&mut self, class: Class) -> Option<Box<dyn Item>> {
        if !matches!(class, Class::Users | Class::Bypass) {
            return None;
        }
        let (id, command) = self.queue.take(class)?;
        Some(self.item_of(id, command))
    }

    pub(crate) fn item_of(&self, id: CommandId, command: Command) -> Box<dyn Item> {
        match command {
            Command::SetUser(user) => Box::new(WriteUser::set(id, user)),
            Command::DisableUser { slot } => Box::new(WriteUser::disable(id, slot)),
            Command::Bypass { zone, bypassed } => Box::new(Bypass::new(id, zone, bypassed)),
            Command::SetZoneLabel { zone, label } => Box::new(WriteLabel::new(id, Labelled::Zone(zone), label)),
            Command::SetPartitionLabel { partition, label } => {
                Box::new(WriteLabel::new(id, Labelled::Partition(partition), label))
            }
            _ => Box::new(ReadUsers::new(Some(id), 1, self.size.users.into())),
        }
    }

    pub(crate) fn remember_code(&mut self, slot: Slot, code: Option<AccessCode>) {
        match code {
            Some(code) => self.codes.insert(slot, code),
            None => self.codes.remove(&slot),
        };
    }

    /// U9: whether another user, or the installer, has the code. Never says who.
    pub(crate) fn is_code_taken(&self, slot: Slot, code: &AccessCode) -> bool {
        self.codes.iter().any(|(other, taken)| *other != slot && taken == code)
            || self.credentials.installer.as_ref().is_some_and(|installer| installer.expose() == code.expose())
    }

    /// The new master code may be in the panel now; until that is proved the old one is kept beside it.
    pub(crate) fn master_written(&mut self, new: AccessCode) {
        self.credentials.previous_master = self.credentials.master.replace(new);
    }

    /// The panel said no to the new master code.
    pub(crate) fn master_not_written(&mut self) {
        if let Some(previous) = self.credentials.previous_master.take() {
            self.credentials.master = Some(previous);
        }
    }

    /// Somebody else is at the panel: the next try comes later each time.
    pub(crate) fn busy(&mut self, now: Instant) {
        let wait = self.busy.map_or(BUSY.0, |(_, last)| (last * 2).min(BUSY.1));
        self.busy = Some((now + wait, wait));
    }

    pub(crate) fn not_busy(&mut self) {
        self.busy = None;
    }

    pub(crate) fn is_busy(&self, now: Instant) -> bool {
        self.busy.is_some_and(|(until, _)| now < until)
    }

    pub(crate) fn mode_opened(&mut self) {
        self.mode_open = true;
    }

    pub(crate) fn mode_closed(&mut self) {
        self.mode_open = false;
    }

    /// How leaving a mode was answered. Any answer will do: there is no mode then, or none any more.
    pub(crate) fn mode_left(&mut self, answer: &Answer) {
        self.mode_open = *answer == Answer::Lost;
    }

    /// A mode of ours was entered and not left.
    pub(crate) fn is_mode_open(&self) -> bool {
        self.mode_open
    }
}
