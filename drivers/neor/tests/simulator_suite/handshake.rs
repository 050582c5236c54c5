//! How sessions begin, and every way in which they do not.

use driver_neor::codec::{Encryption, KeyError, Side};
use driver_neor::message::{Command, Message, NackCode, Notice, OpenSession, ResponseCode};
use driver_neor::sim::{FirstOffer, SimConfig};
use panel_driver::sim::Simulator;
use panel_model::Password;

use crate::bench::{Bench, Packet, hs2016, ms, seconds, set};

const SUCCESS: ResponseCode = ResponseCode::Success;

fn with_type(encryption: u8) -> SimConfig {
    set(hs2016(), &format!("encryption={encryption}"))
}

/// Goes on until the panel hangs up, and tells what it said.
fn last_words(bench: &mut Bench) -> Vec<Message> {
    let said = bench.messages_within(seconds(5));
    assert_eq!(bench.hangup.map(|hangup| hangup.down), Some(seconds(15)), "it dials again after its pause");
    said
}

#[test]
fn all_types_of_encryption_come_online() {
    for encryption in 0..=2 {
        let mut bench = Bench::online(&with_type(encryption));
        bench.does("open 5");
        assert_eq!(bench.message(), Message::Notice(Notice::LifestyleZone { zone: 5, open: true }));
        assert_eq!(bench.tx.is_some(), encryption != 0);
    }
}

#[test]
fn every_packet_has_the_header_and_the_vendors_numbers() {
    let mut bench = Bench::idle(&hs2016());
    bench.acknowledges = false;
    bench.connect();
    let mut said: Vec<Packet> = Vec::new();
    let mut next = |bench: &mut Bench| {
        let packet = bench.packet_within(seconds(1)).expect("a packet");
        said.push(packet.clone());
        packet
    };
    let hello = match next(&mut bench).message() {
        Message::Command(0x91, Command::OpenSession(hello)) => hello,
        other => panic!("{other:?}"),
    };
    bench.say(&Message::Command(0x91, Command::Response(SUCCESS)));
    next(&mut bench);
    bench.command(Command::OpenSession(hello));
    next(&mut bench);
    bench.acknowledge();
    let access = match next(&mut bench).message() {
        Message::Command(0x92, Command::RequestAccess(initializer)) => initializer.expose().to_vec(),
        other => panic!("{other:?}"),
    };
    bench.tx = bench.material.open(Encryption::Type1, Side::Panel, &access).expect("a key");
    bench.say(&Message::Command(0x92, Command::Response(SUCCESS)));
    next(&mut bench);
    let numbers: Vec<_> = said.iter().map(|packet| packet.numbers).collect();
    assert_eq!(numbers, [(0, 0), (0, 1), (1, 2), (2, 2), (2, 3)], "dossier 2.8, steps 1, 3, 5, 7, 9");
    assert!(said.iter().all(|packet| packet.header == "310212345678"));
}

/// Dossier 2.9, steps 1, 3 and 5, on the wire.
#[test]
fn the_part_in_clear_is_the_worked_vector_to_the_byte() {
    let mut bench = Bench::idle(&hs2016());
    bench.connect();
    let hello = bench.until_open();
    bench.command(Command::OpenSession(hello));
    bench.acknowledges = false;
    bench.message();
    let wire = [
        b"310212345678\x7E\x15\x00\x00\x06\x0A\x91\x02\x03\x2C\x04\x11\x02\x11\x02\x00\x02\x00\x00\x01\x01\xA9\x0F\x7F"
            .to_vec(),
        b"310212345678\x7E\x04\x00\x01\x00\x7D\x00\x7F".to_vec(),
        b"310212345678\x7E\x08\x01\x02\x05\x02\x01\x00\x82\x54\x7F".to_vec(),
    ];
    assert_eq!(bench.raw, wire.concat());
}

#[test]
fn another_length_of_open_session_is_refused_and_the_session_ended() {
    for (panel, trailer) in [("off", vec![0, 1, 0, 2]), ("on", Vec::new())] {
        let mut bench = Bench::idle(&set(hs2016(), &format!("open_session_trailer={panel}")));
        bench.connect();
        let hello = bench.until_open();
        bench.command(Command::OpenSession(OpenSession { trailer, ..hello }));
        let nack = Notice::CommandError { command: 0x060A, code: NackCode::BadLength };
        assert_eq!(last_words(&mut bench), [Message::Notice(nack), Message::Notice(Notice::EndSession)]);
    }
}

#[test]
fn the_trailer_of_newer_firmware_is_taken_when_mirrored() {
    let bench = Bench::online(&set(hs2016(), "open_session_trailer=on"));
    assert_eq!(bench.client(), "online");
}

#[test]
fn another_encryption_than_the_panels_is_refused() {
    let mut bench = Bench::idle(&hs2016());
    bench.connect();
    let hello = bench.until_open();
    let app = bench.command(Command::OpenSession(OpenSession { encryption: Encryption::Type2, ..hello }));
    let refused = Message::Command(app, Command::Response(ResponseCode::Unsupported));
    assert_eq!(last_words(&mut bench), [refused, Message::Notice(Notice::EndSession)]);
}

#[test]
fn fields_that_are_not_mirrored_are_refused_by_a_strict_panel_only() {
    for (mode, code) in [("strict", ResponseCode::OutOfRange), ("lenient", SUCCESS)] {
        let mut bench = Bench::idle(&set(hs2016(), &format!("sequence={mode}")));
        bench.connect();
        let hello = bench.until_open();
        let app = bench.command(Command::OpenSession(OpenSession { device: 0x8F, ..hello }));
        assert_eq!(bench.message(), Message::Command(app, Command::Response(code)));
    }
}

#[test]
fn an_initializer_made_with_another_code_is_refused() {
    let mut bench = Bench::idle(&hs2016());
    bench.connect();
    let hello = bench.until_open();
    bench.open(&hello);
    let (app, initializer) = bench.until_access();
    bench.tx = bench.material.open(Encryption::Type1, Side::Panel, &initializer).expect("a key");
    bench.say(&Message::Command(app, Command::Response(SUCCESS)));
    bench.expect_ack();
    let mut random = driver_neor::codec::RandomStream::new(&[1; 32]);
    bench.material.type1 = Some(Password::new("00000000".into()));
    let (own, _) = bench.material.make(Encryption::Type1, Side::Server, &mut random).expect("an initializer");
    let app = bench.command(Command::RequestAccess(own.into()));
    let refused = Message::Command(app, Command::Response(ResponseCode::OutOfRange));
    assert_eq!(last_words(&mut bench), [refused, Message::Notice(Notice::EndSession)]);
    assert_eq!(bench.count("client_refused"), 1);
}

#[test]
fn what_the_server_refuses_ends_the_session() {
    let mut bench = Bench::idle(&hs2016());
    bench.connect();
    let Message::Command(app, _) = bench.message() else { panic!("no command") };
    bench.say(&Message::Command(app, Command::Response(ResponseCode::OutOfRange)));
    assert_eq!(last_words(&mut bench), [Message::Notice(Notice::EndSession)]);
}

#[test]
fn type_3_comes_first_and_the_type_that_is_meant_550_ms_later() {
    let mut config = with_type(2);
    config.dialect.first_offer = FirstOffer::Type3Same;
    let mut bench = Bench::idle(&config);
    bench.connect();
    let Message::Command(app, Command::OpenSession(hello)) = bench.message() else { panic!("no hello") };
    assert_eq!(hello.encryption, Encryption::Unknown(3));
    bench.say(&Message::Command(app, Command::Response(ResponseCode::Unsupported)));
    bench.expect_ack();
    bench.handshake();
    assert_eq!(bench.client(), "online");

    config.dialect.first_offer = FirstOffer::Type3New;
    let mut bench = Bench::idle(&config);
    bench.connect();
    let Message::Command(app, _) = bench.message() else { panic!("no hello") };
    bench.say(&Message::Command(app, Command::Response(ResponseCode::Unsupported)));
    bench.wait(ms(600));
    assert_eq!(bench.hangup.map(|hangup| hangup.down), Some(ms(0)));
    bench.disconnect();
    bench.connect();
    assert_eq!(bench.until_open().encryption, Encryption::Type2);
}

#[test]
fn type_3_alone_is_offered_again_and_again() {
    let mut bench = Bench::idle(&with_type(3));
    for _ in 0..2 {
        bench.connect();
        let Message::Command(app, Command::OpenSession(hello)) = bench.message() else { panic!("no hello") };
        assert_eq!(hello.encryption, Encryption::Unknown(3));
        bench.say(&Message::Command(app, Command::Response(ResponseCode::Unsupported)));
        last_words(&mut bench);
        bench.disconnect();
        assert_eq!(bench.hangup.map(|hangup| hangup.down), Some(seconds(15)));
    }
}

#[test]
fn the_panel_stalls_after_its_first_encrypted_message() {
    let mut bench = Bench::idle(&set(with_type(2), "stall_after_first_encrypted=16"));
    bench.connect();
    bench.handshake();
    bench.say(&Message::Notice(Notice::Poll));
    assert_eq!(bench.packets_within(ms(15_900)), []);
    bench.wait(ms(200));
    assert_eq!(bench.hangup.map(|hangup| hangup.down), Some(seconds(15)));
}

#[test]
fn only_the_headers_asked_for_are_taken() {
    for (rule, header, taken) in [
        ("any", "", true),
        ("any", "310212345678", true),
        ("any", "999999999999", false),
        ("own", "", false),
        ("own", "310212345678", true),
        ("empty", "", true),
        ("empty", "310212345678", false),
    ] {
        let mut bench = Bench::idle(&set(hs2016(), &format!("header_from_server={rule}")));
        bench.header = header.to_owned();
        bench.connect();
        let Message::Command(app, _) = bench.message() else { panic!("no hello") };
        bench.say(&Message::Command(app, Command::Response(SUCCESS)));
        bench.wait(ms(100));
        assert_eq!(bench.hangup.is_none(), taken, "{rule} {header}");
    }
    let mut bench = Bench::online(&hs2016());
    bench.header = "310212345678".into();
    bench.say(&Message::Notice(Notice::Poll));
    assert!(bench.hangup.is_some(), "a header that changes ends the session");
}

#[test]
fn the_panel_stops_after_each_step() {
    for step in 0_u8..=11 {
        let mut bench = Bench::idle(&hs2016());
        bench.does(&format!("fault stop_after {step}"));
        bench.acknowledges = false;
        bench.connect();
        let said = complete(&mut bench);
        assert_eq!(said, usize::from(step).div_ceil(2), "packets before it stops after step {step}");
        bench.wait(seconds(300));
        assert_eq!((bench.client() == "online", bench.hangup), (false, None), "it hangs: step {step}");
        bench.disconnect();
        bench.does("fault none");
        bench.acknowledges = true;
        bench.connect();
        bench.handshake();
    }
}

/// Plays the server's part as far as the panel goes; how many packets came.
fn complete(bench: &mut Bench) -> usize {
    let mut said = 0;
    while let Some(packet) = bench.packet_within(ms(500)) {
        said += 1;
        match (said, packet.is_ack().then(|| packet.clone()).map_or_else(|| Some(packet.message()), |_| None)) {
            (1, Some(Message::Command(app, _))) => bench.say(&Message::Command(app, Command::Response(SUCCESS))),
            (2, None) => {
                let hello = driver_hello();
                bench.command(Command::OpenSession(hello));
            }
            (3, Some(_)) => bench.acknowledge(),
            (4, Some(Message::Command(app, Command::RequestAccess(initializer)))) => {
                bench.tx = bench.material.open(Encryption::Type1, Side::Panel, initializer.expose()).expect("a key");
                bench.say(&Message::Command(app, Command::Response(SUCCESS)));
            }
            (5, None) => {
                let mut random = driver_neor::codec::RandomStream::new(&[1; 32]);
                let (own, key) = bench.material.make(Encryption::Type1, Side::Server, &mut random).expect("one");
                bench.rx = key;
                bench.command(Command::RequestAccess(own.into()));
            }
            (6, Some(_)) => bench.acknowledge(),
            other => panic!("{other:?}"),
        }
    }
    said
}

/// What the simulated communicator says of itself.
fn driver_hello() -> OpenSession {
    OpenSession {
        device: 2,
        device_id: 0x032C,
        firmware: [4, 0x11],
        protocol: [2, 0x11],
        tx_buffer: 0x200,
        rx_buffer: 0x200,
        constant: 1,
        encryption: Encryption::Type1,
        trailer: Vec::new(),
    }
}

#[test]
fn the_header_is_another_panels() {
    let mut bench = Bench::idle(&hs2016());
    bench.does("fault wrong_id");
    bench.connect();
    let packet = bench.packet_within(seconds(1)).expect("a hello");
    assert_eq!(packet.header, "310212345670");
}

#[test]
fn the_header_changes_in_the_middle_of_a_session() {
    let mut bench = Bench::online(&hs2016());
    bench.does("fault changing_id");
    for zone in 1..=4 {
        bench.does(&format!("open {zone}"));
    }
    let headers: std::collections::BTreeSet<_> =
        bench.packets_within(seconds(1)).into_iter().map(|packet| packet.header).collect();
    assert_eq!(headers.len(), 2);
}

#[test]
fn a_panel_with_another_code_cannot_be_opened() {
    let mut bench = Bench::idle(&hs2016());
    bench.does("fault wrong_code");
    bench.connect();
    let hello = bench.until_open();
    bench.open(&hello);
    let (app, initializer) = bench.until_access();
    // Type 1 wraps the panel's initializer with the identifier, so only the server's own is refused.
    bench.tx = bench.material.open(Encryption::Type1, Side::Panel, &initializer).expect("a key");
    bench.say(&Message::Command(app, Command::Response(SUCCESS)));
    bench.expect_ack();
    let mut random = driver_neor::codec::RandomStream::new(&[1; 32]);
    let (own, _) = bench.material.make(Encryption::Type1, Side::Server, &mut random).expect("an initializer");
    let app = bench.command(Command::RequestAccess(own.into()));
    let refused = Message::Command(app, Command::Response(ResponseCode::OutOfRange));
    assert_eq!(last_words(&mut bench)[0], refused);
    let mut bench = Bench::idle(&with_type(2));
    bench.does("fault wrong_code");
    bench.connect();
    let hello = bench.until_open();
    bench.open(&hello);
    let access = bench.until_access();
    bench.tx = bench.material.open(Encryption::Type2, Side::Panel, &access.1).expect("a key");
    bench.say(&Message::Command(access.0, Command::Response(SUCCESS)));
    assert_eq!(bench.packets_within(seconds(1)), [], "Type 2 has no check: nothing can be read");
    assert_eq!(bench.count("bad_frame"), 1);
}

#[test]
fn keys_are_mixed_up_or_not_used() {
    for fault in ["swapped_keys", "plain"] {
        let mut bench = Bench::idle(&hs2016());
        bench.does(&format!("fault {fault}"));
        bench.connect();
        let hello = bench.until_open();
        bench.open(&hello);
        let (app, initializer) = bench.until_access();
        bench.tx = bench.material.open(Encryption::Type1, Side::Panel, &initializer).expect("a key");
        bench.say(&Message::Command(app, Command::Response(SUCCESS)));
        bench.expect_ack();
        let mut random = driver_neor::codec::RandomStream::new(&[1; 32]);
        let (own, key) = bench.material.make(Encryption::Type1, Side::Server, &mut random).expect("one");
        bench.rx = key;
        bench.command(Command::RequestAccess(own.into()));
        assert_eq!(bench.packets_within(seconds(1)), [], "{fault}");
        assert!(bench.broken > 0, "{fault}");
    }
}

#[test]
fn a_panel_that_polls_over_http_says_so_and_calls_again_later() {
    let mut bench = Bench::idle(&hs2016());
    bench.does("fault http_absip");
    bench.connect();
    bench.wait(seconds(1));
    assert!(bench.raw.starts_with(b"POST /absip HTTP/1.1\r\n"));
    bench.wait(seconds(5));
    assert_eq!(bench.hangup.map(|hangup| hangup.down), Some(seconds(120)));
}

#[test]
fn a_flood_of_sessions_breaks_off_at_once() {
    let mut bench = Bench::idle(&hs2016());
    bench.does("fault flood 3");
    for _ in 0..3 {
        bench.connect();
        assert_eq!(bench.hangup.map(|hangup| hangup.down), Some(ms(0)));
        bench.disconnect();
    }
    bench.connect();
    bench.handshake();
    assert_eq!(bench.client(), "online");
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let mut bench = Bench::idle(&hs2016());
    bench.acknowledges = false;
    bench.connect();
    let packets = bench.packets_within(seconds(11));
    assert!(packets.len() >= 3 && packets.iter().all(|packet| packet.numbers == (0, 0)), "sent again: {packets:?}");
    assert_eq!(bench.hangup.map(|hangup| hangup.down), Some(seconds(15)));
    assert_eq!(bench.count("client_given_up"), 1);
}

#[test]
fn the_wrong_side_of_an_initializer_does_not_open() {
    let bench = Bench::online(&hs2016());
    let mut random = driver_neor::codec::RandomStream::new(&[1; 32]);
    let (own, _) = bench.material.make(Encryption::Type1, Side::Server, &mut random).expect("one");
    assert_eq!(bench.material.open(Encryption::Type1, Side::Panel, &own), Err(KeyError::Check));
}

#[test]
fn the_server_closing_the_connection_has_it_dial_again_after_its_pause() {
    let mut bench = Bench::online(&set(hs2016(), "redial=7"));
    bench.disconnect();
    assert_eq!(bench.hangup.map(|hangup| hangup.down), Some(seconds(7)));
    assert!(bench.sim.poll_transmit().is_none());
    bench.connect();
    bench.handshake();
    assert_eq!(bench.client(), "online");
}
