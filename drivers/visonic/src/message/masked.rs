//! Frames as they may be shown: hex, with what is or may be a code left out.

use std::ops::Range;

use bytes::Bytes;
use panel_driver::Direction;

use crate::codec::Frame;

use super::{B0Kind, sub};

/// What stands for masked bytes, however many they are.
pub const MASK: &str = "********";

/// The payload in hex, secrets masked; the checksum is left out, it would tell about them.
///
/// Memory is masked whole, and so is what we do not know: nobody can say that there is no code in it.
#[must_use]
pub fn masked(frame: &Frame, direction: Direction) -> Bytes {
    let payload = frame.payload();
    let secret = secret(payload, direction);
    let mut shown = Vec::new();
    for (at, byte) in payload.iter().enumerate() {
        if at == secret.start && !secret.is_empty() {
            shown.push(MASK.to_owned());
        }
        if !secret.contains(&at) {
            shown.push(format!("{byte:02X}"));
        }
    }
    shown.join(" ").into()
}

/// Which bytes of a payload are secret.
fn secret(payload: &[u8], direction: Direction) -> Range<usize> {
    let to_panel = direction == Direction::ToPanel;
    match payload {
        [0x24, ..] => 3..5,
        // An adapter may send back what we sent: what holds a code is masked whoever it comes from.
        [0xA0, 0x00, ..] | [0xA1, ..] => 4..6,
        [0xA0, ..] if to_panel => 4..6,
        [0xAA, ..] => 1..3,
        [0xAB, 0x0A, _, 0x00, ..] => 4..6,
        [0xB0, kind, ..] if [B0Kind::Set.byte(), B0Kind::Clear.byte()].contains(kind) => 4..6,
        [0xB0, kind, ..] if *kind == B0Kind::Request.byte() => 0..0,
        [0xB0, _, known, ..] if is_harmless(*known) => 0..0,
        [0xB0, ..] => 4..payload.len(),
        [0x3F, ..] => 4..payload.len(),
        [0x33, ..] => 3..payload.len(),
        [0x02 | 0x06..=0x0B | 0x0F | 0x1F | 0x22 | 0x25 | 0x3C | 0x3E | 0x46 | 0x5A | 0xE1, ..] => 0..0,
        [0xA0 | 0xA1..=0xA7 | 0xAB..=0xAD, ..] => 0..0,
        _ => 1..payload.len(),
    }
}

/// Answers that hold no codes. Rows of the log hold none either; their times look like some, and who searches a wire
/// log for codes is not to find what is none.
fn is_harmless(sub_type: u8) -> bool {
    matches!(
        sub_type,
        sub::ERROR
            | sub::TAMPERED
            | sub::SHORT_STATE
            | sub::TRIGGERED
            | sub::OPEN
            | sub::BYPASS
            | sub::ENROLLED
            | sub::DEVICE_TYPES
            | sub::PARTITION_ACCESS
            | sub::ZONE_NAMES
            | sub::CAPACITIES
            | sub::PANEL_STATE
            | sub::ZONE_TYPES
            | sub::ASK_ME
            | sub::HELP
            | sub::LAST_EVENTS
            | sub::ASK_ME_TOO
            | sub::TROUBLES
            | sub::ALIVE
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{ArmCommand, B0, HostMessage, WireCode, pgm_command};

    fn to_panel(message: &HostMessage) -> String {
        String::from_utf8(masked(&message.encode(), Direction::ToPanel).to_vec()).expect("text")
    }

    #[test]
    fn codes_are_never_shown() {
        let code = WireCode::from_bytes([0x47, 0x11]);
        let messages = [
            HostMessage::EnterDownload(code.clone()),
            HostMessage::EventLog(code.clone()),
            HostMessage::Arm { command: ArmCommand::Away, code: code.clone(), partitions: 7 },
            HostMessage::Bypass { code: code.clone(), bypass: 1, unbypass: 0 },
            HostMessage::Enrol(code.clone()),
            HostMessage::B0(pgm_command(&code, true)),
        ];
        for message in messages {
            let shown = to_panel(&message);
            assert!(!shown.contains("47 11") && shown.contains(MASK), "{shown}");
            let echo = masked(&message.encode(), Direction::FromPanel);
            assert!(!String::from_utf8_lossy(&echo).contains("47 11"), "an adapter sends it back: {echo:?}");
        }
    }

    #[test]
    fn memory_and_settings_from_the_panel_are_masked_whole() {
        let block = Frame::new([0x3F, 0xFA, 0x01, 2, 0x47, 0x11]);
        assert_eq!(masked(&block, Direction::FromPanel), "3F FA 01 02 ********");
        let settings = Frame::new([0xB0, 3, 0x35, 7, 0xFF, 8, 0xFF, 5, 0x54, 0, 1, 0x47, 0x11, 0x43]);
        assert_eq!(masked(&settings, Direction::FromPanel), "B0 03 35 07 ********");
        assert_eq!(masked(&Frame::new([0x77, 0x47, 0x11]), Direction::FromPanel), "77 ********");
    }

    #[test]
    fn what_holds_no_code_is_shown() {
        assert_eq!(to_panel(&HostMessage::B0(B0::request(0x24))), "B0 01 24 01 05 43");
        let status = Frame::new([0xA5, 0, 4, 0, 0x61, 0x0C, 5, 0, 4, 0, 0, 0x43]);
        assert_eq!(masked(&status, Direction::FromPanel), "A5 00 04 00 61 0C 05 00 04 00 00 43");
    }
}
