//! Bytes to checked frames and back: `CCC` + data + checksum + CR LF, the same on both transports [doc TPI 3.1].
//!
//! Holds no clock and no meaning. A half line that stays silent is thrown away by whoever has the clock
//! ([`Decoder::drop_partial`]).

use std::fmt;

use bytes::Bytes;
use zeroize::Zeroizing;

/// Longest data of a frame: zone timers of a module with 128 zones. The documented longest is 256.
pub const MAX_DATA: usize = 512;
/// Length of the optional `hh:mm:ss ` before a frame; outside the checksum [doc TPI 3.2, 055].
const TIMESTAMP: usize = 9;
/// Longest line without its ending.
const MAX_LINE: usize = TIMESTAMP + 3 + MAX_DATA + 2;

/// The three decimal digits that say what a frame is, 000 to 999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(u16);

impl Number {
    /// A number known when this is compiled.
    ///
    /// # Panics
    /// From 1000 on; used in constants only, where that is a compile error.
    pub(crate) const fn fixed(value: u16) -> Self {
        assert!(value < 1000, "three digits");
        Self(value)
    }

    /// A number from its value; `None` from 1000 on.
    #[must_use]
    pub fn new(value: u16) -> Option<Self> {
        (value < 1000).then_some(Self(value))
    }

    /// Reads exactly three decimal digits.
    #[must_use]
    pub fn parse(digits: &[u8]) -> Option<Self> {
        match *digits {
            [a, b, c] if [a, b, c].iter().all(u8::is_ascii_digit) => {
                Some(Self(u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0')))
            }
            _ => None,
        }
    }

    /// The value, 0 to 999.
    #[must_use]
    pub fn value(self) -> u16 {
        self.0
    }

    /// The three digits.
    #[must_use]
    pub fn digits(self) -> [u8; 3] {
        [self.0 / 100, self.0 / 10 % 10, self.0 % 10].map(|d| b'0' + d.to_le_bytes()[0])
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One checked frame: number and data, without checksum and line end.
///
/// Data may hold codes: it is wiped on drop and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    number: Number,
    data: Zeroizing<Vec<u8>>,
}

impl Frame {
    /// A frame to send. A byte that would break the framing (control characters) becomes `?`, data past
    /// [`MAX_DATA`] is cut: the other side then refuses the frame, and nothing can be smuggled behind it.
    #[must_use]
    pub fn new(number: Number, data: impl Into<Vec<u8>>) -> Self {
        let mut data = Zeroizing::new(data.into());
        data.truncate(MAX_DATA);
        data.iter_mut().filter(|b| !may_stand_in(number, **b)).for_each(|b| *b = b'?');
        Self { number, data }
    }

    /// What the frame is.
    #[must_use]
    pub fn number(&self) -> Number {
        self.number
    }

    /// The characters between number and checksum.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The whole line with checksum, CR and LF.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut line = Vec::with_capacity(self.data.len() + 7);
        line.extend_from_slice(&self.number.digits());
        line.extend_from_slice(&self.data);
        line.extend_from_slice(&hex(checksum(&line)));
        line.extend_from_slice(b"\r\n");
        line.into()
    }

    /// Checks one line without its ending: optional timestamp, number, data, checksum.
    ///
    /// # Errors
    /// [`FrameError`], with what was found.
    pub fn parse_line(line: &[u8], case: ChecksumCase) -> Result<Self, FrameError> {
        let line = strip_timestamp(line);
        let Some((body, check)) = line.split_last_chunk::<2>().filter(|(body, _)| body.len() >= 3) else {
            return Err(FrameError::TooShort { length: line.len() });
        };
        let (head, data) = body.split_at_checked(3).unwrap_or((body, &[]));
        let number = Number::parse(head).ok_or(FrameError::NoNumber)?;
        let found = unhex(*check).ok_or(FrameError::NoChecksum { number })?;
        if case == ChecksumCase::UpperOnly && check.iter().any(u8::is_ascii_lowercase) {
            return Err(FrameError::LowerCase { number });
        }
        let expected = checksum(body);
        if expected != found {
            return Err(FrameError::Checksum { number, expected, found });
        }
        if let Some(byte) = data.iter().find(|b| !may_stand_in(number, **b)) {
            return Err(FrameError::Character { number, byte: *byte });
        }
        Ok(Self { number, data: Zeroizing::new(data.to_vec()) })
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({}, ..)", self.number)
    }
}

/// Sum of the bytes, low eight bits [doc TPI 3.1].
#[must_use]
pub fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, b| sum.wrapping_add(*b))
}

/// Whether the checksum's hex digits may be lower case. A real Envisalink refuses them from its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChecksumCase {
    /// Upper and lower case are taken.
    #[default]
    Any,
    /// Lower case is [`FrameError::LowerCase`].
    UpperOnly,
}

/// Why a line is not a frame. Never holds data of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Fewer than five characters.
    #[error("the line has {length} characters, a frame at least 5")]
    TooShort {
        /// Characters found.
        length: usize,
    },
    /// More than any frame can have; everything up to the next line end was thrown away.
    #[error("the line is longer than any frame")]
    TooLong,
    /// It does not begin with three digits.
    #[error("the line does not begin with three digits")]
    NoNumber,
    /// It does not end with two hex digits.
    #[error("frame {number} does not end with two hex digits")]
    NoChecksum {
        /// The frame's number, unproved.
        number: Number,
    },
    /// The checksum is spelt in lower case, which the policy forbids.
    #[error("frame {number} has its checksum in lower case")]
    LowerCase {
        /// The frame's number, unproved.
        number: Number,
    },
    /// The checksum is wrong.
    #[error("frame {number} has checksum {found:02X}, its characters sum up to {expected:02X}")]
    Checksum {
        /// The frame's number, unproved.
        number: Number,
        /// The sum of the characters received.
        expected: u8,
        /// The checksum received.
        found: u8,
    },
    /// A character that cannot stand in such a frame, although the checksum is right.
    #[error("frame {number} holds the byte {byte:02X}")]
    Character {
        /// The frame's number.
        number: Number,
        /// The byte.
        byte: u8,
    },
}

/// What a decoder has seen, for diagnosis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Counters {
    pub frames: u64,
    pub checksum_errors: u64,
    /// Lines that were no frames at all: too short, no number, bad characters.
    pub garbage: u64,
    pub oversize: u64,
    /// Half lines given up after silence.
    pub partial: u64,
}

/// Splits a byte stream into frames, in any chunking, and finds its way back after garbage.
#[derive(Clone, Default)]
pub struct Decoder {
    /// The beginning of a line that is not complete yet.
    partial: Zeroizing<Vec<u8>>,
    /// The present line is too long: skip to its end.
    skipping: bool,
    case: ChecksumCase,
    counters: Counters,
}

impl Decoder {
    /// A decoder at the beginning of a line.
    #[must_use]
    pub fn new(case: ChecksumCase) -> Self {
        Self { case, ..Self::default() }
    }

    /// Takes bytes from the front of `input` until one line is complete, and checks it. `None`: all of `input` is
    /// taken and no further line is complete. A line ends with CR, LF or both; empty lines are nothing.
    ///
    /// # Errors
    /// `Some(Err(_))` is one bad line, counted already; go on calling.
    pub fn decode(&mut self, input: &mut &[u8]) -> Option<Result<Frame, FrameError>> {
        loop {
            let Some(end) = input.iter().position(|b| matches!(b, b'\r' | b'\n')) else {
                return self.keep(std::mem::take(input));
            };
            let (line, rest) = input.split_at_checked(end)?;
            *input = rest.get(1..).unwrap_or_default();
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            let checked = if self.partial.is_empty() {
                check(line, self.case)
            } else {
                let mut whole = std::mem::take(&mut self.partial);
                whole.extend_from_slice(line);
                let checked = check(&whole, self.case);
                // Hand the buffer back: one allocation serves all lines.
                whole.clear();
                self.partial = whole;
                checked
            };
            if let Some(checked) = checked {
                self.count(checked.as_ref().err());
                return Some(checked);
            }
        }
    }

    /// Whether a line has begun and not ended.
    #[must_use]
    pub fn has_partial(&self) -> bool {
        self.skipping || !self.partial.is_empty()
    }

    /// Gives up a half line: its rest did not come.
    pub fn drop_partial(&mut self) {
        self.counters.partial += u64::from(!self.partial.is_empty());
        self.partial.clear();
        self.skipping = false;
    }

    /// What was seen so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn keep(&mut self, line: &[u8]) -> Option<Result<Frame, FrameError>> {
        if self.skipping {
            return None;
        }
        if self.partial.len() + line.len() > MAX_LINE {
            self.partial.clear();
            self.skipping = true;
            self.count(Some(&FrameError::TooLong));
            return Some(Err(FrameError::TooLong));
        }
        self.partial.extend_from_slice(line);
        None
    }

    fn count(&mut self, error: Option<&FrameError>) {
        let counters = &mut self.counters;
        let counter = match error {
            None => &mut counters.frames,
            Some(FrameError::Checksum { .. } | FrameError::LowerCase { .. } | FrameError::NoChecksum { .. }) => {
                &mut counters.checksum_errors
            }
            Some(FrameError::TooLong) => &mut counters.oversize,
            Some(FrameError::TooShort { .. } | FrameError::NoNumber | FrameError::Character { .. }) => {
                &mut counters.garbage
            }
        };
        *counter = counter.saturating_add(1);
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("partial", &self.partial.len()).field("counters", &self.counters).finish()
    }
}

/// Checks a line; `None` if nothing is on it. Opening a serial port may put stray bytes before the first frame:
/// what is not printable is skipped there.
fn check(line: &[u8], case: ChecksumCase) -> Option<Result<Frame, FrameError>> {
    let start = line.iter().position(|b| (0x20..0x7F).contains(b))?;
    let line = line.get(start..)?;
    if line.len() > MAX_LINE { Some(Err(FrameError::TooLong)) } else { Some(Frame::parse_line(line, case)) }
}

/// Labels and screens carry the keypad's own characters; everything else is printable ASCII.
fn may_stand_in(number: Number, byte: u8) -> bool {
    match byte {
        0x20..=0x7E => true,
        0x80.. => matches!(number.value(), 570 | 901),
        _ => false,
    }
}

fn strip_timestamp(line: &[u8]) -> &[u8] {
    match line {
        [h1, h2, b':', m1, m2, b':', s1, s2, b' ', rest @ ..]
            if [h1, h2, m1, m2, s1, s2].into_iter().all(u8::is_ascii_digit) =>
        {
            rest
        }
        _ => line,
    }
}

/// Two upper-case hex digits.
pub(crate) fn hex(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 0x0F].map(|n| if n < 10 { b'0' + n } else { b'A' + n - 10 })
}

/// The value of two hex digits.
pub(crate) fn unhex(digits: [u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|d| match d {
        b'0'..=b'9' => Some(d - b'0'),
        b'A'..=b'F' => Some(d - b'A' + 10),
        b'a'..=b'f' => Some(d - b'a' + 10),
        _ => None,
    });
    Some(high? << 4 | low?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode_all(decoder: &mut Decoder, mut bytes: &[u8]) -> Vec<Result<(u16, String), FrameError>> {
        let mut found = Vec::new();
        while let Some(line) = decoder.decode(&mut bytes) {
            found.push(line.map(|f| (f.number().value(), String::from_utf8_lossy(f.data()).into_owned())));
        }
        found
    }

    #[test]
    fn a_frame_is_number_data_and_checksum() {
        let frame = Frame::new(Number::fixed(654), b"3".to_vec());
        assert_eq!(frame.encode().as_ref(), b"6543D2\r\n");
        assert_eq!(Frame::parse_line(b"6543D2", ChecksumCase::UpperOnly), Ok(frame));
    }

    #[test]
    fn lines_that_are_no_frames_say_why() {
        let number = Number::fixed(0);
        for (line, error) in [
            (&b"0009"[..], FrameError::TooShort { length: 4 }),
            (b"00000", FrameError::Checksum { number, expected: 0x90, found: 0x00 }),
            (b"a0090", FrameError::NoNumber),
            (b"000zz", FrameError::NoChecksum { number }),
            (b"6543d2", FrameError::LowerCase { number: Number::fixed(654) }),
            (b"650\x01\x9C", FrameError::NoChecksum { number: Number::fixed(650) }),
            (b"650\x019C", FrameError::Character { number: Number::fixed(650), byte: 1 }),
        ] {
            assert_eq!(Frame::parse_line(line, ChecksumCase::UpperOnly), Err(error), "{line:?}");
        }
        assert!(Frame::parse_line(b"6543d2", ChecksumCase::Any).is_ok());
    }

    #[test]
    fn timestamps_noise_and_line_ends_are_skipped() {
        let mut decoder = Decoder::default();
        let bytes = b"\xFF\x006501CC\r\n\r\n12:30:05 6511CD\r6543D2\n\n";
        let found = decode_all(&mut decoder, bytes);
        assert_eq!(found, [Ok((650, "1".into())), Ok((651, "1".into())), Ok((654, "3".into()))]);
        assert_eq!(decoder.counters(), Counters { frames: 3, ..Counters::default() });
    }

    #[test]
    fn an_endless_line_costs_itself_only_and_no_memory() {
        let mut decoder = Decoder::default();
        let mut errors = 0;
        for _ in 0..10_000 {
            errors += decode_all(&mut decoder, &[b'7'; 100]).len();
        }
        assert_eq!(errors, 1, "told once");
        assert!(decoder.partial.capacity() <= 2 * MAX_LINE);
        assert_eq!(decode_all(&mut decoder, b"\r\n6501CC\r\n"), [Ok((650, "1".into()))]);
        let long_at_once = [vec![b'7'; 4000], b"\r\n6501CC\r\n".to_vec()].concat();
        assert_eq!(decode_all(&mut decoder, &long_at_once), [Err(FrameError::TooLong), Ok((650, "1".into()))]);
        assert_eq!(decoder.counters().oversize, 2);
    }

    #[test]
    fn a_half_line_can_be_given_up() {
        let mut decoder = Decoder::default();
        assert!(decode_all(&mut decoder, b"650").is_empty());
        assert!(decoder.has_partial());
        decoder.drop_partial();
        assert_eq!(decode_all(&mut decoder, b"6501CC\r\n"), [Ok((650, "1".into()))]);
        assert_eq!(decoder.counters().partial, 1);
    }

    #[test]
    fn nothing_can_be_smuggled_behind_a_frame() {
        let frame = Frame::new(Number::fixed(5), b"user\r\n0301C4".to_vec());
        assert_eq!(frame.data(), b"user??0301C4");
    }

    #[test]
    fn frames_print_no_data() {
        let frame = Frame::new(Number::fixed(200), b"739182".to_vec());
        assert_eq!(format!("{frame:?}"), "Frame(200, ..)");
    }
}
