//! Sequence numbers, acknowledgements, silence, and the end of sessions.

use driver_neor::message::{Command, Message, NackCode, Notice, ResponseCode, Wanted};

use crate::bench::{Bench, hs2016, ms, seconds, set};

const POLL: Message = Message::Notice(Notice::Poll);

#[test]
fn a_poll_is_acknowledged() {
    let mut bench = Bench::online(&hs2016());
    bench.say(&POLL);
    bench.expect_ack();
    assert_eq!(bench.packets_within(seconds(1)), []);
}

#[test]
fn a_number_out_of_step_ends_a_strict_session() {
    for (own, peer) in [(2, 0), (0, 1), (0, 250)] {
        let mut bench = Bench::online(&hs2016());
        (bench.own, bench.peer) = (bench.own.wrapping_add(own), bench.peer.wrapping_add(peer));
        bench.say(&POLL);
        let nack = Notice::CommandError { command: 0x0600, code: NackCode::BadSequence };
        assert_eq!(bench.messages_within(ms(10)), [Message::Notice(nack)]);
        assert_eq!(bench.hangup.map(|hangup| hangup.down), Some(seconds(15)));
    }
}

#[test]
fn a_second_message_before_the_first_is_acknowledged_ends_a_strict_session() {
    let mut bench = Bench::online(&hs2016());
    bench.say(&POLL);
    bench.say(&POLL);
    assert!(bench.hangup.is_some());
}

#[test]
fn a_repeated_message_is_acknowledged_again_and_not_done_again() {
    for mode in ["strict", "lenient"] {
        let mut bench = Bench::online(&set(hs2016(), &format!("sequence={mode}")));
        let output = Command::Output {
            partition: Some(1),
            output: 1,
            state: 1,
            code: driver_neor::message::Digits::parse("1234"),
        };
        assert_eq!(bench.respond(output.clone()), 0);
        bench.wait(seconds(1));
        (bench.own, bench.app) = (bench.own - 1, bench.app - 1);
        bench.command(output);
        bench.wait(seconds(1));
        assert_eq!(bench.count("output"), 1, "{mode}");
        assert!(bench.hangup.is_none());
    }
}

#[test]
fn a_message_that_nobody_acknowledges_is_sent_four_times_with_its_number() {
    let mut bench = Bench::online(&hs2016());
    bench.acknowledges = false;
    bench.does("open 1");
    bench.does("open 2");
    let packets = bench.packets_within(ms(11_900));
    assert_eq!(packets.len(), 4);
    assert!(packets.windows(2).all(|pair| pair[0] == pair[1]), "one message in flight: {packets:?}");
    assert!(bench.hangup.is_none());
    bench.wait(ms(200));
    assert_eq!(bench.hangup.map(|hangup| hangup.down), Some(seconds(15)));
    assert_eq!(bench.count("client_given_up"), 1);
}

#[test]
fn what_was_not_acknowledged_is_told_in_the_next_session() {
    let mut bench = Bench::online(&hs2016());
    bench.acknowledges = false;
    bench.does("open 1");
    bench.does("open 2");
    bench.disconnect();
    bench.acknowledges = true;
    bench.connect();
    bench.handshake();
    let opened = |zone| Notice::LifestyleZone { zone, open: true };
    let told = bench.notices_within(seconds(1));
    assert_eq!(told[0], opened(1));
    assert!(told.contains(&opened(2)), "{told:?}");
}

#[test]
fn a_silent_session_is_given_up_after_its_time() {
    let mut bench = Bench::online(&hs2016());
    bench.wait(seconds(119));
    assert!(bench.hangup.is_none());
    bench.say(&POLL);
    bench.wait(seconds(119));
    assert!(bench.hangup.is_none(), "the poll counted");
    bench.wait(seconds(2));
    assert!(bench.hangup.is_some());
    let mut bench = Bench::online(&set(hs2016(), "inactivity_seconds=45"));
    bench.wait(seconds(46));
    assert!(bench.hangup.is_some(), "section 711");
}

#[test]
fn either_side_ends_the_session() {
    let mut bench = Bench::online(&hs2016());
    bench.say(&Message::Notice(Notice::EndSession));
    bench.expect_ack();
    assert_eq!(bench.hangup.map(|hangup| hangup.down), Some(seconds(15)));
    let mut bench = Bench::online(&hs2016());
    bench.does("fault end_session");
    assert_eq!(bench.message(), Message::Notice(Notice::EndSession));
    assert_eq!(bench.hangup.map(|hangup| hangup.down), Some(seconds(15)));
    assert!(bench.poke("fault end_session").is_err());
}

/// NeoHub and LSH: numbers begin at 1, responses carry the number of the last message again.
#[test]
fn a_lenient_panel_takes_the_numbers_of_other_servers() {
    let mut bench = Bench::idle(&set(hs2016(), "sequence=lenient"));
    bench.connect();
    let Message::Command(app, Command::OpenSession(hello)) = bench.message() else { panic!("no hello") };
    let ok = |app| Message::Command(app, Command::Response(ResponseCode::Success));
    bench.own = 0;
    bench.say(&ok(app));
    bench.expect_ack();
    bench.command(Command::OpenSession(hello));
    assert!(matches!(bench.message(), Message::Command(..)));
    let Message::Command(app, Command::RequestAccess(initializer)) = bench.message() else { panic!("no access") };
    let key = bench.material.open(
        driver_neor::codec::Encryption::Type1,
        driver_neor::codec::Side::Panel,
        initializer.expose(),
    );
    bench.tx = key.expect("a key");
    bench.own -= 1;
    bench.say(&ok(app));
    bench.expect_ack();
    let mut random = driver_neor::codec::RandomStream::new(&[1; 32]);
    let made =
        bench.material.make(driver_neor::codec::Encryption::Type1, driver_neor::codec::Side::Server, &mut random);
    let (own, key) = made.expect("an initializer");
    bench.rx = key;
    bench.command(Command::RequestAccess(own.into()));
    bench.wait(seconds(1));
    assert_eq!(bench.client(), "online");
    bench.forget();
    bench.own = 200;
    assert_eq!(bench.ask(Wanted::Plain(0x0236)), Ok(Notice::CodeLength(4)), "a gap is taken");
}

#[test]
fn numbers_of_both_sides_wrap_without_a_gap() {
    let mut bench = Bench::online(&hs2016());
    for _ in 0..300 {
        assert_eq!(bench.ask(Wanted::Plain(0x0236)), Ok(Notice::CodeLength(4)));
    }
    assert!(bench.hangup.is_none());
}

#[test]
fn a_broken_frame_is_passed_over_and_the_next_one_taken() {
    let mut bench = Bench::online(&hs2016());
    for bytes in [&b"\x7E\x01\x02\x7F"[..], b"\x7E\x7D\x55\x7F", b"no packet\x7F", b"\x7E\x11\x7E\x7F"] {
        bench.send_raw(bytes);
    }
    bench.say(&POLL);
    bench.expect_ack();
    assert_eq!(bench.count("bad_frame"), 4);
}

#[test]
fn a_frame_longer_than_what_was_announced_is_refused() {
    let mut bench = Bench::online(&hs2016());
    let address = driver_neor::message::SectionAddress::new(0, &[100]);
    bench.command(Command::WriteSection(address, vec![0; 600].into()));
    let nack = Notice::CommandError { command: 0x0722, code: NackCode::SmallBuffer };
    assert_eq!(bench.message(), Message::Notice(nack));
}
