//! What can be asked for with 0800, and what the communicator refuses by itself.

use driver_neor::message::{
    Command, Digits, Flag, Mask, Message, NackCode, Notice, PartitionStatus, TroubleNotice, Wanted, ZoneStatus,
};
use driver_neor::sim::{Model, SimConfig};

use crate::bench::{Bench, hs2016, seconds, set};

/// Two partitions with four zones each.
fn two_partitions() -> SimConfig {
    SimConfig { partitions: 2, ..hs2016() }
}

fn quiet(bench: &mut Bench) {
    bench.wait(seconds(1));
    bench.forget();
}

#[test]
fn every_model_tells_its_own_capacity() {
    for model in Model::ALL {
        let mut bench = Bench::online(&SimConfig::new(model));
        let Ok(Notice::Capabilities(told)) = bench.ask(Wanted::Plain(0x0613)) else { panic!("none") };
        let own = model.capacity();
        let told = (told.zones, told.users, told.partitions);
        assert_eq!(told, (own.zones.into(), own.users.into(), own.partitions.into()), "{}", model.name());
    }
}

#[test]
fn zones_tell_all_that_is_the_matter_with_them() {
    let mut bench = Bench::online(&hs2016());
    for words in ["open 1", "tamper 2", "fault zone_fault 3", "battery low 4", "fault bypass_at_keypad 5", "trip 7"] {
        bench.does(words);
    }
    bench.wait(seconds(3));
    bench.forget();
    let statuses = [0x01, 0x02, 0x04, 0x08, 0x80, 0x00, 0x40, 0x00].map(ZoneStatus).to_vec();
    assert_eq!(bench.ask(Wanted::ZoneStatus { first: 1, count: 8 }), Ok(Notice::ZoneStatus { first: 1, statuses }));
    let bypassed = Notice::BypassedZones { partition: Some(1), zones: Mask(vec![0x10]) };
    assert_eq!(bench.ask(Wanted::OfPartition(0x0813, Some(1))), Ok(bypassed));
    assert_eq!(bench.ask(Wanted::ZoneBypass { zone: 5 }), Ok(Notice::ZoneBypass { zone: 5, bypassed: true }));
    let memory = Notice::AlarmMemory { partition: Some(1), kinds: 0, zones: Mask(vec![0x40]) };
    assert_eq!(bench.ask(Wanted::OfPartition(0x0815, Some(1))), Ok(memory));
    assert_eq!(bench.ask(Wanted::ZoneStatus { first: 10, count: 8 }), Err(1), "beyond the model");
    assert_eq!(bench.ask(Wanted::ZoneStatus { first: 0, count: 1 }), Err(1));
    for words in ["close 1", "close 2", "fault zone_fault 3 off", "battery ok 4", "fault bypass_at_keypad 5 off"] {
        bench.does(words);
    }
    quiet(&mut bench);
    let statuses = [0, 0, 0, 0, 0, 0, 0x40, 0].map(ZoneStatus).to_vec();
    assert_eq!(bench.ask(Wanted::ZoneStatus { first: 1, count: 8 }), Ok(Notice::ZoneStatus { first: 1, statuses }));
}

#[test]
fn many_zones_at_once_are_not_answered_where_told_to() {
    let mut bench = Bench::online(&set(hs2016(), "multi_zone_status=silent"));
    bench.command(Command::Request(Wanted::ZoneStatus { first: 1, count: 8 }));
    let packets = bench.packets_within(seconds(5));
    assert!(matches!(&packets[..], [ack] if ack.is_ack()), "{packets:?}");
    let one = Notice::ZoneStatus { first: 2, statuses: vec![ZoneStatus(0)] };
    assert_eq!(bench.ask(Wanted::ZoneStatus { first: 2, count: 1 }), Ok(one));
}

#[test]
fn partitions_tell_their_status_as_mask_or_as_number() {
    let mut bench = Bench::online(&two_partitions());
    bench.does("open 5");
    quiet(&mut bench);
    let Ok(Notice::PartitionStatus(both)) = bench.ask(Wanted::PartitionStatus(vec![3])) else { panic!("none") };
    assert_eq!(both.field, [3]);
    assert!(both.statuses[0].has(PartitionStatus::READY) && both.statuses[1].has(PartitionStatus::NOT_READY));
    assert_eq!(bench.ask(Wanted::PartitionStatus(vec![4])), Err(20), "partition 3 is not in use");
    let mut bench = Bench::online(&set(two_partitions(), "partition_status_form=number"));
    bench.does("open 5");
    quiet(&mut bench);
    let Ok(Notice::PartitionStatus(second)) = bench.ask(Wanted::PartitionStatus(vec![2])) else { panic!("none") };
    assert_eq!((second.field, second.statuses.len()), (vec![2], 1));
    assert!(second.statuses[0].has(PartitionStatus::NOT_READY));
    assert_eq!(bench.ask(Wanted::PartitionStatus(vec![3])), Err(20));
}

#[test]
fn readiness_and_assignment_are_told_by_partition() {
    let mut bench = Bench::online(&two_partitions());
    bench.does("open 5");
    quiet(&mut bench);
    let ready = |partition, ready| Ok(Notice::Ready { partition: Some(partition), ready });
    assert_eq!(bench.ask(Wanted::OfPartition(0x0239, Some(1))), ready(1, 1));
    assert_eq!(bench.ask(Wanted::OfPartition(0x0239, Some(2))), ready(2, 3));
    let zones = |partition, mask| Ok(Notice::ZoneAssignment { partition: Some(partition), zones: Mask(vec![mask]) });
    assert_eq!(bench.ask(Wanted::OfPartition(0x0770, Some(1))), zones(1, 0x0F));
    assert_eq!(bench.ask(Wanted::OfPartition(0x0770, Some(2))), zones(2, 0xF0));
    assert_eq!(bench.ask(Wanted::OfPartition(0x0770, Some(3))), Err(20));
    let memory = Notice::Flag { flag: Flag::AlarmMemory, partition: Some(1), value: 0 };
    assert_eq!(bench.ask(Wanted::OfPartition(0x023C, Some(1))), Ok(memory));
}

#[test]
fn troubles_are_told_when_they_come_and_when_asked_for() {
    let mut bench = Bench::online(&hs2016());
    assert_eq!(bench.ask(Wanted::all_troubles()), Err(26));
    for (words, device, trouble, number) in [
        ("ac off", 0x00, 0x84, 0),
        ("battery low", 0x00, 0x03, 0),
        ("fault bell", 0x03, 0x02, 1),
        ("fault phone_line", 0x00, 0x3B, 1),
        ("tamper 4", 0x01, 0x01, 4),
    ] {
        bench.does(words);
        let begun = TroubleNotice { device, trouble, number, state: 1 };
        assert_eq!(bench.message(), Message::Notice(Notice::TroubleNotices(vec![begun])), "{words}");
        quiet(&mut bench);
    }
    let told = bench.ask(Wanted::all_troubles()).expect("troubles");
    let Notice::Troubles(devices) = told else { panic!("{told:?}") };
    assert_eq!(devices, [(0, vec![0x84, 0x03, 0x3B]), (3, vec![2]), (1, vec![1])]);
    let detail = Notice::TroubleDetail { device: 1, trouble: 1, numbers: Mask(vec![8]) };
    assert_eq!(bench.ask(Wanted::TroubleDetail { device: 1, trouble: 1 }), Ok(detail));
    bench.does("ac on");
    let over = TroubleNotice { device: 0, trouble: 0x84, number: 0, state: 0 };
    assert_eq!(bench.message(), Message::Notice(Notice::TroubleNotices(vec![over])));
}

#[test]
fn the_clock_is_told_when_asked_for_and_every_hour() {
    let mut bench = Bench::online(&hs2016());
    let Ok(Notice::Time(time)) = bench.ask(Wanted::Plain(0x0220)) else { panic!("no time") };
    assert_eq!((time.year, time.month, time.day, time.hour), (2026, 1, 1, 12));
    let mut told = Vec::new();
    for _ in 0..61 {
        bench.say(&Message::Notice(Notice::Poll));
        told.extend(bench.notices_within(seconds(60)));
    }
    assert!(matches!(told[..], [Notice::Time(time)] if (time.hour, time.minute) == (13, 0)), "{told:?}");
}

#[test]
fn surplus_behind_a_request_is_ignored() {
    let mut bench = Bench::online(&hs2016());
    for (body, answer) in [
        (&[0x08, 0x00, 0x11, 0x06, 0x13, 0x00, 0x00][..], 0x0613),
        (&[0x08, 0x00, 0x12, 0x08, 0x11, 1, 1, 1, 1, 0, 0, 0], 0x0811),
        (&[0x08, 0x00, 0x13, 0x02, 0x36, 0x12, 0x34], 0x0236),
    ] {
        say_raw(&mut bench, body);
        assert_eq!(bench.message().number(), answer);
    }
}

#[test]
fn what_cannot_be_is_refused_by_whom_it_concerns() {
    let mut bench = Bench::online(&hs2016());
    let nack = |command, code| Message::Notice(Notice::CommandError { command, code });
    say_raw(&mut bench, &[0x0B, 0x0B, 0x01]);
    assert_eq!(bench.message(), nack(0x0B0B, NackCode::BadCommand), "unknown: the communicator");
    say_raw(&mut bench, &[0x07, 0x36, 0x01, 0x01]);
    assert_eq!(bench.message(), nack(0x0736, NackCode::BadLength), "short: the communicator");
    say_raw(&mut bench, &[0x07, 0x31, 0x42]);
    let refused = Message::Command(0x42, Command::Response(driver_neor::message::ResponseCode::NotAvailable));
    assert_eq!(bench.message(), refused, "known without a layout: the panel");
    assert_eq!(bench.ask(Wanted::Plain(0x060D)), Err(23));
    assert_eq!(bench.ask(Wanted::Plain(0x0810)), Err(23));
    assert_eq!(bench.ask(Wanted::OfPartition(0x0239, Some(7))), Err(20));
}

/// A message as its bytes are, behind the right numbers.
fn say_raw(bench: &mut Bench, body: &[u8]) {
    bench.own += 1;
    let data = [&[bench.own, bench.peer], body].concat();
    bench.send_data(&data);
}

#[test]
fn codes_are_validated_and_memory_cleared_by_user_activity() {
    let mut bench = Bench::online(&hs2016());
    bench.does("trip 7");
    bench.wait(seconds(3));
    bench.forget();
    let activity = |kind, code: &str| Command::Activity { partition: Some(1), kind, code: Digits::parse(code) };
    assert_eq!(bench.respond(activity(22, "1234")), 0);
    assert_eq!(bench.respond(activity(22, "4321")), 17);
    assert_eq!(bench.respond(activity(4, "")), 0, "keep-alive needs no code");
    assert_eq!(bench.respond(activity(8, "1234")), 0);
    let notices = bench.notices_within(seconds(1));
    assert!(notices.contains(&Notice::Flag { flag: Flag::AlarmMemory, partition: Some(1), value: 0 }), "{notices:?}");
    assert_eq!(bench.respond(activity(99, "1234")), 23);
}

#[test]
fn outputs_are_switched_with_a_code() {
    let mut bench = Bench::online(&hs2016());
    let output =
        |output, state, code: &str| Command::Output { partition: Some(1), output, state, code: Digits::parse(code) };
    assert_eq!(bench.respond(output(3, 1, "1234")), 0);
    let told = Notice::Outputs { partition: Some(1), outputs: Mask(vec![4]) };
    assert_eq!(bench.notices_within(seconds(1)), [told]);
    assert_eq!(bench.respond(output(3, 2, "1234")), 0);
    assert_eq!(bench.respond(output(3, 1, "9999")), 17);
    assert_eq!(bench.respond(output(0, 1, "1234")), 2);
    assert_eq!(bench.respond(output(149, 1, "1234")), 2);
}
