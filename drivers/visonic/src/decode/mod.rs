//! `panelgate decode visonic`: one line of a capture in, one JSON object out.

mod b0;

use panel_driver::{DecodeOptions, Decoded, Direction};
use panel_model::PanelEvent;
use serde_json::{Map, Value, json};

use crate::codec::{Checksum, Frame};
use crate::map::map_event;
use crate::message::{
    ArmCommand, ClassIndex, ClockTime, Device, EventCode, EventPairs, Form, HostMessage, LogRow, MASK, MessageError,
    OutputCommand, PanelMessage, StatusPart, WireCode, bits,
};
use crate::model::{Family, Model, zone_type, zone_type_of_a6};

use b0::b0_row;

/// Decodes one line: a frame as hex bytes, after an optional `<` (from the panel) or `>`. `None`: the line is empty
/// or a comment.
///
/// The object has `ok`, and `kind`, `fields` and (for messages that are events) `event`, or `error`. Without a
/// direction the likelier one is taken. Devices are named as each family counts them.
#[must_use]
pub fn decode(line: &str, options: DecodeOptions) -> Option<Decoded> {
    let (direction, content) = direction(line.split('#').next().unwrap_or_default().trim());
    if content.is_empty() {
        return None;
    }
    let Some(bytes) = hex_bytes(content) else {
        return Some(json!({ "ok": false, "error": "write a frame as hex bytes, such as 0D 02 FD 0A" }));
    };
    Some(match Frame::parse(&bytes) {
        Ok(frame) => decode_frame(&frame, direction, options),
        Err(error) => json!({ "ok": false, "error": error.to_string() }),
    })
}

fn direction(line: &str) -> (Option<Direction>, &str) {
    match (line.strip_prefix('<'), line.strip_prefix('>')) {
        (Some(rest), _) => (Some(Direction::FromPanel), rest.trim_start()),
        (_, Some(rest)) => (Some(Direction::ToPanel), rest.trim_start()),
        _ => (None, line),
    }
}

fn hex_bytes(content: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = content.bytes().filter(|b| !matches!(b, b' ' | b':' | b'-')).collect();
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// Types that only hosts send.
fn natural(frame: &Frame) -> Direction {
    match frame.payload() {
        [0x09 | 0x0A | 0x24 | 0x3D | 0x3E | 0x46 | 0x5A | 0xA1 | 0xA2 | 0xA4 | 0xAA | 0xE1, ..] => Direction::ToPanel,
        [0xB0, 0x00 | 0x01 | 0x04, ..] => Direction::ToPanel,
        _ => Direction::FromPanel,
    }
}

fn decode_frame(frame: &Frame, direction: Option<Direction>, options: DecodeOptions) -> Value {
    let show = Show(options);
    let read = match direction.unwrap_or_else(|| natural(frame)) {
        Direction::ToPanel => HostMessage::decode(frame).map(|message| host(&message, frame, show)),
        Direction::FromPanel => PanelMessage::decode(frame).map(|message| panel(&message, frame, show)),
    };
    match read {
        Ok(Row { kind, mut fields, event }) => {
            match frame.checksum() {
                Checksum::Plain => {}
                Checksum::PlusOne => drop(fields.insert("checksum".into(), "plus_one".into())),
                Checksum::MinusOne => drop(fields.insert("checksum".into(), "minus_one".into())),
                Checksum::Unchecked => drop(fields.insert("checksum".into(), "unchecked".into())),
            }
            let mut object = Map::new();
            object.insert("ok".into(), true.into());
            object.insert("kind".into(), kind.into());
            object.insert("fields".into(), fields.into());
            if let Some(event) = event {
                object.insert("event".into(), event);
            }
            object.into()
        }
        Err(error) => failed(error),
    }
}

fn failed(error: MessageError) -> Value {
    json!({ "ok": false, "error": error.to_string() })
}

/// What is printed of one message.
struct Row {
    kind: &'static str,
    fields: Map<String, Value>,
    event: Option<Value>,
}

impl Row {
    fn new(kind: &'static str, fields: Value) -> Self {
        let fields = match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        Self { kind, fields, event: None }
    }
}

#[derive(Clone, Copy)]
struct Show(DecodeOptions);

impl Show {
    fn code(self, code: &WireCode) -> Value {
        match (code.is_none(), self.0.show_codes) {
            (true, _) => Value::Null,
            (false, true) => code.digits().into(),
            (false, false) => MASK.into(),
        }
    }

    fn bytes(self, bytes: &[u8]) -> Value {
        if self.0.show_codes { hex(bytes).into() } else { MASK.into() }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}

fn address(address: u16) -> Value {
    format!("{address:04X}").into()
}

fn numbers(mask: &[u8]) -> Value {
    bits(mask).collect::<Vec<_>>().into()
}

fn time(time: ClockTime) -> Value {
    let ClockTime { second, minute, hour, day, month, year } = time;
    format!("20{year:02}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}").into()
}

fn form(form: Form) -> Value {
    json!({ "powerlink": form == Form::PowerLink })
}

fn host(message: &HostMessage, frame: &Frame, show: Show) -> Row {
    use HostMessage as M;
    let fields = match message {
        M::Ack(of) => form(*of),
        M::EnterDownload(code) | M::EventLog(code) | M::Enrol(code) => json!({ "code": show.code(code) }),
        M::ReadEeprom { address: at, length } | M::ReadSecondMemory { address: at, length } => {
            json!({ "address": address(*at), "length": length })
        }
        M::SetClock(clock) => json!({ "time": time(*clock) }),
        M::Arm { command, code, partitions } => json!({
            "command": arm_name(*command),
            "code": show.code(code),
            "partitions": numbers(&[*partitions]),
        }),
        M::GetStatus(mask) => json!({ "parts": numbers(&[*mask]) }),
        M::Output { command, devices } => json!({
            "command": output_name(*command),
            "pgm": devices & 1 != 0,
            "x10": numbers(&(devices >> 1).to_le_bytes()),
        }),
        M::Bypass { code, bypass, unbypass } => json!({
            "code": show.code(code),
            "bypass": numbers(&bypass.to_le_bytes()),
            "unbypass": numbers(&unbypass.to_le_bytes()),
        }),
        M::ImageFeedback(body) => json!({ "body": hex(body) }),
        M::Image(body) => json!({ "body": hex(body) }),
        M::B0(b0) => return b0_row(b0, show),
        M::Bridge { command, parameter } => json!({ "command": command, "parameter": parameter }),
        M::Unknown(payload) => json!({ "type": format!("{:02X}", frame.kind()), "payload": show.bytes(payload) }),
        _ => Value::Null,
    };
    Row::new(message.name(), fields)
}

fn arm_name(command: ArmCommand) -> String {
    match command {
        ArmCommand::Disarm => "disarm".into(),
        ArmCommand::Home => "home".into(),
        ArmCommand::Away => "away".into(),
        ArmCommand::UserTest => "user_test".into(),
        ArmCommand::MuteSiren => "mute_siren".into(),
        ArmCommand::HomeInstant => "home_instant".into(),
        ArmCommand::AwayInstant => "away_instant".into(),
        ArmCommand::Other(byte) => format!("{byte:02X}"),
    }
}

fn output_name(command: OutputCommand) -> String {
    match command {
        OutputCommand::Off => "off".into(),
        OutputCommand::On => "on".into(),
        OutputCommand::Dim => "dim".into(),
        OutputCommand::Brighten => "brighten".into(),
        OutputCommand::Other(byte) => format!("{byte:02X}"),
    }
}

fn panel(message: &PanelMessage, frame: &Frame, show: Show) -> Row {
    use PanelMessage as M;
    let fields = match message {
        M::Ack(of) | M::Denied(of) => form(*of),
        M::Short(kind) => json!({ "type": format!("{kind:02X}") }),
        M::OldPanelInfo(body) => json!({ "body": hex(body) }),
        M::NotReady { delay, .. } => json!({ "delay": delay }),
        M::Row { address: at, data } => json!({ "address": address(*at), "data": show.bytes(data) }),
        M::PanelInfo { model, panel_type } => json!({
            "type": panel_type,
            "name": Model::of(*panel_type).name,
            "model": format!("{model:02X}"),
        }),
        M::Block { address: at, announced, data } => json!({
            "address": address(*at),
            "announced": announced,
            "length": data.len(),
            "data": show.bytes(data),
        }),
        M::Log(row) => log(*row),
        M::ZoneNames { total, row, names } => {
            json!({ "total": total, "row": row, "names": names.map(|index| index & 0x1F) })
        }
        M::Status { total, part, data } => status(*total, StatusPart::of(*part, *data)),
        M::ZoneTypes { total, row, types } => {
            json!({ "total": total, "row": row, "types": types.map(|byte| zone_type(zone_type_of_a6(byte))) })
        }
        M::Events(pairs) => return events(message.name(), *pairs),
        M::Clock(clock) => json!({ "time": time(*clock) }),
        M::Alive { interval, version } => json!({ "interval": interval, "version": version.text() }),
        M::Phone(state) => json!({ "state": state }),
        M::CodeAnnounced(code) => json!({ "code": show.code(code) }),
        M::ImageFeedback(body) => json!({ "body": hex(body) }),
        M::B0(b0) => return b0_row(b0, show),
        M::F1(rest) => json!({ "body": hex(rest) }),
        M::Image(rest) => json!({ "length": rest.len() }),
        M::Unknown(payload) => json!({ "type": format!("{:02X}", frame.kind()), "payload": show.bytes(payload) }),
        M::TimedOut | M::EndOfDump | M::DownloadEnded | M::Restored | M::EnrolRequest => Value::Null,
    };
    Row::new(message.name(), fields)
}

fn log(row: LogRow) -> Value {
    let (clock, device, event) = row.as_powermax();
    let (seconds, other_device, other_event) = row.as_powermaster();
    json!({
        "index": row.index,
        "total": row.total,
        "powermax": {
            "time": time(clock),
            "device": Device::of(Family::PowerMax, device).name(),
            "event": EventCode(event).name(),
        },
        "powermaster": {
            "local_seconds": seconds,
            "device": Device::of(Family::PowerMaster, other_device).name(),
            "event": EventCode(other_event).name(),
        },
    })
}

fn status(total: u8, part: StatusPart) -> Value {
    let (number, _) = part.bytes();
    let mut fields = match part {
        StatusPart::Alarms { alarm, tamper_memory } => {
            json!({ "alarm": numbers(&alarm.to_le_bytes()), "tamper_memory": numbers(&tamper_memory.to_le_bytes()) })
        }
        StatusPart::Open { open, low_battery } => {
            json!({ "open": numbers(&open.to_le_bytes()), "low_battery": numbers(&low_battery.to_le_bytes()) })
        }
        StatusPart::Tamper { inactive, tamper } => {
            json!({ "inactive": numbers(&inactive.to_le_bytes()), "tamper": numbers(&tamper.to_le_bytes()) })
        }
        StatusPart::System { status, flags, zone, event, outputs, .. } => json!({
            "status": status.name(),
            "flags": flags.names().collect::<Vec<_>>(),
            "zone": zone,
            "zone_event": event.name(),
            "pgm": outputs & 1 != 0,
        }),
        StatusPart::Enrolled { enrolled, bypassed } => {
            json!({ "enrolled": numbers(&enrolled.to_le_bytes()), "bypassed": numbers(&bypassed.to_le_bytes()) })
        }
        StatusPart::Other(_, data) => json!({ "data": hex(&data) }),
    };
    if let Value::Object(fields) = &mut fields {
        fields.insert("part".into(), number.into());
        fields.insert("total".into(), total.into());
    }
    fields
}

fn events(kind: &'static str, pairs: EventPairs) -> Row {
    let one = |device: u8, event: u8| {
        json!({
            "event": EventCode(event).name(),
            "powermax": Device::of(Family::PowerMax, device).name(),
            "powermaster": Device::of(Family::PowerMaster, device).name(),
        })
    };
    let mut row = match pairs.unreliable() {
        Some(found) => {
            let mut row = Row::new(
                kind,
                json!({
                    "reliable": false,
                    "counter": pairs.head,
                    "device": Device::of(Family::PowerMaster, found.device).name(),
                    "code": EventCode(found.event).name(),
                    "partition": found.partition,
                    "valid": found.validity == 0xFF,
                    "second": EventCode(found.second_event).name(),
                    "class": ClassIndex(found.class).name(),
                    "class_index": u16::from(found.class_index) + 1,
                }),
            );
            if found.validity == 0xFF {
                row.event = event_of(found.event, found.device);
            }
            return row;
        }
        None => Row::new(
            kind,
            json!({ "events": pairs.pairs().map(|(device, event)| one(device, event)).collect::<Vec<_>>() }),
        ),
    };
    row.event = pairs.pairs().next().and_then(|(device, event)| event_of(event, device));
    row
}

/// The neutral event of a code. Where the families count its device differently, its kind alone.
fn event_of(code: u8, device: u8) -> Option<Value> {
    let of = |family| map_event(EventCode(code), Device::of(family, device)).0;
    match (of(Family::PowerMax)?, of(Family::PowerMaster)?) {
        (one, other) if one == other => Some(event_json(&one)),
        (one, other) => (one.kind == other.kind).then(|| json!({ "kind": one.kind.name() })),
    }
}

fn event_json(event: &PanelEvent) -> Value {
    let mut object = Map::new();
    object.insert("kind".into(), event.kind.name().into());
    let fields = [
        ("zone", event.zone.map(|zone| json!(zone))),
        ("slot", event.slot.map(|slot| json!(slot))),
        ("trouble", event.trouble.map(|trouble| json!(trouble))),
        ("text", event.text.as_ref().map(|text| json!(text))),
    ];
    object.extend(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    object.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Value {
        decode(text, DecodeOptions::default()).expect("a line")
    }

    #[test]
    fn comments_and_empty_lines_are_nothing() {
        for text in ["", "  ", "# a comment", "<", " # 0D 02 FD 0A"] {
            assert_eq!(decode(text, DecodeOptions::default()), None, "{text:?}");
        }
    }

    #[test]
    fn codes_are_masked_unless_asked_for() {
        let text = "> 0D A1 00 00 05 12 34 07 00 00 00 00 43 C8 0A # arm";
        assert_eq!(line(text)["fields"]["code"], MASK);
        let shown = decode(text, DecodeOptions { show_codes: true }).expect("a line");
        assert_eq!(shown["fields"]["code"], "1234");
        assert_eq!(shown["fields"]["partitions"], json!([1, 2, 3]));
    }

    #[test]
    fn events_say_the_neutral_word() {
        let found = line("< 0D A7 01 00 00 2B 01 FF 00 01 00 00 43 E6 0A");
        assert_eq!(found["event"], json!({ "kind": "trouble", "trouble": { "kind": "ac_lost" } }));
        // Device 1F is a key fob of a PowerMax and a zone of a PowerMaster.
        let found = line("< 0D A7 01 00 1F 52 01 FF 00 01 00 00 43 A0 0A");
        assert_eq!((&found["kind"], &found["event"]["kind"]), (&json!("events"), &json!("closing_special")));
        assert_eq!(found["fields"]["events"][0]["powermax"], "keyfob 1");
    }

    #[test]
    fn what_is_wrong_or_unknown_is_said() {
        assert_eq!(line("0D 02 FE FE 0A")["ok"], false);
        assert_eq!(line("hello")["ok"], false);
        assert_eq!(line("0D02FD0A 0D02FD0A")["ok"], false, "one frame a line");
        let payload = vec![0x77, 1, 2, 3];
        let unknown = hex(&Frame::new(payload).encode());
        assert_eq!(line(&unknown)["kind"], "unknown");
    }

    #[test]
    fn the_other_checksum_is_told() {
        assert_eq!(line("> 0D AB 06 00 00 00 00 00 00 00 00 00 43 0C 0A")["fields"]["checksum"], "plus_one");
        assert_eq!(line("> 0D AB 06 00 00 00 00 00 00 00 00 00 43 0B 0A")["fields"], json!({}));
    }
}
