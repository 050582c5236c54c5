//! `panelgate decode dsc`: one line of a capture in, one JSON object out.

use panel_driver::{DecodeOptions, Decoded};
use panel_model::PanelEvent;
use serde_json::{Map, Value, json};

use crate::codec::{ChecksumCase, Frame, FrameError};
use crate::map::{VERBOSE_TROUBLES, bypassed_zones, map_event};
use crate::message::{
    BatteryDevice, Beeper, Led, Lights, MASK, MessageError, ModuleCommand, ModuleMessage, PanelTime, QuickArm, Sensor,
    Switch, Text, ThermostatChange, Transport, may_show,
};

/// Numbers from here on come from the module; 200 and everything below 100 go to it.
const FROM_MODULE: u16 = 500;

/// Decodes one line: a frame as text or as hex bytes, after an optional `<` (from the module) or `>`. `None`: the
/// line is empty or a comment.
///
/// The object has `ok`, and `kind`, `fields` and (for messages that are events) `event`, or `error`. Where the two
/// modules mean different things by a number, `kind` is `depends_on_module` and `fields` has both readings.
#[must_use]
pub fn decode(line: &str, options: DecodeOptions) -> Option<Decoded> {
    let (direction, content) = direction(line.trim());
    if content.is_empty() || content.starts_with('#') {
        return None;
    }
    Some(match parse_commented(content) {
        Ok(frame) => decode_frame(&frame, direction, options),
        Err(error) => json!({ "ok": false, "error": error.to_string() }),
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    FromModule,
    ToModule,
}

fn direction(line: &str) -> (Option<Direction>, &str) {
    match line.strip_prefix('<') {
        Some(rest) => (Some(Direction::FromModule), rest.trim_start()),
        None => match line.strip_prefix('>') {
            Some(rest) => (Some(Direction::ToModule), rest.trim_start()),
            None => (None, line),
        },
    }
}

/// `#` is a key as well as the beginning of a comment: the longest part that is a frame counts.
fn parse_commented(content: &str) -> Result<Frame, FrameError> {
    let ends = content.match_indices('#').map(|(at, _)| at).rev();
    let prefixes = ends.filter_map(|at| content.get(..at)).map(str::trim_end);
    let found = std::iter::once(content).chain(prefixes).find_map(|part| parse(part).ok());
    found.map_or_else(|| parse(content.split(" #").next().unwrap_or(content).trim_end()), Ok)
}

/// Text first: a frame of digits is hex as well, and almost never a frame by accident.
fn parse(content: &str) -> Result<Frame, FrameError> {
    let as_text = Frame::parse_line(content.as_bytes(), ChecksumCase::Any);
    as_text.or_else(|error| {
        let bytes = hex_bytes(content).ok_or(error)?;
        let line = bytes.trim_ascii_end();
        Frame::parse_line(line, ChecksumCase::Any)
    })
}

fn hex_bytes(content: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = content.bytes().filter(|b| !matches!(b, b' ' | b':' | b'-')).collect();
    let pairs = digits.chunks_exact(2);
    if digits.is_empty() || !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn decode_frame(frame: &Frame, direction: Option<Direction>, options: DecodeOptions) -> Value {
    let natural = if frame.number().value() < FROM_MODULE { Direction::ToModule } else { Direction::FromModule };
    let read = |transport| match direction.unwrap_or(natural) {
        Direction::ToModule => ModuleCommand::decode(frame, transport).map(|c| command_json(&c, options)),
        Direction::FromModule => ModuleMessage::decode(frame, transport).map(|m| message_json(&m, options)),
    };
    match (read(Transport::Envisalink), read(Transport::It100)) {
        (Ok(one), Ok(other)) if one != other => json!({
            "ok": true,
            "kind": "depends_on_module",
            "fields": { "number": frame.number().to_string(), "envisalink": one, "it100": other },
        }),
        (Ok(Value::Object(mut fields)), _) | (Err(_), Ok(Value::Object(mut fields))) => {
            let mut object = Map::new();
            object.insert("ok".into(), true.into());
            object.append(&mut fields);
            Value::Object(object)
        }
        (Err(error), _) | (_, Err(error)) => failed(error),
        (Ok(other), _) => other,
    }
}

fn failed(error: MessageError) -> Value {
    json!({ "ok": false, "error": error.to_string() })
}

fn row(kind: &str, fields: Value) -> Value {
    json!({ "kind": kind, "fields": fields })
}

fn mask(secret: &str, options: DecodeOptions) -> Value {
    if options.show_codes { secret.into() } else { String::from_utf8_lossy(MASK).into() }
}

fn bytes_text(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect()
}

fn screen_text(text: &Text, options: DecodeOptions) -> Value {
    let shown = text.to_text();
    if may_show(text.bytes()) { shown.trim_end().into() } else { mask(&shown, options) }
}

fn switch(switch: Switch) -> Value {
    json!({ "on": switch == Switch::On })
}

fn time(time: PanelTime) -> Value {
    let PanelTime { hour, minute, month, day, year } = time;
    json!({ "time": format!("{hour:02}:{minute:02}"), "date": format!("20{year:02}-{month:02}-{day:02}") })
}

fn unknown(frame: &Frame, options: DecodeOptions) -> Value {
    // What an unknown command carries may be a code.
    let data = bytes_text(frame.data());
    let secret = frame.number().value() < FROM_MODULE;
    let data = if secret { mask(&data, options) } else { data.into() };
    row("unknown", json!({ "number": frame.number().to_string(), "data": data }))
}

fn command_json(command: &ModuleCommand, options: DecodeOptions) -> Value {
    use ModuleCommand as C;
    match command {
        C::Poll => row("poll", json!({})),
        C::StatusReport => row("status_report", json!({})),
        C::Labels => row("labels", json!({})),
        C::Login(password) => row("login", json!({ "password": mask(password.expose(), options) })),
        C::DumpZoneTimers => row("dump_zone_timers", json!({})),
        C::SetClock(t) => row("set_clock", time(*t)),
        C::Output { partition, output } => row("output", json!({ "partition": partition, "output": output })),
        C::Arm { partition, how } => {
            let mode = match how {
                QuickArm::Away => "away",
                QuickArm::Stay => "stay",
                QuickArm::NoEntryDelay => "away_no_entry",
            };
            row("arm", json!({ "partition": partition, "mode": mode }))
        }
        C::ArmWithCode { partition, code } => {
            row("arm_with_code", json!({ "partition": partition, "code": mask(code.expose(), options) }))
        }
        C::Disarm { partition, code } => {
            row("disarm", json!({ "partition": partition, "code": mask(code.expose(), options) }))
        }
        C::DescriptiveArming(s) => row("descriptive_arming", switch(*s)),
        C::Timestamps(s) => row("timestamps", switch(*s)),
        C::TimeBroadcasts(s) => row("time_broadcasts", switch(*s)),
        C::TemperatureBroadcasts(s) => row("temperature_broadcasts", switch(*s)),
        C::VirtualKeypad(s) => row("virtual_keypad", switch(*s)),
        C::Panic(key) => row("panic", json!({ "key": format!("{key:?}").to_lowercase() })),
        C::Key(key) => row("key", json!({ "key": mask(&char::from(key.expose()).to_string(), options) })),
        C::KeyString { partition, keys } => {
            let keys = bytes_text(keys.expose());
            row("key_string", json!({ "partition": partition, "keys": mask(&keys, options) }))
        }
        C::OpenUsersMenu(partition) => row("open_users_menu", json!({ "partition": partition })),
        C::OpenFunctionsMenu(partition) => row("open_functions_menu", json!({ "partition": partition })),
        C::KeepMenuOpen(partition) => row("keep_menu_open", json!({ "partition": partition })),
        C::RequestTemperature => row("request_temperature", json!({})),
        C::SetBaud(baud) => row("set_baud", json!({ "baud": baud.bits_per_second() })),
        C::BeginThermostat(t) => row("begin_thermostat", json!({ "thermostat": t })),
        C::EndThermostat(t) => row("end_thermostat", json!({ "thermostat": t })),
        C::SetThermostat { thermostat, heat, change } => {
            let change = match change {
                ThermostatChange::Up => json!("up"),
                ThermostatChange::Down => json!("down"),
                ThermostatChange::Set(value) => json!(value),
            };
            row("set_thermostat", json!({ "thermostat": thermostat, "heat": heat, "change": change }))
        }
        C::SendCode(code) => row("send_code", json!({ "code": mask(code.expose(), options) })),
        C::Unknown(frame) => unknown(frame, options),
    }
}

fn message_json(message: &ModuleMessage, options: DecodeOptions) -> Value {
    let mut object = message_row(message, options);
    if let (Some(event), Some(object)) = (map_event(message), object.as_object_mut()) {
        object.insert("event".into(), event_json(&event));
    }
    object
}

fn message_row(message: &ModuleMessage, options: DecodeOptions) -> Value {
    use ModuleMessage as M;
    match message {
        M::Ack(number) => row("ack", json!({ "command": number.to_string() })),
        M::ChecksumError => row("checksum_error", json!({})),
        M::SystemError(code) => {
            row("system_error", json!({ "code": format!("{:03}", code.0), "meaning": code.meaning() }))
        }
        M::Login(state) => row("login", json!({ "state": snake(&format!("{state:?}")) })),
        M::Lights(lights) => row("lights", json!({ "on": lights_json(*lights) })),
        M::LightsFlashing(lights) => row("lights_flashing", json!({ "flashing": lights_json(*lights) })),
        M::Time(t) => row("time", time(*t)),
        M::PhoneRing(t) => row("phone_ring", t.map_or(json!({}), time)),
        M::Temperature { sensor, thermostat, degrees } => {
            let sensor = if *sensor == Sensor::Indoor { "indoor" } else { "outdoor" };
            row("temperature", json!({ "sensor": sensor, "thermostat": thermostat, "degrees": degrees }))
        }
        M::SetPoints { thermostat, cool, heat } => {
            row("set_points", json!({ "thermostat": thermostat, "cool": cool, "heat": heat }))
        }
        M::Label { number, text } => row("label", json!({ "label": number, "text": text.to_text().trim_end() })),
        M::BaudSet(baud) => row("baud_set", json!({ "baud": baud.bits_per_second() })),
        M::System(notice) => row(notice.name(), json!({})),
        M::Partition(notice, partition) => row(notice.name(), json!({ "partition": partition })),
        M::Zone(notice, zone) => row(notice.name(), json!({ "zone": zone })),
        M::ZoneAlarm(notice, partition, zone) => row(notice.name(), json!({ "partition": partition, "zone": zone })),
        M::ZoneTimers(timers) => row("zone_timers", timers_json(timers)),
        M::Bypassed(field) => row("bypassed", json!({ "zones": bypassed_zones(field).collect::<Vec<_>>() })),
        M::Duress => row("duress", json!({})),
        M::Armed { partition, mode } => {
            let mode = mode.map(|mode| snake(&format!("{mode:?}")));
            row("armed", json!({ "partition": partition, "mode": mode }))
        }
        M::UserClosing { partition, slot } => row("user_closing", json!({ "partition": partition, "slot": slot })),
        M::UserOpening { partition, slot } => row("user_opening", json!({ "partition": partition, "slot": slot })),
        M::DeviceBattery { device, low, number } => {
            let kind = if *device == BatteryDevice::Keyfob { "keyfob_battery" } else { "keypad_battery" };
            row(kind, json!({ "low": low, "device": number }))
        }
        M::VerboseTrouble(bits) => {
            let kinds = VERBOSE_TROUBLES.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, kind)| json!(kind));
            row("verbose_trouble", json!({ "troubles": kinds.collect::<Vec<_>>() }))
        }
        M::CodeRequired(None) => row("code_required", json!({})),
        M::CodeRequired(Some((partition, length))) => {
            row("code_required", json!({ "partition": partition, "length": length }))
        }
        M::Screen { line, column, text } => {
            row("screen", json!({ "line": line, "column": column, "text": screen_text(text, options) }))
        }
        M::Cursor { style, line, column } => {
            let style = snake(&format!("{style:?}"));
            row("cursor", json!({ "style": style, "line": line, "column": column }))
        }
        M::Led { led, state } => row("led", json!({ "led": led_name(*led), "state": snake(&format!("{state:?}")) })),
        M::Beeper(Beeper::Beeps(count)) => row("beeps", json!({ "count": count })),
        M::Beeper(Beeper::Tone { constant, beeps, interval }) => {
            row("tone", json!({ "constant": constant, "beeps": beeps, "interval": interval }))
        }
        M::Beeper(Beeper::Buzzer(seconds)) => row("buzzer", json!({ "seconds": seconds })),
        M::Version { version, sub, spare } => row("version", json!({ "version": version, "sub": sub, "spare": spare })),
        M::OutputPressed { partition, output } => {
            row("output_pressed", json!({ "partition": partition, "output": output }))
        }
        M::Unknown(frame) => unknown(frame, options),
    }
}

fn timers_json(timers: &[u16]) -> Value {
    let zones = (1_u16..).zip(timers).filter(|(_, value)| **value != 0);
    let rows = zones.map(|(zone, value)| {
        json!({ "zone": zone, "open": *value == u16::MAX, "seconds": ModuleMessage::seconds_since_closed(*value) })
    });
    json!({ "zones": rows.collect::<Vec<_>>(), "count": timers.len() })
}

fn lights_json(lights: Lights) -> Vec<&'static str> {
    let names = [
        (Lights::READY, "ready"),
        (Lights::ARMED, "armed"),
        (Lights::MEMORY, "memory"),
        (Lights::BYPASS, "bypass"),
        (Lights::TROUBLE, "trouble"),
        (Lights::PROGRAM, "program"),
        (Lights::FIRE, "fire"),
        (Lights::BACKLIGHT, "backlight"),
    ];
    names.into_iter().filter(|(light, _)| lights.has(*light)).map(|(_, name)| name).collect()
}

fn led_name(led: Led) -> String {
    snake(&format!("{led:?}"))
}

/// `PasswordWanted` as `password_wanted`.
fn snake(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for (n, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && n > 0 {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

fn event_json(event: &PanelEvent) -> Value {
    let mut object = Map::new();
    object.insert("kind".into(), event.kind.name().into());
    let fields = [
        ("partition", event.partition.map(|p| json!(p))),
        ("zone", event.zone.map(|z| json!(z))),
        ("slot", event.slot.map(|s| json!(s))),
        ("output", event.output.map(|o| json!(o))),
        ("mode", event.mode.map(|m| json!(m))),
        ("trouble", event.trouble.map(|t| json!(t))),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            object.insert(name.into(), value);
        }
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(line: &str) -> Value {
        decode(line, DecodeOptions::default()).expect(line)
    }

    #[test]
    fn text_and_hex_mean_the_same() {
        let expected = json!({ "ok": true, "kind": "zone_open", "fields": { "zone": 3 },
            "event": { "kind": "zone_opened", "zone": 3 } });
        for line in
            ["60900332", "< 60900332", "<60900332  # front door", "36 30 39 30 30 33 33 32 0D 0A", "12:00:01 60900332"]
        {
            assert_eq!(decoded(line), expected, "{line}");
        }
    }

    #[test]
    fn comments_and_empty_lines_are_nothing() {
        for line in ["", "   ", "# 6501CC", "  # text"] {
            assert_eq!(decode(line, DecodeOptions::default()), None, "{line}");
        }
    }

    #[test]
    fn codes_are_masked_unless_asked_for() {
        let disarm = decoded("> 040112348F");
        assert_eq!(disarm["fields"]["code"], "********");
        let shown = decode("> 040112348F", DecodeOptions { show_codes: true }).expect("a frame");
        assert_eq!(shown["fields"]["code"], "1234");
        for line in ["> 200112348D", "> 0711054321F8", "> 0711#EC # leave", "> 0705CC", "> 005user54"] {
            assert!(decoded(line).to_string().contains("********"), "{line}");
        }
    }

    #[test]
    fn a_screen_with_a_code_is_masked() {
        let screen = |text: &str| {
            let message = ModuleMessage::Screen { line: 0, column: 0, text: Text::new(text) };
            let line = String::from_utf8(message.encode().encode().to_vec()).expect("ASCII");
            decoded(line.trim_end_matches("\r\n"))["fields"]["text"].clone()
        };
        assert_eq!(screen("Enter New Code  4321            "), "********");
        assert_eq!(screen("System is       Ready to Arm  <>"), "System is       Ready to Arm  <>");
    }

    #[test]
    fn a_wrong_checksum_is_named() {
        assert_eq!(decoded("00000")["error"], "frame 000 has checksum 00, its characters sum up to 90");
        assert_eq!(decoded("65")["ok"], false);
    }

    #[test]
    fn what_depends_on_the_module_says_so() {
        let blank = decoded("6591D5");
        assert_eq!(blank["kind"], "depends_on_module");
        assert_eq!(blank["fields"]["envisalink"]["kind"], "failed_to_arm");
        assert_eq!(blank["fields"]["it100"]["kind"], "keypad_blanked");
    }

    #[test]
    fn what_is_unknown_is_called_so() {
        assert_eq!(decoded("9991234565")["ok"], false, "the sum is wrong");
        assert_eq!(decoded("99912CD")["ok"], false);
        let frame = Frame::new(crate::codec::Number::fixed(999), b"12".to_vec());
        let line = String::from_utf8(frame.encode().to_vec()).expect("ASCII");
        let unknown = decoded(line.trim_end_matches("\r\n"));
        assert_eq!((unknown["kind"].as_str(), unknown["fields"]["data"].as_str()), (Some("unknown"), Some("12")));
    }
}
