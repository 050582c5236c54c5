//! What of a simulated installation can be set by name, as `panelgate simulate --set NAME=VALUE` does.

use std::time::Duration;

use panel_model::Password;

use super::dialect::{AnswerPattern, FirstOffer, HeaderRule, PaddingKind, ReplayNumbers, Segments};
use super::hostile::Fault;
use super::options::{NewUser, SimConfig, Timings};
use super::text::Filler;
use crate::codec::{Encryption, SequenceMode};
use crate::message::{CompactWidth, PartitionForm};

/// Names, and what may stand behind them.
const NAMES: &str = "id=DIGITS, type1_code=HEX, type2_code=HEX, encryption=0|1|2|3, pace=real|fast, \
    sequence=lenient|strict, answer_pattern=A|B|C|D1|D2|D3|any, header_from_server=any|own|empty, \
    compact_width=minimal|two, open_session_trailer=on|off, enc_first_offer=meant|same|new, \
    stall_after_first_encrypted=SECONDS, partition_status_form=mask|number, multi_zone_status=ok|silent, \
    replay=NUMBER, replay_numbers=fresh|old, split=off|on|joined, padding=zero|random|leftover, \
    users_label_trailing=spaces|nul, pushes_zone_status=on|off, lead_in=on|off, new_user=nothing|programmers, \
    lockout_answer=17|19, duplicate_answer=17|1, tag_and_code=1|2|3, quick_arm=on|off, installer_blocked=on|off, \
    clears_label=on|off, master_readable=on|off, echoes_updates=on|off, exit_seconds=NUMBER, entry_seconds=NUMBER, \
    bell_minutes=NUMBER, keypad_attempts=NUMBER, keypad_minutes=NUMBER, remote_attempts=NUMBER, \
    remote_minutes=NUMBER, programming_seconds=NUMBER, inactivity_seconds=NUMBER, redial=SECONDS, fault=WORDS";

impl SimConfig {
    /// Sets one thing by name.
    ///
    /// # Errors
    /// All names, when the name is not one of them or its value does not suit it. The value is not repeated: it may
    /// be a code.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let done = self.set_text(name, value)
            || self.set_flag(name, value)
            || self.set_number(name, value)
            || self.set_dialect(name, value)
            || self.set_option(name, value)
            || self.set_fault(name, value);
        if done { Ok(()) } else { Err(format!("`{name}` cannot be set so; known are {NAMES}")) }
    }

    fn set_text(&mut self, name: &str, value: &str) -> bool {
        match name {
            "id" => self.id = value.to_owned(),
            "type1_code" => self.type1_code = Password::new(value.to_owned()),
            "type2_code" => self.type2_code = Password::new(value.to_owned()),
            _ => return false,
        }
        true
    }

    fn set_flag(&mut self, name: &str, value: &str) -> bool {
        let (options, dialect) = (&mut self.options, &mut self.dialect);
        let flag = match name {
            "quick_arm" => &mut options.quick_arm,
            "installer_blocked" => &mut options.installer_blocked,
            "clears_label" => &mut options.clears_label,
            "master_readable" => &mut options.master_readable,
            "echoes_updates" => &mut options.echoes_updates,
            "open_session_trailer" => &mut dialect.open_session_trailer,
            "pushes_zone_status" => &mut dialect.pushes_zone_status,
            "lead_in" => &mut dialect.leads_in,
            _ => return false,
        };
        put(flag, choose(value, &[("on", true), ("off", false)]))
    }

    fn set_number(&mut self, name: &str, value: &str) -> bool {
        let options = &mut self.options;
        let small = match name {
            "exit_seconds" => &mut options.exit_seconds,
            "entry_seconds" => &mut options.entry_seconds,
            "bell_minutes" => &mut options.bell_minutes,
            "keypad_attempts" => &mut options.keypad_attempts,
            "keypad_minutes" => &mut options.keypad_minutes,
            "remote_attempts" => &mut options.remote_attempts,
            "remote_minutes" => &mut options.remote_minutes,
            "programming_seconds" => return put(&mut options.programming_seconds, value.parse().ok()),
            "inactivity_seconds" => return put(&mut options.inactivity_seconds, value.parse().ok()),
            "replay" => return put(&mut self.dialect.replay, value.parse().ok()),
            "redial" => return put(&mut self.timings.redial, seconds(value)),
            "stall_after_first_encrypted" => {
                return put(&mut self.dialect.stall_after_encrypted, seconds(value));
            }
            _ => return false,
        };
        put(small, value.parse().ok())
    }

    fn set_dialect(&mut self, name: &str, value: &str) -> bool {
        let dialect = &mut self.dialect;
        match name {
            "sequence" => {
                let modes = [("lenient", SequenceMode::Lenient), ("strict", SequenceMode::Strict)];
                put(&mut dialect.sequence, choose(value, &modes))
            }
            "answer_pattern" => self.set_pattern(value),
            "header_from_server" => {
                let rules = [("any", HeaderRule::Any), ("own", HeaderRule::Own), ("empty", HeaderRule::Empty)];
                put(&mut dialect.header_from_server, choose(value, &rules))
            }
            "compact_width" => {
                let widths = [("minimal", CompactWidth::Minimal), ("two", CompactWidth::Two)];
                put(&mut dialect.compact_width, choose(value, &widths))
            }
            "enc_first_offer" => {
                let offers =
                    [("meant", FirstOffer::Meant), ("same", FirstOffer::Type3Same), ("new", FirstOffer::Type3New)];
                put(&mut dialect.first_offer, choose(value, &offers))
            }
            "partition_status_form" => {
                let forms = [("mask", PartitionForm::Mask), ("number", PartitionForm::Number)];
                put(&mut dialect.partition_status_form, choose(value, &forms))
            }
            "multi_zone_status" => {
                put(&mut dialect.multi_zone_status, choose(value, &[("ok", true), ("silent", false)]))
            }
            "replay_numbers" => {
                let kinds = [("fresh", ReplayNumbers::Fresh), ("old", ReplayNumbers::Old)];
                put(&mut dialect.replay_numbers, choose(value, &kinds))
            }
            "split" => {
                let kinds = [("off", Segments::Whole), ("on", Segments::Split), ("joined", Segments::Joined)];
                put(&mut dialect.segments, choose(value, &kinds))
            }
            "padding" => {
                let kinds =
                    [("zero", PaddingKind::Zero), ("random", PaddingKind::Random), ("leftover", PaddingKind::Leftover)];
                put(&mut dialect.padding, choose(value, &kinds))
            }
            "users_label_trailing" => {
                let fillers = [("spaces", Filler::Spaces), ("nul", Filler::Nul)];
                put(&mut dialect.label_trailing, choose(value, &fillers))
            }
            _ => false,
        }
    }

    /// One knob for three things: commands (A to C), 0800 (D1 to D3), or a lot drawn each time.
    fn set_pattern(&mut self, value: &str) -> bool {
        use AnswerPattern as P;
        let dialect = &mut self.dialect;
        let patterns = [("A", P::A), ("B", P::B), ("C", P::C), ("D1", P::D1), ("D2", P::D2), ("D3", P::D3)];
        match (value, choose(value, &patterns)) {
            ("any", _) => dialect.any_pattern = true,
            (_, Some(pattern @ (P::A | P::B | P::C))) => dialect.command_pattern = Some(pattern),
            (_, Some(pattern)) => dialect.request_pattern = pattern,
            (_, None) => return false,
        }
        true
    }

    /// A fault that is there from the start, in the words of `fault`; those that happen at once cannot be.
    fn set_fault(&mut self, name: &str, value: &str) -> bool {
        let words: Vec<String> = value.split_whitespace().map(str::to_owned).collect();
        name == "fault" && self.hostile.apply(&words) == Ok(Fault::Done)
    }

    fn set_option(&mut self, name: &str, value: &str) -> bool {
        let options = &mut self.options;
        let code = |allowed: &[u8]| value.parse().ok().filter(|code| allowed.contains(code));
        match name {
            "encryption" => put(&mut self.encryption, code(&[0, 1, 2, 3]).map(Encryption::from_byte)),
            "pace" => put(&mut self.timings, choose(value, &[("real", Timings::default()), ("fast", Timings::fast())])),
            "new_user" => {
                let kinds = [("nothing", NewUser::Nothing), ("programmers", NewUser::Programmers)];
                put(&mut options.new_user, choose(value, &kinds))
            }
            "lockout_answer" => put(&mut options.lockout_answer, code(&[17, 19])),
            "duplicate_answer" => put(&mut options.duplicate_answer, code(&[1, 17])),
            "tag_and_code" => put(&mut options.tag_and_code, code(&[1, 2, 3])),
            _ => false,
        }
    }
}

fn put<T>(place: &mut T, value: Option<T>) -> bool {
    value.map(|value| *place = value).is_some()
}

fn choose<T: Clone>(word: &str, choices: &[(&str, T)]) -> Option<T> {
    choices.iter().find(|(name, _)| *name == word).map(|(_, value)| value.clone())
}

fn seconds(text: &str) -> Option<Duration> {
    text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Model;

    #[test]
    fn every_name_of_the_list_can_be_set_and_another_one_lists_them() {
        let mut config = SimConfig::new(Model::Hs2016);
        for entry in NAMES.split(", ").map(str::trim) {
            let (name, values) = entry.split_once('=').expect("a value");
            let example = match values {
                "DIGITS" => "310212345679",
                "HEX" => "0A0B0C0D",
                "NUMBER" | "SECONDS" => "3",
                "WORDS" => "stop_after 7",
                values => values,
            };
            for value in example.split('|') {
                assert_eq!(config.set(name, value), Ok(()), "{name}={value}");
            }
        }
        for (name, value) in [
            ("gremlins", "on"),
            ("exit_seconds", "256"),
            ("quick_arm", "maybe"),
            ("encryption", "9"),
            ("fault", "lockout"),
        ] {
            let error = config.set(name, value).expect_err(name);
            assert!(error.contains("answer_pattern") && error.contains(name), "{error}");
        }
    }

    #[test]
    fn a_wrong_value_is_not_repeated() {
        let error = SimConfig::new(Model::Hs2016).set("master", "482173").expect_err("no such setting");
        assert!(!error.contains("482173"), "{error}");
    }
}
