//! Bytes from the dossier: captures, other implementations' fixtures and computed vectors. Each must decode, and
//! encode to the same bytes again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeMap;

use driver_neor::codec::frame::crc16;
use driver_neor::codec::initializer::{make_type1, open_type1, type1_wrapping_key, type2_code, type2_key};
use driver_neor::codec::{Decoder, Key, Padding, SequenceMode, Sequences, decode_frame, encode_frame, encode_tlink};
use driver_neor::message::{
    CompactWidth, Labels, Message, Notice, command_name, join_data, label_option, split_data, utf16_padded,
};

const IDENTIFIER: &str = "310212345678";
const MESSAGES: &str = include_str!("frames/messages.frames");
const TYPE1: &str = include_str!("frames/type1.frames");
const TYPE2: &str = include_str!("frames/type2.frames");

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn key(text: &str) -> Key {
    Key::new(hex(text).try_into().unwrap())
}

/// The named values at the head of a session's file.
fn named<'a>(file: &'a str, name: &str) -> &'a str {
    let line = file.lines().find(|line| line.starts_with(name)).expect(name);
    line.rsplit_once("  ").expect(name).1.trim()
}

/// One step of a worked session.
#[derive(Default)]
struct Row {
    from_panel: bool,
    frame: Option<Vec<u8>>,
    cipher: Option<Vec<u8>>,
    stuffed: Option<Vec<u8>>,
}

fn rows(file: &str) -> BTreeMap<u8, Row> {
    let mut rows = BTreeMap::new();
    let mut at = 0;
    for line in file.lines().skip_while(|line| !line.starts_with(" 1 ")) {
        let trimmed = line.trim();
        let (word, rest) = trimmed.split_once(' ').expect(line);
        match word {
            "frame" => row(&mut rows, at).frame = Some(hex(rest)),
            "cipher" => row(&mut rows, at).cipher = Some(hex(rest)),
            "stuffed" => row(&mut rows, at).stuffed = Some(hex(rest)),
            number => {
                at = number.parse().expect(line);
                row(&mut rows, at).from_panel = rest.starts_with('P');
            }
        }
    }
    rows
}

fn row(rows: &mut BTreeMap<u8, Row>, at: u8) -> &mut Row {
    rows.entry(at).or_default()
}

#[test]
fn every_message_decodes_and_encodes_to_the_same_bytes() {
    let mut count = 0;
    for line in MESSAGES.lines().filter(|line| !line.starts_with('#')) {
        let (bytes, name) = line.split_once(" | ").expect(line);
        let content = hex(bytes);
        let message = Message::decode(&content).expect(line);
        assert!(!matches!(message, Message::Notice(Notice::Unknown { .. })), "{line}");
        assert_eq!(command_name(message.number()), Some(name), "{line}");
        assert_eq!(*message.encode(CompactWidth::Minimal), content, "{line}");
        count += 1;
    }
    assert_eq!(count, 51, "the file was read");
}

#[test]
fn stuffing_and_short_frames_match_the_captures() {
    for (header, payload, wire) in [
        ("01 02 7E 03", "7D 7F 04", "01 02 7D 01 03 7E 7D 00 7D 02 04 7F"),
        (
            "33 31 30 32 31 32 33 34 35 36 37 38",
            "04 00 01 00 7D",
            "33 31 30 32 31 32 33 34 35 36 37 38 7E 04 00 01 00 7D 00 7F",
        ),
        ("", "04 02 01 66 1F", "7E 04 02 01 66 1F 7F"),
    ] {
        let (header, payload, wire) = (hex(header), hex(payload), hex(wire));
        assert_eq!(encode_tlink(&header, &payload), wire);
        let packet = Decoder::default().next(&mut &wire[..]).unwrap().unwrap();
        assert_eq!((packet.header, packet.payload), (header, payload));
    }
    for (data, frame) in [
        ("00 01", "04 00 01 00 7D"),
        ("02 01", "04 02 01 66 1F"),
        ("01 00 05 02 91 00", "08 01 00 05 02 91 00 DE 3C"),
        ("05 00 06 00", "06 05 00 06 00 CA 6A"),
    ] {
        assert_eq!(encode_frame(&hex(data)), hex(frame));
        assert_eq!(decode_frame(&hex(frame)).unwrap(), hex(data));
    }
    for (length, first) in [(125, "7F"), (126, "80 80"), (300, "81 2E")] {
        let frame = encode_frame(&vec![0x55; length]);
        assert!(frame.starts_with(&hex(first)));
        assert_eq!(decode_frame(&frame).unwrap(), vec![0x55; length]);
    }
}

#[test]
fn eight_user_labels_need_the_long_length() {
    let texts = (1..=8).map(|n| utf16_padded(&format!("User {n}"), 14).unwrap()).collect();
    let labels = Labels { option: label_option::USER, range: Some((1, 8)), width: 0x1C, texts };
    let data = join_data((9, 9), Some(&Message::Notice(Notice::Labels(labels))), CompactWidth::Minimal);
    let frame = encode_frame(&data);
    assert_eq!(frame.len(), 240);
    assert!(frame.starts_with(&hex("80 EE 09 09 07 71 01 D9 01 01 01 08")));
    assert!(frame.ends_with(&hex("4B EF")));
}

#[test]
fn the_initializer_of_a_real_communicator_opens() {
    // TL#7: TL280, header 240422314012.
    let check = hex("BFC3542CEBFBB78A4A575A9B08E7E8E4");
    let wrapped = hex("2DA4430F0EE372E34C2C1373CBEE86F75CAE5C024E3DCBC080C467FFD130CAA9");
    let initializer = [check, wrapped].concat();
    let session = open_type1(&type1_wrapping_key("240422314012").unwrap(), &initializer).unwrap();
    assert_eq!(session, key("2C67BCD64EF25F975CF980CDAA5B0724"));
    let frame = [hex("38 02 02 06 0E 15 30"), initializer].concat();
    assert_eq!(crc16(&frame), 0x7F4B);
    assert!(encode_tlink(&[], &encode_frame(&frame[1..])).ends_with(&hex("7D 02 4B 7F")));
}

#[test]
fn the_frames_of_an_independent_implementation_decrypt() {
    // LSH's fixture: code 000102…0F.
    let code = type2_code("000102030405060708090A0B0C0D0E0F").unwrap();
    let session = type2_key(&code, &hex("05101B26313C47525D68737E89949FAA")).unwrap();
    for (cipher, frame) in [
        ("ECEF00855A2DED2A17C23A858E4BBE2D", "08 02 04 05 02 02 00 D4 62"),
        ("C2FECB85A95EB2512FF2F0F732C0E6F2", "04 03 06 25 C9"),
    ] {
        assert!(session.open(&hex(cipher)).unwrap().starts_with(&hex(frame)));
    }
}

#[test]
fn type_1_keys_come_out_as_worked() {
    let wrap_panel = type1_wrapping_key(IDENTIFIER).unwrap();
    assert_eq!(wrap_panel, key(named(TYPE1, "wrapping key of panel")));
    let (initializer, session) = make_type1(&wrap_panel, &hex(named(TYPE1, "panel random R")).try_into().unwrap());
    assert_eq!(initializer[..], hex(named(TYPE1, "panel initializer (48 B)")));
    assert_eq!(session, key(named(TYPE1, "key server to panel")));
    let wrap_server = type1_wrapping_key("12345678").unwrap();
    assert_eq!(wrap_server, key(named(TYPE1, "wrapping key of server")));
    let (initializer, session) = make_type1(&wrap_server, &hex(named(TYPE1, "server random R")).try_into().unwrap());
    assert_eq!(initializer[..], hex(named(TYPE1, "server initializer (48 B)")));
    assert_eq!(session, key(named(TYPE1, "key panel to server")));
}

#[test]
fn type_2_keys_come_out_as_worked() {
    let code = type2_code("12345678").unwrap();
    assert_eq!(code, key(named(TYPE2, "[700] code")));
    for (initializer, session) in [("panel initializer", "key server to panel"), ("server initializer", "key panel")] {
        assert_eq!(type2_key(&code, &hex(named(TYPE2, initializer))).unwrap(), key(named(TYPE2, session)));
    }
}

/// Replays a worked session: both sides' numbers by the rule, bytes and cipher as they stand in the file.
fn replay(file: &str, to_panel: &Key, to_server: &Key) {
    let plain = rows(TYPE1);
    let (mut panel, mut server) = (Sequences::opener(), Sequences::acceptor());
    let mut count = 0;
    for (number, row) in rows(file) {
        let frame = row.frame.as_ref().or(plain[&number].frame.as_ref()).unwrap();
        let data = decode_frame(frame).unwrap();
        let (sender, receiver, content) = split_data(data).unwrap();
        if !content.is_empty() {
            let message = Message::decode(content).unwrap();
            assert!(!matches!(message, Message::Notice(Notice::Unknown { .. })), "step {number}");
            let again = join_data((sender, receiver), Some(&message), CompactWidth::Minimal);
            assert_eq!(encode_frame(&again), *frame, "step {number}");
        }
        if file == TYPE1 {
            let (from, to) = if row.from_panel { (&mut panel, &mut server) } else { (&mut server, &mut panel) };
            let numbers = if content.is_empty() { from.current() } else { from.next_message() };
            assert_eq!(numbers, (sender, receiver), "step {number}");
            assert!(to.accept(sender, receiver, content, SequenceMode::Strict).is_ok(), "step {number}");
        }
        let mut payload = frame.clone();
        if let Some(cipher) = &row.cipher {
            let key = if row.from_panel { to_server } else { to_panel };
            payload = key.seal(frame.clone(), Padding::Zeros);
            assert_eq!(payload, *cipher, "step {number}");
            assert!(key.open(cipher).unwrap().starts_with(frame), "step {number}");
        }
        let wire = encode_tlink(&[], &payload);
        let stuffed = row.stuffed.as_ref().unwrap_or(&payload);
        assert_eq!(wire[1..wire.len() - 1], stuffed[..], "step {number}");
        count += 1;
    }
    assert!(count >= 15, "the file was read");
}

#[test]
fn the_type_1_session_replays_byte_for_byte() {
    replay(TYPE1, &key(named(TYPE1, "key server to panel")), &key(named(TYPE1, "key panel to server")));
}

#[test]
fn the_type_2_session_replays_byte_for_byte() {
    replay(TYPE2, &key(named(TYPE2, "key server to panel")), &key(named(TYPE2, "key panel to server")));
}
