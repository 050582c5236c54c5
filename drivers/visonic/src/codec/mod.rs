//! Bytes to checked frames and back: `0D`, payload, checksum, `0A` [doc F]. Nothing is escaped: both end bytes may
//! stand inside, so a frame is found by the length that its type has (`length.rs`) and by its checksum.
//!
//! Holds no clock and no meaning. Whoever has the clock tells of pauses ([`Decoder::after_pause`],
//! [`Decoder::after_silence`]), because some panels send less than they announce.

mod length;

use std::fmt;

use bytes::Bytes;
use zeroize::Zeroizing;

use length::{Measure, measure};

/// First byte of every frame.
pub const START: u8 = 0x0D;
/// Last byte of every frame.
pub const END: u8 = 0x0A;
/// The "PowerLink terminator" that closes the payload of messages of the normal mode.
pub const TERMINATOR: u8 = 0x43;
/// Longest frame: a B0 whose length byte is FF.
pub const MAX_FRAME: usize = 8 + 255;

/// How a frame's checksum was made. Panels send `Plain` nearly always; hosts send `PlusOne` in AB messages to most
/// PowerMasters; one off below has been seen on real panels [impl P4] [run P4].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checksum {
    /// `FF - (sum mod 255)`, and `00` where that is `FF`. The dossier's C1.
    #[default]
    Plain,
    /// One more. The dossier's C2.
    PlusOne,
    /// One less.
    MinusOne,
    /// F1 (always wrong) and F4 (an own CRC that is often wrong) are not checked. Sent as `Plain`.
    Unchecked,
}

impl Checksum {
    /// The checksum byte of a payload.
    #[must_use]
    pub fn of(self, payload: &[u8]) -> u8 {
        let plain = plain_checksum(payload);
        match self {
            Self::Plain | Self::Unchecked => plain,
            Self::PlusOne => plain.wrapping_add(1),
            Self::MinusOne => plain.wrapping_sub(1),
        }
    }

    /// Which of the three makes this byte.
    fn recognise(payload: &[u8], found: u8) -> Option<Self> {
        [Self::Plain, Self::PlusOne, Self::MinusOne].into_iter().find(|form| form.of(payload) == found)
    }
}

/// The checksum that nearly everybody uses: `FF - (sum mod 255)`, never `FF` but `00` instead [doc F].
#[must_use]
pub fn plain_checksum(payload: &[u8]) -> u8 {
    let sum: u32 = payload.iter().map(|byte| u32::from(*byte)).sum();
    match u8::try_from(sum % 255) {
        Ok(0) | Err(_) => 0,
        Ok(rest) => 0xFF - rest,
    }
}

/// One checked frame: what stands between `0D` and the checksum, type byte first.
///
/// It may hold codes: it is wiped on drop and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    payload: Zeroizing<Vec<u8>>,
    checksum: Checksum,
}

impl Frame {
    /// A frame to send, with the plain checksum.
    #[must_use]
    pub fn new(payload: impl Into<Vec<u8>>) -> Self {
        Self { payload: Zeroizing::new(payload.into()), checksum: Checksum::Plain }
    }

    /// The same, with another checksum.
    #[must_use]
    pub fn with_checksum(mut self, checksum: Checksum) -> Self {
        self.checksum = checksum;
        self
    }

    /// The type byte; `00`, which is no type, for an empty payload.
    #[must_use]
    pub fn kind(&self) -> u8 {
        self.payload.first().copied().unwrap_or(0)
    }

    /// Type byte and all that follows it, including the terminator `43` where there is one.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// How its checksum is or was made.
    #[must_use]
    pub fn checksum(&self) -> Checksum {
        self.checksum
    }

    /// The whole frame.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut frame = Vec::with_capacity(self.payload.len() + 3);
        frame.push(START);
        frame.extend_from_slice(&self.payload);
        frame.push(self.checksum.of(&self.payload));
        frame.push(END);
        frame.into()
    }

    /// Reads exactly one frame, such as a line of a capture.
    ///
    /// # Errors
    /// [`FrameError`]; `Truncated` also when bytes follow it.
    pub fn parse(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut decoder = Decoder::default();
        decoder.push(bytes);
        let first = decoder.next_frame().or_else(|| decoder.after_pause()).or_else(|| decoder.after_silence());
        let kind = bytes.get(1).copied().unwrap_or(0);
        let frame = first.unwrap_or(Err(FrameError::Truncated { kind }))?;
        if frame.payload.len() + 3 == bytes.len() { Ok(frame) } else { Err(FrameError::Truncated { kind }) }
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({:02X}, ..)", self.kind())
    }
}

/// Why bytes are not a frame. Never holds more of them than the type byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// After `0D` comes what no frame begins with.
    #[error("no frame begins with {kind:02X}")]
    NotAFrame {
        /// The byte that stands where a type should.
        kind: u8,
    },
    /// The checksum is wrong, or no end byte stands where the length says.
    #[error("the checksum or the end of a frame {kind:02X} is wrong")]
    Checksum {
        /// The frame's type, unproved.
        kind: u8,
    },
    /// It stopped coming before it was whole.
    #[error("a frame {kind:02X} is not whole")]
    Truncated {
        /// The frame's type, unproved.
        kind: u8,
    },
}

/// What is known of the time since the last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// More may come at once.
    More,
    /// A pause: a frame may be shorter than it announced.
    Pause,
    /// A long silence: what is not whole now will never be.
    Silence,
}

/// Finds frames in a stream. Holds less than one frame once [`next_frame`](Self::next_frame) said `None`.
#[derive(Default)]
pub struct Decoder {
    buffer: Zeroizing<Vec<u8>>,
    skipped: u64,
}

impl Decoder {
    /// Takes bytes, in any chunking. Call [`next_frame`](Self::next_frame) until `None` afterwards.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame, or what was taken for one and is not. After an error one byte is passed over and the rest is
    /// looked at again: garbage costs garbage only.
    pub fn next_frame(&mut self) -> Option<Result<Frame, FrameError>> {
        self.next_with(Patience::More)
    }

    /// The same after a short pause of the line (a few tenths of a second): a 3F or B0 that is a few bytes shorter
    /// than announced is taken now [impl P4].
    pub fn after_pause(&mut self) -> Option<Result<Frame, FrameError>> {
        self.next_with(Patience::Pause)
    }

    /// The same after a long silence (2 s): what is still not whole is given up, and what stands behind it is looked
    /// at. Nothing is buffered once it says `None`.
    pub fn after_silence(&mut self) -> Option<Result<Frame, FrameError>> {
        self.next_with(Patience::Silence)
    }

    /// Whether a frame has begun and is not whole.
    #[must_use]
    pub fn has_partial(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Bytes passed over so far that belonged to no frame.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Forgets what was received, such as when the line opens again.
    pub fn clear(&mut self) {
        self.buffer.clear();
    }

    fn next_with(&mut self, patience: Patience) -> Option<Result<Frame, FrameError>> {
        let noise = self.buffer.iter().position(|byte| *byte == START).unwrap_or(self.buffer.len());
        self.pass_over(noise);
        let kind = self.buffer.get(1).copied().unwrap_or(0);
        match measure(&self.buffer, patience) {
            _ if self.buffer.is_empty() => None,
            Measure::Frame { length, checksum } => Some(Ok(self.take(length, checksum))),
            Measure::Wait if patience == Patience::Silence => {
                self.pass_over(1);
                Some(Err(FrameError::Truncated { kind }))
            }
            Measure::Wait => None,
            Measure::Bad(error, bytes) => {
                self.pass_over(bytes);
                Some(Err(error))
            }
        }
    }

    fn pass_over(&mut self, count: usize) {
        self.skipped += count as u64;
        let count = count.min(self.buffer.len());
        self.buffer.drain(..count);
    }

    fn take(&mut self, length: usize, checksum: Checksum) -> Frame {
        let length = length.min(self.buffer.len());
        let whole = Zeroizing::new(self.buffer.drain(..length).collect::<Vec<u8>>());
        let payload = whole.get(1..whole.len().saturating_sub(2)).unwrap_or_default().to_vec();
        Frame { payload: Zeroizing::new(payload), checksum }
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("skipped", &self.skipped).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(decoder: &mut Decoder, bytes: &[u8]) -> Vec<Vec<u8>> {
        decoder.push(bytes);
        drained(|| decoder.next_frame())
    }

    fn drained(next: impl FnMut() -> Option<Result<Frame, FrameError>>) -> Vec<Vec<u8>> {
        std::iter::from_fn(next).filter_map(Result::ok).map(|frame| frame.payload().to_vec()).collect()
    }

    #[test]
    fn sums_of_255_give_zero_and_not_ff() {
        assert_eq!(plain_checksum(&[0xA5, 0, 7, 0, 0, 0, 0, 0, 0x10, 0, 0, 0x43]), 0x00);
        assert_eq!(plain_checksum(&[0x02]), 0xFD);
        assert_eq!(plain_checksum(&[]), 0x00);
        assert_eq!(Checksum::PlusOne.of(&[0xFF]), 0x01);
        assert_eq!(Checksum::MinusOne.of(&[0xFF]), 0xFF);
    }

    #[test]
    fn end_bytes_inside_a_frame_do_not_end_it() {
        let info = [0x3C, 0xFD, 0x0A, 0, 0, 0x0D, 0x04, 1, 0, 0x0D, 0x0A];
        let mut wire = Frame::new(info).encode().to_vec();
        wire.extend_from_slice(&Frame::new([0x02]).encode());
        assert_eq!(frames(&mut Decoder::default(), &wire), [info.to_vec(), vec![0x02]]);
    }

    #[test]
    fn a_checksum_of_0a_or_0d_does_not_confuse() {
        // Sums chosen so that the checksum itself is an end byte.
        for payload in [[0xA5, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0x09, 0x43], [0xA5, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0x06, 0x43]] {
            let wire = Frame::new(payload).encode();
            assert!([0x0A, 0x0D].contains(&wire[13]), "{wire:02X?}");
            assert_eq!(frames(&mut Decoder::default(), &wire), [payload.to_vec()]);
        }
    }

    #[test]
    fn a_wrong_checksum_costs_its_frame_only() {
        let mut wire = Frame::new([0xA5, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0x43]).encode().to_vec();
        wire[5] ^= 0x40;
        wire.extend_from_slice(&Frame::new([0x02, 0x43]).encode());
        let mut decoder = Decoder::default();
        assert_eq!(frames(&mut decoder, &wire), [vec![0x02, 0x43]]);
        assert_eq!(decoder.skipped(), 15);
    }

    #[test]
    fn a_block_that_is_shorter_than_announced_is_taken_after_a_pause() {
        for missing in 1..=5_usize {
            let mut payload = vec![0x3F, 0xFA, 0x01, 16];
            payload.extend(vec![7; 16 - missing]);
            let wire = Frame::new(payload.clone()).encode();
            let mut decoder = Decoder::default();
            assert!(frames(&mut decoder, &wire).is_empty(), "more could come");
            assert_eq!(drained(|| decoder.after_pause()), [payload.clone()]);
            // With the next frame behind it the end is found without a pause.
            let mut both = wire.to_vec();
            both.extend_from_slice(&Frame::new([0x02]).encode());
            both.extend_from_slice(&Frame::new([0x08]).encode());
            assert_eq!(frames(&mut decoder, &both).first(), Some(&payload));
        }
    }

    #[test]
    fn what_never_becomes_whole_is_given_up_and_hides_nothing() {
        // A damaged length byte announces more than will come, with a whole frame behind it.
        let mut wire = vec![0x0D, 0xB0, 0x03, 0x24, 0xFF, 0x01];
        wire.extend_from_slice(&Frame::new([0x02, 0x43]).encode());
        let mut decoder = Decoder::default();
        assert!(frames(&mut decoder, &wire).is_empty());
        assert!(drained(|| decoder.after_pause()).is_empty());
        assert_eq!(drained(|| decoder.after_silence()), [vec![0x02, 0x43]]);
        assert!(!decoder.has_partial());
    }

    #[test]
    fn noise_that_looks_like_an_unknown_type_holds_up_nothing() {
        let status = [0xA5, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0x43];
        let mut wire = vec![0x0D, 0x77, 0x55];
        wire.extend_from_slice(&Frame::new(status).encode());
        assert_eq!(frames(&mut Decoder::default(), &wire), [status.to_vec()]);
    }

    #[test]
    fn unknown_types_are_found_by_their_checksum() {
        let payload = vec![0x77, 0x0A, 0x0D, 1, 2, 3];
        assert_eq!(frames(&mut Decoder::default(), &Frame::new(payload.clone()).encode()), [payload]);
    }

    #[test]
    fn the_checksum_of_f1_does_not_count() {
        let wire = [0x0D, 0xF1, 1, 2, 3, 4, 5, 0x99, 0x0A];
        let mut decoder = Decoder::default();
        decoder.push(&wire);
        let frame = decoder.next_frame().expect("whole").expect("taken");
        assert_eq!((frame.kind(), frame.checksum()), (0xF1, Checksum::Unchecked));
    }

    #[test]
    fn frames_print_nothing_of_themselves() {
        let frame = Frame::new([0x24, 0, 0, 0x56, 0x50]);
        assert_eq!(format!("{frame:?}"), "Frame(24, ..)");
    }
}
