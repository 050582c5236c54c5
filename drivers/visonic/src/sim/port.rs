//! The PowerLink port: commands in, one at a time; acknowledgements, answers and news out, repeated until they are
//! acknowledged (dossier 2.6).

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use panel_driver::sim::{Agenda, later};
use serde_json::json;

use super::hostile::spend;
use super::line::Line;
use super::options::SimConfig;
use super::out::{Outgoing, Unanswered};
use super::panel::Panel;
use super::signal::{Signal, Trouble};
use super::snapshot::LineState;
use crate::codec::{Checksum, Decoder, Frame, TERMINATOR};
use crate::message::{Form, HostMessage, PanelMessage};

/// Things that the port does by and by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    KeepAlive,
    /// The panel asks to be enrolled.
    EnrolRequest,
    DownloadIdle,
    /// What is there of a frame will not become whole.
    HalfFrame,
    BootOver,
    /// Somebody else on the port says something.
    SecondHost,
    Flood,
    /// The next of the pages that never end.
    EndlessPage,
}

pub(super) struct Download {
    /// Blocks that it brought.
    pub(super) blocks: u32,
}

pub(super) struct Port {
    pub(super) line: Line,
    decoder: Decoder,
    /// Commands that the panel thinks about; the first one until then.
    inbox: VecDeque<Frame>,
    thinks_until: Option<Instant>,
    pub(super) out: VecDeque<Outgoing>,
    /// The first of `out` goes at this time.
    pub(super) out_at: Option<Instant>,
    pub(super) unanswered: Option<Unanswered>,
    pub(super) timers: Agenda<Timer>,
    pub(super) download: Option<Download>,
    /// The code of the enrolled PowerLink.
    pub(super) powerlink: Option<[u8; 2]>,
    /// The panel asked to be enrolled: it takes any code now.
    pub(super) invited: bool,
    /// Keep-alives run; how many of them nobody answered.
    pub(super) alive: Option<u8>,
    /// Counts B0 answers, 01 to FF.
    pub(super) counter: u8,
    /// Sub-types whose content changed in this step.
    pub(super) news: BTreeSet<u8>,
    /// An acknowledgement that goes behind the answer.
    pub(super) late_ack: Option<Form>,
    second_step: u8,
    commands: u64,
    last_command: Option<Instant>,
    shortest_gap: Option<Duration>,
}

/// Commands that wait while the panel thinks; a further one is lost.
const MOST_COMMANDS: usize = 8;
/// Keep-alives without an answer until the panel gives the link up.
const MOST_MISSED: u8 = 3;

impl Port {
    pub(super) fn new(config: &SimConfig) -> Self {
        Self {
            line: Line::new(config.timings.baud, config.seed),
            decoder: Decoder::default(),
            inbox: VecDeque::new(),
            thinks_until: None,
            out: VecDeque::new(),
            out_at: None,
            unanswered: None,
            timers: Agenda::new(),
            download: None,
            powerlink: None,
            invited: false,
            alive: None,
            counter: 0,
            news: BTreeSet::new(),
            late_ack: None,
            second_step: 0,
            commands: 0,
            last_command: None,
            shortest_gap: None,
        }
    }

    /// The panel begins to live; a PowerLink may be enrolled already.
    pub(super) fn start(&mut self, now: Instant, panel: &Panel, enrolled: bool) {
        if enrolled {
            self.powerlink = Some(panel.eeprom.code(super::eeprom::CODES + 4));
            self.alive = Some(0);
            self.timers.put(later(now, panel.timings.keep_alive), Timer::KeepAlive);
        }
        if panel.hostile.second_host {
            self.timers.put(later(now, SECOND_HOST_PAUSE), Timer::SecondHost);
        }
        if panel.hostile.flood {
            self.timers.put(later(now, panel.timings.second), Timer::Flood);
        }
    }

    pub(super) fn connect(&mut self) {
        self.forget_talk();
        self.line.connect();
    }

    pub(super) fn disconnect(&mut self) {
        self.forget_talk();
        self.line.disconnect();
    }

    /// A cable that is out loses what was on it. Download mode and enrolment are the panel's and stay.
    fn forget_talk(&mut self) {
        self.decoder.clear();
        self.inbox.clear();
        self.thinks_until = None;
        self.out.clear();
        self.out_at = None;
        self.unanswered = None;
        self.timers.cancel(&Timer::HalfFrame);
    }

    /// Power was cut: nothing of the talk is left, and for a while nobody is at home.
    pub(super) fn reboot(&mut self, now: Instant, panel: &Panel) {
        self.forget_talk();
        self.timers.clear();
        (self.download, self.invited, self.alive) = (None, false, None);
        self.line.baud = panel.timings.baud;
        self.timers.put(later(now, panel.timings.boot), Timer::BootOver);
        if panel.hostile.second_host {
            self.timers.put(later(now, SECOND_HOST_PAUSE), Timer::SecondHost);
        }
    }

    pub(super) fn is_booting(&self) -> bool {
        self.timers.has(&Timer::BootOver)
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        let until = self.unanswered.as_ref().map(|unanswered| unanswered.until);
        let dues = [self.line.incoming_due(), self.thinks_until, self.next_out(), until, self.timers.next_due()];
        dues.into_iter().flatten().min()
    }

    /// Does the first thing that is due.
    pub(super) fn run_due(&mut self, now: Instant, panel: &mut Panel) {
        if self.line.incoming_due().is_some_and(|due| due <= now) {
            return self.hear(now, panel);
        }
        if self.thinks_until.is_some_and(|until| until <= now) {
            return self.answer_next(now, panel);
        }
        if self.unanswered.as_ref().is_some_and(|unanswered| unanswered.until <= now) {
            return self.repeat(now, panel);
        }
        if self.next_out().is_some_and(|at| at <= now) {
            return self.send_next(now, panel);
        }
        match self.timers.pop_due(now) {
            Some(Timer::KeepAlive) => self.keep_alive(now, panel),
            Some(Timer::EnrolRequest) => self.ask_to_be_enrolled(now, panel),
            Some(Timer::DownloadIdle) => self.download_timed_out(now, panel),
            Some(Timer::HalfFrame) => self.give_up_half_frame(now, panel),
            Some(Timer::BootOver) => self.boot_over(now, panel),
            Some(Timer::SecondHost) => self.second_host(now, panel),
            Some(Timer::Flood) => self.flood(now, panel),
            Some(Timer::EndlessPage) => self.endless_page(now, panel),
            None => {}
        }
    }

    /// Bytes are through.
    fn hear(&mut self, now: Instant, panel: &mut Panel) {
        let Some(bytes) = self.line.pop_incoming() else { return };
        if self.is_booting() || panel.hostile.garbled {
            return;
        }
        self.decoder.push(&bytes);
        while let Some(read) = self.decoder.next_frame() {
            match read {
                // Only hosts forgive a checksum that is one too low.
                Ok(frame) if frame.checksum() != Checksum::MinusOne => self.heard(now, panel, frame),
                _ => panel.signal(Signal::watch(json!({"event": "bad_frame"}))),
            }
        }
        if self.decoder.has_partial() {
            self.timers.put(later(now, panel.timings.half_frame), Timer::HalfFrame);
        } else {
            self.timers.cancel(&Timer::HalfFrame);
        }
    }

    fn give_up_half_frame(&mut self, now: Instant, panel: &mut Panel) {
        panel.signal(Signal::watch(json!({"event": "bad_frame"})));
        while let Some(read) = self.decoder.after_silence() {
            if let Ok(frame) = read {
                self.heard(now, panel, frame);
            }
        }
    }

    fn heard(&mut self, now: Instant, panel: &mut Panel, frame: Frame) {
        // Whatever it is, somebody is there.
        self.alive = self.alive.map(|_| 0);
        if matches!(HostMessage::decode(&frame), Ok(HostMessage::Ack(_))) {
            return self.acknowledged(now);
        }
        let gap = self.last_command.replace(now).map(|last| now.saturating_duration_since(last));
        self.commands += 1;
        self.shortest_gap = self.shortest_gap.into_iter().chain(gap).min();
        if gap.is_some_and(|gap| gap < panel.hostile.min_gap)
            || spend(&mut panel.hostile.lose_commands)
            || self.inbox.len() >= MOST_COMMANDS
        {
            return panel.signal(Signal::watch(json!({"event": "command_lost"})));
        }
        self.inbox.push_back(frame);
        if self.thinks_until.is_none() {
            self.thinks_until = Some(now + think_time(panel));
        }
    }

    fn acknowledged(&mut self, now: Instant) {
        if self.unanswered.take().is_some() {
            self.plan_next(now);
        }
    }

    fn answer_next(&mut self, now: Instant, panel: &mut Panel) {
        let Some(frame) = self.inbox.pop_front() else { return };
        self.thinks_until = Some(now + think_time(panel)).filter(|_| !self.inbox.is_empty());
        self.answer(now, panel, &frame);
    }

    /// How a command is acknowledged or denied: by whether it has the terminator.
    pub(super) fn form_of(frame: &Frame) -> Form {
        if frame.payload().last() == Some(&TERMINATOR) { Form::PowerLink } else { Form::Plain }
    }

    /// `AB 03`, while a PowerLink is enrolled. Three that nobody answered, and the panel gives it up for lost.
    fn keep_alive(&mut self, now: Instant, panel: &mut Panel) {
        let Some(missed) = self.alive else { return };
        if missed >= MOST_MISSED {
            self.alive = None;
            panel.signal(Signal::watch(json!({"event": "powerlink_lost"})));
            panel.set_trouble(Trouble::PowerLink, true);
            return;
        }
        self.alive = Some(missed + 1);
        self.timers.put(later(now, panel.timings.keep_alive), Timer::KeepAlive);
        if !panel.hostile.no_keep_alive {
            self.reply(now, panel, super::host::keep_alive(panel.model));
        }
    }

    /// The host took the link up again.
    pub(super) fn revive(&mut self, now: Instant, panel: &mut Panel) {
        if self.powerlink.is_none() {
            return;
        }
        if self.alive.replace(0).is_none() {
            self.timers.put(later(now, panel.timings.data.1), Timer::KeepAlive);
            panel.signal(Signal::watch(json!({"event": "powerlink_up"})));
        }
        panel.set_trouble(Trouble::PowerLink, false);
    }

    pub(super) fn ask_to_be_enrolled(&mut self, now: Instant, panel: &mut Panel) {
        self.invited = true;
        panel.signal(Signal::watch(json!({"event": "enrol_request"})));
        self.reply(now, panel, PanelMessage::EnrolRequest);
    }

    fn boot_over(&mut self, now: Instant, panel: &mut Panel) {
        panel.reboot();
        if self.powerlink.is_some() {
            self.alive = Some(0);
            self.timers.put(later(now, panel.timings.keep_alive), Timer::KeepAlive);
        }
    }

    /// The other host on the port: what the panel answers it comes our way, and it acknowledges what we should.
    fn second_host(&mut self, now: Instant, panel: &mut Panel) {
        if !panel.hostile.second_host {
            return;
        }
        self.timers.put(later(now, SECOND_HOST_PAUSE), Timer::SecondHost);
        self.acknowledged(now);
        self.second_step = (self.second_step + 1) % 6;
        let code = crate::message::WireCode::from_bytes(panel.eeprom.code(super::eeprom::CODES + 4));
        let message = match self.second_step {
            1 => HostMessage::EnterDownload(code),
            2 => HostMessage::ReadEeprom { address: 0x0400, length: 0x20 },
            3 => HostMessage::ExitDownload,
            4 => HostMessage::GetStatus(0x08),
            _ => HostMessage::Alive,
        };
        self.answer(now, panel, &message.encode());
    }

    pub(super) fn line_state(&self) -> LineState {
        let client = match (self.line.is_up(), &self.download, self.alive) {
            (false, _, _) => "none",
            (_, Some(_), _) => "download",
            (_, _, Some(_)) => "powerlink",
            _ => "connected",
        };
        LineState {
            client,
            enrolled: self.powerlink.is_some(),
            commands: self.commands,
            shortest_gap_ms: self.shortest_gap.and_then(|gap| u64::try_from(gap.as_millis()).ok()),
            baud: self.line.baud,
        }
    }
}

pub(super) const SECOND_HOST_PAUSE: Duration = Duration::from_millis(700);

/// How long the panel thinks about a command.
fn think_time(panel: &mut Panel) -> Duration {
    let (low, high) = panel.timings.ack;
    panel.rng.between(low, high) + panel.hostile.slow_ack
}
