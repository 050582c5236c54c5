//! What happens inside the panel, one by one in its order: `tell.rs` turns it into messages, watchers get JSON.

use panel_driver::sim::PanicKey;
use panel_model::Partition;
use serde_json::{Value, json};

use super::arming::{By, Mode};
use super::programming::Occupied;
use super::zones::AlarmType;

/// Lasting troubles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    AcLost,
    Battery,
    Bell,
    PhoneLine,
    Clock,
    ZoneTamper(u16),
    ZoneFault(u16),
    ZoneBattery(u16),
}

impl Trouble {
    /// The words for pokes and JSON; troubles of zones are poked by zone.
    pub(super) const NAMED: [(&'static str, Self); 5] = [
        ("ac", Self::AcLost),
        ("battery", Self::Battery),
        ("bell", Self::Bell),
        ("phone_line", Self::PhoneLine),
        ("clock", Self::Clock),
    ];

    pub(super) fn name(self) -> String {
        match self {
            Self::ZoneFault(zone) => format!("zone_fault_{zone}"),
            Self::ZoneTamper(zone) => format!("zone_tamper_{zone}"),
            Self::ZoneBattery(zone) => format!("zone_battery_{zone}"),
            named => Self::NAMED.iter().find(|(_, t)| *t == named).map_or("", |(name, _)| name).to_owned(),
        }
    }

    /// Device type, trouble type and device number, as 0823 has them (dossier 5.2).
    pub(super) fn address(self) -> (u32, u32, u32) {
        match self {
            Self::AcLost => (0x00, 0x84, 0),
            Self::Battery => (0x00, 0x03, 0),
            Self::Bell => (0x03, 0x02, 1),
            Self::PhoneLine => (0x00, 0x3B, 1),
            Self::Clock => (0x00, 0x3F, 0),
            Self::ZoneTamper(zone) => (0x01, 0x01, zone.into()),
            Self::ZoneFault(zone) => (0x01, 0x02, zone.into()),
            Self::ZoneBattery(zone) => (0x01, 0x03, zone.into()),
        }
    }
}

/// What 0239 says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readiness {
    Ready,
    /// Ready to be armed by force.
    Forced,
    NotReady,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DelayKind {
    Exit,
    Entry,
}

/// Who changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hand {
    /// Our client.
    Remote,
    /// Somebody at a keypad on the wall.
    Person,
}

impl Hand {
    fn name(self) -> &'static str {
        match self {
            Self::Remote => "client",
            Self::Person => "person",
        }
    }
}

/// What of users changed, by the number of 0250.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    Code,
    Attributes,
    Partitions,
    Label,
}

impl Changed {
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Code => 1,
            Self::Attributes => 2,
            Self::Partitions => 4,
            Self::Label => 8,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Attributes => "attributes",
            Self::Partitions => "partitions",
            Self::Label => "label",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Signal {
    ZoneOpened(u16),
    ZoneClosed(u16),
    ZoneAlarm {
        partition: Partition,
        zone: u16,
        alarm_type: AlarmType,
        on: bool,
    },
    PartitionAlarm(Partition, bool),
    /// `None`: it stopped.
    Bell {
        partition: Partition,
        seconds: Option<u16>,
    },
    Memory(Partition, bool),
    Ready(Partition, Readiness),
    Delay {
        partition: Partition,
        kind: DelayKind,
        seconds: u8,
        urgent: bool,
    },
    DelayOver(Partition, DelayKind),
    Armed {
        partition: Partition,
        mode: Mode,
        by: By,
    },
    Disarmed {
        partition: Partition,
        by: By,
    },
    FailedToArm(Partition),
    Bypass(u16, bool),
    BypassFlag(Partition, bool),
    Trouble(Trouble, bool),
    TroubleFlag(Partition, bool),
    Lead(Occupied, Lead),
    UsersChanged {
        what: Changed,
        from: u16,
        to: u16,
        hand: Hand,
    },
    CodeRejected(u16, Hand),
    TagChanged(u16, bool),
    InstallerCodeChanged,
    SectionWritten(u16),
    WrongCode(Hand),
    Lockout(Hand),
    LockoutOver(Hand),
    Duress,
    Panic(Partition, PanicKey),
    Output(Partition, u32, bool),
    TimeBroadcast,
    Rebooted,
    Client(Client),
    /// Something came that is no frame, with what is wrong with it.
    BadFrame(String),
    LineDropped,
}

/// Which way programming goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    In,
    Out,
    /// By itself: nothing was asked for too long.
    TimedOut,
}

/// What becomes of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Client {
    LoggedIn,
    Refused(&'static str),
    GaveUp(&'static str),
    Ended,
}

impl Signal {
    /// The line that a watcher sees, if it is worth one.
    pub(super) fn to_json(&self) -> Option<Value> {
        let zone = |event: &str, zone: &u16| json!({"event": event, "zone": zone});
        let partition = |event: &str, partition: &Partition| json!({"event": event, "partition": partition.number()});
        Some(match self {
            Self::TimeBroadcast | Self::TroubleFlag(..) | Self::BypassFlag(..) | Self::DelayOver(..) => return None,
            Self::ZoneOpened(z) => zone("zone_opened", z),
            Self::ZoneClosed(z) => zone("zone_closed", z),
            Self::ZoneAlarm { partition: p, zone, on, .. } => {
                let event = if *on { "zone_alarm" } else { "zone_alarm_restored" };
                json!({"event": event, "partition": p.number(), "zone": zone})
            }
            Self::PartitionAlarm(p, on) => partition(if *on { "alarm" } else { "alarm_over" }, p),
            Self::Bell { partition: p, seconds } => partition(if seconds.is_some() { "bell" } else { "bell_over" }, p),
            Self::Memory(p, on) => json!({"event": "alarm_memory", "partition": p.number(), "on": on}),
            Self::Ready(p, Readiness::Ready) => partition("ready", p),
            Self::Ready(p, Readiness::Forced) => partition("force_ready", p),
            Self::Ready(p, Readiness::NotReady) => partition("not_ready", p),
            Self::Delay { partition: p, kind, seconds, urgent } => {
                let event = match kind {
                    DelayKind::Exit => "exit_delay",
                    DelayKind::Entry => "entry_delay",
                };
                json!({"event": event, "partition": p.number(), "seconds": seconds, "urgent": urgent})
            }
            Self::Armed { partition: p, mode, by } => {
                json!({"event": "armed", "partition": p.number(), "mode": mode.name(), "slot": by.slot()})
            }
            Self::Disarmed { partition: p, by } => {
                json!({"event": "disarmed", "partition": p.number(), "slot": by.slot()})
            }
            Self::FailedToArm(p) => partition("failed_to_arm", p),
            Self::Bypass(z, on) => json!({"event": "bypass", "zone": z, "on": on}),
            Self::Trouble(trouble, on) => json!({"event": "trouble", "trouble": trouble.name(), "on": on}),
            Self::Lead(occupied, lead) => lead_line(occupied, *lead),
            Self::UsersChanged { what, from, to, hand } => {
                json!({"event": "users_changed", "what": what.name(), "from": from, "to": to, "by": hand.name()})
            }
            Self::CodeRejected(slot, hand) => json!({"event": "code_rejected", "slot": slot, "by": hand.name()}),
            Self::TagChanged(slot, on) => json!({"event": "tag", "slot": slot, "on": on}),
            Self::InstallerCodeChanged => json!({"event": "installer_code_changed"}),
            Self::SectionWritten(section) => json!({"event": "section_written", "section": format!("{section:03}")}),
            Self::WrongCode(hand) => json!({"event": "wrong_code", "by": hand.name()}),
            Self::Lockout(hand) => json!({"event": "lockout", "of": hand.name()}),
            Self::LockoutOver(hand) => json!({"event": "lockout_over", "of": hand.name()}),
            Self::Duress => json!({"event": "duress"}),
            Self::Panic(p, key) => json!({"event": "keypad_alarm", "partition": p.number(), "key": panic_name(*key)}),
            Self::Output(p, output, on) => {
                json!({"event": "output", "partition": p.number(), "output": output, "on": on})
            }
            Self::Rebooted => json!({"event": "rebooted"}),
            Self::Client(client) => client_line(client),
            Self::BadFrame(why) => json!({"event": "bad_frame", "why": why}),
            Self::LineDropped => json!({"event": "line_dropped"}),
        })
    }
}

fn lead_line(occupied: &Occupied, lead: Lead) -> Value {
    let event = match lead {
        Lead::In => "programming_entered",
        Lead::Out => "programming_left",
        Lead::TimedOut => "programming_timed_out",
    };
    json!({"event": event, "mode": occupied.mode.name(), "by": occupied.via.name()})
}

fn client_line(client: &Client) -> Value {
    match client {
        Client::LoggedIn => json!({"event": "client_logged_in"}),
        Client::Refused(why) => json!({"event": "client_refused", "why": why}),
        Client::GaveUp(why) => json!({"event": "client_given_up", "why": why}),
        Client::Ended => json!({"event": "client_ended"}),
    }
}

fn panic_name(key: PanicKey) -> &'static str {
    match key {
        PanicKey::Fire => "fire",
        PanicKey::Medical => "medical",
        PanicKey::Police => "police",
    }
}
