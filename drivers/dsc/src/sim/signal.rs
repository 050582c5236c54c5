//! What happens inside the panel, one by one in its order: front ends turn it into messages, watchers into JSON.

use panel_driver::sim::PanicKey;
use panel_model::{Partition, Slot, Zone};
use serde_json::{Value, json};

use crate::message::PlainArmMode;

/// Who presses keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hand {
    /// The module, for its client.
    Module,
    /// Somebody at a keypad on the wall.
    Person,
}

impl Hand {
    fn name(self) -> &'static str {
        match self {
            Self::Module => "module",
            Self::Person => "person",
        }
    }
}

/// What a keypad shows of its partition, as the module sees it. A change is a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Ready,
    NotReady,
    ExitDelay,
    Armed(PlainArmMode),
    EntryDelay,
    Alarm,
    /// Somebody else is in a menu, or installer mode is on.
    Busy,
    /// The module itself is in a menu: nothing is said, its end is.
    OwnMenu,
}

/// Lasting troubles of the whole panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    Battery,
    AcLost,
    Bell,
    PhoneLine,
    Communication,
    Tamper,
    Fire,
    ZoneFault(Zone),
    ZoneTamper(Zone),
    ZoneBattery(Zone),
}

impl Trouble {
    /// The words for pokes and JSON; troubles of zones are poked by zone.
    pub(super) const NAMED: [(&'static str, Self); 7] = [
        ("battery", Self::Battery),
        ("ac", Self::AcLost),
        ("bell", Self::Bell),
        ("phone_line", Self::PhoneLine),
        ("communication", Self::Communication),
        ("tamper", Self::Tamper),
        ("fire", Self::Fire),
    ];

    pub(super) fn name(self) -> String {
        match self {
            Self::ZoneFault(zone) => format!("zone_fault_{zone}"),
            Self::ZoneTamper(zone) => format!("zone_tamper_{zone}"),
            Self::ZoneBattery(zone) => format!("zone_battery_{zone}"),
            named => Self::NAMED.iter().find(|(_, t)| *t == named).map_or("", |(name, _)| name).to_owned(),
        }
    }
}

/// Which code a prompt asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Access,
    Master,
    Installer,
}

/// A sound of the keypad in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sound {
    Refused,
    Item,
    Complete,
}

/// What a menu is about, for watchers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MenuName {
    Users,
    Functions,
    Installer,
    Bypass,
}

impl MenuName {
    fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Functions => "functions",
            Self::Installer => "installer",
            Self::Bypass => "bypass",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Signal {
    /// A keypad may look different now: lights, display.
    Look,
    ZoneOpened(Zone),
    ZoneClosed(Zone),
    ZoneAlarm(Partition, Zone),
    ZoneAlarmRestored(Partition, Zone),
    ZoneTamper(Partition, Zone),
    ZoneTamperRestored(Partition, Zone),
    ZoneFault(Zone),
    ZoneFaultRestored(Zone),
    ZoneBattery {
        zone: Zone,
        low: bool,
    },
    Status(Partition, Status),
    Disarmed(Partition),
    /// `None`: not by a user's code.
    ClosedBy(Partition, Option<Slot>),
    ClosedPartly(Partition),
    OpenedBy(Partition, Option<Slot>),
    Duress,
    KeypadAlarm(PanicKey),
    KeypadAlarmRestored(PanicKey),
    FailedToArm(Partition),
    /// `by_command`: the code came in 033, 040 or 200.
    InvalidCode {
        partition: Partition,
        hand: Hand,
        by_command: bool,
    },
    NotAvailable(Partition),
    Lockout(Partition),
    LockoutOver,
    Chime(Partition, bool),
    Output {
        partition: Partition,
        output: u8,
        at_keypad: bool,
    },
    Trouble(Trouble, bool),
    TroubleLight(Partition, bool),
    InstallerEntered(Partition),
    InstallerLeft,
    Prompt {
        partition: Partition,
        hand: Hand,
        wanted: Wanted,
        length: usize,
        in_menu: bool,
    },
    /// `*1` was left.
    BypassLeft,
    Bypass(Zone, bool),
    Sound(Partition, Hand, Sound),
    Blanked(Partition),
    Keybus {
        working: bool,
    },
    MenuOpened(Partition, Hand, MenuName),
    MenuLeft(Partition, Hand),
    MenuTimedOut(Partition, Hand),
    CodeSet(Slot, Hand),
    CodeDeleted(Slot, Hand),
    CodeRejected(Slot, Hand),
    PartitionsSet(Slot, Hand, Vec<u8>),
    AttributesSet(Slot, Hand, Vec<u8>),
    InstallerCodeChanged(Hand),
    SectionWritten(u16, Hand),
    Rebooted,
    Client(Client),
    /// A line came that is no frame, or a frame that is no command.
    BadFrame,
    LineDropped,
}

/// What became of whoever wants to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    LoggedIn,
    Refused,
    TooSlow,
}

impl Client {
    fn event(self) -> &'static str {
        match self {
            Self::LoggedIn => "client_logged_in",
            Self::Refused => "client_refused",
            Self::TooSlow => "client_login_timed_out",
        }
    }
}

impl Signal {
    /// The line that a watcher sees, if it is worth one.
    pub(super) fn to_json(&self) -> Option<Value> {
        let zone = |event: &str, zone: &Zone| json!({"event": event, "zone": zone.number()});
        let zone_in = |event: &str, partition: &Partition, zone: &Zone| json!({"event": event, "partition": partition.number(), "zone": zone.number()});
        let partition = |event: &str, partition: &Partition| json!({"event": event, "partition": partition.number()});
        let by = |event: &str, partition: &Partition, slot: &Option<Slot>| json!({"event": event, "partition": partition.number(), "slot": slot.map(Slot::number)});
        let slot =
            |event: &str, slot: &Slot, hand: &Hand| json!({"event": event, "slot": slot.number(), "by": hand.name()});
        Some(match self {
            Self::Look
            | Self::Sound(..)
            | Self::BypassLeft
            | Self::Status(_, Status::Busy | Status::OwnMenu)
            | Self::Disarmed(_)
            | Self::TroubleLight(..)
            | Self::KeypadAlarmRestored(_) => return None,
            Self::ZoneOpened(z) => zone("zone_opened", z),
            Self::ZoneClosed(z) => zone("zone_closed", z),
            Self::ZoneAlarm(p, z) => zone_in("zone_alarm", p, z),
            Self::ZoneAlarmRestored(p, z) => zone_in("zone_alarm_restored", p, z),
            Self::ZoneTamper(p, z) => zone_in("zone_tamper", p, z),
            Self::ZoneTamperRestored(p, z) => zone_in("zone_tamper_restored", p, z),
            Self::ZoneFault(z) => zone("zone_fault", z),
            Self::ZoneFaultRestored(z) => zone("zone_fault_restored", z),
            Self::ZoneBattery { zone: z, low } => json!({"event": "zone_battery", "zone": z.number(), "low": low}),
            Self::Status(p, status) => status_line(*p, *status)?,
            Self::ClosedBy(p, s) => by("armed_by", p, s),
            Self::ClosedPartly(p) => partition("armed_with_bypass", p),
            Self::OpenedBy(p, s) => by("disarmed", p, s),
            Self::Duress => json!({"event": "duress"}),
            Self::KeypadAlarm(key) => json!({"event": "keypad_alarm", "key": panic_name(*key)}),
            Self::FailedToArm(p) => partition("failed_to_arm", p),
            Self::InvalidCode { partition: p, hand, .. } => {
                json!({"event": "wrong_code", "partition": p.number(), "by": hand.name()})
            }
            Self::NotAvailable(p) => partition("function_not_available", p),
            Self::Lockout(p) => partition("keypad_lockout", p),
            Self::LockoutOver => json!({"event": "keypad_lockout_over"}),
            Self::Chime(p, on) => json!({"event": "chime", "partition": p.number(), "on": on}),
            Self::Output { partition: p, output, .. } => {
                json!({"event": "output", "partition": p.number(), "output": output})
            }
            Self::Trouble(trouble, on) => json!({"event": "trouble", "trouble": trouble.name(), "on": on}),
            Self::InstallerEntered(_) => json!({"event": "installer_mode_entered"}),
            Self::InstallerLeft => json!({"event": "installer_mode_left"}),
            Self::Prompt { partition: p, hand, wanted, .. } => {
                json!({"event": "code_asked_for", "partition": p.number(), "by": hand.name(), "code": wanted_name(*wanted)})
            }
            Self::Bypass(z, on) => json!({"event": "bypass", "zone": z.number(), "on": on}),
            Self::Blanked(p) => partition("keypad_blanked", p),
            Self::Keybus { working } => json!({"event": "keybus", "working": working}),
            Self::MenuOpened(p, hand, menu) => {
                json!({"event": "menu_opened", "partition": p.number(), "by": hand.name(), "menu": menu.name()})
            }
            Self::MenuLeft(p, hand) => json!({"event": "menu_left", "partition": p.number(), "by": hand.name()}),
            Self::MenuTimedOut(p, hand) => {
                json!({"event": "menu_timed_out", "partition": p.number(), "by": hand.name()})
            }
            Self::CodeSet(s, hand) => slot("code_set", s, hand),
            Self::CodeDeleted(s, hand) => slot("code_deleted", s, hand),
            Self::CodeRejected(s, hand) => slot("code_rejected", s, hand),
            Self::PartitionsSet(s, hand, mask) => {
                json!({"event": "partitions_set", "slot": s.number(), "by": hand.name(), "partitions": mask})
            }
            Self::AttributesSet(s, hand, digits) => {
                json!({"event": "attributes_set", "slot": s.number(), "by": hand.name(), "attributes": digits})
            }
            Self::InstallerCodeChanged(hand) => json!({"event": "installer_code_changed", "by": hand.name()}),
            Self::SectionWritten(section, hand) => {
                json!({"event": "section_written", "section": format!("{section:03}"), "by": hand.name()})
            }
            Self::Rebooted => json!({"event": "rebooted"}),
            Self::Client(client) => json!({"event": client.event()}),
            Self::BadFrame => json!({"event": "bad_frame"}),
            Self::LineDropped => json!({"event": "line_dropped"}),
        })
    }
}

fn status_line(partition: Partition, status: Status) -> Option<Value> {
    let partition = partition.number();
    Some(match status {
        Status::Ready => json!({"event": "ready", "partition": partition}),
        Status::NotReady => json!({"event": "not_ready", "partition": partition}),
        Status::ExitDelay => json!({"event": "exit_delay", "partition": partition}),
        Status::Armed(mode) => json!({"event": "armed", "partition": partition, "mode": mode_name(mode)}),
        Status::EntryDelay => json!({"event": "entry_delay", "partition": partition}),
        Status::Alarm => json!({"event": "alarm", "partition": partition}),
        Status::Busy | Status::OwnMenu => return None,
    })
}

pub(super) fn mode_name(mode: PlainArmMode) -> &'static str {
    match mode {
        PlainArmMode::Away => "away",
        PlainArmMode::Stay => "stay",
        PlainArmMode::AwayNoEntry => "away_no_entry",
        PlainArmMode::StayNoEntry => "stay_no_entry",
    }
}

fn panic_name(key: PanicKey) -> &'static str {
    match key {
        PanicKey::Fire => "fire",
        PanicKey::Medical => "medical",
        PanicKey::Police => "police",
    }
}

fn wanted_name(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::Access => "access",
        Wanted::Master => "master",
        Wanted::Installer => "installer",
    }
}
