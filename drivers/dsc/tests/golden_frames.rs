//! Frames from documents, captures and hand-made sums: each must decode to what stands beside it and encode to the
//! same bytes again. The files also seed the fuzzers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use driver_dsc::codec::{ChecksumCase, Frame};
use driver_dsc::decode;
use driver_dsc::message::{ModuleCommand, ModuleMessage, Transport};
use panel_driver::DecodeOptions;
use serde_json::Value;

const FILES: [&str; 3] = [
    include_str!("frames/worked_checksums.frames"),
    include_str!("frames/transcripts.frames"),
    include_str!("frames/captured.frames"),
];

struct Row {
    text: &'static str,
    from_module: bool,
    transports: &'static [Transport],
    line: &'static str,
    meaning: &'static str,
}

fn rows() -> impl Iterator<Item = Row> {
    let lines = FILES.iter().flat_map(|file| file.lines()).filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines.map(|text| {
        let (head, rest) = text.split_at_checked(3).expect("direction, transport, blank");
        let (line, meaning) = rest.rsplit_once(" | ").expect("a frame and its meaning");
        let transports: &[Transport] = match &head[1..2] {
            "e" => &[Transport::Envisalink],
            "i" => &[Transport::It100],
            _ => &[Transport::Envisalink, Transport::It100],
        };
        Row { text, from_module: head.starts_with('<'), transports, line, meaning }
    })
}

#[test]
fn golden_frames_decode_and_encode_to_the_same_bytes() {
    let mut count = 0;
    for Row { text, from_module, transports, line, .. } in rows() {
        let frame = Frame::parse_line(line.as_bytes(), ChecksumCase::UpperOnly).expect(text);
        for transport in transports {
            let again = if from_module {
                let message = ModuleMessage::decode(&frame, *transport).expect(text);
                assert!(!matches!(message, ModuleMessage::Unknown(_)), "{text}");
                message.encode()
            } else {
                let command = ModuleCommand::decode(&frame, *transport).expect(text);
                assert!(!matches!(command, ModuleCommand::Unknown(_)), "{text}");
                command.encode()
            };
            assert_eq!(again.encode(), [line.as_bytes(), b"\r\n"].concat(), "{text}");
        }
        count += 1;
    }
    assert!(count > 120, "the files were read");
}

#[test]
fn golden_frames_mean_what_stands_beside_them() {
    for Row { text, from_module, line, meaning, .. } in rows() {
        let arrow = if from_module { '<' } else { '>' };
        let decoded = decode(&format!("{arrow} {line}"), DecodeOptions { show_codes: true }).expect(text);
        assert_eq!(flat(&decoded), meaning, "{text}");
    }
}

/// `kind field=value field=value`.
fn flat(decoded: &Value) -> String {
    let mut text = decoded["kind"].as_str().unwrap_or("?").to_owned();
    for (name, value) in decoded["fields"].as_object().into_iter().flatten() {
        text.push_str(&format!(" {name}={}", plain(value)));
    }
    text
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
