//! The wires: bytes in their order and at their time, both ways, with what a bad line does to them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use panel_driver::sim::{Hangup, Rng};

use super::hostile::Hostile;
use crate::codec::{Checksum, Frame};

pub(super) struct Line {
    /// On their way to the host.
    pieces: VecDeque<(Instant, Bytes)>,
    /// When the last of them is through.
    free_at: Option<Instant>,
    /// On their way to the panel.
    incoming: VecDeque<(Instant, Bytes)>,
    /// When the last of those is through.
    incoming_free_at: Option<Instant>,
    /// Serial speed; `None`: bytes take no time.
    pub(super) baud: Option<u32>,
    is_up: bool,
    hangup: Option<Hangup>,
    rng: Rng,
}

/// More than the longest answer; what comes on top is lost, as with a real buffer.
const MOST_PIECES: usize = 4096;
/// How long the line stays down after it broke in the middle of a frame.
const BROKEN: Duration = Duration::from_secs(2);
/// How long frames are held so that others stick to them.
const HELD: Duration = Duration::from_millis(60);
/// F1 as PowerMax+ panels send it, its checksum wrong; `07`, `1F`; a type that nobody knows; a camera's word.
const UNHEARD_OF: [&[u8]; 5] = [
    &[0x0D, 0xF1, 0x07, 0x43, 0x00, 0x00, 0x8B, 0x56, 0x0A],
    &[0x0D, 0x07, 0xF8, 0x0A],
    &[0x0D, 0x1F, 0xE0, 0x0A],
    &[0x0D, 0x5B, 0x0D, 0x0A, 0x43, 0x4A, 0x0A],
    &[0x0D, 0xF4, 0x01, 0x00, 0x00, 0x00, 0xE4, 0xC0, 0x0A],
];

impl Line {
    pub(super) fn new(baud: Option<u32>, seed: u64) -> Self {
        Self {
            pieces: VecDeque::new(),
            free_at: None,
            incoming: VecDeque::new(),
            incoming_free_at: None,
            baud,
            is_up: false,
            hangup: None,
            // Not the panel's numbers: what the line does must not change what the panel does.
            rng: Rng::new(seed ^ 0x0D0A_11E5),
        }
    }

    pub(super) fn connect(&mut self) {
        self.disconnect();
        self.is_up = true;
    }

    pub(super) fn disconnect(&mut self) {
        self.pieces.clear();
        self.incoming.clear();
        (self.free_at, self.incoming_free_at) = (None, None);
        self.hangup = None;
        self.is_up = false;
    }

    /// Somebody is there to hear.
    pub(super) fn is_up(&self) -> bool {
        self.is_up
    }

    /// Closes the connection as it stands; also when nobody is connected: the cable is out.
    pub(super) fn cut(&mut self, down: Duration) {
        self.pieces.clear();
        self.is_up = false;
        self.hangup = Some(Hangup { down });
    }

    pub(super) fn take_hangup(&mut self) -> Option<Hangup> {
        if self.pieces.is_empty() { self.hangup.take() } else { None }
    }

    /// Sends a frame; whether it went out.
    pub(super) fn send(&mut self, now: Instant, hostile: &mut Hostile, frame: &Frame) -> bool {
        if !self.is_up || hostile.mute || self.pieces.len() >= MOST_PIECES {
            return false;
        }
        if hostile.noise && self.rng.one_in(3) {
            let noise = self.noise();
            self.push(now, hostile, noise);
        }
        if hostile.unknown_frames && self.rng.one_in(4) {
            let pick = usize::try_from(self.rng.below(UNHEARD_OF.len() as u64)).unwrap_or(0);
            let stray = UNHEARD_OF.get(pick).copied().unwrap_or_default();
            self.push(now, hostile, stray.to_vec());
        }
        let mut bytes = self.bytes_of(hostile, frame);
        if hostile.drop_after == Some(0) {
            hostile.drop_after = None;
            bytes.truncate(bytes.len() / 2);
            self.push(now, hostile, bytes);
            self.is_up = false;
            self.hangup = Some(Hangup { down: BROKEN });
            return false;
        }
        hostile.drop_after = hostile.drop_after.map(|left| left - 1);
        self.push(now, hostile, bytes);
        true
    }

    fn bytes_of(&mut self, hostile: &Hostile, frame: &Frame) -> Vec<u8> {
        let mut payload = frame.payload().to_vec();
        if hostile.short_blocks {
            self.shorten(&mut payload);
        }
        let checksum = if hostile.other_checksum { Checksum::PlusOne } else { frame.checksum() };
        let mut bytes = Frame::new(payload).with_checksum(checksum).encode().to_vec();
        if self.rng.one_in(hostile.bad_checksums.into())
            && let Some(checksum) = bytes.iter_mut().rev().nth(1)
        {
            *checksum ^= 0x80;
        }
        bytes
    }

    /// Some blocks lack up to five bytes at their end, some B0 their counter.
    fn shorten(&mut self, payload: &mut Vec<u8>) {
        match payload.as_slice() {
            [0x3F, _, _, length, ..] if *length > 5 && self.rng.one_in(2) => {
                let lack = usize::try_from(1 + self.rng.below(5)).unwrap_or(1);
                payload.truncate(payload.len() - lack);
            }
            [0xB0, 0x03, sub, ..] if *sub != 0x06 && self.rng.one_in(4) => {
                payload.remove(payload.len() - 2);
            }
            _ => {}
        }
    }

    fn noise(&mut self) -> Vec<u8> {
        let count = 1 + self.rng.below(12);
        let mut noise: Vec<u8> = (0..count).map(|_| self.rng.next_u64().to_le_bytes()[0]).collect();
        if self.rng.one_in(3) {
            // What looks like the beginning of a frame.
            noise.extend_from_slice(&[0x0D, if self.rng.one_in(2) { 0x00 } else { 0xFD }]);
        }
        noise
    }

    fn push(&mut self, now: Instant, hostile: &Hostile, mut bytes: Vec<u8>) {
        if hostile.garbled {
            bytes.iter_mut().for_each(|byte| *byte = self.rng.next_u64().to_le_bytes()[0]);
        }
        let length = if hostile.bytewise { 1 } else { bytes.len() };
        for piece in bytes.chunks(length.max(1)) {
            let start = self.free_at.map_or(now, |free| free.max(now));
            let gap = if hostile.bytewise { self.rng.between(MS, 6 * MS) } else { Duration::ZERO };
            let through = start + gap + self.time_on_line(piece.len());
            self.free_at = Some(through);
            match self.pieces.back_mut() {
                Some((due, held)) if hostile.coalesce && held.len() < 400 => {
                    *held = Bytes::from([held, piece].concat());
                    *due = (*due).max(through);
                }
                _ => {
                    let held = if hostile.coalesce { HELD } else { Duration::ZERO };
                    self.pieces.push_back((through + held, Bytes::copy_from_slice(piece)));
                }
            }
        }
    }

    /// When a frame that is sent now begins to go out.
    pub(super) fn free_at(&self, now: Instant) -> Instant {
        self.free_at.map_or(now, |free| free.max(now))
    }

    /// One start bit, eight data bits, one stop bit.
    fn time_on_line(&self, bytes: usize) -> Duration {
        match (self.baud, u64::try_from(bytes)) {
            (Some(baud), Ok(bytes)) if baud > 0 => Duration::from_micros(bytes * 10_000_000 / u64::from(baud)),
            _ => Duration::ZERO,
        }
    }

    /// Bytes come from the host. The panel has them when the last is through.
    pub(super) fn receive(&mut self, now: Instant, bytes: &[u8]) {
        if self.is_up && self.incoming.len() < MOST_PIECES {
            let start = self.incoming_free_at.map_or(now, |free| free.max(now));
            let through = start + self.time_on_line(bytes.len());
            self.incoming_free_at = Some(through);
            self.incoming.push_back((through, Bytes::copy_from_slice(bytes)));
        }
    }

    pub(super) fn incoming_due(&self) -> Option<Instant> {
        self.incoming.front().map(|(due, _)| *due)
    }

    pub(super) fn pop_incoming(&mut self) -> Option<Bytes> {
        self.incoming.pop_front().map(|(_, bytes)| bytes)
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.pieces.front().map(|(due, _)| *due)
    }

    pub(super) fn poll(&mut self, now: Instant) -> Option<Bytes> {
        self.next_due().filter(|due| *due <= now)?;
        self.pieces.pop_front().map(|(_, bytes)| bytes)
    }
}

const MS: Duration = Duration::from_millis(1);
