//! Installer programming by section.

use driver_neor::message::{Command, Notice, Programming, ProgrammingAccess, SectionAddress, utf16_padded};
use driver_neor::sim::SimConfig;

use crate::bench::{Bench, hs2016, seconds, set};

const READS: ProgrammingAccess = ProgrammingAccess::ReadOnly;
const WRITES: ProgrammingAccess = ProgrammingAccess::ReadWrite;

fn writing(config: &SimConfig) -> Bench {
    let mut bench = Bench::online(config);
    bench.enter(Programming::Installer, "5555", WRITES);
    bench
}

fn at(main: u16, subs: &[u16]) -> SectionAddress {
    SectionAddress::new(main, subs)
}

fn read(bench: &mut Bench, address: &SectionAddress) -> Result<Vec<u8>, u8> {
    match bench.read(Command::ReadSection(address.clone()))? {
        Notice::Section(echo, content) => {
            assert_eq!(echo, *address, "the address is echoed");
            Ok(content.expose().to_vec())
        }
        other => panic!("{other:?}"),
    }
}

fn write(bench: &mut Bench, address: SectionAddress, content: &[u8]) -> u8 {
    bench.respond(Command::WriteSection(address, content.into()))
}

#[test]
fn labels_are_read_and_written_in_rows() {
    let mut bench = writing(&SimConfig { partitions: 2, ..hs2016() });
    let content = read(&mut bench, &at(0, &[1, 1]).count(2)).expect("labels");
    assert_eq!(content, [utf16_padded("Front Door", 28), utf16_padded("Back Door", 28)].map(Option::unwrap).concat());
    let garage = utf16_padded("Garage", 28).expect("fits");
    assert_eq!(write(&mut bench, at(0, &[1, 3]), &garage), 0);
    assert_eq!(read(&mut bench, &at(0, &[1, 3])), Ok(garage.clone()));
    assert_eq!(write(&mut bench, at(0, &[102]), &garage), 0);
    assert_eq!(bench.sim_state("partitions")[1]["label"], "Garage");
    assert!(read(&mut bench, &at(0, &[100])).is_ok(), "the system's");
    assert_eq!(write(&mut bench, at(0, &[1, 3]), &garage[2..]), 2, "a byte pair short");
    assert_eq!(read(&mut bench, &at(0, &[1, 1]).count(5)), Err(1), "280 bytes");
    assert_eq!(read(&mut bench, &at(0, &[1, 17])), Err(1), "beyond the model");
}

#[test]
fn zones_and_partitions_are_programmed() {
    let mut bench = writing(&hs2016());
    assert_eq!(read(&mut bench, &at(1, &[1]).count(8)), Ok(vec![1, 3, 5, 5, 3, 3, 17, 8]));
    assert_eq!(write(&mut bench, at(1, &[2]), &[7]), 0);
    assert_eq!(read(&mut bench, &at(1, &[2])), Ok(vec![7]));
    assert_eq!(read(&mut bench, &at(2, &[1])), Ok(vec![0x0D, 0x02]));
    assert_eq!(write(&mut bench, at(2, &[1]), &[0x1D, 0x02]), 0);
    assert_eq!(read(&mut bench, &at(307, &[1])), Ok(vec![0x3F]));
    assert_eq!(read(&mut bench, &at(200, &[1]).count(2)), Ok(vec![1, 0]));
    assert_eq!(read(&mut bench, &at(201, &[1]).count(2)), Ok(vec![0xFF, 0x00]));
    assert_eq!(write(&mut bench, at(200, &[2]), &[1]), 0);
    assert_eq!(write(&mut bench, at(202, &[1]), &[0x80]), 0, "the highest bit is the lowest zone");
    let zones = bench.sim_state("zones");
    assert_eq!(zones[0]["partitions"], serde_json::json!([1, 2]));
    assert_eq!(bench.sim_state("partitions").as_array().map(Vec::len), Some(2));
    assert_eq!(read(&mut bench, &at(41, &[])), Ok(vec![0]), "four digits");
    assert_eq!(write(&mut bench, at(41, &[]), &[1]), 23);
    assert_eq!(bench.count("section_written"), 4);
}

#[test]
fn the_installer_code_is_changed_and_proved_by_the_new_one() {
    let mut bench = writing(&hs2016());
    assert_eq!(read(&mut bench, &at(6, &[1])), Ok(vec![0x55, 0x55]));
    assert_eq!(write(&mut bench, at(6, &[1]), &[0x12, 0x34]), 17, "the master has it");
    assert_eq!(write(&mut bench, at(6, &[1]), &[0x47, 0x11]), 0);
    assert_eq!(bench.leave(), 0);
    assert_eq!(bench.try_enter(Programming::Installer, "5555", READS), 17);
    bench.enter(Programming::Installer, "4711", READS);
    assert_eq!(bench.sim_state("installer_code"), "4711");
    assert_eq!(bench.count("installer_code_changed"), 1);
}

#[test]
fn the_master_code_is_readable_unless_the_panel_says_no() {
    let mut bench = writing(&hs2016());
    assert_eq!(read(&mut bench, &at(6, &[2])), Ok(vec![0x12, 0x34]));
    assert_eq!(read(&mut bench, &at(6, &[3])), Ok(vec![0xAA, 0xAA]), "no maintenance code");
    assert_eq!(write(&mut bench, at(6, &[3]), &[0x77, 0x77]), 0);
    assert_eq!(read(&mut bench, &at(6, &[3])), Ok(vec![0x77, 0x77]));
    assert_eq!(write(&mut bench, at(6, &[2]), &[0x98, 0x76]), 0);
    assert_eq!(bench.user(1).expect("the master")["code"], "9876");
    let mut bench = writing(&set(hs2016(), "master_readable=off"));
    assert_eq!(read(&mut bench, &at(6, &[2])), Err(23));
}

#[test]
fn sections_need_their_mode_and_addresses_that_are_known() {
    let mut bench = Bench::online(&hs2016());
    assert_eq!(read(&mut bench, &at(1, &[1])), Err(16));
    bench.enter(Programming::Installer, "5555", READS);
    assert!(read(&mut bench, &at(1, &[1])).is_ok());
    assert_eq!(write(&mut bench, at(1, &[1]), &[3]), 16, "read only");
    assert_eq!(read(&mut bench, &at(999, &[1])), Err(1));
    assert_eq!(read(&mut bench, &SectionAddress { index: Some(1), ..at(1, &[1]) }), Err(23));
    assert_eq!(read(&mut bench, &SectionAddress { module: Some(1), ..at(1, &[1]) }), Err(23));
    assert_eq!(read(&mut bench, &at(1, &[1]).count(0)), Err(1));
    assert_eq!(bench.leave(), 0);
    bench.enter(Programming::AccessCodes, "1234", WRITES);
    assert_eq!(read(&mut bench, &at(1, &[1])), Err(16), "another mode");
}

#[test]
fn zones_alarm_nobody_while_the_installer_is_in() {
    let mut bench = writing(&hs2016());
    bench.does("open 7");
    bench.wait(seconds(1));
    assert_eq!(bench.count("zone_alarm"), 0);
    bench.does("close 7");
    assert_eq!(bench.leave(), 0);
    bench.does("open 7");
    assert_eq!(bench.count("zone_alarm"), 1);
}
