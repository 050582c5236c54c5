//! Bytes that are one of a list: what 0502 and 0501 say (dossier 3.9, 3.10), arm modes, programming modes.

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $value:literal, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$vdoc])* #[doc = $text] $variant,)*
            /// A code that no source knows.
            Other(u8),
        }

        impl $name {
            /// From the byte of the wire.
            #[must_use]
            pub fn from_byte(byte: u8) -> Self {
                match byte {
                    $($value => Self::$variant,)*
                    other => Self::Other(other),
                }
            }

            /// The byte of the wire.
            #[must_use]
            pub fn byte(self) -> u8 {
                match self {
                    $(Self::$variant => $value,)*
                    Self::Other(other) => other,
                }
            }

            /// For people.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(_) => "a code that is not documented",
                }
            }
        }
    };
}

codes! {
    /// The code of a CommandResponse. Codes 1 to 4 mean something else during the handshake (dossier 3.9).
    ResponseCode {
        Success = 0, "done";
        OutOfRange = 1, "out of range, or an identifier that does not match";
        BadType = 2, "invalid type or length";
        Unsupported = 3, "not supported; in the handshake: this type of encryption";
        Partial = 4, "some or all partitions failed to arm";
        WrongMode = 16, "not in the programming mode that this needs";
        WrongCode = 17, "the access code is wrong";
        CodeRequired = 18, "an access code is required";
        Busy = 19, "the system or partition is busy";
        BadPartition = 20, "the partition is not valid";
        NotAvailable = 23, "the function is not available";
        Internal = 24, "the panel reports an internal error";
        Timeout = 25, "the panel ran into a time-out";
        NoTroubles = 26, "there are no troubles";
        NoAlarms = 27, "there are no alarms";
        BadModule = 28, "the module is not valid";
        BadTrouble = 29, "the type of trouble is not valid";
    }
}

codes! {
    /// The code of a CommandError.
    NackCode {
        BadLength = 1, "invalid length";
        BadCommand = 2, "invalid command";
        BadSequence = 3, "invalid sequence";
        PanelSilent = 4, "the communicator does not hear the panel";
        BadPassThrough = 5, "invalid pass-through";
        BadDestination = 6, "invalid destination";
        BadSession = 7, "invalid session";
        SmallBuffer = 8, "insufficient buffer";
        LockedOut = 9, "locked out, or another application is connected";
        BadSubCommand = 10, "unsupported sub-command";
        PowerUpShunt = 11, "the panel is still starting";
        WrongMode = 16, "not in the programming mode that this needs";
        WrongCode = 17, "the access code is wrong";
        CodeRequired = 18, "an access code is required";
        Busy = 19, "the system or partition is busy";
        BadPartition = 20, "the partition is not valid";
        NotAvailable = 23, "the function is not available";
        Internal = 24, "the panel reports an internal error";
        Timeout = 25, "the panel ran into a time-out";
        BadModule = 28, "the module is not valid";
        BadTrouble = 29, "the type of trouble is not valid";
        TagOrCodeRequired = 30, "a programming tag or access code is required";
        TagRequired = 31, "a programming tag is required";
    }
}

codes! {
    /// How a partition is armed, in 0900 and 0232 (dossier 3.8).
    ArmingMode {
        Disarm = 0, "disarmed";
        Stay = 1, "stay";
        Away = 2, "away";
        NoEntryDelay = 3, "armed without entry delay";
        Night = 4, "night";
        Quick = 5, "quick";
        User = 6, "by a user";
        StayNoDelay = 7, "stay without delay";
        AwayNoDelay = 8, "away without delay";
        NightNoDelay = 9, "night without delay";
        GlobalStay = 0x0B, "the whole system in stay";
        GlobalAway = 0x0C, "the whole system away";
        InstantStay = 0x11, "instant stay";
    }
}

codes! {
    /// The programming modes of 0704.
    Programming {
        Installer = 0, "installer programming";
        AccessCodes = 1, "access code programming";
        UserFunctions = 2, "user functions";
        Bypass = 3, "bypass programming";
    }
}

codes! {
    /// Who is in programming, in 0702.
    Via {
        Interactive = 0, "this connection, or another one like it";
        Reserved = 1, "a reserved path";
        Keypad = 2, "a keypad";
        Dls = 3, "downloading software";
        C24 = 4, "interactive services";
    }
}

impl NackCode {
    /// The same "no" as a CommandResponse says it, where both have it (codes from 16 on).
    #[must_use]
    pub fn as_response(self) -> Option<ResponseCode> {
        matches!(self.byte(), 16..=20 | 23..=25 | 28 | 29).then(|| ResponseCode::from_byte(self.byte()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_code_and_every_code_its_byte() {
        for byte in 0..=u8::MAX {
            assert_eq!(ResponseCode::from_byte(byte).byte(), byte);
            assert_eq!(NackCode::from_byte(byte).byte(), byte);
        }
        assert_eq!(NackCode::WrongMode.as_response(), Some(ResponseCode::WrongMode));
        assert_eq!(NackCode::BadSequence.as_response(), None);
    }
}
