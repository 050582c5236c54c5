//! Faults that a simulated installation can be told to have: everything that was seen or feared in the field.

use std::collections::BTreeMap;
use std::time::Duration;

use panel_driver::sim::PokeError;

use super::options::StopAnswer;

/// What a host asks for, as far as the panel can be told to deny it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Step {
    Download,
    Read,
    Start,
    Stop,
    Exit,
    SetClock,
    Init,
    Enrol,
    Restore,
    Alive,
    Clock,
    Status,
    Arm,
    Bypass,
    Log,
    Names,
    Output,
    PowerMaster,
}

impl Step {
    const NAMED: [(&'static str, Self); 18] = [
        ("download", Self::Download),
        ("read", Self::Read),
        ("start", Self::Start),
        ("stop", Self::Stop),
        ("exit", Self::Exit),
        ("set_clock", Self::SetClock),
        ("init", Self::Init),
        ("enrol", Self::Enrol),
        ("restore", Self::Restore),
        ("alive", Self::Alive),
        ("clock", Self::Clock),
        ("status", Self::Status),
        ("arm", Self::Arm),
        ("bypass", Self::Bypass),
        ("log", Self::Log),
        ("names", Self::Names),
        ("output", Self::Output),
        ("b0", Self::PowerMaster),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::NAMED.iter().find(|(_, step)| *step == self).map_or("", |(name, _)| name)
    }
}

/// How a PowerMaster tells its state in B0 24.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StateForm {
    /// 21 or 29 bytes.
    #[default]
    Full,
    /// One partition without the count of partitions (20 bytes), which other hosts ignore; three with their last two
    /// bytes missing (27).
    Short,
    /// Without the count of partitions: 20 or 28 bytes. Some panel sends 28.
    NoCount,
}

/// Faults on purpose. All off by default. Each can be switched by `fault NAME ...` while the simulator runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hostile {
    /// One frame in so many has a wrong checksum; 0: none.
    pub bad_checksums: u32,
    /// The panel sends the other checksum (C2) in all frames.
    pub other_checksum: bool,
    /// `3F` frames hold up to 5 bytes less than they announce.
    pub short_blocks: bool,
    /// So many acknowledgements get lost.
    pub lose_acks: u32,
    /// Acknowledgements come so much later.
    pub slow_ack: Duration,
    /// Data comes before the acknowledgement.
    pub ack_last: bool,
    /// So many commands get lost.
    pub lose_commands: u32,
    /// Commands that come sooner than this after the one before get lost.
    pub min_gap: Duration,
    /// Keep-alives do not come.
    pub no_keep_alive: bool,
    /// The connection breaks in the middle of the frame after so many.
    pub drop_after: Option<u32>,
    /// So many requests for download mode get `25`, to wait so many seconds.
    pub busy: Option<(u32, u8)>,
    /// So many blocks until the panel leaves download mode with `06`.
    pub timeout_after: Option<u32>,
    /// Download mode is not granted but answered with `0F`.
    pub exit_for_download: bool,
    /// So many of these are denied.
    pub deny: BTreeMap<Step, u32>,
    /// Status bytes have bit 5 set.
    pub status_bit5: bool,
    /// The status says that the panel is downloading, whatever it does.
    pub stuck_download: bool,
    /// A7 comes in the FF form, not to be trusted.
    pub a7_ff: bool,
    /// So many B0 requests get `busy`.
    pub b0_busy: u32,
    /// Form of B0 24.
    pub state_form: StateForm,
    /// Frames stick together.
    pub coalesce: bool,
    /// Frames come byte by byte.
    pub bytewise: bool,
    /// Noise bytes come between frames.
    pub noise: bool,
    /// Frames that nobody knows come now and then, one of them with a wrong checksum.
    pub unknown_frames: bool,
    /// The status comes again every second while armed.
    pub flood: bool,
    /// The panel says nothing any more.
    pub mute: bool,
    /// Host and panel run at different speeds: neither understands a byte.
    pub garbled: bool,
    /// Somebody else talks to the panel on the same port.
    pub second_host: bool,
    /// A tag is reported by the number of its user (PowerMaster).
    pub tags_as_users: bool,
    /// How `0B` is answered, in the place of the panel's own way.
    pub stop_answer: Option<StopAnswer>,
}

const NAMES: &str = "bad_checksums ONE_IN, other_checksum, short_blocks, lose_acks COUNT, slow_ack MILLISECONDS, \
    ack_last, lose_commands COUNT, min_gap MILLISECONDS, no_keep_alive, drop_after FRAMES, busy COUNT [SECONDS], \
    timeout_after BLOCKS, exit_for_download, deny STEP [COUNT], status_bit5, stuck_download, a7_ff, b0_busy COUNT, \
    state_form full|short|no_count, coalesce, bytewise, noise, unknown_frames, flood, mute, garbled, second_host, \
    tags_as_users, stop_answer acknowledge|deny|nothing, marks, installer, enrol_menu, forget_enrolment, jam, \
    phone_line, communication, fuse, panel_tamper, siren_tamper, lost ZONE, none (each is switched on, or off with \
    `off` behind it)";

/// What a `fault` line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The options are changed.
    Done,
    /// Memory that nobody needs is filled with frame marks.
    Marks,
    /// Somebody opens the installer menu at the keypad, or leaves it.
    Installer(bool),
    /// Somebody picks "enrol PowerLink" in the installer menu.
    EnrolMenu,
    /// The PowerLink is taken out in the installer menu.
    ForgetEnrolment,
    /// A trouble by its name comes or goes.
    Trouble(&'static str, bool),
    /// A zone is not heard of any more, or is again.
    Lost(u8, bool),
    /// The second host comes or goes.
    SecondHost,
    Flood,
}

/// Troubles that can be switched by name.
const TROUBLES: [&str; 6] = ["jam", "phone_line", "communication", "fuse", "panel_tamper", "siren_tamper"];

impl Hostile {
    /// Takes the words of a `fault` line.
    pub(super) fn apply(&mut self, words: &[String]) -> Result<Fault, PokeError> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let Some((name, rest)) = words.split_first() else { return Err(PokeError(format!("faults: {NAMES}"))) };
        let on = rest.last() != Some(&"off");
        if let Some(flag) = self.flag(name) {
            *flag = on;
            no_more(name, rest)?;
            return Ok(match *name {
                "second_host" => Fault::SecondHost,
                "flood" => Fault::Flood,
                _ => Fault::Done,
            });
        }
        if let Some(trouble) = TROUBLES.iter().find(|trouble| *trouble == name) {
            return no_more(name, rest).map(|()| Fault::Trouble(trouble, on));
        }
        match (*name, rest) {
            ("none", []) => *self = Self::default(),
            ("marks", []) => return Ok(Fault::Marks),
            ("installer", [] | ["on" | "off"]) => return Ok(Fault::Installer(on)),
            ("enrol_menu", []) => return Ok(Fault::EnrolMenu),
            ("forget_enrolment", []) => return Ok(Fault::ForgetEnrolment),
            ("lost", [zone] | [zone, "off"]) => return Ok(Fault::Lost(number(name, zone)?, on)),
            ("busy", ["off"]) => self.busy = None,
            ("busy", [count]) => self.busy = Some((number(name, count)?, 5)),
            ("busy", [count, seconds]) => self.busy = Some((number(name, count)?, number(name, seconds)?)),
            ("deny", ["off"]) => self.deny.clear(),
            ("deny", [step, rest @ ..]) => self.deny_step(step, rest)?,
            ("state_form", ["full" | "off"]) => self.state_form = StateForm::Full,
            ("state_form", ["short"]) => self.state_form = StateForm::Short,
            ("state_form", ["no_count"]) => self.state_form = StateForm::NoCount,
            ("stop_answer", ["off"]) => self.stop_answer = None,
            ("stop_answer", ["acknowledge"]) => self.stop_answer = Some(StopAnswer::Acknowledge),
            ("stop_answer", ["deny"]) => self.stop_answer = Some(StopAnswer::Deny),
            ("stop_answer", ["nothing"]) => self.stop_answer = Some(StopAnswer::Nothing),
            (name, rest) => self.counted(name, rest)?,
        }
        Ok(Fault::Done)
    }

    fn flag(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "other_checksum" => &mut self.other_checksum,
            "short_blocks" => &mut self.short_blocks,
            "ack_last" => &mut self.ack_last,
            "no_keep_alive" => &mut self.no_keep_alive,
            "exit_for_download" => &mut self.exit_for_download,
            "status_bit5" => &mut self.status_bit5,
            "stuck_download" => &mut self.stuck_download,
            "a7_ff" => &mut self.a7_ff,
            "coalesce" => &mut self.coalesce,
            "bytewise" => &mut self.bytewise,
            "noise" => &mut self.noise,
            "unknown_frames" => &mut self.unknown_frames,
            "flood" => &mut self.flood,
            "mute" => &mut self.mute,
            "garbled" => &mut self.garbled,
            "second_host" => &mut self.second_host,
            "tags_as_users" => &mut self.tags_as_users,
            _ => return None,
        })
    }

    /// Faults with one number behind their name; `off` is the number that means none.
    fn counted(&mut self, name: &str, rest: &[&str]) -> Result<(), PokeError> {
        let count = |off: u32| match rest {
            ["off"] => Ok(off),
            [word] => number(name, word),
            _ => Err(PokeError(format!("`fault {name}` wants one number behind it, or `off`"))),
        };
        let millis = |count: u32| Duration::from_millis(count.into());
        let maybe = |count: u32| Some(count).filter(|_| rest != ["off"]);
        match name {
            "bad_checksums" => self.bad_checksums = count(0)?,
            "lose_acks" => self.lose_acks = count(0)?,
            "lose_commands" => self.lose_commands = count(0)?,
            "b0_busy" => self.b0_busy = count(0)?,
            "slow_ack" => self.slow_ack = millis(count(0)?),
            "min_gap" => self.min_gap = millis(count(0)?),
            "drop_after" => self.drop_after = maybe(count(0)?),
            "timeout_after" => self.timeout_after = maybe(count(0)?),
            _ => return Err(PokeError(format!("no such fault{}; known are {NAMES}", quoted(name)))),
        }
        Ok(())
    }

    fn deny_step(&mut self, word: &str, rest: &[&str]) -> Result<(), PokeError> {
        let Some((_, step)) = Step::NAMED.iter().find(|(name, _)| *name == word) else {
            let names: Vec<_> = Step::NAMED.iter().map(|(name, _)| *name).collect();
            return Err(PokeError(format!("steps that can be denied are {}", names.join(", "))));
        };
        let count = match rest {
            [] => u32::MAX,
            ["off"] => 0,
            [count] => number("deny", count)?,
            _ => return Err(PokeError("type `fault deny STEP [COUNT]`".into())),
        };
        if count == 0 {
            self.deny.remove(step);
        } else {
            self.deny.insert(*step, count);
        }
        Ok(())
    }

    /// Whether this one is to be denied; counts down.
    pub(super) fn denies(&mut self, step: Step) -> bool {
        let Some(left) = self.deny.get_mut(&step) else { return false };
        if *left != u32::MAX {
            *left -= 1;
        }
        if *left == 0 {
            self.deny.remove(&step);
        }
        true
    }
}

/// Counts down; whether there was something left.
pub(super) fn spend(left: &mut u32) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}

fn no_more(name: &str, rest: &[&str]) -> Result<(), PokeError> {
    match rest {
        [] | ["on" | "off"] => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(hostile: &mut Hostile, line: &str) -> Result<Fault, PokeError> {
        hostile.apply(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn faults_are_switched_by_name() {
        let mut hostile = Hostile::default();
        for line in ["mute", "noise on", "slow_ack 250", "busy 2 9", "deny enrol 1", "state_form short", "drop_after 0"]
        {
            assert_eq!(apply(&mut hostile, line), Ok(Fault::Done), "{line}");
        }
        assert!(hostile.mute && hostile.noise);
        assert_eq!((hostile.slow_ack, hostile.busy), (Duration::from_millis(250), Some((2, 9))));
        assert_eq!((hostile.state_form, hostile.drop_after), (StateForm::Short, Some(0)));
        assert!(hostile.denies(Step::Enrol));
        assert!(!hostile.denies(Step::Enrol), "once was asked for");
        for line in ["mute off", "slow_ack off", "drop_after off"] {
            assert_eq!(apply(&mut hostile, line), Ok(Fault::Done), "{line}");
        }
        assert_eq!((hostile.mute, hostile.slow_ack, hostile.drop_after), (false, Duration::ZERO, None));
        assert_eq!(apply(&mut hostile, "none"), Ok(Fault::Done));
        assert_eq!(hostile, Hostile::default());
        assert_eq!(apply(&mut hostile, "jam off"), Ok(Fault::Trouble("jam", false)));
        assert_eq!(apply(&mut hostile, "lost 3"), Ok(Fault::Lost(3, true)));
    }

    #[test]
    fn what_is_denied_for_good_stays_so_until_switched_off() {
        let mut hostile = Hostile::default();
        apply(&mut hostile, "deny arm").expect("a step");
        assert!((0..1000).all(|_| hostile.denies(Step::Arm)));
        apply(&mut hostile, "deny arm off").expect("a step");
        assert!(!hostile.denies(Step::Arm));
    }

    #[test]
    fn every_listed_name_is_known_and_an_unknown_one_lists_them() {
        for entry in NAMES.split(" (").next().expect("the list").split(", ") {
            let mut words = entry.split_whitespace();
            let name = words.next().expect("a name");
            let example = words.next().map_or("", |word| match word {
                "STEP" => "download",
                word if word.contains('|') => word.split('|').next_back().expect("a choice"),
                _ => "1",
            });
            assert!(apply(&mut Hostile::default(), &format!("{name} {example}")).is_ok(), "{name}");
        }
        for (name, step) in Step::NAMED {
            assert_eq!(step.name(), name);
        }
        let error = apply(&mut Hostile::default(), "gremlins").expect_err("unknown");
        assert!(error.0.contains("`gremlins`") || error.0.contains("one number"), "{error}");
        let error = apply(&mut Hostile::default(), "4821 1").expect_err("unknown");
        assert!(!error.0.contains("4821"), "a code in the wrong place is not repeated");
        assert!(apply(&mut Hostile::default(), "").is_err());
        assert!(apply(&mut Hostile::default(), "mute loudly").is_err());
        assert!(apply(&mut Hostile::default(), "deny breakfast").is_err());
    }
}
