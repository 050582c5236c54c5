//! Settings, as B0 35 (old form) and B0 42 (new form) tell them. [impl PX b0_decoder.py] [impl P4]

use super::{B0, Chunk, ClassIndex, Hidden, MessageError, sub};

/// Settings by number (dossier 6.5).
#[allow(missing_docs, reason = "the names say it")]
pub mod setting {
    pub const SERIAL: u16 = 0x0002;
    pub const USER_CODES: u16 = 0x0008;
    pub const ZONE_NAME_TABLE: u16 = 0x000D;
    pub const DOWNLOAD_CODE: u16 = 0x000F;
    pub const PARTITIONS_ENABLED: u16 = 0x0030;
    pub const ZONE_TYPES: u16 = 0x0031;
    pub const ZONE_NAMES: u16 = 0x0032;
    pub const ZONE_PARTITIONS: u16 = 0x0036;
    pub const TAG_PARTITIONS: u16 = 0x0037;
    pub const HARDWARE_NAME: u16 = 0x003C;
    pub const CUSTOM_NAMES: u16 = 0x0042;
    pub const INSTALLER_CODE: u16 = 0x0054;
    pub const MASTER_INSTALLER_CODE: u16 = 0x0055;
    pub const GUARD_CODE: u16 = 0x0056;
    pub const DURESS_CODE: u16 = 0x0061;
    pub const USER_PERMIT: u16 = 0x0078;
    pub const OTHER_DOWNLOAD_CODE: u16 = 0x00AA;
    pub const USER_PARTITIONS: u16 = 0x00E2;
    pub const USER_CODES_TOO: u16 = 0x00E5;
    /// Asked for, it makes the panel send 255 pages in a loop until its power is cut [impl PX]. No function of this
    /// crate asks for it.
    pub const NEVER: u16 = 0x019D;
}

/// Which message tells a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingForm {
    /// B0 35.
    Old,
    /// B0 42, which can tell a part of a list.
    New,
}

/// One setting or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its number.
    pub id: u16,
    /// How its data is written: 01 plain or BCD, 02 filled up with F, 04 bytes, 06 and 08 text …
    pub kind: u8,
    /// Items that the whole setting has; 0 in the old form.
    pub max_items: u16,
    /// Bits per item; 0 in the old form.
    pub item_bits: u16,
    /// First item told.
    pub start: u16,
    /// Page; FF is the last or only one.
    pub page: u8,
    /// The items. They may be codes.
    pub data: Hidden,
}

impl Setting {
    /// A whole setting of byte-sized or wider items.
    #[must_use]
    pub fn new(id: u16, kind: u8, item_bits: u16, data: &[u8]) -> Self {
        let items = u16::try_from(data.len()).unwrap_or(u16::MAX).saturating_mul(8) / item_bits.max(1);
        Self { id, kind, max_items: items, item_bits, start: 0, page: 0xFF, data: Hidden::new(data) }
    }

    /// The chunk that tells it.
    #[must_use]
    pub fn chunk(&self, form: SettingForm) -> Chunk {
        let mut data = self.id.to_le_bytes().to_vec();
        if form == SettingForm::New {
            let bits = usize::from(self.item_bits.max(1));
            let count = u16::try_from(self.data.len() * 8 / bits).unwrap_or(u16::MAX);
            for word in [self.max_items, self.item_bits, 0] {
                data.extend_from_slice(&word.to_le_bytes());
            }
            data.extend_from_slice(&[self.kind, 0x00]);
            data.extend_from_slice(&self.start.to_le_bytes());
            data.extend_from_slice(&count.to_le_bytes());
        } else {
            data.push(self.kind);
        }
        data.extend_from_slice(&self.data);
        Chunk::new(0x08, ClassIndex::MIXED, &data).on_page(self.page)
    }

    fn of(chunk: &Chunk, form: SettingForm) -> Option<Self> {
        let page = chunk.page;
        match (form, &chunk.data[..]) {
            (SettingForm::Old, [low, high, kind, data @ ..]) => Some(Self {
                id: u16::from_le_bytes([*low, *high]),
                kind: *kind,
                max_items: 0,
                item_bits: 0,
                start: 0,
                page,
                data: Hidden::new(data),
            }),
            (SettingForm::New, [low, high, m0, m1, b0, b1, _, _, kind, _, s0, s1, _, _, data @ ..]) => Some(Self {
                id: u16::from_le_bytes([*low, *high]),
                kind: *kind,
                max_items: u16::from_le_bytes([*m0, *m1]),
                item_bits: u16::from_le_bytes([*b0, *b1]),
                start: u16::from_le_bytes([*s0, *s1]),
                page,
                data: Hidden::new(data),
            }),
            _ => None,
        }
    }
}

impl B0 {
    /// The settings that an answer tells.
    ///
    /// # Errors
    /// [`MessageError::Chunks`] when it is no such answer or does not add up.
    pub fn settings(&self) -> Result<Vec<Setting>, MessageError> {
        let wrong = MessageError::Chunks { sub: self.sub };
        let form = match self.sub {
            sub::SETTINGS => SettingForm::Old,
            sub::SETTING => SettingForm::New,
            _ => return Err(wrong),
        };
        let chunks = self.chunks()?.chunks;
        chunks.iter().map(|chunk| Setting::of(chunk, form).ok_or(wrong)).collect()
    }
}
