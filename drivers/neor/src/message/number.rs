//! Command numbers and their names (dossier 3), for typed messages, logs and `decode`.

macro_rules! numbers {
    ($($constant:ident = $value:literal $name:literal;)*) => {
        $(pub(crate) const $constant: u16 = $value;)*

        /// What a command number is called; `None`: no source knows it.
        #[must_use]
        pub fn command_name(number: u16) -> Option<&'static str> {
            match number {
                $($value => Some($name),)*
                _ => also_known(number),
            }
        }
    };
}

numbers! {
    TEXT = 0x0201 "text";
    LIFESTYLE_ZONE = 0x0210 "lifestyle_zone";
    TIME_BROADCAST = 0x0220 "time_broadcast";
    OUTPUT_ACTIVATION = 0x0222 "output_activation";
    EXIT_DELAY = 0x0230 "exit_delay";
    ENTRY_DELAY = 0x0231 "entry_delay";
    ARMING = 0x0232 "arming";
    ARMING_PRE_ALERT = 0x0233 "arming_pre_alert";
    CODE_LENGTH = 0x0236 "code_length";
    QUICK_EXIT = 0x0238 "quick_exit";
    READY_STATUS = 0x0239 "ready_status";
    AUDIBLE_BELL = 0x023B "audible_bell";
    ALARM_MEMORY_FLAG = 0x023C "alarm_memory_flag";
    MISC_PRE_ALERT = 0x023D "misc_pre_alert";
    TROUBLE_FLAG = 0x023F "trouble_flag";
    BYPASS_FLAG = 0x0240 "bypass_flag";
    ACCESS_CODE_UPDATE = 0x0250 "access_code_update";
    BUFFER_OVERLOAD = 0x02F0 "buffer_overload";
    COMMAND_ERROR = 0x0501 "command_error";
    COMMAND_RESPONSE = 0x0502 "command_response";
    POLL = 0x0600 "poll";
    OPEN_SESSION = 0x060A "open_session";
    END_SESSION = 0x060B "end_session";
    SOFTWARE_VERSION = 0x060D "software_version";
    REQUEST_ACCESS = 0x060E "request_access";
    SYSTEM_CAPABILITIES = 0x0613 "system_capabilities";
    MULTIPLE = 0x0623 "multiple";
    EXIT_PROGRAMMING = 0x0701 "exit_programming";
    PROGRAMMING_LEAD = 0x0702 "programming_lead";
    ENTER_PROGRAMMING = 0x0704 "enter_programming";
    READ_SECTION = 0x0721 "read_section";
    WRITE_SECTION = 0x0722 "write_section";
    SECTION = 0x4721 "section";
    READ_CODES = 0x0736 "read_codes";
    CODES = 0x4736 "codes";
    READ_ATTRIBUTES = 0x0737 "read_attributes";
    ATTRIBUTES = 0x4737 "attributes";
    READ_USER_PARTITIONS = 0x0738 "read_user_partitions";
    USER_PARTITIONS = 0x4738 "user_partitions";
    READ_USER_KINDS = 0x073C "read_user_kinds";
    USER_KINDS = 0x473C "user_kinds";
    WRITE_CODES = 0x0746 "write_codes";
    WRITE_ATTRIBUTES = 0x0747 "write_attributes";
    WRITE_USER_PARTITIONS = 0x0748 "write_user_partitions";
    WRITE_ZONE_BYPASS = 0x074A "write_zone_bypass";
    WRITE_USER_LABELS = 0x0750 "write_user_labels";
    ZONE_ASSIGNMENT = 0x0770 "zone_assignment";
    LABELS = 0x0771 "labels";
    PARTITION_ASSIGNMENT = 0x0772 "partition_assignment";
    USER_PARTITION_NOTICE = 0x0775 "user_partition_notice";
    REQUEST = 0x0800 "request";
    ZONE_STATUS = 0x0811 "zone_status";
    PARTITION_STATUS = 0x0812 "partition_status";
    BYPASSED_ZONES = 0x0813 "bypassed_zones";
    ALARM_MEMORY = 0x0815 "alarm_memory";
    TROUBLE_DETAIL = 0x0817 "trouble_detail";
    ZONE_BYPASS = 0x0820 "zone_bypass";
    SYSTEM_TROUBLES = 0x0822 "system_troubles";
    TROUBLE_NOTICE = 0x0823 "trouble_notice";
    ZONE_ALARM = 0x0840 "zone_alarm";
    NON_ZONE_ALARM = 0x0841 "non_zone_alarm";
    ARM = 0x0900 "arm";
    DISARM = 0x0901 "disarm";
    COMMAND_OUTPUT = 0x0902 "command_output";
    USER_ACTIVITY = 0x0912 "user_activity";
}

/// Numbers whose layout no source gives.
fn also_known(number: u16) -> Option<&'static str> {
    Some(match number {
        0x0110 => "panel_event_buffer",
        0x0111 => "sms",
        0x0112 => "communicable_event",
        0x0200 => "life_safety_event",
        0x0221 => "temperature",
        0x0223 => "chime",
        0x0234 => "enrolment_status",
        0x023A => "system_test",
        0x023E => "blank_status",
        0x0241 => "busy_status",
        0x0242 => "general_activity",
        0x0243 => "signal_strength",
        0x0244 => "output_activation_extended",
        0x0245 => "banner",
        0x0246 => "buzzer",
        0x0300..=0x0306 => "firmware_upgrade",
        0x0400 => "enter_access_level",
        0x0401 => "exit_access_level",
        0x0402 => "access_level_lead",
        0x060C => "buffer_sizes",
        0x0612 => "pass_through",
        0x0614 => "panel_status",
        0x0615 => "device_enrolment",
        0x0622 => "long_packet",
        0x0703 => "access_code_wrapper",
        0x0731 | 0x0741 | 0x4731 => "time_and_date",
        0x074C => "write_tag",
        0x0761 | 0x4761 | 0x0762 => "event_reporting",
        0x0773 => "virtual_zone_map",
        0x0774 => "configuration_extended",
        0x0810 => "global_status",
        0x0816 => "bus_status",
        0x0819 => "chime_status",
        0x0842 => "diagnostic_status",
        0x0100..=0x0106 | 0x4100..=0x4104 => "event_buffer",
        0x0F00..=0x0F04 => "virtual_keypad",
        _ => return None,
    })
}
