//! The many messages that say one thing about the system, a partition or a zone and have no other data.
//! [doc TPI 3.3] for the Envisalink, independent implementations for the IT-100 (README, sources).

use super::Transport;
use crate::codec::Number;

/// Who sends a number with that meaning.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Both,
    Envisalink,
    It100,
}

impl On {
    fn has(self, transport: Transport) -> bool {
        match self {
            Self::Both => true,
            Self::Envisalink => transport == Transport::Envisalink,
            Self::It100 => transport == Transport::It100,
        }
    }
}

macro_rules! notices {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $number:literal $on:ident $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "the names are the protocol's own words")]
        pub enum $name { $($variant,)* }

        impl $name {
            /// Every notice of this kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number on the wire.
            #[must_use]
            pub fn number(self) -> Number {
                match self { $(Self::$variant => const { Number::fixed($number) },)* }
            }

            /// The stable name that `decode` prints.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The notice of that number, as this transport means it.
            #[must_use]
            pub fn of(number: Number, transport: Transport) -> Option<Self> {
                match number.value() {
                    $($number if On::$on.has(transport) => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

notices! {
    /// About the whole system; no data.
    SystemNotice {
        FireKey = 621 Both "fire_key";
        FireKeyRestored = 622 Both "fire_key_restored";
        MedicalKey = 623 Both "medical_key";
        MedicalKeyRestored = 624 Both "medical_key_restored";
        PanicKey = 625 Both "panic_key";
        PanicKeyRestored = 626 Both "panic_key_restored";
        AuxInput = 631 Both "aux_input";
        AuxInputRestored = 632 Both "aux_input_restored";
        InstallerMode = 680 Both "installer_mode";
        BatteryLow = 800 Both "battery_low";
        BatteryRestored = 801 Both "battery_restored";
        AcLost = 802 Both "ac_lost";
        AcRestored = 803 Both "ac_restored";
        BellFault = 806 Both "bell_fault";
        BellRestored = 807 Both "bell_restored";
        PhoneLine1Fault = 810 Both "phone_line_1_fault";
        PhoneLine1Restored = 811 Both "phone_line_1_restored";
        PhoneLine2Fault = 812 Both "phone_line_2_fault";
        PhoneLine2Restored = 813 Both "phone_line_2_restored";
        CommunicationFailure = 814 Both "communication_failure";
        CommunicationRestored = 815 Both "communication_restored";
        EventBufferNearlyFull = 816 Both "event_buffer_nearly_full";
        SystemTamper = 829 Both "system_tamper";
        SystemTamperRestored = 830 Both "system_tamper_restored";
        EscortTrouble = 831 Both "escort_trouble";
        EscortRestored = 832 It100 "escort_restored";
        FireTrouble = 842 Both "fire_trouble";
        FireTroubleRestored = 843 Both "fire_trouble_restored";
        KeybusFault = 896 Both "keybus_fault";
        KeybusRestored = 897 Both "keybus_restored";
        KeypadChime = 907 Both "keypad_chime";
        MasterCodeRequired = 921 Both "master_code_required";
        InstallerCodeRequired = 922 Both "installer_code_required";
    }
}

notices! {
    /// About one partition; data is its digit.
    PartitionNotice {
        Ready = 650 Both "ready";
        NotReady = 651 Both "not_ready";
        ReadyToForceArm = 653 Both "ready_to_force_arm";
        InAlarm = 654 Both "in_alarm";
        Disarmed = 655 Both "disarmed";
        ExitDelay = 656 Both "exit_delay";
        EntryDelay = 657 Both "entry_delay";
        KeypadLockout = 658 Both "keypad_lockout";
        FailedToArm = 659 Envisalink "failed_to_arm";
        KeypadBlanked = 659 It100 "keypad_blanked";
        OutputRunning = 660 Both "output_running";
        ChimeOn = 663 Both "chime_on";
        ChimeOff = 664 Both "chime_off";
        InvalidCode = 670 Both "invalid_code";
        FunctionUnavailable = 671 Both "function_unavailable";
        FailureToArm = 672 Both "failure_to_arm";
        Busy = 673 Both "busy";
        AutoArmWarning = 674 Both "auto_arm_warning";
        SpecialClosing = 701 Both "special_closing";
        PartialClosing = 702 Both "partial_closing";
        SpecialOpening = 751 Both "special_opening";
        TroubleLightOn = 840 Both "trouble_light_on";
        TroubleLightOff = 841 Both "trouble_light_off";
    }
}

notices! {
    /// About one zone; data is its three digits.
    ZoneNotice {
        Fault = 605 Both "zone_fault";
        FaultRestored = 606 Both "zone_fault_restored";
        Opened = 609 Both "zone_open";
        Closed = 610 Both "zone_closed";
        WirelessBatteryLow = 821 Both "wireless_battery_low";
        WirelessBatteryRestored = 822 Both "wireless_battery_restored";
        ZoneBatteryLow = 832 Envisalink "zone_battery_low";
        ZoneBatteryRestored = 833 Envisalink "zone_battery_restored";
    }
}

notices! {
    /// About one zone in one partition; data is the partition's digit and the zone's three.
    ZoneAlarmNotice {
        Alarm = 601 Both "zone_alarm";
        AlarmRestored = 602 Both "zone_alarm_restored";
        Tamper = 603 Both "zone_tamper";
        TamperRestored = 604 Both "zone_tamper_restored";
    }
}
