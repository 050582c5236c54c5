//! The panel's memory as `3E` reads it: 64 KiB, addressed by page and index (dossier 5.2).

use super::models::{Family, Model};

/// Clock fields that `46` writes.
pub(super) const CLOCK: u16 = 0x00F8;
/// Entry delay 1, entry delay 2, exit delay, bell time.
pub(super) const ENTRY_DELAYS: u16 = 0x0101;
pub(super) const EXIT_DELAY: u16 = 0x0103;
pub(super) const BELL_TIME: u16 = 0x0104;
pub(super) const DURESS: u16 = 0x0111;
pub(super) const USER_PERMIT: u16 = 0x0114;
/// Bit 2: download also while armed.
pub(super) const UPLOAD_OPTION: u16 = 0x011A;
/// Bit 3: quick arm.
pub(super) const QUICK_ARM: u16 = 0x011B;
/// Bits 6 and 7: bypass mode.
pub(super) const BYPASS_MODE: u16 = 0x011C;
/// Phone numbers, which nobody reads.
pub(super) const PHONES: (u16, u16) = (0x0120, 0x46);
pub(super) const HOUSE_NAME: u16 = 0x01AC;
/// Installer, master installer, and the download codes. Where exactly is disputed (5.4): the simulator keeps the
/// installer in both places that anybody reads it from, as the image of 9.4 does.
pub(super) const CODES: u16 = 0x020A;
pub(super) const PARTITIONS_ON: u16 = 0x0300;
pub(super) const ZONE_PARTITIONS: u16 = 0x0311;
pub(super) const EEPROM_VERSION: u16 = 0x0400;
pub(super) const SOFTWARE_VERSION: u16 = 0x0410;
pub(super) const SERIAL: u16 = 0x0430;
/// Model byte, and behind it the type byte.
pub(super) const MODEL_BYTE: u16 = 0x0436;
pub(super) const ZONES: u16 = 0x0900;
pub(super) const IDENTITY: u16 = 0x0B24;
/// Zone-name strings, 16 characters each: 21 fixed, 10 more.
pub(super) const NAMES: u16 = 0x1900;
pub(super) const NAME_LENGTH: u16 = 16;
/// PowerMaster: ten bytes a zone.
pub(super) const ZONE_DEVICES: u16 = 0xB872;

const SIZE: usize = 0x1_0000;

/// The bytes. Codes are in there, so it has no Debug.
pub(super) struct Eeprom {
    bytes: Vec<u8>,
    family: Family,
}

impl Eeprom {
    /// Everything FF, as an erased chip.
    pub(super) fn erased(model: Model) -> Self {
        Self { bytes: vec![0xFF; SIZE], family: model.family() }
    }

    pub(super) fn byte(&self, at: u16) -> u8 {
        self.bytes.get(usize::from(at)).copied().unwrap_or(0xFF)
    }

    /// So many bytes from there on; fewer at the end of the memory.
    pub(super) fn slice(&self, at: u16, length: u16) -> &[u8] {
        let from = usize::from(at);
        let to = (from + usize::from(length)).min(SIZE);
        self.bytes.get(from..to).unwrap_or_default()
    }

    pub(super) fn write(&mut self, at: u16, data: &[u8]) {
        for (place, byte) in self.bytes.iter_mut().skip(usize::from(at)).zip(data) {
            *place = *byte;
        }
    }

    pub(super) fn fill(&mut self, at: u16, length: u16, byte: u8) {
        self.bytes.iter_mut().skip(usize::from(at)).take(usize::from(length)).for_each(|place| *place = byte);
    }

    pub(super) fn set_bits(&mut self, at: u16, mask: u8, on: bool) {
        let byte = self.byte(at);
        self.write(at, &[if on { byte | mask } else { byte & !mask }]);
    }

    /// Text of a fixed width, padded with blanks.
    pub(super) fn write_text(&mut self, at: u16, width: u16, text: &str) {
        let padded = text.bytes().chain(std::iter::repeat(b' ')).take(usize::from(width));
        self.write(at, &padded.collect::<Vec<_>>());
    }

    /// Where a user's code stands, two bytes; slots count from 1.
    pub(super) fn user_code_at(&self, slot: u8) -> u16 {
        let table = match self.family {
            Family::PowerMax => 0x01FA,
            Family::PowerMaster => 0x0A98,
        };
        table + 2 * (u16::from(slot).saturating_sub(1))
    }

    /// Two bytes that hold a code.
    pub(super) fn code(&self, at: u16) -> [u8; 2] {
        [self.byte(at), self.byte(at.saturating_add(1))]
    }

    /// Where the zone-name index of a zone stands; zones count from 1.
    pub(super) fn zone_name_at(&self, zone: u8) -> u16 {
        let table = match self.family {
            Family::PowerMax => 0x0B40,
            Family::PowerMaster => 0x0960,
        };
        table + u16::from(zone).saturating_sub(1)
    }

    /// Where the byte stands whose low bits are the zone's type.
    fn zone_type_at(&self, zone: u8) -> u16 {
        let index = u16::from(zone).saturating_sub(1);
        match self.family {
            Family::PowerMax => ZONES + 4 * index + 3,
            Family::PowerMaster => ZONES + index,
        }
    }

    /// Type of 4.10.
    pub(super) fn zone_type(&self, zone: u8) -> u8 {
        let byte = self.byte(self.zone_type_at(zone));
        match self.family {
            Family::PowerMax => byte & 0x0F,
            Family::PowerMaster => byte,
        }
    }

    pub(super) fn set_zone_type(&mut self, zone: u8, kind: u8) {
        let at = self.zone_type_at(zone);
        let kept = if self.family == Family::PowerMax { self.byte(at) & 0xF0 } else { 0 };
        self.write(at, &[kept | kind]);
    }

    /// Bit n-1 for partition n.
    pub(super) fn zone_partitions(&self, zone: u8) -> u8 {
        self.byte(ZONE_PARTITIONS + u16::from(zone).saturating_sub(1))
    }

    /// The zone's sensor: the low nibble of 4.10 on a PowerMax, a device type on a PowerMaster.
    pub(super) fn sensor(&self, zone: u8) -> u8 {
        let index = u16::from(zone).saturating_sub(1);
        match self.family {
            Family::PowerMax => self.byte(ZONES + 4 * index + 2) & 0x0F,
            Family::PowerMaster => self.byte(ZONE_DEVICES + 10 * index + 5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_lie_where_the_family_has_them() {
        let max = Eeprom::erased(Model::PowerMaxPro);
        let master = Eeprom::erased(Model::PowerMaster30);
        assert_eq!((max.user_code_at(1), max.user_code_at(8)), (0x01FA, 0x0208));
        assert_eq!((master.user_code_at(1), master.user_code_at(48)), (0x0A98, 0x0AF6));
        assert_eq!((max.zone_name_at(1), master.zone_name_at(64)), (0x0B40, 0x099F));
    }

    #[test]
    fn a_powermax_zone_type_shares_its_byte_with_the_chime() {
        let mut max = Eeprom::erased(Model::PowerMaxPro);
        max.write(ZONES + 3, &[0x35]);
        max.set_zone_type(1, 7);
        assert_eq!((max.zone_type(1), max.byte(ZONES + 3)), (7, 0x37));
    }

    #[test]
    fn nothing_lies_behind_the_end() {
        let mut eeprom = Eeprom::erased(Model::PowerMaxPro);
        eeprom.write(0xFFFE, &[1, 2, 3]);
        assert_eq!(eeprom.slice(0xFFFE, 10), [1, 2]);
        assert_eq!(eeprom.byte(0), 0xFF);
    }
}
