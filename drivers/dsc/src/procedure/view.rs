//! What the module's keypad shows: lights over an Envisalink, display, lights and beeper over an IT-100.

use std::time::Instant;

use panel_model::Partition;

use super::screens::{Screen, ScreenKind};
use crate::message::{Beeper, Led, LedState, Lights, ModuleMessage, PartitionNotice, SystemNotice, Transport};
use crate::quirks::SCREEN_SETTLED;

/// Everything that can be seen of partition 1's keypad, and what was seen since a step began.
#[derive(Debug)]
pub(crate) struct View {
    transport: Transport,
    screen: Screen,
    screen_changed: Option<Instant>,
    lights: Lights,
    flashing: Lights,
    /// The keypad is dark and its next key only wakes it.
    pub(crate) blanked: bool,
    since: Signals,
}

/// What was seen since the last [`View::mark`].
#[derive(Debug, Default, Clone, Copy)]
struct Signals {
    /// 670.
    invalid: bool,
    /// 671.
    unavailable: bool,
    /// The long tone of a refusal.
    error_tone: bool,
    /// 900 or 921.
    code_wanted: bool,
    /// 922.
    installer_code_wanted: bool,
    /// 680.
    installer_mode: bool,
    /// The lights of "digits wanted" (81).
    digits_wanted: bool,
    /// The lights of "list" (82) after those of "digits wanted".
    digits_taken: bool,
    /// The programming light went out, or partition 1 told a state that it has outside menus only.
    resting: bool,
    /// The display was written.
    screen: bool,
}

/// Signs of a refusal, in the order of their weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// 670, or the display says so.
    InvalidCode,
    /// The function is not available now.
    Unavailable,
    /// The long error tone.
    ErrorTone,
    /// It still asks for digits, or is silent where it always shows something.
    NotTaken,
}

/// What the lights of an Envisalink say about an open menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MenuLights {
    /// Waiting for a slot or a section.
    List,
    /// Waiting for digits.
    Digits,
    /// No menu, or not to be told.
    Neither,
}

impl View {
    pub(crate) fn new(transport: Transport) -> Self {
        Self {
            transport,
            screen: Screen::default(),
            screen_changed: None,
            lights: Lights::default(),
            flashing: Lights::default(),
            blanked: false,
            since: Signals::default(),
        }
    }

    /// A step begins: what was seen before does not count for it.
    pub(crate) fn mark(&mut self) {
        self.since = Signals::default();
    }

    pub(crate) fn observe(&mut self, now: Instant, message: &ModuleMessage) {
        match message {
            ModuleMessage::Screen { line, column, text } => {
                self.screen.write(*line, *column, text);
                self.screen_changed = Some(now);
                self.since.screen = true;
                // A dark keypad is told of, then shown as such.
                self.blanked &= text.bytes().iter().all(|b| *b == b' ');
            }
            ModuleMessage::Led { led: Led::Program, state } => self.program_light(*state != LedState::Off),
            ModuleMessage::Lights(lights) => self.steady(*lights),
            ModuleMessage::LightsFlashing(lights) => self.flash(*lights),
            // 906 is the long tone. A constant 905 is taken for one as well [inferred].
            ModuleMessage::Beeper(Beeper::Buzzer(_) | Beeper::Tone { constant: true, .. }) => {
                self.since.error_tone = true;
            }
            ModuleMessage::CodeRequired(_) => self.since.code_wanted = true,
            ModuleMessage::System(SystemNotice::MasterCodeRequired) => self.since.code_wanted = true,
            ModuleMessage::System(SystemNotice::InstallerCodeRequired) => self.since.installer_code_wanted = true,
            ModuleMessage::System(SystemNotice::InstallerMode) => self.since.installer_mode = true,
            ModuleMessage::Partition(notice, partition) if is_first(*partition) => self.partition(*notice),
            ModuleMessage::Armed { partition, .. } if is_first(*partition) => self.at_rest(),
            _ => {}
        }
    }

    fn partition(&mut self, notice: PartitionNotice) {
        use PartitionNotice as N;
        match notice {
            N::InvalidCode => self.since.invalid = true,
            N::FunctionUnavailable => self.since.unavailable = true,
            N::KeypadBlanked => self.blanked = true,
            N::Ready | N::NotReady | N::ReadyToForceArm => self.at_rest(),
            _ => {}
        }
    }

    /// Partition 1 told a state of no menu. An IT-100 may tell these of a zone that moves while its keypad is in a
    /// menu: there the display and the programming light are asked.
    fn at_rest(&mut self) {
        self.since.resting |= self.transport == Transport::Envisalink;
    }

    fn program_light(&mut self, on: bool) {
        self.since.resting |= !on;
    }

    fn steady(&mut self, lights: Lights) {
        self.lights = lights;
        self.blanked = lights.0 == 0;
        match self.menu_lights() {
            MenuLights::Digits => self.since.digits_wanted = true,
            MenuLights::List => self.since.digits_taken |= self.since.digits_wanted,
            MenuLights::Neither => {}
        }
    }

    fn flash(&mut self, lights: Lights) {
        let was = self.flashing.has(Lights::PROGRAM);
        self.flashing = lights;
        if was && !lights.has(Lights::PROGRAM) {
            self.since.resting = true;
        }
    }

    /// 82 and 81 with the programming light flashing [impl HUB, KEY] [doc PS 3.3]. Other lights may be on as well.
    pub(crate) fn menu_lights(&self) -> MenuLights {
        if !self.flashing.has(Lights::PROGRAM) {
            return MenuLights::Neither;
        }
        match (self.lights.has(Lights::READY), self.lights.has(Lights::ARMED)) {
            (false, true) => MenuLights::List,
            (true, false) => MenuLights::Digits,
            _ => MenuLights::Neither,
        }
    }

    /// Whether the programming light of partition 1 flashes: somebody is in `*5` or `*8` (Envisalink).
    pub(crate) fn programming(&self) -> bool {
        self.flashing.has(Lights::PROGRAM)
    }

    /// The display, once an update of both lines is complete.
    pub(crate) fn screen(&self, now: Instant) -> ScreenKind {
        let settled = self.screen_changed.is_some_and(|at| now >= at + SCREEN_SETTLED);
        if settled { self.screen.kind() } else { ScreenKind::Other }
    }

    /// When the display can be read, if it cannot yet.
    pub(crate) fn screen_settles(&self, now: Instant) -> Option<Instant> {
        self.screen_changed.map(|at| at + SCREEN_SETTLED).filter(|at| *at > now)
    }

    pub(crate) fn shows_digits(&self, digits: &str) -> bool {
        self.screen.shows_digits(digits)
    }

    /// The gravest sign of a refusal since the step began. The display counts only if it was written since.
    pub(crate) fn refusal(&self, now: Instant) -> Option<Sign> {
        let screen = if self.since.screen { self.screen(now) } else { ScreenKind::Other };
        if self.since.invalid || screen == ScreenKind::Invalid {
            Some(Sign::InvalidCode)
        } else if self.since.unavailable || screen == ScreenKind::NotAvailable {
            Some(Sign::Unavailable)
        } else if self.since.error_tone {
            Some(Sign::ErrorTone)
        } else {
            None
        }
    }

    pub(crate) fn code_wanted(&self) -> bool {
        self.since.code_wanted
    }

    pub(crate) fn installer_code_wanted(&self) -> bool {
        self.since.installer_code_wanted
    }

    pub(crate) fn installer_mode(&self) -> bool {
        self.since.installer_mode
    }

    pub(crate) fn digits_wanted(&self) -> bool {
        self.since.digits_wanted
    }

    pub(crate) fn digits_taken(&self) -> bool {
        self.since.digits_taken
    }

    /// Whether it showed since the step began that no menu is open.
    pub(crate) fn resting(&self, now: Instant) -> bool {
        let display =
            self.transport == Transport::It100 && self.since.screen && self.screen(now) == ScreenKind::Resting;
        self.since.resting || display
    }
}

fn is_first(partition: Partition) -> bool {
    partition.number() == 1
}
