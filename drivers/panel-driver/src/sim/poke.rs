//! The words of a simulator's front panel, as typed on stdin or written in a script.

use std::str::FromStr;
use std::time::Duration;

use panel_model::{AccessCode, ArmMode, LockId, Partition, Slot, Zone};

/// A thing that somebody does at the panel, the same words for every vendor where they apply.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words are the command line's; see `Poke::parse`")]
pub enum Poke {
    Open(Zone),
    Close(Zone),
    Tamper(Zone),
    Trip(Zone),
    Battery {
        low: bool,
        zone: Option<Zone>,
    },
    Ac {
        on: bool,
    },
    EnterCode {
        code: AccessCode,
        partition: Partition,
    },
    Arm {
        mode: ArmMode,
        partition: Partition,
        slot: Option<Slot>,
    },
    Disarm {
        partition: Partition,
        slot: Option<Slot>,
    },
    Panic(PanicKey),
    Lock {
        lock: LockId,
        locked: bool,
    },
    Tag {
        slot: Slot,
        partition: Partition,
    },
    /// Somebody programs a user at the keypad; the words are the vendor's (`edit 7 code 4821`).
    Edit {
        slot: Slot,
        words: Vec<String>,
    },
    /// The line drops, for so long.
    Drop(Duration),
    Reboot,
    /// A fault of the vendor's list, with its words.
    Fault(Vec<String>),
}

/// The three keys of a keypad that call for help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum PanicKey {
    Fire,
    Medical,
    Police,
}

/// A poke that the simulator cannot do, with what to type instead. Never repeats a code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PokeError(pub String);

/// One line of a script, or typed on stdin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptLine {
    /// Something is done at the panel.
    Poke(Poke),
    /// `wait SECONDS`: the lines after it come so much later. Fractions are fine.
    Wait(Duration),
    /// `users`: print all users with their codes.
    Users,
    /// `state`: print partitions, zones and troubles.
    State,
    /// `quit`: end the simulator.
    Quit,
    /// An empty line or a comment (`# …`).
    Nothing,
}

/// How long the line stays down after a plain `drop`.
const PLAIN_DROP: Duration = Duration::from_secs(5);

/// Every word with what follows it, in the order in which help shows them.
const WORDS: &[(&str, &str)] = &[
    ("open", "open ZONE"),
    ("close", "close ZONE"),
    ("tamper", "tamper ZONE"),
    ("trip", "trip ZONE"),
    ("battery", "battery low|ok [ZONE]"),
    ("ac", "ac off|on"),
    ("enter", "enter CODE [PARTITION]"),
    ("arm", "arm away|stay|night [PARTITION] [SLOT]"),
    ("disarm", "disarm [PARTITION] [SLOT]"),
    ("panic", "panic fire|medical|police"),
    ("lock", "lock LOCK"),
    ("unlock", "unlock LOCK"),
    ("tag", "tag SLOT [PARTITION]"),
    ("edit", "edit SLOT WORDS…"),
    ("drop", "drop [SECONDS]"),
    ("reboot", "reboot"),
    ("fault", "fault NAME [WORDS…]"),
];

/// Words of a script that are not done at the panel.
const SCRIPT_WORDS: &str = "wait SECONDS, users, state, quit";

impl Poke {
    /// Reads one poke, such as `open 3`, `enter 1234 2`, `arm stay 1 5` or `drop 10`. The partition is 1 unless told.
    ///
    /// # Errors
    /// [`PokeError`] with what to type.
    pub fn parse(text: &str) -> Result<Self, PokeError> {
        let mut all = text.split_whitespace();
        let word = all.next().unwrap_or_default();
        let Some((_, usage)) = WORDS.iter().find(|(known, _)| *known == word) else {
            return Err(unknown(word));
        };
        let mut words = Words { rest: all, usage };
        let poke = words.poke(word)?;
        match words.rest.next() {
            None => Ok(poke),
            Some(_) => Err(words.wrong()),
        }
    }
}

impl ScriptLine {
    /// Reads one line; everything after a `#` is a comment.
    ///
    /// # Errors
    /// [`PokeError`] with what to type.
    pub fn parse(line: &str) -> Result<Self, PokeError> {
        let line = line.split('#').next().unwrap_or_default().trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match (word, rest.trim()) {
            ("", _) => Ok(Self::Nothing),
            ("wait", rest) => match seconds(rest) {
                Some(wait) => Ok(Self::Wait(wait)),
                None => Err(PokeError("type `wait SECONDS`, such as `wait 2.5`".into())),
            },
            ("users", "") => Ok(Self::Users),
            ("state", "") => Ok(Self::State),
            ("quit", "") => Ok(Self::Quit),
            _ => Poke::parse(line).map(Self::Poke),
        }
    }
}

/// What is left of a line, and what it should look like.
struct Words<'a> {
    rest: std::str::SplitWhitespace<'a>,
    usage: &'static str,
}

impl Words<'_> {
    fn poke(&mut self, word: &str) -> Result<Poke, PokeError> {
        Ok(match word {
            "open" => Poke::Open(self.number()?),
            "close" => Poke::Close(self.number()?),
            "tamper" => Poke::Tamper(self.number()?),
            "trip" => Poke::Trip(self.number()?),
            "battery" => Poke::Battery { low: self.choice(&[("low", true), ("ok", false)])?, zone: self.maybe()? },
            "ac" => Poke::Ac { on: self.choice(&[("off", false), ("on", true)])? },
            // Code and partition may be swapped by mistake, so the error repeats neither.
            "enter" => Poke::EnterCode {
                code: self.code()?,
                partition: self.partition().map_err(|_| PokeError(format!("type `{}`", self.usage)))?,
            },
            "arm" => Poke::Arm { mode: self.mode()?, partition: self.partition()?, slot: self.maybe()? },
            "disarm" => Poke::Disarm { partition: self.partition()?, slot: self.maybe()? },
            "panic" => Poke::Panic(self.panic_key()?),
            "lock" => Poke::Lock { lock: self.number()?, locked: true },
            "unlock" => Poke::Lock { lock: self.number()?, locked: false },
            "tag" => Poke::Tag { slot: self.number()?, partition: self.partition()? },
            "edit" => Poke::Edit { slot: self.number()?, words: self.others()? },
            "drop" => Poke::Drop(self.duration()?),
            "reboot" => Poke::Reboot,
            "fault" => Poke::Fault(self.others()?),
            _ => return Err(unknown(word)),
        })
    }

    fn wrong(&self) -> PokeError {
        PokeError(format!("type `{}`", self.usage))
    }

    fn number<T: FromStr<Err: ToString>>(&mut self) -> Result<T, PokeError> {
        self.maybe()?.ok_or_else(|| self.wrong())
    }

    fn maybe<T: FromStr<Err: ToString>>(&mut self) -> Result<Option<T>, PokeError> {
        let Some(word) = self.rest.next() else { return Ok(None) };
        word.parse()
            .map(Some)
            .map_err(|error: T::Err| PokeError(format!("{}; type `{}`", error.to_string(), self.usage)))
    }

    fn partition(&mut self) -> Result<Partition, PokeError> {
        match self.maybe()? {
            Some(partition) => Ok(partition),
            None => Partition::new(1).map_err(|_| self.wrong()),
        }
    }

    fn choice<T: Copy>(&mut self, choices: &[(&str, T)]) -> Result<T, PokeError> {
        let word = self.rest.next().unwrap_or_default();
        choices.iter().find(|(name, _)| *name == word).map(|(_, value)| *value).ok_or_else(|| self.wrong())
    }

    fn mode(&mut self) -> Result<ArmMode, PokeError> {
        self.choice(&[("away", ArmMode::Away), ("stay", ArmMode::Stay), ("night", ArmMode::Night)])
    }

    fn panic_key(&mut self) -> Result<PanicKey, PokeError> {
        self.choice(&[("fire", PanicKey::Fire), ("medical", PanicKey::Medical), ("police", PanicKey::Police)])
    }

    fn code(&mut self) -> Result<AccessCode, PokeError> {
        match self.rest.next() {
            Some(code) if code.bytes().all(|b| b.is_ascii_digit()) => Ok(AccessCode::new(code.to_owned())),
            _ => Err(self.wrong()),
        }
    }

    fn others(&mut self) -> Result<Vec<String>, PokeError> {
        let words: Vec<String> = self.rest.by_ref().map(str::to_owned).collect();
        if words.is_empty() { Err(self.wrong()) } else { Ok(words) }
    }

    fn duration(&mut self) -> Result<Duration, PokeError> {
        match self.rest.next() {
            None => Ok(PLAIN_DROP),
            Some(word) => seconds(word).ok_or_else(|| self.wrong()),
        }
    }
}

fn seconds(text: &str) -> Option<Duration> {
    text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

fn unknown(word: &str) -> PokeError {
    let usages: Vec<_> = WORDS.iter().map(|(_, usage)| *usage).collect();
    PokeError(format!("`{word}` is not known; type one of: {}, {SCRIPT_WORDS}", usages.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(n: u32) -> Zone {
        Zone::new(n).expect("in range")
    }

    fn slot(n: u32) -> Slot {
        Slot::new(n).expect("in range")
    }

    fn partition(n: u32) -> Partition {
        Partition::new(n).expect("in range")
    }

    #[test]
    fn every_word_is_understood() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let lock = |n| LockId::new(n).expect("in range");
        let code = AccessCode::new("0042".into());
        let rows = [
            ("open 3", Poke::Open(zone(3))),
            ("close 3", Poke::Close(zone(3))),
            ("tamper 999", Poke::Tamper(zone(999))),
            ("trip 1", Poke::Trip(zone(1))),
            ("battery low 3", Poke::Battery { low: true, zone: Some(zone(3)) }),
            ("battery ok", Poke::Battery { low: false, zone: None }),
            ("ac off", Poke::Ac { on: false }),
            ("ac on", Poke::Ac { on: true }),
            ("enter 0042", Poke::EnterCode { code: code.clone(), partition: partition(1) }),
            ("  enter 0042   2 ", Poke::EnterCode { code, partition: partition(2) }),
            ("arm stay 1 5", Poke::Arm { mode: ArmMode::Stay, partition: partition(1), slot: Some(slot(5)) }),
            ("arm night", Poke::Arm { mode: ArmMode::Night, partition: partition(1), slot: None }),
            ("disarm 2", Poke::Disarm { partition: partition(2), slot: None }),
            ("panic fire", Poke::Panic(PanicKey::Fire)),
            ("lock 2", Poke::Lock { lock: lock(2), locked: true }),
            ("unlock 2", Poke::Lock { lock: lock(2), locked: false }),
            ("tag 4 2", Poke::Tag { slot: slot(4), partition: partition(2) }),
            ("edit 7 code 4821", Poke::Edit { slot: slot(7), words: words("code 4821") }),
            ("drop", Poke::Drop(PLAIN_DROP)),
            ("drop 0.5", Poke::Drop(Duration::from_millis(500))),
            ("reboot", Poke::Reboot),
            ("fault noise 3", Poke::Fault(words("noise 3"))),
        ];
        for (text, poke) in rows {
            assert_eq!(Poke::parse(text), Ok(poke), "{text}");
        }
    }

    #[test]
    fn a_wrong_line_is_told_what_to_type() {
        let rows = [
            ("open", "type `open ZONE`"),
            ("open 3 4", "type `open ZONE`"),
            ("open door", "`door` is not a number, nor a list such as 1, 4, 6; type `open ZONE`"),
            ("open 1000", "zone 1000 is out of range: 1 to 999; type `open ZONE`"),
            ("battery empty", "type `battery low|ok [ZONE]`"),
            ("arm home", "type `arm away|stay|night [PARTITION] [SLOT]`"),
            ("panic", "type `panic fire|medical|police`"),
            ("drop -1", "type `drop [SECONDS]`"),
            ("edit 3", "type `edit SLOT WORDS…`"),
            ("fault", "type `fault NAME [WORDS…]`"),
        ];
        for (text, error) in rows {
            assert_eq!(Poke::parse(text), Err(PokeError(error.into())), "{text}");
        }
        let error = Poke::parse("opn 3").expect_err("no such word").to_string();
        assert!(error.starts_with("`opn` is not known; type one of: open ZONE, "), "{error}");
        assert!(error.ends_with("wait SECONDS, users, state, quit"), "{error}");
    }

    #[test]
    fn a_mistyped_code_is_not_repeated() {
        for text in ["enter 73x182", "enter 739182 99", "enter 739182 1 2", "enter 1 739182"] {
            let error = Poke::parse(text).expect_err("wrong").to_string();
            assert!(!error.contains("73"), "{error}");
        }
    }

    #[test]
    fn scripts_wait_print_quit_and_comment() {
        let rows = [
            ("wait 2.5", ScriptLine::Wait(Duration::from_millis(2500))),
            ("users", ScriptLine::Users),
            (" state ", ScriptLine::State),
            ("quit # enough", ScriptLine::Quit),
            ("", ScriptLine::Nothing),
            ("# open 3", ScriptLine::Nothing),
            ("open 3 # the door", ScriptLine::Poke(Poke::Open(zone(3)))),
        ];
        for (text, line) in rows {
            assert_eq!(ScriptLine::parse(text), Ok(line), "{text}");
        }
        assert!(ScriptLine::parse("wait").is_err());
        assert!(ScriptLine::parse("wait -3").is_err());
        assert!(ScriptLine::parse("quit now").is_err());
    }
}
