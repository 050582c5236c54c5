use panel_model::{Partition, Slot, Zone};

use super::command::Baud;
use super::fields::Fields;
use super::notice::{PartitionNotice, SystemNotice, ZoneAlarmNotice, ZoneNotice};
use super::text::Text;
use super::{MessageError, Transport};
use crate::codec::{Frame, Number, hex};

/// What a module sends. Section 2.2 of the sources in the README; [doc TPI 3.3].
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the model's own types or said in their types")]
pub enum ModuleMessage {
    /// 500: the module took the command of that number. Says nothing about the panel.
    Ack(Number),
    /// 501: bad checksum, or a key string that is too long.
    ChecksumError,
    /// 502.
    SystemError(ErrorCode),
    /// 505, Envisalink.
    Login(LoginState),
    /// 510, Envisalink: keypad lights of partition 1.
    Lights(Lights),
    /// 511, Envisalink: lights that flash; they override 510.
    LightsFlashing(Lights),
    /// 550.
    Time(PanelTime),
    /// 560; an IT-100 tells the time.
    PhoneRing(Option<PanelTime>),
    /// 561, 562: degrees.
    Temperature { sensor: Sensor, thermostat: u8, degrees: i16 },
    /// 563.
    SetPoints { thermostat: u8, cool: u16, heat: u16 },
    /// 570: label number (zones 001-064, partitions 101-108, outputs 120-151) and its two lines of 16.
    Label { number: u16, text: Text },
    /// 580: sent at the old speed.
    BaudSet(Baud),
    /// About the system.
    System(SystemNotice),
    /// About a partition.
    Partition(PartitionNotice, Partition),
    /// About a zone.
    Zone(ZoneNotice, Zone),
    /// About a zone in a partition.
    ZoneAlarm(ZoneAlarmNotice, Partition, Zone),
    /// 615: one value per zone, see [`ModuleMessage::seconds_since_closed`].
    ZoneTimers(Vec<u16>),
    /// 616: the zones that are bypassed.
    Bypassed(Vec<u8>),
    /// 620.
    Duress,
    /// 652; a PC5401 may leave the mode out.
    Armed { partition: Partition, mode: Option<PlainArmMode> },
    /// 700; `None` is user 0000.
    UserClosing { partition: Partition, slot: Option<Slot> },
    /// 750; `None` is user 0000.
    UserOpening { partition: Partition, slot: Option<Slot> },
    /// 825 to 828: batteries of key fobs and handheld keypads, by device number.
    DeviceBattery { device: BatteryDevice, low: bool, number: u16 },
    /// 849: trouble bits.
    VerboseTrouble(u8),
    /// 900; an IT-100 tells partition and code length (4 or 6).
    CodeRequired(Option<(Partition, u8)>),
    /// 901: line 0 or 1, column 0 to 15, text that may run on into line 1.
    Screen { line: u8, column: u8, text: Text },
    /// 902.
    Cursor { style: CursorStyle, line: u8, column: u8 },
    /// 903.
    Led { led: Led, state: LedState },
    /// 904, 905, 906.
    Beeper(Beeper),
    /// 908.
    Version { version: u8, sub: u8, spare: u8 },
    /// 912: output 1 to 4 was activated.
    OutputPressed { partition: Partition, output: u8 },
    /// Anything else.
    Unknown(Frame),
}

/// The three digits of 502.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorCode(pub u16);

/// Answers of 505.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum LoginState {
    Refused,
    Accepted,
    TimedOut,
    PasswordWanted,
}

/// The eight lights of a keypad, bit by bit as in 510 and 511.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lights(pub u8);

impl Lights {
    /// Ready.
    pub const READY: Self = Self(0x01);
    /// Armed.
    pub const ARMED: Self = Self(0x02);
    /// Alarm memory.
    pub const MEMORY: Self = Self(0x04);
    /// Bypass.
    pub const BYPASS: Self = Self(0x08);
    /// Trouble.
    pub const TROUBLE: Self = Self(0x10);
    /// Programming.
    pub const PROGRAM: Self = Self(0x20);
    /// Fire.
    pub const FIRE: Self = Self(0x40);
    /// Backlight.
    pub const BACKLIGHT: Self = Self(0x80);

    /// Whether all of these lights are on.
    #[must_use]
    pub fn has(self, lights: Self) -> bool {
        self.0 & lights.0 == lights.0
    }
}

/// Local time on the panel's clock; the year has two digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct PanelTime {
    pub hour: u8,
    pub minute: u8,
    pub month: u8,
    pub day: u8,
    pub year: u8,
}

/// Where a temperature was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Sensor {
    Indoor,
    Outdoor,
}

/// The mode digit of 652.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum PlainArmMode {
    Away,
    Stay,
    AwayNoEntry,
    StayNoEntry,
}

/// Whose battery 825 to 828 are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum BatteryDevice {
    Keyfob,
    Keypad,
}

/// How the cursor looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum CursorStyle {
    Off,
    Underscore,
    Block,
}

/// Lights of the virtual keypad in the order of their digits, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Led {
    Ready,
    Armed,
    Memory,
    Bypass,
    Trouble,
    Program,
    Fire,
    Backlight,
    Ac,
}

impl Led {
    /// All; the position plus one is the digit on the wire.
    pub const ALL: [Self; 9] = [
        Self::Ready,
        Self::Armed,
        Self::Memory,
        Self::Bypass,
        Self::Trouble,
        Self::Program,
        Self::Fire,
        Self::Backlight,
        Self::Ac,
    ];
}

/// What a light of the virtual keypad does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum LedState {
    Off,
    On,
    Flashing,
}

/// What the virtual keypad's beeper does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Beeper {
    /// 904: so many beeps.
    Beeps(u8),
    /// 905: constant or not, beeps per burst, seconds between bursts.
    Tone { constant: bool, beeps: u8, interval: u8 },
    /// 906: one long tone, seconds. The sound of a refusal.
    Buzzer(u8),
}

impl ModuleMessage {
    /// Age of a zone timer's value in seconds: `FFFF` is open now, `0000` is long ago or never [doc TPI 3.3].
    #[must_use]
    pub fn seconds_since_closed(value: u16) -> Option<u32> {
        (value != 0).then(|| u32::from(u16::MAX - value) * 5)
    }

    /// The number on the wire.
    #[must_use]
    pub fn number(&self) -> Number {
        let value = match self {
            Self::Ack(_) => 500,
            Self::ChecksumError => 501,
            Self::SystemError(_) => 502,
            Self::Login(_) => 505,
            Self::Lights(_) => 510,
            Self::LightsFlashing(_) => 511,
            Self::Time(_) => 550,
            Self::PhoneRing(_) => 560,
            Self::Temperature { sensor: Sensor::Indoor, .. } => 561,
            Self::Temperature { sensor: Sensor::Outdoor, .. } => 562,
            Self::SetPoints { .. } => 563,
            Self::Label { .. } => 570,
            Self::BaudSet(_) => 580,
            Self::System(notice) => return notice.number(),
            Self::Partition(notice, _) => return notice.number(),
            Self::Zone(notice, _) => return notice.number(),
            Self::ZoneAlarm(notice, ..) => return notice.number(),
            Self::ZoneTimers(_) => 615,
            Self::Bypassed(_) => 616,
            Self::Duress => 620,
            Self::Armed { .. } => 652,
            Self::UserClosing { .. } => 700,
            Self::UserOpening { .. } => 750,
            Self::DeviceBattery { device: BatteryDevice::Keyfob, low: true, .. } => 825,
            Self::DeviceBattery { device: BatteryDevice::Keyfob, low: false, .. } => 826,
            Self::DeviceBattery { device: BatteryDevice::Keypad, low: true, .. } => 827,
            Self::DeviceBattery { device: BatteryDevice::Keypad, low: false, .. } => 828,
            Self::VerboseTrouble(_) => 849,
            Self::CodeRequired(_) => 900,
            Self::Screen { .. } => 901,
            Self::Cursor { .. } => 902,
            Self::Led { .. } => 903,
            Self::Beeper(Beeper::Beeps(_)) => 904,
            Self::Beeper(Beeper::Tone { .. }) => 905,
            Self::Beeper(Beeper::Buzzer(_)) => 906,
            Self::Version { .. } => 908,
            Self::OutputPressed { .. } => 912,
            Self::Unknown(frame) => return frame.number(),
        };
        Number::new(value).unwrap_or(const { Number::fixed(0) })
    }

    /// The frame to send.
    #[must_use]
    pub fn encode(&self) -> Frame {
        let data = match self {
            Self::ChecksumError | Self::System(_) | Self::PhoneRing(None) | Self::CodeRequired(None) => Vec::new(),
            Self::Ack(number) => number.digits().to_vec(),
            Self::SystemError(error) => format!("{:03}", error.0).into_bytes(),
            Self::Login(state) => vec![b'0' + *state as u8],
            Self::Lights(lights) | Self::LightsFlashing(lights) => hex(lights.0).to_vec(),
            Self::Time(time) | Self::PhoneRing(Some(time)) => time.encode(),
            Self::Temperature { thermostat, degrees, .. } => {
                // Sign and magnitude: 128 and more is below zero [doc TPI 3.3, wording].
                let value = if *degrees < 0 { 128 + degrees.unsigned_abs() } else { degrees.unsigned_abs() };
                format!("{thermostat}{value:03}").into_bytes()
            }
            Self::SetPoints { thermostat, cool, heat } => format!("{thermostat}{cool:03}{heat:03}").into_bytes(),
            Self::Label { number, text } => [format!("{number:03}").as_bytes(), text.bytes()].concat(),
            Self::BaudSet(baud) => vec![baud.digit()],
            Self::Partition(_, partition) => partition.to_string().into_bytes(),
            Self::Zone(_, zone) => format!("{:03}", zone.number()).into_bytes(),
            Self::ZoneAlarm(_, partition, zone) => format!("{partition}{:03}", zone.number()).into_bytes(),
            Self::ZoneTimers(timers) => timers.iter().flat_map(|value| value.to_le_bytes()).flat_map(hex).collect(),
            Self::Bypassed(bytes) => bytes.iter().copied().flat_map(hex).collect(),
            Self::Duress => b"0000".to_vec(),
            Self::Armed { partition, mode: None } => partition.to_string().into_bytes(),
            Self::Armed { partition, mode: Some(mode) } => format!("{partition}{}", *mode as u8).into_bytes(),
            Self::UserClosing { partition, slot } | Self::UserOpening { partition, slot } => {
                format!("{partition}{:04}", slot.map_or(0, Slot::number)).into_bytes()
            }
            Self::DeviceBattery { number, .. } => format!("{number:03}").into_bytes(),
            Self::VerboseTrouble(bits) => hex(*bits).to_vec(),
            Self::CodeRequired(Some((partition, length))) => format!("{partition}{length}").into_bytes(),
            Self::Screen { line, column, text } => {
                [format!("{line}{column:02}{:02}", text.bytes().len()).as_bytes(), text.bytes()].concat()
            }
            Self::Cursor { style, line, column } => format!("{}{line}{column:02}", *style as u8).into_bytes(),
            Self::Led { led, state } => format!("{}{}", *led as u8 + 1, *state as u8).into_bytes(),
            Self::Beeper(Beeper::Beeps(count)) => format!("{count:03}").into_bytes(),
            Self::Beeper(Beeper::Tone { constant, beeps, interval }) => {
                format!("{}{beeps}{interval:02}", u8::from(*constant)).into_bytes()
            }
            Self::Beeper(Beeper::Buzzer(seconds)) => format!("{seconds:03}").into_bytes(),
            Self::Version { version, sub, spare } => format!("{version:02}{sub:02}{spare:02}").into_bytes(),
            Self::OutputPressed { partition, output } => format!("{partition}{output}").into_bytes(),
            Self::Unknown(frame) => return frame.clone(),
        };
        Frame::new(self.number(), data)
    }

    /// What the module sent.
    ///
    /// # Errors
    /// [`MessageError`] if the number is known and its data does not fit. Unknown numbers are
    /// [`ModuleMessage::Unknown`].
    pub fn decode(frame: &Frame, transport: Transport) -> Result<Self, MessageError> {
        let mut fields = Fields::of(frame);
        let number = frame.number();
        let message = match number.value() {
            500 => Self::Ack(fields.number("command")?),
            501 => Self::ChecksumError,
            502 => Self::SystemError(ErrorCode(fields.decimal(3, "error")?)),
            505 => Self::Login(decode_login(&mut fields)?),
            510 => Self::Lights(Lights(fields.hex_byte("lights")?)),
            511 => Self::LightsFlashing(Lights(fields.hex_byte("lights")?)),
            550 => Self::Time(PanelTime::decode(&mut fields)?),
            560 if fields.is_empty() => Self::PhoneRing(None),
            560 => Self::PhoneRing(Some(PanelTime::decode(&mut fields)?)),
            561 => decode_temperature(Sensor::Indoor, &mut fields)?,
            562 => decode_temperature(Sensor::Outdoor, &mut fields)?,
            563 => Self::SetPoints {
                thermostat: fields.small(1, "thermostat")?,
                cool: fields.decimal(3, "cool")?,
                heat: fields.decimal(3, "heat")?,
            },
            570 => decode_label(&mut fields)?,
            580 => Self::BaudSet(Baud::from_digit(fields.decimal(1, "baud")?).ok_or_else(|| fields.error("baud"))?),
            615 => Self::ZoneTimers(decode_timers(&mut fields)?),
            616 => Self::Bypassed(decode_hex(&mut fields)?),
            620 => decode_duress(&mut fields)?,
            652 => Self::Armed { partition: fields.partition()?, mode: decode_mode(&mut fields)? },
            700 => Self::UserClosing { partition: fields.partition()?, slot: fields.slot()? },
            750 => Self::UserOpening { partition: fields.partition()?, slot: fields.slot()? },
            825..=828 => decode_device_battery(number, &mut fields)?,
            849 => Self::VerboseTrouble(fields.hex_byte("troubles")?),
            900 if fields.is_empty() => Self::CodeRequired(None),
            900 => Self::CodeRequired(Some((fields.partition()?, fields.small(1, "length")?))),
            901 => decode_screen(&mut fields)?,
            902 => decode_cursor(&mut fields)?,
            903 => decode_led(&mut fields)?,
            904 => Self::Beeper(Beeper::Beeps(fields.small(3, "beeps")?)),
            905 => Self::Beeper(Beeper::Tone {
                constant: fields.small(1, "constant")? == 1,
                beeps: fields.small(1, "beeps")?,
                interval: fields.small(2, "interval")?,
            }),
            906 => Self::Beeper(Beeper::Buzzer(fields.small(3, "seconds")?)),
            908 => Self::Version {
                version: fields.small(2, "version")?,
                sub: fields.small(2, "sub")?,
                spare: fields.small(2, "spare")?,
            },
            912 => Self::OutputPressed { partition: fields.partition()?, output: fields.small(1, "output")? },
            _ => return decode_notice(frame, fields, transport),
        };
        fields.end(message)
    }
}

fn decode_notice(frame: &Frame, mut fields: Fields<'_>, transport: Transport) -> Result<ModuleMessage, MessageError> {
    let number = frame.number();
    let message = if let Some(notice) = SystemNotice::of(number, transport) {
        ModuleMessage::System(notice)
    } else if let Some(notice) = PartitionNotice::of(number, transport) {
        ModuleMessage::Partition(notice, fields.partition()?)
    } else if let Some(notice) = ZoneNotice::of(number, transport) {
        ModuleMessage::Zone(notice, fields.zone()?)
    } else if let Some(notice) = ZoneAlarmNotice::of(number, transport) {
        ModuleMessage::ZoneAlarm(notice, fields.partition()?, fields.zone()?)
    } else {
        return Ok(ModuleMessage::Unknown(frame.clone()));
    };
    fields.end(message)
}

fn decode_login(fields: &mut Fields<'_>) -> Result<LoginState, MessageError> {
    match fields.byte()? {
        b'0' => Ok(LoginState::Refused),
        b'1' => Ok(LoginState::Accepted),
        b'2' => Ok(LoginState::TimedOut),
        b'3' => Ok(LoginState::PasswordWanted),
        _ => Err(fields.error("state")),
    }
}

fn decode_temperature(sensor: Sensor, fields: &mut Fields<'_>) -> Result<ModuleMessage, MessageError> {
    let thermostat = fields.small(1, "thermostat")?;
    let value = i16::from(fields.small(3, "temperature")?);
    let degrees = if value < 128 { value } else { 128 - value };
    Ok(ModuleMessage::Temperature { sensor, thermostat, degrees })
}

fn decode_label(fields: &mut Fields<'_>) -> Result<ModuleMessage, MessageError> {
    let number = fields.decimal(3, "label")?;
    if fields.left() > 32 {
        return Err(fields.length_error());
    }
    Ok(ModuleMessage::Label { number, text: Text::from_wire(fields.rest()) })
}

fn decode_timers(fields: &mut Fields<'_>) -> Result<Vec<u16>, MessageError> {
    let bytes = decode_hex(fields)?;
    let pairs = bytes.chunks_exact(2);
    if pairs.remainder().is_empty() {
        Ok(pairs.filter_map(|pair| pair.first_chunk().copied()).map(u16::from_le_bytes).collect())
    } else {
        Err(fields.length_error())
    }
}

fn decode_hex(fields: &mut Fields<'_>) -> Result<Vec<u8>, MessageError> {
    let mut bytes = Vec::with_capacity(fields.left() / 2);
    while !fields.is_empty() {
        bytes.push(fields.hex_byte("bytes")?);
    }
    if bytes.is_empty() { Err(fields.length_error()) } else { Ok(bytes) }
}

fn decode_duress(fields: &mut Fields<'_>) -> Result<ModuleMessage, MessageError> {
    // Always 0000 [doc TPI]; were there a user in it, we could not tell what it means.
    fields.decimal(4, "user")?;
    Ok(ModuleMessage::Duress)
}

fn decode_mode(fields: &mut Fields<'_>) -> Result<Option<PlainArmMode>, MessageError> {
    if fields.is_empty() {
        return Ok(None);
    }
    match fields.byte()? {
        b'0' => Ok(Some(PlainArmMode::Away)),
        b'1' => Ok(Some(PlainArmMode::Stay)),
        b'2' => Ok(Some(PlainArmMode::AwayNoEntry)),
        b'3' => Ok(Some(PlainArmMode::StayNoEntry)),
        _ => Err(fields.error("mode")),
    }
}

fn decode_device_battery(number: Number, fields: &mut Fields<'_>) -> Result<ModuleMessage, MessageError> {
    let value = number.value();
    let device = if value < 827 { BatteryDevice::Keyfob } else { BatteryDevice::Keypad };
    // The width of the device number is not documented: one to three digits are taken.
    if !(1..=3).contains(&fields.left()) {
        return Err(fields.length_error());
    }
    let device_number = fields.decimal(fields.left(), "device")?;
    Ok(ModuleMessage::DeviceBattery { device, low: value % 2 == 1, number: device_number })
}

fn decode_screen(fields: &mut Fields<'_>) -> Result<ModuleMessage, MessageError> {
    let line = fields.small(1, "line")?;
    let column = fields.small(2, "column")?;
    let count = fields.small(2, "count")?;
    let fits = line <= 1 && column <= 15 && (1..=32).contains(&count) && 16 * line + column + count <= 32;
    if !fits {
        return Err(fields.error("position"));
    }
    Ok(ModuleMessage::Screen { line, column, text: Text::from_wire(fields.take(count.into())?) })
}

fn decode_cursor(fields: &mut Fields<'_>) -> Result<ModuleMessage, MessageError> {
    let style = match fields.byte()? {
        b'0' => CursorStyle::Off,
        b'1' => CursorStyle::Underscore,
        b'2' => CursorStyle::Block,
        _ => return Err(fields.error("style")),
    };
    let (line, column) = (fields.small(1, "line")?, fields.small(2, "column")?);
    if line > 1 || column > 15 {
        return Err(fields.error("position"));
    }
    Ok(ModuleMessage::Cursor { style, line, column })
}

fn decode_led(fields: &mut Fields<'_>) -> Result<ModuleMessage, MessageError> {
    let led = usize::from(fields.small(1, "led")?).checked_sub(1).and_then(|n| Led::ALL.get(n).copied());
    let state = match fields.byte()? {
        b'0' => LedState::Off,
        b'1' => LedState::On,
        b'2' => LedState::Flashing,
        _ => return Err(fields.error("state")),
    };
    Ok(ModuleMessage::Led { led: led.ok_or_else(|| fields.error("led"))?, state })
}

impl PanelTime {
    pub(super) fn encode(self) -> Vec<u8> {
        let Self { hour, minute, month, day, year } = self;
        format!("{hour:02}{minute:02}{month:02}{day:02}{year:02}").into_bytes()
    }

    pub(super) fn decode(fields: &mut Fields<'_>) -> Result<Self, MessageError> {
        let time = Self {
            hour: fields.small(2, "hour")?,
            minute: fields.small(2, "minute")?,
            month: fields.small(2, "month")?,
            day: fields.small(2, "day")?,
            year: fields.small(2, "year")?,
        };
        let valid =
            time.hour < 24 && time.minute < 60 && (1..=12).contains(&time.month) && (1..=31).contains(&time.day);
        if valid { Ok(time) } else { Err(fields.error("time")) }
    }
}
