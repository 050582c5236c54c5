use std::fmt;

use panel_driver::sim::PanicKey;
use panel_model::{AccessCode, Partition, Password};
use zeroize::Zeroizing;

use super::fields::Fields;
use super::reply::PanelTime;
use super::{MessageError, Transport};
use crate::codec::{Frame, Number};

/// What an application sends to the module. Section 2.1 of the sources in the README; [doc TPI 3.2].
///
/// Codes are held as they stand on the wire: see [`CodeForm`] and [`ModuleCommand::padded`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the model's own types")]
pub enum ModuleCommand {
    /// 000: are you there.
    Poll,
    /// 001: tell the state of everything.
    StatusReport,
    /// 002, IT-100: send all labels.
    Labels,
    /// 005, Envisalink.
    Login(Password),
    /// 008, Envisalink: send 615.
    DumpZoneTimers,
    /// 010: local time.
    SetClock(PanelTime),
    /// 020: output 1 to 4.
    Output { partition: Partition, output: u8 },
    /// 030, 031, 032: arm without a code.
    Arm { partition: Partition, how: QuickArm },
    /// 033.
    ArmWithCode { partition: Partition, code: AccessCode },
    /// 040; also silences an alarm.
    Disarm { partition: Partition, code: AccessCode },
    /// 050, PC5401 only: 652 tells its mode.
    DescriptiveArming(Switch),
    /// 055: a time stands before each message.
    Timestamps(Switch),
    /// 056: 550 every four minutes.
    TimeBroadcasts(Switch),
    /// 057: 561 and 562.
    TemperatureBroadcasts(Switch),
    /// 058, IT-100: the virtual keypad.
    VirtualKeypad(Switch),
    /// 060: a real alarm.
    Panic(PanicKey),
    /// 070: one key.
    Key(Key),
    /// 071, Envisalink: one to six keys. Longer ones are representable, a module refuses them.
    KeyString { partition: Partition, keys: Keys },
    /// 072, Envisalink: open `*5`.
    OpenUsersMenu(Partition),
    /// 073, Envisalink: open `*6`.
    OpenFunctionsMenu(Partition),
    /// 074, Envisalink: the menu's idle timer starts again.
    KeepMenuOpen(Partition),
    /// 080 on an Envisalink: send the temperatures.
    RequestTemperature,
    /// 080 on an IT-100.
    SetBaud(Baud),
    /// 095, IT-100.
    BeginThermostat(u8),
    /// 096, IT-100; `heat` and its value or step.
    SetThermostat { thermostat: u8, heat: bool, change: ThermostatChange },
    /// 097, IT-100.
    EndThermostat(u8),
    /// 200: the code that 900, 921 or 922 asked for, as laid out by [`CodeForm`].
    SendCode(AccessCode),
    /// Anything else.
    Unknown(Frame),
}

/// How to arm without a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum QuickArm {
    Away,
    Stay,
    NoEntryDelay,
}

/// On or off on the wire: `1` or `0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Switch {
    Off,
    On,
}

/// What to do with a thermostat's set point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ThermostatChange {
    Up,
    Down,
    Set(u16),
}

/// Speeds of an IT-100, in the order of their digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Baud {
    B9600,
    B19200,
    B38400,
    B57600,
    B115200,
}

impl Baud {
    /// All speeds; the position is the digit on the wire.
    pub const ALL: [Self; 5] = [Self::B9600, Self::B19200, Self::B38400, Self::B57600, Self::B115200];

    /// Bits per second.
    #[must_use]
    pub fn bits_per_second(self) -> u32 {
        match self {
            Self::B9600 => 9_600,
            Self::B19200 => 19_200,
            Self::B38400 => 38_400,
            Self::B57600 => 57_600,
            Self::B115200 => 115_200,
        }
    }

    pub(super) fn from_digit(digit: u16) -> Option<Self> {
        Self::ALL.get(usize::from(digit)).copied()
    }

    pub(super) fn digit(self) -> u8 {
        b'0' + self as u8
    }
}

/// One key of a keypad: digits, `*`, `#`; on an IT-100 also `F A P a b c d e < > =` and `^` (release).
/// Any printable character is representable. Prints redacted: keys spell codes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key(u8);

impl Key {
    /// `*`.
    pub const STAR: Self = Self(b'*');
    /// `#`.
    pub const HASH: Self = Self(b'#');
    /// `>`, the right arrow (IT-100).
    pub const RIGHT: Self = Self(b'>');
    /// `<`, the left arrow (IT-100).
    pub const LEFT: Self = Self(b'<');
    /// `^`, the release that must follow each key (IT-100).
    pub const RELEASE: Self = Self(b'^');

    /// A key by its character; `None` if it is not printable ASCII.
    #[must_use]
    pub fn new(character: u8) -> Option<Self> {
        (0x21..=0x7E).contains(&character).then_some(Self(character))
    }

    /// The character on the wire.
    #[must_use]
    pub fn expose(self) -> u8 {
        self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(<redacted>)")
    }
}

/// Several keys of a key string, `0-9 * #`. Wiped on drop, printed redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys(Zeroizing<Vec<u8>>);

impl Keys {
    /// Keys by their characters; `None` if one is not a digit, `*` or `#`.
    #[must_use]
    pub fn new(keys: &[u8]) -> Option<Self> {
        let valid = keys.iter().all(|k| matches!(k, b'0'..=b'9' | b'*' | b'#'));
        valid.then(|| Self(Zeroizing::new(keys.to_vec())))
    }

    /// The characters on the wire.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(<redacted>)")
    }
}

/// How a code stands in 200. Which form an IT-100 wants is disputed between implementations (README, inferred).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeForm {
    /// The digits alone: what an Envisalink takes.
    Raw,
    /// Filled with `0` to six digits.
    Padded,
    /// Partition, then the digits.
    PartitionRaw,
    /// Partition, then the digits filled to six.
    PartitionPadded,
}

impl CodeForm {
    /// The data of 200 in this form.
    #[must_use]
    pub fn lay_out(self, partition: Partition, code: &AccessCode) -> AccessCode {
        let digits = code.expose();
        AccessCode::new(match self {
            Self::Raw => digits.to_owned(),
            Self::Padded => format!("{digits:0<6}"),
            Self::PartitionRaw => format!("{partition}{digits}"),
            Self::PartitionPadded => format!("{partition}{digits:0<6}"),
        })
    }
}

impl ModuleCommand {
    /// A code as 033 and 040 carry it: an IT-100 always takes six digits, shorter ones filled with `0`.
    #[must_use]
    pub fn padded(code: &AccessCode, transport: Transport) -> AccessCode {
        match transport {
            Transport::Envisalink => code.clone(),
            Transport::It100 => AccessCode::new(format!("{:0<6}", code.expose())),
        }
    }

    /// The number on the wire.
    #[must_use]
    pub fn number(&self) -> Number {
        let value = match self {
            Self::Poll => 0,
            Self::StatusReport => 1,
            Self::Labels => 2,
            Self::Login(_) => 5,
            Self::DumpZoneTimers => 8,
            Self::SetClock(_) => 10,
            Self::Output { .. } => 20,
            Self::Arm { how: QuickArm::Away, .. } => 30,
            Self::Arm { how: QuickArm::Stay, .. } => 31,
            Self::Arm { how: QuickArm::NoEntryDelay, .. } => 32,
            Self::ArmWithCode { .. } => 33,
            Self::Disarm { .. } => 40,
            Self::DescriptiveArming(_) => 50,
            Self::Timestamps(_) => 55,
            Self::TimeBroadcasts(_) => 56,
            Self::TemperatureBroadcasts(_) => 57,
            Self::VirtualKeypad(_) => 58,
            Self::Panic(_) => 60,
            Self::Key(_) => 70,
            Self::KeyString { .. } => 71,
            Self::OpenUsersMenu(_) => 72,
            Self::OpenFunctionsMenu(_) => 73,
            Self::KeepMenuOpen(_) => 74,
            Self::RequestTemperature | Self::SetBaud(_) => 80,
            Self::BeginThermostat(_) => 95,
            Self::SetThermostat { .. } => 96,
            Self::EndThermostat(_) => 97,
            Self::SendCode(_) => 200,
            Self::Unknown(frame) => return frame.number(),
        };
        Number::new(value).unwrap_or(const { Number::fixed(0) })
    }

    /// The frame to send.
    #[must_use]
    pub fn encode(&self) -> Frame {
        let data = match self {
            Self::Poll | Self::StatusReport | Self::Labels | Self::DumpZoneTimers | Self::RequestTemperature => {
                Vec::new()
            }
            Self::Login(password) => password.expose().as_bytes().to_vec(),
            Self::SetClock(time) => time.encode(),
            Self::Output { partition, output } => format!("{partition}{output}").into_bytes(),
            Self::Arm { partition, .. }
            | Self::OpenUsersMenu(partition)
            | Self::OpenFunctionsMenu(partition)
            | Self::KeepMenuOpen(partition) => partition.to_string().into_bytes(),
            Self::ArmWithCode { partition, code } | Self::Disarm { partition, code } => {
                format!("{partition}{}", code.expose()).into_bytes()
            }
            Self::DescriptiveArming(switch)
            | Self::Timestamps(switch)
            | Self::TimeBroadcasts(switch)
            | Self::TemperatureBroadcasts(switch)
            | Self::VirtualKeypad(switch) => switch.encode(),
            Self::Panic(key) => vec![panic_digit(*key)],
            Self::Key(key) => vec![key.0],
            Self::KeyString { partition, keys } => {
                let mut data = partition.to_string().into_bytes();
                data.extend_from_slice(keys.expose());
                data
            }
            Self::SetBaud(baud) => vec![baud.digit()],
            Self::BeginThermostat(thermostat) | Self::EndThermostat(thermostat) => thermostat.to_string().into_bytes(),
            Self::SetThermostat { thermostat, heat, change } => change.encode(*thermostat, *heat),
            Self::SendCode(code) => code.expose().as_bytes().to_vec(),
            Self::Unknown(frame) => return frame.clone(),
        };
        Frame::new(self.number(), data)
    }

    /// What a client sent.
    ///
    /// # Errors
    /// [`MessageError`] if the number is known and its data does not fit. Unknown numbers are
    /// [`ModuleCommand::Unknown`].
    pub fn decode(frame: &Frame, transport: Transport) -> Result<Self, MessageError> {
        let mut fields = Fields::of(frame);
        let command = match frame.number().value() {
            0 => Self::Poll,
            1 => Self::StatusReport,
            2 => Self::Labels,
            5 => Self::Login(Password::new(fields.rest().iter().map(|b| char::from(*b)).collect())),
            8 => Self::DumpZoneTimers,
            10 => Self::SetClock(PanelTime::decode(&mut fields)?),
            20 => Self::Output { partition: fields.partition()?, output: fields.small(1, "output")? },
            30 => Self::Arm { partition: fields.partition()?, how: QuickArm::Away },
            31 => Self::Arm { partition: fields.partition()?, how: QuickArm::Stay },
            32 => Self::Arm { partition: fields.partition()?, how: QuickArm::NoEntryDelay },
            33 => Self::ArmWithCode { partition: fields.partition()?, code: AccessCode::new(fields.digits(4..=6)?) },
            40 => Self::Disarm { partition: fields.partition()?, code: AccessCode::new(fields.digits(4..=6)?) },
            50 => Self::DescriptiveArming(Switch::decode(&mut fields)?),
            55 => Self::Timestamps(Switch::decode(&mut fields)?),
            56 => Self::TimeBroadcasts(Switch::decode(&mut fields)?),
            57 => Self::TemperatureBroadcasts(Switch::decode(&mut fields)?),
            58 => Self::VirtualKeypad(Switch::decode(&mut fields)?),
            60 => Self::Panic(decode_panic(&mut fields)?),
            70 => Self::Key(Key::new(fields.byte()?).ok_or_else(|| fields.error("key"))?),
            71 => Self::KeyString {
                partition: fields.partition()?,
                keys: Keys::new(fields.rest()).ok_or_else(|| fields.error("keys"))?,
            },
            72 => Self::OpenUsersMenu(fields.partition()?),
            73 => Self::OpenFunctionsMenu(fields.partition()?),
            74 => Self::KeepMenuOpen(fields.partition()?),
            80 => match transport {
                Transport::Envisalink => Self::RequestTemperature,
                Transport::It100 => {
                    Self::SetBaud(Baud::from_digit(fields.decimal(1, "baud")?).ok_or_else(|| fields.error("baud"))?)
                }
            },
            95 => Self::BeginThermostat(fields.small(1, "thermostat")?),
            96 => ThermostatChange::decode(&mut fields)?,
            97 => Self::EndThermostat(fields.small(1, "thermostat")?),
            200 => Self::SendCode(AccessCode::new(fields.digits(4..=7)?)),
            _ => return Ok(Self::Unknown(frame.clone())),
        };
        fields.end(command)
    }
}

impl Switch {
    fn encode(self) -> Vec<u8> {
        vec![if self == Self::On { b'1' } else { b'0' }]
    }

    fn decode(fields: &mut Fields<'_>) -> Result<Self, MessageError> {
        match fields.byte()? {
            b'0' => Ok(Self::Off),
            b'1' => Ok(Self::On),
            _ => Err(fields.error("switch")),
        }
    }
}

impl ThermostatChange {
    fn encode(self, thermostat: u8, heat: bool) -> Vec<u8> {
        let side = if heat { 'H' } else { 'C' };
        match self {
            Self::Up => format!("{thermostat}{side}+000"),
            Self::Down => format!("{thermostat}{side}-000"),
            Self::Set(value) => format!("{thermostat}{side}={value:03}"),
        }
        .into_bytes()
    }

    fn decode(fields: &mut Fields<'_>) -> Result<ModuleCommand, MessageError> {
        let thermostat = fields.small(1, "thermostat")?;
        let heat = match fields.byte()? {
            b'H' => true,
            b'C' => false,
            _ => return Err(fields.error("side")),
        };
        let sign = fields.byte()?;
        let value = fields.decimal(3, "value")?;
        let change = match sign {
            b'+' => Self::Up,
            b'-' => Self::Down,
            b'=' => Self::Set(value),
            _ => return Err(fields.error("change")),
        };
        Ok(ModuleCommand::SetThermostat { thermostat, heat, change })
    }
}

fn panic_digit(key: PanicKey) -> u8 {
    match key {
        PanicKey::Fire => b'1',
        PanicKey::Medical => b'2',
        PanicKey::Police => b'3',
    }
}

fn decode_panic(fields: &mut Fields<'_>) -> Result<PanicKey, MessageError> {
    match fields.byte()? {
        b'1' => Ok(PanicKey::Fire),
        b'2' => Ok(PanicKey::Medical),
        b'3' => Ok(PanicKey::Police),
        _ => Err(fields.error("key")),
    }
}
