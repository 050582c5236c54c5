//! Login, keep-alive, reports, noise: the session as the module sees it. Virtual time, no runtime.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod bench;

use bench::*;
use panel_driver::{Command, DriverError, DriverEvent, Outcome, Section, Session, SessionOutput};
use panel_model::{ArmMode, ArmState, EventKind as K, Evidence, Readiness, Refusal, Trouble, TroubleKind};

#[test]
fn a_login_leads_to_a_snapshot_before_anything_else() {
    let mut bench = Bench::new(envisalink(), start());
    assert!(bench.sent.is_empty(), "the module speaks first");
    bench.login();
    bench.expect("001");
    bench.tell(&["610001", "609003", "6511", "6732", "6733", "8401", "84902", "51090", "51100"]);
    assert!(bench.outputs.is_empty(), "not before the report is complete");
    bench.pass(secs(1));
    let state = bench.snapshots()[0].clone();
    assert!(matches!(bench.outputs[0], SessionOutput::Event(DriverEvent::Snapshot(_))));
    assert!(state.zones[&zone(3)].open && !state.zones[&zone(1)].open);
    assert_eq!(state.partitions[&partition(1)].ready, Readiness::NotReady);
    assert!(state.partitions[&partition(2)].busy, "partition 2 is in use");
    assert!(!state.partitions.contains_key(&partition(3)), "673 of a partition that is not in use is nothing");
    assert!(state.troubles.contains(&Trouble::panel(TroubleKind::AcLost)));
}

#[test]
fn the_transcript_of_the_dossier_logs_in() {
    let mut bench = Bench::new(envisalink(), start());
    bench.acks = false;
    bench.bytes(b"5053CD\r\n");
    bench.expect("005s3cret");
    bench.bytes(b"5000052A\r\n5051CB\r\n");
    bench.expect("001");
    bench
        .bytes(b"50000126\r\n61000128\r\n61000229\r\n60900332\r\n6511CD\r\n6732D2\r\n8411CE\r\n51080FE\r\n51100F7\r\n");
    bench.pass(ms(200));
    assert_eq!(bench.snapshots().len(), 1, "complete, so a short silence is enough");
}

#[test]
fn a_report_without_511_ends_in_silence() {
    let mut bench = Bench::new(envisalink(), start());
    bench.login();
    bench.expect("001");
    bench.tell(&["6501", "6502", "8411", "8412"]);
    bench.pass(ms(900));
    assert!(bench.snapshots().is_empty());
    bench.pass(ms(200));
    assert_eq!(bench.snapshots().len(), 1);
}

#[test]
fn a_report_without_its_zones_is_asked_for_again() {
    let mut bench = Bench::new(envisalink(), start());
    bench.tells_zones = false;
    bench.login();
    bench.expect("001");
    bench.tell(&["6501", "6502", "51080", "51100"]);
    bench.expect("001");
    assert!(bench.snapshots().is_empty(), "a zone that was not told is not closed");
    bench.tell(&["610001", "609003", "6511", "6502", "51080", "51100"]);
    bench.pass(secs(2));
    assert_eq!(bench.snapshots().len(), 1);
    assert!(bench.snapshots()[0].zones[&zone(3)].open);
    bench.expect_silence(secs(5));
}

#[test]
fn a_report_that_stays_without_zones_is_taken_in_the_end() {
    let mut bench = Bench::new(envisalink(), start());
    bench.tells_zones = false;
    bench.login();
    for _ in 0..3 {
        bench.expect("001");
        assert!(bench.snapshots().is_empty());
        bench.tell(&["6501", "6502", "51080", "51100"]);
    }
    bench.pass(secs(2));
    assert_eq!(bench.snapshots().len(), 1);
}

#[test]
fn a_report_with_a_line_that_cannot_be_read_is_asked_for_again() {
    let mut bench = Bench::new(envisalink(), start());
    bench.login();
    bench.expect("001");
    bench.bytes(b"60900399\r\n");
    bench.tell(&["6511", "6502", "51080", "51100"]);
    bench.expect("001");
    assert!(bench.snapshots().is_empty(), "the line may have been a zone");
    bench.tell(&["609003", "6511", "6502", "51080", "51100"]);
    bench.pass(secs(2));
    assert_eq!(bench.snapshots().len(), 1);
    assert!(bench.snapshots()[0].zones[&zone(3)].open);
}

#[test]
fn an_alarm_during_the_first_report_is_told_after_the_snapshot() {
    let mut bench = Bench::new(envisalink(), start());
    bench.login();
    bench.expect("001");
    bench.tell(&["6011003", "6541", "6502", "51080"]);
    bench.pass(secs(2));
    let first = bench.outputs.iter().position(|o| matches!(o, SessionOutput::Event(DriverEvent::Snapshot(_))));
    assert_eq!(first, Some(0));
    assert_eq!(bench.kinds(), [K::ZoneAlarm]);
    assert!(bench.snapshots()[0].partitions[&partition(1)].alarm);
}

#[test]
fn a_refused_password_ends_the_session_once() {
    let mut bench = Bench::new(envisalink(), start());
    bench.tell(&["5053"]);
    bench.expect(&format!("005{PASSWORD}"));
    bench.tell(&["5050", "5050"]);
    assert!(matches!(&bench.end, Some(DriverError::Auth(text)) if text.contains("password")));
    assert_eq!(bench.session.poll_timeout(), None);
    assert!(bench.sent.is_empty());
}

#[test]
fn a_missing_password_is_an_installers_matter() {
    let mut start = start();
    start.credentials.password = None;
    let mut bench = Bench::new(envisalink(), start);
    bench.tell(&["5053"]);
    assert!(matches!(bench.end, Some(DriverError::Auth(_))));
    assert!(bench.sent.is_empty());
}

#[test]
fn a_silent_module_is_given_up() {
    let mut bench = Bench::new(envisalink(), start());
    bench.pass(secs(9));
    assert_eq!(bench.end, None);
    bench.pass(secs(2));
    assert!(matches!(bench.end, Some(DriverError::Protocol(_))));

    let mut bench = Bench::new(envisalink(), start());
    bench.tell(&["5053"]);
    bench.pass(secs(11));
    assert!(matches!(bench.end, Some(DriverError::Unresponsive(_))));
}

#[test]
fn a_module_that_hangs_up_without_a_word_is_held_by_another_client() {
    let mut bench = Bench::new(envisalink(), start());
    assert_eq!(bench.session.handle_closed(bench.now), Some(DriverError::Occupied));
    bench.tell(&["5053"]);
    assert_eq!(bench.session.handle_closed(bench.now), None, "it did speak");
    let mut serial = Bench::new(it100(), start());
    assert_eq!(serial.session.handle_closed(serial.now), None);
}

#[test]
fn keep_alives_come_every_half_minute_and_two_lost_ones_end_it() {
    let mut bench = Bench::ready_envisalink();
    bench.pass(ms(28_500));
    assert!(bench.sent.is_empty());
    bench.pass(secs(2));
    bench.expect("000");
    bench.pass(secs(31));
    bench.expect("000");
    bench.acks = false;
    bench.pass(secs(30));
    bench.expect("000");
    bench.pass(ms(5100));
    bench.expect("000");
    assert_eq!(bench.end, None, "one miss is no miss");
    bench.pass(secs(5));
    assert!(matches!(bench.end, Some(DriverError::Unresponsive(_))));
}

#[test]
fn one_lost_keep_alive_is_forgiven() {
    let mut bench = Bench::ready_envisalink();
    bench.acks = false;
    bench.pass(secs(31));
    bench.expect("000");
    bench.pass(ms(5100));
    bench.acks = true;
    bench.expect("000");
    bench.tell(&["500000"]);
    bench.pass(secs(40));
    assert_eq!(bench.end, None);
}

#[test]
fn noise_costs_a_report_and_nothing_else() {
    let mut bench = Bench::ready_envisalink();
    bench.pass(secs(10));
    bench.bytes(b"6511CC\r\n\xFF\xFEgarbage\r\n");
    bench.bytes(&[b'x'; 5000]);
    bench.bytes(b"\r\n");
    bench.expect("001");
    bench.tell(&["6511", "6502", "51080", "51100"]);
    // The noise went on while the answer was on its way.
    bench.expect("001");
    bench.tell(&["6511", "6502", "51080", "51100"]);
    bench.pass(secs(1));
    assert_eq!(bench.snapshots().len(), 1);
    assert_eq!(bench.session.state().partitions[&partition(1)].ready, Readiness::NotReady);
    let counters = bench.session.counters();
    assert_eq!((counters.checksum_errors, counters.oversize), (1, 1));
    assert!(bench.end.is_none());
    // More noise does not make more reports than one in ten seconds.
    bench.bytes(b"6511CC\r\n");
    bench.expect_silence(secs(5));
    bench.pass(secs(5));
    bench.expect("001");
}

#[test]
fn a_door_that_moves_during_a_report_is_told_each_time() {
    let mut bench = Bench::ready_envisalink();
    bench.pass(secs(10));
    bench.bytes(b"6511CC\r\n");
    bench.expect("001");
    bench.tell(&["609003", "610003", "609003", "6501", "6502", "51080", "51100"]);
    bench.pass(secs(1));
    assert_eq!(bench.kinds(), [K::ZoneOpened, K::ZoneClosed, K::ZoneOpened]);
    let snapshots = bench.snapshots();
    assert!(snapshots.len() == 1 && snapshots[0].zones[&zone(3)].open);
}

#[test]
fn a_half_line_that_stays_silent_is_dropped() {
    let mut bench = Bench::ready_envisalink();
    bench.bytes(b"6511");
    bench.pass(ms(600));
    bench.bytes(&line("609003"));
    assert_eq!(bench.kinds(), [K::ZoneOpened]);
}

#[test]
fn the_same_state_told_again_is_no_news() {
    let mut bench = Bench::ready_envisalink();
    bench.tell(&["609003", "609003", "610003", "6561", "6561", "65211", "65211"]);
    assert_eq!(bench.kinds(), [K::ZoneOpened, K::ZoneClosed, K::ExitDelay, K::Armed]);
    assert_eq!(bench.happened()[3].mode, Some(ArmMode::Stay));
}

#[test]
fn arming_and_its_user_come_in_any_order() {
    for bodies in [["65210", "70010005"], ["70010005", "65210"]] {
        let mut bench = Bench::ready_envisalink();
        bench.tell(&bodies);
        let mut kinds = bench.kinds();
        kinds.sort();
        assert_eq!(kinds, [K::Armed, K::Closing]);
        assert_eq!(bench.session.state().partitions[&partition(1)].last_user, Some(slot(5)));
        bench.outputs.clear();
        bench.tell(&["75010040", "6551", "6501"]);
        assert_eq!(bench.kinds(), [K::Opening, K::Disarmed, K::PartitionReady]);
    }
}

#[test]
fn an_alarm_through_the_entry_delay_arms_nothing_again() {
    let mut bench = Bench::ready_envisalink();
    bench.tell(&["65211", "6571", "6011003", "6541"]);
    bench.outputs.clear();
    bench.tell(&["65211"]);
    assert_eq!(bench.kinds(), [], "the bell cut off");
    let known = &bench.session.state().partitions[&partition(1)];
    assert!(known.alarm);
    assert_eq!(known.arm, ArmState::Armed(ArmMode::Stay));
    bench.tell(&["6551", "75010001", "6501"]);
    assert_eq!(bench.kinds(), [K::PartitionAlarmCleared, K::Disarmed, K::Opening, K::PartitionReady]);
}

#[test]
fn an_alarm_of_a_disarmed_partition_ends_when_its_zones_are_restored() {
    let mut bench = Bench::ready_envisalink();
    bench.tell(&["6011003", "6541", "6511"]);
    assert!(bench.session.state().partitions[&partition(1)].alarm, "zone 3 still rings");
    bench.outputs.clear();
    bench.tell(&["6021003", "6501"]);
    assert_eq!(bench.kinds(), [K::ZoneAlarmRestored, K::PartitionAlarmCleared, K::PartitionReady]);
}

#[test]
fn every_alarm_is_told_however_often_it_comes() {
    let mut bench = Bench::ready_envisalink();
    bench.tell(&["6011003", "6011003", "621", "621", "6200000"]);
    assert_eq!(bench.kinds(), [K::ZoneAlarm, K::ZoneAlarm, K::FireAlarm, K::FireAlarm, K::Duress]);
}

#[test]
fn a_missed_disarming_is_found_by_a_report() {
    let mut bench = Bench::ready_envisalink();
    bench.pass(secs(10));
    bench.tell(&["65210"]);
    bench.tell(&["6501"]);
    bench.expect("001");
    bench.tell(&["6501", "6502", "51081"]);
    bench.pass(secs(1));
    assert_eq!(bench.snapshots()[0].partitions[&partition(1)].arm, ArmState::Disarmed);
}

#[test]
fn troubles_come_by_light_by_message_and_by_bits() {
    let mut bench = Bench::ready_envisalink();
    bench.tell(&["802", "84902", "8401", "84900", "803", "8411", "832007", "833007"]);
    let told: Vec<_> = bench.happened().iter().map(|e| (e.kind, e.trouble.unwrap())).collect();
    let ac = Trouble::panel(TroubleKind::AcLost);
    let light = Trouble::partition(TroubleKind::General, partition(1));
    let battery = Trouble::device(TroubleKind::ZoneBatteryLow, 7);
    assert_eq!(
        told,
        [
            (K::Trouble, ac),
            (K::Trouble, light),
            (K::TroubleRestored, ac),
            (K::TroubleRestored, light),
            (K::Trouble, battery),
            (K::TroubleRestored, battery),
        ]
    );
}

#[test]
fn somebody_in_a_menu_makes_users_stale() {
    let stale = |bodies: &[&str]| {
        let mut bench = Bench::ready_envisalink();
        bench.tell(bodies);
        bench.told(&DriverEvent::UsersStale)
    };
    assert!(stale(&["6731"]));
    assert!(stale(&["51120"]));
    assert!(stale(&["680"]));
    assert!(!stale(&["6738"]), "a partition that is not there");
    assert!(!stale(&["65210", "6571", "6731"]), "busy with the entry delay");
}

#[test]
fn installer_mode_ends_with_the_next_plain_state() {
    let mut bench = Bench::ready_envisalink();
    bench.tell(&["680", "6502"]);
    assert_eq!(bench.kinds(), [K::InstallerModeEntered, K::InstallerModeLeft]);
}

#[test]
fn bypassed_zones_are_compared_with_the_last_list() {
    let mut bench = Bench::ready_envisalink();
    bench.tell(&["6160500000000000000", "6160100000000000000"]);
    let told: Vec<_> = bench.happened().iter().map(|e| (e.kind, e.zone.unwrap())).collect();
    let expected = [(K::ZoneBypassed, zone(1)), (K::ZoneBypassed, zone(3)), (K::ZoneUnbypassed, zone(3))];
    assert_eq!(told, expected);
}

#[test]
fn unknown_messages_are_told_once_each() {
    let mut bench = Bench::ready_envisalink();
    bench.tell(&["999123", "999123", "998", "6018064", "6501x"]);
    assert_eq!(bench.kinds(), [K::UnknownMessage, K::UnknownMessage, K::ZoneAlarm, K::UnknownMessage]);
    assert!(bench.end.is_none());
}

#[test]
fn a_dead_keybus_is_a_trouble_and_silences_alive() {
    let mut bench = Bench::ready_envisalink();
    bench.acks = false;
    bench.pass(secs(30));
    bench.expect("000");
    bench.tell(&["502014"]);
    assert_eq!(bench.kinds(), [K::Trouble]);
    bench.outputs.clear();
    bench.pass(secs(30));
    bench.expect("000");
    bench.tell(&["500000"]);
    assert!(!bench.told(&DriverEvent::Alive));
    let id = bench.command(set_code(5, "4321"));
    assert!(matches!(bench.outcome(id), Outcome::NotNow(_)));
    bench.tell(&["609001"]);
    assert_eq!(bench.kinds(), [K::TroubleRestored, K::ZoneOpened], "the panel talks again");
}

#[test]
fn what_the_panel_cannot_do_is_refused_before_the_wire() {
    let mut bench = Bench::ready_envisalink();
    let refused = [
        (Command::Refresh(Section::Users), Refusal::Unsupported),
        (Command::Refresh(Section::Labels), Refusal::Unsupported),
        (Command::Bypass { zone: zone(1), bypassed: true }, Refusal::Unsupported),
        (Command::RemoveTag { slot: slot(1) }, Refusal::Unsupported),
        (Command::DisableUser { slot: slot(40) }, Refusal::MasterCannotBeDisabled),
        (Command::DisableUser { slot: slot(49) }, Refusal::SlotNotAvailable),
        (set_code(5, "12345"), Refusal::CodeFormat),
        (set_code(5, "12a4"), Refusal::CodeFormat),
        (set_code(5, MASTER), Refusal::CodeNotAvailable),
        (set_code(5, INSTALLER), Refusal::CodeNotAvailable),
        (Command::Arm { partition: partition(3), mode: ArmMode::Away, code: None }, Refusal::PartitionNotAvailable),
        (Command::Arm { partition: partition(1), mode: ArmMode::Night, code: None }, Refusal::Unsupported),
        (Command::Output { partition: partition(1), output: 5 }, Refusal::NotFound),
    ];
    for (command, refusal) in refused {
        let id = bench.command(command.clone());
        assert_eq!(bench.outcome(id), &Outcome::Refused(refusal), "{command:?}");
    }
    assert!(bench.sent.is_empty());
    bench.assert_no_secret(&[MASTER, INSTALLER, PASSWORD]);
}

#[test]
fn a_refresh_of_the_state_ends_with_a_snapshot() {
    let mut bench = Bench::ready_envisalink();
    let id = bench.command(Command::Refresh(Section::State));
    bench.expect("001");
    bench.tell(&["609001", "6511", "6502", "51080"]);
    bench.pass(secs(1));
    assert_eq!(bench.outcome(id), &Outcome::Applied(Evidence::ReadBack));
    assert!(bench.snapshots()[0].zones[&zone(1)].open);
}

#[test]
fn a_ninth_waiting_command_comes_back() {
    let mut bench = Bench::ready_envisalink();
    bench.acks = false;
    for _ in 0..9 {
        bench.command(Command::Output { partition: partition(1), output: 1 });
    }
    let command = Command::Output { partition: partition(1), output: 2 };
    let busy = bench.session.handle_command(bench.now, panel_driver::CommandId(99), command.clone());
    assert_eq!(busy, Err(panel_driver::Busy(command)));
}

#[test]
fn an_it100_says_hello_turns_its_keypad_on_and_reads_labels() {
    let mut bench = Bench::silent(it100(), start());
    bench.expect("000");
    bench.tell(&["502020"]);
    bench.expect("000");
    bench.acks = true;
    bench.tell(&["500000"]);
    bench.expect("0581");
    bench.expect("001");
    bench.tell(&["610001", "609002", "6501", "908010102"]);
    bench.expect("002");
    bench.tell(&["570001Front Door      Hall            ", "570101Office                          ", "570065Fire"]);
    bench.pass(secs(3));
    assert!(bench.snapshots()[0].zones[&zone(2)].open);
    assert!(bench.told(&DriverEvent::Firmware("IT-100 1.01".into())));
    let label = panel_model::Label::from_panel("Front Door Hall").unwrap();
    assert!(bench.told(&DriverEvent::ZoneLabel(zone(1), label)));
    let label = panel_model::Label::from_panel("Office").unwrap();
    assert!(bench.told(&DriverEvent::PartitionLabel(partition(1), label)));
}

#[test]
fn a_wrong_baud_rate_is_named() {
    let mut bench = Bench::silent(it100(), start());
    bench.pass(secs(16));
    assert!(matches!(&bench.end, Some(DriverError::Unresponsive(text)) if text.contains("baud")));
    assert_eq!(bench.sent.len(), 3);
}

#[test]
fn numbers_with_two_meanings_follow_the_module() {
    let mut evl = Bench::ready_envisalink();
    evl.tell(&["6591"]);
    assert_eq!(evl.kinds(), [K::ArmFailed]);
    let mut it100 = Bench::ready_it100(start());
    it100.tell(&["6591", "831", "832"]);
    assert_eq!(it100.kinds(), [K::Trouble, K::TroubleRestored]);
}

#[test]
fn stopping_when_idle_ends_at_once() {
    let mut bench = Bench::ready_envisalink();
    bench.shutdown();
    assert_eq!(bench.end, Some(DriverError::Shutdown));
    assert_eq!(bench.session.poll_timeout(), None);
}
