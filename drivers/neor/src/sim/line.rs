//! The way out: frames become packets, packets become bytes at their time, with what a bad line does to them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use panel_driver::sim::{Hangup, Rng};

use super::dialect::{Dialect, PaddingKind, Segments};
use super::hostile::Hostile;
use crate::codec::crypto::BLOCK;
use crate::codec::{Key, Padding, RandomStream, encode_frame, encode_tlink};

pub(super) struct Line {
    header: String,
    pieces: VecDeque<(Instant, Bytes)>,
    /// When the last piece is through.
    free_at: Option<Instant>,
    is_up: bool,
    hangup: Option<Hangup>,
    packets: u32,
    /// What the last frame left in the buffer.
    leftover: Vec<u8>,
    /// An old packet, for those who replay it.
    old: Option<Vec<u8>>,
    rng: Rng,
    random: RandomStream,
}

/// More than a full replay; what comes on top is lost.
const MOST_PIECES: usize = 8192;
/// How long the line stays down after it broke in the middle of a packet.
const BROKEN: Duration = Duration::from_secs(2);
/// For how long what is sent comes together in one segment.
const TOGETHER: Duration = Duration::from_millis(5);
/// After so many packets a header changes.
const STEADY: u32 = 8;

impl Line {
    pub(super) fn new(header: String, seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x4E45_4F52);
        let mut random = [0; 32];
        for chunk in random.chunks_mut(8) {
            chunk.copy_from_slice(&rng.next_u64().to_be_bytes());
        }
        Self {
            header,
            pieces: VecDeque::new(),
            free_at: None,
            is_up: false,
            hangup: None,
            packets: 0,
            leftover: Vec::new(),
            old: None,
            rng,
            random: RandomStream::new(&random),
        }
    }

    pub(super) fn connect(&mut self) {
        self.disconnect();
        self.hangup = None;
        self.is_up = true;
    }

    /// Nobody hears any more. A hang-up that is under way stands: it says when the panel dials again.
    pub(super) fn disconnect(&mut self) {
        self.pieces.clear();
        self.free_at = None;
        self.is_up = false;
        self.packets = 0;
        self.old = None;
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

    /// Closes the connection as it stands, or keeps it from coming about.
    pub(super) fn cut(&mut self, down: Duration) {
        self.pieces.clear();
        self.is_up = false;
        self.hangup = Some(Hangup { down });
    }

    pub(super) fn take_hangup(&mut self) -> Option<Hangup> {
        if self.pieces.is_empty() { self.hangup.take() } else { None }
    }

    /// Random material for keys.
    pub(super) fn random(&mut self) -> &mut RandomStream {
        &mut self.random
    }

    pub(super) fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// Sends one packet's data.
    pub(super) fn send(&mut self, now: Instant, data: &[u8], key: Option<&Key>, dialect: &Dialect, hostile: &Hostile) {
        if !self.is_up || hostile.mute || self.pieces.len() >= MOST_PIECES {
            return;
        }
        let packet = self.packet(data, key, dialect, hostile);
        if hostile.noise && self.rng.one_in(3) {
            let noise: Vec<u8> = (0..1 + self.rng.below(12)).map(|_| self.rng.next_u64().to_le_bytes()[0]).collect();
            // Without an end of its own the noise would take the packet with it; the field does both.
            let end: &[u8] = if self.rng.one_in(4) { &[] } else { &[0x7F] };
            self.push(now, [&noise, end].concat(), dialect, hostile);
        }
        if hostile.drop_after.is_some_and(|after| self.packets > after) {
            let half = packet.len() / 2;
            self.push(now, packet.into_iter().take(half).collect(), dialect, hostile);
            self.hang_up(BROKEN);
            return;
        }
        if hostile.repeats {
            self.push(now, packet.clone(), dialect, hostile);
        }
        self.push(now, packet.clone(), dialect, hostile);
        if self.rng.one_in(hostile.replays_sequence.into())
            && let Some(old) = self.old.take()
        {
            self.push(now, old, dialect, hostile);
        } else if self.rng.one_in(3) {
            self.old = Some(packet);
        }
    }

    fn packet(&mut self, data: &[u8], key: Option<&Key>, dialect: &Dialect, hostile: &Hostile) -> Vec<u8> {
        self.packets += 1;
        let mut frame = encode_frame(data);
        if self.rng.one_in(hostile.bad_crc.into())
            && let Some(last) = frame.last_mut()
        {
            *last ^= 0x55;
        }
        let mut payload = match key {
            Some(key) => self.seal(frame, key, dialect.padding),
            None => frame,
        };
        if key.is_some() && self.rng.one_in(hostile.bad_blocks.into()) {
            payload.pop();
        }
        let mut packet = encode_tlink(self.header_now(hostile).as_bytes(), &payload);
        if self.rng.one_in(hostile.bad_stuffing.into()) {
            let end = packet.len() - 1;
            packet.splice(end..end, [0x7D, 0x55]);
        }
        packet
    }

    fn seal(&mut self, mut frame: Vec<u8>, key: &Key, padding: PaddingKind) -> Vec<u8> {
        match padding {
            PaddingKind::Zero => key.seal(frame, Padding::Zeros),
            PaddingKind::Random => key.seal(frame, Padding::Random(&mut self.random)),
            PaddingKind::Leftover => {
                let filled = frame.len();
                let whole = filled.next_multiple_of(BLOCK);
                let left = self.leftover.get(filled..).unwrap_or_default().iter().copied();
                frame.extend(left.chain(std::iter::repeat(0)).take(whole - filled));
                self.leftover.clone_from(&frame);
                key.seal(frame, Padding::Zeros)
            }
        }
    }

    fn header_now(&self, hostile: &Hostile) -> String {
        let another = hostile.wrong_id || (hostile.changing_id && self.packets > STEADY);
        if another { neighbour(&self.header) } else { self.header.clone() }
    }

    /// Bytes as they are.
    pub(super) fn push(&mut self, now: Instant, bytes: Vec<u8>, dialect: &Dialect, hostile: &Hostile) {
        if hostile.mute {
            return;
        }
        let mut rest = Bytes::from(bytes);
        while !rest.is_empty() {
            let (size, gap) = match dialect.segments {
                _ if !hostile.slow_loris.is_zero() => (1, hostile.slow_loris),
                Segments::Split => {
                    let gap = self.rng.between(Duration::ZERO, Duration::from_millis(3));
                    (1 + self.rng.below(24), gap)
                }
                Segments::Whole | Segments::Joined => (u64::MAX, Duration::ZERO),
            };
            let size = usize::try_from(size).unwrap_or(usize::MAX).min(rest.len());
            let start = self.free_at.map_or(now, |free| free.max(now));
            let due = match (dialect.segments, self.pieces.back()) {
                (Segments::Joined, Some((due, _))) if *due > now => *due,
                (Segments::Joined, _) => start.max(now + TOGETHER),
                _ => start + gap,
            };
            self.free_at = Some(due);
            self.pieces.push_back((due, rest.split_to(size)));
        }
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.pieces.front().map(|(due, _)| *due)
    }

    /// What is due, several packets of one instant in one segment where they are to be joined.
    pub(super) fn poll(&mut self, now: Instant, segments: Segments) -> Option<Bytes> {
        let due = self.next_due().filter(|due| *due <= now)?;
        let (_, first) = self.pieces.pop_front()?;
        if segments != Segments::Joined {
            return Some(first);
        }
        let mut all = first.to_vec();
        while self.next_due() == Some(due) {
            all.extend(self.pieces.pop_front().map(|(_, piece)| piece).unwrap_or_default());
        }
        Some(all.into())
    }
}

/// Another identifier.
fn neighbour(id: &str) -> String {
    let (head, last) = id.split_at(id.len().saturating_sub(1));
    format!("{head}{}", if last == "0" { '1' } else { '0' })
}
