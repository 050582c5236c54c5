//! One step of a procedure: keys are typed, then the panel must show something within a time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use panel_model::Partition;
use zeroize::Zeroizing;

use super::expect::{Expect, Verdict, at_deadline, verdict};
use super::view::{Sign, View};
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
