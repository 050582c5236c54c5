//! Every knob of dossier 6.2 that no other test turns.

use std::collections::BTreeSet;

use driver_neor::message::{Command, Message, Notice, Programming, ProgrammingAccess, ResponseCode, UserField, Wanted};

use crate::bench::{Bench, Packet, hs2016, ms, seconds, set};

/// What a request brings, in the shape of its packets.
fn shape(packets: &[Packet]) -> Vec<&'static str> {
    let name = |packet: &Packet| match packet.is_ack().then_some(()).map_or_else(|| Some(packet.message()), |()| None) {
        None => "ack",
        Some(Message::Command(_, Command::Response(ResponseCode::Success))) => "success",
        Some(Message::Notice(Notice::Multiple(_))) => "multiple",
        Some(_) => "data",
    };
    packets.iter().map(name).collect()
}

#[test]
fn requests_are_answered_in_the_pattern_asked_for() {
    for (pattern, wanted) in [("D1", &["ack", "data"][..]), ("D2", &["success", "data"]), ("D3", &["data"])] {
        let mut bench = Bench::online(&set(hs2016(), &format!("answer_pattern={pattern}")));
        bench.command(Command::Request(Wanted::Plain(0x0613)));
        assert_eq!(shape(&bench.packets_within(seconds(1))), wanted, "{pattern}");
    }
}

#[test]
fn commands_are_answered_in_the_pattern_asked_for() {
    for (pattern, write, read) in [
        ("", &["success"][..], &["ack", "data"][..]),
        ("A", &["success"], &["data"]),
        ("B", &["ack", "success"], &["ack", "data"]),
        ("C", &["ack", "multiple"], &["ack", "multiple"]),
    ] {
        let config = if pattern.is_empty() { hs2016() } else { set(hs2016(), &format!("answer_pattern={pattern}")) };
        let mut bench = Bench::online(&config);
        let code = crate::bench::code("1234");
        let mode = Programming::AccessCodes;
        bench.command(Command::EnterProgramming {
            partition: Some(1),
            mode,
            code,
            access: ProgrammingAccess::ReadOnly,
        });
        assert_eq!(shape(&bench.packets_within(ms(200))), write, "{pattern}");
        bench.wait(seconds(1));
        bench.forget();
        bench.command(Command::ReadUsers { field: UserField::Codes, first: 1, count: 1 });
        assert_eq!(shape(&bench.packets_within(seconds(1))), read, "{pattern}");
    }
}

#[test]
fn notifications_come_along_in_one_packet_with_the_answer() {
    let mut bench = Bench::online(&set(hs2016(), "answer_pattern=C"));
    let output = Command::Output { partition: Some(1), output: 1, state: 1, code: Some(crate::bench::code("1234")) };
    let app = bench.command(output);
    let messages = bench.messages_within(seconds(1));
    let [Message::Notice(Notice::Multiple(parts))] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!(parts[0], Message::Command(app, Command::Response(ResponseCode::Success)));
    assert!(matches!(parts[1], Message::Notice(Notice::Outputs { .. })), "{parts:?}");
}

#[test]
fn patterns_are_drawn_by_lot() {
    let mut bench = Bench::online(&set(hs2016(), "answer_pattern=any"));
    let mut seen = BTreeSet::new();
    for _ in 0..60 {
        bench.command(Command::Request(Wanted::Plain(0x0613)));
        seen.insert(shape(&bench.packets_within(seconds(1))));
        bench.forget();
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
}

#[test]
fn compact_integers_are_wide_where_told_to() {
    let mut bench = Bench::online(&set(hs2016(), "compact_width=two"));
    bench.does("open 5");
    let packet = bench.packet_within(seconds(1)).expect("one");
    assert_eq!(packet.content, [0x02, 0x10, 2, 0, 5, 1]);
}

#[test]
fn bytes_come_in_pieces_or_several_packets_at_once() {
    for (split, biggest) in [("on", 24), ("joined", usize::MAX), ("off", usize::MAX)] {
        let mut bench = Bench::idle(&set(set(hs2016(), &format!("split={split}")), "replay=6"));
        bench.connect();
        bench.handshake();
        bench.segments.clear();
        bench.does("open 1");
        bench.does("open 2");
        let notices = bench.notices_within(seconds(2));
        assert!(notices.len() >= 8, "{split}: whole in the end");
        assert!(bench.segments.iter().all(|size| *size <= biggest), "{split}");
    }
    let mut bench = Bench::idle(&set(hs2016(), "split=joined"));
    bench.does("fault repeats");
    bench.connect();
    bench.wait(seconds(1));
    assert_eq!(bench.segments.len(), 1, "two packets in one segment");
}

#[test]
fn cipher_blocks_are_filled_in_three_ways() {
    for (padding, differs) in [("zero", false), ("random", true), ("leftover", true)] {
        let mut bench = Bench::online(&set(hs2016(), &format!("padding={padding}")));
        bench.does("open 1");
        bench.wait(seconds(1));
        bench.payloads.clear();
        // A long message between two short ones leaves something in the buffer.
        bench.command(Command::Request(Wanted::Labels { option: 0xD9, range: Some((1, 8)) }));
        bench.wait(seconds(1));
        let fillings: BTreeSet<Vec<u8>> = bench.payloads.iter().map(|payload| filling(&bench, payload)).collect();
        let zeros = fillings.iter().all(|filling| filling.iter().all(|byte| *byte == 0));
        assert_eq!(zeros, !differs, "{padding}: {fillings:?}");
    }
}

/// What stands behind the frame.
fn filling(bench: &Bench, payload: &[u8]) -> Vec<u8> {
    let clear = bench.rx.as_ref().expect("a key").open(payload).expect("blocks");
    let length = match clear[0] {
        short @ 0..=0x7F => 1 + usize::from(short),
        high => 2 + usize::from(u16::from_be_bytes([high & 0x7F, clear[1]])),
    };
    clear[length..].to_vec()
}

#[test]
fn replayed_notifications_may_carry_numbers_that_jump() {
    for (knob, first) in [("fresh", 4), ("old", 101)] {
        let mut bench = Bench::idle(&set(set(hs2016(), &format!("replay_numbers={knob}")), "replay=2"));
        bench.connect();
        bench.handshake();
        let packet = bench.packet_within(seconds(1)).expect("a replay");
        assert_eq!(packet.numbers.0, first, "{knob}");
    }
}

#[test]
fn zone_status_comes_unasked_where_told_to() {
    for (knob, pushed) in [("off", 0), ("on", 1)] {
        let mut bench = Bench::online(&set(hs2016(), &format!("pushes_zone_status={knob}")));
        bench.does("tamper 2");
        let notices = bench.notices_within(seconds(1));
        let statuses = notices.iter().filter(|notice| matches!(notice, Notice::ZoneStatus { .. })).count();
        assert_eq!(statuses, pushed);
    }
}
