//! The session of dossier 6.3 from beginning to end, strict about numbers, in both types of encryption.

use driver_neor::message::{
    ArmingMode, Command, Flag, Labels, Mask, Message, Notice, PartitionForm, PartitionStatus, Programming,
    ProgrammingAccess, UserField, Wanted, ZoneStatus, delay_flag, label_option, utf16_text,
};
use driver_neor::sim::{Model, SimConfig};
use panel_model::AccessCode;

use crate::bench::{Bench, seconds, set};

fn panel(encryption: u8) -> SimConfig {
    let mut config = SimConfig::new(Model::Hs2032);
    for setting in ["sequence=strict", "replay=3", "exit_seconds=30"] {
        config = set(config, setting);
    }
    config = set(config, &format!("encryption={encryption}"));
    config.users = 3;
    config.user_codes.insert(2, AccessCode::new("2580".into()));
    config.options.zone_types.insert(1, 3);
    config
}

#[test]
fn the_whole_session_is_played_with_types_1_and_2() {
    for encryption in [1, 2] {
        let mut bench = Bench::online(&panel(encryption));
        replay(&mut bench);
        start_up(&mut bench);
        pull_users(&mut bench);
        arm_alarm_disarm(&mut bench);
        bench.does("ac off");
        let notices = bench.notices_within(seconds(2));
        assert!(matches!(&notices[0], Notice::TroubleNotices(all) if (all[0].device, all[0].trouble) == (0, 0x84)));
        bench.say(&Message::Notice(Notice::Poll));
        bench.expect_ack();
        bench.say(&Message::Notice(Notice::EndSession));
        bench.expect_ack();
        assert_eq!(bench.hangup.map(|hangup| hangup.down), Some(seconds(15)));
        assert_eq!(bench.count("client_refused") + bench.count("bad_frame"), 0);
    }
}

fn replay(bench: &mut Bench) {
    let zone = |zone, open| Notice::LifestyleZone { zone, open };
    assert_eq!(bench.notices_within(seconds(2)), [zone(1, true), zone(1, false), zone(2, true)]);
}

fn start_up(bench: &mut Bench) {
    let Ok(Notice::Capabilities(all)) = bench.ask(Wanted::Plain(0x0613)) else { panic!("no capabilities") };
    assert_eq!((all.zones, all.users, all.partitions), (32, 72, 4));
    assert_eq!(bench.ask(Wanted::Plain(0x0236)), Ok(Notice::CodeLength(4)));
    assert_eq!(bench.ask(Wanted::Plain(0x0772)), Ok(Notice::PartitionsInUse(Mask(vec![1]))));
    let zones = Notice::ZoneAssignment { partition: Some(0), zones: Mask(vec![0xFF]) };
    assert_eq!(bench.ask(Wanted::OfPartition(0x0770, Some(0))), Ok(zones));
    for (option, to, first) in [
        (label_option::PARTITION, 1, "House"),
        (label_option::ZONE, 4, "Front Door"),
        (label_option::USER, 8, "Master"),
    ] {
        let Ok(Notice::Labels(Labels { texts, .. })) = bench.ask(Wanted::Labels { option, range: Some((1, to)) })
        else {
            panic!("no labels")
        };
        assert_eq!(utf16_text(&texts[0]), first);
    }
    let status = partition_status(bench);
    assert!(status.has(PartitionStatus::READY) && !status.has(PartitionStatus::ARMED));
    let closed = Notice::ZoneStatus { first: 1, statuses: vec![ZoneStatus(0); 8] };
    assert_eq!(bench.ask(Wanted::ZoneStatus { first: 1, count: 8 }), Ok(closed));
}

fn partition_status(bench: &mut Bench) -> PartitionStatus {
    let Ok(Notice::PartitionStatus(report)) = bench.ask(Wanted::PartitionStatus(vec![1])) else { panic!("no status") };
    report.by_partition(PartitionForm::Mask).expect("fits")[0].1.clone()
}

fn pull_users(bench: &mut Bench) {
    bench.enter(Programming::AccessCodes, "1234", ProgrammingAccess::ReadOnly);
    for field in UserField::ALL {
        let Ok(Notice::Users(data)) = bench.read(Command::ReadUsers { field, first: 1, count: 50 }) else {
            panic!("no users")
        };
        assert_eq!((data.first, data.count()), (1, 50));
    }
    assert_eq!(bench.leave(), 0);
    let notices = bench.notices_within(seconds(1));
    assert!(matches!(notices[..], [Notice::ProgrammingLead(_)]), "{notices:?}");
}

fn arm_alarm_disarm(bench: &mut Bench) {
    bench.does("open 1");
    bench.does("close 1");
    bench.does("arm away 1 2");
    let notices = bench.notices_within(seconds(31));
    let delays: Vec<_> = notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::Delay { flags, seconds, .. } => Some((*flags, *seconds)),
            _ => None,
        })
        .collect();
    let running = delay_flag::ACTIVE | delay_flag::AUDIBLE;
    assert_eq!(delays, [(running, 30), (running | delay_flag::URGENT, 10), (0, 0)]);
    let away = Notice::Arming { partition: Some(1), mode: ArmingMode::Away, method: 1, user: Some(2) };
    assert_eq!(notices.last(), Some(&away));

    bench.does("open 1");
    let notices = bench.notices_within(seconds(1));
    assert!(matches!(notices[0], Notice::LifestyleZone { zone: 1, open: true }));
    assert!(matches!(&notices[1], Notice::ZoneAlarms { alarms, .. } if (alarms[0].zone, alarms[0].state) == (1, 1)));
    assert!(matches!(notices[2], Notice::Bell { state: 1, seconds: 240, .. }));
    assert_eq!(notices[3], Notice::Flag { flag: Flag::AlarmMemory, partition: Some(1), value: 1 });
    let Notice::PartitionStatus(report) = &notices[4] else { panic!("{notices:?}") };
    assert!(report.statuses[0].has(PartitionStatus::IN_ALARM) && report.statuses[0].has(PartitionStatus::AWAY));

    bench.does("close 1");
    bench.forget();
    bench.wait(seconds(1));
    bench.forget();
    bench.does("enter 2580");
    let notices = bench.notices_within(seconds(1));
    let disarmed = Notice::Arming { partition: Some(1), mode: ArmingMode::Disarm, method: 1, user: Some(2) };
    assert_eq!(notices[0], disarmed);
    assert!(matches!(notices[1], Notice::Bell { state: 0, seconds: 0, .. }));
    assert_eq!(notices.last(), Some(&Notice::Ready { partition: Some(1), ready: 1 }));
    assert!(!partition_status(bench).has(PartitionStatus::IN_ALARM));
}
