//! Notification-class messages: those without app sequence; notifications and data answers (dossier 2.1, 3).

use panel_driver::CivilTime;

use super::code::{ArmingMode, NackCode, Via};
use super::number as n;
use super::section::SectionAddress;
use super::state::{decode_status, encode_status};
use super::status::{PartitionReport, ZoneStatus};
use super::user::{UserData, UserField};
use super::value::{Mask, Reader, Writer, decode_time, encode_time};
use super::{Hidden, Message, MessageError};
use crate::codec::frame::coded_length;

/// 0613: how many of each the panel has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub struct SystemCapabilities {
    pub zones: u32,
    pub users: u32,
    pub partitions: u32,
    pub fobs: u32,
    pub tags: u32,
    pub outputs: u32,
}

/// 0702: somebody begins or ends programming.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ProgrammingLead {
    pub partition: Option<u32>,
    pub lead: Lead,
    pub user: Option<u32>,
    pub via: Via,
    pub mode: u8,
    pub at: CivilTime,
}

/// In or out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Lead {
    In,
    Out,
}

/// 0771: texts of the same kind in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// Whose ([`super::label_option`]).
    pub option: u32,
    /// First and last one.
    pub range: Option<(u32, u32)>,
    /// Bytes per text, chosen by the panel.
    pub width: u8,
    /// The texts as they are on the wire.
    pub texts: Vec<Vec<u8>>,
}

/// Which delay runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Delay {
    Exit,
    Entry,
}

/// Bits of 0230 and 0231.
#[allow(missing_docs, reason = "the names say it")]
pub mod delay_flag {
    pub const AUDIBLE: u8 = 0x01;
    pub const RESTARTED: u8 = 0x02;
    pub const URGENT: u8 = 0x04;
    pub const ACTIVE: u8 = 0x80;
}

/// A partition's condition that is on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Flag {
    AlarmMemory,
    Trouble,
    Bypass,
}

impl Flag {
    fn number(self) -> u16 {
        match self {
            Self::AlarmMemory => n::ALARM_MEMORY_FLAG,
            Self::Trouble => n::TROUBLE_FLAG,
            Self::Bypass => n::BYPASS_FLAG,
        }
    }
}

/// One entry of 0840.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ZoneAlarm {
    pub zone: u32,
    pub kind: u8,
    /// 1 in alarm, 0 restored: the zone closed, not the alarm ended.
    pub state: u8,
}

/// One entry of 0823.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct TroubleNotice {
    pub device: u32,
    pub trouble: u32,
    pub number: u32,
    /// 0 restored, 1 trouble, 2 in memory.
    pub state: u8,
}

/// Bits of 0250's first field.
#[allow(missing_docs, reason = "the names say it")]
pub mod changed {
    pub const CODE: u8 = 1;
    pub const ATTRIBUTES: u8 = 2;
    pub const PARTITIONS: u8 = 4;
    pub const LABEL: u8 = 8;
}

/// A notification-class message. Partitions: `None` is the whole system.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields are named as in the dossier")]
pub enum Notice {
    /// 0501
    CommandError { command: u16, code: NackCode },
    /// 0600
    Poll,
    /// 060B
    EndSession,
    /// 060D
    SoftwareVersion([u8; 11]),
    /// 0613
    Capabilities(SystemCapabilities),
    /// 0623; never one inside another.
    Multiple(Vec<Message>),
    /// 0702
    ProgrammingLead(ProgrammingLead),
    /// 4736, 4737, 4738, 473C
    Users(UserData),
    /// 0775
    UserPartitions(UserData),
    /// 0250 ([`changed`])
    UsersChanged { what: u8, records: u32, from: u32, to: u32 },
    /// 4721
    Section(SectionAddress, Hidden),
    /// 0236
    CodeLength(u8),
    /// 0770
    ZoneAssignment { partition: Option<u32>, zones: Mask },
    /// 0771
    Labels(Labels),
    /// 0772
    PartitionsInUse(Mask),
    /// 0811
    ZoneStatus { first: u32, statuses: Vec<ZoneStatus> },
    /// 0812
    PartitionStatus(PartitionReport),
    /// 0813
    BypassedZones { partition: Option<u32>, zones: Mask },
    /// 0815: kinds 01 fire, 02 CO.
    AlarmMemory { partition: Option<u32>, kinds: u8, zones: Mask },
    /// 0817
    TroubleDetail { device: u8, trouble: u8, numbers: Mask },
    /// 0820
    ZoneBypass { zone: u32, bypassed: bool },
    /// 0822: types of trouble by device type.
    Troubles(Vec<(u32, Vec<u32>)>),
    /// 0823
    TroubleNotices(Vec<TroubleNotice>),
    /// 0840
    ZoneAlarms { partition: Option<u32>, alarms: Vec<ZoneAlarm> },
    /// 0201; with a format byte in the vendor family's form, without in the other one (UTF-16BE).
    Text { format: Option<u8>, text: Vec<u8> },
    /// 0210
    LifestyleZone { zone: u32, open: bool },
    /// 0220
    Time(CivilTime),
    /// 0222
    Outputs { partition: Option<u32>, outputs: Mask },
    /// 0230, 0231 ([`delay_flag`])
    Delay { delay: Delay, partition: Option<u32>, flags: u8, seconds: u32 },
    /// 0232
    Arming { partition: Option<u32>, mode: ArmingMode, method: u8, user: Option<u32> },
    /// 0239: 1 ready, 2 ready to force, 3 not ready.
    Ready { partition: Option<u32>, ready: u8 },
    /// 023B
    Bell { partition: Option<u32>, state: u8, second: u8, seconds: u32 },
    /// 023C, 023F, 0240
    Flag { flag: Flag, partition: Option<u32>, value: u8 },
    /// 02F0
    BufferOverload(Hidden),
    /// Anything else, command word and payload as they came.
    Unknown { command: u16, payload: Hidden },
}

impl Notice {
    /// The command word.
    #[must_use]
    pub fn number(&self) -> u16 {
        match self {
            Self::CommandError { .. } => n::COMMAND_ERROR,
            Self::Poll => n::POLL,
            Self::EndSession => n::END_SESSION,
            Self::SoftwareVersion(_) => n::SOFTWARE_VERSION,
            Self::Capabilities(_) => n::SYSTEM_CAPABILITIES,
            Self::Multiple(_) => n::MULTIPLE,
            Self::ProgrammingLead(_) => n::PROGRAMMING_LEAD,
            Self::Users(data) => data.field().answer_number(),
            Self::UserPartitions(_) => n::USER_PARTITION_NOTICE,
            Self::UsersChanged { .. } => n::ACCESS_CODE_UPDATE,
            Self::Section(..) => n::SECTION,
            Self::CodeLength(_) => n::CODE_LENGTH,
            Self::ZoneAssignment { .. } => n::ZONE_ASSIGNMENT,
            Self::Labels(_) => n::LABELS,
            Self::PartitionsInUse(_) => n::PARTITION_ASSIGNMENT,
            Self::ZoneStatus { .. } => n::ZONE_STATUS,
            Self::PartitionStatus(_) => n::PARTITION_STATUS,
            Self::BypassedZones { .. } => n::BYPASSED_ZONES,
            Self::AlarmMemory { .. } => n::ALARM_MEMORY,
            Self::TroubleDetail { .. } => n::TROUBLE_DETAIL,
            Self::ZoneBypass { .. } => n::ZONE_BYPASS,
            Self::Troubles(_) => n::SYSTEM_TROUBLES,
            Self::TroubleNotices(_) => n::TROUBLE_NOTICE,
            Self::ZoneAlarms { .. } => n::ZONE_ALARM,
            Self::Text { .. } => n::TEXT,
            Self::LifestyleZone { .. } => n::LIFESTYLE_ZONE,
            Self::Time(_) => n::TIME_BROADCAST,
            Self::Outputs { .. } => n::OUTPUT_ACTIVATION,
            Self::Delay { delay: Delay::Exit, .. } => n::EXIT_DELAY,
            Self::Delay { delay: Delay::Entry, .. } => n::ENTRY_DELAY,
            Self::Arming { .. } => n::ARMING,
            Self::Ready { .. } => n::READY_STATUS,
            Self::Bell { .. } => n::AUDIBLE_BELL,
            Self::Flag { flag, .. } => flag.number(),
            Self::BufferOverload(_) => n::BUFFER_OVERLOAD,
            Self::Unknown { command, .. } => *command,
        }
    }

    pub(super) fn decode(number: u16, r: &mut Reader<'_>) -> Result<Self, MessageError> {
        Ok(match number {
            n::COMMAND_ERROR => Self::CommandError { command: r.u16()?, code: NackCode::from_byte(r.u8()?) },
            n::POLL => Self::Poll,
            n::END_SESSION => Self::EndSession,
            n::SOFTWARE_VERSION => Self::SoftwareVersion(r.array()?),
            n::SYSTEM_CAPABILITIES => Self::Capabilities(decode_capabilities(r)?),
            n::MULTIPLE => Self::Multiple(decode_multiple(r)?),
            n::PROGRAMMING_LEAD => Self::ProgrammingLead(decode_lead(r)?),
            n::CODES => Self::Users(UserData::decode(UserField::Codes, r)?),
            n::ATTRIBUTES => Self::Users(UserData::decode(UserField::Attributes, r)?),
            n::USER_PARTITIONS => Self::Users(UserData::decode(UserField::Partitions, r)?),
            n::USER_KINDS => Self::Users(UserData::decode(UserField::Kinds, r)?),
            n::USER_PARTITION_NOTICE => Self::UserPartitions(UserData::decode(UserField::Partitions, r)?),
            n::ACCESS_CODE_UPDATE => {
                let (what, records, from, to) = (r.u8()?, r.compact()?, r.compact()?, r.compact()?);
                Self::UsersChanged { what, records, from, to }
            }
            n::SECTION => Self::Section(SectionAddress::decode(r)?, r.rest().into()),
            n::CODE_LENGTH => Self::CodeLength(r.u8()?),
            n::LABELS => Self::Labels(decode_labels(r)?),
            n::PARTITION_ASSIGNMENT => Self::PartitionsInUse(Mask(r.bytes8()?.to_vec())),
            n::TEXT => decode_text(r)?,
            n::TIME_BROADCAST => Self::Time(decode_time(r.u32()?)),
            n::BUFFER_OVERLOAD => Self::BufferOverload(r.rest().into()),
            _ => return decode_status(number, r),
        })
    }

    pub(super) fn encode(&self, w: &mut Writer) {
        match self {
            Self::CommandError { command, code } => {
                w.u16(*command).u8(code.byte());
            }
            Self::Poll | Self::EndSession => {}
            Self::SoftwareVersion(bytes) => {
                w.raw(bytes);
            }
            Self::Capabilities(c) => {
                for value in [c.zones, c.users, c.partitions, c.fobs, c.tags, c.outputs] {
                    w.compact(value);
                }
            }
            Self::Multiple(parts) => {
                for part in parts {
                    let bytes = part.encode(w.width());
                    let length = u16::try_from(bytes.len()).unwrap_or(0x7FFF);
                    w.raw(&coded_length(length)).raw(&bytes);
                }
            }
            Self::ProgrammingLead(lead) => {
                w.optional(lead.partition).u8((lead.lead == Lead::Out).into()).optional(lead.user);
                w.u8(lead.via.byte()).u8(lead.mode).u32(encode_time(lead.at));
            }
            Self::Users(data) | Self::UserPartitions(data) => data.encode(w),
            Self::UsersChanged { what, records, from, to } => {
                w.u8(*what).compact(*records).compact(*from).compact(*to);
            }
            Self::Section(address, data) => {
                address.encode(w);
                w.raw(data.expose());
            }
            Self::CodeLength(digits) => {
                w.u8(*digits);
            }
            Self::Labels(labels) => encode_labels(labels, w),
            Self::PartitionsInUse(mask) => {
                w.bytes8(&mask.0);
            }
            Self::Text { format, text } => {
                if let Some(format) = format {
                    w.u8(*format);
                }
                w.bytes8(text);
            }
            Self::Time(time) => {
                w.u32(encode_time(*time));
            }
            Self::BufferOverload(payload) | Self::Unknown { payload, .. } => {
                w.raw(payload.expose());
            }
            status => encode_status(status, w),
        }
    }
}

pub(super) fn to_end<T>(
    r: &mut Reader<'_>,
    mut one: impl FnMut(&mut Reader<'_>) -> Result<T, MessageError>,
) -> Result<Vec<T>, MessageError> {
    let mut all = Vec::new();
    while !r.is_empty() {
        all.push(one(r)?);
    }
    Ok(all)
}

fn decode_capabilities(r: &mut Reader<'_>) -> Result<SystemCapabilities, MessageError> {
    let (zones, users, partitions) = (r.compact()?, r.compact()?, r.compact()?);
    Ok(SystemCapabilities { zones, users, partitions, fobs: r.compact()?, tags: r.compact()?, outputs: r.compact()? })
}

/// Each part: a length as in frames, then a message. A part that cannot be read is kept raw, so that the others are
/// not lost with it.
fn decode_multiple(r: &mut Reader<'_>) -> Result<Vec<Message>, MessageError> {
    to_end(r, |r| {
        let length = match r.u8()? {
            short @ 0..=0x7F => u16::from(short),
            high => u16::from_be_bytes([high & 0x7F, r.u8()?]),
        };
        let part = r.take(length.into())?;
        let mut inner = Reader::new(part);
        let command = inner.u16()?;
        let raw = || Message::Notice(Notice::Unknown { command, payload: inner.rest_copy().into() });
        if command == n::MULTIPLE {
            return Ok(raw());
        }
        Ok(Message::decode(part).unwrap_or_else(|_| raw()))
    })
}

fn decode_lead(r: &mut Reader<'_>) -> Result<ProgrammingLead, MessageError> {
    let partition = r.optional()?;
    let lead = match r.u8()? {
        0 => Lead::In,
        _ => Lead::Out,
    };
    let (user, via, mode) = (r.optional()?, Via::from_byte(r.u8()?), r.u8()?);
    Ok(ProgrammingLead { partition, lead, user, via, mode, at: decode_time(r.u32()?) })
}

fn decode_labels(r: &mut Reader<'_>) -> Result<Labels, MessageError> {
    let option = r.compact()?;
    let range = match r.optional()? {
        Some(from) => Some((from, r.compact()?)),
        None => None,
    };
    let width = u8::try_from(r.compact()?).map_err(|_| MessageError::Value("text width"))?;
    if width == 0 {
        return Err(MessageError::Value("text width"));
    }
    let texts = r.rest().chunks_exact(width.into()).map(<[u8]>::to_vec).collect();
    Ok(Labels { option, range, width, texts })
}

fn encode_labels(labels: &Labels, w: &mut Writer) {
    w.compact(labels.option).optional(labels.range.map(|(from, _)| from));
    if let Some((_, to)) = labels.range {
        w.compact(to);
    }
    w.compact(labels.width.into());
    for text in &labels.texts {
        let mut text = text.clone();
        text.resize(labels.width.into(), 0);
        w.raw(&text);
    }
}

/// The vendor family's form begins with a format of at most 4 and a length that fits what is left.
fn decode_text(r: &mut Reader<'_>) -> Result<Notice, MessageError> {
    let mut family = *r;
    let (format, length) = (family.u8()?, family.u8());
    let rest = family.rest();
    if format <= 4 && length.is_ok_and(|length| usize::from(length) == rest.len()) {
        return Ok(Notice::Text { format: Some(format), text: rest.to_vec() });
    }
    Ok(Notice::Text { format: None, text: r.bytes8()?.to_vec() })
}
