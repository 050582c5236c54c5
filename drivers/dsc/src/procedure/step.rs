//! One step of a procedure: keys are typed, then the panel must show something within a time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use panel_model::{Partition, Slot};
use zeroize::Zeroizing;

use super::screens::ScreenKind;
use super::view::{MenuLights, Sign, View};
use crate::message::{ErrorCode, Key, Keys, ModuleCommand, Transport};
use crate::quirks::Timing;
use crate::session::Answer;

/// Keys of one key string [doc TPI 3.2, 071].
const STRING: usize = 6;

/// What is put in.
#[derive(Debug)]
pub(crate) enum Entry {
    /// Keys of the keypad, `0-9 * # < >`.
    Keys(Zeroizing<Vec<u8>>),
    /// One command of the module.
    Command(ModuleCommand),
}

impl Entry {
    pub(crate) fn keys(text: &str) -> Self {
        Self::Keys(Zeroizing::new(text.as_bytes().to_vec()))
    }
}

/// Put this in, then see that.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) entry: Entry,
    pub(crate) expect: Expect,
    pub(crate) within: Duration,
}

impl Step {
    pub(crate) fn keys(text: &str, expect: Expect, within: Duration) -> Self {
        Self { entry: Entry::keys(text), expect, within }
    }
}

/// What the panel must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// It asks for the master code.
    CodeWanted,
    /// It asks for the installer code.
    InstallerCodeWanted,
    /// `*5` is open at the list of users.
    UserList,
    /// The list stands at another user than this.
    OtherUserThan(Slot),
    /// `*5` waits for the digits of a code (IT-100).
    NewCode,
    /// The code of the slot was taken.
    CodeTaken(Slot),
    /// The code of the slot is gone.
    CodeGone(Slot),
    /// A toggle menu is open (IT-100).
    Toggles(ToggleMenu),
    /// The toggle menu shows exactly this.
    Toggled(ToggleMenu, u8),
    /// `*8` waits for a section.
    SectionWanted,
    /// `*8` waits for the data of the section.
    SectionData,
    /// Nothing: the time is waited out.
    Nothing,
    /// No menu is open any more.
    Resting,
}

/// The menus of `*5` whose digits toggle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ToggleMenu {
    /// 98.
    Partitions,
    /// 99.
    Attributes,
}

impl ToggleMenu {
    pub(crate) fn digits(self) -> &'static str {
        match self {
            Self::Partitions => "98",
            Self::Attributes => "99",
        }
    }

    pub(crate) fn mask(self, kind: ScreenKind) -> Option<u8> {
        match (self, kind) {
            (Self::Partitions, ScreenKind::Partitions(mask)) | (Self::Attributes, ScreenKind::Attributes(mask)) => {
                Some(mask)
            }
            _ => None,
        }
    }
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepEnd {
    /// It was shown.
    Met,
    /// The module took the keys; the panel showed nothing, and over this transport it need not.
    MetBlind,
    /// The panel showed that it refused.
    Refused(Sign),
    /// It was not shown in time.
    Silent,
    /// The module refused a key.
    ModuleRefused(ErrorCode),
    /// The module did not answer: a key may or may not have been typed.
    Lost,
}

enum Verdict {
    Met,
    Refused(Sign),
    NotYet,
}

/// Types a step's keys at the pace of the transport and judges what is seen.
#[derive(Debug)]
pub(crate) struct Stepper {
    transport: Transport,
    string_gap: Duration,
    waiting: VecDeque<ModuleCommand>,
    in_flight: bool,
    /// Something of the present step was sent.
    typed: bool,
    /// Something of the present step was taken by the module.
    taken: bool,
    /// A key was pressed and not released (IT-100).
    held: bool,
    /// No key string before this.
    gap_until: Option<Instant>,
    /// The step that runs.
    running: Option<(Expect, Duration)>,
    /// Until when it must be met; set once everything is typed.
    deadline: Option<Instant>,
    /// The module refused or lost a key of it.
    broken: Option<StepEnd>,
}

impl Stepper {
    pub(crate) fn new(transport: Transport) -> Self {
        let string_gap = Timing::of(transport).string_gap;
        Self {
            transport,
            string_gap,
            waiting: VecDeque::new(),
            in_flight: false,
            typed: false,
            taken: false,
            held: false,
            gap_until: None,
            running: None,
            deadline: None,
            broken: None,
        }
    }

    pub(crate) fn begin(&mut self, step: Step, view: &mut View) {
        view.mark();
        self.waiting = commands(step.entry, self.transport);
        if self.held {
            self.waiting.push_front(ModuleCommand::Key(Key::RELEASE));
        }
        self.running = Some((step.expect, step.within));
        self.deadline = None;
        self.broken = None;
        self.typed = false;
        self.taken = false;
    }

    /// Whether something of the last step was sent.
    pub(crate) fn has_typed(&self) -> bool {
        self.typed
    }

    /// Whether the module took something of the last step.
    pub(crate) fn has_been_taken(&self) -> bool {
        self.taken
    }

    /// Gives up the running step; a key that is on its way is waited for.
    pub(crate) fn stop(&mut self) {
        self.waiting.clear();
        self.running = None;
        self.broken = None;
    }

    /// A key is on its way.
    pub(crate) fn is_typing(&self) -> bool {
        self.in_flight
    }

    /// A step was begun and not judged yet.
    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// The next thing to send, if its time has come.
    pub(crate) fn next(&mut self, now: Instant) -> Option<ModuleCommand> {
        if self.in_flight || self.gap_until.is_some_and(|at| now < at) {
            return None;
        }
        let command = self.waiting.pop_front()?;
        if let ModuleCommand::Key(key) = &command {
            self.held = *key != Key::RELEASE;
        }
        self.in_flight = true;
        self.typed = true;
        Some(command)
    }

    /// The module answered the command on its way.
    pub(crate) fn settled(&mut self, now: Instant, answer: Answer) {
        self.in_flight = false;
        if answer == Answer::Taken {
            self.taken = true;
            self.gap_until = Some(now + self.string_gap);
        }
        let Some((_, within)) = self.running else { return };
        match answer {
            Answer::Taken => {
                if self.waiting.is_empty() {
                    self.deadline = Some(now + within);
                }
            }
            Answer::Refused(code) => self.broken = Some(StepEnd::ModuleRefused(code)),
            Answer::Lost => self.broken = Some(StepEnd::Lost),
        }
    }

    /// The module refused something when nothing was on its way any more.
    pub(crate) fn late_refusal(&mut self, code: ErrorCode) {
        if self.running.is_some() {
            self.broken = Some(StepEnd::ModuleRefused(code));
        }
    }

    /// How the running step ended, once. `None`: it runs, or there is none.
    pub(crate) fn judge(&mut self, now: Instant, view: &View) -> Option<StepEnd> {
        let (expect, _) = self.running?;
        if self.in_flight {
            return None;
        }
        let end = match self.broken {
            Some(end) => end,
            None => {
                // Keys are still to be typed: whatever shows now is not their effect, unless it is a refusal.
                let deadline = self.deadline;
                match verdict(expect, now, view, self.transport) {
                    Verdict::Refused(sign) => StepEnd::Refused(sign),
                    Verdict::Met if deadline.is_some() => StepEnd::Met,
                    _ if deadline.is_some_and(|at| now >= at) => at_deadline(expect, view, self.transport),
                    _ => return None,
                }
            }
        };
        self.stop();
        Some(end)
    }

    /// When [`Self::next`] or [`Self::judge`] has to be asked again.
    pub(crate) fn wake(&self, now: Instant, view: &View) -> Option<Instant> {
        if self.in_flight {
            return None;
        }
        let typing = self.gap_until.filter(|_| !self.waiting.is_empty());
        let judging = self.running.and(self.deadline);
        let settling = view.screen_settles(now).filter(|_| self.running.is_some());
        [typing, judging, settling].into_iter().flatten().min()
    }
}

fn commands(entry: Entry, transport: Transport) -> VecDeque<ModuleCommand> {
    let keys = match entry {
        Entry::Command(command) => return VecDeque::from([command]),
        Entry::Keys(keys) => keys,
    };
    match transport {
        Transport::Envisalink => {
            let strings = keys.chunks(STRING).filter_map(Keys::new);
            let partition = Partition::new(1).ok();
            strings.filter_map(|keys| Some(ModuleCommand::KeyString { partition: partition?, keys })).collect()
        }
        Transport::It100 => {
            let press = keys.iter().filter_map(|key| Key::new(*key));
            press.flat_map(|key| [ModuleCommand::Key(key), ModuleCommand::Key(Key::RELEASE)]).collect()
        }
    }
}

fn verdict(expect: Expect, now: Instant, view: &View, transport: Transport) -> Verdict {
    if expect == Expect::Resting {
        return if view.resting(now) { Verdict::Met } else { Verdict::NotYet };
    }
    if let Some(sign) = view.refusal(now) {
        return Verdict::Refused(sign);
    }
    let met = match transport {
        Transport::Envisalink => lights_show(expect, view),
        Transport::It100 => screen_shows(expect, view.screen(now), view),
    };
    if met { Verdict::Met } else { Verdict::NotYet }
}

fn lights_show(expect: Expect, view: &View) -> bool {
    match expect {
        Expect::CodeWanted => view.code_wanted(),
        Expect::InstallerCodeWanted => view.installer_code_wanted() || view.code_wanted(),
        Expect::UserList | Expect::SectionWanted => view.menu_lights() == MenuLights::List,
        Expect::CodeTaken(_) | Expect::CodeGone(_) => view.digits_taken(),
        Expect::SectionData => view.digits_wanted(),
        // Only a display shows these.
        Expect::NewCode | Expect::OtherUserThan(_) | Expect::Toggles(_) | Expect::Toggled(..) => false,
        Expect::Nothing | Expect::Resting => false,
    }
}

fn screen_shows(expect: Expect, kind: ScreenKind, view: &View) -> bool {
    match expect {
        Expect::CodeWanted => kind == ScreenKind::CodeWanted || view.code_wanted(),
        Expect::InstallerCodeWanted => kind == ScreenKind::InstallerCodeWanted || view.installer_code_wanted(),
        Expect::UserList => matches!(kind, ScreenKind::User { .. }),
        Expect::OtherUserThan(old) => matches!(kind, ScreenKind::User { slot, .. } if slot != old),
        Expect::NewCode => kind == ScreenKind::NewCode,
        // Should the list stand at another user, that the digits were taken is all that can be seen.
        Expect::CodeTaken(wanted) => {
            matches!(kind, ScreenKind::User { slot, programmed } if slot != wanted || programmed)
        }
        Expect::CodeGone(wanted) => {
            matches!(kind, ScreenKind::User { slot, programmed } if slot != wanted || !programmed)
        }
        Expect::Toggles(menu) => menu.mask(kind).is_some(),
        Expect::Toggled(menu, mask) => menu.mask(kind) == Some(mask),
        Expect::SectionWanted => kind == ScreenKind::SectionWanted,
        Expect::SectionData => kind == ScreenKind::SectionCode,
        Expect::Nothing | Expect::Resting => false,
    }
}

fn at_deadline(expect: Expect, view: &View, transport: Transport) -> StepEnd {
    match (transport, expect) {
        (_, Expect::Nothing) => StepEnd::Met,
        // Acks alone: the lights never said that digits are wanted, so they say nothing about them being taken.
        (Transport::Envisalink, Expect::CodeTaken(_) | Expect::CodeGone(_)) if !view.digits_wanted() => {
            if view.menu_lights() == MenuLights::List { StepEnd::MetBlind } else { StepEnd::Silent }
        }
        // Silence after a code is a refusal (dossier 8.1, rule 4).
        (_, Expect::CodeTaken(_) | Expect::CodeGone(_)) => StepEnd::Refused(Sign::NotTaken),
        // 680 is said of a right installer code only; the lights may be late.
        (Transport::Envisalink, Expect::SectionWanted) if view.installer_mode() => StepEnd::Met,
        _ => StepEnd::Silent,
    }
}
