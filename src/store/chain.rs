//! The chain that the action log's lines form (L2). Pure.
//!
//! A line's hash is SHA-256 over the hash of the line before it and the SHA-256 of its own canonical text; before the
//! first line stand 32 zero bytes. Whoever has the lines and one later hash can tell whether any of them was cut,
//! edited or moved; hashes go to the cloud with the lines. On the box the newest hash is also kept under a key, so
//! that lines that are missing at the end are noticed too.
//!
//! The canonical text is UTF-8: the word `panelgate-log/1`, then a line for each of `number`, `seq`, `id`, `at`
//! (milliseconds since 1970), `actor`, `role`, `door`, `action`, `panel`, `slot`, `subject`, `result`, `text`, in this
//! order: the length in bytes, a colon, the value; a single `-` for one that is absent. Every line ends with LF.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};

use super::LogLine;

/// What stands before the first line.
pub(super) const BEGINNING: ChainHash = ChainHash([0; 32]);

/// The hash of a line of the action log.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash(pub [u8; 32]);

impl ChainHash {
    /// The hash of the line that comes after this one's.
    fn followed_by(self, digest: [u8; 32]) -> Self {
        Self(Sha256::new().chain_update(self.0).chain_update(digest).finalize().into())
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainHash({self})")
    }
}

impl std::str::FromStr for ChainHash {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<Self, NoHash> {
        let mut hash = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(NoHash);
        }
        for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
            let digits = text.get(at..at + 2).ok_or(NoHash)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| NoHash)?;
        }
        Ok(Self(hash))
    }
}

/// Text that is no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash has 64 hexadecimal digits")]
pub struct NoHash;

/// A line's place in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// From 1, without gaps.
    pub number: u64,
    /// Over everything up to and with this line.
    pub hash: ChainHash,
}

impl Link {
    /// Before the first line.
    pub(super) const BEGINNING: Self = Self { number: 0, hash: BEGINNING };

    /// The place of the next line. `line` has its number already.
    pub(super) fn next(self, line: &LogLine) -> Self {
        let number = self.number + 1;
        Self { number, hash: self.hash.followed_by(digest(number, line)) }
    }
}

/// SHA-256 of a line's canonical text.
fn digest(number: u64, line: &LogLine) -> [u8; 32] {
    let (seq, of) = (line.seq, &line.line);
    let fields = [
        Some(number.to_string()),
        Some(seq.to_string()),
        Some(line.id.to_string()),
        Some(of.at.0.to_string()),
        Some(of.actor.clone()),
        Some(of.role.clone()),
        Some(of.door.clone()),
        Some(of.action.clone()),
        of.panel.as_ref().map(ToString::to_string),
        of.slot.map(|slot| slot.to_string()),
        of.subject.clone(),
        Some(of.result.clone()),
        of.text.clone(),
    ];
    let mut text = String::from("panelgate-log/1\n");
    for field in fields {
        match field {
            Some(value) => text.push_str(&format!("{}:{value}\n", value.len())),
            None => text.push_str("-\n"),
        }
    }
    Sha256::digest(text).into()
}

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// Lines that must have been there are not.
    Missing {
        /// Number of the first of them.
        first: u64,
        /// Number of the last of them.
        last: u64,
    },
    /// The line's content is not what was hashed; or the line before it got another hash.
    Altered {
        /// Its number.
        number: u64,
    },
    /// The line stands in another place than it was written in.
    Moved {
        /// Its number.
        number: u64,
    },
    /// Two lines have this number.
    Twice {
        /// The number.
        number: u64,
    },
    /// A line that was not written through the chain.
    Foreign {
        /// Its place in the table.
        seq: u64,
    },
    /// What is kept of the newest hash, or of the pruned lines, was not written by this box.
    SealBroken,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { first, last } if first == last => write!(f, "line {first} is missing"),
            Self::Missing { first, last } => write!(f, "lines {first} to {last} are missing"),
            Self::Altered { number } => write!(f, "line {number} was altered"),
            Self::Moved { number } => write!(f, "line {number} stands in the wrong place"),
            Self::Twice { number } => write!(f, "line {number} is there twice"),
            Self::Foreign { seq } => write!(f, "the entry with seq {seq} was not written by the box"),
            Self::SealBroken => {
                f.write_str("the newest hash was not sealed by this box: the end of the log is not proved")
            }
        }
    }
}

/// What a look through the whole log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Lines in the chain.
    pub lines: u64,
    /// Lines from before there was a chain.
    pub unchained: u64,
    /// The first line's number, if there is one: those before it were pruned after the cloud had them.
    pub first: Option<u64>,
    /// The newest line's place.
    pub head: Option<Link>,
    /// What is wrong, if anything.
    pub damage: Vec<Damage>,
}

/// Looks through a log, line by line in the order of the table.
#[derive(Debug, Default)]
pub struct Verifier {
    links: BTreeMap<u64, (ChainHash, [u8; 32])>,
    unchained: u64,
    highest: u64,
    damage: Vec<Damage>,
}

impl Verifier {
    /// Takes the next line.
    pub fn take(&mut self, line: &LogLine) {
        let Some(link) = line.link else {
            // Nothing that is older than the chain can come after a line of it.
            if self.highest > 0 {
                self.damage.push(Damage::Foreign { seq: line.seq });
            }
            self.unchained += 1;
            return;
        };
        if link.number < self.highest {
            self.damage.push(Damage::Moved { number: link.number });
        }
        self.highest = self.highest.max(link.number);
        if self.links.insert(link.number, (link.hash, digest(link.number, line))).is_some() {
            self.damage.push(Damage::Twice { number: link.number });
        }
    }

    /// Judges what was taken. `base` is the place of the last line before the first one, `head` the place of the
    /// newest one; without them the lines are only proved against each other.
    #[must_use]
    pub fn finish(mut self, base: Option<Link>, head: Option<Link>) -> Proof {
        let mut expected = base.map(|base| base.number + 1);
        let mut before = base.map(|base| base.hash);
        for (number, (hash, digest)) in &self.links {
            if let Some(first) = expected.filter(|expected| expected < number) {
                self.damage.push(Damage::Missing { first, last: number - 1 });
                before = None;
            }
            if before.is_some_and(|before| before.followed_by(*digest) != *hash) {
                self.damage.push(Damage::Altered { number: *number });
            }
            (before, expected) = (Some(*hash), Some(number + 1));
        }
        let newest = self.links.last_key_value().map(|(number, (hash, _))| Link { number: *number, hash: *hash });
        let last = newest.or(base).unwrap_or(Link::BEGINNING);
        match head {
            Some(head) if head.number > last.number => {
                self.damage.push(Damage::Missing { first: last.number + 1, last: head.number });
            }
            // A line after the sealed head, or another hash in its place.
            Some(head) if head != last => self.damage.push(Damage::Altered { number: last.number }),
            _ => {}
        }
        self.damage.dedup();
        Proof {
            lines: self.links.len() as u64,
            unchained: self.unchained,
            first: self.links.first_key_value().map(|(number, _)| *number),
            head: newest,
            damage: self.damage,
        }
    }
}

#[cfg(test)]
mod tests {
    use panel_model::{Slot, WallTime};
    use uuid::Uuid;

    use super::super::NewLogLine;
    use super::*;

    fn line(seq: u64) -> LogLine {
        let line = NewLogLine {
            at: WallTime(1_795_000_000_000),
            actor: "anna".into(),
            role: "Installer".into(),
            door: "command_line".into(),
            action: "set_label".into(),
            panel: "dsc-1".parse().ok(),
            slot: Slot::new(4).ok(),
            subject: None,
            result: "accepted".into(),
            text: Some("für Müller: \"x\"\n1:y".into()),
        };
        LogLine { seq, id: Uuid::from_u128(seq.into()), line, link: None }
    }

    /// Ten lines whose seqs have gaps, as events are numbered between them.
    fn chained() -> Vec<LogLine> {
        let mut last = Link::BEGINNING;
        let chain = |n: u64| {
            let line = line(n * 3);
            last = last.next(&line);
            LogLine { link: Some(last), ..line }
        };
        (1..=10).map(chain).collect()
    }

    fn verify(lines: &[LogLine]) -> Vec<Damage> {
        let mut verifier = Verifier::default();
        lines.iter().for_each(|line| verifier.take(line));
        verifier.finish(Some(Link::BEGINNING), chained().last().and_then(|line| line.link)).damage
    }

    /// Made with Python's hashlib from the text above.
    #[test]
    fn the_first_hash_is_the_one_that_others_compute() {
        let first = Link::BEGINNING.next(&line(3));
        assert_eq!(first.hash.to_string(), "0973759d35adbd28ba094914412abddf28490baeedb12d7b6bfb0fbec167c871");
        assert_eq!("0973759d35adbd28ba094914412abddf28490baeedb12d7b6bfb0fbec167c871".parse(), Ok(first.hash));
        assert_eq!("12".parse::<ChainHash>(), Err(NoHash));
    }

    #[test]
    fn a_sound_log_has_no_damage_and_its_tail_alone_neither() {
        assert_eq!(verify(&chained()), []);
        let lines = chained();
        let mut verifier = Verifier::default();
        lines[4..].iter().for_each(|line| verifier.take(line));
        let proof = verifier.finish(lines[3].link, lines[9].link);
        assert_eq!((proof.damage, proof.lines, proof.first), (vec![], 6, Some(5)));
        let mut verifier = Verifier::default();
        lines[4..].iter().for_each(|line| verifier.take(line));
        assert_eq!(verifier.finish(None, None).damage, [], "lines of a copy prove each other");
    }

    #[test]
    fn cuts_edits_and_moves_are_each_found_and_named() {
        type Change = fn(&mut Vec<LogLine>);
        let cases: [(&str, Change, Vec<Damage>); 10] = [
            ("one line cut out", |l| drop(l.remove(4)), vec![Damage::Missing { first: 5, last: 5 }]),
            ("three lines cut out", |l| drop(l.drain(2..5)), vec![Damage::Missing { first: 3, last: 5 }]),
            ("the first line cut", |l| drop(l.remove(0)), vec![Damage::Missing { first: 1, last: 1 }]),
            ("the end cut", |l| l.truncate(8), vec![Damage::Missing { first: 9, last: 10 }]),
            ("everything cut", Vec::clear, vec![Damage::Missing { first: 1, last: 10 }]),
            ("another actor", |l| l[4].line.actor = "ben".into(), vec![Damage::Altered { number: 5 }]),
            ("a text taken away", |l| l[4].line.text = None, vec![Damage::Altered { number: 5 }]),
            ("two lines swapped", |l| l.swap(4, 5), vec![Damage::Moved { number: 5 }]),
            (
                "contents swapped, places kept",
                |l| {
                    let (a, b) = (l[4].seq, l[5].seq);
                    (l[4].seq, l[5].seq) = (b, a);
                },
                vec![Damage::Altered { number: 5 }, Damage::Altered { number: 6 }],
            ),
            ("a line put in", |l| l.insert(3, line(11)), vec![Damage::Foreign { seq: 11 }]),
        ];
        for (what, change, damage) in cases {
            let mut lines = chained();
            change(&mut lines);
            assert_eq!(verify(&lines), damage, "{what}");
        }
    }

    /// Who edits a line and hashes it anew has to do so with all that follow, and then the head is another one.
    #[test]
    fn a_chain_that_was_forged_from_a_line_on_does_not_end_in_the_head() {
        let mut lines = chained();
        lines[4].line.actor = "ben".into();
        let mut last = lines[3].link.expect("chained");
        for line in &mut lines[4..] {
            last = last.next(line);
            line.link = Some(last);
        }
        assert_eq!(verify(&lines), [Damage::Altered { number: 10 }]);
    }

    proptest::proptest! {
        /// Whatever one field of one line is changed to, it is found.
        #[test]
        fn no_edit_stays_unseen(at in 0_usize..10, field in 0_usize..6, text in "[a-z:\n0-9]{0,12}") {
            let mut lines = chained();
            let line = &mut lines[at].line;
            let same = match field {
                0 => std::mem::replace(&mut line.actor, text.clone()) == text,
                1 => std::mem::replace(&mut line.role, text.clone()) == text,
                2 => std::mem::replace(&mut line.action, text.clone()) == text,
                3 => std::mem::replace(&mut line.result, text.clone()) == text,
                4 => line.text.replace(text.clone()) == Some(text),
                _ => line.subject.replace(text.clone()) == Some(text),
            };
            proptest::prop_assert_eq!(verify(&lines).is_empty(), same);
        }
    }
}
