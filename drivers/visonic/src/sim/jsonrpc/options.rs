//! What a simulated service is made of, and what can go wrong with it.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use panel_driver::sim::PokeError;

use crate::sim::options::SimConfig;

/// Which firmware's list of methods is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// 73 methods: a PowerMaster GTX with module 7.5.58, November 2023.
    Gtx2023,
    /// 84 methods, September 2025.
    #[default]
    Plink2025,
}

/// How the registered address is compared with a caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IpCheck {
    /// They must be the same.
    Exact,
    /// All loopback addresses are one.
    #[default]
    LoopbackAlias,
    /// Whoever registers is registered, whatever address it names.
    Ignored,
}

/// The shape of `getEepromItem`'s result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ItemForm {
    /// Base64 inside objects [impl E].
    #[default]
    Base64,
    /// An array of numbers [doc A].
    Numbers,
}

/// Everything that [`JsonRpcSimulator::new`](super::JsonRpcSimulator::new) needs.
#[derive(Debug, Clone)]
pub struct ServiceConfig {
    /// The panel behind the module.
    pub panel: SimConfig,
    /// The module's firmware.
    pub profile: Profile,
    /// Where callers seem to come from. A simulator does not see its client's address.
    pub peer: IpAddr,
    /// How that is compared with what was registered.
    pub ip_check: IpCheck,
    /// The registration's code must be a user's. Sources disagree; off, as the newer one has it.
    pub check_register_code: bool,
    /// How long a registration lasts.
    pub registered_for: Duration,
    /// From a request to its answer, at least and at most.
    pub latency: (Duration, Duration),
    /// What reading memory takes besides.
    pub memory_latency: Duration,
    /// The connection stays open after an answer. Real modules close it, for all we know.
    pub keep_open: bool,
    /// Arming shows the armed state at once, without `EXIT`.
    pub no_exit_state: bool,
    /// How memory is told.
    pub item_form: ItemForm,
}

impl ServiceConfig {
    /// A module as the dossier has it, before that panel. Latencies are invented.
    #[must_use]
    pub fn new(panel: SimConfig) -> Self {
        let ms = Duration::from_millis;
        Self {
            panel,
            profile: Profile::default(),
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ip_check: IpCheck::default(),
            check_register_code: false,
            registered_for: Duration::from_secs(3 * 24 * 3600),
            latency: (ms(300), ms(1000)),
            memory_latency: ms(1000),
            keep_open: false,
            no_exit_state: false,
            item_form: ItemForm::default(),
        }
    }
}

/// Faults that are there now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Faults {
    /// Calls that are neither done nor answered.
    pub(super) hang: u32,
    /// Calls that are done and not answered.
    pub(super) mute: u32,
    /// Calls that are answered with a time-out and not done.
    pub(super) timeout: u32,
    /// Answers that are broken JSON.
    pub(super) malformed: u32,
    /// Answers that are no HTTP.
    pub(super) garbage: u32,
    /// Connections that are closed instead of an answer.
    pub(super) drop: u32,
    /// Every answer takes longer.
    pub(super) slow: Duration,
    /// A second client registers shortly after each registration.
    pub(super) rival: bool,
    /// Callers seem to come from another address than they did.
    pub(super) moved: bool,
    /// The module does not hear the panel and tells what it saw last.
    pub(super) unlinked: bool,
    /// The module tells what it saw last, and says nothing of it.
    pub(super) frozen: bool,
    /// All codes are refused.
    pub(super) wrong_codes: bool,
    /// Writes are "success" and change nothing.
    pub(super) ignore_writes: bool,
    /// Writes of users are refused in these words.
    pub(super) refuse_writes: bool,
    /// Writes of users' partitions are refused as if the code were wrong.
    pub(super) refuse_partitions: bool,
    /// Tags are told in another shape.
    pub(super) odd_tags: bool,
    /// Memory items that this panel lacks.
    pub(super) lacks: BTreeSet<i64>,
    /// Methods that this firmware lacks.
    pub(super) without: BTreeSet<String>,
}

const NAMES: &str = "hang COUNT, mute COUNT, timeout COUNT, malformed COUNT, garbage COUNT, drop COUNT, slow SECONDS, \
    rival, moved, unlinked, frozen, wrong_codes, ignore_writes, refuse_writes, refuse_partitions, odd_tags, lacks ITEM, without METHOD, forget, steal, \
    installer, none \
    (each is switched off with `off` behind it)";

/// What a `fault` line asks for beyond its options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Done,
    /// The registration is gone.
    Forget,
    /// Somebody else registers, once.
    Steal,
    /// Somebody opens the installer menu at the keypad, or leaves it.
    Installer(bool),
}

impl Faults {
    /// Takes the words of a `fault` line.
    pub(super) fn apply(&mut self, words: &[String]) -> Result<Fault, PokeError> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let on = words.last() != Some(&"off");
        let wrong = || PokeError(format!("faults of the service: {NAMES}"));
        let count = |word: Option<&&str>| match word {
            None | Some(&"off") => Ok(u32::from(on)),
            Some(word) => word.parse::<u32>().map_err(|_| wrong()),
        };
        let Some((name, rest)) = words.split_first() else { return Err(wrong()) };
        match *name {
            "hang" => self.hang = count(rest.first())?,
            "mute" => self.mute = count(rest.first())?,
            "timeout" => self.timeout = count(rest.first())?,
            "malformed" => self.malformed = count(rest.first())?,
            "garbage" => self.garbage = count(rest.first())?,
            "drop" => self.drop = count(rest.first())?,
            "slow" => self.slow = Duration::from_secs(count(rest.first())?.into()),
            "rival" => self.rival = on,
            "moved" => self.moved = on,
            "unlinked" => self.unlinked = on,
            "frozen" => self.frozen = on,
            "wrong_codes" => self.wrong_codes = on,
            "ignore_writes" => self.ignore_writes = on,
            "refuse_writes" => self.refuse_writes = on,
            "refuse_partitions" => self.refuse_partitions = on,
            "odd_tags" => self.odd_tags = on,
            "lacks" => match rest {
                ["off"] => self.lacks.clear(),
                [item] => _ = self.lacks.insert(item.parse().map_err(|_| wrong())?),
                _ => return Err(wrong()),
            },
            "without" => match rest {
                ["off"] => self.without.clear(),
                [method] => _ = self.without.insert((*method).to_owned()),
                _ => return Err(wrong()),
            },
            "forget" => return Ok(Fault::Forget),
            "steal" => return Ok(Fault::Steal),
            "installer" => return Ok(Fault::Installer(on)),
            "none" => *self = Self::default(),
            _ => return Err(wrong()),
        }
        Ok(Fault::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn faults_are_switched_on_and_off() {
        let mut faults = Faults::default();
        for line in ["hang 3", "mute", "slow 40", "rival", "without setUserCode"] {
            assert_eq!(faults.apply(&words(line)), Ok(Fault::Done), "{line}");
        }
        assert_eq!((faults.hang, faults.mute, faults.slow, faults.rival), (3, 1, Duration::from_secs(40), true));
        assert!(faults.without.contains("setUserCode"));
        for line in ["hang off", "mute off", "slow off", "rival off", "without off"] {
            assert_eq!(faults.apply(&words(line)), Ok(Fault::Done), "{line}");
        }
        assert_eq!(faults, Faults::default());
        assert_eq!(faults.apply(&words("installer off")), Ok(Fault::Installer(false)));
        assert!(faults.apply(&words("hung")).is_err() && faults.apply(&words("hang many")).is_err());
    }
}
