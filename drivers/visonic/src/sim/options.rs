//! What a simulated installation is made of. Plain data; the defaults are a panel as it leaves the factory, with a
//! few detectors taught in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use panel_model::{AccessCode, InstallerCode, PartitionSet, Password};

use super::clock::PanelClock;
use super::hostile::Hostile;
use super::models::Model;

/// Everything that [`VisonicSimulator::new`](super::VisonicSimulator::new) needs.
#[derive(Debug, Clone)]
pub struct SimConfig {
    /// The panel.
    pub model: Model,
    /// Partitions in use, from 1 on; 1 means that partitions are switched off.
    pub partitions: u8,
    /// Zones with a detector, from 1 on; dealt out to the partitions in blocks.
    pub zones: u8,
    /// Slots that hold a random code besides the master's slot 1, from 2 on.
    pub users: u8,
    /// Codes that certain slots hold, besides the random ones.
    pub user_codes: BTreeMap<u8, AccessCode>,
    /// Partitions of certain slots; the others' users may everywhere.
    pub user_partitions: BTreeMap<u8, PartitionSet>,
    /// Slots whose user has a tag.
    pub tags: BTreeSet<u8>,
    /// Seed of everything that is random.
    pub seed: u64,
    /// The master user's code (slot 1); 1111 if not given.
    pub master: Option<AccessCode>,
    /// Installer code; 8888 if not given, 9999 on panels without a master installer.
    pub installer: Option<InstallerCode>,
    /// Master installer code; 9999 if not given.
    pub master_installer: Option<InstallerCode>,
    /// Download code, four hexadecimal digits; the factory's if not given.
    pub download_code: Option<Password>,
    /// A PowerLink with the download code is enrolled from the start, and its keep-alive runs.
    pub enrolled: bool,
    /// Where the panel's clock stands at first.
    pub clock: PanelClock,
    /// What the installer has programmed.
    pub options: PanelOptions,
    /// How long things take.
    pub timings: Timings,
    /// Faults that are there from the start.
    pub hostile: Hostile,
}

impl SimConfig {
    /// A factory-new panel with one partition, 8 zones and no user but the master.
    #[must_use]
    pub fn new(model: Model) -> Self {
        Self {
            model,
            partitions: 1,
            zones: 8,
            users: 0,
            user_codes: BTreeMap::new(),
            user_partitions: BTreeMap::new(),
            tags: BTreeSet::new(),
            seed: 0,
            master: None,
            installer: None,
            master_installer: None,
            download_code: None,
            enrolled: false,
            clock: PanelClock::default(),
            options: PanelOptions::default(),
            timings: Timings::default(),
            hostile: Hostile::default(),
        }
    }
}

/// What the panel lets people bypass (EEPROM 0x011C bits 6 and 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BypassMode {
    /// No zone can be bypassed.
    Never,
    /// Open zones are left out when the panel is armed.
    ForceArm,
    /// By hand, with a code.
    Manual,
}

/// How the panel takes `0B`, which real ones do in three ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum StopAnswer {
    Acknowledge,
    Deny,
    Nothing,
}

/// Installer programming that changes how the panel behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelOptions {
    /// Seconds to leave (0x0103).
    pub exit_seconds: u8,
    /// Seconds to reach the keypad, for zones of type delay 1 and delay 2 (0x0101).
    pub entry_seconds: (u8, u8),
    /// Minutes that the siren sounds (0x0104).
    pub bell_minutes: u8,
    /// Arming without a code (0x011B bit 3).
    pub quick_arm: bool,
    /// 0x011C bits 6 and 7.
    pub bypass: BypassMode,
    /// The installer menu opens only out of the master user's (0x0114, setting 0078).
    pub user_permit: bool,
    /// Download mode also while armed (0x011A bit 2).
    pub download_while_armed: bool,
    /// Code that disarms and calls for help silently (0x0111).
    pub duress: Option<AccessCode>,
    /// Zone types of 4.10 by zone, in the place of the made-up ones.
    pub zone_types: BTreeMap<u8, u8>,
    /// Motion detectors among the zones; the other zones are contacts.
    pub motion_zones: BTreeSet<u8>,
    /// Name shown on the display (0x01AC), at most 16 characters.
    pub house_name: String,
    /// A PowerMaster's motion detectors report while it is disarmed; real ones do not.
    pub motion_while_disarmed: bool,
    /// What `0B` gets.
    pub stop_answer: StopAnswer,
    /// After so many wrong codes over the line all are denied for so long. Invented: nobody has seen one.
    pub lockout: Option<(u8, Duration)>,
    /// `3D` writes into the EEPROM. Hypothetical: nobody has published that it does.
    pub hypothetical_writes: bool,
}

impl Default for PanelOptions {
    fn default() -> Self {
        Self {
            exit_seconds: 60,
            entry_seconds: (30, 60),
            bell_minutes: 4,
            quick_arm: false,
            bypass: BypassMode::Manual,
            user_permit: false,
            download_while_armed: true,
            duress: None,
            zone_types: BTreeMap::new(),
            motion_zones: BTreeSet::new(),
            house_name: "SIM PANEL".to_owned(),
            motion_while_disarmed: false,
            stop_answer: StopAnswer::Acknowledge,
            lockout: None,
            hypothetical_writes: false,
        }
    }
}

/// How long things take. From logs of real panels where there are any; `ack_wait`, `download_idle` and `boot` are
/// guesses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timings {
    /// From the last byte of a command to its acknowledgement, at least and at most.
    pub ack: (Duration, Duration),
    /// From the acknowledgement to the first frame of data.
    pub data: (Duration, Duration),
    /// Between two status frames.
    pub status_gap: (Duration, Duration),
    /// How long the panel waits for the host's acknowledgement before it repeats a frame.
    pub ack_wait: Duration,
    /// After so long in the middle of a frame the panel forgets what it has of it.
    pub half_frame: Duration,
    /// Between two keep-alives.
    pub keep_alive: Duration,
    /// From INIT to the panel's request to be enrolled.
    pub enrol_request: Duration,
    /// After so long without a command the panel leaves download mode.
    pub download_idle: Duration,
    /// How long a tripped zone stays open.
    pub trip: Duration,
    /// How long a reboot takes.
    pub boot: Duration,
    /// What the panel takes for a second in its delays.
    pub second: Duration,
    /// What the panel takes for a minute of bell time.
    pub minute: Duration,
    /// Serial speed in baud: bytes take their time on the line, both ways. `None`: they take none.
    pub baud: Option<u32>,
}

impl Default for Timings {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            ack: (ms(5), ms(50)),
            data: (ms(2), ms(10)),
            status_gap: (ms(100), ms(250)),
            ack_wait: ms(2000),
            half_frame: ms(2000),
            keep_alive: Duration::from_secs(30),
            enrol_request: ms(1000),
            download_idle: Duration::from_secs(30),
            trip: ms(2000),
            boot: Duration::from_secs(8),
            second: Duration::from_secs(1),
            minute: Duration::from_secs(60),
            baud: Some(9600),
        }
    }
}

impl Timings {
    /// For tests on a real clock: what a client waits for takes milliseconds, but nothing takes no time. What only
    /// passes while nobody does anything (keep-alives, idle download mode) keeps its length.
    #[must_use]
    pub fn fast() -> Self {
        let ms = Duration::from_millis;
        Self {
            ack: (ms(1), ms(2)),
            data: (ms(1), ms(1)),
            status_gap: (ms(1), ms(3)),
            enrol_request: ms(5),
            trip: ms(20),
            boot: ms(50),
            second: ms(5),
            minute: ms(300),
            baud: None,
            ..Self::default()
        }
    }
}

/// A configuration that no panel can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SimConfigError {
    /// Codes have four digits, and 0000 is none.
    #[error("the {0} code must have 4 digits and not be 0000")]
    Code(&'static str),
    /// Not four hexadecimal digits.
    #[error("the download code must have 4 digits 0-9 or A-F")]
    DownloadCode,
    /// More partitions than the model has, or none.
    #[error("{0} partitions: use 1 to {1}")]
    Partitions(u8, u8),
    /// More zones than the model has, or none.
    #[error("{0} zones: use 1 to {1}")]
    Zones(u8, u8),
    /// More users than the model has slots besides the master's.
    #[error("{0} users: use at most {1}")]
    Users(u8, u8),
    /// A slot outside the model's range, or the master's.
    #[error("no user slot {0}: use 2 to {1}")]
    Slot(u8, u8),
    /// A tag where the model has none.
    #[error("no tag {0}: this model has {1}")]
    Tag(u8, u8),
    /// Two slots with one code.
    #[error("two slots have the same code")]
    Duplicate,
    /// There is no such day or time.
    #[error("the clock cannot stand there")]
    Clock,
}

impl SimConfig {
    /// Says what cannot be, if anything.
    ///
    /// # Errors
    /// The first thing that does not fit the model.
    pub fn validate(&self) -> Result<(), SimConfigError> {
        let model = self.model;
        if !(1..=model.partitions()).contains(&self.partitions) {
            return Err(SimConfigError::Partitions(self.partitions, model.partitions()));
        }
        if !(1..=model.zones()).contains(&self.zones) {
            return Err(SimConfigError::Zones(self.zones, model.zones()));
        }
        if self.users >= model.users() {
            return Err(SimConfigError::Users(self.users, model.users() - 1));
        }
        if let Some(tag) = self.tags.iter().find(|tag| !(1..=model.tags()).contains(*tag)) {
            return Err(SimConfigError::Tag(*tag, model.tags()));
        }
        if self.download_code.as_ref().is_some_and(|code| parse_code(code.expose(), 16).is_none()) {
            return Err(SimConfigError::DownloadCode);
        }
        let installers = [&self.installer, &self.master_installer];
        if installers.into_iter().flatten().any(|code| parse_code(code.expose(), 10).is_none()) {
            return Err(SimConfigError::Code("installer"));
        }
        if self.options.duress.as_ref().is_some_and(|code| parse_code(code.expose(), 10).is_none()) {
            return Err(SimConfigError::Code("duress"));
        }
        self.validate_users()
    }

    fn validate_users(&self) -> Result<(), SimConfigError> {
        let most = self.model.users();
        let slots = self.user_codes.keys().chain(self.user_partitions.keys());
        if let Some(slot) = slots.into_iter().find(|slot| !(2..=most).contains(*slot)) {
            return Err(SimConfigError::Slot(*slot, most));
        }
        let master = self.master.as_ref().map_or(FACTORY_MASTER, AccessCode::expose);
        let mut taken = BTreeSet::from([master, self.duress()]);
        if taken.len() < 2 || self.user_codes.values().any(|code| !taken.insert(code.expose())) {
            return Err(SimConfigError::Duplicate);
        }
        let is_code = |text: &str| parse_code(text, 10).is_some_and(|code| code != [0, 0]);
        if !is_code(master) {
            return Err(SimConfigError::Code("master"));
        }
        if self.user_codes.values().any(|code| !is_code(code.expose())) {
            return Err(SimConfigError::Code("user"));
        }
        Ok(())
    }

    pub(super) fn duress(&self) -> &str {
        self.options.duress.as_ref().map_or(FACTORY_DURESS, AccessCode::expose)
    }
}

/// `[doc M D-302755]`
pub(super) const FACTORY_MASTER: &str = "1111";
const FACTORY_DURESS: &str = "2580";

/// Four digits of this base as the two bytes that stand for them on the wire and in the EEPROM.
pub(super) fn parse_code(text: &str, base: u32) -> Option<[u8; 2]> {
    let good = text.len() == 4 && text.chars().all(|c| c.is_digit(base));
    u16::from_str_radix(text, 16).ok().filter(|_| good).map(u16::to_be_bytes)
}

/// The digits of such two bytes.
pub(super) fn code_text(code: [u8; 2]) -> String {
    format!("{:04X}", u16::from_be_bytes(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> AccessCode {
        AccessCode::new(text.to_owned())
    }

    #[test]
    fn codes_are_packed_two_digits_a_byte() {
        assert_eq!(parse_code("1234", 10), Some([0x12, 0x34]));
        assert_eq!(parse_code("AaBb", 16), Some([0xAA, 0xBB]));
        for bad in ["12A4", "123", "12345", "+123", "12 4", "１２"] {
            assert_eq!(parse_code(bad, 10), None, "{bad}");
        }
        assert_eq!(code_text([0x02, 0x40]), "0240");
    }

    #[test]
    fn what_no_panel_can_be_is_refused() {
        let good = SimConfig::new(Model::PowerMaster10);
        assert_eq!(good.validate(), Ok(()));
        let rows = [
            (SimConfig { partitions: 4, ..good.clone() }, SimConfigError::Partitions(4, 3)),
            (SimConfig { zones: 31, ..good.clone() }, SimConfigError::Zones(31, 30)),
            (SimConfig { users: 8, ..good.clone() }, SimConfigError::Users(8, 7)),
            (SimConfig { tags: BTreeSet::from([9]), ..good.clone() }, SimConfigError::Tag(9, 8)),
            (SimConfig { master: Some(code("0000")), ..good.clone() }, SimConfigError::Code("master")),
            (SimConfig { master: Some(code("2580")), ..good.clone() }, SimConfigError::Duplicate),
            (SimConfig { user_codes: BTreeMap::from([(1, code("1234"))]), ..good.clone() }, SimConfigError::Slot(1, 8)),
            (SimConfig { user_codes: BTreeMap::from([(2, code("1111"))]), ..good.clone() }, SimConfigError::Duplicate),
            (
                SimConfig { download_code: Some(Password::new("56G0".into())), ..good.clone() },
                SimConfigError::DownloadCode,
            ),
            (
                SimConfig { installer: Some(InstallerCode::new("88888".into())), ..good },
                SimConfigError::Code("installer"),
            ),
        ];
        for (config, error) in rows {
            assert_eq!(config.validate(), Err(error));
        }
    }
}
