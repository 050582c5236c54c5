//! The session against a script: what it sends, when, and what it makes of what it gets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod bench;

use bench::{ACK, ACK43, Bench, ms, secs, system, zone_event};
use driver_visonic::codec::Checksum;
use driver_visonic::message::{
    ArmCommand, ClockTime, EventPairs, Form, Hidden, HostMessage, PanelMessage, Restart, TextVersion, WireCode,
};
use panel_driver::{Command, DriverError, DriverEvent, Outcome, Section, SessionOutput};
use panel_model::{AccessCode, ArmMode, ArmState, EventKind as K, Evidence, Partition, Zone};

fn one() -> Partition {
    Partition::new(1).expect("in range")
}

fn arm_away() -> Command {
    Command::Arm { partition: one(), mode: ArmMode::Away, code: Some(AccessCode::new("9058".into())) }
}

fn armed_by(code: u8, device: u8) -> PanelMessage {
    PanelMessage::Events(EventPairs { count: 1, head: 0, data: [device, code, 0, 0, 0, 0, 0, 0] })
}

fn info() -> PanelMessage {
    PanelMessage::PanelInfo { model: 0x16, panel_type: 2 }
}

/// Answers a read with zeros.
fn block_for(message: &HostMessage) -> PanelMessage {
    match message {
        HostMessage::ReadEeprom { address, length } => {
            let mut data = vec![0; usize::from(*length)];
            if *address == 0x0430 {
                data[7] = 2;
            }
            let announced = u8::try_from(*length).expect("one block");
            PanelMessage::Block { address: *address, announced, data: Hidden::new(data) }
        }
        other => panic!("{other:?}"),
    }
}

/// Answers everything of a visit until it is left.
fn serve_visit(bench: &mut Bench) {
    loop {
        let message = bench.next_sent();
        bench.tell(&ACK);
        match message {
            HostMessage::ExitDownload => return,
            HostMessage::EnterDownload(_) => bench.tell(&info()),
            read => bench.tell(&block_for(&read)),
        }
    }
}

#[test]
fn the_first_state_is_a_snapshot_and_no_event() {
    let mut bench = Bench::new("PowerMax Pro");
    bench.expect(&HostMessage::ExitDownload);
    bench.tell(&ACK);
    bench.expect(&HostMessage::GetStatus(0x3F));
    bench.tell(&ACK43);
    // Something happens meanwhile: it is told afterwards.
    bench.tell(&armed_by(0x55, 0x28));
    bench.tell(&PanelMessage::Status { total: 6, part: 2, data: [0b100, 0, 0, 0, 0, 0, 0, 0] });
    assert_eq!(bench.kinds(), []);
    bench.tell_status(0x05);
    bench.pass(secs(3));
    let snapshot = bench.snapshots()[0];
    assert_eq!(snapshot.partitions[&one()].arm, ArmState::Armed(ArmMode::Away));
    assert_eq!(snapshot.zones.len(), 8);
    assert_eq!(bench.kinds(), [K::Opening], "what the panel sent live");
}

#[test]
fn every_frame_but_acknowledgements_is_acknowledged() {
    let mut bench = Bench::at_rest();
    bench.acks = 0;
    bench.tell(&ACK);
    bench.tell(&PanelMessage::EnrolRequest);
    assert_eq!(bench.acks, 0);
    bench.tell(&system(0x00, 0x01));
    bench.tell(&armed_by(0x52, 0x27));
    bench.tell(&PanelMessage::Unknown(Hidden::new([0x77, 1, 2])));
    assert_eq!(bench.acks, 3);
}

#[test]
fn a_lost_acknowledgement_is_asked_for_again_and_data_stands_for_it() {
    let mut bench = Bench::online();
    assert!(matches!(bench.next_sent(), HostMessage::EnterDownload(_)));
    bench.pass(secs(5));
    assert!(matches!(bench.next_sent(), HostMessage::EnterDownload(_)), "sent again after five seconds");
    bench.tell(&info());
    let read = bench.next_sent();
    bench.tell(&block_for(&read));
    assert_ne!(bench.next_sent(), read, "the block proves that the command arrived");
}

#[test]
fn a_block_that_is_always_too_short_is_completed_and_a_foreign_one_passed_over() {
    let mut bench = Bench::online();
    bench.next_sent();
    bench.tell(&ACK);
    bench.tell(&info());
    let read = bench.next_sent();
    let HostMessage::ReadEeprom { address, length } = read else { panic!("a read") };
    bench.tell(&ACK);
    bench.tell(&PanelMessage::Block { address: 0x0777, announced: 1, data: Hidden::new([9]) });
    let data = Hidden::new(vec![0; usize::from(length) - 3]);
    let short = PanelMessage::Block { address, announced: u8::try_from(length).unwrap(), data };
    bench.tell(&short);
    bench.pass(ms(400));
    bench.expect(&read);
    bench.tell(&ACK);
    bench.tell(&short);
    bench.pass(ms(400));
    bench.expect(&HostMessage::ReadEeprom { address: address + length - 3, length: 3 });
}

#[test]
fn a_byte_that_the_line_lost_does_not_move_the_codes_behind_it() {
    let mut bench = Bench::online();
    let mut spoilt = false;
    loop {
        let message = bench.next_sent();
        bench.tell(&ACK);
        match message {
            HostMessage::ExitDownload => break,
            HostMessage::EnterDownload(_) => bench.tell(&info()),
            HostMessage::ReadEeprom { address: 0x01FA, length } => {
                let mut table = vec![0; usize::from(length)];
                table[..2].copy_from_slice(&[0x73, 0x91]);
                table[14..].copy_from_slice(&[0x90, 0x58]);
                let wire = PanelMessage::Block { address: 0x01FA, announced: 16, data: Hidden::new(table) };
                let mut wire = wire.encode().encode().to_vec();
                if !std::mem::replace(&mut spoilt, true) {
                    // A zero: the checksum stays right.
                    wire.remove(10);
                }
                bench.bytes(&wire);
                bench.pass(ms(350));
            }
            read => bench.tell(&block_for(&read)),
        }
    }
    let codes: Vec<_> = bench
        .outputs
        .iter()
        .filter_map(|output| match output {
            SessionOutput::Event(DriverEvent::User(user)) => user.code.clone().map(|code| (user.slot.number(), code)),
            _ => None,
        })
        .collect();
    assert!(spoilt);
    assert_eq!(codes, [(1, AccessCode::new("7391".into())), (8, AccessCode::new("9058".into()))]);
}

#[test]
fn a_panel_that_is_not_ready_for_download_is_asked_again_after_its_delay() {
    let mut bench = Bench::online();
    bench.next_sent();
    bench.tell(&ACK);
    bench.tell(&PanelMessage::NotReady { head: [0, 0], delay: 7 });
    bench.pass(ms(6900));
    assert!(bench.sent.is_empty());
    bench.pass(ms(200));
    assert!(matches!(bench.next_sent(), HostMessage::EnterDownload(_)));
}

#[test]
fn three_known_codes_are_tried_four_seconds_apart_and_no_other() {
    let mut bench = Bench::online();
    let mut tried = Vec::new();
    for _ in 0..3 {
        let HostMessage::EnterDownload(code) = bench.next_sent() else { panic!("a code") };
        tried.push(code.digits());
        bench.tell(&PanelMessage::Denied(Form::Plain));
        bench.pass(ms(3900));
        assert!(!bench.sent.iter().any(|message| matches!(message, HostMessage::EnterDownload(_))));
    }
    assert_eq!(tried, ["5650", "AAAA", "BBBB"]);
    for _ in 0..20 {
        bench.pass(secs(60));
        bench.tell(&ACK43);
        bench.tell_status(0);
    }
    assert!(!bench.sent.iter().any(|message| matches!(message, HostMessage::EnterDownload(_))), "no guessing");
    assert!(bench.kinds().contains(&K::PanelNeedsInstaller));
}

#[test]
fn a_session_that_reads_does_not_leave_the_panel_in_download_mode() {
    let mut bench = Bench::online();
    serve_visit(&mut bench);
    let users = bench.outputs.iter().filter(|o| matches!(o, SessionOutput::Event(DriverEvent::User(_)))).count();
    assert_eq!(users, 8);
    bench.expect(&HostMessage::GetStatus(0x3F));
}

#[test]
fn an_enrolment_request_is_answered_with_the_code_and_the_link_taken_up() {
    let mut bench = Bench::online();
    serve_visit(&mut bench);
    bench.expect(&HostMessage::GetStatus(0x3F));
    bench.tell(&ACK43);
    bench.tell_status(0);
    bench.tell(&PanelMessage::EnrolRequest);
    bench.expect(&HostMessage::Enrol(WireCode::from_digits("5650").unwrap()));
    bench.tell(&ACK43);
    assert!(bench.session.is_enrolled());
    bench.expect(&HostMessage::Restart(Restart::Link));
    bench.tell(&ACK43);
    bench.tell_status(0);
    bench.expect(&HostMessage::Alive);
}

#[test]
fn arming_waits_for_the_state_and_not_for_the_acknowledgement() {
    let mut bench = Bench::at_rest();
    let id = bench.command(arm_away());
    let code = WireCode::from_digits("9058").unwrap();
    bench.expect(&HostMessage::Arm { command: ArmCommand::Away, code, partitions: 0x07 });
    bench.tell(&ACK43);
    assert!(!bench.outcomes.contains_key(&id), "an acknowledgement is no proof");
    bench.tell(&system(0x02, 0x40));
    assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::ReadBack));
    assert_eq!(bench.kinds(), [K::ExitDelay]);
}

#[test]
fn an_old_state_is_no_evidence() {
    let mut bench = Bench::at_rest();
    bench.tell(&system(0x05, 0x00));
    let id = bench.command(arm_away());
    bench.next_sent();
    bench.tell(&ACK43);
    bench.pass(ms(500));
    assert!(!bench.outcomes.contains_key(&id), "it was armed before; that proves nothing");
    bench.tell(&system(0x05, 0x00));
    assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::ReadBack));
}

#[test]
fn a_command_without_effect_is_looked_for_five_seconds() {
    let mut bench = Bench::at_rest();
    let id = bench.command(arm_away());
    bench.next_sent();
    bench.tell(&ACK43);
    let mut asked = 0;
    for _ in 0..60 {
        bench.pass(ms(100));
        if let Some(message) = bench.sent.pop_front() {
            assert_eq!(message, HostMessage::GetStatus(0x08));
            asked += 1;
            bench.tell(&ACK43);
            bench.tell(&system(0x00, 0x01));
        }
    }
    assert!((2..=5).contains(&asked), "{asked}");
    match bench.outcome(id) {
        Outcome::Failed(error) => assert_eq!((error.code.as_str(), error.retry), ("not_confirmed", true)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_denial_after_the_acknowledgement_counts() {
    let mut bench = Bench::at_rest();
    let id = bench.command(arm_away());
    bench.next_sent();
    bench.tell(&ACK43);
    bench.tell(&PanelMessage::Denied(Form::PowerLink));
    assert!(matches!(bench.outcome(id), Outcome::Failed(error) if !error.retry));
}

#[test]
fn an_event_that_the_panel_repeats_is_told_once() {
    let mut bench = Bench::at_rest();
    bench.tell(&armed_by(0x52, 0x28));
    bench.pass(secs(2));
    bench.tell(&armed_by(0x52, 0x28));
    assert_eq!(bench.kinds(), [K::Closing], "our acknowledgement was lost");
    bench.pass(secs(6));
    bench.tell(&armed_by(0x52, 0x28));
    assert_eq!(bench.kinds(), [K::Closing, K::Closing], "this is another one");
}

#[test]
fn a_detectors_motion_is_a_short_opening_and_old_news_is_none() {
    let mut bench = Bench::at_rest();
    bench.tell(&zone_event(0x00, 0x21, 3, 0x05));
    let zone = Zone::new(3).expect("in range");
    let told: Vec<_> = bench.happened().iter().map(|e| (e.kind, e.zone)).collect();
    assert_eq!(told, [(K::ZoneOpened, Some(zone)), (K::ZoneClosed, Some(zone))]);
    // The same bytes as the answer to our own question are about the past.
    bench.outputs.clear();
    bench.pass(secs(61));
    bench.expect(&HostMessage::GetStatus(0x3F));
    bench.tell(&ACK43);
    bench.tell(&zone_event(0x00, 0x21, 3, 0x05));
    assert_eq!(bench.kinds(), []);
}

#[test]
fn checksums_that_are_one_off_are_taken() {
    for checksum in [Checksum::PlusOne, Checksum::MinusOne] {
        let mut bench = Bench::at_rest();
        bench.tell_as(&system(0x05, 0x00), checksum);
        assert_eq!(bench.kinds(), [K::Armed]);
    }
}

#[test]
fn half_a_frame_is_given_up_after_two_seconds_and_what_follows_is_heard() {
    let mut bench = Bench::at_rest();
    let whole = system(0x05, 0x00).encode().encode();
    bench.bytes(&whole[..9]);
    bench.pass(secs(3));
    assert_eq!(bench.session.counters().bad, 1);
    bench.bytes(&whole);
    assert_eq!(bench.kinds(), [K::Armed]);
    // The rest of a frame that comes late but not too late belongs to it.
    let back = system(0x00, 0x01).encode().encode();
    bench.bytes(&back[..9]);
    bench.pass(ms(1500));
    bench.bytes(&back[9..]);
    assert!(bench.kinds().contains(&K::Disarmed));
}

#[test]
fn a_status_of_downloading_changes_nothing_that_is_known() {
    let mut bench = Bench::at_rest();
    bench.tell(&system(0x05, 0x00));
    bench.outputs.clear();
    bench.tell(&system(0x07, 0x00));
    assert_eq!(bench.kinds(), []);
    assert_eq!(bench.session.state().partitions[&one()].arm, ArmState::Armed(ArmMode::Away));
}

#[test]
fn a_panel_of_another_type_than_configured_says_so_itself() {
    let mut bench = Bench::online();
    bench.next_sent();
    bench.tell(&ACK);
    bench.tell(&PanelMessage::PanelInfo { model: 0x35, panel_type: 8 });
    let told = bench.outputs.iter().find_map(|output| match output {
        SessionOutput::Event(DriverEvent::Capabilities(capabilities)) => Some(capabilities.clone()),
        _ => None,
    });
    let capabilities = told.expect("told");
    assert_eq!((capabilities.model.as_str(), capabilities.all_slots().count()), ("PowerMaster 30", 48));
}

#[test]
fn an_original_powermax_is_given_up_for_good() {
    let mut bench = Bench::online();
    bench.next_sent();
    bench.tell(&PanelMessage::OldPanelInfo([0; 10]));
    bench.tell(&ACK);
    bench.pass(secs(1));
    assert!(matches!(bench.end, Some(DriverError::Unsupported(_))), "{:?}", bench.end);
}

#[test]
fn a_link_that_was_silent_is_told_as_a_snapshot_and_not_as_events() {
    let mut bench = Bench::at_rest();
    let alive = PanelMessage::Alive { interval: 30, version: TextVersion(*b"1.15") };
    bench.tell(&alive);
    // The question that was due while not enrolled, so that the next one is minutes away.
    for _ in 0..61 {
        bench.pass(secs(1));
        match bench.sent.pop_front() {
            Some(HostMessage::GetStatus(_)) => {
                bench.tell(&ACK43);
                bench.tell_status(0);
            }
            Some(_) => bench.tell(&ACK43),
            None => {}
        }
    }
    bench.tell(&alive);
    bench.outputs.clear();
    // Nothing is heard for as long as the watchdog waits; meanwhile somebody armed the panel.
    bench.pass(secs(71));
    assert!(bench.sent.contains(&HostMessage::Restart(Restart::Link)), "{:?}", bench.sent);
    bench.tell(&ACK43);
    bench.tell_status(0x05);
    bench.pass(secs(3));
    assert_eq!(bench.kinds(), []);
    assert_eq!(bench.snapshots()[0].partitions[&one()].arm, ArmState::Armed(ArmMode::Away));
}

#[test]
fn a_refresh_is_answered_after_its_snapshot() {
    let mut bench = Bench::at_rest();
    let id = bench.command(Command::Refresh(Section::State));
    bench.expect(&HostMessage::GetStatus(0x3F));
    bench.tell(&ACK43);
    bench.tell_status(0);
    assert_eq!(bench.snapshots().len(), 1);
    assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::ReadBack));
}

#[test]
fn three_commands_without_an_answer_end_the_session() {
    let mut bench = Bench::at_rest();
    bench.pass(secs(300));
    assert!(matches!(bench.end, Some(DriverError::Unresponsive(_))), "{:?}", bench.end);
}

/// What we sent since, of messages that are not part of the routine.
fn enrolments(bench: &mut Bench) -> usize {
    std::mem::take(&mut bench.sent).iter().filter(|message| matches!(message, HostMessage::Enrol(_))).count()
}

#[test]
fn a_panel_that_asks_for_enrolment_and_refuses_it_is_not_followed_in_a_circle() {
    let mut bench = Bench::at_rest();
    let mut tried = 0;
    for _ in 0..600 {
        bench.tell(&PanelMessage::EnrolRequest);
        bench.pass(ms(500));
        tried += enrolments(&mut bench);
        bench.tell(&PanelMessage::Denied(Form::PowerLink));
        bench.pass(ms(500));
    }
    assert!((2..=21).contains(&tried), "ten minutes, one try in thirty seconds at most: {tried}");
}

#[test]
fn a_refused_enrolment_is_tried_three_times_and_no_more() {
    let mut bench = Bench::new("PowerMax Complete");
    let (mut tried, end) = (0, bench.now + secs(2 * 3600));
    while bench.now < end {
        bench.pass(ms(200));
        for message in std::mem::take(&mut bench.sent) {
            match message {
                HostMessage::Enrol(_) => {
                    tried += 1;
                    bench.tell(&PanelMessage::Denied(Form::PowerLink));
                }
                HostMessage::EnterDownload(_) => bench.tell(&PanelMessage::Denied(Form::Plain)),
                HostMessage::GetStatus(_) => {
                    bench.tell(&ACK43);
                    bench.tell_status(0);
                }
                _ => bench.tell(&ACK),
            }
        }
    }
    assert_eq!((tried, bench.end.clone()), (3, None));
}

#[test]
fn an_installers_menu_that_was_left_makes_what_is_known_of_users_stale() {
    let mut bench = Bench::at_rest();
    bench.tell(&system(0x09, 0x01));
    bench.tell(&system(0x00, 0x01));
    assert_eq!(bench.kinds(), [K::InstallerModeEntered, K::UsersMayHaveChanged, K::InstallerModeLeft]);
    assert!(bench.outputs.contains(&SessionOutput::Event(DriverEvent::UsersStale)));
}

#[test]
fn a_clock_that_shows_another_time_afterwards_was_not_set() {
    let time = panel_driver::CivilTime { year: 2031, month: 2, day: 3, hour: 4, minute: 59, second: 59 };
    let shown = |day, hour, minute, second| ClockTime { second, minute, hour, day, month: 2, year: 31 };
    for (clock, set) in [
        (shown(3, 4, 59, 59), true),
        (shown(3, 5, 0, 1), true),
        (shown(3, 6, 0, 0), false),
        (shown(1, 4, 59, 59), false),
    ] {
        let mut bench = Bench::online();
        serve_visit(&mut bench);
        bench.expect(&HostMessage::GetStatus(0x3F));
        bench.tell(&ACK43);
        bench.tell_status(0);
        let id = bench.command(Command::SetClock(time));
        while !bench.outcomes.contains_key(&id) {
            match bench.next_sent() {
                HostMessage::EnterDownload(_) => {
                    bench.tell(&ACK);
                    bench.tell(&info());
                }
                HostMessage::GetClock => {
                    bench.tell(&ACK43);
                    bench.tell(&PanelMessage::Clock(clock));
                }
                _ => bench.tell(&ACK),
            }
        }
        let outcome = bench.outcome(id);
        assert_eq!(*outcome == Outcome::Applied(Evidence::ReadBack), set, "{clock:?}: {outcome:?}");
        assert!(set || matches!(outcome, Outcome::Failed(error) if error.code == "not_confirmed"), "{outcome:?}");
    }
}

#[test]
fn a_stop_that_nobody_asked_for_stops_nothing() {
    let mut bench = Bench::online();
    assert!(matches!(bench.next_sent(), HostMessage::EnterDownload(_)));
    bench.tell(&ACK);
    bench.tell(&info());
    let read = bench.next_sent();
    bench.acks = 0;
    bench.tell(&PanelMessage::EndOfDump);
    assert_eq!(bench.acks, 1);
    bench.tell(&ACK);
    bench.tell(&block_for(&read));
    assert!(matches!(bench.next_sent(), HostMessage::ReadEeprom { .. }), "the visit goes on");
}
