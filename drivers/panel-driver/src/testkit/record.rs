//! What a pair saw, and the rules that hold for it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};

use bytes::Bytes;
use panel_model::{PanelEvent, PanelState};
use serde_json::Value;

use super::{Failure, leak};
use crate::{Command, CommandId, DriverError, DriverEvent, Outcome, WireEntry};

/// Longest note that the store keeps.
const RESIDUE_CHARS: usize = 64;
/// Lines of trace that a failure shows.
const TRACE_LINES: usize = 60;

/// Everything that came out of both sides, with its virtual time.
pub(super) struct Record {
    pub(super) seed: u64,
    pub(super) epoch: Instant,
    pub(super) events: Vec<(Duration, DriverEvent)>,
    pub(super) outcomes: BTreeMap<CommandId, Outcome>,
    /// Accepted and not answered yet.
    pub(super) open: BTreeSet<CommandId>,
    /// The present connection has given its snapshot.
    pub(super) online: bool,
    pub(super) state: Option<PanelState>,
    pub(super) ends: Vec<(Duration, DriverError)>,
    pub(super) happened: Vec<(Duration, Value)>,
    pub(super) wire: Vec<(Duration, WireEntry)>,
    pub(super) bytes_to_panel: u64,
    pub(super) secrets: Vec<String>,
    trace: VecDeque<(Duration, Line)>,
}

/// One line of trace, put into words only when a failure shows it.
pub(super) enum Line {
    Note(&'static str),
    Poke(String),
    Sent(Bytes),
    Received(Bytes),
    Command(CommandId, &'static str),
    Event(DriverEvent),
    Done(CommandId, Outcome),
    End(DriverError),
    Happened(Value),
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(text) => f.write_str(text),
            Self::Poke(words) => write!(f, "poke       {words}"),
            Self::Sent(bytes) => write!(f, "to panel   \"{}\"", bytes.escape_ascii()),
            Self::Received(bytes) => write!(f, "from panel \"{}\"", bytes.escape_ascii()),
            Self::Command(id, name) => write!(f, "command    {id} {name}"),
            Self::Event(DriverEvent::Snapshot(_)) => f.write_str("event      Snapshot(..)"),
            Self::Event(DriverEvent::Happened(event)) => write!(f, "event      {}", brief(event)),
            Self::Event(event) => write!(f, "event      {event:?}"),
            Self::Done(id, outcome) => write!(f, "outcome    {id} {outcome:?}"),
            Self::End(error) => write!(f, "end        {error}"),
            Self::Happened(value) => write!(f, "panel      {value}"),
        }
    }
}

/// The fields that are set, in one line.
fn brief(event: &PanelEvent) -> String {
    let PanelEvent { kind, origin, partition, zone, slot, lock, output, mode, trouble, text } = event;
    let fields = [
        partition.map(|partition| format!("partition {partition}")),
        zone.map(|zone| format!("zone {zone}")),
        slot.map(|slot| format!("slot {slot}")),
        lock.map(|lock| format!("lock {lock}")),
        output.map(|output| format!("output {output}")),
        mode.map(|mode| format!("{mode:?}")),
        trouble.map(|trouble| format!("{trouble:?}")),
        text.as_ref().map(|text| format!("{text:?}")),
    ];
    let fields: Vec<_> = fields.into_iter().flatten().collect();
    format!("{} ({origin:?}) {}", kind.name(), fields.join(", "))
}

impl Record {
    pub(super) fn new(seed: u64, epoch: Instant) -> Self {
        Self {
            seed,
            epoch,
            events: Vec::new(),
            outcomes: BTreeMap::new(),
            open: BTreeSet::new(),
            online: false,
            state: None,
            ends: Vec::new(),
            happened: Vec::new(),
            wire: Vec::new(),
            bytes_to_panel: 0,
            secrets: Vec::new(),
            trace: VecDeque::with_capacity(TRACE_LINES),
        }
    }

    pub(super) fn note(&mut self, now: Instant, line: Line) {
        if self.trace.len() == TRACE_LINES {
            self.trace.pop_front();
        }
        self.trace.push_back((now - self.epoch, line));
    }

    pub(super) fn fail(&self, now: Instant, what: impl Into<String>) -> Failure {
        let trace = self.trace.iter().map(|(at, line)| format!("{:>10.3} {line}", at.as_secs_f64())).collect();
        Failure { what: what.into(), seed: Some(self.seed), at: now - self.epoch, trace }
    }

    pub(super) fn accepted(&mut self, now: Instant, id: CommandId, command: &Command) {
        self.note(now, Line::Command(id, command.name()));
        self.open.insert(id);
    }

    pub(super) fn event(&mut self, now: Instant, event: DriverEvent) -> Result<(), Failure> {
        self.note(now, Line::Event(event.clone()));
        self.no_secret(now, &event)?;
        match &event {
            DriverEvent::Snapshot(state) => {
                self.online = true;
                self.state = Some(state.as_ref().clone());
            }
            DriverEvent::Happened(_) if !self.online => {
                return Err(self.fail(now, "an event came before the connection's first snapshot"));
            }
            DriverEvent::Happened(happened) => {
                if let Some(state) = &mut self.state {
                    state.apply(happened);
                }
            }
            DriverEvent::Residue(Some(note)) if note.0.chars().count() > RESIDUE_CHARS => {
                return Err(self.fail(now, format!("a residue is longer than {RESIDUE_CHARS} characters")));
            }
            _ => {}
        }
        self.events.push((now - self.epoch, event));
        Ok(())
    }

    pub(super) fn done(&mut self, now: Instant, id: CommandId, outcome: Outcome) -> Result<(), Failure> {
        self.note(now, Line::Done(id, outcome.clone()));
        self.no_secret(now, &outcome)?;
        if !self.open.remove(&id) {
            let why = if self.outcomes.contains_key(&id) { "answered twice" } else { "answered and never accepted" };
            return Err(self.fail(now, format!("command {id} was {why}")));
        }
        self.outcomes.insert(id, outcome);
        Ok(())
    }

    /// The connection is over.
    pub(super) fn ended(&mut self, now: Instant, error: DriverError) -> Result<(), Failure> {
        self.note(now, Line::End(error.clone()));
        self.no_secret(now, &error)?;
        self.ends.push((now - self.epoch, error));
        Ok(())
    }

    pub(super) fn wire(&mut self, now: Instant, entry: WireEntry) -> Result<(), Failure> {
        let shown = |secret: &String| {
            let secret = secret.as_bytes();
            !secret.is_empty() && entry.masked.windows(secret.len()).any(|window| window == secret)
        };
        if self.secrets.iter().any(shown) {
            return Err(self.fail(now, "a secret stands in the wire log"));
        }
        self.wire.push((now - self.epoch, entry));
        Ok(())
    }

    /// Secrets must not be found in what anybody may log.
    fn no_secret(&self, now: Instant, output: &impl fmt::Debug) -> Result<(), Failure> {
        if self.secrets.is_empty() {
            return Ok(());
        }
        match leak(output, self.secrets.iter().map(String::as_str)) {
            Some(_) => Err(self.fail(now, "a secret stands in an output")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use panel_model::PanelError;

    use super::*;
    use crate::clock;

    #[test]
    fn a_secret_in_an_output_breaks_the_rules() {
        let now = clock::now();
        let mut record = Record::new(1, now);
        record.secrets = vec!["4321".into()];
        record.open = BTreeSet::from([CommandId(1), CommandId(2)]);
        let failed = |text: &str| Outcome::Failed(PanelError::passing("x", text));
        assert!(record.done(now, CommandId(1), failed("the panel said no")).is_ok());
        let failure = record.done(now, CommandId(2), failed("the panel did not take 4321")).map_err(|f| f.what);
        assert_eq!(failure, Err("a secret stands in an output".to_owned()));
    }
}
