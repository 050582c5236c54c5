//! What a simulated installation is made of. Plain data; the defaults are a panel as it leaves the factory.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use panel_model::{AccessCode, InstallerCode, Password};

use super::dialect::Dialect;
use super::hostile::Hostile;
use super::model::Model;
use crate::codec::Encryption;

/// Everything that [`NeoSimulator::new`](super::NeoSimulator::new) needs.
#[derive(Debug, Clone)]
pub struct SimConfig {
    /// The panel.
    pub model: Model,
    /// Integration identification number, section 422: 12 digits.
    pub id: String,
    /// What the communicator offers.
    pub encryption: Encryption,
    /// Type 1 access code, section 423: 8 hex digits.
    pub type1_code: Password,
    /// Type 2 access code, section 700: 32 hex digits.
    pub type2_code: Password,
    /// Partitions in use, from 1 on.
    pub partitions: u8,
    /// Zones in use, from 1 on; dealt out to the partitions in blocks.
    pub zones: u16,
    /// Slots that hold a random code besides the master's, from slot 2 on.
    pub users: u16,
    /// Codes that certain slots hold, besides the random ones.
    pub user_codes: BTreeMap<u16, AccessCode>,
    /// Seed of everything that is random.
    pub seed: u64,
    /// 4, 6 or 8 digits.
    pub code_length: usize,
    /// Master code; the factory's 1234, 123456 or 12345678 if not given.
    pub master: Option<AccessCode>,
    /// Installer code; the factory's 5555, 555555 or 55555555 if not given.
    pub installer: Option<InstallerCode>,
    /// What is programmed, and what the panel does where panels may differ.
    pub options: PanelOptions,
    /// How the communicator speaks.
    pub dialect: Dialect,
    /// How long things take.
    pub timings: Timings,
    /// Faults that are there from the start.
    pub hostile: Hostile,
}

impl SimConfig {
    /// A factory-new panel of Type 1 with one partition, 8 zones and no user but the master.
    #[must_use]
    pub fn new(model: Model) -> Self {
        Self {
            model,
            id: "310212345678".into(),
            encryption: Encryption::Type1,
            type1_code: Password::new("12345678".into()),
            type2_code: Password::new("12345678".repeat(4)),
            partitions: 1,
            zones: 8,
            users: 0,
            user_codes: BTreeMap::new(),
            seed: 0,
            code_length: 4,
            master: None,
            installer: None,
            options: PanelOptions::default(),
            dialect: Dialect::default(),
            timings: Timings::default(),
            hostile: Hostile::default(),
        }
    }
}

impl SimConfig {
    /// One integration access code for whichever type is offered: 8 hex digits (Type 2 takes them four times, as
    /// installers' tools do `[doc EX]`), or 32 for Type 2 alone.
    pub fn set_integration_code(&mut self, code: &Password) {
        if code.expose().len() == 8 {
            self.type1_code = code.clone();
            self.type2_code = Password::new(code.expose().repeat(4));
        } else {
            self.type2_code = code.clone();
        }
    }
}

/// What a slot that becomes used gets `[inferred]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewUser {
    /// No attribute.
    Nothing,
    /// The attributes of whoever programs it, as at a keypad `[doc RF]`.
    Programmers,
}

/// Installer programming, and behaviour that is not documented and must be switchable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelOptions {
    /// Section 015 option 4: arming without a code.
    pub quick_arm: bool,
    /// Section 020 option 7: installer programming only after the master's permission.
    pub installer_blocked: bool,
    /// Section 012: wrong codes at keypads until they lock; 0 is never.
    pub keypad_attempts: u8,
    /// Section 012: minutes that keypads stay locked.
    pub keypad_minutes: u8,
    /// Section 012: wrong codes from afar within an hour until no code is taken any more; 0 is never.
    pub remote_attempts: u8,
    /// Section 012: minutes that the remote lockout lasts.
    pub remote_minutes: u8,
    /// What 0704 answers while locked out, also to the right code: 17 or 19 `[inferred]`.
    pub lockout_answer: u8,
    /// What a code that somebody else has is answered: 17 or 1 `[inferred]`.
    pub duplicate_answer: u8,
    /// What a slot gets that becomes used.
    pub new_user: NewUser,
    /// Emptying a slot also blanks its label `[inferred: it does not]`.
    pub clears_label: bool,
    /// 473C of a slot with code and tag `[inferred]`.
    pub tag_and_code: u8,
    /// Section 006 sub-section 002, the master code, can be read by the installer `[impl ABS]`.
    pub master_readable: bool,
    /// 0250 also goes to the session that made the change `[unknown]`.
    pub echoes_updates: bool,
    /// Seconds to leave.
    pub exit_seconds: u8,
    /// Seconds to reach the keypad.
    pub entry_seconds: u8,
    /// Minutes that the bell rings.
    pub bell_minutes: u8,
    /// Seconds after which a remote programming mode ends when nothing is asked; 0 is never `[inferred]`.
    pub programming_seconds: u16,
    /// Section 711: seconds of silence after which the communicator gives a session up.
    pub inactivity_seconds: u16,
    /// Zone types of section 001 by zone, in the place of the made-up ones.
    pub zone_types: BTreeMap<u16, u8>,
}

impl Default for PanelOptions {
    fn default() -> Self {
        Self {
            quick_arm: false,
            installer_blocked: false,
            keypad_attempts: 0,
            keypad_minutes: 5,
            remote_attempts: 6,
            remote_minutes: 60,
            lockout_answer: 17,
            duplicate_answer: 17,
            new_user: NewUser::Nothing,
            clears_label: false,
            tag_and_code: 2,
            master_readable: true,
            echoes_updates: false,
            exit_seconds: 120,
            entry_seconds: 30,
            bell_minutes: 4,
            programming_seconds: 1200,
            inactivity_seconds: 120,
            zone_types: BTreeMap::new(),
        }
    }
}

/// How long things take. Where a document or capture says nothing the figures are guesses `[inferred]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timings {
    /// From a request to its acknowledgement or to an answer that acknowledges it, at least and at most.
    pub answer: (Duration, Duration),
    /// From a request to an answer that the panel has to be asked for (pattern B).
    pub read: (Duration, Duration),
    /// From a successful enter to the lead-in.
    pub lead_in: Duration,
    /// Until an unacknowledged message is sent again.
    pub resend: Duration,
    /// How long a step of the handshake is waited for.
    pub handshake: Duration,
    /// From the end of a session to the next dialling.
    pub redial: Duration,
    /// The same when configured for HTTP polling.
    pub poll_redial: Duration,
    /// How often the time is told; zero is never.
    pub time_broadcast: Duration,
    /// How long a tripped zone stays open.
    pub trip: Duration,
    /// How long somebody programming at a keypad takes.
    pub person: Duration,
    /// How long a reboot takes.
    pub boot: Duration,
    /// What the panel takes for a second in its delays.
    pub second: Duration,
    /// What the panel takes for a minute in bell time and lockout.
    pub minute: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            answer: (ms(10), ms(30)),
            read: (ms(40), ms(120)),
            lead_in: ms(300),
            resend: Duration::from_secs(3),
            handshake: Duration::from_secs(10),
            redial: Duration::from_secs(15),
            poll_redial: Duration::from_secs(120),
            time_broadcast: Duration::from_secs(3600),
            trip: Duration::from_secs(2),
            person: Duration::from_secs(10),
            boot: Duration::from_secs(20),
            second: Duration::from_secs(1),
            minute: Duration::from_secs(60),
        }
    }
}

impl Timings {
    /// For tests on a real clock: what a client waits for takes milliseconds. What only passes while nobody does
    /// anything keeps its length.
    #[must_use]
    pub fn fast() -> Self {
        let ms = Duration::from_millis;
        Self {
            answer: (ms(0), ms(1)),
            read: (ms(1), ms(2)),
            lead_in: ms(5),
            redial: ms(100),
            trip: ms(20),
            person: ms(50),
            boot: ms(100),
            second: ms(5),
            minute: ms(300),
            ..Self::default()
        }
    }
}

/// A configuration that no panel can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SimConfigError {
    /// The identification number is not 12 digits.
    #[error("an identification number has 12 digits")]
    Id,
    /// An integration access code has another length or other characters.
    #[error("a Type {0} access code has {1} hex digits")]
    Integration(u8, usize),
    /// Codes have 4, 6 or 8 digits.
    #[error("codes of {0} digits: use 4, 6 or 8")]
    CodeLength(usize),
    /// A code has another length or other characters.
    #[error("the {0} code must have {1} digits")]
    Code(&'static str, usize),
    /// More partitions than the model has, or none.
    #[error("{0} partitions: use 1 to {1}")]
    Partitions(u8, u8),
    /// More zones than the model has, or none.
    #[error("{0} zones: use 1 to {1}")]
    Zones(u16, u16),
    /// More users than the model has slots besides the master's.
    #[error("{0} users: use at most {1}")]
    Users(u16, u16),
    /// A slot outside the model's range, or the master's.
    #[error("no user slot {0}: use 2 to {1}")]
    Slot(u16, u16),
    /// Two slots with one code.
    #[error("two slots have the same code")]
    Duplicate,
}

impl SimConfig {
    /// Says what cannot be, if anything.
    ///
    /// # Errors
    /// The first thing that does not fit the model.
    pub fn validate(&self) -> Result<(), SimConfigError> {
        let capacity = self.model.capacity();
        if self.id.len() != 12 || !self.id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(SimConfigError::Id);
        }
        for (kind, code, length) in [(1, &self.type1_code, 8), (2, &self.type2_code, 32)] {
            let code = code.expose();
            if code.len() != length || !code.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(SimConfigError::Integration(kind, length));
            }
        }
        if !matches!(self.code_length, 4 | 6 | 8) {
            return Err(SimConfigError::CodeLength(self.code_length));
        }
        if !(1..=capacity.partitions).contains(&self.partitions) {
            return Err(SimConfigError::Partitions(self.partitions, capacity.partitions));
        }
        if !(1..=capacity.zones).contains(&self.zones) {
            return Err(SimConfigError::Zones(self.zones, capacity.zones));
        }
        if self.users >= capacity.users {
            return Err(SimConfigError::Users(self.users, capacity.users - 1));
        }
        self.validate_codes(capacity.users)
    }

    fn validate_codes(&self, slots: u16) -> Result<(), SimConfigError> {
        let length = self.code_length;
        let fits = |code: &str| code.len() == length && code.bytes().all(|b| b.is_ascii_digit());
        let (master, installer) = self.special_codes();
        for (name, code) in [("master", master.expose()), ("installer", installer.expose())] {
            if !fits(code) {
                return Err(SimConfigError::Code(name, length));
            }
        }
        let mut taken = BTreeSet::from([master.expose(), installer.expose()]);
        if taken.len() < 2 {
            return Err(SimConfigError::Duplicate);
        }
        for (slot, code) in &self.user_codes {
            if !(2..=slots).contains(slot) {
                return Err(SimConfigError::Slot(*slot, slots));
            }
            if !fits(code.expose()) {
                return Err(SimConfigError::Code("user", length));
            }
            if !taken.insert(code.expose()) {
                return Err(SimConfigError::Duplicate);
            }
        }
        Ok(())
    }

    /// Master and installer code: the given ones, or the factory's `[doc RF]`.
    pub(super) fn special_codes(&self) -> (AccessCode, InstallerCode) {
        let factory: String = "12345678".chars().take(self.code_length).collect();
        let master = self.master.clone().unwrap_or_else(|| AccessCode::new(factory));
        let installer = self.installer.clone().unwrap_or_else(|| InstallerCode::new("5".repeat(self.code_length)));
        (master, installer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_integration_code_serves_both_types() {
        let mut config = SimConfig::new(Model::Hs2016);
        config.set_integration_code(&Password::new("0A0B0C0D".into()));
        assert_eq!(config.type1_code.expose(), "0A0B0C0D");
        assert_eq!(config.type2_code.expose(), "0A0B0C0D0A0B0C0D0A0B0C0D0A0B0C0D");
        config.set_integration_code(&Password::new("F".repeat(32)));
        assert_eq!((config.type1_code.expose(), config.type2_code.expose().len()), ("0A0B0C0D", 32));
        assert_eq!(config.validate(), Ok(()));
        config.set_integration_code(&Password::new("12".into()));
        assert_eq!(config.validate(), Err(SimConfigError::Integration(2, 32)));
    }

    #[test]
    fn what_no_panel_can_have_is_told() {
        let check = |change: fn(&mut SimConfig), error: Option<SimConfigError>| {
            let mut config = SimConfig::new(Model::Hs2016);
            change(&mut config);
            assert_eq!(config.validate().err(), error);
        };
        check(|_| {}, None);
        check(|c| c.code_length = 8, None);
        check(|c| c.id = "12345".into(), Some(SimConfigError::Id));
        check(|c| c.type2_code = Password::new("1234".into()), Some(SimConfigError::Integration(2, 32)));
        check(|c| c.code_length = 5, Some(SimConfigError::CodeLength(5)));
        check(|c| c.partitions = 3, Some(SimConfigError::Partitions(3, 2)));
        check(|c| c.zones = 17, Some(SimConfigError::Zones(17, 16)));
        check(|c| c.users = 48, Some(SimConfigError::Users(48, 47)));
        check(|c| c.master = Some(AccessCode::new("12345".into())), Some(SimConfigError::Code("master", 4)));
        check(|c| c.installer = Some(InstallerCode::new("1234".into())), Some(SimConfigError::Duplicate));
        let user = |slot, code: &str| BTreeMap::from([(slot, AccessCode::new(code.into()))]);
        let mut config = SimConfig::new(Model::Hs2016);
        config.user_codes = user(1, "2580");
        assert_eq!(config.validate(), Err(SimConfigError::Slot(1, 48)));
        config.user_codes = user(2, "5555");
        assert_eq!(config.validate(), Err(SimConfigError::Duplicate));
    }
}
