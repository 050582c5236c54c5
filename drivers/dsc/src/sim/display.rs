//! What a keypad shows: the panel's status number, its lights, its display.
//!
//! The texts are approximations except where the table says otherwise; they stand together so that a
//! capture of a real panel can replace them.

use panel_model::{Partition, Slot};

use super::arming::Arming;
use super::clock::lcd;
use super::keypad::{Hex, Menu};
use super::menu_users::Toggled;
use super::panel::{Panel, Unit};
use super::prompt::Purpose;
use super::sections::{Layout, Sections};
use super::signal::{Hand, Trouble, Wanted};
use crate::message::{Lights, PanelTime, PlainArmMode};

/// Lights that are on, and lights that flash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lamps {
    pub(super) on: u8,
    pub(super) flashing: u8,
}

impl Lamps {
    fn of(on: u8, flashing: u8) -> Self {
        Self { on, flashing }
    }
}

/// Both lines of the display, 16 characters each.
pub(super) type Screen = [String; 2];

const READY: [&str; 2] = ["System is", "Ready to Arm  <>"]; // captured
const NOT_READY: [&str; 2] = ["Secure System", "Before Arming <>"];
const CLOCK: &str = "  Date     Time"; // captured
const BUSY: [&str; 2] = ["System is busy", "Please wait"];
const EXIT: [&str; 2] = ["Exit Delay", "in Progress"];
const ENTRY: [&str; 2] = ["Entry is Active", "Enter Your Code"];
const AWAY: [&str; 2] = ["System Armed", "in Away Mode"];
const STAY: [&str; 2] = ["System Armed", "in Stay Mode"];
const NO_ENTRY: [&str; 2] = ["System Armed", "No Entry Delay"];
const ALARM: [&str; 2] = ["System is", "in Alarm"];
const LOCKED: [&str; 2] = ["Keypad Lockout", ""];
const STAR: &str = "Press (*) for <>";
const STAR_CHOICES: [&str; 10] = [
    "Quick Arming",
    "Zone Bypass",
    "System Troubles",
    "Alarm Memory",
    "Door Chime",
    "Access Codes",
    "User Functions",
    "Output Control",
    "Installer Menu",
    "No-Entry Arm",
];
const INVALID: [&str; 2] = ["Invalid", "Access Code"];
const NOT_AVAILABLE: [&str; 2] = ["Function not", "available"];
const USERS: &str = "(*) to Edit <>";
const NEW_CODE: &str = "Enter New Code";
const PARTITIONS: &str = "Partitions";
const ATTRIBUTES: &str = "Attributes";
const SECTION: [&str; 2] = ["Enter Section", "---"];
const CODE: &str = "Code";
const VERSION: [&str; 2] = ["System Version", "4.6"];
const EMPTY_CODE: &str = "AAAAAA";

impl Panel {
    /// The panel's own number for what the keypad is doing, as bus captures name it `[impl KEY, ESP]`.
    pub(super) fn bus_code(&self, p: Partition) -> u8 {
        let Some(unit) = self.unit(p) else { return 0xC7 };
        if self.is_locked() {
            return 0x10;
        }
        if unit.keypad.dark {
            return 0x40;
        }
        match unit.keypad.menu {
            Menu::Idle => self.idle_code(p, unit),
            Menu::Star { .. } => 0x9E,
            Menu::Prompt(prompt) => match prompt.wanted {
                Wanted::Access => 0x9F,
                Wanted::Master => 0xA5,
                Wanted::Installer => 0xB7,
            },
            Menu::Invalid(_) => 0x8F,
            Menu::NotAvailable => 0x8E,
            Menu::Notice if unit.chime => 0xA3,
            Menu::Notice => 0xA4,
            Menu::Bypass => 0xA0,
            Menu::Troubles => 0xA1,
            Menu::Memory => 0xA2,
            Menu::Users { .. } | Menu::PickToggles { .. } => 0xA6,
            Menu::NewCode { .. } => self.code_entry(0xA7, 0xBC),
            Menu::UserToggles { .. } | Menu::Options { .. } => 0xEE,
            Menu::Functions | Menu::SetTime => 0xA9,
            Menu::Outputs => 0xB3,
            Menu::Section => 0xE4,
            Menu::Part { .. } => 0xF7,
            Menu::SpecialCode { .. } => self.code_entry(0xE8, 0xFA),
            Menu::Data { section, part, hex, .. } => match (data_width(section, part), hex) {
                (3, Hex::Off) => 0xE7,
                (3, Hex::On) => 0xEB,
                (_, Hex::Off) => 0xE6,
                (_, Hex::On) => 0xEA,
            },
            Menu::Text { .. } => 0xE9,
        }
    }

    fn idle_code(&self, p: Partition, unit: &Unit) -> u8 {
        if unit.alarm {
            return 0x11;
        }
        match unit.arming {
            Arming::Disarmed if self.is_ready(p) => 0x01,
            Arming::Disarmed => 0x03,
            Arming::Exit { .. } => 0x08,
            Arming::Armed { mode: PlainArmMode::Away } => 0x05,
            Arming::Armed { mode: PlainArmMode::Stay } => 0x04,
            Arming::Armed { .. } => 0x06,
            Arming::Entry { .. } => 0x0C,
        }
    }

    fn code_entry(&self, four: u8, six: u8) -> u8 {
        if self.codes.length() == 6 { six } else { four }
    }

    /// The lights of a keypad on the partition [impl KEY, doc PS].
    pub(super) fn lamps(&self, p: Partition) -> Lamps {
        let Some(unit) = self.unit(p) else { return Lamps::default() };
        if unit.keypad.dark {
            return Lamps::default();
        }
        let idle = self.idle_lamps(p, unit);
        match unit.keypad.menu {
            Menu::Idle | Menu::NotAvailable | Menu::Notice => idle,
            Menu::Star { .. } | Menu::Prompt(_) | Menu::Invalid(_) | Menu::Outputs => Lamps::of(0x80, 0),
            Menu::Bypass => Lamps::of(idle.on, Lights::BYPASS.0),
            Menu::Troubles => Lamps::of(idle.on, Lights::TROUBLE.0),
            Menu::Memory => Lamps::of(idle.on, Lights::MEMORY.0),
            Menu::Users { .. }
            | Menu::PickToggles { .. }
            | Menu::Functions
            | Menu::SetTime
            | Menu::Section
            | Menu::Part { .. } => Lamps::of(0x82, Lights::PROGRAM.0),
            Menu::Data { hex: Hex::On, .. } => Lamps::of(0x80, Lights::PROGRAM.0 | Lights::READY.0),
            Menu::NewCode { .. }
            | Menu::UserToggles { .. }
            | Menu::Data { .. }
            | Menu::SpecialCode { .. }
            | Menu::Options { .. }
            | Menu::Text { .. } => Lamps::of(0x81, Lights::PROGRAM.0),
        }
    }

    fn idle_lamps(&self, p: Partition, unit: &Unit) -> Lamps {
        let mut on = Lights::BACKLIGHT.0;
        let mut flashing = 0;
        let mut set = |light: Lights, wanted: bool| on |= if wanted { light.0 } else { 0 };
        set(Lights::TROUBLE, !self.troubles.is_empty());
        set(Lights::MEMORY, !unit.memory.is_empty());
        set(Lights::BYPASS, self.left_out(p));
        set(Lights::FIRE, unit.fire);
        match unit.arming {
            Arming::Disarmed => set(Lights::READY, self.is_ready(p) && !unit.alarm),
            Arming::Exit { .. } => {
                set(Lights::READY, true);
                set(Lights::ARMED, true);
            }
            Arming::Armed { mode } | Arming::Entry { mode, .. } if mode.has_entry_delay() => set(Lights::ARMED, true),
            Arming::Armed { .. } | Arming::Entry { .. } => flashing = Lights::ARMED.0,
        }
        Lamps { on, flashing }
    }

    pub(super) fn ac_lamp(&self) -> bool {
        !self.troubles.contains(&Trouble::AcLost)
    }

    /// The display of the module's keypad. `clock`: the time to show in the place of the ready text.
    pub(super) fn screen(&self, p: Partition, clock: Option<PanelTime>) -> Screen {
        let Some(unit) = self.unit(p) else { return lines(BUSY) };
        if unit.keypad.dark {
            return lines(["", ""]);
        }
        if self.is_locked() {
            return lines(LOCKED);
        }
        let foreign = unit.keypad.in_menu() && unit.keypad.hand == Hand::Person;
        if foreign || self.installer_at.is_some_and(|at| at != p) {
            return lines(BUSY);
        }
        match unit.keypad.menu {
            Menu::Idle => self.idle_screen(p, unit, clock),
            menu => self.menu_screen(unit, menu),
        }
    }

    fn idle_screen(&self, p: Partition, unit: &Unit, clock: Option<PanelTime>) -> Screen {
        if unit.alarm {
            return lines(ALARM);
        }
        match (unit.arming, clock) {
            (Arming::Disarmed, Some(time)) => lines([CLOCK, &lcd(time)]),
            (Arming::Disarmed, None) => lines(if self.is_ready(p) { READY } else { NOT_READY }),
            (Arming::Exit { .. }, _) => lines(EXIT),
            (Arming::Entry { .. }, _) => lines(ENTRY),
            (Arming::Armed { mode: PlainArmMode::Away }, _) => lines(AWAY),
            (Arming::Armed { mode: PlainArmMode::Stay }, _) => lines(STAY),
            (Arming::Armed { .. }, _) => lines(NO_ENTRY),
        }
    }

    fn menu_screen(&self, unit: &Unit, menu: Menu) -> Screen {
        let typed = unit.keypad.digits.as_str();
        match menu {
            Menu::Idle => lines(READY),
            Menu::Star { shown } => lines([STAR, STAR_CHOICES.get(usize::from(shown)).copied().unwrap_or("")]),
            Menu::Prompt(prompt) => lines(["Enter", wanted(prompt.wanted)]),
            Menu::Invalid(prompt) if prompt.wanted == Wanted::Installer => lines([INVALID[0], wanted(prompt.wanted)]),
            Menu::Invalid(_) => lines(INVALID),
            Menu::NotAvailable => lines(NOT_AVAILABLE),
            Menu::Notice => lines(["Door Chime is", if unit.chime { "ON" } else { "OFF" }]),
            Menu::Bypass => lines(["Scroll to View", "Zones Bypassed"]),
            Menu::Troubles if self.troubles.is_empty() => lines(["No Troubles", ""]),
            Menu::Troubles => lines(["Scroll to View", "Troubles"]),
            Menu::Memory if unit.memory.is_empty() => lines(["No Alarms", "in Memory"]),
            Menu::Memory => lines(["Scroll to View", "Alarms in Memory"]),
            Menu::Users { shown, .. } => self.user_line(shown),
            Menu::PickToggles { what, .. } => lines([heading(what), "Enter User"]),
            Menu::NewCode { slot, .. } => lines([NEW_CODE, &self.code_line(slot, typed)]),
            Menu::UserToggles { slot, what, .. } => lines([heading(what), &self.toggle_line(slot, what)]),
            Menu::Functions => lines(["Select Option", "1 Time and Date"]),
            Menu::SetTime => lines(["Enter Time/Date", "hhmmMMDDYY"]),
            Menu::Outputs => lines(["Select Output", "1 to 4"]),
            Menu::Section => lines(SECTION),
            Menu::Part { section } => lines([&format!("[{section:03}] Enter"), "Sub-Section"]),
            Menu::Data { section, part, .. } => self.data_screen(section, part, typed),
            Menu::SpecialCode { section } => lines([CODE, &overlay(&self.special_code(section), typed)]),
            Menu::Options { section } => {
                let options = self.sections.options(section);
                lines([&format!("[{section:03}]"), &dashes((1..=8).filter(|n| options >> (n - 1) & 1 == 1))])
            }
            Menu::Text { section: 900 } => lines(VERSION),
            Menu::Text { .. } => lines(["Modules", "Keypad 1  IT-100"]),
        }
    }

    /// `P` in the last cell of a programmed slot `[doc PS]`.
    fn user_line(&self, slot: Slot) -> Screen {
        let mark = if self.codes.user(slot).is_some() { 'P' } else { ' ' };
        lines([USERS, &format!("{:<15}{mark}", format!("User {:02}", slot.number()))])
    }

    fn code_line(&self, slot: Slot, typed: &str) -> String {
        if !self.options.lcd_shows_codes {
            return String::new();
        }
        let empty: String = EMPTY_CODE.chars().take(self.codes.length()).collect();
        let stored = self.codes.user(slot).map_or(empty, |user| user.code.expose().to_owned());
        overlay(&stored, typed)
    }

    fn toggle_line(&self, slot: Slot, what: Toggled) -> String {
        let Some(user) = self.codes.user(slot) else { return dashes(std::iter::empty()) };
        match what {
            Toggled::Partitions => dashes(user.partitions.iter().map(Partition::number)),
            Toggled::Attributes => dashes(user.attributes.digits()),
        }
    }

    fn data_screen(&self, section: u16, part: u16, typed: &str) -> Screen {
        let stored: String = self.sections.data(section, part).chars().take(16).collect();
        lines([&format!("[{section:03}] {typed}"), &stored])
    }

    fn special_code(&self, section: u16) -> String {
        let empty: String = EMPTY_CODE.chars().take(self.codes.length()).collect();
        match section {
            6 => self.codes.installer.expose().to_owned(),
            7 => self.codes.master().map_or(empty, |code| code.expose().to_owned()),
            8 => self.codes.maintenance.as_ref().map_or(empty, |code| code.expose().to_owned()),
            _ => empty,
        }
    }

    /// Where the cursor stands while digits of a code are typed.
    pub(super) fn cursor(&self, p: Partition) -> Option<u8> {
        let keypad = &self.unit(p)?.keypad;
        let entry = matches!(keypad.menu, Menu::NewCode { .. } | Menu::SpecialCode { .. });
        let question = matches!(keypad.menu, Menu::Prompt(prompt) if !matches!(prompt.purpose, Purpose::SetClock(_)));
        let own = keypad.hand == Hand::Module && keypad.hold.is_none();
        (own && (entry || question)).then(|| u8::try_from(keypad.digits.len().min(15)).unwrap_or(15))
    }
}

fn wanted(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::Access => "Access Code",
        Wanted::Master => "Master Code",
        Wanted::Installer => "Installer Code",
    }
}

fn heading(what: Toggled) -> &'static str {
    match what {
        Toggled::Partitions => PARTITIONS,
        Toggled::Attributes => ATTRIBUTES,
    }
}

fn data_width(section: u16, part: u16) -> usize {
    let layout = if part > 0 { Sections::part_layout(part) } else { Some(Sections::layout(section)) };
    match layout {
        Some(Layout::Items { width, .. }) => width,
        _ => 2,
    }
}

/// Eight places, each its digit or a dash `[doc PS]`.
fn dashes(digits: impl Iterator<Item = u8>) -> String {
    let on: Vec<u8> = digits.collect();
    (1..=8_u8).map(|n| if on.contains(&n) { char::from(b'0' + n) } else { '-' }).collect()
}

/// What was typed over what is stored.
fn overlay(stored: &str, typed: &str) -> String {
    typed.chars().chain(stored.chars().skip(typed.len())).collect()
}

fn lines(texts: [&str; 2]) -> Screen {
    texts.map(|text| format!("{text:<16.16}"))
}
