//! Command-class messages: those with an app sequence, by which a CommandResponse is matched (dossier 2.1).

use super::code::{ArmingMode, Programming, ResponseCode};
use super::number as n;
use super::section::SectionAddress;
use super::user::{UserData, UserField};
use super::value::{Digits, Mask, Reader, Writer};
use super::{Hidden, MessageError};
use crate::codec::Encryption;

/// What an OpenSession tells of its sender (dossier 2.6). A server mirrors the panel's to the last byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// 02 communicator, 8F third party.
    pub device: u8,
    /// Device id.
    pub device_id: u16,
    /// As on the wire; most likely BCD.
    pub firmware: [u8; 2],
    /// As on the wire; most likely BCD.
    pub protocol: [u8; 2],
    /// Bytes that the sender can send.
    pub tx_buffer: u16,
    /// Bytes that the sender can take.
    pub rx_buffer: u16,
    /// 1 in all captures.
    pub constant: u16,
    /// Kind of encryption.
    pub encryption: Encryption,
    /// Four bytes of unknown meaning from communicator firmware 5.63 on.
    pub trailer: Vec<u8>,
}

/// What a 0800 asks for: a message by its number, with only the fields that select.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Selected by its number alone: 0613, 0236, 0772, 0220, 060D and what is not known.
    Plain(u16),
    /// Selected by a partition: 0770, 0813, 0815, 0222, 0230 to 0233, 0238, 0239, 023C, 023D.
    OfPartition(u16, Option<u32>),
    /// 0771.
    Labels {
        /// Whose labels ([`label_option`]).
        option: u32,
        /// First and last one.
        range: Option<(u32, u32)>,
    },
    /// 0811.
    ZoneStatus {
        /// First zone.
        first: u32,
        /// How many.
        count: u32,
    },
    /// 0812: a mask, or a number in the number form.
    PartitionStatus(Vec<u8>),
    /// 0817.
    TroubleDetail {
        /// Device type.
        device: u8,
        /// Type of trouble.
        trouble: u8,
    },
    /// 0820.
    ZoneBypass {
        /// The zone.
        zone: u32,
    },
    /// 0822.
    Troubles {
        /// Device type; 0 is the system.
        device: u32,
        /// Types of trouble; 0 is all.
        kinds: Vec<u32>,
    },
    /// 0840.
    ZoneAlarms {
        /// The partition.
        partition: Option<u32>,
        /// How many; 0 is all.
        count: u32,
    },
}

/// Options of 0771.
#[allow(missing_docs, reason = "the names say it")]
pub mod label_option {
    pub const ZONE: u32 = 0xD1;
    pub const PARTITION: u32 = 0xD3;
    pub const USER: u32 = 0xD9;
}

impl Wanted {
    /// All troubles of the system, as the dossier's example asks for them.
    #[must_use]
    pub fn all_troubles() -> Self {
        Self::Troubles { device: 0, kinds: vec![0] }
    }

    /// The number of the message that is wanted.
    #[must_use]
    pub fn number(&self) -> u16 {
        match self {
            Self::Plain(number) | Self::OfPartition(number, _) => *number,
            Self::Labels { .. } => n::LABELS,
            Self::ZoneStatus { .. } => n::ZONE_STATUS,
            Self::PartitionStatus(_) => n::PARTITION_STATUS,
            Self::TroubleDetail { .. } => n::TROUBLE_DETAIL,
            Self::ZoneBypass { .. } => n::ZONE_BYPASS,
            Self::Troubles { .. } => n::SYSTEM_TROUBLES,
            Self::ZoneAlarms { .. } => n::ZONE_ALARM,
        }
    }

    /// Surplus behind the request fields is ignored, as panels do.
    fn decode(r: &mut Reader<'_>) -> Result<Self, MessageError> {
        Ok(match r.u16()? {
            n::LABELS => Self::Labels {
                option: r.compact()?,
                range: match r.optional()? {
                    Some(from) => Some((from, r.compact()?)),
                    None => None,
                },
            },
            n::ZONE_STATUS => Self::ZoneStatus { first: r.compact()?, count: r.compact()? },
            n::PARTITION_STATUS => Self::PartitionStatus(r.bytes8()?.to_vec()),
            n::TROUBLE_DETAIL => Self::TroubleDetail { device: r.u8()?, trouble: r.u8()? },
            n::ZONE_BYPASS => Self::ZoneBypass { zone: r.compact()? },
            n::SYSTEM_TROUBLES => {
                let (device, count) = (r.compact()?, r.u8()?);
                Self::Troubles { device, kinds: (0..count).map(|_| r.compact()).collect::<Result<_, _>>()? }
            }
            n::ZONE_ALARM => Self::ZoneAlarms { partition: r.optional()?, count: r.compact()? },
            number if is_of_partition(number) => Self::OfPartition(number, r.optional()?),
            number => Self::Plain(number),
        })
    }

    fn encode(&self, w: &mut Writer) {
        w.u16(self.number());
        match self {
            Self::Plain(_) => {}
            Self::OfPartition(_, partition) => {
                w.optional(*partition);
            }
            Self::Labels { option, range } => {
                w.compact(*option).optional(range.map(|(from, _)| from));
                if let Some((_, to)) = range {
                    w.compact(*to);
                }
            }
            Self::ZoneStatus { first, count } => {
                w.compact(*first).compact(*count);
            }
            Self::PartitionStatus(field) => {
                w.bytes8(field);
            }
            Self::TroubleDetail { device, trouble } => {
                w.u8(*device).u8(*trouble);
            }
            Self::ZoneBypass { zone } => {
                w.compact(*zone);
            }
            Self::Troubles { device, kinds } => {
                w.compact(*device).u8(u8::try_from(kinds.len()).unwrap_or(u8::MAX));
                kinds.iter().take(u8::MAX.into()).for_each(|kind| {
                    w.compact(*kind);
                });
            }
            Self::ZoneAlarms { partition, count } => {
                w.optional(*partition).compact(*count);
            }
        }
    }
}

fn is_of_partition(number: u16) -> bool {
    matches!(
        number,
        n::ZONE_ASSIGNMENT
            | n::BYPASSED_ZONES
            | n::ALARM_MEMORY
            | n::OUTPUT_ACTIVATION
            | n::EXIT_DELAY
            | n::ENTRY_DELAY
            | n::ARMING
            | n::ARMING_PRE_ALERT
            | n::QUICK_EXIT
            | n::READY_STATUS
            | n::ALARM_MEMORY_FLAG
            | n::MISC_PRE_ALERT
    )
}

/// Whether programming is entered to look or to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ProgrammingAccess {
    ReadOnly,
    ReadWrite,
}

/// Kinds of 0912.
#[allow(missing_docs, reason = "the names say it")]
pub mod activity {
    pub const KEEP_ALIVE: u8 = 4;
    pub const CLEAR_ALARM_MEMORY: u8 = 8;
    pub const VALIDATE_CODE: u8 = 22;
}

/// A command-class message. Partitions: `None` is the whole system.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields are named as in the dossier")]
pub enum Command {
    /// 0502, with the app sequence of what it answers.
    Response(ResponseCode),
    /// 060A
    OpenSession(OpenSession),
    /// 060E: the initializer.
    RequestAccess(Hidden),
    /// 0800
    Request(Wanted),
    /// 0704
    EnterProgramming { partition: Option<u32>, mode: Programming, code: Digits, access: ProgrammingAccess },
    /// 0701
    ExitProgramming { partition: Option<u32> },
    /// 0736, 0737, 0738, 073C
    ReadUsers { field: UserField, first: u32, count: u32 },
    /// 0746, 0747, 0748
    WriteUsers(UserData),
    /// 0750; texts in UTF-16BE, 28 bytes each.
    WriteUserLabels { first: u32, format: u8, labels: Vec<Vec<u8>> },
    /// 0721
    ReadSection(SectionAddress),
    /// 0722
    WriteSection(SectionAddress, Hidden),
    /// 074A
    WriteZoneBypass { partition: Option<u32>, zone: u32, bypassed: bool },
    /// 0900
    Arm { partition: Option<u32>, mode: ArmingMode, code: Option<Digits> },
    /// 0901
    Disarm { partition: Option<u32>, code: Option<Digits> },
    /// 0902: 1 on, 2 off.
    Output { partition: Option<u32>, output: u32, state: u8, code: Option<Digits> },
    /// 0912 ([`activity`])
    Activity { partition: Option<u32>, kind: u8, code: Option<Digits> },
}

/// The text format of user labels: UTF-16BE.
pub const FORMAT_UTF16: u8 = 3;

impl Command {
    /// The command word.
    #[must_use]
    pub fn number(&self) -> u16 {
        match self {
            Self::Response(_) => n::COMMAND_RESPONSE,
            Self::OpenSession(_) => n::OPEN_SESSION,
            Self::RequestAccess(_) => n::REQUEST_ACCESS,
            Self::Request(_) => n::REQUEST,
            Self::EnterProgramming { .. } => n::ENTER_PROGRAMMING,
            Self::ExitProgramming { .. } => n::EXIT_PROGRAMMING,
            Self::ReadUsers { field, .. } => field.read_number(),
            Self::WriteUsers(data) => data.field().write_number(),
            Self::WriteUserLabels { .. } => n::WRITE_USER_LABELS,
            Self::ReadSection(_) => n::READ_SECTION,
            Self::WriteSection(..) => n::WRITE_SECTION,
            Self::WriteZoneBypass { .. } => n::WRITE_ZONE_BYPASS,
            Self::Arm { .. } => n::ARM,
            Self::Disarm { .. } => n::DISARM,
            Self::Output { .. } => n::COMMAND_OUTPUT,
            Self::Activity { .. } => n::USER_ACTIVITY,
        }
    }

    /// `None`: the number is not of this class, or not known.
    pub(super) fn decode(number: u16, r: &mut Reader<'_>) -> Option<Result<(u8, Self), MessageError>> {
        let fields: fn(u16, &mut Reader<'_>) -> Result<Self, MessageError> = match number {
            n::COMMAND_RESPONSE => |_, r| Ok(Self::Response(ResponseCode::from_byte(r.u8()?))),
            n::OPEN_SESSION => |_, r| decode_open_session(r).map(Self::OpenSession),
            n::REQUEST_ACCESS => |_, r| Ok(Self::RequestAccess(r.bytes8()?.into())),
            n::REQUEST => |_, r| Wanted::decode(r).map(Self::Request),
            n::ENTER_PROGRAMMING => |_, r| decode_enter(r),
            n::EXIT_PROGRAMMING => |_, r| Ok(Self::ExitProgramming { partition: r.optional()? }),
            n::READ_CODES | n::READ_ATTRIBUTES | n::READ_USER_PARTITIONS | n::READ_USER_KINDS => |number, r| {
                let field = field_by(number, UserField::read_number)?;
                Ok(Self::ReadUsers { field, first: r.compact()?, count: r.compact()? })
            },
            n::WRITE_CODES | n::WRITE_ATTRIBUTES | n::WRITE_USER_PARTITIONS => |number, r| {
                let field = field_by(number, UserField::write_number)?;
                UserData::decode(field, r).map(Self::WriteUsers)
            },
            n::WRITE_USER_LABELS => |_, r| decode_labels(r),
            n::READ_SECTION => |_, r| SectionAddress::decode(r).map(Self::ReadSection),
            n::WRITE_SECTION => |_, r| Ok(Self::WriteSection(SectionAddress::decode(r)?, r.rest().into())),
            n::WRITE_ZONE_BYPASS => |_, r| {
                let (partition, zone) = (r.optional()?, r.compact()?);
                Ok(Self::WriteZoneBypass { partition, zone, bypassed: r.u8()? != 0 })
            },
            n::ARM => |_, r| {
                let (partition, mode) = (r.optional()?, ArmingMode::from_byte(r.u8()?));
                Ok(Self::Arm { partition, mode, code: code_to_end(r) })
            },
            n::DISARM => |_, r| Ok(Self::Disarm { partition: r.optional()?, code: code_to_end(r) }),
            n::COMMAND_OUTPUT => |_, r| {
                let (partition, output, state) = (r.optional()?, r.compact()?, r.u8()?);
                Ok(Self::Output { partition, output, state, code: code_to_end(r) })
            },
            n::USER_ACTIVITY => |_, r| {
                let (partition, kind) = (r.optional()?, r.u8()?);
                Ok(Self::Activity { partition, kind, code: code_to_end(r) })
            },
            _ => return None,
        };
        Some(r.u8().and_then(|app| Ok((app, fields(number, r)?))))
    }

    pub(super) fn encode(&self, w: &mut Writer) {
        match self {
            Self::Response(code) => {
                w.u8(code.byte());
            }
            Self::OpenSession(hello) => encode_open_session(hello, w),
            Self::RequestAccess(initializer) => {
                w.bytes8(initializer.expose());
            }
            Self::Request(wanted) => wanted.encode(w),
            Self::EnterProgramming { partition, mode, code, access } => {
                w.optional(*partition).u8(mode.byte()).bytes8(&code.to_bytes());
                w.u8(u8::from(*access == ProgrammingAccess::ReadWrite));
            }
            Self::ExitProgramming { partition } => {
                w.optional(*partition);
            }
            Self::ReadUsers { first, count, .. } => {
                w.compact(*first).compact(*count);
            }
            Self::WriteUsers(data) => data.encode(w),
            Self::WriteUserLabels { first, format, labels } => {
                w.compact(*first).count(labels.len()).u8(*format);
                labels.iter().for_each(|label| {
                    w.bytes8(label);
                });
            }
            Self::ReadSection(address) => address.encode(w),
            Self::WriteSection(address, data) => {
                address.encode(w);
                w.raw(data.expose());
            }
            Self::WriteZoneBypass { partition, zone, bypassed } => {
                w.optional(*partition).compact(*zone).u8((*bypassed).into());
            }
            Self::Arm { partition, mode, code } => {
                w.optional(*partition).u8(mode.byte());
                put_code(code.as_ref(), w);
            }
            Self::Disarm { partition, code } => {
                w.optional(*partition);
                put_code(code.as_ref(), w);
            }
            Self::Output { partition, output, state, code } => {
                w.optional(*partition).compact(*output).u8(*state);
                put_code(code.as_ref(), w);
            }
            Self::Activity { partition, kind, code } => {
                w.optional(*partition).u8(*kind);
                put_code(code.as_ref(), w);
            }
        }
    }
}

fn field_by(number: u16, of: fn(UserField) -> u16) -> Result<UserField, MessageError> {
    UserField::ALL.into_iter().find(|field| of(*field) == number).ok_or(MessageError::Value("user field"))
}

fn decode_open_session(r: &mut Reader<'_>) -> Result<OpenSession, MessageError> {
    Ok(OpenSession {
        device: r.u8()?,
        device_id: r.u16()?,
        firmware: r.array()?,
        protocol: r.array()?,
        tx_buffer: r.u16()?,
        rx_buffer: r.u16()?,
        constant: r.u16()?,
        encryption: Encryption::from_byte(r.u8()?),
        trailer: r.rest().to_vec(),
    })
}

fn encode_open_session(hello: &OpenSession, w: &mut Writer) {
    w.u8(hello.device).u16(hello.device_id).raw(&hello.firmware).raw(&hello.protocol);
    w.u16(hello.tx_buffer).u16(hello.rx_buffer).u16(hello.constant).u8(hello.encryption.byte()).raw(&hello.trailer);
}

fn decode_enter(r: &mut Reader<'_>) -> Result<Command, MessageError> {
    let (partition, mode, code) = (r.optional()?, Programming::from_byte(r.u8()?), Digits::from_bytes(r.bytes8()?));
    let access = match r.u8()? {
        0 => ProgrammingAccess::ReadOnly,
        _ => ProgrammingAccess::ReadWrite,
    };
    Ok(Command::EnterProgramming { partition, mode, code, access })
}

fn decode_labels(r: &mut Reader<'_>) -> Result<Command, MessageError> {
    let (first, count, format) = (r.compact()?, r.count()?, r.u8()?);
    let mut labels = Vec::new();
    for _ in 0..count {
        labels.push(r.bytes8()?.to_vec());
    }
    Ok(Command::WriteUserLabels { first, format, labels })
}

/// Codes of 09xx have no length: they end with the message, and may be left out.
fn code_to_end(r: &mut Reader<'_>) -> Option<Digits> {
    if r.is_empty() { None } else { Some(Digits::from_bytes(r.rest())) }
}

fn put_code(code: Option<&Digits>, w: &mut Writer) {
    if let Some(code) = code {
        w.raw(&code.to_bytes());
    }
}

/// A request for the status of these partitions in the given form; the number form takes the first one only.
#[must_use]
pub fn partition_field(partitions: panel_model::PartitionSet, form: super::PartitionForm) -> Vec<u8> {
    match form {
        super::PartitionForm::Mask => Mask::from(partitions).0,
        super::PartitionForm::Number => partitions.iter().take(1).map(panel_model::Partition::number).collect(),
    }
}
