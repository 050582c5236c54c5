//! Frames from documents, captures and hand-made sums: each must decode to something known and encode to the same
//! bytes again. The files also seed the fuzzers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use driver_dsc::codec::{ChecksumCase, Frame};
use driver_dsc::message::{ModuleCommand, ModuleMessage, Transport};

const FILES: [&str; 2] = [include_str!("frames/worked_checksums.frames"), include_str!("frames/transcripts.frames")];

#[test]
fn golden_frames_decode_and_encode_to_the_same_bytes() {
    let rows = FILES.iter().flat_map(|file| file.lines()).filter(|l| !l.is_empty() && !l.starts_with('#'));
    let mut count = 0;
    for row in rows {
        let (head, line) = row.split_at_checked(3).expect("direction, transport, blank");
        let transports: &[Transport] = match &head[1..2] {
            "e" => &[Transport::Envisalink],
            "i" => &[Transport::It100],
            _ => &[Transport::Envisalink, Transport::It100],
        };
        let frame = Frame::parse_line(line.as_bytes(), ChecksumCase::UpperOnly).expect(row);
        for transport in transports {
            let again = if head.starts_with('>') {
                let command = ModuleCommand::decode(&frame, *transport).expect(row);
                assert!(!matches!(command, ModuleCommand::Unknown(_)), "{row}");
                command.encode()
            } else {
                let message = ModuleMessage::decode(&frame, *transport).expect(row);
                assert!(!matches!(message, ModuleMessage::Unknown(_)), "{row}");
                message.encode()
            };
            assert_eq!(again.encode(), [line.as_bytes(), b"\r\n"].concat(), "{row}");
        }
        count += 1;
    }
    assert!(count > 100, "the files were read");
}
