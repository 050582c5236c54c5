//! What a PowerLink module (we) sends to the panel.

use crate::codec::{Frame, TERMINATOR};

use super::{B0, ClockTime, Form, Hidden, MessageError, WireCode, download, normal};

/// The mode byte of A1 [impl P4].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ArmCommand {
    Disarm,
    Home,
    Away,
    UserTest,
    MuteSiren,
    HomeInstant,
    AwayInstant,
    /// One that we do not use: a variant, or one that panels refuse.
    Other(u8),
}

impl ArmCommand {
    const TABLE: [(u8, Self); 7] = [
        (0x00, Self::Disarm),
        (0x04, Self::Home),
        (0x05, Self::Away),
        (0x06, Self::UserTest),
        (0x0B, Self::MuteSiren),
        (0x14, Self::HomeInstant),
        (0x15, Self::AwayInstant),
    ];

    /// The byte on the wire.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Self::Other(byte) => byte,
            known => Self::TABLE.iter().find(|(_, command)| *command == known).map_or(0, |(byte, _)| *byte),
        }
    }

    /// The command of that byte.
    #[must_use]
    pub fn of(byte: u8) -> Self {
        Self::TABLE.iter().find(|(known, _)| *known == byte).map_or(Self::Other(byte), |(_, command)| *command)
    }
}

/// What A4 does to outputs [impl NL] [impl OH].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum OutputCommand {
    Off,
    On,
    Dim,
    Brighten,
    Other(u8),
}

impl OutputCommand {
    fn byte(self) -> u8 {
        match self {
            Self::Off => 0x00,
            Self::On => 0x01,
            Self::Dim => 0x0A,
            Self::Brighten => 0x0B,
            Self::Other(byte) => byte,
        }
    }

    fn of(byte: u8) -> Self {
        match byte {
            0x00 => Self::Off,
            0x01 => Self::On,
            0x0A => Self::Dim,
            0x0B => Self::Brighten,
            other => Self::Other(other),
        }
    }
}

/// What a host wants to begin again with `AB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// `AB 06`: take up a PowerLink connection that was silent; the panel answers with its whole state [doc F].
    Link,
    /// `AB 0A 00 01`: ask the panel to ask for enrolment; types 4 and up [impl WW].
    Enrolment,
}

/// One message to the panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostMessage {
    /// `02`: received.
    Ack(Form),
    /// `06`: rare.
    Hello,
    /// `09`: pokes a panel that sleeps in download mode [impl P4].
    Bump,
    /// `0A`: dump settings; download mode only.
    StartDump,
    /// `0B`: stop.
    Stop,
    /// `0F`: leave download mode.
    ExitDownload,
    /// `24`: enter download mode.
    EnterDownload(WireCode),
    /// `3E`: read EEPROM.
    ReadEeprom {
        /// Address of the first byte.
        address: u16,
        /// Bytes wanted; the panel sends at most 176 in one block.
        length: u16,
    },
    /// `3E FF FF`: read from the second memory of a PowerMaster, which holds its event log [impl DG].
    ReadSecondMemory {
        /// Index and page, as an address.
        address: u16,
        /// Bytes wanted.
        length: u16,
    },
    /// `46`: set the clock; download mode only.
    SetClock(ClockTime),
    /// `5A`: serial number and type.
    GetSerial,
    /// `A0`: read the event log.
    EventLog(WireCode),
    /// `A1`: arm or disarm.
    Arm {
        /// How.
        command: ArmCommand,
        /// A user's code, or none for quick arming.
        code: WireCode,
        /// Bit 0 is partition 1; 07 all. Older clients send 00, which panels take as all.
        partitions: u8,
    },
    /// `A2`: ask for status; bit n-1 for A5 part n, 00 for all.
    GetStatus(u8),
    /// `A3`: ask for zone names.
    GetZoneNames,
    /// `A4`: switch outputs.
    Output {
        /// How.
        command: OutputCommand,
        /// Bit 0 is the PGM output, bit n X10 device n.
        devices: u16,
    },
    /// `A6`: ask for zone types.
    GetZoneTypes,
    /// `AA`: bypass zones 1 to 32 and take bypasses back, each a bit.
    Bypass {
        /// A user's code.
        code: WireCode,
        /// Zones to bypass.
        bypass: u32,
        /// Zones to take back.
        unbypass: u32,
    },
    /// `AB 01`: ask for the panel's clock.
    GetClock,
    /// `AB 03`: we are here.
    Alive,
    /// `AB 06`, `AB 0A 00 01`.
    Restart(Restart),
    /// `AB 0A 00 00`: enrol us as the panel's PowerLink.
    Enrol(WireCode),
    /// `AB 0E`: feedback about an image, kept raw.
    ImageFeedback([u8; 9]),
    /// `AC`: ask for the names of X10 devices.
    GetX10Names,
    /// `AD`: camera image (0B) or disconnect (0A), kept raw.
    Image([u8; 10]),
    /// `B0`: PowerMaster.
    B0(B0),
    /// `E1`: meant for a bridge program, not for panels [impl P4].
    Bridge {
        /// What is asked.
        command: u8,
        /// Its parameter.
        parameter: u8,
    },
    /// Any other type, kept raw: `3D` among them, of which nobody has shown how it works.
    Unknown(Hidden),
}

impl HostMessage {
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
            [0x06] => Self::Hello,
            [0x09] => Self::Bump,
            [0x0A] => Self::StartDump,
            [0x0B] => Self::Stop,
            [0x0F] => Self::ExitDownload,
            [0x24, _, _, high, low, ..] => Self::EnterDownload(WireCode::from_bytes([high, low])),
            [0x3E, 0xFF, 0xFF, low, high, _, index, page, ..] => Self::ReadSecondMemory {
                address: u16::from_le_bytes([index, page]),
                length: u16::from_le_bytes([low, high]),
            },
            // FF FF is never an address of the first memory.
            [0x3E, 0xFF, 0xFF, ..] => return Err(short()),
            [0x3E, index, page, low, high, ..] => {
                Self::ReadEeprom { address: u16::from_le_bytes([index, page]), length: u16::from_le_bytes([low, high]) }
            }
            [0x46, 0xF8, 0x00, second, minute, hour, day, month, year, ..] => {
                Self::SetClock(ClockTime { second, minute, hour, day, month, year })
            }
            [0x5A, 0x30, 0x04, 0x01, ..] => Self::GetSerial,
            [0xA0, _, _, _, high, low, ..] => Self::EventLog(WireCode::from_bytes([high, low])),
            [0xA1, _, _, command, high, low, partitions, ..] => {
                Self::Arm { command: ArmCommand::of(command), code: WireCode::from_bytes([high, low]), partitions }
            }
            [0xA2, _, _, mask, ..] => Self::GetStatus(mask),
            [0xA3, ..] => Self::GetZoneNames,
            [0xA4, _, _, _, _, _, command, low, high, ..] => {
                Self::Output { command: OutputCommand::of(command), devices: u16::from_le_bytes([low, high]) }
            }
            [0xA6, ..] => Self::GetZoneTypes,
            [0xAA, high, low, a, b, c, d, e, f, g, h, ..] => Self::Bypass {
                code: WireCode::from_bytes([high, low]),
                bypass: u32::from_le_bytes([a, b, c, d]),
                unbypass: u32::from_le_bytes([e, f, g, h]),
            },
            [0xAB, 0x01, ..] => Self::GetClock,
            [0xAB, 0x03, ..] => Self::Alive,
            [0xAB, 0x06, ..] => Self::Restart(Restart::Link),
            [0xAB, 0x0A, _, 0x01, ..] => Self::Restart(Restart::Enrolment),
            [0xAB, 0x0A, _, 0x00, high, low, ..] => Self::Enrol(WireCode::from_bytes([high, low])),
            [0xAB, 0x0E, a, b, c, d, e, f, g, h, i, ..] => Self::ImageFeedback([a, b, c, d, e, f, g, h, i]),
            [0xAC, ..] => Self::GetX10Names,
            [0xAD, a, b, c, d, e, f, g, h, i, j, ..] => Self::Image([a, b, c, d, e, f, g, h, i, j]),
            [0xB0, ..] => Self::B0(B0::decode(payload)?),
            [0xE1, command, parameter, ..] => Self::Bridge { command, parameter },
            [0x24 | 0x3E | 0x46 | 0x5A | 0xA0..=0xA6 | 0xAA..=0xAD, ..] if payload.len() < 11 => return Err(short()),
            _ => Self::Unknown(Hidden::new(payload)),
        })
    }

    /// The frame of the message, with the plain checksum.
    #[must_use]
    pub fn encode(&self) -> Frame {
        match self {
            Self::Ack(form) => form.frame(0x02),
            Self::Hello => Frame::new([0x06]),
            Self::Bump => Frame::new([0x09]),
            Self::StartDump => Frame::new([0x0A]),
            Self::Stop => Frame::new([0x0B]),
            Self::ExitDownload => Frame::new([0x0F]),
            Self::EnterDownload(code) => with_code(code, |[high, low]| download(&[0x24, 0, 0, high, low])),
            Self::ReadEeprom { address, length } => {
                let ([index, page], [low, high]) = (address.to_le_bytes(), length.to_le_bytes());
                download(&[0x3E, index, page, low, high, 0xB0])
            }
            Self::ReadSecondMemory { address, length } => {
                let ([index, page], [low, high]) = (address.to_le_bytes(), length.to_le_bytes());
                download(&[0x3E, 0xFF, 0xFF, low, high, 0xB0, index, page, 0x01])
            }
            Self::SetClock(time) => {
                let [second, minute, hour, day, month, year] = time.bytes();
                Frame::new([0x46, 0xF8, 0x00, second, minute, hour, day, month, year, 0xFF, 0xFF])
            }
            Self::GetSerial => download(&[0x5A, 0x30, 0x04, 0x01]),
            Self::EventLog(code) => with_code(code, |[high, low]| normal(&[0xA0, 0, 0, 0, high, low])),
            Self::Arm { command, code, partitions } => {
                with_code(code, |[high, low]| normal(&[0xA1, 0, 0, command.byte(), high, low, *partitions]))
            }
            Self::GetStatus(mask) => normal(&[0xA2, 0, 0, *mask]),
            Self::GetZoneNames => normal(&[0xA3]),
            Self::Output { command, devices } => {
                let [low, high] = devices.to_le_bytes();
                normal(&[0xA4, 0, 0, 0, 0, 0, command.byte(), low, high])
            }
            Self::GetZoneTypes => normal(&[0xA6]),
            Self::Bypass { code, bypass, unbypass } => {
                let ([a, b, c, d], [e, f, g, h]) = (bypass.to_le_bytes(), unbypass.to_le_bytes());
                with_code(code, |[high, low]| normal(&[0xAA, high, low, a, b, c, d, e, f, g, h]))
            }
            Self::GetClock => normal(&[0xAB, 0x01]),
            Self::Alive => normal(&[0xAB, 0x03]),
            Self::Restart(Restart::Link) => normal(&[0xAB, 0x06]),
            Self::Restart(Restart::Enrolment) => normal(&[0xAB, 0x0A, 0x00, 0x01]),
            Self::Enrol(code) => with_code(code, |[high, low]| normal(&[0xAB, 0x0A, 0x00, 0x00, high, low])),
            Self::ImageFeedback(body) => normal(&[&[0xAB, 0x0E], &body[..]].concat()),
            Self::GetX10Names => normal(&[0xAC]),
            Self::Image(body) => normal(&[&[0xAD], &body[..]].concat()),
            Self::B0(b0) => b0.encode(),
            Self::Bridge { command, parameter } => Frame::new([0xE1, *command, *parameter, TERMINATOR]),
            Self::Unknown(payload) => Frame::new(payload.to_vec()),
        }
    }

    /// A name for logs and `decode`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ack(_) => "ack",
            Self::Hello => "hello",
            Self::Bump => "bump",
            Self::StartDump => "start_dump",
            Self::Stop => "stop",
            Self::ExitDownload => "exit_download",
            Self::EnterDownload(_) => "enter_download",
            Self::ReadEeprom { .. } => "read_eeprom",
            Self::ReadSecondMemory { .. } => "read_second_memory",
            Self::SetClock(_) => "set_clock",
            Self::GetSerial => "get_serial",
            Self::EventLog(_) => "get_event_log",
            Self::Arm { .. } => "arm",
            Self::GetStatus(_) => "get_status",
            Self::GetZoneNames => "get_zone_names",
            Self::Output { .. } => "output",
            Self::GetZoneTypes => "get_zone_types",
            Self::Bypass { .. } => "bypass",
            Self::GetClock => "get_clock",
            Self::Alive => "alive",
            Self::Restart(Restart::Link) => "restore",
            Self::Restart(Restart::Enrolment) => "init",
            Self::Enrol(_) => "enrol",
            Self::ImageFeedback(_) => "image_feedback",
            Self::GetX10Names => "get_x10_names",
            Self::Image(_) => "image",
            Self::B0(_) => "b0",
            Self::Bridge { .. } => "bridge",
            Self::Unknown(_) => "unknown",
        }
    }
}

fn with_code(code: &WireCode, frame: impl FnOnce([u8; 2]) -> Frame) -> Frame {
    frame(code.bytes())
}
