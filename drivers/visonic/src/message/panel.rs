//! What the panel sends.

use crate::codec::{Frame, TERMINATOR};

use super::{B0, ClockTime, EventPairs, Form, Hidden, MessageError, StatusPart, WireCode, download, normal};

/// The version in a keep-alive: four characters such as `1.15`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextVersion(pub [u8; 4]);

impl TextVersion {
    /// The characters, those that are printable.
    #[must_use]
    pub fn text(self) -> String {
        self.0.iter().map(|byte| char::from(*byte)).filter(|c| (' '..='~').contains(c)).collect()
    }
}

/// One row of the event log. What its bytes mean depends on the family [impl P4].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogRow {
    /// Rows in all, and one.
    pub total: u8,
    /// 1 is a head row without an event; from 2 on events, newest first.
    pub index: u8,
    /// Payload bytes 3 to 10.
    pub body: [u8; 8],
}

impl LogRow {
    /// A PowerMax row: when (no seconds), device, event.
    #[must_use]
    pub fn as_powermax(&self) -> (ClockTime, u8, u8) {
        let [_, minute, hour, day, month, year, device, event] = self.body;
        (ClockTime { second: 0, minute, hour, day, month, year }, device & 0x7F, event & 0x7F)
    }

    /// A PowerMaster row: local wall clock as seconds since 1970, device, event.
    #[must_use]
    pub fn as_powermaster(&self) -> (u32, u8, u8) {
        let [_, a, b, c, d, _, device, event] = self.body;
        (u32::from_le_bytes([a, b, c, d]), device, event)
    }
}

/// One message from the panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PanelMessage {
    /// `02`: received. With `43`: the panel knows us as its PowerLink.
    Ack(Form),
    /// `06`: download mode timed out, or a PowerLink 3.1's hello.
    TimedOut,
    /// `07` and `1F`: unknown, acknowledged.
    Short(u8),
    /// `08`: denied; means the last command.
    Denied(Form),
    /// `0B`: the dump is over.
    EndOfDump,
    /// `0F`: the panel left download mode.
    DownloadEnded,
    /// `22`: the original PowerMax, which knows no PowerLink; kept raw.
    OldPanelInfo([u8; 10]),
    /// `25`: not ready for download.
    NotReady {
        /// Undecoded.
        head: [u8; 2],
        /// Try again in so many seconds.
        delay: u8,
    },
    /// `33`: eight bytes of EEPROM, out of a dump.
    Row {
        /// Address of the first byte.
        address: u16,
        /// The bytes.
        data: Hidden,
    },
    /// `3C`: download mode granted.
    PanelInfo {
        /// Model within the type.
        model: u8,
        /// The panel's type, see [`crate::model`].
        panel_type: u8,
    },
    /// `3F`: a block of EEPROM.
    Block {
        /// Address of the first byte.
        address: u16,
        /// Length as announced; some panels send less [impl P4].
        announced: u8,
        /// The bytes.
        data: Hidden,
    },
    /// `A0`: a row of the event log.
    Log(LogRow),
    /// `A3`: eight zone names, as indexes into the table of names.
    ZoneNames {
        /// Rows in all.
        total: u8,
        /// This row, from 1.
        row: u8,
        /// One per zone; the low five bits count.
        names: [u8; 8],
    },
    /// `A5`: status.
    Status {
        /// Highest part number, or 0.
        total: u8,
        /// Part number.
        part: u8,
        /// Payload bytes 3 to 10; see [`PanelMessage::status_part`].
        data: [u8; 8],
    },
    /// `A6`: eight zone types.
    ZoneTypes {
        /// Rows in all.
        total: u8,
        /// This row, from 1.
        row: u8,
        /// One per zone; see [`crate::model::zone_type`].
        types: [u8; 8],
    },
    /// `A7`: something happened.
    Events(EventPairs),
    /// `AB 01`: the panel's clock.
    Clock(ClockTime),
    /// `AB 03`: we are enrolled, and the panel is here.
    Alive {
        /// Seconds until the next one.
        interval: u8,
        /// Version.
        version: TextVersion,
    },
    /// `AB 05`: a telephone call goes on (1) or was taken (2).
    Phone(u8),
    /// `AB 06`: restored.
    Restored,
    /// `AB 0A 00 01`: the panel wants to be enrolled with.
    EnrolRequest,
    /// `AB 0A 00 00`: the panel says its download code.
    CodeAnnounced(WireCode),
    /// `AB 0E`: feedback about an image, kept raw.
    ImageFeedback([u8; 9]),
    /// `B0`: PowerMaster.
    B0(B0),
    /// `F1`: unknown, PowerMax+ only; its checksum is always wrong.
    F1(Hidden),
    /// `F4`: a piece of a camera image; not looked at.
    Image(Hidden),
    /// Any other type, kept raw.
    Unknown(Hidden),
}

impl PanelMessage {
    /// The message of a frame.
    ///
    /// # Errors
    /// [`MessageError`] when the payload does not fit the type.
    pub fn decode(frame: &Frame) -> Result<Self, MessageError> {
        let payload = frame.payload();
        let short = || MessageError::Length { kind: frame.kind(), length: payload.len() };
        Ok(match *payload {
            [0x02] => Self::Ack(Form::Plain),
            [0x02, TERMINATOR] => Self::Ack(Form::PowerLink),
            [0x06] => Self::TimedOut,
            [kind @ (0x07 | 0x1F)] => Self::Short(kind),
            [0x08] => Self::Denied(Form::Plain),
            [0x08, TERMINATOR] => Self::Denied(Form::PowerLink),
            [0x0B] => Self::EndOfDump,
            [0x0F] => Self::DownloadEnded,
            [0x22, a, b, c, d, e, f, g, h, i, j] => Self::OldPanelInfo([a, b, c, d, e, f, g, h, i, j]),
            [0x25, a, b, delay, ..] => Self::NotReady { head: [a, b], delay },
            [0x33, index, page, ref data @ ..] if data.len() == 8 => {
                Self::Row { address: u16::from_le_bytes([index, page]), data: Hidden::new(data) }
            }
            [0x3C, _, _, _, _, model, panel_type, ..] => Self::PanelInfo { model, panel_type },
            [0x3F, index, page, announced, ref data @ ..] => {
                Self::Block { address: u16::from_le_bytes([index, page]), announced, data: Hidden::new(data) }
            }
            [0xA0, total, index, ref body @ .., TERMINATOR] => {
                Self::Log(LogRow { total, index, body: eight(body).ok_or_else(short)? })
            }
            [0xA3, total, row, ref names @ .., TERMINATOR] => {
                Self::ZoneNames { total, row, names: eight(names).ok_or_else(short)? }
            }
            [0xA5, total, part, ref data @ .., TERMINATOR] => {
                Self::Status { total, part, data: eight(data).ok_or_else(short)? }
            }
            [0xA6, total, row, ref types @ .., TERMINATOR] => {
                Self::ZoneTypes { total, row, types: eight(types).ok_or_else(short)? }
            }
            [0xA7, count, head, ref pairs @ .., TERMINATOR] => {
                Self::Events(EventPairs { count, head, data: eight(pairs).ok_or_else(short)? })
            }
            [0xAB, 0x01, _, second, minute, hour, day, month, year, ..] => {
                Self::Clock(ClockTime { second, minute, hour, day, month, year })
            }
            [0xAB, 0x03, _, interval, _, a, b, c, d, ..] => {
                Self::Alive { interval, version: TextVersion([a, b, c, d]) }
            }
            [0xAB, 0x05, _, state, ..] => Self::Phone(state),
            [0xAB, 0x06, ..] => Self::Restored,
            [0xAB, 0x0A, _, 0x01, ..] => Self::EnrolRequest,
            [0xAB, 0x0A, _, 0x00, high, low, ..] => Self::CodeAnnounced(WireCode::from_bytes([high, low])),
            [0xAB, 0x0E, a, b, c, d, e, f, g, h, i, ..] => Self::ImageFeedback([a, b, c, d, e, f, g, h, i]),
            [0xB0, ..] => Self::B0(B0::decode(payload)?),
            [0xF1, ref rest @ ..] => Self::F1(Hidden::new(rest)),
            [0xF4, ref rest @ ..] => Self::Image(Hidden::new(rest)),
            [0x22 | 0x25 | 0x33 | 0x3C | 0x3F, ..] => return Err(short()),
            _ => Self::Unknown(Hidden::new(payload)),
        })
    }

    /// The frame of the message, with the plain checksum. An unknown one is sent as it came.
    #[must_use]
    pub fn encode(&self) -> Frame {
        match self {
            Self::Ack(form) => form.frame(0x02),
            Self::TimedOut => Frame::new([0x06]),
            Self::Short(kind) => Frame::new([*kind]),
            Self::Denied(form) => form.frame(0x08),
            Self::EndOfDump => Frame::new([0x0B]),
            Self::DownloadEnded => Frame::new([0x0F]),
            Self::OldPanelInfo(body) => download(&[&[0x22], &body[..]].concat()),
            Self::NotReady { head: [a, b], delay } => download(&[0x25, *a, *b, *delay]),
            Self::Row { address, data } => memory(0x33, *address, None, data),
            Self::PanelInfo { model, panel_type } => download(&[0x3C, 0xFD, 0x0A, 0, 0, *model, *panel_type, 0x01]),
            Self::Block { address, announced, data } => memory(0x3F, *address, Some(*announced), data),
            Self::Log(LogRow { total, index, body }) => row(0xA0, *total, *index, body),
            Self::ZoneNames { total, row: number, names } => row(0xA3, *total, *number, names),
            Self::Status { total, part, data } => row(0xA5, *total, *part, data),
            Self::ZoneTypes { total, row: number, types } => row(0xA6, *total, *number, types),
            Self::Events(EventPairs { count, head, data }) => row(0xA7, *count, *head, data),
            Self::Clock(time) => normal(&[&[0xAB, 0x01, 0x00], &time.bytes()[..]].concat()),
            Self::Alive { interval, version } => {
                normal(&[&[0xAB, 0x03, 0x00, *interval, 0x00], &version.0[..]].concat())
            }
            Self::Phone(state) => normal(&[0xAB, 0x05, 0x00, *state]),
            Self::Restored => normal(&[0xAB, 0x06]),
            Self::EnrolRequest => normal(&[0xAB, 0x0A, 0x00, 0x01]),
            Self::CodeAnnounced(code) => normal(&[&[0xAB, 0x0A, 0x00, 0x00], &code.bytes()[..]].concat()),
            Self::ImageFeedback(body) => normal(&[&[0xAB, 0x0E], &body[..]].concat()),
            Self::B0(b0) => b0.encode(),
            Self::F1(rest) => Frame::new([&[0xF1], &rest[..]].concat()),
            Self::Image(rest) => Frame::new([&[0xF4], &rest[..]].concat()),
            Self::Unknown(payload) => Frame::new(payload.to_vec()),
        }
    }

    /// What an A5 says; `None` for other messages.
    #[must_use]
    pub fn status_part(&self) -> Option<StatusPart> {
        match self {
            Self::Status { part, data, .. } => Some(StatusPart::of(*part, *data)),
            _ => None,
        }
    }

    /// Whether a host acknowledges it: all but acknowledgements, 06, F1, F4 and AB other than the keep-alive
    /// [impl OH] [impl NL] [impl P4].
    #[must_use]
    pub fn wants_ack(&self) -> bool {
        !matches!(
            self,
            Self::Ack(_)
                | Self::TimedOut
                | Self::Clock(_)
                | Self::Phone(_)
                | Self::Restored
                | Self::EnrolRequest
                | Self::CodeAnnounced(_)
                | Self::ImageFeedback(_)
                | Self::F1(_)
                | Self::Image(_)
        )
    }

    /// A name for logs and `decode`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ack(_) => "ack",
            Self::TimedOut => "timed_out",
            Self::Short(_) => "short",
            Self::Denied(_) => "denied",
            Self::EndOfDump => "end_of_dump",
            Self::DownloadEnded => "download_ended",
            Self::OldPanelInfo(_) => "old_panel_info",
            Self::NotReady { .. } => "not_ready",
            Self::Row { .. } => "row",
            Self::PanelInfo { .. } => "panel_info",
            Self::Block { .. } => "block",
            Self::Log(_) => "log",
            Self::ZoneNames { .. } => "zone_names",
            Self::Status { .. } => "status",
            Self::ZoneTypes { .. } => "zone_types",
            Self::Events(_) => "events",
            Self::Clock(_) => "clock",
            Self::Alive { .. } => "alive",
            Self::Phone(_) => "phone",
            Self::Restored => "restored",
            Self::EnrolRequest => "enrol_request",
            Self::CodeAnnounced(_) => "code_announced",
            Self::ImageFeedback(_) => "image_feedback",
            Self::B0(_) => "b0",
            Self::F1(_) => "f1",
            Self::Image(_) => "image",
            Self::Unknown(_) => "unknown",
        }
    }
}

fn eight(bytes: &[u8]) -> Option<[u8; 8]> {
    bytes.try_into().ok()
}

fn row(kind: u8, total: u8, number: u8, data: &[u8; 8]) -> Frame {
    normal(&[&[kind, total, number], &data[..]].concat())
}

fn memory(kind: u8, address: u16, announced: Option<u8>, data: &[u8]) -> Frame {
    let mut payload = vec![kind];
    payload.extend_from_slice(&address.to_le_bytes());
    payload.extend(announced);
    payload.extend_from_slice(data);
    Frame::new(payload)
}
