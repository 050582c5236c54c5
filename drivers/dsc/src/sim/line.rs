//! The way out to the client: frames in their order and at their time, with what a bad line does to them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use panel_driver::sim::Hangup;

use super::panel::Panel;
use crate::codec::{Frame, Number};
use crate::message::ModuleMessage;
use panel_driver::sim::Rng;

pub(super) struct Line {
    pieces: VecDeque<(Instant, Bytes)>,
    /// When the last piece is through.
    free_at: Option<Instant>,
    /// Serial speed; `None`: bytes take no time.
    pub(super) baud: Option<u32>,
    pub(super) timestamps: bool,
    is_up: bool,
    hangup: Option<Hangup>,
    rng: Rng,
}

/// More than a full status report with all labels; what comes on top is lost, as with a real buffer.
const MOST_PIECES: usize = 4096;
/// How long the line stays down after it broke in the middle of a frame.
const BROKEN: Duration = Duration::from_secs(2);
/// Numbers that no document names.
const UNHEARD_OF: [u16; 4] = [599, 699, 876, 999];

impl Line {
    pub(super) fn new(baud: Option<u32>, seed: u64) -> Self {
        Self {
            pieces: VecDeque::new(),
            free_at: None,
            baud,
            timestamps: false,
            is_up: false,
            hangup: None,
            // Not the panel's numbers: what the line does must not change what the panel does.
            rng: Rng::new(seed ^ 0xD5C0_11E5),
        }
    }

    pub(super) fn connect(&mut self) {
        self.disconnect();
        self.is_up = true;
    }

    pub(super) fn disconnect(&mut self) {
        self.pieces.clear();
        self.free_at = None;
        self.hangup = None;
        self.is_up = false;
    }

    /// Somebody is there to hear.
    pub(super) fn is_up(&self) -> bool {
        self.is_up
    }

    /// Closes the connection once everything is out.
    pub(super) fn hang_up(&mut self, down: Duration) {
        if self.is_up {
            self.is_up = false;
            self.hangup = Some(Hangup { down });
        }
    }

    /// Closes the connection as it stands.
    pub(super) fn cut(&mut self, down: Duration) {
        self.pieces.clear();
        // Also when nobody is connected: the cable is out.
        self.is_up = false;
        self.hangup = Some(Hangup { down });
    }

    pub(super) fn take_hangup(&mut self) -> Option<Hangup> {
        if self.pieces.is_empty() { self.hangup.take() } else { None }
    }

    /// Sends a message; whether it went out.
    pub(super) fn send(&mut self, now: Instant, panel: &mut Panel, message: &ModuleMessage) -> bool {
        self.send_frame(now, panel, &message.encode())
    }

    pub(super) fn send_frame(&mut self, now: Instant, panel: &mut Panel, frame: &Frame) -> bool {
        if !self.is_up || panel.hostile.mute || self.pieces.len() >= MOST_PIECES {
            return false;
        }
        if panel.hostile.unknown_codes && self.rng.one_in(4) {
            let pick = usize::try_from(self.rng.below(4)).unwrap_or(0);
            if let Some(number) = UNHEARD_OF.get(pick).copied().and_then(Number::new) {
                self.push(now, panel, Frame::new(number, b"0815".to_vec()).encode().to_vec());
            }
        }
        let line = self.line_of(now, panel, frame);
        match panel.hostile.drop_after {
            Some(0) => {
                panel.hostile.drop_after = None;
                let half = line.len() / 2;
                self.push(now, panel, line.into_iter().take(half).collect());
                self.hang_up(BROKEN);
                return false;
            }
            Some(left) => panel.hostile.drop_after = Some(left - 1),
            None => {}
        }
        self.push(now, panel, line);
        true
    }

    fn line_of(&mut self, now: Instant, panel: &Panel, frame: &Frame) -> Vec<u8> {
        let hostile = &panel.hostile;
        let mut line = Vec::new();
        if hostile.noise && self.rng.one_in(3) {
            let count = 1 + self.rng.below(12);
            line.extend((0..count).map(|_| self.rng.next_u64().to_le_bytes()[0]).filter(|b| !b.is_ascii_digit()));
            line.extend_from_slice(b"\r\n");
        }
        if self.timestamps || hostile.timestamps {
            line.extend_from_slice(panel.clock.stamp(now).as_bytes());
        }
        line.extend_from_slice(&frame.encode());
        if self.rng.one_in(hostile.bad_checksums.into()) {
            // The last digit of the checksum, before CR LF.
            if let Some(digit) = line.iter_mut().rev().nth(2) {
                *digit = if *digit == b'0' { b'1' } else { b'0' };
            }
        }
        if hostile.bare_cr && self.rng.one_in(3) {
            line.pop();
        }
        line
    }

    fn push(&mut self, now: Instant, panel: &Panel, line: Vec<u8>) {
        let mut rest = Bytes::from(line);
        while !rest.is_empty() {
            let mut gap = Duration::ZERO;
            let mut piece = rest.len();
            if panel.hostile.split_writes {
                let most = u64::try_from(rest.len()).unwrap_or(1);
                piece = usize::try_from(1 + self.rng.below(most)).unwrap_or(1).min(rest.len());
                gap = self.rng.between(Duration::from_millis(1), Duration::from_millis(15));
            }
            let bytes = rest.split_to(piece);
            let start = self.free_at.map_or(now, |free| free.max(now));
            let due = start + gap + self.time_on_line(bytes.len());
            self.free_at = Some(due);
            self.pieces.push_back((due, bytes));
        }
    }

    /// One start bit, eight data bits, one stop bit.
    pub(super) fn time_on_line(&self, bytes: usize) -> Duration {
        match (self.baud, u64::try_from(bytes)) {
            (Some(baud), Ok(bytes)) if baud > 0 => Duration::from_micros(bytes * 10_000_000 / u64::from(baud)),
            _ => Duration::ZERO,
        }
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.pieces.front().map(|(due, _)| *due)
    }

    pub(super) fn poll(&mut self, now: Instant) -> Option<Bytes> {
        self.next_due().filter(|due| *due <= now)?;
        self.pieces.pop_front().map(|(_, bytes)| bytes)
    }
}
