//! What both modules have in common: commands in, one at a time, acknowledgements and signals out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::line::Line;
use super::panel::Panel;
use super::signal::Signal;
use crate::codec::{ChecksumCase, Decoder, Frame, FrameError};
use crate::message::ModuleMessage;

/// The client's side of the panel.
pub(super) trait Front: Send {
    fn connect(&mut self, now: Instant, panel: &mut Panel);
    fn disconnect(&mut self);
    fn receive(&mut self, now: Instant, panel: &mut Panel, bytes: &[u8]);
    fn next_due(&self) -> Option<Instant>;
    /// Does the first thing that is due.
    fn run_due(&mut self, now: Instant, panel: &mut Panel);
    /// Says what happened, if it has a message and somebody is to hear it; whether it did.
    fn tell(&mut self, now: Instant, panel: &mut Panel, signal: &Signal) -> bool;
    /// Sends a message, if the line and the module's state let it through; whether they did.
    fn send(&mut self, now: Instant, panel: &mut Panel, message: &ModuleMessage) -> bool;
    /// Sends some messages; whether any went out.
    fn send_all(&mut self, now: Instant, panel: &mut Panel, messages: &[ModuleMessage]) -> bool {
        let mut sent = false;
        for message in messages {
            sent |= self.send(now, panel, message);
        }
        sent
    }
    /// All signals of a step are told.
    fn finish(&mut self, now: Instant, panel: &mut Panel);
    fn reboot(&mut self, now: Instant, panel: &mut Panel);
    fn line(&mut self) -> &mut Line;
    fn line_due(&self) -> Option<Instant>;
    /// `none`, `connected` or `logged_in`.
    fn client(&self) -> &'static str;
}

/// Commands on their way in.
pub(super) struct Inbox {
    decoder: Decoder,
    waiting: VecDeque<Result<Frame, FrameError>>,
}

/// What a module makes of bytes.
pub(super) enum Arrival {
    /// The first command to wait: answer it after this time.
    Open(Duration),
    /// Another one; it waits behind the first.
    Queued,
    /// No room for it.
    Overrun,
}

impl Inbox {
    /// A real Envisalink refuses lower-case checksums, so simulated modules do.
    pub(super) fn new() -> Self {
        Self { decoder: Decoder::new(ChecksumCase::UpperOnly), waiting: VecDeque::new() }
    }

    pub(super) fn clear(&mut self) {
        self.decoder.drop_partial();
        self.waiting.clear();
    }

    /// Takes the next command out of `bytes`; `None` when they are used up. `room`: how many may be there at a time.
    pub(super) fn arrive(&mut self, bytes: &mut &[u8], room: usize, panel: &mut Panel, line: &Line) -> Option<Arrival> {
        let before = bytes.len();
        let read = self.decoder.decode(bytes)?;
        let length = before - bytes.len();
        if self.waiting.len() >= room {
            return Some(Arrival::Overrun);
        }
        self.waiting.push_back(read);
        let first = self.waiting.len() == 1;
        Some(if first { Arrival::Open(answer_delay(panel) + line.time_on_line(length)) } else { Arrival::Queued })
    }

    pub(super) fn next(&mut self) -> Option<Result<Frame, FrameError>> {
        self.waiting.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn has_half_a_line(&self) -> bool {
        self.decoder.has_partial()
    }

    pub(super) fn drop_half_a_line(&mut self) {
        self.decoder.drop_partial();
    }
}

/// How long the module thinks about a command.
pub(super) fn answer_delay(panel: &mut Panel) -> Duration {
    let (low, high) = panel.timings.ack;
    panel.rng.between(low, high) + panel.hostile.slow_ack
}
