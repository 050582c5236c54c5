//! Faults that a simulated installation can be told to have: everything that was seen or feared in the field.

use std::time::Duration;

use panel_driver::sim::PokeError;

use super::signal::Trouble;

/// Faults on purpose. All off by default. Each can be switched by `fault NAME ...` while the simulator runs; those of
/// the handshake show at the next session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hostile {
    /// The TLink header is another panel's.
    pub wrong_id: bool,
    /// The TLink header changes in the middle of a session.
    pub changing_id: bool,
    /// Keys are derived from another access code.
    pub wrong_code: bool,
    /// The keys of both directions are mixed up.
    pub swapped_keys: bool,
    /// The panel goes on talking in clear after the handshake.
    pub plain: bool,
    /// The panel stops after this step of the handshake (dossier 2.8); 0: it says nothing at all.
    pub stop_after: Option<u8>,
    /// Every message is sent twice.
    pub repeats: bool,
    /// One message in so many is followed by an old one with its old sequence; 0 is none.
    pub replays_sequence: u32,
    /// One frame in so many has a wrong CRC; 0 is none.
    pub bad_crc: u32,
    /// One packet in so many has a wrong escape; 0 is none.
    pub bad_stuffing: u32,
    /// One cipher payload in so many is not made of whole blocks; 0 is none.
    pub bad_blocks: u32,
    /// Stray bytes come between packets.
    pub noise: bool,
    /// Bytes come one by one, so far apart.
    pub slow_loris: Duration,
    /// So many sessions begin and break off at once.
    pub flood: u32,
    /// The panel is configured for HTTP polling.
    pub http_absip: bool,
    /// The communicator does not hear the panel: 0501 code 4 to everything.
    pub nack4: bool,
    /// Nothing is answered and nothing said, but the connection stays open.
    pub mute: bool,
    /// So many commands are refused with 0502 and this code.
    pub refuse: Option<(u32, u8)>,
    /// So many requests are acknowledged and never answered.
    pub forgets: u32,
    /// Answers come so much later.
    pub slow_answers: Duration,
    /// The connection breaks in the middle of the packet after so many.
    pub drop_after: Option<u32>,
    /// Messages that nobody knows come now and then.
    pub unknown: bool,
}

/// Names of `fault`, with what may follow.
const NAMES: &str = "wrong_id, changing_id, wrong_code, swapped_keys, plain, stop_after STEP, repeats, \
    replays_sequence ONE_IN, long_frame, bad_crc ONE_IN, bad_stuffing ONE_IN, bad_blocks ONE_IN, noise, \
    slow_loris MILLISECONDS, flood COUNT, http_absip, nack4, mute, refuse COUNT [CODE], forgets COUNT, \
    slow_answers MILLISECONDS, drop_after PACKETS, unknown, busy SECONDS, end_session, lead_out, lockout, events_lost, \
    keypad_programming, dls, bypass_at_keypad ZONE, zone_fault ZONE, ac, battery, bell, phone_line, clock, none \
    (each is switched on, or off with `off` behind it)";

/// What a `fault` line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The options are changed.
    Done,
    Trouble(Trouble, bool),
    /// A zone's loop has a fault, or is well again.
    Loop(u16, bool),
    Bypass(u16, bool),
    /// Every command is answered with 19 for so long.
    Busy(Duration),
    /// A frame longer than what was negotiated.
    LongFrame,
    /// The panel ends the session.
    EndSession,
    /// Whoever programs is put out.
    LeadOut,
    Lockout,
    EventsLost,
    /// Somebody enters installer programming at a keypad.
    KeypadProgramming,
    Dls,
}

impl Hostile {
    /// Takes the words of a `fault` line.
    pub(super) fn apply(&mut self, words: &[String]) -> Result<Fault, PokeError> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let Some((name, rest)) = words.split_first() else { return Err(PokeError(format!("faults: {NAMES}"))) };
        let on = rest.last() != Some(&"off");
        if let Some(flag) = self.flag(name) {
            *flag = on;
            return no_more(name, rest, Fault::Done);
        }
        if let Some(count) = self.count(name) {
            *count = match rest {
                ["off"] => 0,
                [count] => number(name, count)?,
                _ => return Err(wants_number(name)),
            };
            return Ok(Fault::Done);
        }
        if let Some((_, trouble)) = Trouble::NAMED.iter().find(|(word, _)| word == name) {
            return no_more(name, rest, Fault::Trouble(*trouble, on));
        }
        self.other(name, rest, on)
    }

    fn other(&mut self, name: &str, rest: &[&str], on: bool) -> Result<Fault, PokeError> {
        match (name, rest) {
            ("none", []) => *self = Self::default(),
            ("stop_after", ["off"]) => self.stop_after = None,
            ("stop_after", [step]) => self.stop_after = Some(number(name, step)?),
            ("slow_loris", ["off"]) => self.slow_loris = Duration::ZERO,
            ("slow_loris", [ms]) => self.slow_loris = Duration::from_millis(number(name, ms)?),
            ("slow_answers", ["off"]) => self.slow_answers = Duration::ZERO,
            ("slow_answers", [ms]) => self.slow_answers = Duration::from_millis(number(name, ms)?),
            ("refuse", ["off"]) => self.refuse = None,
            ("refuse", [count]) => self.refuse = Some((number(name, count)?, 24)),
            ("refuse", [count, code]) => self.refuse = Some((number(name, count)?, number(name, code)?)),
            ("drop_after", ["off"]) => self.drop_after = None,
            ("drop_after", [packets]) => self.drop_after = Some(number(name, packets)?),
            ("busy", ["off"]) => return Ok(Fault::Busy(Duration::ZERO)),
            ("busy", [seconds]) => return Ok(Fault::Busy(Duration::from_secs(number(name, seconds)?))),
            ("long_frame", []) => return Ok(Fault::LongFrame),
            ("end_session", []) => return Ok(Fault::EndSession),
            ("lead_out", []) => return Ok(Fault::LeadOut),
            ("lockout", []) => return Ok(Fault::Lockout),
            ("events_lost", []) => return Ok(Fault::EventsLost),
            ("keypad_programming", []) => return Ok(Fault::KeypadProgramming),
            ("dls", []) => return Ok(Fault::Dls),
            ("zone_fault", [zone] | [zone, "off"]) => return Ok(Fault::Loop(number(name, zone)?, on)),
            ("bypass_at_keypad", [zone] | [zone, "off"]) => return Ok(Fault::Bypass(number(name, zone)?, on)),
            _ => return Err(PokeError(format!("no such fault{}; known are {NAMES}", quoted(name)))),
        }
        Ok(Fault::Done)
    }

    fn flag(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "wrong_id" => &mut self.wrong_id,
            "changing_id" => &mut self.changing_id,
            "wrong_code" => &mut self.wrong_code,
            "swapped_keys" => &mut self.swapped_keys,
            "plain" => &mut self.plain,
            "repeats" => &mut self.repeats,
            "noise" => &mut self.noise,
            "http_absip" => &mut self.http_absip,
            "nack4" => &mut self.nack4,
            "mute" => &mut self.mute,
            "unknown" => &mut self.unknown,
            _ => return None,
        })
    }

    fn count(&mut self, name: &str) -> Option<&mut u32> {
        Some(match name {
            "replays_sequence" => &mut self.replays_sequence,
            "bad_crc" => &mut self.bad_crc,
            "bad_stuffing" => &mut self.bad_stuffing,
            "bad_blocks" => &mut self.bad_blocks,
            "flood" => &mut self.flood,
            "forgets" => &mut self.forgets,
            _ => return None,
        })
    }
}

fn no_more(name: &str, rest: &[&str], fault: Fault) -> Result<Fault, PokeError> {
    match rest {
        [] | ["on" | "off"] => Ok(fault),
        _ => Err(PokeError(format!("`fault {name}` takes `on` or `off` and nothing else"))),
    }
}

/// The word if it is one: digits might be a code in the wrong place.
fn quoted(word: &str) -> String {
    let is_word = word.len() <= 32 && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if is_word { format!(": `{word}`") } else { String::new() }
}

fn number<T: std::str::FromStr>(name: &str, word: &str) -> Result<T, PokeError> {
    word.parse().map_err(|_| wants_number(name))
}

fn wants_number(name: &str) -> PokeError {
    PokeError(format!("`fault {name}` wants a number behind it that fits"))
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
        for line in ["mute", "noise on", "slow_answers 250", "refuse 2 24", "stop_after 7", "bad_crc 3"] {
            assert_eq!(apply(&mut hostile, line), Ok(Fault::Done), "{line}");
        }
        assert!(hostile.mute && hostile.noise);
        assert_eq!((hostile.stop_after, hostile.refuse, hostile.bad_crc), (Some(7), Some((2, 24)), 3));
        for line in ["mute off", "bad_crc off", "stop_after off"] {
            assert_eq!(apply(&mut hostile, line), Ok(Fault::Done), "{line}");
        }
        assert_eq!((hostile.mute, hostile.stop_after, hostile.bad_crc), (false, None, 0));
        assert_eq!(apply(&mut hostile, "none"), Ok(Fault::Done));
        assert_eq!(hostile, Hostile::default());
        assert_eq!(apply(&mut hostile, "bell off"), Ok(Fault::Trouble(Trouble::Bell, false)));
        assert_eq!(apply(&mut hostile, "zone_fault 3 off"), Ok(Fault::Loop(3, false)));
    }

    #[test]
    fn every_listed_name_is_known_and_an_unknown_one_lists_them() {
        for entry in NAMES.split(" (").next().expect("the list").split(", ") {
            let mut words = entry.split_whitespace();
            let name = words.next().expect("a name");
            let example = words.next().map_or("", |_| "1");
            assert!(apply(&mut Hostile::default(), &format!("{name} {example}")).is_ok(), "{name}");
        }
        let error = apply(&mut Hostile::default(), "gremlins").expect_err("unknown");
        assert!(error.0.contains("`gremlins`") && error.0.contains("slow_loris"), "{error}");
        let error = apply(&mut Hostile::default(), "4821").expect_err("unknown");
        assert!(!error.0.contains("4821"), "a code in the wrong place is not repeated");
        assert!(apply(&mut Hostile::default(), "").is_err());
        assert!(apply(&mut Hostile::default(), "mute loudly").is_err());
    }
}
