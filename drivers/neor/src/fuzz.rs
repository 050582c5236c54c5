//! Bodies of the fuzz targets, also run with seeds by the tests: whatever arrives, no panic, no loop, no lost answer.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use panel_driver::{
    Command as Asked, CommandId, Credentials, DecodeOptions, DriverStart, Section, Session, SessionOutput, SetUser,
};
use panel_model::{AccessCode, ArmMode, InstallerCode, Label, Partition, PartitionSet, Password, Slot, Zone};

use crate::codec::{
    Decoder, Encryption, Key, KeyMaterial, Padding, RandomStream, Sequences, Side, decode_frame, encode_frame,
    encode_tlink,
};
use crate::config::{Config, RawConfig};
use crate::message::{
    Command, CompactWidth, Message, Notice, OpenSession, ResponseCode, UserData, UserRecords, join_data, split_data,
};
use crate::session::{InstallerTries, NeorSession};

/// Feeds bytes to the decoder of packets, frames, messages, and of captures. Whatever decodes as a message must
/// encode to something that decodes to the same.
///
/// # Panics
/// When it does not.
pub fn fuzz_frame(data: &[u8]) {
    let (mut decoder, mut input) = (Decoder::default(), data);
    while let Some(packet) = decoder.next(&mut input) {
        let Ok(packet) = packet else { continue };
        let again = encode_tlink(&packet.header, &packet.payload);
        let decoded = Decoder::default().next(&mut &again[..]);
        assert!(decoded == Some(Ok(packet.clone())), "packets survive a round trip");
        if let Ok(data) = decode_frame(&packet.payload) {
            assert!(decode_frame(&encode_frame(data)) == Ok(data), "frames survive a round trip");
        }
    }
    fuzz_message(data);
    if let Some((_, _, content)) = split_data(data) {
        fuzz_message(content);
    }
    let text = String::from_utf8_lossy(data);
    for line in text.lines() {
        let _ = crate::decode(line, DecodeOptions::default());
    }
}

fn fuzz_message(content: &[u8]) {
    let Ok(message) = Message::decode(content) else { return };
    if has_text(&message) {
        // 0201 has two forms, and what follows the text decides which one it is.
        return;
    }
    let again = message.encode(CompactWidth::Minimal);
    assert!(Message::decode(&again).as_ref() == Ok(&message), "{:04X} survives a round trip", message.number());
    let wide = message.encode(CompactWidth::Two);
    // Two-byte integers make parts of 0623 longer than they were, never other than they were.
    assert!(Message::decode(&wide).as_ref() == Ok(&message), "{:04X} survives wide integers", message.number());
    let _ = crate::show::masked(&message);
}

fn has_text(message: &Message) -> bool {
    match message {
        Message::Notice(Notice::Text { .. }) => true,
        Message::Notice(Notice::Multiple(parts)) => parts.iter().any(has_text),
        _ => false,
    }
}

/// The code in every wish of [`fuzz_session`]; no frame of a panel spells it by chance.
const CODE: &str = "90586743";
const MASTER: &str = "86931425";
const ACCESS: &str = "8F3B61D20C95E74A1BD8F02694A7C35E";

/// Plays a script against a session: bytes, well-made messages, answers, commands, time. Afterwards each accepted
/// command is answered once, nothing follows the end, and no code was told or logged.
///
/// # Panics
/// When one of these is broken.
pub fn fuzz_session(data: &[u8], open: Instant) {
    let Some((first, script)) = data.split_first() else { return };
    let Some(mut run) = Run::new(*first, open) else { return };
    let mut script = script.iter().copied();
    while let Some(word) = script.next() {
        let argument = script.next().unwrap_or(0);
        match word % 10 {
            0 => {
                let bytes: Vec<u8> = script.by_ref().take(usize::from(argument)).collect();
                run.session.handle_bytes(run.now, &bytes);
            }
            1 => {
                let content: Vec<u8> = script.by_ref().take(usize::from(argument % 64)).collect();
                run.say_content(&content);
            }
            2 => run.notice(argument, &mut script),
            3 | 4 => run.answer(argument, &mut script),
            5 => run.command(argument),
            6 => run.pass(Duration::from_millis(u64::from(argument) * 8)),
            7 => run.pass(Duration::from_secs(u64::from(argument))),
            8 => run.acknowledges = argument & 1 == 0,
            _ => run.timeouts(argument),
        }
        run.drain();
    }
    run.session.handle_shutdown(run.now);
    run.drain();
    run.pass(Duration::from_secs(20));
    run.drain();
    assert!(run.ended, "a session that is to stop ends");
    assert!(run.open.is_empty(), "every accepted command is answered");
}

/// The panel's side, as far as a script needs it.
struct Run {
    session: NeorSession,
    now: Instant,
    next_id: u64,
    open: BTreeSet<u64>,
    ended: bool,
    acknowledges: bool,
    decoder: Decoder,
    numbers: Sequences,
    material: KeyMaterial,
    encryption: Encryption,
    random: RandomStream,
    /// For what the driver sends.
    key_in: Option<Key>,
    /// For what the panel sends.
    key_out: Option<Key>,
    /// The driver's last command.
    last: Option<(u8, Command)>,
}

impl Run {
    fn new(first: u8, now: Instant) -> Option<Self> {
        let encryption = if first & 1 == 0 { Encryption::Type0 } else { Encryption::Type2 };
        let config = config(encryption)?;
        let credentials = Credentials {
            password: Some(Password::new(ACCESS.into())),
            master: Some(AccessCode::new(MASTER.into())),
            previous_master: (first & 2 != 0).then(|| AccessCode::new(MASTER.chars().rev().collect())),
            installer: Some(InstallerCode::new("95864031".into())),
        };
        let start = DriverStart { credentials, residue: None };
        let mut session = NeorSession::new(config, start, &[first; 32], InstallerTries::default());
        session.handle_open(now);
        let material =
            KeyMaterial { identifier: "310212345678".into(), type1: None, type2: Some(Password::new(ACCESS.into())) };
        let mut run = Self {
            session,
            now,
            next_id: 1,
            open: BTreeSet::new(),
            ended: false,
            acknowledges: true,
            decoder: Decoder::default(),
            numbers: Sequences::opener(),
            material,
            encryption,
            random: RandomStream::new(&[!first; 32]),
            key_in: None,
            key_out: None,
            last: None,
        };
        if first & 4 != 0 {
            // Most scripts would never get past the handshake.
            run.handshake();
        }
        Some(run)
    }

    fn handshake(&mut self) {
        let hello = OpenSession {
            device: 2,
            device_id: 0x032C,
            firmware: [4, 0x11],
            protocol: [2, 0x11],
            tx_buffer: 512,
            rx_buffer: 512,
            constant: 1,
            encryption: self.encryption,
            trailer: Vec::new(),
        };
        self.say(&Message::Command(0x91, Command::OpenSession(hello)));
        self.respond(ResponseCode::Success);
        let Ok((initializer, key)) = self.material.make(self.encryption, Side::Panel, &mut self.random) else { return };
        self.key_in = key;
        self.say(&Message::Command(0x92, Command::RequestAccess(initializer.into())));
        self.respond(ResponseCode::Success);
        self.pass(Duration::from_secs(3));
    }

    fn respond(&mut self, code: ResponseCode) {
        if let Some((app, _)) = &self.last {
            self.say(&Message::Command(*app, Command::Response(code)));
        }
    }

    fn say(&mut self, message: &Message) {
        self.say_content(&message.encode(CompactWidth::Minimal));
    }

    fn say_content(&mut self, content: &[u8]) {
        if self.ended {
            return;
        }
        let numbers = if content.is_empty() { self.numbers.current() } else { self.numbers.next_message() };
        self.emit(&[&[numbers.0, numbers.1], content].concat());
        self.drain();
    }

    fn emit(&mut self, data: &[u8]) {
        let frame = encode_frame(data);
        let payload = match &self.key_out {
            Some(key) => key.seal(frame, Padding::Zeros),
            None => frame,
        };
        self.session.handle_bytes(self.now, &encode_tlink(b"310212345678", &payload));
    }

    /// A notification that panels send, with fields from the script.
    fn notice(&mut self, argument: u8, script: &mut impl Iterator<Item = u8>) {
        const NUMBERS: [u16; 24] = [
            0x0201, 0x0210, 0x0230, 0x0231, 0x0232, 0x0236, 0x0239, 0x023B, 0x023C, 0x0250, 0x02F0, 0x0600, 0x060B,
            0x0623, 0x0702, 0x0770, 0x0775, 0x0811, 0x0812, 0x0813, 0x0820, 0x0823, 0x0840, 0x0841,
        ];
        let number = NUMBERS.get(usize::from(argument) % NUMBERS.len()).copied().unwrap_or_default();
        let fields = script.take(usize::from(argument % 16));
        let content: Vec<u8> = number.to_be_bytes().into_iter().chain(fields).collect();
        self.say_content(&content);
    }

    /// An answer to what the driver asked last: good, refused, or odd.
    fn answer(&mut self, argument: u8, script: &mut impl Iterator<Item = u8>) {
        let Some((_, command)) = self.last.clone() else { return };
        match (&command, argument % 4) {
            (_, 0) => self.respond(ResponseCode::from_byte(script.next().unwrap_or(0))),
            (Command::ReadUsers { field, first, count }, _) => {
                let count = usize::try_from(*count).unwrap_or(0).min(100);
                let records = || script.next().unwrap_or(0);
                let bytes: Vec<u8> = std::iter::repeat_with(records).take(count).collect();
                let records = match field {
                    crate::message::UserField::Codes => UserRecords::Codes(
                        bytes.iter().map(|b| crate::message::Digits::from_bytes(&[*b, 0xAA, 0xAA, *b])).collect(),
                    ),
                    crate::message::UserField::Attributes => UserRecords::Attributes(bytes),
                    crate::message::UserField::Kinds => UserRecords::Kinds(bytes),
                    crate::message::UserField::Partitions => {
                        UserRecords::Partitions(bytes.iter().map(|b| crate::message::Mask(vec![*b])).collect())
                    }
                };
                let width = if *field == crate::message::UserField::Codes { 4 } else { 1 };
                self.say(&Message::Notice(Notice::Users(UserData { first: *first, width, records })));
            }
            (Command::Request(wanted), _) => {
                let mut content = wanted.number().to_be_bytes().to_vec();
                content.extend(script.take(usize::from(argument % 32)));
                self.say_content(&content);
            }
            _ => self.respond(ResponseCode::Success),
        }
    }

    fn command(&mut self, argument: u8) {
        let (Ok(slot), Ok(partition), Ok(zone)) =
            (Slot::new(u32::from(argument % 50) + 1), Partition::new(1), Zone::new(3))
        else {
            return;
        };
        let code = AccessCode::new(CODE.into());
        let partitions = (argument & 1 != 0).then(|| PartitionSet::first(1));
        let label = (argument & 2 != 0).then(|| Label::from_panel("Fuzz")).flatten();
        let installer = |text: &str| InstallerCode::new(text.into());
        let command = match argument % 12 {
            0 => Asked::DisableUser { slot },
            1 => Asked::Refresh(Section::Users),
            2 => Asked::Refresh(Section::State),
            3 => Asked::Disarm { partition, code },
            4 => Asked::Arm { partition, mode: ArmMode::Stay, code: Some(code) },
            5 => Asked::VerifyInstallerCode(installer("95864031")),
            6 => Asked::ChangeInstallerCode { current: installer("95864031"), new: installer(CODE) },
            7 => Asked::Refresh(Section::Labels),
            8 => Asked::Bypass { zone, bypassed: argument & 1 != 0 },
            9 => Asked::Output { partition, output: 1 },
            _ => Asked::SetUser(SetUser { slot, code: Some(code), label, role: None, partitions }),
        };
        let id = self.next_id;
        self.next_id += 1;
        if self.session.handle_command(self.now, CommandId(id), command).is_ok() {
            self.open.insert(id);
        }
    }

    /// Time passes; every time-out on the way is served.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        let mut served = 0;
        while let Some(at) = self.session.poll_timeout().filter(|at| *at <= until && !self.ended) {
            assert!(at >= self.now, "a time-out lies ahead");
            served += 1;
            assert!(served < 10_000, "the session only serves its time-outs");
            self.now = at;
            self.session.handle_timeout(at);
            self.drain();
        }
        self.now = until;
    }

    fn timeouts(&mut self, count: u8) {
        for _ in 0..count % 16 {
            let Some(at) = self.session.poll_timeout() else { return };
            self.now = self.now.max(at);
            self.session.handle_timeout(self.now);
            self.drain();
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            assert!(!self.ended, "nothing follows the end");
            let text = format!("{output:?}");
            assert!(!text.contains(CODE) && !text.contains(MASTER), "no code is told");
            match output {
                SessionOutput::Done(id, _) => assert!(self.open.remove(&id.0), "answered once"),
                SessionOutput::End(_) => self.ended = true,
                SessionOutput::Event(_) => {}
            }
        }
        while let Some(bytes) = self.session.poll_transmit() {
            self.hear(&bytes);
        }
        while let Some(entry) = self.session.poll_wire() {
            let text = String::from_utf8_lossy(&entry.masked);
            assert!(!text.contains(CODE) && !text.contains(MASTER), "no code is logged");
        }
    }

    /// What the driver sent: followed as far as keys and numbers go, and acknowledged.
    fn hear(&mut self, bytes: &[u8]) {
        let packet = self.decoder.next(&mut &bytes[..]);
        let Some(Ok(packet)) = packet else { unreachable!("the driver sends whole packets") };
        let opened = self.key_in.as_ref().and_then(|key| key.open(&packet.payload).ok());
        let payload = opened.as_ref().map_or(&packet.payload[..], |bytes| &bytes[..]);
        let Ok(data) = decode_frame(payload) else { return };
        let Some((sender, receiver, content)) = split_data(data) else { return };
        let _ = self.numbers.accept(sender, receiver, content, crate::codec::SequenceMode::Lenient);
        if content.is_empty() {
            return;
        }
        if let Ok(Message::Command(app, command)) = Message::decode(content) {
            if let Command::RequestAccess(initializer) = &command {
                let key = self.material.open(self.encryption, Side::Server, initializer.expose());
                // The acknowledgement goes out in clear, what follows it does not.
                self.acknowledge();
                self.key_out = key.ok().flatten();
                self.last = Some((app, command));
                return;
            }
            self.last = Some((app, command));
        }
        self.acknowledge();
    }

    fn acknowledge(&mut self) {
        if self.acknowledges && !self.ended {
            let numbers = self.numbers.current();
            self.emit(&join_data(numbers, None, CompactWidth::Minimal));
        }
    }
}

fn config(encryption: Encryption) -> Option<Config> {
    let name = if encryption == Encryption::Type0 { "none" } else { "type2" };
    let raw = RawConfig {
        identifier: Some("310212345678".into()),
        encryption: Some(name.into()),
        model: Some("HS2016".into()),
        code_length: Some(8),
        experimental: Some(true),
        ..RawConfig::default()
    };
    raw.validate().ok()
}
