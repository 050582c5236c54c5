//! `panelgate decode neor`: lines of a capture in, JSON objects out. With the access code given, session keys are
//! derived from the RequestAccess messages in the capture itself.

use panel_driver::{DecodeOptions, Decoded};
use panel_model::Password;
use serde_json::{Map, Value, json};

use crate::codec::initializer::TYPE1_LEN;
use crate::codec::{Decoder, Encryption, Key, KeyMaterial, Side, TlinkPacket, decode_frame};
use crate::config::IDENTIFIER_DIGITS;
use crate::message::{
    Command, Digits, Message, Notice, OpenSession, UserData, UserRecords, Wanted, command_name, split_data, utf16_text,
};

/// What a capture is decrypted with. All of it may be missing: then only what is in clear is read.
#[derive(Debug, Clone, Default)]
pub struct CaptureKeys {
    /// The panel's identifier, where packets do not carry it.
    pub identifier: Option<String>,
    /// Type 1 access code, section \[423\]: 8 hexadecimal digits.
    pub type1: Option<Password>,
    /// Type 2 access code, section \[700\]: 32 hexadecimal digits, or 8 that are repeated.
    pub type2: Option<Password>,
}

/// Reads a capture line by line; knows the keys of both directions once it has seen them made.
#[derive(Debug)]
pub struct CaptureDecoder {
    material: KeyMaterial,
    options: DecodeOptions,
    encryption: Option<Encryption>,
    to_panel: Direction,
    from_panel: Direction,
}

#[derive(Debug, Default)]
struct Direction {
    decoder: Decoder,
    key: Option<Key>,
    why_no_key: Option<String>,
}

impl CaptureDecoder {
    /// A decoder at the beginning of a capture.
    #[must_use]
    pub fn new(keys: CaptureKeys, options: DecodeOptions) -> Self {
        let identifier = keys.identifier.unwrap_or_default();
        Self {
            material: KeyMaterial { identifier, type1: keys.type1, type2: keys.type2 },
            options,
            encryption: None,
            to_panel: Direction::default(),
            from_panel: Direction::default(),
        }
    }

    /// Decodes one line: bytes as hexadecimal digits, after an optional `<` (from the panel) or `>`; `#` begins a
    /// comment. What begins like a TLink packet may hold several or a part of one, the rest is one frame.
    pub fn line(&mut self, line: &str) -> Vec<Decoded> {
        let content = line.split('#').next().unwrap_or_default().trim();
        let (side, content) = match (content.strip_prefix('<'), content.strip_prefix('>')) {
            (Some(rest), _) => (Some(Side::Panel), rest),
            (_, Some(rest)) => (Some(Side::Server), rest),
            _ => (None, content),
        };
        if content.trim().is_empty() {
            return Vec::new();
        }
        let Some(bytes) = hex_bytes(content) else {
            return vec![failed("the line is not made of pairs of hexadecimal digits")];
        };
        let begun = side.is_some_and(|side| self.direction(side).decoder.has_partial());
        if !begun && !begins_packet(&bytes) {
            return vec![self.payload(side.unwrap_or(Side::Panel), &bytes)];
        }
        // Panels put their identifier before the delimiter, and servers nothing or the same.
        let side = side.unwrap_or(if bytes.first() == Some(&0x7E) { Side::Server } else { Side::Panel });
        let (mut input, mut found) = (&bytes[..], Vec::new());
        while let Some(packet) = self.direction(side).decoder.next(&mut input) {
            found.push(match packet {
                Ok(packet) => self.packet(side, &packet),
                Err(error) => failed(&error.to_string()),
            });
        }
        found
    }

    fn direction(&mut self, side: Side) -> &mut Direction {
        match side {
            Side::Panel => &mut self.from_panel,
            Side::Server => &mut self.to_panel,
        }
    }

    fn packet(&mut self, side: Side, packet: &TlinkPacket) -> Value {
        if side == Side::Panel && crate::config::is_identifier(&packet.header) {
            self.material.identifier = packet.header.iter().map(|b| char::from(*b)).collect();
        }
        let mut object = self.payload(side, &packet.payload);
        if let (Value::Object(fields), false) = (&mut object, packet.header.is_empty()) {
            fields.insert("identifier".into(), String::from_utf8_lossy(&packet.header).into());
        }
        object
    }

    fn payload(&mut self, side: Side, payload: &[u8]) -> Value {
        let direction = self.direction(side);
        let opened = direction.key.as_ref().and_then(|key| key.open(payload).ok());
        let data = match opened.as_ref().map(|bytes| decode_frame(bytes)) {
            Some(Ok(data)) => Ok(data),
            _ => decode_frame(payload),
        };
        let data = match data {
            Ok(data) => data.to_vec(),
            Err(error) => {
                let why = direction.why_no_key.clone();
                let why = why.or_else(|| direction.key.is_some().then(|| "the access code may be another one".into()));
                return failed(&why.map_or_else(|| error.to_string(), |why| format!("{error}: {why}")));
            }
        };
        let Some((sender, receiver, content)) = split_data(&data) else { return failed("a frame without numbers") };
        if content.is_empty() {
            return row(side, sender, receiver, "ack", json!({}));
        }
        match Message::decode(content) {
            Ok(message) => {
                self.follow(side, &message);
                let fields = self.fields(&message);
                row(side, sender, receiver, command_name(message.number()).unwrap_or("unknown"), fields)
            }
            Err(error) => {
                let number = content.first_chunk().map_or(0, |word| u16::from_be_bytes(*word));
                failed(&format!("{} ({number:04X}): {error}", command_name(number).unwrap_or("unknown")))
            }
        }
    }

    /// Follows the handshake: each side's initializer gives the key of the other direction.
    fn follow(&mut self, side: Side, message: &Message) {
        match message {
            Message::Command(_, Command::OpenSession(hello)) if side == Side::Panel => {
                self.encryption = Some(hello.encryption);
                for side in [Side::Panel, Side::Server] {
                    let direction = self.direction(side);
                    (direction.key, direction.why_no_key) = (None, None);
                }
            }
            Message::Command(_, Command::RequestAccess(initializer)) => {
                let guess = if initializer.expose().len() == TYPE1_LEN { Encryption::Type1 } else { Encryption::Type2 };
                let made = self.material.open(self.encryption.unwrap_or(guess), side, initializer.expose());
                let other = if side == Side::Panel { Side::Server } else { Side::Panel };
                let direction = self.direction(other);
                match made {
                    Ok(key) => direction.key = key,
                    Err(error) => direction.why_no_key = Some(error.to_string()),
                }
            }
            _ => {}
        }
    }

    fn fields(&self, message: &Message) -> Value {
        let mut object = Map::new();
        object.insert("command".into(), format!("{:04X}", message.number()).into());
        let more = match message {
            Message::Command(app, command) => {
                object.insert("app".into(), (*app).into());
                self.command(command)
            }
            Message::Notice(notice) => self.notice(notice),
        };
        if let Value::Object(mut more) = more {
            object.append(&mut more);
        }
        Value::Object(object)
    }

    fn secret(&self, shown: impl FnOnce() -> String) -> Value {
        if self.options.show_codes { shown().into() } else { MASK.into() }
    }

    fn digits(&self, digits: &Digits) -> Value {
        match digits.is_blank() {
            true => "blank".into(),
            false => self.secret(|| hex(&digits.to_bytes())),
        }
    }

    fn code(&self, digits: Option<&Digits>) -> Value {
        digits.map_or(Value::Null, |digits| self.digits(digits))
    }

    fn users(&self, data: &UserData) -> Value {
        let records: Vec<Value> = match &data.records {
            UserRecords::Codes(codes) => codes.iter().map(|code| self.digits(code)).collect(),
            UserRecords::Attributes(bytes) => bytes.iter().map(|b| format!("{b:02X}").into()).collect(),
            UserRecords::Kinds(bytes) => bytes.iter().map(|b| (*b).into()).collect(),
            UserRecords::Partitions(masks) => masks.iter().map(|mask| numbers(mask.numbers())).collect(),
        };
        json!({ "first": data.first, "records": records })
    }

    fn command(&self, command: &Command) -> Value {
        match command {
            Command::Response(code) => json!({ "code": code.byte(), "meaning": code.meaning() }),
            Command::OpenSession(hello) => open_session(hello),
            Command::RequestAccess(initializer) => {
                json!({ "initializer": self.secret(|| hex(initializer.expose())), "bytes": initializer.expose().len() })
            }
            Command::Request(wanted) => request(wanted),
            Command::EnterProgramming { partition, mode, code, access } => json!({
                "partition": partition, "mode": mode.meaning(), "code": self.digits(code),
                "access": format!("{access:?}"),
            }),
            Command::ExitProgramming { partition } => json!({ "partition": partition }),
            Command::ReadUsers { field, first, count } => {
                json!({ "field": format!("{field:?}").to_lowercase(), "first": first, "count": count })
            }
            Command::WriteUsers(data) => self.users(data),
            Command::WriteUserLabels { first, labels, .. } => json!({ "first": first, "labels": texts(labels) }),
            Command::ReadSection(address) => json!({ "section": format!("{address:?}") }),
            Command::WriteSection(address, data) => {
                json!({ "section": format!("{address:?}"), "data": self.secret(|| hex(data.expose())) })
            }
            Command::WriteZoneBypass { partition, zone, bypassed } => {
                json!({ "partition": partition, "zone": zone, "bypassed": bypassed })
            }
            Command::Arm { partition, mode, code } => {
                json!({ "partition": partition, "mode": mode.meaning(), "code": self.code(code.as_ref()) })
            }
            Command::Disarm { partition, code } => json!({ "partition": partition, "code": self.code(code.as_ref()) }),
            Command::Output { partition, output, state, code } => json!({
                "partition": partition, "output": output, "state": state, "code": self.code(code.as_ref()),
            }),
            Command::Activity { partition, kind, code } => {
                json!({ "partition": partition, "kind": kind, "code": self.code(code.as_ref()) })
            }
        }
    }

    fn notice(&self, notice: &Notice) -> Value {
        match notice {
            Notice::CommandError { command, code } => json!({
                "refused": format!("{command:04X}"), "code": code.byte(), "meaning": code.meaning(),
            }),
            Notice::Multiple(parts) => {
                let part = |part: &Message| json!({ "kind": command_name(part.number()).unwrap_or("unknown"), "fields": self.fields(part) });
                json!({ "parts": parts.iter().map(part).collect::<Vec<_>>() })
            }
            Notice::Users(data) | Notice::UserPartitions(data) => self.users(data),
            Notice::Section(address, data) => {
                json!({ "section": format!("{address:?}"), "data": self.secret(|| hex(data.expose())) })
            }
            Notice::Labels(labels) => {
                json!({ "option": labels.option, "range": labels.range, "texts": texts(&labels.texts) })
            }
            Notice::Text { text, .. } => json!({ "text": utf16_text(text) }),
            // What nobody can read may hold a code.
            Notice::Unknown { payload, .. } => json!({ "payload": self.secret(|| hex(payload.expose())) }),
            plain => status(plain),
        }
    }
}

/// What stands in the place of a secret.
const MASK: &str = "<redacted>";

/// Decodes a line that stands for itself: what is encrypted is not read. For a whole capture see [`CaptureDecoder`].
/// `None`: the line is empty or a comment.
#[must_use]
pub fn decode(line: &str, options: DecodeOptions) -> Option<Decoded> {
    let mut found = CaptureDecoder::new(CaptureKeys::default(), options).line(line);
    match found.len() {
        0 | 1 => found.pop(),
        _ => Some(Value::Array(found)),
    }
}

/// Whether it is the beginning of a TLink packet, or all of it: an identifier, or the delimiter behind an empty one.
fn begins_packet(bytes: &[u8]) -> bool {
    let (identifier, rest) = bytes.split_at(bytes.len().min(IDENTIFIER_DIGITS));
    let digits = identifier.iter().all(u8::is_ascii_digit);
    bytes.first().is_some_and(|b| matches!(b, 0x7E | 0x7F)) || (digits && rest.first().is_none_or(|b| *b == 0x7E))
}

fn row(side: Side, sender: u8, receiver: u8, kind: &str, fields: Value) -> Value {
    let from = if side == Side::Panel { "panel" } else { "server" };
    json!({ "ok": true, "kind": kind, "fields": fields, "from": from, "sequence": [sender, receiver] })
}

fn failed(error: &str) -> Value {
    json!({ "ok": false, "error": error })
}

fn open_session(hello: &OpenSession) -> Value {
    json!({
        "device": hello.device, "device_id": hello.device_id, "firmware": hex(&hello.firmware),
        "protocol": hex(&hello.protocol), "tx_buffer": hello.tx_buffer, "rx_buffer": hello.rx_buffer,
        "encryption": hello.encryption.byte(), "trailer": hex(&hello.trailer),
    })
}

fn request(wanted: &Wanted) -> Value {
    let number = wanted.number();
    let name = command_name(number).unwrap_or("unknown");
    let wanted = match wanted {
        Wanted::Plain(_) => json!({}),
        Wanted::OfPartition(_, partition) => json!({ "partition": partition }),
        Wanted::Labels { option, range } => json!({ "option": option, "range": range }),
        Wanted::ZoneStatus { first, count } => json!({ "first": first, "count": count }),
        Wanted::PartitionStatus(field) => json!({ "partitions": hex(field) }),
        Wanted::TroubleDetail { device, trouble } => json!({ "device": device, "trouble": trouble }),
        Wanted::ZoneBypass { zone } => json!({ "zone": zone }),
        Wanted::Troubles { device, kinds } => json!({ "device": device, "kinds": kinds }),
        Wanted::ZoneAlarms { partition, count } => json!({ "partition": partition, "count": count }),
    };
    json!({ "wanted": format!("{number:04X}"), "name": name, "of": wanted })
}

/// Messages without secrets.
fn status(notice: &Notice) -> Value {
    match notice {
        Notice::SoftwareVersion(bytes) => json!({ "version": hex(bytes) }),
        Notice::Capabilities(c) => json!({
            "zones": c.zones, "users": c.users, "partitions": c.partitions, "fobs": c.fobs, "tags": c.tags,
            "outputs": c.outputs,
        }),
        Notice::ProgrammingLead(lead) => json!({
            "lead": format!("{:?}", lead.lead).to_lowercase(), "partition": lead.partition, "user": lead.user,
            "via": lead.via.meaning(), "mode": lead.mode,
        }),
        Notice::UsersChanged { what, from, to, .. } => json!({ "what": what, "from": from, "to": to }),
        Notice::CodeLength(digits) => json!({ "digits": digits }),
        Notice::ZoneAssignment { partition, zones } | Notice::BypassedZones { partition, zones } => {
            json!({ "partition": partition, "zones": numbers(zones.numbers()) })
        }
        Notice::PartitionsInUse(mask) => json!({ "partitions": numbers(mask.numbers()) }),
        Notice::ZoneStatus { first, statuses } => {
            json!({ "first": first, "statuses": statuses.iter().map(|s| format!("{:02X}", s.0)).collect::<Vec<_>>() })
        }
        Notice::PartitionStatus(report) => json!({
            "partitions": hex(&report.field),
            "statuses": report.statuses.iter().map(|s| hex(&s.0)).collect::<Vec<_>>(),
        }),
        Notice::AlarmMemory { partition, kinds, zones } => {
            json!({ "partition": partition, "kinds": kinds, "zones": numbers(zones.numbers()) })
        }
        Notice::TroubleDetail { device, trouble, numbers: of } => {
            json!({ "device": device, "trouble": trouble, "numbers": numbers(of.numbers()) })
        }
        Notice::ZoneBypass { zone, bypassed } => json!({ "zone": zone, "bypassed": bypassed }),
        Notice::Troubles(devices) => json!({ "troubles": devices }),
        Notice::TroubleNotices(notices) => {
            let one = |t: &crate::message::TroubleNotice| json!([t.device, t.trouble, t.number, t.state]);
            json!({ "troubles": notices.iter().map(one).collect::<Vec<_>>() })
        }
        Notice::ZoneAlarms { partition, alarms } => {
            let one = |a: &crate::message::ZoneAlarm| json!({ "zone": a.zone, "type": a.kind, "state": a.state });
            json!({ "partition": partition, "alarms": alarms.iter().map(one).collect::<Vec<_>>() })
        }
        Notice::LifestyleZone { zone, open } => json!({ "zone": zone, "open": open }),
        Notice::Time(t) => {
            let (y, mo, d) = (t.year, t.month, t.day);
            json!({ "time": format!("{y}-{mo:02}-{d:02} {:02}:{:02}:{:02}", t.hour, t.minute, t.second) })
        }
        Notice::Outputs { partition, outputs } => {
            json!({ "partition": partition, "outputs": numbers(outputs.numbers()) })
        }
        Notice::Delay { partition, flags, seconds, .. } => {
            json!({ "partition": partition, "flags": format!("{flags:02X}"), "seconds": seconds })
        }
        Notice::Arming { partition, mode, method, user } => {
            json!({ "partition": partition, "mode": mode.meaning(), "method": method, "user": user })
        }
        Notice::Ready { partition, ready } => json!({ "partition": partition, "ready": ready }),
        Notice::Bell { partition, state, second, seconds } => {
            json!({ "partition": partition, "state": state, "second": second, "seconds": seconds })
        }
        Notice::Flag { partition, value, .. } => json!({ "partition": partition, "value": value }),
        Notice::BufferOverload(payload) => json!({ "bytes": payload.expose().len() }),
        _ => json!({}),
    }
}

fn texts(texts: &[Vec<u8>]) -> Value {
    texts.iter().map(|text| Value::from(utf16_text(text))).collect()
}

fn numbers(numbers: impl Iterator<Item = u32>) -> Value {
    numbers.map(Value::from).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

fn hex_bytes(content: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = content.bytes().filter(|b| !matches!(b, b' ' | b':' | b'-' | b'\t')).collect();
    let pairs = digits.chunks_exact(2);
    if digits.is_empty() || !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
