//! Bodies of the fuzz targets, also run with seeds by the tests: whatever arrives, no panic, no loop, no lost answer.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use panel_driver::{
    Command, CommandId, Credentials, DecodeOptions, DriverStart, Section, Session, SessionOutput, SetUser,
};
use panel_model::{AccessCode, ArmMode, InstallerCode, Partition, PartitionSet, Password, Slot};

use crate::codec::{ChecksumCase, Decoder};
use crate::config::{CodeLength, Config, InstallerMenu, Interface, Model};
use crate::message::{ModuleCommand, ModuleMessage, Screens, Transport, masked};
use crate::session::DscSession;

/// Feeds bytes to the codec, both message decoders and the line decoder. Whatever decodes must encode to the same
/// frame again.
///
/// # Panics
/// When it does not.
pub fn fuzz_decode(data: &[u8]) {
    let (first, mut input) = data.split_first().map_or((0, data), |(first, rest)| (*first, rest));
    let case = if first & 1 == 0 { ChecksumCase::Any } else { ChecksumCase::UpperOnly };
    let mut decoder = Decoder::new(case);
    while let Some(line) = decoder.decode(&mut input) {
        let Ok(frame) = line else { continue };
        for transport in [Transport::Envisalink, Transport::It100] {
            if let Ok(command) = ModuleCommand::decode(&frame, transport) {
                assert!(is_lossy_command(&command) || command.encode() == frame, "commands survive a round trip");
            }
            if let Ok(message) = ModuleMessage::decode(&frame, transport) {
                assert!(is_lossy_message(&message) || message.encode() == frame, "messages survive a round trip");
            }
        }
        let _ = masked(&frame, Screens::Masked);
    }
    let text = String::from_utf8_lossy(data);
    for line in text.lines() {
        let _ = crate::decode(line, DecodeOptions::default());
    }
}

/// Commands with a field that has more than one spelling.
fn is_lossy_command(command: &ModuleCommand) -> bool {
    // A password may hold bytes that are no UTF-8, a step of a thermostat any value.
    matches!(command, ModuleCommand::Login(_) | ModuleCommand::SetThermostat { .. })
}

/// Messages with a field that has more than one spelling: lower-case hex, minus zero, widths of device numbers.
fn is_lossy_message(message: &ModuleMessage) -> bool {
    matches!(
        message,
        ModuleMessage::Lights(_)
            | ModuleMessage::LightsFlashing(_)
            | ModuleMessage::Temperature { .. }
            | ModuleMessage::ZoneTimers(_)
            | ModuleMessage::Bypassed(_)
            | ModuleMessage::Duress
            | ModuleMessage::DeviceBattery { .. }
            | ModuleMessage::VerboseTrouble(_)
            | ModuleMessage::Beeper(_)
    )
}

/// The code in every wish of [`fuzz_session`]; no frame of a module spells it by chance.
const CODE: &str = "905867";
const MASTER: &str = "869314";

/// Plays a script against a session: bytes, well-made frames, commands, time. Afterwards each accepted command is
/// answered once, nothing follows the end, and no code was told or logged.
///
/// # Panics
/// When one of these is broken.
pub fn fuzz_session(data: &[u8], open: Instant) {
    let Some((first, script)) = data.split_first() else { return };
    let mut run = Run::new(*first, open);
    let mut script = script.iter().copied();
    while let Some(word) = script.next() {
        let argument = script.next().unwrap_or(0);
        match word % 8 {
            0 => {
                let bytes: Vec<u8> = script.by_ref().take(usize::from(argument)).collect();
                run.session.handle_bytes(run.now, &bytes);
            }
            1..=3 => run.frame(word, argument, &mut script),
            4 => run.command(argument),
            5 => run.pass(Duration::from_millis(u64::from(argument) * 8)),
            6 => run.pass(Duration::from_secs(u64::from(argument))),
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

struct Run {
    session: DscSession,
    now: Instant,
    next_id: u64,
    open: BTreeSet<u64>,
    ended: bool,
    /// The module acknowledges everything, as long as it is not told otherwise.
    acks: bool,
    decoder: Decoder,
}

impl Run {
    fn new(first: u8, now: Instant) -> Self {
        let link = panel_driver::LinkConfig::Tcp { host: "fuzz".into(), port: 1 };
        let config = Config {
            interface: if first & 1 == 0 { Interface::Envisalink(link) } else { Interface::It100(link) },
            model: Model::Pc1616,
            code_length: CodeLength::Six,
            partitions: PartitionSet::first(2),
            zones: 16,
            installer_menu: InstallerMenu::Allowed,
        };
        let credentials = Credentials {
            password: Some(Password::new("user".into())),
            master: Some(AccessCode::new(MASTER.into())),
            previous_master: (first & 2 != 0).then(|| AccessCode::new(MASTER.chars().rev().collect())),
            installer: Some(InstallerCode::new("958640".into())),
        };
        let residue = (first & 4 != 0).then(|| panel_driver::Residue("users menu".into()));
        let mut session = DscSession::new(config, DriverStart { credentials, residue });
        session.handle_open(now);
        let (acks, decoder) = (first & 8 != 0, Decoder::new(ChecksumCase::UpperOnly));
        let mut run = Self { session, now, next_id: 1, open: BTreeSet::new(), ended: false, acks, decoder };
        run.drain();
        if first & 16 != 0 {
            // Most scripts would never get past the login.
            run.acks = true;
            for body in ["5053", "5051", "6501", "6502", "51081", "908010102"] {
                run.say(body);
                run.pass(Duration::from_secs(1));
            }
            run.acks = acks;
        }
        run
    }

    fn say(&mut self, body: &str) {
        let sum = crate::codec::checksum(body.as_bytes());
        self.session.handle_bytes(self.now, format!("{body}{sum:02X}\r\n").as_bytes());
        self.drain();
    }

    /// A frame that a module could send: a known number and data from the script.
    fn frame(&mut self, word: u8, argument: u8, script: &mut impl Iterator<Item = u8>) {
        const BODIES: [&str; 40] = [
            "5053", "5051", "5050", "500000", "500001", "500002", "500005", "500058", "500070", "500071", "500072",
            "500200", "500040", "500030", "501", "502018", "502010", "502017", "502014", "900", "921", "922", "680",
            "51081", "51082", "51080", "51120", "51100", "6501", "6511", "6521", "6541", "6551", "6011003", "6021003",
            "6561", "6571", "6731", "6701", "906002",
        ];
        const SCREENS: [&str; 8] = [
            "System is       Ready to Arm  <>",
            "Enter           Master Code     ",
            "(*) to Edit <>  User 01        P",
            "(*) to Edit <>  User 05         ",
            "Enter New Code  AAAAAA          ",
            "Partitions      1-------        ",
            "Attributes      --34----        ",
            "Invalid         Access Code     ",
        ];
        let body = match word % 8 {
            1 => BODIES.get(usize::from(argument) % BODIES.len()).map(|b| (*b).to_owned()),
            2 => SCREENS.get(usize::from(argument) % SCREENS.len()).map(|text| format!("90100032{text}")),
            _ => {
                let number = 500 + u32::from(argument) * 2;
                let data = script.take(4).map(|b| char::from(b'0' + b % 10));
                Some(format!("{number}{}", data.collect::<String>()))
            }
        };
        if let Some(body) = body {
            self.say(&body);
        }
    }

    fn command(&mut self, argument: u8) {
        let (Ok(slot), Ok(partition)) = (Slot::new(u32::from(argument % 50) + 1), Partition::new(1)) else { return };
        let code = AccessCode::new(CODE.into());
        let partitions = (argument & 1 != 0).then(|| PartitionSet::first(1));
        let command = match argument % 9 {
            0 => Command::DisableUser { slot },
            1 => Command::Refresh(Section::Users),
            2 => Command::Refresh(Section::State),
            3 => Command::Disarm { partition, code },
            4 => Command::Arm { partition, mode: ArmMode::Stay, code: Some(code) },
            5 => Command::VerifyInstallerCode(InstallerCode::new("958640".into())),
            6 => Command::ChangeInstallerCode {
                current: InstallerCode::new("958640".into()),
                new: InstallerCode::new(CODE.into()),
            },
            _ => Command::SetUser(SetUser { slot, code: Some(code), label: None, role: None, partitions }),
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
        let mut acks = Vec::new();
        while let Some(bytes) = self.session.poll_transmit() {
            let mut input = &bytes[..];
            while let Some(line) = self.decoder.decode(&mut input) {
                acks.extend(line.ok().filter(|_| self.acks).map(|frame| format!("500{}", frame.number())));
            }
        }
        while let Some(entry) = self.session.poll_wire() {
            let text = String::from_utf8_lossy(&entry.masked);
            assert!(!text.contains(CODE) && !text.contains(MASTER), "no code is logged");
        }
        for ack in acks {
            if !self.ended {
                self.say(&ack);
            }
        }
    }
}
