//! What session and jobs share: what is known of module and panel, what the owner is told.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Instant;

use panel_driver::{CommandId, DriverError, DriverEvent, DriverStart, Outcome, SessionOutput};
use panel_model::{AccessCode, ArmState, Capabilities, EventKind, PanelEvent, Partition, Slot, UserReport};
use serde_json::Value;

use super::belief::Belief;
use super::track::Tracker;
use crate::config::{Config, Writes};
use crate::jsonrpc::answer::{PanelStatuses, UserRow, read};
use crate::jsonrpc::capabilities::{Found, capabilities};
use crate::jsonrpc::error::{CallError, code_needed, master_code_needed, not_now, refused_before};
use crate::jsonrpc::map;
use crate::jsonrpc::methods::MethodList;

/// What a stored code is used for, beside registering and reading. A panel that refuses it for one of these is not asked
/// for the same again: it counts wrong codes, and in the end it locks its keypads or calls for help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Use {
    /// A user's code may be good for one partition only.
    Arm(Partition),
    Bypass,
    Output,
    Clock,
    WriteCodes,
    WritePartitions,
}

/// What session and jobs share.
#[derive(Debug)]
pub(crate) struct Site {
    config: Config,
    writes: Writes,
    /// Our address, as the module sees it.
    pub(crate) ip: Option<IpAddr>,
    pub(crate) capabilities: Capabilities,
    pub(crate) methods: MethodList,
    /// A user's code for registering, and for what nobody typed one for.
    pub(crate) own_code: Option<AccessCode>,
    master: Option<AccessCode>,
    previous_master: Option<AccessCode>,
    /// The master's code is the one before the last change.
    fell_back: bool,
    master_refused: bool,
    refused: BTreeSet<Use>,
    pub(crate) duress: Option<AccessCode>,
    pub(crate) user_permit: Option<bool>,
    /// Users with a tag, where the module tells it in a known form.
    pub(crate) tags: Option<BTreeSet<Slot>>,
    pub(crate) tracker: Tracker,
    /// The snapshot was told.
    pub(crate) online: bool,
    /// Nothing is told until the next snapshot: too much may have happened unseen.
    pub(crate) in_doubt: bool,
    /// The state is to be read whole, for these commands or for itself.
    pub(crate) look_wanted: bool,
    pub(crate) look_for: Vec<CommandId>,
    pub(crate) devices_wanted: bool,
    pub(crate) users_wanted: bool,
    pub(crate) users_for: Vec<CommandId>,
    pub(crate) belief: Belief,
    /// Answers in a row that should have told the state and did not.
    pub(crate) unread: u8,
    /// When panel and partitions were read last.
    pub(crate) state_at: Option<Instant>,
    outputs: VecDeque<SessionOutput>,
}

impl Site {
    pub(crate) fn new(config: Config, writes: Writes, start: DriverStart, ip: Option<IpAddr>) -> Self {
        let credentials = start.credentials;
        let password = credentials.password.map(|password| AccessCode::new(password.expose().to_owned()));
        Self {
            capabilities: capabilities(&config, writes, Found::default()),
            tracker: Tracker::new(config.partitions, config.zones),
            config,
            writes,
            ip,
            methods: MethodList::default(),
            own_code: password.or_else(|| credentials.master.clone()),
            master: credentials.master,
            previous_master: credentials.previous_master,
            fell_back: false,
            master_refused: false,
            refused: BTreeSet::new(),
            duress: None,
            user_permit: None,
            tags: None,
            online: false,
            in_doubt: false,
            look_wanted: true,
            look_for: Vec::new(),
            devices_wanted: true,
            users_wanted: true,
            users_for: Vec::new(),
            belief: Belief::default(),
            unread: 0,
            state_at: None,
            outputs: VecDeque::new(),
        }
    }

    pub(crate) fn event(&mut self, event: DriverEvent) {
        self.outputs.push_back(SessionOutput::Event(event));
    }

    /// Tells what happened, unless the next snapshot tells it.
    pub(crate) fn happened(&mut self, events: impl IntoIterator<Item = PanelEvent>) {
        let told = self.online && !self.in_doubt;
        for event in events {
            if event.kind == EventKind::InstallerModeLeft && self.online {
                (self.users_wanted, self.devices_wanted, self.look_wanted) = (true, true, true);
            }
            if told {
                self.event(DriverEvent::Happened(event));
            }
        }
    }

    pub(crate) fn done(&mut self, id: CommandId, outcome: Outcome) {
        self.outputs.push_back(SessionOutput::Done(id, outcome));
    }

    pub(crate) fn end(&mut self, error: DriverError) {
        self.outputs.push_back(SessionOutput::End(error));
    }

    pub(crate) fn poll_output(&mut self) -> Option<SessionOutput> {
        self.outputs.pop_front()
    }

    /// Commands that a look or the table of users will answer.
    pub(crate) fn take_readers(&mut self) -> Vec<CommandId> {
        let mut all = std::mem::take(&mut self.look_for);
        all.append(&mut self.users_for);
        all
    }

    /// Works out what the panel can do, and tells it where that is something else than was said.
    pub(crate) fn find_capabilities(&mut self) {
        let found = Found { methods: Some(&self.methods), user_permit: self.user_permit };
        let capabilities = capabilities(&self.config, self.writes, found);
        if capabilities != self.capabilities {
            self.capabilities = capabilities.clone();
            self.event(DriverEvent::Capabilities(Box::new(capabilities)));
        }
    }

    /// Panel and partitions were read. Returns whether the zones should be looked at.
    ///
    /// # Errors
    /// [`CallError::Malformed`]: it tells of no partition of ours.
    pub(crate) fn heard(&mut self, now: Instant, result: &Value) -> Result<bool, CallError> {
        let statuses: PanelStatuses = read(result)?;
        if !self.tracker.is_told(&statuses) {
            return Err(CallError::Malformed);
        }
        (self.state_at, self.unread) = (Some(now), 0);
        let gap = self.belief.heard(now, statuses.datetime.as_deref());
        let believed = self.belief.holds();
        if gap && self.online {
            (self.in_doubt, self.look_wanted) = (true, self.look_wanted || believed);
        }
        let (events, changed) = self.tracker.statuses(&statuses);
        self.happened(events);
        if believed {
            self.event(DriverEvent::Alive);
        }
        Ok(changed)
    }

    pub(crate) fn linked(&mut self, linked: bool) {
        self.belief.linked(linked);
        let online = self.online;
        // Told although the state is in doubt: it is why.
        for event in self.tracker.linked(linked).into_iter().filter(|_| online) {
            self.event(DriverEvent::Happened(event));
        }
    }

    /// Panels are not programmed while armed, in a menu, or out of reach of the module.
    ///
    /// # Errors
    /// Why it has to wait.
    pub(crate) fn may_program(&self) -> Result<(), Outcome> {
        let state = self.tracker.state();
        let armed = state.partitions.iter().find(|(_, p)| p.arm != ArmState::Disarmed || p.alarm);
        match armed {
            _ if !self.belief.holds() => Err(not_now("the module does not hear the panel")),
            Some((partition, _)) => Err(not_now(&format!("partition {partition} is armed or in alarm"))),
            None if state.installer_mode => Err(not_now("somebody is in the installer's menu")),
            None => Ok(()),
        }
    }

    /// A stored code, for what nobody typed one for.
    ///
    /// # Errors
    /// How a command ends that needs it: there is none, or the panel refused it for the same before.
    pub(crate) fn code_for(&self, purpose: Use) -> Result<AccessCode, Outcome> {
        self.may_use(purpose)?;
        self.stored_code().ok_or_else(code_needed)
    }

    /// Whether the panel has not refused the stored code for that.
    ///
    /// # Errors
    /// How a command ends otherwise.
    pub(crate) fn may_use(&self, purpose: Use) -> Result<(), Outcome> {
        if self.refused.contains(&purpose) { Err(refused_before()) } else { Ok(()) }
    }

    /// The panel refused the stored code for that.
    pub(crate) fn refused(&mut self, purpose: Use) {
        self.refused.insert(purpose);
    }

    /// The master user's code, to manage users with.
    ///
    /// # Errors
    /// How a command ends that needs it: there is none, or the panel refused it.
    pub(crate) fn master(&self) -> Result<AccessCode, Outcome> {
        match &self.master {
            Some(code) if !self.master_refused => Ok(code.clone()),
            Some(_) => Err(CallError::WrongCode.outcome()),
            None => Err(master_code_needed()),
        }
    }

    /// The panel refused the master's code. Returns whether the one before is left to be tried.
    pub(crate) fn master_refused(&mut self) -> bool {
        match self.previous_master.take() {
            Some(previous) => {
                self.master = Some(previous);
                self.fell_back = true;
                true
            }
            None => {
                self.master_refused = true;
                false
            }
        }
    }

    /// The panel took the master's code.
    pub(crate) fn master_taken(&mut self) {
        if std::mem::take(&mut self.fell_back) {
            self.event(DriverEvent::MasterReverted);
        } else if self.previous_master.take().is_some() {
            self.event(DriverEvent::MasterProved);
        }
    }

    /// The master's code is another one now. The owner is told with the command's outcome.
    pub(crate) fn master_changed(&mut self, code: AccessCode) {
        if self.own_code == self.master {
            self.own_code = Some(code.clone());
        }
        self.master = Some(code);
        self.previous_master = None;
        self.refused.clear();
    }

    /// The code to register with.
    pub(crate) fn stored_code(&self) -> Option<AccessCode> {
        self.own_code.clone()
    }

    pub(crate) fn user(&self, slot: Slot, rows: &[UserRow]) -> UserReport {
        map::user_report(slot, rows, self.tags.as_ref(), self.capabilities.partitions)
    }

    /// Tells all users.
    pub(crate) fn tell_users(&mut self, rows: &[UserRow]) {
        let slots: Vec<_> = self.capabilities.all_slots().collect();
        for slot in slots {
            let report = self.user(slot, rows);
            self.event(DriverEvent::User(Box::new(report)));
        }
    }
}
