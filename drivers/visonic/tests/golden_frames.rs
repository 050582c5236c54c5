//! Frames from documents, captures and runs of independent clients: each must decode and encode to the same bytes
//! again. The files also seed the fuzzers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use driver_visonic::codec::Frame;
use driver_visonic::decode;
use driver_visonic::message::{
    B0, B0Error, B0Kind, Chunk, ClassIndex, ClockTime, Flags, HostMessage, PanelMessage, PanelStatus, PartitionStatus,
    Setting, SettingForm, SystemStatus, WireCode, bitmap, bypass_command, pgm_command, setting, siren_command, sub,
};
use panel_driver::DecodeOptions;
use serde_json::Value;

const FILES: [&str; 1] = [include_str!("frames/worked.frames")];

struct Row {
    text: &'static str,
    from_panel: bool,
    bytes: Vec<u8>,
    frame: &'static str,
    meaning: &'static str,
}

fn rows() -> impl Iterator<Item = Row> {
    let lines = FILES.iter().flat_map(|file| file.lines()).filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines.map(|text| {
        let (frame, meaning) = text.split_once(" | ").expect("a frame and its meaning");
        let (direction, hex) = frame.split_at_checked(2).expect("direction, blank");
        let bytes = hex.split(' ').map(|byte| u8::from_str_radix(byte, 16).expect(text)).collect();
        Row { text, from_panel: direction == "< ", bytes, frame, meaning }
    })
}

#[test]
fn golden_frames_decode_and_encode_to_the_same_bytes() {
    let mut count = 0;
    for Row { text, from_panel, bytes, .. } in rows() {
        let frame = Frame::parse(&bytes).expect(text);
        let again = if from_panel {
            let message = PanelMessage::decode(&frame).expect(text);
            // AD is sent by a module as well; from a panel nobody has decoded it.
            assert_eq!(matches!(message, PanelMessage::Unknown(_)), frame.kind() == 0xAD, "{text}");
            message.encode()
        } else {
            let message = HostMessage::decode(&frame).expect(text);
            assert!(!matches!(message, HostMessage::Unknown(_)), "{text}");
            message.encode()
        };
        assert_eq!(again.with_checksum(frame.checksum()).encode(), bytes, "{text}");
        count += 1;
    }
    assert!(count > 50, "the files were read");
}

#[test]
fn golden_frames_are_found_in_one_stream_in_any_chunks() {
    let wire: Vec<u8> = rows().flat_map(|row| row.bytes).collect();
    let expected: Vec<_> = rows().map(|row| Frame::parse(&row.bytes).expect(row.text)).collect();
    for chunk in [1, 2, 3, 7, 64, wire.len()] {
        let mut decoder = driver_visonic::codec::Decoder::default();
        let mut found = Vec::new();
        for piece in wire.chunks(chunk) {
            decoder.push(piece);
            while let Some(frame) = decoder.next_frame() {
                found.push(frame.expect("no garbage"));
            }
        }
        assert_eq!(found, expected, "in pieces of {chunk}");
        assert_eq!(decoder.skipped(), 0);
    }
}

#[test]
fn golden_frames_mean_what_stands_beside_them() {
    for Row { text, frame, meaning, .. } in rows() {
        let decoded = decode(frame, DecodeOptions { show_codes: true }).expect(text);
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

#[test]
fn what_we_build_is_what_stands_in_the_documents() {
    let download = WireCode::from_digits("AAAA").unwrap();
    let zones = |zone| <[u8; 8]>::try_from(bitmap(8, [zone])).unwrap();
    let codes = [0x11, 0x11, 0x23, 0x45, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let users = Setting::new(setting::USER_CODES, 0x01, 16, &codes);
    let installer = Setting::new(setting::INSTALLER_CODE, 0x01, 16, &[0x88, 0x88]);
    let settings =
        |sub, told: &Setting, form, counter| B0::response(B0Kind::Response, sub, &[told.chunk(form)], counter);
    let partition = PartitionStatus { status: SystemStatus(0), flags: Flags(0x81), instant: 0, unknown: 0 };
    let three = PanelStatus {
        head: [0x0F, 0, 0, 0, 0, 0, 0, 0],
        clock: ClockTime { second: 0x0A, minute: 0x2D, hour: 0x0C, day: 9, month: 8, year: 0x19 },
        weekday: 7,
        partitions: vec![partition, partition, PartitionStatus { flags: Flags(0x01), ..partition }],
    };
    let built = [
        B0::alive(),
        B0::request_several(&[0x24]),
        B0::request_several(&[0x21, 0x1D, 0x24, 0x37, 0x19, 0x2D, 0x1F]),
        B0::request_settings(&[0x000F, 0x0055, 0x0054, 0x0106]),
        B0::request_settings(&[setting::INSTALLER_CODE, setting::MASTER_INSTALLER_CODE]),
        B0::request_settings(&[setting::USER_PARTITIONS]),
        B0::request_setting(setting::USER_CODES),
        B0::request_setting(setting::DOWNLOAD_CODE),
        bypass_command(&download, B0Kind::Set, &zones(2)),
        bypass_command(&download, B0Kind::Clear, &zones(1)),
        pgm_command(&download, true),
        siren_command(&WireCode::from_digits("3180").unwrap()),
        settings(sub::SETTING, &users, SettingForm::New, 0x2B),
        settings(sub::SETTINGS, &users, SettingForm::Old, 0x2A),
        settings(sub::SETTINGS, &installer, SettingForm::Old, 0x2C),
        three.message(0x01),
        B0::refusal(&[B0Error { code: B0Error::UNKNOWN, sub: 0x05 }]),
        B0::response(
            B0Kind::Response,
            sub::ASK_ME_TOO,
            &[Chunk::new(0x08, ClassIndex::MIXED, &[0x18, 0x24, 0x4B])],
            0x20,
        ),
    ];
    let known: Vec<Vec<u8>> = rows().map(|row| row.bytes).collect();
    for b0 in built {
        let bytes = HostMessage::B0(b0).encode().encode().to_vec();
        assert!(known.contains(&bytes), "{bytes:02X?}");
    }
}
