//! Faults that a simulated installation can be told to have: everything that was seen or feared in the field.

use std::time::Duration;

use panel_driver::sim::PokeError;

use super::signal::Trouble;
use crate::message::{CodeForm, ErrorCode};

/// Faults on purpose. All off by default. Each can be switched by `fault NAME ...` while the simulator runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hostile {
    /// Acknowledgements come so much later.
    pub slow_ack: Duration,
    /// Acknowledgements come after the effects of the command.
    pub ack_last: bool,
    /// So many commands are refused with 502 and this error.
    pub refuse: Option<(u32, u16)>,
    /// 652 comes twice.
    pub double_armed: bool,
    /// 001 reports all eight partitions, those not in use as busy.
    pub undefined_busy: bool,
    /// 670 does not come.
    pub no_invalid_code: bool,
    /// 750 before 655, or the other way round; random if not given.
    pub opening_first: Option<bool>,
    /// The connection breaks in the middle of the frame after so many.
    pub drop_after: Option<u32>,
    /// Keys of a string run so many times slower; 0 and 1 are the normal pace.
    pub slow_digits: u32,
    /// Frames come in pieces.
    pub split_writes: bool,
    /// Some frames end with CR alone and stick to the next.
    pub bare_cr: bool,
    /// Messages carry a time although nobody asked for it.
    pub timestamps: bool,
    /// Messages that nobody knows come now and then.
    pub unknown_codes: bool,
    /// Labels hold characters outside ASCII.
    pub odd_labels: bool,
    /// 615 has 128 zones.
    pub wide_timers: bool,
    /// An alarm that ends by itself says so to nobody; only 001 shows it.
    pub stuck_alarm: bool,
    /// One frame in so many has a wrong checksum; 0 is none.
    pub bad_checksums: u32,
    /// Stray bytes come between frames.
    pub noise: bool,
    /// Nothing is answered and nothing said, but the connection stays open.
    pub mute: bool,
    /// `#` does not leave `*8`; only a reboot does.
    pub installer_deadlock: bool,
    /// IT-100: the only form of 200 that is taken; all four if not given.
    pub code_form: Option<CodeForm>,
    /// After a reboot the Envisalink takes all zones for closed until they move.
    pub forgets_zones: bool,
    /// IT-100: the idle display shows date and time, anew each minute.
    pub idle_clock: bool,
    /// IT-100: a screen comes in two messages.
    pub split_screens: bool,
    /// Envisalink: commands wait for each other in the place of 502 001. The document says otherwise, but clients
    /// are about that do not wait for acknowledgements (pyenvisalink 4.10).
    pub queues_commands: bool,
}

/// Names of `fault`, with what may follow.
const NAMES: &str = "slow_ack MILLISECONDS, ack_last, refuse COUNT [ERROR], double_armed, undefined_busy, \
    no_invalid_code, opening first|last|random, drop_after FRAMES, slow_digits TIMES, split_writes, bare_cr, \
    timestamps, unknown_codes, odd_labels, wide_timers, stuck_alarm, bad_checksums ONE_IN, noise, mute, \
    installer_deadlock, code_form raw|padded|partition_raw|partition_padded|any, forgets_zones, idle_clock, \
    split_screens, queues_commands, blank, zone_fault ZONE, keybus, bell, phone_line, communication, tamper, fire, none \
    (each is switched on, or off with `off` behind it)";

/// What a `fault` line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The options are changed.
    Done,
    /// Keypads go dark.
    Blank,
    Keybus {
        working: bool,
    },
    /// A zone is not supervised any more, or is again.
    Zone(u16, bool),
    Trouble(Trouble, bool),
}

impl Hostile {
    /// The error to refuse the present command with, if it is one of those to be refused.
    pub(super) fn take_refusal(&mut self) -> Option<ErrorCode> {
        let (left, error) = self.refuse.filter(|(left, _)| *left > 0)?;
        self.refuse = (left > 1).then_some((left - 1, error));
        Some(ErrorCode(error))
    }

    /// Takes the words of a `fault` line.
    pub(super) fn apply(&mut self, words: &[String]) -> Result<Fault, PokeError> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let Some((name, rest)) = words.split_first() else { return Err(PokeError(format!("faults: {NAMES}"))) };
        let on = rest.last() != Some(&"off");
        if let Some(flag) = self.flag(name) {
            *flag = on;
            return no_more(name, rest);
        }
        if let Some((_, trouble)) = Trouble::NAMED.iter().find(|(word, _)| word == name) {
            return no_more(name, rest).map(|_| Fault::Trouble(*trouble, on));
        }
        match (*name, rest) {
            ("none", []) => *self = Self::default(),
            ("slow_ack", ["off"]) => self.slow_ack = Duration::ZERO,
            ("slow_ack", [ms]) => self.slow_ack = Duration::from_millis(number(name, ms)?),
            ("refuse", ["off"]) => self.refuse = None,
            ("refuse", [count]) => self.refuse = Some((number(name, count)?, 1)),
            ("refuse", [count, error]) => self.refuse = Some((number(name, count)?, number(name, error)?)),
            ("opening", ["first"]) => self.opening_first = Some(true),
            ("opening", ["last"]) => self.opening_first = Some(false),
            ("opening", ["random" | "off"]) => self.opening_first = None,
            ("drop_after", ["off"]) => self.drop_after = None,
            ("drop_after", [frames]) => self.drop_after = Some(number(name, frames)?),
            ("slow_digits", ["off"]) => self.slow_digits = 1,
            ("slow_digits", [times]) => self.slow_digits = number(name, times)?,
            ("bad_checksums", ["off"]) => self.bad_checksums = 0,
            ("bad_checksums", [one_in]) => self.bad_checksums = number(name, one_in)?,
            ("code_form", [form]) => self.code_form = code_form(form)?,
            ("blank", []) => return Ok(Fault::Blank),
            ("keybus", []) => return Ok(Fault::Keybus { working: false }),
            ("keybus", ["off"]) => return Ok(Fault::Keybus { working: true }),
            ("zone_fault", [zone] | [zone, "off"]) => return Ok(Fault::Zone(number(name, zone)?, on)),
            _ => return Err(PokeError(format!("no such fault{}; known are {NAMES}", quoted(name)))),
        }
        Ok(Fault::Done)
    }

    fn flag(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "ack_last" => &mut self.ack_last,
            "double_armed" => &mut self.double_armed,
            "undefined_busy" => &mut self.undefined_busy,
            "no_invalid_code" => &mut self.no_invalid_code,
            "split_writes" => &mut self.split_writes,
            "bare_cr" => &mut self.bare_cr,
            "timestamps" => &mut self.timestamps,
            "unknown_codes" => &mut self.unknown_codes,
            "odd_labels" => &mut self.odd_labels,
            "wide_timers" => &mut self.wide_timers,
            "stuck_alarm" => &mut self.stuck_alarm,
            "noise" => &mut self.noise,
            "mute" => &mut self.mute,
            "installer_deadlock" => &mut self.installer_deadlock,
            "forgets_zones" => &mut self.forgets_zones,
            "idle_clock" => &mut self.idle_clock,
            "split_screens" => &mut self.split_screens,
            "queues_commands" => &mut self.queues_commands,
            _ => return None,
        })
    }
}

fn no_more(name: &str, rest: &[&str]) -> Result<Fault, PokeError> {
    match rest {
        [] | ["on" | "off"] => Ok(Fault::Done),
        _ => Err(PokeError(format!("`fault {name}` takes `on` or `off` and nothing else"))),
    }
}

/// The word if it is one: digits might be a code in the wrong place.
fn quoted(word: &str) -> String {
    let is_word = word.len() <= 32 && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if is_word { format!(": `{word}`") } else { String::new() }
}

fn number<T: std::str::FromStr>(name: &str, word: &str) -> Result<T, PokeError> {
    word.parse().map_err(|_| PokeError(format!("`fault {name}` wants a number behind it that fits")))
}

fn code_form(word: &str) -> Result<Option<CodeForm>, PokeError> {
    match word {
        "any" | "off" => Ok(None),
        "raw" => Ok(Some(CodeForm::Raw)),
        "padded" => Ok(Some(CodeForm::Padded)),
        "partition_raw" => Ok(Some(CodeForm::PartitionRaw)),
        "partition_padded" => Ok(Some(CodeForm::PartitionPadded)),
        _ => Err(PokeError("forms of 200 are raw, padded, partition_raw, partition_padded, any".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(hostile: &mut Hostile, line: &str) -> Result<Fault, PokeError> {
        hostile.apply(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn faults_are_switched_by_name() {
        let mut hostile = Hostile::default();
        for line in ["mute", "noise on", "slow_ack 250", "refuse 2 24", "opening first", "code_form raw"] {
            assert_eq!(apply(&mut hostile, line), Ok(Fault::Done), "{line}");
        }
        assert!(hostile.mute && hostile.noise);
        assert_eq!((hostile.slow_ack, hostile.refuse), (Duration::from_millis(250), Some((2, 24))));
        assert_eq!(apply(&mut hostile, "mute off"), Ok(Fault::Done));
        assert!(!hostile.mute);
        assert_eq!(apply(&mut hostile, "none"), Ok(Fault::Done));
        assert_eq!(hostile, Hostile::default());
        assert_eq!(apply(&mut hostile, "bell"), Ok(Fault::Trouble(Trouble::Bell, true)));
        assert_eq!(apply(&mut hostile, "zone_fault 3 off"), Ok(Fault::Zone(3, false)));
    }

    #[test]
    fn every_listed_name_is_known_and_an_unknown_one_lists_them() {
        for entry in NAMES.split(" (").next().expect("the list").split(", ") {
            let mut words = entry.split_whitespace();
            let name = words.next().expect("a name");
            let example = words.next().map_or("", |word| match word {
                "first|last|random" => "first",
                "raw|padded|partition_raw|partition_padded|any" => "padded",
                _ => "1",
            });
            assert!(apply(&mut Hostile::default(), &format!("{name} {example}")).is_ok(), "{name}");
        }
        let error = apply(&mut Hostile::default(), "gremlins").expect_err("unknown");
        assert!(error.0.contains("`gremlins`") && error.0.contains("split_writes"), "{error}");
        let error = apply(&mut Hostile::default(), "4821").expect_err("unknown");
        assert!(!error.0.contains("4821"), "a code in the wrong place is not repeated");
        assert!(apply(&mut Hostile::default(), "").is_err());
        assert!(apply(&mut Hostile::default(), "mute loudly").is_err());
    }
}
