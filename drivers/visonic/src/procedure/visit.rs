//! A visit to the panel's memory: download mode, blocks, and out again (dossier 3.3 and 5.1). Short and rare: the
//! panel's keypads are busy meanwhile. It only reads, by the allow-list of [`Item`], and sets the clock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use panel_driver::{CivilTime, CommandId, DriverEvent, Outcome};
use panel_model::{Evidence, NotNow};

use crate::eeprom::{Identity, Item, codes, text};
use crate::error::{SessionError, download_denied, not_shown, visit_failed};
use crate::message::{ClockTime, HostMessage, PanelMessage, WireCode};
use crate::quirks::{BLOCK, CODE_PAUSE, PANEL_INFO, USERS_PAUSE, VISIT};
use crate::session::{Access, Answer, Site};

use super::reading::{Arrival, Reading};
use super::{Goal, Interruption, Next, Procedure, installer_outcome};

/// Longest delay of a `25` that is waited for.
const LONGEST_DELAY: Duration = Duration::from_secs(60);
/// Times that `25` is waited for.
const DELAYS: u8 = 3;
/// A PowerMaster that leaves at once (`0F`) is asked once more after [issue DS#265].
const LEFT_PAUSE: Duration = Duration::from_secs(10);
/// A clock that was set may be off by so much when it is read.
const CLOCK_SLACK: u32 = 3;
const DAY: u32 = 24 * 3600;

/// Where the visit stands. In the stages that end in -ing a message is on its way or in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Enter,
    Entering,
    Info {
        until: Instant,
    },
    /// Before the next code, or because the panel said so.
    Pause {
        until: Instant,
    },
    Read,
    Reading,
    Block {
        until: Instant,
    },
    SetClock,
    SettingClock,
    Leave,
    Leaving,
    GetClock,
    GettingClock,
    Clock {
        until: Instant,
    },
    Over,
}

/// How the visit came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Fine,
    /// No known code was taken.
    Denied,
    /// It broke off.
    Failed,
    Interrupted(Interruption),
}

/// One visit, for some goals.
#[derive(Debug)]
pub(crate) struct Visit {
    goals: Vec<Goal>,
    codes: VecDeque<WireCode>,
    stage: Stage,
    verdict: Verdict,
    ends: Option<Instant>,
    reading: Reading,
    panel_type: Option<u8>,
    delays: u8,
    left: u8,
    original: bool,
    clock: Option<ClockTime>,
    clock_taken: bool,
}

impl Visit {
    pub(crate) fn new(goals: Vec<Goal>, site: &Site) -> Self {
        Self {
            goals,
            codes: site.download_codes(),
            stage: Stage::Enter,
            verdict: Verdict::Fine,
            ends: None,
            reading: Reading::default(),
            panel_type: None,
            delays: 0,
            left: 0,
            original: false,
            clock: None,
            clock_taken: false,
        }
    }

    fn is_leaving(&self) -> bool {
        use Stage as S;
        matches!(self.stage, S::Leave | S::Leaving | S::GetClock | S::GettingClock | S::Clock { .. } | S::Over)
    }

    fn clock_goal(&self) -> Option<CivilTime> {
        self.goals.iter().find_map(|goal| match goal {
            Goal::Clock(_, time) => Some(*time),
            _ => None,
        })
    }

    fn items(&self) -> Vec<Item> {
        const ZONES: [Item; 5] =
            [Item::Zones, Item::ZoneDevices, Item::ZoneNames, Item::ZonePartitions, Item::NameTable];
        let mut items = Vec::new();
        for goal in &self.goals {
            match goal {
                Goal::Setup => {
                    items.extend([Item::Identity, Item::SoftwareVersion, Item::Options].into_iter().chain(ZONES))
                }
                Goal::Users(_) => items.push(Item::UserCodes),
                Goal::Labels(_) => items.extend(ZONES),
                Goal::Installer(..) => items.push(Item::InstallerCodes),
                Goal::Clock(..) => {}
            }
        }
        items.sort_unstable();
        items.dedup();
        items
    }

    /// Download mode is granted: now the panel's type decides what stands where.
    fn granted(&mut self, panel_type: u8, site: &mut Site) {
        if let Some(code) = self.codes.pop_front() {
            site.access = Access::Proved(code);
        }
        self.panel_type = Some(panel_type);
        site.identified(panel_type);
        let regions = self.items().into_iter().filter_map(|item| item.region(&site.model));
        self.reading = Reading::new(regions);
        self.stage = Stage::Read;
    }

    fn denied(&mut self, now: Instant, site: &Site) {
        self.codes.pop_front();
        if !self.codes.is_empty() {
            self.stage = Stage::Pause { until: now + CODE_PAUSE };
            return;
        }
        // A code that was taken before is not wrong now: the panel wants nobody to read it at present.
        let proved = matches!(site.access, Access::Proved(_));
        self.verdict = if proved { Verdict::Failed } else { Verdict::Denied };
        self.stage = Stage::Over;
    }

    fn fail(&mut self) {
        self.verdict = Verdict::Failed;
        self.stage = Stage::Leave;
    }

    /// A block came: what is missing is asked for next.
    fn block(&mut self, address: u16, data: &[u8]) {
        let acknowledged = matches!(self.stage, Stage::Block { .. });
        let arrival = if acknowledged { Arrival::Acknowledged } else { Arrival::Early };
        if self.reading.take(address, data, arrival) {
            self.stage = Stage::Read;
        }
    }

    fn missing_block(&mut self) {
        if self.reading.is_given_up() { self.fail() } else { self.stage = Stage::Read }
    }

    fn finish(&mut self, now: Instant, site: &mut Site) {
        site.state_wanted = true;
        if self.verdict == Verdict::Denied {
            site.access = Access::Denied;
        }
        if self.verdict == Verdict::Fine {
            self.check_identity(site);
        }
        let mut failed = false;
        for goal in std::mem::take(&mut self.goals) {
            let outcome = match self.verdict {
                Verdict::Fine => self.reach(&goal, site),
                Verdict::Denied => download_denied(),
                Verdict::Failed => visit_failed(),
                Verdict::Interrupted(Interruption::Disarm) => {
                    Outcome::NotNow(NotNow { why: "somebody disarmed meanwhile; ask again".into() })
                }
                Verdict::Interrupted(Interruption::Shutdown) => {
                    Outcome::NotNow(NotNow { why: "the driver is stopping".into() })
                }
            };
            let fine = matches!(outcome, Outcome::Applied(_));
            match goal.id() {
                Some(id) => site.done(id, outcome),
                None if fine || self.verdict == Verdict::Denied => {}
                None if matches!(self.verdict, Verdict::Interrupted(_)) => site.setup_at = Some(now + USERS_PAUSE),
                None => failed = true,
            }
        }
        if failed {
            site.setup_failed(now);
        }
    }

    /// Memory that says another type than the panel said is not to be believed.
    fn check_identity(&mut self, site: &Site) {
        let identity = self.reading.memory().item(Item::Identity, &site.model).and_then(Identity::of);
        if let (Some(identity), Some(panel_type)) = (identity, self.panel_type)
            && identity.panel_type != panel_type
        {
            tracing::warn!("the panel's memory says another type than the panel");
            self.verdict = Verdict::Failed;
        }
    }

    fn reach(&mut self, goal: &Goal, site: &mut Site) -> Outcome {
        match goal {
            Goal::Setup => {
                self.tell_version(site);
                site.set_up(self.reading.memory());
            }
            Goal::Labels(_) => site.set_up(self.reading.memory()),
            Goal::Users(_) => match self.reading.memory().item(Item::UserCodes, &site.model) {
                Some(table) => site.tell_users(&codes(table), None),
                None => return visit_failed(),
            },
            Goal::Installer(_, code) => {
                // The two slots of which sources disagree; those behind them are download codes.
                let table = self.reading.memory().item(Item::InstallerCodes, &site.model).unwrap_or_default();
                let slots: Vec<_> = codes(table).into_iter().take(2).collect();
                return installer_outcome(&slots, code);
            }
            Goal::Clock(_, time) => return self.clock_outcome(*time),
        }
        Outcome::Applied(Evidence::ReadBack)
    }

    fn tell_version(&self, site: &mut Site) {
        let software = self.reading.memory().item(Item::SoftwareVersion, &site.model).and_then(text);
        let identity = self.reading.memory().item(Item::Identity, &site.model).and_then(Identity::of);
        let Some(identity) = identity else { return };
        let software = software.map(|label| format!(", software {label}")).unwrap_or_default();
        let model = site.model.name;
        let Identity { serial, model: number, panel_type } = identity;
        site.event(DriverEvent::Firmware(format!(
            "{model} (type {panel_type}, model {number:02X}){software}, serial {serial}"
        )));
    }

    fn clock_outcome(&self, wanted: CivilTime) -> Outcome {
        let wanted = clock_time(wanted);
        let of_day =
            |time: ClockTime| (u32::from(time.hour) * 60 + u32::from(time.minute)) * 60 + u32::from(time.second);
        let apart = |time: ClockTime| of_day(time).abs_diff(of_day(wanted));
        let same_day = |time: ClockTime| (time.year, time.month, time.day) == (wanted.year, wanted.month, wanted.day);
        match self.clock {
            _ if !self.clock_taken => visit_failed(),
            Some(time) if same_day(time) && apart(time) <= CLOCK_SLACK => Outcome::Applied(Evidence::ReadBack),
            // A day has turned meanwhile.
            Some(time) if apart(time) >= DAY - CLOCK_SLACK => Outcome::Applied(Evidence::Acknowledged),
            Some(_) => not_shown("its clock shows another time"),
            // It tells no clock: it acknowledged the new one.
            None => Outcome::Applied(Evidence::Acknowledged),
        }
    }
}

fn clock_time(time: CivilTime) -> ClockTime {
    let CivilTime { year, month, day, hour, minute, second } = time;
    let year = u8::try_from(year.saturating_sub(2000)).unwrap_or(99);
    ClockTime { second, minute, hour, day, month, year }
}

impl Procedure for Visit {
    fn next(&mut self, now: Instant, site: &mut Site) -> Next {
        if self.original {
            return Next::Failed(SessionError::OriginalPowerMax);
        }
        let ends = *self.ends.get_or_insert(now + VISIT);
        if now >= ends && !self.is_leaving() {
            self.fail();
        }
        loop {
            match self.stage {
                Stage::Enter => match self.codes.front() {
                    Some(code) => {
                        self.stage = Stage::Entering;
                        return Next::Send(HostMessage::EnterDownload(code.clone()));
                    }
                    None => self.denied(now, site),
                },
                Stage::Info { until } if now >= until => self.fail(),
                Stage::Block { until } if now >= until => self.missing_block(),
                Stage::Info { until } | Stage::Block { until } => return Next::Wait(until),
                Stage::Pause { until } if now < until => return Next::Wait(until),
                Stage::Pause { .. } => self.stage = Stage::Enter,
                Stage::Read => match self.reading.next() {
                    Some(message) => {
                        self.stage = Stage::Reading;
                        return Next::Send(message);
                    }
                    None => self.stage = if self.clock_goal().is_some() { Stage::SetClock } else { Stage::Leave },
                },
                Stage::SetClock => match self.clock_goal() {
                    Some(time) => {
                        self.stage = Stage::SettingClock;
                        return Next::Send(HostMessage::SetClock(clock_time(time)));
                    }
                    None => self.stage = Stage::Leave,
                },
                Stage::Leave => {
                    self.stage = Stage::Leaving;
                    return Next::Send(HostMessage::ExitDownload);
                }
                Stage::GetClock => {
                    self.stage = Stage::GettingClock;
                    return Next::Send(HostMessage::GetClock);
                }
                // Not asked in these; whatever is heard moves on.
                Stage::Entering | Stage::Reading | Stage::SettingClock | Stage::Leaving | Stage::GettingClock => {
                    return Next::Wait(ends);
                }
                Stage::Clock { until } if now < until && self.clock.is_none() => return Next::Wait(until),
                Stage::Clock { .. } => self.stage = Stage::Over,
                Stage::Over => {
                    self.finish(now, site);
                    return Next::Done;
                }
            }
        }
    }

    fn settled(&mut self, now: Instant, answer: Answer, site: &mut Site) {
        let taken = answer == Answer::Taken;
        match self.stage {
            Stage::Entering if taken => self.stage = Stage::Info { until: now + PANEL_INFO },
            Stage::Entering if answer == Answer::Denied => self.denied(now, site),
            Stage::Reading if taken => self.stage = Stage::Block { until: now + BLOCK },
            Stage::SettingClock if taken => {
                self.clock_taken = true;
                self.stage = Stage::Leave;
            }
            Stage::Leaving => self.stage = if self.clock_taken { Stage::GetClock } else { Stage::Over },
            Stage::GettingClock => self.stage = Stage::Clock { until: now + BLOCK },
            Stage::Entering | Stage::Reading | Stage::SettingClock => self.fail(),
            // What was sent before somebody interrupted, or was answered by its data.
            _ => {}
        }
    }

    fn heard(&mut self, now: Instant, message: &PanelMessage, site: &mut Site) {
        match (message, self.stage) {
            (PanelMessage::PanelInfo { panel_type, .. }, Stage::Entering | Stage::Info { .. }) => {
                self.granted(*panel_type, site);
            }
            (PanelMessage::NotReady { delay, .. }, Stage::Entering | Stage::Info { .. }) => {
                self.delays += 1;
                let delay = Duration::from_secs(u64::from(*delay)).min(LONGEST_DELAY);
                if self.delays > DELAYS { self.fail() } else { self.stage = Stage::Pause { until: now + delay } }
            }
            (PanelMessage::DownloadEnded, Stage::Entering | Stage::Info { .. }) => {
                self.left += 1;
                if self.left > 1 { self.fail() } else { self.stage = Stage::Pause { until: now + LEFT_PAUSE } }
            }
            (PanelMessage::Denied(_), Stage::Info { .. }) => self.denied(now, site),
            (PanelMessage::OldPanelInfo(_), Stage::Entering | Stage::Info { .. }) => self.original = true,
            (PanelMessage::Block { address, data, .. }, Stage::Reading | Stage::Block { .. }) => {
                self.block(*address, data)
            }
            (
                PanelMessage::TimedOut | PanelMessage::DownloadEnded | PanelMessage::Denied(_),
                Stage::Read | Stage::Reading | Stage::Block { .. },
            ) => self.fail(),
            (PanelMessage::Clock(time), Stage::GettingClock | Stage::Clock { .. }) => self.clock = Some(*time),
            _ => {}
        }
    }

    fn reads_memory(&self) -> bool {
        true
    }

    fn interrupt(&mut self, _now: Instant, why: Interruption) {
        if !self.is_leaving() {
            self.verdict = Verdict::Interrupted(why);
            self.stage = Stage::Leave;
        }
    }

    fn abandon(&mut self, site: &mut Site) {
        for id in std::mem::take(&mut self.goals).iter().filter_map(Goal::id).collect::<Vec<CommandId>>() {
            site.done(id, Outcome::interrupted());
        }
    }
}
