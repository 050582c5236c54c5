//! Users over the wire: reading, writing, and what the panel does not take.

use driver_neor::message::{
    Command, Digits, FORMAT_UTF16, Labels, Mask, Notice, Programming, ProgrammingAccess, UserData, UserField,
    UserRecords, Wanted, label_option, utf16_padded, utf16_text,
};
use driver_neor::sim::{Model, SimConfig};

use crate::bench::{Bench, code, hs2016, seconds, set};

const USERS: Programming = Programming::AccessCodes;
const READS: ProgrammingAccess = ProgrammingAccess::ReadOnly;
const WRITES: ProgrammingAccess = ProgrammingAccess::ReadWrite;

/// A server that is in access code programming.
fn writing(config: &SimConfig) -> Bench {
    let mut bench = Bench::online(config);
    bench.enter(USERS, "1234", WRITES);
    bench
}

fn read(field: UserField, first: u32, count: u32) -> Command {
    Command::ReadUsers { field, first, count }
}

fn records(notice: Result<Notice, u8>) -> UserRecords {
    match notice.expect("data") {
        Notice::Users(data) => data.records,
        other => panic!("{other:?}"),
    }
}

fn set_code(slot: u32, digits: &str) -> Command {
    Command::WriteUsers(UserData::codes(slot, 2, vec![code(digits)]))
}

fn label(slot: u32, text: &str) -> Command {
    let labels = vec![utf16_padded(text, 14).expect("fits")];
    Command::WriteUserLabels { first: slot, format: FORMAT_UTF16, labels }
}

#[test]
fn a_user_is_made_read_changed_and_removed() {
    let mut bench = writing(&hs2016());
    assert_eq!(bench.respond(set_code(2, "2580")), 0);
    assert_eq!(bench.respond(Command::WriteUsers(UserData::attributes(2, vec![0x4C]))), 0);
    assert_eq!(bench.respond(label(2, "Alice")), 0);
    let codes = records(bench.read(read(UserField::Codes, 1, 3)));
    assert_eq!(codes, UserRecords::Codes(vec![code("1234"), code("2580"), Digits::blank(2)]));
    assert_eq!(records(bench.read(read(UserField::Attributes, 1, 3))), UserRecords::Attributes(vec![0x0D, 0x4C, 0]));
    let masks = records(bench.read(read(UserField::Partitions, 1, 3)));
    assert_eq!(masks, UserRecords::Partitions(vec![Mask(vec![3]), Mask(vec![1]), Mask(vec![1])]));
    assert_eq!(records(bench.read(read(UserField::Kinds, 1, 3))), UserRecords::Kinds(vec![1, 1, 0]));
    assert_eq!(bench.user(2).expect("made")["label"], "Alice");
    assert_eq!(bench.respond(set_code(2, "AAAA")), 0);
    assert_eq!(records(bench.read(read(UserField::Attributes, 2, 1))), UserRecords::Attributes(vec![0]));
    assert_eq!(bench.user(2), None);
    assert_eq!(bench.leave(), 0);
    assert_eq!(bench.count("users_changed"), 4);
}

#[test]
fn labels_are_read_without_any_mode() {
    let mut bench = Bench::online(&set(hs2016(), "users_label_trailing=nul"));
    let notice = bench.ask(Wanted::Labels { option: label_option::USER, range: Some((1, 8)) }).expect("labels");
    let Notice::Labels(Labels { width: 28, texts, .. }) = notice else { panic!("{notice:?}") };
    let texts_read: Vec<_> = texts.iter().map(|text| utf16_text(text)).collect();
    assert_eq!(texts_read[..2], ["Master", "User 2"]);
    assert_eq!(texts.len(), 8);
    assert_eq!(texts[0][26..], [0, 0], "the knob");
    assert_eq!(bench.ask(Wanted::Labels { option: label_option::USER, range: Some((1, 10)) }), Err(1), "280 bytes");
    let zones = bench.ask(Wanted::Labels { option: label_option::ZONE, range: Some((1, 4)) }).expect("labels");
    let Notice::Labels(Labels { width: 56, texts, .. }) = zones else { panic!("{zones:?}") };
    assert_eq!(utf16_text(&texts[0]), "Front Door");
    let system = bench.ask(Wanted::Labels { option: label_option::PARTITION, range: Some((0, 1)) }).expect("labels");
    let Notice::Labels(Labels { texts, .. }) = system else { panic!("{system:?}") };
    assert_eq!([utf16_text(&texts[0]), utf16_text(&texts[1])], ["Simulated Panel", "House"]);
}

#[test]
fn crossing_between_empty_and_used_resets_attributes_and_partitions() {
    for (new_user, expected) in [("nothing", 0x00), ("programmers", 0x0C)] {
        let config = SimConfig { partitions: 2, ..set(hs2016(), &format!("new_user={new_user}")) };
        let mut bench = writing(&config);
        assert_eq!(bench.respond(Command::WriteUsers(UserData::attributes(3, vec![0x44]))), 0);
        assert_eq!(bench.respond(set_code(3, "4711")), 0);
        let fresh = records(bench.read(read(UserField::Attributes, 3, 1)));
        assert_eq!(fresh, UserRecords::Attributes(vec![expected]), "{new_user}");
        assert_eq!(bench.respond(Command::WriteUsers(UserData::partitions(3, 1, vec![Mask(vec![3])]))), 0);
        assert_eq!(bench.respond(set_code(3, "4712")), 0);
        let kept = records(bench.read(read(UserField::Partitions, 3, 1)));
        assert_eq!(kept, UserRecords::Partitions(vec![Mask(vec![3])]), "a change of code resets nothing");
    }
}

#[test]
fn what_the_panel_does_not_take_is_refused_with_its_code() {
    let mut bench = writing(&hs2016());
    let attributes = |slot| Command::WriteUsers(UserData::attributes(slot, vec![4]));
    let partitions = |slot, mask| Command::WriteUsers(UserData::partitions(slot, 1, vec![Mask(vec![mask])]));
    let format = |format| Command::WriteUserLabels { first: 2, format, labels: vec![vec![0; 28]] };
    for (name, command, answer) in [
        ("the master's attributes", attributes(1), 23),
        ("the master's partitions", partitions(1, 1), 23),
        ("the master's removal", set_code(1, "AAAA"), 23),
        ("the master's code twice", set_code(2, "1234"), 17),
        ("the installer's code", set_code(2, "5555"), 17),
        ("a digit that is none", set_code(2, "12B4"), 2),
        ("another width", Command::WriteUsers(UserData::codes(2, 3, vec![code("123456")])), 2),
        ("a slot beyond the model", set_code(49, "4711"), 1),
        ("slot 0", set_code(0, "4711"), 1),
        ("a partition that is not in use", partitions(2, 2), 20),
        ("another text format", format(4), 2),
        ("a label of another length", Command::WriteUserLabels { first: 2, format: 3, labels: vec![vec![0; 26]] }, 2),
        ("a read beyond the model", read(UserField::Codes, 40, 10), 1),
    ] {
        assert_eq!(bench.respond(command), answer, "{name}");
    }
    assert_eq!(bench.respond(set_code(1, "9876")), 0, "the master's code may be changed");
    assert_eq!(bench.respond(set_code(1, "9876")), 0, "the same again is no duplicate");
    let mut bench = writing(&set(hs2016(), "duplicate_answer=1"));
    assert_eq!(bench.respond(set_code(2, "1234")), 1, "the knob");
}

#[test]
fn nothing_is_read_or_written_outside_the_mode() {
    let mut bench = Bench::online(&hs2016());
    assert_eq!(bench.read(read(UserField::Codes, 1, 1)), Err(16));
    assert_eq!(bench.respond(set_code(2, "4711")), 16);
    bench.enter(USERS, "1234", READS);
    assert!(bench.read(read(UserField::Codes, 1, 1)).is_ok());
    assert_eq!(bench.respond(set_code(2, "4711")), 16, "read only");
    assert_eq!(bench.respond(label(2, "Alice")), 16, "read only");
    assert_eq!(bench.leave(), 0);
    assert_eq!(bench.leave(), 1, "not in it any more");
    assert_eq!(bench.read(read(UserField::Codes, 1, 1)), Err(16));
}

#[test]
fn a_supervisor_manages_all_but_the_master() {
    let mut bench = writing(&hs2016());
    assert_eq!(bench.respond(set_code(2, "2580")), 0);
    assert_eq!(bench.respond(Command::WriteUsers(UserData::attributes(2, vec![0x01]))), 0);
    assert_eq!(bench.leave(), 0);
    bench.enter(USERS, "2580", WRITES);
    assert_eq!(bench.respond(set_code(3, "4711")), 0);
    assert_eq!(bench.respond(set_code(1, "9876")), 23);
    assert_eq!(bench.leave(), 0);
    assert_eq!(bench.try_enter(USERS, "4711", READS), 17, "a plain user does not");
}

#[test]
fn a_thousand_users_are_read_in_batches() {
    let config = SimConfig { users: 999, code_length: 6, ..set(SimConfig::new(Model::Hs2128E), "sequence=strict") };
    let mut bench = Bench::online(&config);
    bench.enter(USERS, "123456", READS);
    let mut codes = Vec::new();
    for first in (1..=1000).step_by(50) {
        match records(bench.read(read(UserField::Codes, first, 50))) {
            UserRecords::Codes(batch) => codes.extend(batch),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(codes.len(), 1000);
    assert!(codes.iter().all(|code| code.code().is_some()), "every slot holds a code");
    assert_eq!(bench.read(read(UserField::Codes, 1, 86)), Err(1), "258 bytes");
    assert!(bench.read(read(UserField::Kinds, 1, 250)).is_ok());
    assert_eq!(bench.leave(), 0);
}

#[test]
fn tags_show_by_slot_and_go_with_the_code() {
    for (knob, both) in [("1", 1), ("2", 2), ("3", 3)] {
        let mut config = set(hs2016(), &format!("tag_and_code={knob}"));
        config.user_codes.insert(2, panel_model::AccessCode::new("2580".into()));
        let mut bench = Bench::online(&config);
        bench.does("edit 2 tag on");
        bench.wait(seconds(11));
        bench.does("edit 3 tag on");
        bench.wait(seconds(11));
        bench.forget();
        bench.enter(USERS, "1234", WRITES);
        assert_eq!(records(bench.read(read(UserField::Kinds, 1, 4))), UserRecords::Kinds(vec![1, both, 2, 0]));
        assert_eq!(bench.respond(set_code(2, "AAAA")), 0);
        assert_eq!(records(bench.read(read(UserField::Kinds, 2, 1))), UserRecords::Kinds(vec![0]));
    }
}

#[test]
fn our_own_writes_are_told_to_others_and_those_of_the_keypad_to_us() {
    for (echoes, told) in [("off", 0), ("on", 1)] {
        let mut bench = writing(&set(hs2016(), &format!("echoes_updates={echoes}")));
        assert_eq!(bench.respond(set_code(2, "2580")), 0);
        let updates = |notices: Vec<Notice>| {
            notices.into_iter().filter(|notice| matches!(notice, Notice::UsersChanged { .. })).count()
        };
        assert_eq!(updates(bench.notices_within(seconds(1))), told, "echoes {echoes}");
    }
    let mut bench = Bench::online(&hs2016());
    bench.does("edit 7 code 4821");
    let notices = bench.notices_within(seconds(20));
    assert!(notices.contains(&Notice::UsersChanged { what: 1, records: 1, from: 7, to: 7 }), "{notices:?}");
    assert_eq!(bench.user(7).expect("made")["code"], "4821");
}

#[test]
fn emptying_a_slot_blanks_its_label_where_told_to() {
    for (knob, text) in [("off", "Alice"), ("on", "User 2")] {
        let mut bench = writing(&set(hs2016(), &format!("clears_label={knob}")));
        assert_eq!(bench.respond(set_code(2, "2580")), 0);
        assert_eq!(bench.respond(label(2, "Alice")), 0);
        assert_eq!(bench.respond(set_code(2, "AAAA")), 0);
        let notice = bench.ask(Wanted::Labels { option: label_option::USER, range: Some((2, 2)) }).expect("one");
        let Notice::Labels(Labels { texts, .. }) = notice else { panic!("{notice:?}") };
        assert_eq!(utf16_text(&texts[0]), text);
    }
}

#[test]
fn codes_of_six_and_eight_digits_have_their_width() {
    for (length, master) in [(6, "123456"), (8, "12345678")] {
        let mut bench = Bench::online(&SimConfig { code_length: length, ..hs2016() });
        bench.enter(USERS, master, READS);
        let Ok(Notice::Users(data)) = bench.read(read(UserField::Codes, 1, 2)) else { panic!("no users") };
        assert_eq!(usize::from(data.width), length / 2);
        let width = u8::try_from(length / 2).expect("small");
        assert_eq!(data.records, UserRecords::Codes(vec![code(master), Digits::blank(width)]));
    }
}
