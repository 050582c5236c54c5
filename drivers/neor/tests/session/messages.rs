//! Numbers, acknowledgements, answers, notifications: a session at work.

use std::time::Duration;

use driver_neor::message::{
    ArmingMode, Command, Flag, Hidden, Lead, Message, NackCode, Notice, Programming, ProgrammingLead, ResponseCode,
    Via, Wanted, ZoneAlarm,
};
use panel_driver::{CivilTime, Command as Asked, DriverError, DriverEvent, Outcome, Section, Session};
use panel_model::{AccessCode, ArmMode, EventKind as K, NotNow, Origin, Partition, Zone};

use crate::bench::*;

const SECOND: Duration = Duration::from_secs(1);

fn arm() -> Asked {
    let code = Some(AccessCode::new("4702".into()));
    Asked::Arm { partition: Partition::new(1).unwrap(), mode: ArmMode::Away, code }
}

fn poll(message: &Message) -> bool {
    matches!(message, Message::Notice(Notice::Poll))
}

#[test]
fn nothing_is_asked_before_the_panel_fell_quiet() {
    let mut bench = Bench::plain();
    bench.handshake();
    for n in 0..10_u32 {
        bench.pass(SECOND * 3 / 2);
        bench.tell(Notice::LifestyleZone { zone: n % 4 + 1, open: n % 2 == 0 });
        bench.expect_nothing();
    }
    bench.pass(SECOND * 3);
    assert!(matches!(bench.expect(), Message::Command(_, Command::Request(Wanted::Plain(0x0613)))));
}

#[test]
fn a_panel_that_never_falls_quiet_is_asked_after_forty_seconds() {
    let mut bench = Bench::plain();
    bench.handshake();
    for _ in 0..41 {
        bench.tell(Notice::LifestyleZone { zone: 1, open: true });
        bench.pass(SECOND);
    }
    bench.expect();
}

#[test]
fn what_was_queued_is_told_late_and_after_the_snapshot() {
    let mut bench = Bench::plain();
    bench.handshake();
    bench.tell(Notice::LifestyleZone { zone: 1, open: true });
    bench.tell(Notice::ZoneAlarms { partition: Some(1), alarms: vec![ZoneAlarm { zone: 1, kind: 1, state: 1 }] });
    bench.tell(Notice::LifestyleZone { zone: 1, open: false });
    bench.pass(SECOND * 3);
    bench.serve();
    let first = bench.events.iter().position(|e| matches!(e, DriverEvent::Snapshot(_))).unwrap();
    let happened = bench.events.iter().position(|e| matches!(e, DriverEvent::Happened(_))).unwrap();
    assert!(first < happened);
    let told: Vec<_> = bench.happened().iter().map(|e| (e.kind, e.origin)).collect();
    let late = Origin::Replay;
    assert_eq!(told, [(K::ZoneOpened, late), (K::ZoneAlarm, late), (K::ZoneClosed, late)]);
    // The panel says that zone 1 is at rest by now.
    assert!(!bench.session.state().zones[&Zone::new(1).unwrap()].alarm);
}

#[test]
fn only_one_message_is_unacknowledged_at_any_time() {
    let mut bench = Bench::online();
    bench.serve();
    bench.acknowledges = false;
    bench.ask(arm());
    bench.ask(Asked::Refresh(Section::State));
    assert!(matches!(bench.expect(), Message::Command(_, Command::Arm { .. })));
    bench.pass(SECOND);
    bench.expect_nothing();
    // Another message of the panel's acknowledges as well as an acknowledgement.
    bench.tell(Notice::LifestyleZone { zone: 1, open: true });
    bench.expect_nothing();
}

#[test]
fn what_is_not_acknowledged_is_sent_again_with_its_number_and_then_given_up() {
    let mut bench = Bench::online();
    bench.serve();
    bench.acknowledges = false;
    bench.ask(Asked::Refresh(Section::State));
    bench.pass(SECOND * 20);
    bench.sent.retain(|(_, message)| message.is_some());
    let numbers: Vec<_> = bench.sent.iter().map(|((sender, _), _)| *sender).collect();
    assert_eq!(numbers.len(), 3, "{:?}", bench.sent);
    assert!(numbers.iter().all(|n| *n == numbers[0]), "{numbers:?}");
    assert!(matches!(bench.end, Some(DriverError::Unresponsive(_))), "{:?}", bench.end);
}

#[test]
fn an_answer_that_stays_out_is_asked_for_again_with_a_new_number() {
    let mut bench = Bench::online();
    bench.serve();
    bench.ask(Asked::Refresh(Section::State));
    let Message::Command(first, Command::Request(wanted)) = bench.expect() else { panic!("no request") };
    bench.pass(SECOND * 11);
    let Message::Command(second, Command::Request(again)) = bench.expect() else { panic!("not asked again") };
    assert_eq!((second, again), (first + 1, wanted));
}

#[test]
fn a_repeated_message_is_acknowledged_and_told_once() {
    let mut bench = Bench::online();
    bench.serve();
    let numbers = bench.numbers.next_message();
    let opened = Message::Notice(Notice::LifestyleZone { zone: 2, open: true });
    for _ in 0..3 {
        bench.sent.clear();
        bench.say_as(numbers, Some(&opened));
        assert!(matches!(bench.sent.back(), Some((_, None))), "acknowledged");
    }
    assert_eq!(bench.happened().len(), 1);
    assert_eq!(bench.session.counters().repeated, 2);
}

#[test]
fn numbers_out_of_step_are_taken_and_counted() {
    let mut bench = Bench::online();
    bench.serve();
    let (own, peer) = bench.numbers.next_message();
    bench.strict = false;
    bench.say_as((own.wrapping_add(40), peer), Some(&Message::Notice(Notice::LifestyleZone { zone: 2, open: true })));
    assert_eq!(bench.happened().len(), 1);
    assert_eq!(bench.session.counters().out_of_step, 1);
}

#[test]
fn several_messages_in_one_packet_are_one_acknowledgement() {
    let mut bench = Bench::online();
    bench.serve();
    bench.ask(arm());
    let Message::Command(app, _) = bench.expect() else { panic!("no command") };
    bench.sent.clear();
    bench.tell(Notice::Multiple(vec![
        Message::Command(app, Command::Response(ResponseCode::Success)),
        Message::Notice(Notice::LifestyleZone { zone: 3, open: true }),
        Message::Notice(Notice::Unknown { command: 0x0299, payload: Hidden::default() }),
    ]));
    assert_eq!(bench.sent.len(), 1, "{:?}", bench.sent);
    assert_eq!(bench.outcomes.len(), 1);
    let kinds: Vec<_> = bench.happened().iter().map(|e| e.kind).collect();
    assert_eq!(kinds, [K::ZoneOpened, K::UnknownMessage]);
}

#[test]
fn unknown_and_malformed_messages_are_told_once_and_counted() {
    let mut bench = Bench::online();
    bench.serve();
    for _ in 0..5 {
        bench.tell(Notice::Unknown { command: 0x0223, payload: vec![1, 2, 3].into() });
        // 0210 without its fields.
        bench.tell(Notice::Unknown { command: 0x0210, payload: Hidden::default() });
    }
    let kinds: Vec<_> = bench.happened().iter().map(|e| e.kind).collect();
    assert_eq!(kinds, [K::UnknownMessage, K::UnknownMessage]);
    assert_eq!(bench.session.counters().unknown, 5);
    assert!(bench.end.is_none());
}

#[test]
fn silence_is_broken_by_a_poll_every_thirty_seconds() {
    let mut bench = Bench::online();
    bench.serve();
    bench.pass(SECOND * 29);
    bench.expect_nothing();
    bench.pass(SECOND * 2);
    assert!(poll(&bench.expect()));
    bench.pass(SECOND * 28);
    bench.expect_nothing();
}

#[test]
fn the_panels_no_reaches_the_command_in_its_own_words() {
    for (code, expected) in [
        (ResponseCode::WrongCode, "invalid_code"),
        (ResponseCode::CodeRequired, "0502 18"),
        (ResponseCode::Partial, "0502 4"),
        (ResponseCode::Other(99), "0502 99"),
    ] {
        let mut bench = Bench::online();
        bench.serve();
        let id = bench.ask(arm());
        bench.respond(code);
        assert!(matches!(bench.outcome(id), Some(Outcome::Failed(error)) if error.code == expected), "{code:?}");
    }
    let mut bench = Bench::online();
    bench.serve();
    let id = bench.ask(arm());
    bench.respond(ResponseCode::Busy);
    assert!(matches!(bench.outcome(id), Some(Outcome::NotNow(NotNow { .. }))));
    let id = bench.ask(arm());
    bench.expect();
    bench.tell(Notice::CommandError { command: 0x0900, code: NackCode::BadCommand });
    assert!(matches!(bench.outcome(id), Some(Outcome::Failed(error)) if error.code == "0501 2" && !error.retry));
}

#[test]
fn the_end_of_the_session_is_acknowledged() {
    let mut bench = Bench::online();
    bench.serve();
    let id = bench.ask(arm());
    bench.sent.clear();
    bench.tell(Notice::EndSession);
    assert!(matches!(bench.sent.back(), Some((_, None))));
    assert!(matches!(bench.end, Some(DriverError::Link(_))));
    assert_eq!(bench.outcome(id), Some(&Outcome::interrupted()));
}

#[test]
fn a_new_open_session_in_the_middle_ends_the_old_one() {
    let mut bench = Bench::online();
    let hello = bench.hello();
    bench.command(0x15, Command::OpenSession(hello));
    assert!(matches!(bench.end, Some(DriverError::Protocol(_))));
}

#[test]
fn an_order_to_stop_says_good_bye_and_ends() {
    let mut bench = Bench::online();
    bench.serve();
    bench.session.handle_shutdown(bench.now);
    bench.drain();
    assert!(matches!(bench.expect(), Message::Notice(Notice::EndSession)));
    assert_eq!(bench.end, Some(DriverError::Shutdown));
}

#[test]
fn a_lead_out_at_a_keypad_puts_users_in_doubt() {
    let mut bench = Bench::online();
    bench.serve();
    let at = CivilTime { year: 2026, month: 9, day: 3, hour: 14, minute: 5, second: 30 };
    let lead = |lead| {
        let mode = Programming::Installer.byte();
        Notice::ProgrammingLead(ProgrammingLead { partition: Some(1), lead, user: Some(0), via: Via::Keypad, mode, at })
    };
    bench.tell(lead(Lead::In));
    assert!(bench.session.state().installer_mode);
    bench.tell(lead(Lead::Out));
    assert!(!bench.session.state().installer_mode);
    assert!(bench.events.contains(&DriverEvent::UsersStale));
}

#[test]
fn hints_lead_to_a_comparison() {
    for hint in [
        Notice::Flag { flag: Flag::Trouble, partition: Some(1), value: 1 },
        Notice::Flag { flag: Flag::AlarmMemory, partition: Some(1), value: 1 },
        Notice::Bell { partition: Some(1), state: 0, second: 0, seconds: 0 },
        Notice::BufferOverload(Hidden::default()),
        Notice::Arming { partition: Some(1), mode: ArmingMode::Away, method: 1, user: Some(2) },
    ] {
        let mut bench = Bench::online();
        bench.serve();
        bench.tell(hint.clone());
        bench.pass(SECOND);
        let asked = bench.expect();
        assert!(
            matches!(asked, Message::Command(_, Command::Request(Wanted::PartitionStatus(_)))),
            "{hint:?}: {asked:?}"
        );
    }
}

#[test]
fn the_state_is_compared_every_five_minutes() {
    let mut bench = Bench::online();
    bench.serve();
    let mut polls = 0;
    for _ in 0..310 {
        bench.pass(SECOND);
        bench.sent.retain(|(_, message)| message.is_some());
        if let Some((_, Some(message))) = bench.sent.pop_front() {
            if !poll(&message) {
                assert!(matches!(message, Message::Command(_, Command::Request(Wanted::PartitionStatus(_)))));
                assert!(polls >= 9, "not before");
                return;
            }
            polls += 1;
        }
    }
    panic!("no comparison");
}

#[test]
fn a_packet_without_end_costs_itself_only() {
    let mut bench = Bench::online();
    bench.serve();
    bench.bytes(&[0x11; 5000]);
    bench.bytes(&[0x7F]);
    bench.tell(Notice::LifestyleZone { zone: 2, open: true });
    assert_eq!(bench.happened().len(), 1);
    assert!(bench.end.is_none());
}

#[test]
fn three_requests_without_answer_end_the_session() {
    let mut bench = Bench::online();
    bench.serve();
    for _ in 0..3 {
        bench.ask(arm());
    }
    bench.pass(SECOND * 120);
    assert!(matches!(bench.end, Some(DriverError::Unresponsive(_))), "{:?}", bench.end);
    assert_eq!(bench.outcomes.len(), 3);
}
