//! Records of panel users: the same layout in reads' answers and in writes (dossier 3.4).

use super::MessageError;
use super::number as n;
use super::value::{Digits, Mask, Reader, Writer};

/// What is kept of every user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserField {
    /// Access codes.
    Codes,
    /// Attribute bits ([`attribute`]).
    Attributes,
    /// Partitions that the user may operate.
    Partitions,
    /// Whether there is a code or a tag: read only.
    Kinds,
}

impl UserField {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Codes, Self::Attributes, Self::Partitions, Self::Kinds];

    pub(super) fn read_number(self) -> u16 {
        match self {
            Self::Codes => n::READ_CODES,
            Self::Attributes => n::READ_ATTRIBUTES,
            Self::Partitions => n::READ_USER_PARTITIONS,
            Self::Kinds => n::READ_USER_KINDS,
        }
    }

    pub(super) fn answer_number(self) -> u16 {
        self.read_number() | 0x4000
    }

    pub(super) fn write_number(self) -> u16 {
        match self {
            Self::Codes => n::WRITE_CODES,
            Self::Attributes => n::WRITE_ATTRIBUTES,
            Self::Partitions => n::WRITE_USER_PARTITIONS,
            // There is no such write; its number is that of tags, whose layout is unknown.
            Self::Kinds => 0x074C,
        }
    }
}

/// Attribute bits; 10 and 20 are unknown and kept as read.
#[allow(missing_docs, reason = "the names say it")]
pub mod attribute {
    pub const SUPERVISOR: u8 = 0x01;
    pub const DURESS: u8 = 0x02;
    pub const ZONE_BYPASS: u8 = 0x04;
    pub const REMOTE_ACCESS: u8 = 0x08;
    pub const BELL_SQUAWK: u8 = 0x40;
    pub const ONE_TIME: u8 = 0x80;
    /// The bits that make a role.
    pub const ROLE: u8 = SUPERVISOR | DURESS | ONE_TIME;
}

/// Kinds of 473C.
#[allow(missing_docs, reason = "the names say it")]
pub mod kind {
    pub const NONE: u8 = 0;
    pub const CODE: u8 = 1;
    pub const TAG: u8 = 2;
}

/// One kind of record for users in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum UserRecords {
    Codes(Vec<Digits>),
    Attributes(Vec<u8>),
    Partitions(Vec<Mask>),
    Kinds(Vec<u8>),
}

/// Records of users `first` and following.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserData {
    /// Slot of the first one.
    pub first: u32,
    /// Bytes of one record.
    pub width: u8,
    /// The records.
    pub records: UserRecords,
}

impl UserData {
    /// Codes from a slot on; `width` is the code length in bytes.
    #[must_use]
    pub fn codes(first: u32, width: u8, codes: Vec<Digits>) -> Self {
        Self { first, width, records: UserRecords::Codes(codes) }
    }

    /// Attributes from a slot on.
    #[must_use]
    pub fn attributes(first: u32, flags: Vec<u8>) -> Self {
        Self { first, width: 1, records: UserRecords::Attributes(flags) }
    }

    /// Partition masks from a slot on; `width` is 1 for up to eight partitions.
    #[must_use]
    pub fn partitions(first: u32, width: u8, masks: Vec<Mask>) -> Self {
        Self { first, width, records: UserRecords::Partitions(masks) }
    }

    /// Code or tag from a slot on.
    #[must_use]
    pub fn kinds(first: u32, kinds: Vec<u8>) -> Self {
        Self { first, width: 1, records: UserRecords::Kinds(kinds) }
    }

    /// How many users.
    #[must_use]
    pub fn count(&self) -> usize {
        match &self.records {
            UserRecords::Codes(codes) => codes.len(),
            UserRecords::Attributes(bytes) | UserRecords::Kinds(bytes) => bytes.len(),
            UserRecords::Partitions(masks) => masks.len(),
        }
    }

    /// What the records are.
    #[must_use]
    pub fn field(&self) -> UserField {
        match &self.records {
            UserRecords::Codes(_) => UserField::Codes,
            UserRecords::Attributes(_) => UserField::Attributes,
            UserRecords::Partitions(_) => UserField::Partitions,
            UserRecords::Kinds(_) => UserField::Kinds,
        }
    }

    pub(super) fn decode(field: UserField, r: &mut Reader<'_>) -> Result<Self, MessageError> {
        let (first, count, width) = (r.compact()?, r.count()?, r.u8()?);
        let records = r.records(count, width)?;
        let bytes = |records: std::slice::ChunksExact<'_, u8>| match width {
            1 => Ok(records.flatten().copied().collect()),
            _ => Err(MessageError::Value("record width")),
        };
        let records = match field {
            UserField::Codes => UserRecords::Codes(records.map(Digits::from_bytes).collect()),
            UserField::Attributes => UserRecords::Attributes(bytes(records)?),
            UserField::Partitions => UserRecords::Partitions(records.map(|bytes| Mask(bytes.to_vec())).collect()),
            UserField::Kinds => UserRecords::Kinds(bytes(records)?),
        };
        Ok(Self { first, width, records })
    }

    pub(super) fn encode(&self, w: &mut Writer) {
        w.compact(self.first).count(self.count()).u8(self.width);
        match &self.records {
            UserRecords::Codes(codes) => codes.iter().for_each(|code| {
                w.raw(&code.to_bytes());
            }),
            UserRecords::Attributes(bytes) | UserRecords::Kinds(bytes) => {
                w.raw(bytes);
            }
            UserRecords::Partitions(masks) => masks.iter().for_each(|mask| {
                w.raw(&mask.clone().with_width(self.width).0);
            }),
        }
    }
}
