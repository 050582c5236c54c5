//! What happens in the panel, for whoever listens: the host on the line, and watchers.

use serde_json::{Value, json};

use super::devices::{Device, event};
use crate::message::Help;

/// Something that a host is told, in its own way by each family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    /// A7; stands in the log.
    Event { device: Device, code: u8, partitions: u8 },
    /// A zone's own event, with the masks that it changed.
    Zone { zone: u8, sign: Sign },
    /// A partition's status, bit 6 if its arming changed.
    Status { partition: u8, arming: bool },
    /// Zones came into alarm or out of it.
    Alarms,
    /// Zones were bypassed or are no longer.
    Bypasses,
    /// A trouble came or went.
    Troubles,
    /// A panic, fire or medical alarm: B0 3B.
    Help(Help),
    /// Outputs were switched.
    Outputs,
    /// Users, names or rights are others than before. No host is told (dossier 13.8).
    Nothing,
}

/// What a zone did; the event types of A5 04.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Opened,
    Closed,
    Violated,
    TamperOpened,
    TamperRestored,
    LowBattery,
    BatteryRestored,
    Lost,
    Found,
}

impl Sign {
    /// Event type in A5 04; 0 where it has none.
    pub(super) fn byte(self) -> u8 {
        match self {
            Self::TamperRestored => 2,
            Self::Opened => 3,
            Self::Closed => 4,
            Self::Violated => 5,
            Self::TamperOpened => 8,
            Self::Lost => 0x0C,
            Self::LowBattery => 0x0D,
            Self::BatteryRestored | Self::Found => 0,
        }
    }

    fn json(self, zone: u8) -> Value {
        match self {
            Self::Opened => json!({"event": "zone_opened", "zone": zone}),
            Self::Closed => json!({"event": "zone_closed", "zone": zone}),
            Self::Violated => json!({"event": "zone_violated", "zone": zone}),
            Self::TamperOpened => json!({"event": "zone_tamper", "zone": zone}),
            Self::TamperRestored => json!({"event": "zone_tamper_restored", "zone": zone}),
            Self::LowBattery => json!({"event": "zone_battery", "zone": zone, "low": true}),
            Self::BatteryRestored => json!({"event": "zone_battery", "zone": zone, "low": false}),
            Self::Lost => json!({"event": "zone_fault", "zone": zone}),
            Self::Found => json!({"event": "zone_fault_restored", "zone": zone}),
        }
    }
}

/// A thing for the host, and the line that a watcher sees.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Signal {
    pub(super) wire: Wire,
    pub(super) json: Option<Value>,
}

impl Signal {
    pub(super) fn zone(zone: u8, sign: Sign) -> Self {
        Self { wire: Wire::Zone { zone, sign }, json: Some(sign.json(zone)) }
    }

    /// For watchers only.
    pub(super) fn watch(json: Value) -> Self {
        Self { wire: Wire::Nothing, json: Some(json) }
    }
}

/// A trouble of the panel or of one of its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    AcLost,
    Battery,
    Jam,
    PhoneLine,
    Communication,
    Fuse,
    PanelTamper,
    SirenTamper,
    /// The host on this very line does not answer.
    PowerLink,
    ZoneBattery(u8),
    ZoneTamper(u8),
    ZoneLost(u8),
}

impl Trouble {
    pub(super) fn by_name(name: &str) -> Option<Self> {
        let all = [Self::Jam, Self::PhoneLine, Self::Communication, Self::Fuse, Self::PanelTamper, Self::SirenTamper];
        all.into_iter().find(|trouble| trouble.name() == name)
    }

    pub(super) fn name(self) -> String {
        let word = match self {
            Self::AcLost => "ac_lost",
            Self::Battery => "battery",
            Self::Jam => "jam",
            Self::PhoneLine => "phone_line",
            Self::Communication => "communication",
            Self::Fuse => "fuse",
            Self::PanelTamper => "panel_tamper",
            Self::SirenTamper => "siren_tamper",
            Self::PowerLink => "powerlink",
            Self::ZoneBattery(zone) => return format!("zone_battery {zone}"),
            Self::ZoneTamper(zone) => return format!("zone_tamper {zone}"),
            Self::ZoneLost(zone) => return format!("zone_lost {zone}"),
        };
        word.to_owned()
    }

    /// What it is about and the event that tells of it.
    pub(super) fn event(self) -> (Device, u8) {
        match self {
            Self::AcLost => (Device::System, event::AC_FAIL),
            Self::Battery => (Device::System, event::PANEL_BATTERY),
            Self::Jam => (Device::System, event::JAM),
            Self::PhoneLine => (Device::System, event::PHONE_LINE),
            Self::Communication => (Device::Gsm, event::REPORTING_FAIL),
            Self::Fuse => (Device::System, event::FUSE),
            Self::PanelTamper => (Device::System, event::PANEL_TAMPER),
            Self::SirenTamper => (Device::Siren(1), event::TAMPER),
            Self::PowerLink => (Device::PowerLink, event::COMMUNICATION_LOSS),
            Self::ZoneBattery(zone) => (Device::Zone(zone), event::LOW_BATTERY),
            Self::ZoneTamper(zone) => (Device::Zone(zone), event::TAMPER),
            Self::ZoneLost(zone) => (Device::Zone(zone), event::LOST),
        }
    }
}
