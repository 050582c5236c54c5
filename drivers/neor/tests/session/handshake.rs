//! The handshake, good and bad.

use std::time::Duration;

use driver_neor::codec::{Encryption, Key, Side, decode_frame, encode_tlink};
use driver_neor::message::{Command, Message, NackCode, Notice, ResponseCode};
use panel_driver::{DriverError, DriverEvent};

use crate::bench::*;

/// The frames of the worked session, by step.
fn frame(step: usize) -> Vec<u8> {
    let file = include_str!("../frames/type1.frames");
    let start = format!("{step:2} ");
    let row = file.lines().skip_while(|line| !line.starts_with(&start)).nth(1).unwrap();
    let digits: String = row.trim().trim_start_matches("frame").split_whitespace().collect();
    (0..digits.len() / 2).map(|n| u8::from_str_radix(&digits[2 * n..2 * n + 2], 16).unwrap()).collect()
}

#[test]
fn the_worked_session_goes_out_byte_for_byte() {
    let mut bench = Bench::new(r#""encryption":"type1""#);
    // The panel's side is the file's.
    bench.acknowledges = false;
    bench.strict = false;
    let from_panel = |step| encode_tlink(IDENTIFIER.as_bytes(), &frame(step));
    let to_panel = |step| encode_tlink(b"", &frame(step));
    bench.bytes(&from_panel(1));
    assert_eq!(bench.wire, [to_panel(2)]);
    bench.bytes(&from_panel(3));
    assert_eq!(bench.wire[1..], [to_panel(4)]);
    bench.bytes(&from_panel(5));
    assert_eq!(bench.wire[2..], [to_panel(6)]);
    let key = "11 13 15 17 19 1b 1d 1f 21 23 25 27 29 2b 2d 2f";
    let key: Vec<u8> = key.split(' ').map(|b| u8::from_str_radix(b, 16).unwrap()).collect();
    bench.key_in = Some(Key::new(key.try_into().unwrap()));
    bench.bytes(&from_panel(7));
    assert!(matches!(bench.sent.back(), Some(((3, 2), Some(Message::Command(0x92, Command::Response(_)))))));
    bench.bytes(&from_panel(9));
    let Some(((4, 2), Some(Message::Command(2, Command::RequestAccess(initializer))))) = bench.sent.back() else {
        panic!("{:?}", bench.sent);
    };
    assert!(bench.material.open(Encryption::Type1, Side::Server, initializer.expose()).is_ok());
}

#[test]
fn all_three_types_connect_and_tell_the_firmware() {
    for name in ["none", "type1", "type2"] {
        let mut bench = Bench::new(&format!(r#""encryption":"{name}""#));
        bench.handshake();
        let told = bench.events.iter().any(|e| matches!(e, DriverEvent::Firmware(text) if text.contains("4.11")));
        assert!(told, "{name}: {:?}", bench.events);
    }
}

#[test]
fn the_trailer_of_newer_firmware_is_mirrored() {
    let mut bench = Bench::plain();
    let mut hello = bench.hello();
    hello.trailer = vec![1, 2, 0x7E, 0x7F];
    bench.command(0x91, Command::OpenSession(hello.clone()));
    bench.expect();
    assert!(matches!(bench.expect(), Message::Command(1, Command::OpenSession(ours)) if ours == hello));
}

#[test]
fn a_shorter_echo_that_is_refused_is_told_with_the_firmware() {
    let mut bench = Bench::plain();
    let hello = bench.hello();
    bench.command(0x91, Command::OpenSession(hello));
    bench.expect();
    bench.expect();
    bench.tell(Notice::CommandError { command: 0x060A, code: NackCode::BadLength });
    assert!(matches!(&bench.end, Some(DriverError::Protocol(text)) if text.contains("4.11")), "{:?}", bench.end);
}

#[test]
fn another_type_of_encryption_is_declined_with_code_3() {
    let mut bench = Bench::plain();
    let mut hello = bench.hello();
    hello.encryption = Encryption::Type2;
    bench.command(0x91, Command::OpenSession(hello));
    assert!(matches!(bench.expect(), Message::Command(0x91, Command::Response(ResponseCode::Unsupported))));
    assert!(matches!(bench.expect(), Message::Notice(Notice::EndSession)));
    assert!(matches!(&bench.end, Some(DriverError::Auth(_))));
}

#[test]
fn type_3_is_declined_and_the_fallback_taken_on_the_same_connection() {
    let mut bench = Bench::new(r#""encryption":"type2""#);
    let mut hello = bench.hello();
    hello.encryption = Encryption::Unknown(3);
    bench.command(0x91, Command::OpenSession(hello));
    assert!(matches!(bench.expect(), Message::Command(0x91, Command::Response(ResponseCode::Unsupported))));
    bench.pass(Duration::from_millis(550));
    bench.numbers = driver_neor::codec::Sequences::opener();
    bench.handshake();
}

#[test]
fn an_initializer_of_another_identifier_is_refused_with_code_1_and_the_session_ended() {
    let mut bench = Bench::new(r#""encryption":"type1""#);
    bench.material.identifier = "999999999999".into();
    let hello = bench.hello();
    bench.command(0x91, Command::OpenSession(hello));
    bench.expect();
    bench.respond(ResponseCode::Success);
    let (initializer, _) = bench.material.make(Encryption::Type1, Side::Panel, &mut bench.random).unwrap();
    bench.command(0x92, Command::RequestAccess(initializer.into()));
    assert!(matches!(bench.expect(), Message::Command(0x92, Command::Response(ResponseCode::OutOfRange))));
    assert!(matches!(bench.expect(), Message::Notice(Notice::EndSession)));
    assert!(matches!(bench.end, Some(DriverError::Auth(_))));
}

#[test]
fn an_initializer_of_a_wrong_length_is_refused() {
    for length in [0, 15, 47, 49, 200] {
        let mut bench = Bench::new(r#""encryption":"type1""#);
        let hello = bench.hello();
        bench.command(0x91, Command::OpenSession(hello));
        bench.expect();
        bench.respond(ResponseCode::Success);
        bench.command(0x92, Command::RequestAccess(vec![7; length].into()));
        assert!(matches!(bench.expect(), Message::Command(0x92, Command::Response(ResponseCode::OutOfRange))));
        assert!(matches!(bench.end, Some(DriverError::Auth(_))), "{length}");
    }
}

#[test]
fn our_access_code_that_is_refused_is_told_as_such() {
    let mut bench = Bench::new(r#""encryption":"type1""#);
    let hello = bench.hello();
    bench.command(0x91, Command::OpenSession(hello));
    bench.expect();
    bench.respond(ResponseCode::Success);
    let (initializer, key) = bench.material.make(Encryption::Type1, Side::Panel, &mut bench.random).unwrap();
    bench.key_in = key;
    bench.command(0x92, Command::RequestAccess(initializer.into()));
    bench.expect();
    // In clear: there is no key that both know.
    bench.respond(ResponseCode::OutOfRange);
    assert!(matches!(&bench.end, Some(DriverError::Auth(text)) if text.contains("[423]")), "{:?}", bench.end);
}

#[test]
fn silence_at_the_beginning_is_given_up_after_ten_seconds() {
    let mut bench = Bench::plain();
    bench.pass(Duration::from_secs(9));
    assert!(bench.end.is_none());
    bench.pass(Duration::from_secs(2));
    assert!(matches!(bench.end, Some(DriverError::Unresponsive(_))));
}

#[test]
fn one_byte_a_second_does_not_hold_the_handshake_open() {
    let mut bench = Bench::plain();
    let bytes = encode_tlink(IDENTIFIER.as_bytes(), &frame(1));
    for byte in bytes {
        if bench.end.is_none() {
            bench.bytes(&[byte]);
            bench.pass(Duration::from_secs(1));
        }
    }
    assert!(matches!(bench.end, Some(DriverError::Unresponsive(_))));
}

#[test]
fn an_http_poller_gets_a_hint_and_no_answer() {
    let mut bench = Bench::plain();
    bench.bytes(b"POST /abs");
    bench.bytes(b"ip HTTP/1.1\r\n");
    assert!(matches!(&bench.end, Some(DriverError::Protocol(text)) if text.contains("[425]")));
    assert!(bench.wire.is_empty());
}

#[test]
fn another_panels_identifier_is_refused() {
    let mut bench = Bench::plain();
    bench.bytes(&encode_tlink(b"999999999999", &frame(1)));
    assert!(matches!(&bench.end, Some(DriverError::Auth(text)) if text.contains("999999999999")));
}

#[test]
fn an_encrypted_payload_of_odd_length_is_a_bad_packet_and_many_end_the_session() {
    let mut bench = Bench::new(r#""encryption":"type2""#);
    bench.handshake();
    for n in 1..=8 {
        assert!(bench.end.is_none(), "after {n}");
        bench.bytes(&encode_tlink(IDENTIFIER.as_bytes(), &[0x42; 15]));
    }
    assert!(matches!(bench.end, Some(DriverError::Protocol(_))));
    assert_eq!(bench.session.counters().bad, 8);
}

#[test]
fn padding_differs_although_frames_are_equal() {
    let mut bench = Bench::new(r#""encryption":"type2""#);
    bench.handshake();
    let before = bench.wire.len();
    for zone in 1..=2 {
        bench.say_as((9, bench.numbers.current().1), None);
        bench.tell(Notice::LifestyleZone { zone, open: true });
    }
    let acks = &bench.wire[before..];
    assert_eq!(acks.len(), 2);
    for (_, message) in &bench.sent {
        assert!(message.is_none() || bench.key_in.is_some());
    }
    let opened = bench.key_in.as_ref().unwrap().open(&acks[0][1..17]);
    assert!(opened.is_err() || decode_frame(&opened.unwrap()).is_ok() || acks[0].contains(&0x7D));
    assert_ne!(acks[0], acks[1]);
}
