//! The EEPROM image of an installation: what stands where in a panel that was set up as the configuration says.

use panel_driver::sim::Rng;

use super::eeprom::{self, Eeprom};
use super::models::Model;
use super::options::{BypassMode, FACTORY_MASTER, SimConfig, code_text, parse_code};

/// The 31 names of 4.10, five or ten of which can be edited; blank ones there.
const NAMES: [&str; 31] = [
    "Attic",
    "Back door",
    "Basement",
    "Bathroom",
    "Bedroom",
    "Child room",
    "Conservatory",
    "Play room",
    "Dining room",
    "Downstairs",
    "Emergency",
    "Fire",
    "Front door",
    "Garage",
    "Garage door",
    "Guest room",
    "Hall",
    "Kitchen",
    "Laundry room",
    "Living room",
    "Master bathroom",
    "Master bedroom",
    "Office",
    "Upstairs",
    "Utility room",
    "Yard",
    "Custom 1",
    "Custom 2",
    "Custom 3",
    "Custom 4",
    "Custom 5",
];

/// Zone types that are dealt out unless the configuration says otherwise: a front door, windows, motion detectors on
/// the way and off it, smoke.
const TYPES: [u8; 8] = [4, 7, 7, 6, 12, 7, 8, 11];
/// Name indexes that go with them. 13 and 10 are frame marks, which is as it should be.
const NAME_OF: [u8; 8] = [12, 1, 17, 16, 19, 13, 14, 10];
/// Contact, motion and smoke: on a PowerMax, and on a PowerMaster.
const SENSORS: [(u8, u8); 3] = [(0x5, 0x2A), (0x3, 0x01), (0xA, 0x15)];
/// Wired zones of both families.
const WIRED: (u8, u8) = (0xF, 0xFE);

/// Type of a zone that nobody configured.
pub(super) fn default_type(zone: u8) -> u8 {
    TYPES.get(usize::from(zone.wrapping_sub(1) % 8)).copied().unwrap_or(7)
}

pub(super) fn is_motion(config: &SimConfig, zone: u8) -> bool {
    let kind = config.options.zone_types.get(&zone).copied().unwrap_or_else(|| default_type(zone));
    config.options.motion_zones.contains(&zone) || matches!(kind, 6 | 12)
}

/// Whether such a sensor tells motion, not opening.
pub(super) fn senses_motion(model: Model, sensor: u8) -> bool {
    let motion = SENSORS.get(1).copied().unwrap_or_default();
    sensor == if model.is_master() { motion.1 } else { motion.0 }
}

/// Builds the image.
pub(super) fn build(config: &SimConfig, rng: &mut Rng) -> Eeprom {
    let mut eeprom = Eeprom::erased(config.model);
    eeprom.fill(0x0100, 0x0200, 0);
    eeprom.fill(0x0300, 0x0100, 0);
    options(&mut eeprom, config);
    identity(&mut eeprom, config.model, rng);
    codes(&mut eeprom, config, rng);
    zones(&mut eeprom, config);
    devices(&mut eeprom, config.model);
    for (index, name) in (0_u16..).zip(NAMES) {
        eeprom.write_text(eeprom::NAMES + index * eeprom::NAME_LENGTH, eeprom::NAME_LENGTH, name);
    }
    eeprom
}

fn options(eeprom: &mut Eeprom, config: &SimConfig) {
    let options = &config.options;
    eeprom.write(eeprom::ENTRY_DELAYS, &[options.entry_seconds.0, options.entry_seconds.1, options.exit_seconds]);
    eeprom.write(eeprom::BELL_TIME, &[options.bell_minutes]);
    eeprom.write(eeprom::DURESS, &parse_code(config.duress(), 10).unwrap_or_default());
    eeprom.write(eeprom::USER_PERMIT, &[u8::from(options.user_permit)]);
    eeprom.set_bits(eeprom::UPLOAD_OPTION, 0x04, options.download_while_armed);
    eeprom.set_bits(eeprom::QUICK_ARM, 0x08, options.quick_arm);
    let bypass = match options.bypass {
        BypassMode::Never => 0x00,
        BypassMode::ForceArm => 0x40,
        BypassMode::Manual => 0x80,
    };
    eeprom.write(eeprom::BYPASS_MODE, &[bypass]);
    eeprom.fill(eeprom::PHONES.0, eeprom::PHONES.1, 0xFF);
    eeprom.write_text(eeprom::HOUSE_NAME, 16, &options.house_name);
    eeprom.write(eeprom::PARTITIONS_ON, &[u8::from(config.partitions > 1)]);
}

fn identity(eeprom: &mut Eeprom, model: Model, rng: &mut Rng) {
    eeprom.write_text(
        eeprom::EEPROM_VERSION,
        16,
        if model.is_master() { "JS702229 K18.050" } else { "J-700421 K1.1.5" },
    );
    eeprom.write_text(
        eeprom::SOFTWARE_VERSION,
        16,
        if model.is_master() { "JS702229 K18.022" } else { "JS700421 v2.0.2" },
    );
    // Twelve digits, the last two padded.
    let mut serial: Vec<u8> = (0..5).map(|_| bcd(rng.below(100))).collect();
    serial.push(0xFF);
    eeprom.write(eeprom::SERIAL, &serial);
    eeprom.write(eeprom::MODEL_BYTE, &[model.model_byte(), model.type_byte()]);
    eeprom.write(eeprom::IDENTITY, &[1, 2, 3]);
}

fn codes(eeprom: &mut Eeprom, config: &SimConfig, rng: &mut Rng) {
    let table = eeprom.user_code_at(1);
    // A PowerMaster-10 has the same 96 bytes as its bigger sisters.
    eeprom.fill(table, if config.model.is_master() { 96 } else { 16 }, 0);
    let master = config.master.as_ref().map_or(FACTORY_MASTER, |code| code.expose());
    let two_levels = config.model.is_master();
    let factory = if two_levels { "8888" } else { "9999" };
    let installer = config.installer.as_ref().map_or(factory, |code| code.expose());
    let above = config.master_installer.as_ref().map_or("9999", |code| code.expose());
    let download = config.download_code.as_ref().map_or(config.model.factory_download_code(), |code| code.expose());
    let all = [(installer, 10), (if two_levels { above } else { installer }, 10), (download, 16), (download, 16)];
    let packed: Vec<u8> = all.into_iter().flat_map(|(text, base)| parse_code(text, base).unwrap_or_default()).collect();
    eeprom.write(eeprom::CODES, &packed);
    let mut taken = vec![config.duress().to_owned(), installer.to_owned(), above.to_owned(), master.to_owned()];
    put_code(eeprom, 1, master);
    for (slot, code) in &config.user_codes {
        put_code(eeprom, *slot, code.expose());
        taken.push(code.expose().to_owned());
    }
    let free = (2..=config.model.users()).filter(|slot| !config.user_codes.contains_key(slot));
    for slot in free.take(usize::from(config.users)) {
        let code = loop {
            let code = code_text([bcd(rng.below(100)), bcd(rng.below(99) + 1)]);
            if !taken.contains(&code) {
                break code;
            }
        };
        put_code(eeprom, slot, &code);
        taken.push(code);
    }
}

fn put_code(eeprom: &mut Eeprom, slot: u8, code: &str) {
    let at = eeprom.user_code_at(slot);
    eeprom.write(at, &parse_code(code, 10).unwrap_or_default());
}

fn zones(eeprom: &mut Eeprom, config: &SimConfig) {
    let model = config.model;
    let most = u16::from(model.zones());
    eeprom.fill(eeprom::ZONE_PARTITIONS, 64, 1);
    if model.is_master() {
        eeprom.fill(eeprom::ZONES, 128, 0);
        eeprom.fill(eeprom::ZONE_DEVICES, 640, 0);
        // Delays of the disarm activity.
        eeprom.fill(0xC186, 128, 0);
    } else {
        eeprom.fill(eeprom::ZONES, 4 * most, 0);
    }
    for zone in 1..=model.zones() {
        let cycle = usize::from((zone - 1) % 8);
        let name = NAME_OF.get(cycle).copied().unwrap_or(31);
        eeprom.write(eeprom.zone_name_at(zone), &[if zone <= config.zones { name } else { 31 }]);
    }
    for zone in 1..=config.zones {
        put_zone(eeprom, config, zone);
    }
}

fn put_zone(eeprom: &mut Eeprom, config: &SimConfig, zone: u8) {
    let (model, index) = (config.model, u16::from(zone) - 1);
    let kind = config.options.zone_types.get(&zone).copied().unwrap_or_else(|| default_type(zone));
    let which = if is_motion(config, zone) { 1 } else { usize::from(kind == 11) * 2 };
    let wired = zone > model.wireless_zones();
    let (max, master) = if wired { WIRED } else { SENSORS.get(which).copied().unwrap_or_default() };
    if model.is_master() {
        let id = 0x0100 | u16::from(zone);
        let [low, high] = id.to_le_bytes();
        eeprom.write(eeprom::ZONE_DEVICES + 10 * index, &[low, high, 0, 0, 0, master, 0, 0, 0, 0]);
    } else {
        eeprom.write(eeprom::ZONES + 4 * index, &[zone, 0x34, max]);
    }
    eeprom.set_zone_type(zone, kind);
    // In blocks: of nine zones in three partitions, 1 to 3 belong to the first.
    let share = config.zones.div_ceil(config.partitions).max(1);
    let partition = (zone - 1) / share;
    eeprom.write(eeprom::ZONE_PARTITIONS + index, &[1 << partition.min(2)]);
}

/// One keyfob, one keypad, one siren; every other slot is empty.
fn devices(eeprom: &mut Eeprom, model: Model) {
    if model.is_master() {
        for (at, slots, kind) in [(0xB502, 32, 0x01), (0xB6E2, 8, 0x01), (0xB732, 32, 0x05)] {
            eeprom.fill(at, 10 * slots, 0);
            eeprom.write(at, &[0x11, 0x02, 0, 0, 0, kind]);
        }
    } else {
        for (at, slots) in [(0x0978, 8), (0x0A00, 2), (0x0A20, 8), (0x0A60, 2)] {
            eeprom.fill(at, 4 * slots, 0);
            eeprom.write(at, &[0x11, 0x22, 0x01, 0]);
        }
        // Signal strength.
        eeprom.fill(0x09DA, 28, 0);
    }
}

/// A number below 100 as two decimal digits in one byte.
fn bcd(value: u64) -> u8 {
    u8::try_from(((value / 10 % 10) << 4) | (value % 10)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use panel_model::AccessCode;

    use super::*;

    #[test]
    fn the_image_agrees_with_itself() {
        for model in Model::ALL {
            let eeprom = build(&SimConfig::new(model), &mut Rng::new(1));
            assert_eq!(eeprom.byte(0x0437), model.type_byte());
            assert_eq!(eeprom.code(eeprom.user_code_at(1)), [0x11, 0x11]);
            assert_eq!(eeprom.slice(eeprom::NAMES + 12 * 16, 16), b"Front door      ");
            assert_eq!((eeprom.zone_type(1), eeprom.zone_type(8)), (4, 11), "{model:?}");
            assert!(senses_motion(model, eeprom.sensor(4)), "{model:?}");
            assert!(!senses_motion(model, eeprom.sensor(1)), "{model:?}");
        }
    }

    #[test]
    fn codes_are_different_and_given_ones_stay() {
        let given = BTreeMap::from([(3, AccessCode::new("4821".into()))]);
        let config = SimConfig { users: 46, user_codes: given, ..SimConfig::new(Model::PowerMaster30) };
        let eeprom = build(&config, &mut Rng::new(7));
        let mut codes: Vec<_> = (1..=48).map(|slot| eeprom.code(eeprom.user_code_at(slot))).collect();
        assert_eq!(codes.get(2), Some(&[0x48, 0x21]));
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), 48);
        assert!(!codes.contains(&[0, 0]), "46 random ones, the given one and the master fill all slots");
    }

    #[test]
    fn zones_are_dealt_out_to_partitions_in_blocks() {
        let config = SimConfig { zones: 9, partitions: 3, ..SimConfig::new(Model::PowerMaster10) };
        let eeprom = build(&config, &mut Rng::new(1));
        let masks: Vec<u8> = (1..=9).map(|zone| eeprom.zone_partitions(zone)).collect();
        assert_eq!(masks, [1, 1, 1, 2, 2, 2, 4, 4, 4]);
    }

    #[test]
    fn one_seed_is_one_panel() {
        let config = SimConfig { users: 5, ..SimConfig::new(Model::PowerMaxPro) };
        let image = |seed| build(&config, &mut Rng::new(seed)).slice(0, 0xFFFF).to_vec();
        assert!(image(3) == image(3));
        assert!(image(3) != image(4));
    }
}
