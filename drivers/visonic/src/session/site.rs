//! What session and procedures share: who the panel is, what is known of it, what the owner is told.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use panel_driver::{CommandId, CommandQueue, Credentials, DriverError, DriverEvent, Outcome, SessionOutput};
use panel_model::{Capabilities, Label, PanelEvent, PartitionSet, Slot, Zone};

use crate::capabilities::{USER_PERMIT, of_model};
use crate::config::Config;
use crate::eeprom::{Item, Memory, Options, ZoneSetup, name, zones};
use crate::map::user_report;
use crate::message::WireCode;
use crate::model::{Family, Model};
use crate::procedure::Goal;

use crate::quirks::{SETUP_AGAIN, SETUP_TRIES};

use super::queue::CAPACITY;
use super::track::Tracker;

/// What is known of the panel's download code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Access {
    /// Not tried yet.
    Unknown,
    /// The panel took this one.
    Proved(WireCode),
    /// None of the known ones. Not tried again in this connection.
    Denied,
}

/// What session and procedures share.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) config: Config,
    pub(crate) model: Model,
    pub(crate) credentials: Credentials,
    pub(crate) capabilities: Capabilities,
    pub(crate) tracker: Tracker,
    pub(crate) queue: CommandQueue,
    pub(crate) access: Access,
    pub(crate) options: Option<Options>,
    /// The panel is enrolled with us.
    pub(crate) enrolled: bool,
    /// The panel asked for enrolment.
    pub(crate) enrol_asked: bool,
    /// The panel has just refused an enrolment.
    pub(crate) enrol_refused: bool,
    /// The state is to be asked for at once.
    pub(crate) state_wanted: bool,
    /// AB 06 is to be sent: the panel has just taken us as its PowerLink.
    pub(crate) restore_wanted: bool,
    /// Zones and users are to be read, not before then.
    pub(crate) setup_at: Option<Instant>,
    pub(crate) setup_failures: u8,
    /// What the settings did not tell and the memory may.
    pub(crate) for_memory: Vec<Goal>,
    /// Somebody else talks to the panel on the same port.
    pub(crate) shared: bool,
    pub(crate) stopping: bool,
    outputs: VecDeque<SessionOutput>,
}

impl Site {
    pub(crate) fn new(config: Config, credentials: Credentials) -> Self {
        let model = config.model;
        Self {
            tracker: Tracker::new(model, config.partitions, config.zones),
            capabilities: of_model(&model, config.partitions, config.zones),
            model,
            credentials,
            queue: CommandQueue::holding(CAPACITY),
            access: Access::Unknown,
            options: None,
            enrolled: false,
            enrol_asked: false,
            enrol_refused: false,
            state_wanted: false,
            restore_wanted: false,
            setup_at: None,
            setup_failures: 0,
            for_memory: Vec::new(),
            shared: false,
            stopping: false,
            outputs: VecDeque::new(),
            config,
        }
    }

    pub(crate) fn event(&mut self, event: DriverEvent) {
        self.outputs.push_back(SessionOutput::Event(event));
    }

    pub(crate) fn happened(&mut self, event: PanelEvent) {
        self.event(DriverEvent::Happened(event));
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

    /// Download codes to try, the likeliest first: the proved one alone, else the configured one and those of the
    /// factory. Never others [dossier 13.4].
    pub(crate) fn download_codes(&self) -> VecDeque<WireCode> {
        if let Access::Proved(code) = &self.access {
            return VecDeque::from([code.clone()]);
        }
        let configured = self.credentials.password.as_ref().and_then(|p| WireCode::from_digits(p.expose()));
        let factory = match self.model.family {
            Family::PowerMax => ["5650", "AAAA", "BBBB"],
            Family::PowerMaster => ["AAAA", "5650", "BBBB"],
        };
        let mut codes = VecDeque::new();
        for code in configured.into_iter().chain(factory.into_iter().filter_map(WireCode::from_digits)) {
            if !codes.contains(&code) {
                codes.push_back(code);
            }
        }
        codes
    }

    /// The code for enrolling and for commands that want the download code.
    pub(crate) fn download_code(&self) -> WireCode {
        self.download_codes().pop_front().unwrap_or_else(WireCode::none)
    }

    /// The panel said its type. It counts more than the configuration.
    pub(crate) fn identified(&mut self, panel_type: u8) {
        if panel_type == self.model.panel_type {
            return;
        }
        let model = Model::of(panel_type);
        let whole = model.family == Family::PowerMax;
        tracing::warn!(configured = self.model.name, found = model.name, "the panel is of another type");
        let partitions = if whole { PartitionSet::first(1) } else { self.config.partitions };
        self.model = model;
        self.tracker.set_model(model, partitions);
        self.state_wanted = true;
        let capabilities = of_model(&model, partitions, self.config.zones);
        if capabilities != self.capabilities {
            self.capabilities = capabilities.clone();
            self.event(DriverEvent::Capabilities(Box::new(capabilities)));
        }
    }

    /// What was to be read by itself could not be: again later, a few times.
    pub(crate) fn setup_failed(&mut self, now: Instant) {
        self.setup_failures = self.setup_failures.saturating_add(1);
        self.setup_at = (self.setup_failures < SETUP_TRIES).then_some(now + SETUP_AGAIN);
        if self.setup_at.is_none() && self.access == Access::Unknown {
            // Enrolment does not wait for ever for what cannot be read.
            self.access = Access::Denied;
        }
    }

    /// Takes zones, names and options out of the memory.
    pub(crate) fn set_up(&mut self, memory: &Memory) {
        if let Some(options) = memory.item(Item::Options, &self.model).and_then(Options::of) {
            self.options = Some(options);
            self.tell_permit(options.user_permit);
        }
        let table = memory.item(Item::NameTable, &self.model);
        let label = |zone: &ZoneSetup| -> Option<Label> { name(table?, zone.name?) };
        let found: Vec<(Zone, u8, Option<Label>)> = zones(memory, &self.model)
            .iter()
            .filter(|zone| u16::from(zone.zone) <= self.config.zones)
            .filter_map(|zone| Some((Zone::new(zone.zone.into()).ok()?, zone.partitions.unwrap_or(1), label(zone))))
            .collect();
        let by_zone: BTreeMap<u16, (u8, Option<Label>)> =
            found.iter().map(|(zone, mask, label)| (zone.number(), (*mask, label.clone()))).collect();
        self.tracker.set_zones(by_zone);
        for (zone, _, label) in found {
            if let Some(label) = label {
                self.event(DriverEvent::ZoneLabel(zone, label));
            }
        }
    }

    /// Says in the capabilities whether the installer menu needs the master user's consent.
    fn tell_permit(&mut self, is_on: bool) {
        let notes = &mut self.capabilities.notes;
        if notes.iter().any(|note| note == USER_PERMIT) != is_on {
            notes.retain(|note| note != USER_PERMIT);
            notes.extend(is_on.then(|| USER_PERMIT.to_owned()));
            self.event(DriverEvent::Capabilities(Box::new(self.capabilities.clone())));
        }
    }

    /// Tells all users. `masks`: partitions by slot, where they could be read.
    pub(crate) fn tell_users(&mut self, codes: &[WireCode], masks: Option<&[u8]>) {
        let numbered = (1_u32..).filter_map(|n| Slot::new(n).ok()).zip(codes).take(usize::from(self.model.users));
        let all = self.capabilities.partitions;
        let reports: Vec<_> = numbered
            .map(|(slot, code)| {
                let at = usize::from(slot.number()) - 1;
                let mut report = user_report(slot, code, masks.and_then(|masks| masks.get(at)).copied(), all);
                // Tag n belongs to user n [doc M].
                let has_tags = slot.number() <= u16::from(self.model.tags);
                report.tag = self.tracker.has_tag(slot.number()).filter(|_| has_tags);
                report
            })
            .collect();
        for report in reports {
            self.event(DriverEvent::User(Box::new(report)));
        }
    }
}
