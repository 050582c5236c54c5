//! Every fault on purpose does what its name says, and nothing but that. Those of the handshake are tested there.

use driver_neor::codec::TlinkError;
use driver_neor::message::{Command, Message, NackCode, Notice, ResponseCode, Wanted};

use crate::bench::{Bench, hs2016, ms, seconds};

fn with(words: &str) -> Bench {
    let mut bench = Bench::online(&hs2016());
    bench.does(&format!("fault {words}"));
    bench
}

fn ask(bench: &mut Bench) -> Result<Notice, u8> {
    bench.ask(Wanted::Plain(0x0236))
}

#[test]
fn every_message_comes_twice_with_one_number() {
    let mut bench = with("repeats");
    bench.does("open 1");
    let packets: Vec<_> = bench.packets_within(seconds(1)).into_iter().filter(|packet| !packet.is_ack()).collect();
    assert!(packets.len() >= 2 && packets[0] == packets[1], "{packets:?}");
}

#[test]
fn an_old_message_comes_again_with_its_old_number() {
    let mut bench = with("replays_sequence 2");
    // A server that does not believe the old numbers.
    bench.acknowledges = false;
    let mut highest = bench.peer;
    let mut old = 0;
    for round in 0..40 {
        bench.does(if round % 2 == 0 { "open 1" } else { "close 1" });
        for packet in bench.packets_within(ms(100)) {
            if packet.is_ack() {
                continue;
            }
            old += usize::from(packet.numbers.0 < highest);
            highest = highest.max(packet.numbers.0);
            bench.peer = highest;
            bench.acknowledge();
        }
    }
    assert!(old > 0, "an old number was among them");
}

#[test]
fn a_frame_comes_that_is_longer_than_what_was_negotiated() {
    let mut bench = with("long_frame");
    let packet = bench.packet_within(seconds(1)).expect("one");
    assert!(packet.content.len() > 0x0200);
}

#[test]
fn broken_frames_come_now_and_then_and_are_sent_again() {
    for fault in ["bad_crc 3", "bad_stuffing 3", "bad_blocks 3"] {
        let mut bench = with(fault);
        for n in 0..20 {
            bench.does(if n % 2 == 0 { "open 1" } else { "close 1" });
        }
        let told = bench
            .notices_within(seconds(100))
            .into_iter()
            .filter(|notice| matches!(notice, Notice::LifestyleZone { .. }))
            .count();
        assert_eq!(told, 20, "{fault}: none is lost");
        let escapes = bench.tlink_errors.iter().filter(|error| **error == TlinkError::Escape(0x55)).count();
        assert_eq!((bench.broken > 0, escapes > 0), (fault != "bad_stuffing 3", fault == "bad_stuffing 3"), "{fault}");
    }
}

#[test]
fn stray_bytes_come_between_packets() {
    let mut bench = with("noise");
    for n in 0..20 {
        bench.does(if n % 2 == 0 { "open 1" } else { "close 1" });
    }
    bench.wait(seconds(100));
    assert!(bench.broken + bench.tlink_errors.len() > 0);
}

#[test]
fn bytes_come_one_by_one() {
    let mut bench = with("slow_loris 500");
    bench.segments.clear();
    bench.does("open 1");
    let begun = bench.now;
    assert!(bench.packet_within(seconds(60)).is_some());
    assert!(bench.now - begun >= seconds(10), "a packet takes its time");
    assert!(bench.segments.iter().all(|size| *size == 1));
}

#[test]
fn the_communicator_does_not_hear_the_panel() {
    let mut bench = with("nack4");
    bench.command(Command::Request(Wanted::Plain(0x0236)));
    let nack = Notice::CommandError { command: 0x0800, code: NackCode::PanelSilent };
    assert_eq!(bench.message(), Message::Notice(nack));
    bench.does("open 1");
    assert_eq!(bench.messages_within(seconds(1)), [], "nor what happens there");
    bench.say(&Message::Notice(Notice::Poll));
    bench.expect_ack();
    bench.does("fault nack4 off");
    assert!(ask(&mut bench).is_ok());
}

#[test]
fn nothing_is_said_although_the_connection_stays() {
    let mut bench = with("mute");
    bench.say(&Message::Notice(Notice::Poll));
    bench.does("open 1");
    assert_eq!(bench.packets_within(seconds(5)), []);
    assert!(bench.hangup.is_none());
}

#[test]
fn so_many_requests_are_refused_with_the_code_asked_for() {
    let mut bench = with("refuse 2 25");
    assert_eq!(ask(&mut bench), Err(25));
    assert_eq!(ask(&mut bench), Err(25));
    assert_eq!(ask(&mut bench), Ok(Notice::CodeLength(4)));
    bench.does("fault refuse 1");
    assert_eq!(ask(&mut bench), Err(ResponseCode::Internal.byte()));
    assert!(ask(&mut bench).is_ok());
}

#[test]
fn so_many_requests_are_acknowledged_and_forgotten() {
    let mut bench = with("forgets 1");
    bench.command(Command::Request(Wanted::Plain(0x0236)));
    let packets = bench.packets_within(seconds(20));
    assert!(matches!(&packets[..], [ack] if ack.is_ack()), "{packets:?}");
    assert!(ask(&mut bench).is_ok());
}

#[test]
fn answers_come_late() {
    let mut bench = with("slow_answers 1500");
    let begun = bench.now;
    bench.command(Command::Request(Wanted::Plain(0x0236)));
    bench.expect_ack();
    assert!(bench.now - begun < seconds(1));
    bench.does("open 1");
    assert!(matches!(bench.message(), Message::Notice(Notice::LifestyleZone { .. })), "what happens does not wait");
    let told = bench.messages_within(seconds(4));
    assert!(told.contains(&Message::Notice(Notice::CodeLength(4))), "{told:?}");
}

#[test]
fn the_line_breaks_in_the_middle_of_a_packet() {
    let mut bench = with("drop_after 8");
    bench.raw.clear();
    while bench.hangup.is_none() {
        bench.does("open 1");
        bench.does("close 1");
        bench.wait(seconds(1));
    }
    assert_ne!(bench.raw.last(), Some(&0x7F), "half a packet");
    assert_eq!(bench.hangup.map(|hangup| hangup.down), Some(seconds(2)));
    bench.disconnect();
    bench.does("fault drop_after off");
    bench.connect();
    bench.handshake();
    assert_eq!(bench.client(), "online");
}

#[test]
fn messages_come_that_nobody_knows() {
    let mut bench = with("unknown");
    for n in 0..20 {
        bench.does(if n % 2 == 0 { "open 1" } else { "close 1" });
    }
    let notices = bench.notices_within(seconds(10));
    assert!(notices.iter().any(|notice| matches!(notice, Notice::Unknown { command: 0x0299, .. })));
}

#[test]
fn events_are_said_to_be_lost() {
    let mut bench = with("events_lost");
    assert!(matches!(bench.message(), Message::Notice(Notice::BufferOverload(_))));
}

#[test]
fn two_panels_may_have_one_identifier() {
    let (mut one, mut two) = (Bench::online(&hs2016()), Bench::online(&hs2016()));
    one.does("open 1");
    two.does("open 2");
    let headers =
        [one.packet_within(seconds(1)), two.packet_within(seconds(1))].map(|packet| packet.expect("one").header);
    assert_eq!(headers[0], headers[1]);
}

#[test]
fn none_takes_all_of_them_back() {
    let mut bench = Bench::online(&hs2016());
    for words in ["mute", "nack4", "refuse 100", "slow_answers 5000", "unknown"] {
        bench.does(&format!("fault {words}"));
    }
    bench.does("fault none");
    assert!(ask(&mut bench).is_ok());
    assert!(bench.poke("fault gremlins").is_err());
}
