//! How long a frame is, by its type. [impl P4 py_types_receiving.py] [impl OH message/PowermaxReceiveType.java]
//! [impl NL tables.js]

use super::{Checksum, END, FrameError, Patience, START, TERMINATOR};

/// Unknown types are looked for an end in so many bytes [impl P4 py_const.py].
const SCAN_LIMIT: usize = 0xF0;
/// Most data that an EEPROM block has.
const MAX_BLOCK: u8 = 0xB0;
/// How much shorter than announced 3F and B0 have been seen [impl P4] [impl HA].
const BLOCK_MAY_LACK: usize = 5;
const B0_MAY_LACK: usize = 2;

/// What stands at the front of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// A whole frame of so many bytes.
    Frame { length: usize, checksum: Checksum },
    /// The beginning of one.
    Wait,
    /// None; so many bytes can be passed over.
    Bad(FrameError, usize),
}

/// How the end of a type is found.
enum Rule {
    /// One payload byte, or two of which the second is the terminator.
    Short,
    Exact(usize),
    /// A length byte says it, and may say a little too much.
    Announced {
        length: usize,
        may_lack: usize,
    },
    /// Of this length, with a checksum that says nothing.
    Unchecked(usize),
    /// Nobody knows: the first end byte before which the checksum fits.
    Scan,
    NoFrame,
    /// The length byte did not come yet.
    Wait,
}

fn rule(frame: &[u8]) -> Rule {
    let Some(kind) = frame.get(1) else { return Rule::Wait };
    match kind {
        // Line noise after a start byte [impl P4 py_visonic_protocol_base.py].
        0x00 | 0xFD => Rule::NoFrame,
        0x02 | 0x06..=0x0B | 0x0F | 0x1F => Rule::Short,
        0x22 | 0x24 | 0x25 | 0x33 | 0x3C | 0x3E | 0x46 | 0x5A => Rule::Exact(14),
        0xA0..=0xA7 | 0xAA..=0xAD => Rule::Exact(15),
        0xE0 => Rule::Exact(11),
        0xE1 => Rule::Exact(7),
        0x3F => match frame.get(4) {
            Some(n) if *n <= MAX_BLOCK => {
                Rule::Announced { length: 7 + usize::from(*n), may_lack: BLOCK_MAY_LACK.min(usize::from(*n)) }
            }
            Some(_) => Rule::NoFrame,
            None => Rule::Wait,
        },
        // Kinds above 05 were never seen: not a frame, rather than one that waits for 263 bytes.
        0xB0 => match (frame.get(2), frame.get(4)) {
            (Some(6..), _) => Rule::NoFrame,
            (_, Some(n)) => Rule::Announced { length: 8 + usize::from(*n), may_lack: B0_MAY_LACK.min(usize::from(*n)) },
            _ => Rule::Wait,
        },
        0xF1 => Rule::Unchecked(9),
        0xF4 => frame.get(5).map_or(Rule::Wait, |n| Rule::Unchecked(9 + usize::from(*n))),
        _ => Rule::Scan,
    }
}

/// Measures what stands at the front of `buffer`, which begins with a start byte.
pub(super) fn measure(buffer: &[u8], patience: Patience) -> Measure {
    let kind = buffer.get(1).copied().unwrap_or(0);
    let bad = Measure::Bad(FrameError::Checksum { kind }, 1);
    match rule(buffer) {
        Rule::Wait => Measure::Wait,
        Rule::NoFrame => Measure::Bad(FrameError::NotAFrame { kind }, 1),
        Rule::Short => short(buffer).unwrap_or(bad),
        Rule::Exact(length) if buffer.len() < length => Measure::Wait,
        Rule::Exact(length) => checked(buffer, length).unwrap_or(bad),
        Rule::Unchecked(length) if buffer.len() < length => Measure::Wait,
        Rule::Unchecked(length) if buffer.get(length - 1) == Some(&END) => {
            Measure::Frame { length, checksum: Checksum::Unchecked }
        }
        Rule::Unchecked(_) => bad,
        Rule::Announced { length, may_lack } => {
            let whole = buffer.len() >= length;
            let as_announced = checked(buffer, length);
            let shorter = || (1..=may_lack).find_map(|lack| plain(buffer, length - lack));
            match as_announced {
                Some(frame) => frame,
                None if whole || patience != Patience::More => {
                    shorter().unwrap_or(if whole { bad } else { Measure::Wait })
                }
                None => Measure::Wait,
            }
        }
        Rule::Scan => scan(buffer).unwrap_or(bad),
    }
}

/// A frame of that length, if its last byte and its checksum are right.
fn checked(buffer: &[u8], length: usize) -> Option<Measure> {
    match buffer.get(..length)? {
        [START, payload @ .., found, END] => {
            Checksum::recognise(payload, *found).map(|checksum| Measure::Frame { length, checksum })
        }
        _ => None,
    }
}

/// The same where the length is a guess: then nothing but the plain checksum counts.
fn plain(buffer: &[u8], length: usize) -> Option<Measure> {
    checked(buffer, length).filter(|frame| matches!(frame, Measure::Frame { checksum: Checksum::Plain, .. }))
}

fn short(buffer: &[u8]) -> Option<Measure> {
    match buffer {
        [_, _, TERMINATOR] | [_, _, TERMINATOR, _] | [_, _] | [_, _, _] => checked(buffer, 4).or(Some(Measure::Wait)),
        [_, _, TERMINATOR, ..] => checked(buffer, 4).or_else(|| checked(buffer, 5)),
        _ => checked(buffer, 4),
    }
}

/// An unknown type ends at the first end byte before which the checksum fits. A whole frame of a known type behind
/// it proves that it was noise, and is not kept waiting.
fn scan(buffer: &[u8]) -> Option<Measure> {
    let window = buffer.get(..SCAN_LIMIT).unwrap_or(buffer);
    let ends = window.iter().enumerate().skip(3).filter(|(_, byte)| **byte == END);
    if let Some(frame) = ends.map(|(at, _)| at + 1).find_map(|length| plain(buffer, length)) {
        return Some(frame);
    }
    let starts = buffer.iter().enumerate().skip(2).filter(|(_, byte)| **byte == START).map(|(at, _)| at);
    let known = |at: &usize| buffer.get(*at..).is_some_and(is_whole_known_frame);
    match starts.into_iter().find(known) {
        Some(at) => Some(Measure::Bad(FrameError::NotAFrame { kind: buffer.get(1).copied().unwrap_or(0) }, at)),
        None if buffer.len() >= SCAN_LIMIT => None,
        None => Some(Measure::Wait),
    }
}

fn is_whole_known_frame(bytes: &[u8]) -> bool {
    match rule(bytes) {
        Rule::Exact(length) | Rule::Announced { length, .. } => checked(bytes, length).is_some(),
        Rule::Short => matches!(short(bytes), Some(Measure::Frame { .. })),
        Rule::Unchecked(_) | Rule::Scan | Rule::NoFrame | Rule::Wait => false,
    }
}
