//! What a simulated installation is made of. Plain data; the defaults are a factory-new panel.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use panel_model::{AccessCode, InstallerCode, Password};

use super::codebook::factory_codes;
use super::hostile::Hostile;

/// The module that sits between the panel and us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    /// RS-232 module with a virtual LCD keypad.
    It100,
    /// Ethernet module, TPI on TCP 4025.
    Envisalink,
}

/// Panels of the family, version 4.x `[doc PS]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are printed on the boards")]
pub enum Model {
    Pc1616,
    Pc1832,
    Pc1864,
}

impl Model {
    /// Number of zones.
    #[must_use]
    pub fn zones(self) -> u8 {
        match self {
            Self::Pc1616 => 16,
            Self::Pc1832 => 32,
            Self::Pc1864 => 64,
        }
    }

    /// Number of partitions.
    #[must_use]
    pub fn partitions(self) -> u8 {
        match self {
            Self::Pc1616 => 2,
            Self::Pc1832 => 4,
            Self::Pc1864 => 8,
        }
    }

    /// Highest user slot, the master (slot 40) among them.
    #[must_use]
    pub fn slots(self) -> u16 {
        match self {
            Self::Pc1616 => 48,
            Self::Pc1832 => 72,
            Self::Pc1864 => 95,
        }
    }

    /// The name as printed on the board.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pc1616 => "PC1616",
            Self::Pc1832 => "PC1832",
            Self::Pc1864 => "PC1864",
        }
    }
}

/// Everything that [`DscSimulator::new`](super::DscSimulator::new) needs.
#[derive(Debug, Clone)]
pub struct SimConfig {
    /// The module between panel and client.
    pub interface: Interface,
    /// The panel.
    pub model: Model,
    /// Partitions in use, from 1 on.
    pub partitions: u8,
    /// Zones in use, from 1 on; dealt out to the partitions in blocks.
    pub zones: u8,
    /// Slots that hold a random code besides the master's, from slot 1 on (40 is left out).
    pub users: u16,
    /// Codes that certain slots hold, besides the random ones.
    pub user_codes: BTreeMap<u16, AccessCode>,
    /// Seed of everything that is random.
    pub seed: u64,
    /// 4 or 6 digits.
    pub code_length: usize,
    /// Master code; the factory's 1234 or 123456 if not given.
    pub master: Option<AccessCode>,
    /// Installer code; the factory's 5555 or 555555 if not given.
    pub installer: Option<InstallerCode>,
    /// Envisalink: the password of a client.
    pub password: Password,
    /// IT-100: label texts by label number (001-064 zones, 101-108 partitions, 120-151 outputs), in the place of
    /// the made-up ones.
    pub labels: BTreeMap<u16, String>,
    /// What the installer has programmed.
    pub options: PanelOptions,
    /// How long things take.
    pub timings: Timings,
    /// Faults that are there from the start.
    pub hostile: Hostile,
}

impl SimConfig {
    /// A factory-new panel with one partition, 8 zones (or what the model has) and no user but the master.
    #[must_use]
    pub fn new(interface: Interface, model: Model) -> Self {
        Self {
            interface,
            model,
            partitions: 1,
            zones: 8,
            users: 0,
            user_codes: BTreeMap::new(),
            seed: 0,
            code_length: 4,
            master: None,
            installer: None,
            password: Password::new("user".into()),
            labels: BTreeMap::new(),
            options: PanelOptions::default(),
            timings: Timings::real(interface),
            hostile: Hostile::default(),
        }
    }
}

/// Installer programming that changes how the panel behaves `[doc PS]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelOptions {
    /// Section 015 option 4: arming without a code by function key, `*0` or 030/031/032.
    pub quick_arm: bool,
    /// Section 015 option 5: `*1` asks for a code.
    pub bypass_code: bool,
    /// Section 015 option 6: the master code is changed in `*8` only.
    pub master_locked: bool,
    /// Section 016 option 3: keypads go dark when nobody touches them.
    pub blanking: bool,
    /// Section 016 option 4: a dark keypad asks for a code.
    pub unblank_code: bool,
    /// Section 019 option 7: any code opens `*6`.
    pub any_code_functions: bool,
    /// Section 022 option 1: `*1`, `*2`, `*3` ask for a code.
    pub menu_code: bool,
    /// Command outputs ask for a code.
    pub output_code: bool,
    /// The police key rings the bell.
    pub audible_panic: bool,
    /// Section 012: wrong codes until all keypads lock; 0 is never.
    pub lockout_attempts: u8,
    /// Section 012: minutes that the keypads stay locked.
    pub lockout_minutes: u8,
    /// Section 005: seconds to reach the keypad.
    pub entry_seconds: u8,
    /// Section 005: seconds to leave.
    pub exit_seconds: u8,
    /// Section 005: minutes that the bell rings.
    pub bell_minutes: u8,
    /// Zone definitions of sections 001 to 004 by zone, in the place of the made-up ones: 01 delay, 03 instant,
    /// 04 interior, 05 interior stay/away, 06 delay stay/away, 08 fire, 11 burglary round the clock.
    pub zone_types: BTreeMap<u8, u8>,
    /// IT-100: the display shows the stored digits when a slot is opened (likely, unproven).
    pub lcd_shows_codes: bool,
    /// IT-100: opening `*5` also sends 900 (unproven).
    pub lcd_menu_announces: bool,
    /// IT-100: setting the clock asks for a code.
    pub clock_code: bool,
}

impl Default for PanelOptions {
    fn default() -> Self {
        Self {
            quick_arm: true,
            bypass_code: false,
            master_locked: false,
            blanking: false,
            unblank_code: false,
            any_code_functions: false,
            menu_code: false,
            output_code: false,
            audible_panic: false,
            lockout_attempts: 0,
            lockout_minutes: 0,
            entry_seconds: 30,
            exit_seconds: 60,
            bell_minutes: 4,
            zone_types: BTreeMap::new(),
            lcd_shows_codes: true,
            lcd_menu_announces: true,
            clock_code: false,
        }
    }
}

/// How long things take. The defaults are what documents, logs of real modules and bus captures say; `menu_idle`,
/// `prompt_wait` and `boot` are guesses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timings {
    /// From the last byte of a command to its acknowledgement, at least and at most.
    pub ack: (Duration, Duration),
    /// Between two keys of a key string.
    pub key_pitch: Duration,
    /// Between two keys of a person.
    pub person_pitch: Duration,
    /// From the menu key to the prompt.
    pub menu_open: Duration,
    /// From the last digit of a code to the verdict.
    pub code_check: Duration,
    /// How long `Invalid` stands before the prompt returns.
    pub invalid_hold: Duration,
    /// How long a short notice stands.
    pub notice_hold: Duration,
    /// How long a panic or function key is held until it counts.
    pub long_press: Duration,
    /// After how long without a key a menu closes (unknown in the field; 074 restarts it).
    pub menu_idle: Duration,
    /// After how long half a code at the idle keypad is forgotten.
    pub digits_idle: Duration,
    /// How long the module waits for a 200.
    pub prompt_wait: Duration,
    /// How long the module waits for a login.
    pub login_wait: Duration,
    /// After how long without a key the keypads go dark, where programmed so.
    pub blank_after: Duration,
    /// How often 849 repeats while a trouble lasts.
    pub trouble_repeat: Duration,
    /// How often 550 comes once asked for.
    pub time_broadcast: Duration,
    /// One step of the zone timers of 615.
    pub zone_timer_tick: Duration,
    /// How long a tripped zone stays open.
    pub trip: Duration,
    /// How long a reboot takes.
    pub boot: Duration,
    /// What the panel takes for a second in its delays.
    pub second: Duration,
    /// What the panel takes for a minute in bell time and lockout.
    pub minute: Duration,
    /// Serial speed in baud: bytes take their time on the line. `None`: they take none.
    pub baud: Option<u32>,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            ack: (Duration::from_millis(5), Duration::from_millis(10)),
            key_pitch: Duration::from_millis(250),
            person_pitch: Duration::from_millis(400),
            menu_open: Duration::from_millis(500),
            code_check: Duration::from_millis(300),
            invalid_hold: Duration::from_millis(2700),
            notice_hold: Duration::from_secs(2),
            long_press: Duration::from_millis(1500),
            menu_idle: Duration::from_secs(120),
            digits_idle: Duration::from_secs(10),
            prompt_wait: Duration::from_secs(10),
            login_wait: Duration::from_secs(10),
            blank_after: Duration::from_secs(30),
            trouble_repeat: Duration::from_secs(300),
            time_broadcast: Duration::from_secs(240),
            zone_timer_tick: Duration::from_secs(5),
            trip: Duration::from_secs(2),
            boot: Duration::from_secs(8),
            second: Duration::from_secs(1),
            minute: Duration::from_secs(60),
            baud: None,
        }
    }
}

impl Timings {
    /// As in the field: the defaults, and an IT-100's serial line at its 9600 baud.
    #[must_use]
    pub fn real(interface: Interface) -> Self {
        Self { baud: (interface == Interface::It100).then_some(9600), ..Self::default() }
    }

    /// For tests on a real clock: everything that a client waits for takes milliseconds, but nothing takes no time.
    /// What only passes while nobody does anything (idle menus, repeats) keeps its length.
    #[must_use]
    pub fn fast() -> Self {
        let ms = Duration::from_millis;
        Self {
            ack: (ms(1), ms(2)),
            key_pitch: ms(3),
            person_pitch: ms(5),
            menu_open: ms(5),
            code_check: ms(4),
            invalid_hold: ms(30),
            notice_hold: ms(20),
            long_press: ms(20),
            trip: ms(20),
            boot: ms(50),
            second: ms(5),
            minute: ms(300),
            ..Self::default()
        }
    }
}

/// A configuration that no panel can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SimConfigError {
    /// Codes have 4 or 6 digits.
    #[error("codes of {0} digits: use 4 or 6")]
    CodeLength(usize),
    /// A code has another length or other characters.
    #[error("the {0} code must have {1} digits")]
    Code(&'static str, usize),
    /// More partitions than the model has, or none.
    #[error("{0} partitions: use 1 to {1}")]
    Partitions(u8, u8),
    /// More zones than the model has, or none.
    #[error("{0} zones: use 1 to {1}")]
    Zones(u8, u8),
    /// More users than the model has slots besides the master's.
    #[error("{0} users: use at most {1}")]
    Users(u16, u16),
    /// A slot outside the model's range, or the master's.
    #[error("no user slot {0}: use 1 to {1} and not 40")]
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
        let length = self.code_length;
        if length != 4 && length != 6 {
            return Err(SimConfigError::CodeLength(length));
        }
        if !(1..=self.model.partitions()).contains(&self.partitions) {
            return Err(SimConfigError::Partitions(self.partitions, self.model.partitions()));
        }
        if !(1..=self.model.zones()).contains(&self.zones) {
            return Err(SimConfigError::Zones(self.zones, self.model.zones()));
        }
        if self.users >= self.model.slots() {
            return Err(SimConfigError::Users(self.users, self.model.slots() - 1));
        }
        let fits = |code: &str| code.len() == length && code.bytes().all(|b| b.is_ascii_digit());
        if !self.master.as_ref().is_none_or(|code| fits(code.expose())) {
            return Err(SimConfigError::Code("master", length));
        }
        if !self.installer.as_ref().is_none_or(|code| fits(code.expose())) {
            return Err(SimConfigError::Code("installer", length));
        }
        let mut taken = BTreeSet::new();
        for (slot, code) in &self.user_codes {
            if !taken.insert(code.expose()) || self.has_special(code.expose()) {
                return Err(SimConfigError::Duplicate);
            }
            if *slot == 40 || !(1..=self.model.slots()).contains(slot) {
                return Err(SimConfigError::Slot(*slot, self.model.slots()));
            }
            if !fits(code.expose()) {
                return Err(SimConfigError::Code("user", length));
            }
        }
        Ok(())
    }

    fn has_special(&self, code: &str) -> bool {
        let (master, installer) = factory_codes(self.code_length);
        self.master.as_ref().unwrap_or(&master).expose() == code
            || self.installer.as_ref().unwrap_or(&installer).expose() == code
    }
}
