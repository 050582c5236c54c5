use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ArmMode, LockId, Partition, Slot, Trouble, Zone};

/// Whether the panel told it as it happened, or we found it while comparing with what we knew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The panel sent it now.
    Live,
    /// Found in a full state report after a (re)connect: it happened some time before.
    Replay,
}

/// What an event is about; decides its way through store and outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventClass {
    /// Burglary, fire, medical, panic, duress, tamper: never dropped, first in the queue, committed at once.
    Alarm,
    /// Something is wrong with the panel, or is right again.
    Trouble,
    /// Arming, disarming, and everything about codes.
    Access,
    /// Zone traffic and outputs.
    Zone,
    /// A level such as ready or busy: part of the state, not published as an event.
    Level,
    /// For people who look into it: unknown messages, versions.
    Diagnostic,
}

/// How loudly an event asks for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

/// Kinds of trouble that stay until they are restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the trade's own")]
pub enum TroubleKind {
    AcLost,
    BatteryLow,
    BellFault,
    PhoneLineFault,
    CommunicationFailure,
    SystemTamper,
    FireTrouble,
    /// The module does not hear the panel any more.
    PanelLinkLost,
    ClockLost,
    ServiceRequired,
    ZoneFault,
    ZoneTamper,
    ZoneBatteryLow,
    KeyfobBatteryLow,
    KeypadBatteryLow,
    ModuleFault,
    /// The panel's trouble light, when no detail is known.
    General,
}

impl TroubleKind {
    /// Contact ID event code of the trouble (SIA DC-05, qualifier 1 new, 3 restore) and SIA codes (new, restore).
    #[must_use]
    pub fn signal(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::AcLost => (301, "AT", "AR"),
            Self::BatteryLow => (302, "YT", "YR"),
            Self::BellFault => (321, "YA", "YH"),
            Self::PhoneLineFault => (351, "LT", "LR"),
            Self::CommunicationFailure => (354, "YC", "YK"),
            Self::SystemTamper => (137, "TA", "TR"),
            Self::FireTrouble => (373, "FT", "FJ"),
            Self::PanelLinkLost | Self::ModuleFault => (333, "ET", "ER"),
            Self::ClockLost => (626, "JT", "JT"),
            Self::ServiceRequired | Self::General => (300, "YX", "YZ"),
            Self::ZoneFault => (380, "BT", "BJ"),
            Self::ZoneTamper => (383, "TA", "TR"),
            Self::ZoneBatteryLow | Self::KeyfobBatteryLow | Self::KeypadBatteryLow => (384, "XT", "XR"),
        }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $class:ident, $severity:ident, $signal:expr;)*) => {
        /// What happened. Every kind has a class, a severity and, where central stations know it, a Contact ID
        /// code (with its qualifier: 1 new or opening, 3 restore or closing) and a SIA code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum EventKind {
            $($(#[$doc])* $name,)*
        }

        impl EventKind {
            /// Every kind, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable name, as in payloads.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The class (see [`EventClass`]).
            #[must_use]
            pub fn class(self) -> EventClass {
                match self { $(Self::$name => EventClass::$class,)* }
            }

            /// The severity.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// Contact ID (qualifier, code) and SIA code. Troubles carry theirs in [`TroubleKind::signal`].
            #[must_use]
            pub fn signal(self) -> Option<(u8, u16, &'static str)> {
                match self { $(Self::$name => $signal,)* }
            }
        }
    };
}

kinds! {
    /// A zone went into alarm.
    ZoneAlarm = "zone_alarm", Alarm, Critical, Some((1, 130, "BA"));
    /// The alarm of a zone is over.
    ZoneAlarmRestored = "zone_alarm_restored", Alarm, Info, Some((3, 130, "BR"));
    /// A zone's tamper contact opened.
    ZoneTamper = "zone_tamper", Alarm, Critical, Some((1, 144, "TA"));
    /// A zone's tamper contact closed.
    ZoneTamperRestored = "zone_tamper_restored", Alarm, Info, Some((3, 144, "TR"));
    /// A partition is in alarm; the cause is told by the zone or key beside it.
    PartitionAlarm = "partition_alarm", Alarm, Critical, Some((1, 140, "UA"));
    /// A partition is no longer in alarm.
    PartitionAlarmCleared = "partition_alarm_cleared", Alarm, Info, Some((3, 406, "BC"));
    /// Fire key at a keypad.
    FireAlarm = "fire_alarm", Alarm, Critical, Some((1, 110, "FA"));
    /// Fire restored.
    FireAlarmRestored = "fire_alarm_restored", Alarm, Info, Some((3, 110, "FR"));
    /// Medical key at a keypad.
    MedicalAlarm = "medical_alarm", Alarm, Critical, Some((1, 100, "MA"));
    /// Medical restored.
    MedicalAlarmRestored = "medical_alarm_restored", Alarm, Info, Some((3, 100, "MR"));
    /// Panic key at a keypad.
    PanicAlarm = "panic_alarm", Alarm, Critical, Some((1, 120, "PA"));
    /// Panic restored.
    PanicAlarmRestored = "panic_alarm_restored", Alarm, Info, Some((3, 120, "PR"));
    /// A code was used under threat. Must look like a normal one on site.
    Duress = "duress", Alarm, Critical, Some((1, 121, "HA"));
    /// Auxiliary input (2-wire smoke).
    AuxInputAlarm = "aux_input_alarm", Alarm, Critical, Some((1, 110, "FA"));
    /// Auxiliary input restored.
    AuxInputAlarmRestored = "aux_input_alarm_restored", Alarm, Info, Some((3, 110, "FR"));
    /// A keypad is locked after too many wrong codes.
    KeypadLockout = "keypad_lockout", Alarm, Warning, Some((1, 461, "JA"));

    /// A trouble began; `trouble` says which.
    Trouble = "trouble", Trouble, Warning, None;
    /// A trouble is over; `trouble` says which.
    TroubleRestored = "trouble_restored", Trouble, Info, None;
    /// The connection to the panel is up.
    PanelOnline = "panel_online", Trouble, Info, Some((3, 356, "YK"));
    /// Nothing was heard of the panel for longer than its supervision period.
    PanelLate = "panel_late", Trouble, Warning, None;
    /// The panel is given up as not reachable.
    PanelOffline = "panel_offline", Trouble, Warning, Some((1, 356, "YC"));
    /// The connection needs a person: wrong password, wrong code, wrong setting. `text` says what.
    PanelNeedsInstaller = "panel_needs_installer", Trouble, Warning, None;
    /// The panel dialled again while its connection stood, or another device with its identifier did; the newer
    /// connection counts. `text` says from where.
    PanelTakenOver = "panel_taken_over", Trouble, Warning, None;
    /// The panel's event buffer fills up.
    EventBufferNearlyFull = "event_buffer_nearly_full", Trouble, Info, Some((1, 622, "JL"));

    /// The exit delay runs.
    ExitDelay = "exit_delay", Access, Info, None;
    /// The entry delay runs.
    EntryDelay = "entry_delay", Access, Info, None;
    /// A partition is armed; `mode` says how.
    Armed = "armed", Access, Info, Some((3, 400, "CL"));
    /// A partition is disarmed.
    Disarmed = "disarmed", Access, Info, Some((1, 400, "OP"));
    /// A user armed; `slot` says who. Comes beside [`EventKind::Armed`], in either order.
    Closing = "closing", Access, Info, Some((3, 401, "CL"));
    /// Armed without a user: schedule, key switch, quick arm, key fob, or from here.
    ClosingSpecial = "closing_special", Access, Info, Some((3, 408, "CL"));
    /// Armed with some zones bypassed.
    ClosingPartial = "closing_partial", Access, Info, Some((1, 456, "CG"));
    /// A user disarmed; `slot` says who. Comes beside [`EventKind::Disarmed`], in either order.
    Opening = "opening", Access, Info, Some((1, 401, "OP"));
    /// Disarmed without a user.
    OpeningSpecial = "opening_special", Access, Info, Some((1, 408, "OP"));
    /// Arming did not work.
    ArmFailed = "arm_failed", Access, Warning, Some((1, 454, "CI"));
    /// A wrong code was entered.
    InvalidCode = "invalid_code", Access, Warning, None;
    /// Automatic arming is about to begin.
    AutoArmPending = "auto_arm_pending", Access, Info, None;
    /// Somebody is in installer programming.
    InstallerModeEntered = "installer_mode_entered", Access, Warning, Some((1, 627, "LB"));
    /// Installer programming is left.
    InstallerModeLeft = "installer_mode_left", Access, Info, Some((1, 628, "LS"));
    /// A full state report showed another arming than we knew: it changed while we did not listen. `text` says from
    /// what to what. Never sent as `armed` or `disarmed`: the panel did not send these now.
    PartitionResynchronised = "partition_resynchronised", Access, Info, None;
    /// A user was changed on the panel by somebody else. `slot` says which, `text` what.
    UserDivergence = "user_divergence", Access, Info, None;
    /// Users may have been changed at a keypad; what we know of them is stale.
    UsersMayHaveChanged = "users_may_have_changed", Access, Info, None;

    /// A zone opened.
    ZoneOpened = "zone_opened", Zone, Info, None;
    /// A zone closed.
    ZoneClosed = "zone_closed", Zone, Info, None;
    /// A zone is bypassed.
    ZoneBypassed = "zone_bypassed", Zone, Info, Some((1, 570, "UB"));
    /// A zone is no longer bypassed.
    ZoneUnbypassed = "zone_unbypassed", Zone, Info, Some((3, 570, "UU"));
    /// An output was activated; `output` says which.
    OutputActive = "output_active", Zone, Info, None;
    /// A door was locked.
    DoorLocked = "door_locked", Zone, Info, None;
    /// A door was unlocked.
    DoorUnlocked = "door_unlocked", Zone, Info, None;
    /// A lock is jammed.
    DoorJammed = "door_jammed", Zone, Warning, None;

    /// Ready to arm.
    PartitionReady = "partition_ready", Level, Info, None;
    /// Not ready to arm.
    PartitionNotReady = "partition_not_ready", Level, Info, None;
    /// Ready to arm by force: only zones that may be open are open.
    PartitionForceReady = "partition_force_ready", Level, Info, None;
    /// Somebody is in a menu of the partition.
    PartitionBusy = "partition_busy", Level, Info, None;
    /// Door chime on.
    ChimeOn = "chime_on", Level, Info, None;
    /// Door chime off.
    ChimeOff = "chime_off", Level, Info, None;
    /// A function was asked for that is not available now.
    FunctionUnavailable = "function_unavailable", Level, Info, None;

    /// A message of the panel that we do not know; `text` has it with secrets masked.
    UnknownMessage = "unknown_message", Diagnostic, Info, None;
    /// Version of the module; `text` has it.
    ModuleVersion = "module_version", Diagnostic, Info, None;
    /// The panel's clock is wrong by more than two minutes; `text` says how much.
    ClockDrift = "clock_drift", Diagnostic, Info, None;
}

impl EventKind {
    /// Whether the kind tells a change of a level that the state holds: told again without a change, it is no news.
    /// Alarms are never of this sort; each one counts.
    #[must_use]
    pub fn is_change(self) -> bool {
        matches!(
            self,
            Self::ZoneOpened
                | Self::ZoneClosed
                | Self::ZoneBypassed
                | Self::ZoneUnbypassed
                | Self::Armed
                | Self::Disarmed
                | Self::ExitDelay
                | Self::EntryDelay
                | Self::Trouble
                | Self::TroubleRestored
                | Self::InstallerModeEntered
                | Self::InstallerModeLeft
                | Self::DoorLocked
                | Self::DoorUnlocked
                | Self::DoorJammed
        )
    }
}

/// One thing that happened at a panel. Which of the optional fields are set follows from the kind.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the model's own types")]
pub struct PanelEvent {
    pub kind: EventKind,
    pub origin: Origin,
    pub partition: Option<Partition>,
    pub zone: Option<Zone>,
    pub slot: Option<Slot>,
    pub lock: Option<LockId>,
    pub output: Option<u8>,
    pub mode: Option<ArmMode>,
    pub trouble: Option<Trouble>,
    /// Text for people. Never a secret.
    pub text: Option<String>,
}

impl PanelEvent {
    /// A live event of that kind, with nothing else said.
    #[must_use]
    pub fn new(kind: EventKind) -> Self {
        Self {
            kind,
            origin: Origin::Live,
            partition: None,
            zone: None,
            slot: None,
            lock: None,
            output: None,
            mode: None,
            trouble: None,
            text: None,
        }
    }

    /// The same, found in a full state report.
    #[must_use]
    pub fn replayed(mut self) -> Self {
        self.origin = Origin::Replay;
        self
    }

    /// The same, with its partition.
    #[must_use]
    pub fn partition(mut self, partition: Partition) -> Self {
        self.partition = Some(partition);
        self
    }

    /// The same, with its zone.
    #[must_use]
    pub fn zone(mut self, zone: Zone) -> Self {
        self.zone = Some(zone);
        self
    }

    /// The same, with the user's slot.
    #[must_use]
    pub fn slot(mut self, slot: Slot) -> Self {
        self.slot = Some(slot);
        self
    }

    /// The same, with the arm mode.
    #[must_use]
    pub fn mode(mut self, mode: ArmMode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// The same, with the output's number.
    #[must_use]
    pub fn output(mut self, output: u8) -> Self {
        self.output = Some(output);
        self
    }

    /// The same, with the lock.
    #[must_use]
    pub fn lock(mut self, lock: LockId) -> Self {
        self.lock = Some(lock);
        self
    }

    /// The same, with the trouble.
    #[must_use]
    pub fn trouble(mut self, trouble: Trouble) -> Self {
        self.trouble = Some(trouble);
        self
    }

    /// The same, with text for people.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Whether the cloud gets it as an event ([`EventClass::Level`] is state only).
    #[must_use]
    pub fn is_published(&self) -> bool {
        self.kind.class() != EventClass::Level
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_match_their_json() {
        let names: BTreeSet<_> = EventKind::ALL.iter().map(|k| k.name()).collect();
        assert_eq!(names.len(), EventKind::ALL.len());
        for kind in EventKind::ALL {
            assert_eq!(serde_json::to_string(kind).expect("json"), format!("\"{}\"", kind.name()));
        }
    }

    #[test]
    fn every_alarm_has_a_central_station_code() {
        for kind in EventKind::ALL.iter().filter(|k| k.class() == EventClass::Alarm) {
            assert!(kind.signal().is_some(), "{}", kind.name());
        }
    }
}
