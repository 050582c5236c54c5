//! The one programming slot of the panel, which keypads, DLS and all sessions share, and who is kept out of it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use panel_driver::sim::later;

use super::panel::{Panel, Task};
use super::signal::{Hand, Lead, Signal};
use super::users::{Holder, MASTER};
use crate::message::{ResponseCode as Refused, attribute};

/// What is programmed, by the number of 0704.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProgrammingMode {
    Installer,
    Users,
    Functions,
    Bypass,
}

impl ProgrammingMode {
    pub(super) fn of(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Installer),
            1 => Some(Self::Users),
            2 => Some(Self::Functions),
            3 => Some(Self::Bypass),
            _ => None,
        }
    }

    pub(super) fn number(self) -> u8 {
        match self {
            Self::Installer => 0,
            Self::Users => 1,
            Self::Functions => 2,
            Self::Bypass => 3,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Installer => "installer",
            Self::Users => "users",
            Self::Functions => "functions",
            Self::Bypass => "bypass",
        }
    }
}

/// From where, by the number of 0702.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Via {
    /// Our client.
    Remote,
    Keypad,
    Dls,
}

impl Via {
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Remote => 0,
            Self::Keypad => 2,
            Self::Dls => 3,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Remote => "client",
            Self::Keypad => "person",
            Self::Dls => "dls",
        }
    }
}

/// Who has the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Occupied {
    pub(super) mode: ProgrammingMode,
    pub(super) via: Via,
    /// Slot of the code that opened it; 0 is the installer.
    pub(super) user: u16,
    pub(super) writes: bool,
    /// The lead-in was told: only then anything is answered.
    pub(super) is_in: bool,
}

#[derive(Default)]
pub(super) struct Programming {
    pub(super) slot: Option<Occupied>,
}

impl Programming {
    pub(super) fn is_occupied(&self) -> bool {
        self.slot.is_some()
    }

    /// While the installer is in, zones alarm nobody.
    pub(super) fn is_installer(&self) -> bool {
        self.slot.is_some_and(|slot| slot.mode == ProgrammingMode::Installer)
    }
}

/// Wrong codes count for so many of the panel's minutes.
const COUNTED_MINUTES: u32 = 60;

/// Wrong codes of one kind of door, and whether it is locked `[doc RF section 012]`.
#[derive(Default)]
pub(super) struct Lockout {
    wrong: VecDeque<Instant>,
    pub(super) is_locked: bool,
}

impl Lockout {
    /// Counts a wrong code; whether it was the one too many.
    fn count(&mut self, now: Instant, attempts: u8, counted: Duration) -> bool {
        if attempts == 0 || self.is_locked {
            return false;
        }
        self.wrong.push_back(now);
        while self.wrong.front().is_some_and(|first| now.saturating_duration_since(*first) > counted) {
            self.wrong.pop_front();
        }
        self.is_locked = self.wrong.len() >= usize::from(attempts);
        self.is_locked
    }

    /// Whoever knows a code has his attempts back.
    fn forgive(&mut self) {
        self.wrong.clear();
    }

    fn end(&mut self) {
        *self = Self::default();
    }
}

impl Panel {
    /// 0704.
    pub(super) fn enter(
        &mut self,
        now: Instant,
        mode: ProgrammingMode,
        code: &str,
        writes: bool,
    ) -> Result<(), Refused> {
        if self.programming.is_occupied() {
            return Err(Refused::Busy);
        }
        if mode == ProgrammingMode::Installer && self.is_anything_armed() {
            return Err(Refused::Busy);
        }
        let holder = self.remote_code(now, code, |panel, holder| panel.opens(mode, holder))?;
        if mode == ProgrammingMode::Installer && self.options.installer_blocked {
            return Err(Refused::WrongMode);
        }
        let user = match holder {
            Holder::User(slot) => slot,
            Holder::Installer => 0,
        };
        self.programming.slot = Some(Occupied { mode, via: Via::Remote, user, writes, is_in: false });
        self.agenda.put(later(now, self.timings.lead_in), Task::LeadIn);
        self.touch_programming(now);
        Ok(())
    }

    fn opens(&self, mode: ProgrammingMode, holder: Holder) -> bool {
        match (mode, holder) {
            (ProgrammingMode::Installer, holder) => holder == Holder::Installer,
            (ProgrammingMode::Users | ProgrammingMode::Functions, Holder::User(slot)) => self.users.may_manage(slot),
            (ProgrammingMode::Bypass, Holder::User(slot)) => {
                slot == MASTER || self.users.slot(slot).is_some_and(|user| user.has(attribute::ZONE_BYPASS))
            }
            (_, Holder::Installer) => false,
        }
    }

    fn is_anything_armed(&self) -> bool {
        self.partitions().iter().any(|p| !self.is_disarmed(p))
    }

    /// Somebody else takes the slot; `false` when it is taken.
    pub(super) fn occupy(&mut self, mode: ProgrammingMode, via: Via, user: u16) -> bool {
        if self.programming.is_occupied() {
            return false;
        }
        let occupied = Occupied { mode, via, user, writes: true, is_in: true };
        self.programming.slot = Some(occupied);
        self.signal(Signal::Lead(occupied, Lead::In));
        true
    }

    pub(super) fn lead_in(&mut self) {
        if let Some(slot) = &mut self.programming.slot {
            slot.is_in = true;
            let occupied = *slot;
            self.signal(Signal::Lead(occupied, Lead::In));
        }
    }

    /// 0701, the end of a session, a time-out, or the person at the keypad is done. Whoever was not led in yet is
    /// not led out.
    pub(super) fn leave(&mut self, lead: Lead) {
        self.agenda.cancel(&Task::LeadIn);
        self.agenda.cancel(&Task::ProgrammingIdle);
        if let Some(occupied) = self.programming.slot.take().filter(|slot| slot.is_in) {
            self.signal(Signal::Lead(occupied, lead));
        }
    }

    /// Something was asked: the time-out begins anew.
    pub(super) fn touch_programming(&mut self, now: Instant) {
        let remote = self.programming.slot.is_some_and(|slot| slot.via == Via::Remote);
        if remote && self.options.programming_seconds > 0 {
            let idle = self.timings.second * u32::from(self.options.programming_seconds);
            self.agenda.put(now + idle, Task::ProgrammingIdle);
        }
    }

    /// The slot, if our client is in this mode.
    pub(super) fn programming_as(&self, mode: ProgrammingMode) -> Result<Occupied, Refused> {
        let own = |slot: &Occupied| slot.via == Via::Remote && slot.is_in && slot.mode == mode;
        self.programming.slot.filter(own).ok_or(Refused::WrongMode)
    }

    /// The same, for writing.
    pub(super) fn writing_as(&self, mode: ProgrammingMode) -> Result<Occupied, Refused> {
        self.programming_as(mode).and_then(|slot| if slot.writes { Ok(slot) } else { Err(Refused::WrongMode) })
    }

    /// Checks a code that came from afar, with the lockout of section 012.
    pub(super) fn remote_code(
        &mut self,
        now: Instant,
        code: &str,
        opens: impl FnOnce(&Self, Holder) -> bool,
    ) -> Result<Holder, Refused> {
        if self.remote_lockout.is_locked {
            return Err(Refused::from_byte(self.options.lockout_answer));
        }
        if code.is_empty() {
            return Err(Refused::CodeRequired);
        }
        match self.users.holder(code).filter(|holder| opens(self, *holder)) {
            Some(holder) => {
                self.remote_lockout.forgive();
                Ok(holder)
            }
            None => {
                self.wrong_code(now, Hand::Remote);
                Err(Refused::WrongCode)
            }
        }
    }

    /// A code that opens nothing. Enough of them lock the door that they came by.
    pub(super) fn wrong_code(&mut self, now: Instant, hand: Hand) {
        self.signal(Signal::WrongCode(hand));
        let counted = self.timings.minute * COUNTED_MINUTES;
        let options = &self.options;
        let (lockout, attempts, minutes, task) = match hand {
            Hand::Remote => {
                (&mut self.remote_lockout, options.remote_attempts, options.remote_minutes, Task::RemoteLockoutOver)
            }
            Hand::Person => {
                (&mut self.keypad_lockout, options.keypad_attempts, options.keypad_minutes, Task::KeypadLockoutOver)
            }
        };
        if lockout.count(now, attempts, counted) {
            self.agenda.put(later(now, self.timings.minute * u32::from(minutes)), task);
            self.signal(Signal::Lockout(hand));
        }
    }

    /// Locks the remote door as if enough wrong codes had come.
    pub(super) fn lock_remote(&mut self, now: Instant) {
        self.remote_lockout.is_locked = true;
        let minutes = u32::from(self.options.remote_minutes);
        self.agenda.put(later(now, self.timings.minute * minutes), Task::RemoteLockoutOver);
        self.signal(Signal::Lockout(Hand::Remote));
    }

    pub(super) fn right_code_at_keypad(&mut self) {
        self.keypad_lockout.forgive();
    }

    pub(super) fn lockout_over(&mut self, hand: Hand) {
        match hand {
            Hand::Remote => self.remote_lockout.end(),
            Hand::Person => self.keypad_lockout.end(),
        }
        self.signal(Signal::LockoutOver(hand));
    }
}
