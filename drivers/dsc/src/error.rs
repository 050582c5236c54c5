//! What errors mean: the table of 502 and the ends of a session.

use std::time::Duration;

use panel_driver::{DriverError, Outcome};
use panel_model::{NotNow, PanelError};

use crate::message::ErrorCode;

/// Why a session cannot go on. The policy for each is in [`DriverError::retry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SessionError {
    #[error("the module did not ask for a password; is this an Envisalink's interface port?")]
    NoLoginPrompt,
    #[error("the module closed before it asked for the password")]
    ClosedBeforeLogin,
    #[error("the Envisalink refused the password; it takes at most 6 (EVL-3) or 10 (EVL-4) characters")]
    PasswordRefused,
    #[error("no password is configured for this Envisalink")]
    PasswordMissing,
    #[error("the module gave up waiting for the password")]
    LoginTimedOut,
    #[error("the IT-100 does not answer; check the cable and the baud rate")]
    NoHello,
    #[error("two keep-alives in a row were not answered")]
    KeepAliveLost,
    #[error("three commands in a row were not answered")]
    CommandsLost,
}

impl From<SessionError> for DriverError {
    fn from(error: SessionError) -> Self {
        let text = error.to_string();
        match error {
            SessionError::ClosedBeforeLogin => Self::Occupied,
            SessionError::PasswordRefused | SessionError::PasswordMissing => Self::Auth(text),
            SessionError::NoLoginPrompt => Self::Protocol(text),
            SessionError::LoginTimedOut
            | SessionError::NoHello
            | SessionError::KeepAliveLost
            | SessionError::CommandsLost => Self::Unresponsive(text),
        }
    }
}

impl ErrorCode {
    /// The Keybus does not work.
    pub const KEYBUS_DOWN: Self = Self(14);
    /// Keypads are locked after wrong codes.
    pub const LOCKOUT: Self = Self(16);
    /// Somebody is in installer programming.
    pub const INSTALLER_MODE: Self = Self(17);
    /// Somebody is in a menu of the partition.
    pub const BUSY: Self = Self(18);
    /// The module does not know the command.
    pub const NOT_SUPPORTED: Self = Self(22);
    /// Not armed, or the keypad is blanked.
    pub const NOT_ARMED: Self = Self(23);
    /// Not ready to arm, or the keypad is blanked.
    pub const NOT_READY: Self = Self(24);
    /// The virtual keypad is off.
    pub const KEYPAD_OFF: Self = Self(28);

    /// What it means, for people [doc TPI 3.7] [impl J100, TL100].
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self.0 {
            0 => "no error",
            1 => "a command came while another one was open",
            2 => "the module's receive buffer is full",
            3 => "the module's transmit buffer is full",
            10 => "the keys before are not typed yet",
            11..=13 => "the panel did not take the keys in time",
            14 => "the module does not hear the panel",
            15 => "the panel is busy arming or disarming",
            16 => "keypads are locked after wrong codes",
            17 => "somebody is in installer programming",
            18 => "the partition is busy: somebody is in a menu",
            20 => "the module did not understand the command",
            21 => "the panel has no such partition",
            22 => "the module does not support the command",
            23 => "the partition is not armed, or its keypad is blanked",
            24 => "the partition is not ready to arm, or its keypad is blanked",
            25 => "the command has the wrong length",
            26 => "no code was asked for",
            27 => "the command holds a character that it must not",
            28 => "the virtual keypad is off",
            29 => "a parameter is not valid",
            30 => "the keypad stays blank; it may want a code to wake up",
            31..=33 => "the thermostat menu does not answer",
            _ => "an error that is not documented",
        }
    }

    /// Errors after which the module took nothing: the same is sent again after a pause that doubles each time
    /// (the vendor allows it for these only, plus the Keybus buffer) [doc TPI 3.7].
    pub(crate) fn resend_after(self, tries: u32) -> Option<Duration> {
        match self.0 {
            1 | 2 => Some(Duration::from_millis(100 << tries.min(4))),
            10 => Some(Duration::from_millis(1500)),
            _ => None,
        }
    }

    /// How a command ends that the module refused with this.
    pub(crate) fn outcome(self) -> Outcome {
        let code = format!("502 {:03}", self.0);
        match self.0 {
            15..=18 => Outcome::NotNow(NotNow { why: self.meaning().to_owned() }),
            1..=3 | 10..=14 | 23 | 24 | 28 => Outcome::Failed(PanelError::passing(code, self.meaning())),
            _ => Outcome::Failed(PanelError::lasting(code, self.meaning())),
        }
    }
}

#[cfg(test)]
mod tests {
    use panel_driver::Retry;

    use super::*;

    #[test]
    fn a_wrong_password_waits_for_a_person_and_a_taken_module_does_not() {
        assert_eq!(DriverError::from(SessionError::PasswordRefused).retry(), Retry::NeedsInstaller);
        assert_eq!(DriverError::from(SessionError::ClosedBeforeLogin), DriverError::Occupied);
        assert_eq!(DriverError::from(SessionError::KeepAliveLost).retry(), Retry::Backoff);
    }

    #[test]
    fn only_buffer_errors_are_sent_again() {
        let resent: Vec<_> = (0..40).filter(|n| ErrorCode(*n).resend_after(0).is_some()).collect();
        assert_eq!(resent, [1, 2, 10]);
        assert_eq!(ErrorCode(1).resend_after(2), Some(Duration::from_millis(400)));
    }
}
