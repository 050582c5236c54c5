//! Bodies of the fuzz targets, also run with seeds by the tests: whatever arrives, no panic, no loop, no lost answer.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use panel_driver::{
    CivilTime, Command, CommandId, Credentials, DecodeOptions, Direction, DriverStart, LinkConfig, Section, Session,
    SessionOutput,
};
use panel_model::{AccessCode, ArmMode, InstallerCode, Partition, PartitionSet, Password, Zone};

use crate::codec::{Decoder, Frame, MAX_FRAME};
use crate::config::{Config, Transport};
use crate::eeprom::{Item, Memory, Options, zones};
use crate::message::{
    B0, B0Kind, Chunk, ClassIndex, ClockTime, EventPairs, Flags, Form, PanelStatus, PartitionStatus, SystemStatus,
    TextVersion, ZoneEvent,
};
use crate::message::{
    Hidden, HostMessage, LogRow, PanelMessage, Setting, SettingForm, StatusPart, bitmap, masked, setting, sub,
};
use crate::model::Model;
use crate::session::VisonicSession;

/// Feeds bytes to the codec in its three patiences, to both message decoders, the memory map and the line decoder.
/// Whatever decodes must encode to the same frame again where nothing is left out on purpose.
///
/// # Panics
/// When it does not.
pub fn fuzz_decode(data: &[u8]) {
    let mut decoder = Decoder::default();
    for chunk in data.chunks(7) {
        decoder.push(chunk);
        while let Some(found) = decoder.next_frame() {
            found.into_iter().for_each(|frame| fuzz_frame(&frame));
        }
    }
    while let Some(found) = decoder.after_pause() {
        found.into_iter().for_each(|frame| fuzz_frame(&frame));
    }
    while let Some(found) = decoder.after_silence() {
        found.into_iter().for_each(|frame| fuzz_frame(&frame));
    }
    assert!(!decoder.has_partial(), "after a silence nothing is left");
    // Most bytes are no frames; their payloads are looked at all the same.
    if data.len() < MAX_FRAME {
        fuzz_frame(&Frame::new(data));
    }
    fuzz_memory(data);
    for line in String::from_utf8_lossy(data).lines() {
        let _ = crate::decode(line, DecodeOptions::default());
    }
}

fn fuzz_frame(frame: &Frame) {
    if let Ok(message) = HostMessage::decode(frame) {
        let again = HostMessage::decode(&message.encode());
        assert_eq!(again.as_ref(), Ok(&message), "commands survive a round trip");
    }
    if let Ok(message) = PanelMessage::decode(frame) {
        let again = PanelMessage::decode(&message.encode());
        assert_eq!(again.as_ref(), Ok(&message), "messages survive a round trip");
        if let PanelMessage::B0(b0) = &message {
            let _ = (b0.content(), b0.settings(), b0.command(), b0.requested_settings(), b0.requested_subs());
        }
    }
    for direction in [Direction::FromPanel, Direction::ToPanel] {
        let _ = masked(frame, direction);
    }
}

fn fuzz_memory(data: &[u8]) {
    let model = Model::of(data.first().copied().unwrap_or(0));
    let mut memory = Memory::default();
    for item in [Item::Zones, Item::ZoneDevices, Item::ZoneNames, Item::ZonePartitions, Item::NameTable] {
        if let Some((address, _)) = item.region(&model) {
            memory.store(address, Hidden::new(data));
        }
    }
    assert!(zones(&memory, &model).len() <= usize::from(model.zones));
    let _ = (Options::of(data), crate::eeprom::Identity::of(data), crate::eeprom::codes(data));
}

/// The codes of [`fuzz_session`]. None is told, whatever happens.
const CODE: &str = "9058";
const MASTER: &str = "8693";

/// Plays a script against a session: bytes, well-made frames, commands, time. Afterwards each accepted command is
/// answered once, nothing follows the end, and no code was told or logged.
///
/// # Panics
/// When one of these is broken.
pub fn fuzz_session(data: &[u8], open: Instant) {
    let Some((first, script)) = data.split_first() else { return };
    let mut run = Run::new(*first, open);
    // The script must not spell a code by chance: it would be logged as what it is, a random number.
    let mut script = script.iter().map(|byte| if [0x90, 0x86].contains(byte) { 0 } else { *byte });
    while let Some(word) = script.next() {
        let argument = script.next().unwrap_or(0);
        match word % 8 {
            0 => {
                let bytes: Vec<u8> = script.by_ref().take(usize::from(argument)).collect();
                run.session.handle_bytes(run.now, &bytes);
                run.drain();
            }
            1..=3 => {
                let bytes: Vec<u8> = script.by_ref().take(8).collect();
                run.say(&message(argument, &bytes));
            }
            4 => run.command(argument),
            5 => run.pass(Duration::from_millis(u64::from(argument) * 8)),
            6 => run.pass(Duration::from_secs(u64::from(argument))),
            _ => run.answers = argument & 1 != 0,
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

struct Run {
    session: VisonicSession,
    now: Instant,
    next_id: u64,
    open: BTreeSet<u64>,
    ended: bool,
    /// The panel answers what it is asked, as long as it is not told otherwise.
    answers: bool,
    panel_type: u8,
    decoder: Decoder,
}

impl Run {
    fn new(first: u8, now: Instant) -> Self {
        let panel_type = if first & 1 == 0 { 5 } else { 7 };
        let partitions = if first & 2 == 0 || panel_type == 5 { 1 } else { 3 };
        let model = Model::of(panel_type);
        let config = Config {
            transport: Transport::Serial(LinkConfig::Tcp { host: "fuzz".into(), port: 1 }),
            model,
            partitions: PartitionSet::first(partitions),
            zones: u16::from(model.zones),
        };
        let credentials = Credentials {
            password: (first & 4 != 0).then(|| Password::new("C0DE".into())),
            master: Some(AccessCode::new(MASTER.into())),
            previous_master: None,
            installer: None,
        };
        let mut session = VisonicSession::new(config, DriverStart { credentials, residue: None });
        session.handle_open(now);
        let answers = first & 8 != 0;
        let (open, decoder) = (BTreeSet::new(), Decoder::default());
        let mut run = Self { session, now, next_id: 1, open, ended: false, answers, panel_type, decoder };
        run.drain();
        if first & 16 != 0 {
            // Most scripts would never get past the first state.
            run.answers = true;
            run.pass(Duration::from_secs(20));
            run.answers = answers;
        }
        run
    }

    fn say(&mut self, message: &PanelMessage) {
        self.session.handle_bytes(self.now, &message.encode().encode());
    }

    fn command(&mut self, argument: u8) {
        let (Ok(partition), Ok(zone)) = (Partition::new(1), Zone::new(u32::from(argument % 40) + 1)) else { return };
        let code = AccessCode::new(CODE.into());
        let command = match argument % 10 {
            0 => Command::Refresh(Section::Users),
            1 => Command::Refresh(Section::Labels),
            2 => Command::Refresh(Section::State),
            3 => Command::Disarm { partition, code },
            4 => Command::Arm { partition, mode: ArmMode::Stay, code: Some(code) },
            5 => Command::VerifyInstallerCode(InstallerCode::new(CODE.into())),
            6 => Command::Bypass { zone, bypassed: argument & 1 == 0 },
            7 => Command::Output { partition, output: 1 },
            8 => Command::SetClock(CivilTime { year: 2026, month: 2, day: 3, hour: 4, minute: 5, second: 6 }),
            _ => Command::DisableUser {
                slot: match panel_model::Slot::new(2) {
                    Ok(slot) => slot,
                    Err(_) => return,
                },
            },
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
            assert!(at > self.now, "a time-out lies ahead");
            served += 1;
            assert!(served < 10_000, "the session only serves its time-outs");
            self.now = at;
            self.session.handle_timeout(at);
            self.drain();
        }
        self.now = until;
    }

    fn drain(&mut self) {
        for _ in 0..64 {
            if !self.drain_once() {
                return;
            }
        }
    }

    /// Takes everything out of the session and answers it; returns whether it was answered.
    fn drain_once(&mut self) -> bool {
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
        let mut asked = Vec::new();
        while let Some(bytes) = self.session.poll_transmit() {
            self.decoder.push(&bytes);
            while let Some(found) = self.decoder.next_frame() {
                asked.extend(found.ok().and_then(|frame| HostMessage::decode(&frame).ok()));
            }
        }
        while let Some(entry) = self.session.poll_wire() {
            let text = String::from_utf8_lossy(&entry.masked);
            assert!(!text.contains("90 58") && !text.contains("86 93"), "no code is logged");
        }
        if !self.answers || self.ended || asked.is_empty() {
            return false;
        }
        let answers: Vec<_> = asked.iter().flat_map(|message| self.answer(message)).collect();
        answers.iter().for_each(|answer| self.say(answer));
        !answers.is_empty()
    }

    fn answer(&self, message: &HostMessage) -> Vec<PanelMessage> {
        let frame = message.encode();
        let ack = PanelMessage::Ack(Form::of_answer(&frame));
        let mut answers = match message {
            HostMessage::Ack(_) => return Vec::new(),
            HostMessage::EnterDownload(_) => vec![PanelMessage::PanelInfo { model: 0x20, panel_type: self.panel_type }],
            HostMessage::ReadEeprom { address, length } => vec![PanelMessage::Block {
                address: *address,
                announced: u8::try_from(*length).unwrap_or(0xB0),
                data: Hidden::new(vec![0; usize::from(*length)]),
            }],
            HostMessage::GetStatus(_) | HostMessage::Restart(_) => {
                (1..=6).map(|part| message_of_part(part, 0)).collect()
            }
            HostMessage::B0(b0) if b0.kind == B0Kind::Request => {
                b0.requested_subs().iter().map(|sub| b0_answer(*sub, 0)).collect()
            }
            _ => Vec::new(),
        };
        answers.insert(0, ack);
        answers
    }
}

fn message_of_part(part: u8, status: u8) -> PanelMessage {
    let system = StatusPart::System {
        status: SystemStatus(status),
        flags: Flags(Flags::READY),
        zone: 0,
        event: ZoneEvent(0),
        unknown: [0; 2],
        outputs: 1,
    };
    let (part, data) = if part == 4 { system.bytes() } else { (part, [0xFF, 0, 0, 0, 0, 0, 0, 0]) };
    PanelMessage::Status { total: 6, part, data }
}

/// What a panel may say over B0.
const ANSWERS: [u8; 8] = [
    sub::PANEL_STATE,
    sub::SETTINGS,
    sub::ASK_ME,
    sub::OPEN,
    sub::TRIGGERED,
    sub::TAMPERED,
    sub::LEGACY_LOG,
    sub::HELP,
];

fn b0_answer(wanted: u8, status: u8) -> PanelMessage {
    let clock = ClockTime::from_bytes([1, 2, 3, 4, 5, 26]);
    let whole =
        |sub, bits, data: &[u8]| B0::response(B0Kind::Response, sub, &[Chunk::new(bits, ClassIndex::MIXED, data)], 4);
    let zones = |sub| {
        let chunk = Chunk::new(0x01, ClassIndex::ZONE, &bitmap(8, [u16::from(status % 64)]));
        B0::response(B0Kind::Response, sub, &[chunk], 1)
    };
    let partition = PartitionStatus { status: SystemStatus(status), flags: Flags(0x81), instant: 0, unknown: 0 };
    PanelMessage::B0(match wanted {
        sub::PANEL_STATE => PanelStatus { head: [0; 8], clock, weekday: 1, partitions: vec![partition; 3] }.message(1),
        sub::SETTINGS => {
            let table = Setting::new(setting::USER_CODES, 1, 16, &[0x90, 0x58].repeat(8)).chunk(SettingForm::Old);
            let masks = Setting::new(setting::USER_PARTITIONS, 4, 8, &[status; 8]).chunk(SettingForm::Old);
            B0::response(B0Kind::Response, sub::SETTINGS, &[table, masks], 2)
        }
        sub::LEGACY_LOG => whole(wanted, 0x50, &[status, 0, 0, 0, status % 13, 1, 1, status, status % 4, status]),
        sub::HELP => whole(wanted, 0x28, &[0x0C, 0, 0, 7, status % 17, 0]),
        sub::ASK_ME => {
            let chunk = Chunk::new(0x08, ClassIndex::MIXED, &[sub::PANEL_STATE, sub::OPEN, status]);
            B0::response(B0Kind::Response, sub::ASK_ME, &[chunk], 3)
        }
        other => zones(other),
    })
}

/// A message that a panel could send, out of the script.
fn message(word: u8, bytes: &[u8]) -> PanelMessage {
    use PanelMessage as M;
    let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
    let eight = [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)];
    match word % 20 {
        0 => M::Ack(Form::Plain),
        1 => M::Ack(Form::PowerLink),
        2 => M::Denied(Form::PowerLink),
        3 => M::Denied(Form::Plain),
        4 => M::TimedOut,
        5 => M::DownloadEnded,
        6 => M::NotReady { head: [0, 0], delay: at(0) },
        7 => M::PanelInfo { model: at(0), panel_type: at(1) % 18 },
        8 => M::Block { address: u16::from_le_bytes([at(0), at(1)]), announced: 6, data: Hidden::new(&eight[2..]) },
        9 | 10 => M::Status { total: 6, part: at(0) % 8, data: eight },
        11 => message_of_part(4, at(0)),
        12 | 13 => M::Events(EventPairs { count: at(0) % 5, head: 0, data: eight }),
        14 => M::Events(EventPairs { count: 0xFF, head: at(0), data: eight }),
        15 => M::Alive { interval: 30, version: TextVersion(*b"1.15") },
        16 => M::EnrolRequest,
        17 => M::Log(LogRow { total: 5, index: at(0), body: eight }),
        18 => b0_answer(ANSWERS.get(usize::from(at(0)) % ANSWERS.len()).copied().unwrap_or(0), at(1)),
        _ => M::Unknown(Hidden::new([0x77, at(0), at(1)])),
    }
}
