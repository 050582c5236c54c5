//! The IT-100: a serial module with a virtual LCD keypad on partition 1 [impl J100, MH, K100].

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use panel_driver::sim::PanicKey;
use panel_model::{Partition, Zone};

use super::commands::{self, BUFFER_OVERFLOW, KEYPAD_OFF, SYNTAX, THERMOSTAT_NOT_OPEN, THERMOSTAT_SILENT};
use super::front::{Arrival, Front, Inbox, answer_delay};
use super::keypad::Key;
use super::line::Line;
use super::options::{Interface, SimConfig};
use super::panel::Panel;
use super::signal::{Hand, Signal, Sound, Trouble};
use super::tell;
use super::virtual_keypad::{Pressed, VirtualKeypad};
use crate::codec::FrameError;
use crate::message::{Baud, Beeper, ErrorCode, ModuleCommand, ModuleMessage, Switch, Text, Transport, ZoneNotice};
use panel_driver::sim::{Agenda, later};

pub(super) struct It100 {
    line: Line,
    inbox: Inbox,
    agenda: Agenda<Task>,
    labels: BTreeMap<u16, String>,
    keypad: VirtualKeypad,
    time_broadcasts: bool,
    /// Power came back a moment ago; the module says nothing and hears nothing.
    booting: bool,
    held_back: Option<ModuleMessage>,
    new_baud: Option<Baud>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Answer,
    HalfLine,
    LongPress,
    TimeBroadcast,
    /// The idle display's minute changes.
    Minute,
    Booted,
}

const HALF_LINE: Duration = Duration::from_secs(1);
/// Commands that the module's receive buffer holds; faster ones overrun it `[impl MH]`.
const BUFFER: usize = 4;
/// The labels that there are: zones, three events, partitions, outputs [impl J100].
const LABELS: [std::ops::RangeInclusive<u16>; 3] = [1..=67, 101..=108, 120..=151];

impl It100 {
    pub(super) fn new(config: &SimConfig) -> Self {
        Self {
            line: Line::new(config.timings.baud, config.seed),
            inbox: Inbox::new(),
            agenda: Agenda::new(),
            labels: labels(config),
            keypad: VirtualKeypad::new(),
            time_broadcasts: false,
            booting: false,
            held_back: None,
            new_baud: None,
        }
    }

    fn answer(&mut self, now: Instant, panel: &mut Panel) {
        let Some(read) = self.inbox.next() else { return };
        if !self.inbox.is_empty() {
            let delay = answer_delay(panel);
            self.agenda.put(now + delay, Task::Answer);
        }
        let frame = match read {
            Ok(frame) => frame,
            Err(error) => return self.bad_line(now, panel, error),
        };
        if let Some(error) = panel.hostile.take_refusal() {
            self.send(now, panel, &ModuleMessage::SystemError(error));
            return;
        }
        // Every frame with a right checksum is acknowledged, whatever becomes of it [impl J100].
        let ack = ModuleMessage::Ack(frame.number());
        if panel.hostile.ack_last {
            self.held_back = Some(ack);
        } else {
            self.send(now, panel, &ack);
        }
        let taken = match ModuleCommand::decode(&frame, Transport::It100) {
            Ok(command) => self.run(now, panel, &command),
            Err(error) => {
                panel.signal(Signal::BadFrame);
                Err(commands::misread(Interface::It100, error))
            }
        };
        if let Err(error) = taken {
            self.send(now, panel, &ModuleMessage::SystemError(error));
        }
    }

    fn bad_line(&mut self, now: Instant, panel: &mut Panel, error: FrameError) {
        panel.signal(Signal::BadFrame);
        let answer = match error {
            FrameError::Checksum { .. } | FrameError::LowerCase { .. } | FrameError::NoChecksum { .. } => {
                ModuleMessage::ChecksumError
            }
            _ => ModuleMessage::SystemError(SYNTAX),
        };
        self.send(now, panel, &answer);
    }

    fn run(&mut self, now: Instant, panel: &mut Panel, command: &ModuleCommand) -> Result<(), ErrorCode> {
        commands::gate(panel, Interface::It100, command)?;
        match command {
            ModuleCommand::Poll | ModuleCommand::TemperatureBroadcasts(_) => {}
            ModuleCommand::StatusReport => self.report(now, panel),
            ModuleCommand::Labels => self.send_labels(now, panel),
            ModuleCommand::Timestamps(switch) => self.line.timestamps = *switch == Switch::On,
            ModuleCommand::TimeBroadcasts(switch) => {
                self.time_broadcasts = *switch == Switch::On;
                self.agenda.put(later(now, panel.timings.time_broadcast), Task::TimeBroadcast);
            }
            ModuleCommand::VirtualKeypad(switch) => {
                let comes_on = self.keypad.switch(*switch);
                if comes_on {
                    self.refresh(now, panel);
                }
            }
            ModuleCommand::Key(_) if !self.keypad.is_on() => return Err(KEYPAD_OFF),
            ModuleCommand::Key(key) => self.press(now, panel, key.expose()),
            ModuleCommand::SetBaud(baud) => {
                self.send(now, panel, &ModuleMessage::BaudSet(*baud));
                self.new_baud = Some(*baud);
            }
            ModuleCommand::BeginThermostat(_) => return Err(THERMOSTAT_SILENT),
            ModuleCommand::SetThermostat { .. } | ModuleCommand::EndThermostat(_) => return Err(THERMOSTAT_NOT_OPEN),
            ModuleCommand::Login(_)
            | ModuleCommand::DumpZoneTimers
            | ModuleCommand::DescriptiveArming(_)
            | ModuleCommand::KeyString { .. }
            | ModuleCommand::OpenUsersMenu(_)
            | ModuleCommand::OpenFunctionsMenu(_)
            | ModuleCommand::KeepMenuOpen(_)
            | ModuleCommand::RequestTemperature
            | ModuleCommand::Unknown(_) => return Err(SYNTAX),
            command if panel.keybus_working => return commands::run(panel, now, Interface::It100, command),
            // With a dead bus the module takes it and nothing comes of it; 896 has said so.
            _ => {}
        }
        Ok(())
    }

    fn press(&mut self, now: Instant, panel: &mut Panel, character: u8) {
        match self.keypad.press(character) {
            Pressed::Acts(character) => self.key(now, panel, character),
            Pressed::IfHeld => self.agenda.put(now + panel.timings.long_press, Task::LongPress),
            Pressed::Released => self.agenda.cancel(&Task::LongPress),
            Pressed::Ignored => {}
        }
    }

    fn key(&mut self, now: Instant, panel: &mut Panel, character: u8) {
        let key = match character {
            b'<' => Some(Key::Left),
            b'>' => Some(Key::Right),
            b'F' => Some(Key::Panic(PanicKey::Fire)),
            b'A' => Some(Key::Panic(PanicKey::Medical)),
            b'P' => Some(Key::Panic(PanicKey::Police)),
            b'a'..=b'e' => Some(Key::Function(character - b'a' + 1)),
            other => Key::of(other),
        };
        if let (Some(partition), Some(key), true) = (commands::first(panel), key, panel.keybus_working) {
            panel.press(now, partition, Hand::Module, key);
        }
    }

    /// The answer to 001: zones, partitions in use, troubles, version; then display and lights [impl J100, HOB].
    fn report(&mut self, now: Instant, panel: &mut Panel) {
        let zones: Vec<(Zone, bool)> = panel.zones.iter().map(|(zone, unit)| (*zone, unit.open)).collect();
        for (zone, open) in zones {
            let notice = if open { ZoneNotice::Opened } else { ZoneNotice::Closed };
            self.send(now, panel, &ModuleMessage::Zone(notice, zone));
        }
        for partition in panel.partitions().iter() {
            self.send(now, panel, &tell::status_report(panel, partition));
        }
        let trouble = !panel.troubles.is_empty();
        for partition in panel.partitions().iter() {
            self.send(now, panel, &tell::trouble_light(partition, trouble));
        }
        for (_, trouble) in Trouble::NAMED {
            let on = panel.troubles.contains(&trouble);
            if let Some(notice) = tell::trouble_notice(false, trouble, on) {
                self.send(now, panel, &ModuleMessage::System(notice));
            }
        }
        self.say_version(now, panel);
        self.refresh(now, panel);
    }

    fn say_version(&mut self, now: Instant, panel: &mut Panel) {
        self.send(now, panel, &ModuleMessage::Version { version: 1, sub: 1, spare: 2 });
    }

    fn send_labels(&mut self, now: Instant, panel: &mut Panel) {
        for number in LABELS.into_iter().flatten() {
            let text = self.labels.get(&number).map_or("", String::as_str);
            let mut padded = format!("{text:<32.32}");
            if panel.hostile.odd_labels {
                padded = padded.replace(['e', 'o'], "\u{e9}");
            }
            self.send(now, panel, &ModuleMessage::Label { number, text: Text::new(&padded) });
        }
    }

    /// Tells display and lights from the start.
    fn refresh(&mut self, now: Instant, panel: &mut Panel) {
        self.keypad.forget();
        self.look(now, panel);
    }

    /// Tells what changed on display and lights.
    fn look(&mut self, now: Instant, panel: &mut Panel) {
        for message in self.keypad.changes(now, panel) {
            self.send(now, panel, &message);
        }
        if panel.hostile.idle_clock && !self.agenda.has(&Task::Minute) {
            self.agenda.put(later(now, panel.clock.next_minute(now)), Task::Minute);
        }
    }

    /// The virtual keypad beeps, if it is the one in use.
    fn sound(&mut self, now: Instant, panel: &mut Panel, partition: Partition, sound: Sound) {
        if !self.keypad.is_on() || Some(partition) != commands::first(panel) {
            return;
        }
        let beeper = match sound {
            Sound::Refused => Beeper::Buzzer(2),
            Sound::Item => Beeper::Beeps(2),
            Sound::Complete => Beeper::Beeps(5),
        };
        self.send(now, panel, &ModuleMessage::Beeper(beeper));
    }

    fn leave(&mut self) {
        self.inbox.clear();
        self.agenda.cancel(&Task::Answer);
        self.agenda.cancel(&Task::HalfLine);
        self.held_back = None;
    }
}

impl Front for It100 {
    /// Somebody opens the port. The module does not notice: its switches stay as they are.
    fn connect(&mut self, now: Instant, panel: &mut Panel) {
        self.leave();
        // What it showed while nobody listened is not told again until it is asked for or changes.
        self.look(now, panel);
        self.line.connect();
    }

    fn disconnect(&mut self) {
        self.leave();
        self.line.disconnect();
    }

    fn receive(&mut self, now: Instant, panel: &mut Panel, mut bytes: &[u8]) {
        if !self.line.is_up() || panel.hostile.mute || self.booting {
            return;
        }
        while let Some(arrival) = self.inbox.arrive(&mut bytes, BUFFER, panel, &self.line) {
            match arrival {
                Arrival::Open(delay) => self.agenda.put(now + delay, Task::Answer),
                Arrival::Overrun => {
                    self.send(now, panel, &ModuleMessage::SystemError(BUFFER_OVERFLOW));
                }
                Arrival::Queued => {}
            }
        }
        if self.inbox.has_half_a_line() {
            self.agenda.put(now + HALF_LINE, Task::HalfLine);
        }
    }

    fn next_due(&self) -> Option<Instant> {
        self.agenda.next_due()
    }

    fn run_due(&mut self, now: Instant, panel: &mut Panel) {
        match self.agenda.pop_due(now) {
            Some(Task::Answer) => self.answer(now, panel),
            Some(Task::HalfLine) => self.inbox.drop_half_a_line(),
            Some(Task::LongPress) => {
                if let Some(character) = self.keypad.held() {
                    self.key(now, panel, character);
                }
            }
            Some(Task::TimeBroadcast) if self.time_broadcasts => {
                let time = panel.clock.read(now);
                self.send(now, panel, &ModuleMessage::Time(time));
                self.agenda.put(later(now, panel.timings.time_broadcast), Task::TimeBroadcast);
            }
            Some(Task::Minute) => self.look(now, panel),
            Some(Task::Booted) => {
                self.booting = false;
                self.say_version(now, panel);
                self.keypad.forget();
            }
            Some(Task::TimeBroadcast) | None => {}
        }
    }

    fn tell(&mut self, now: Instant, panel: &mut Panel, signal: &Signal) -> bool {
        match signal {
            Signal::Look if !self.booting => self.look(now, panel),
            Signal::Sound(partition, Hand::Module, sound) => self.sound(now, panel, *partition, *sound),
            _ => {}
        }
        let messages = tell::messages(panel, Interface::It100, signal);
        self.send_all(now, panel, &messages)
    }

    fn send(&mut self, now: Instant, panel: &mut Panel, message: &ModuleMessage) -> bool {
        !self.booting && self.line.send(now, panel, message)
    }

    fn finish(&mut self, now: Instant, panel: &mut Panel) {
        if let Some(ack) = self.held_back.take() {
            self.send(now, panel, &ack);
        }
        // 580 goes out at the old speed.
        if let Some(baud) = self.new_baud.take() {
            self.line.baud = self.line.baud.map(|_| baud.bits_per_second());
        }
    }

    /// The port stays open; the module is silent for a while and then says its version.
    fn reboot(&mut self, now: Instant, panel: &mut Panel) {
        self.leave();
        self.agenda.clear();
        (self.booting, self.time_broadcasts) = (true, false);
        self.keypad = VirtualKeypad::new();
        self.line.timestamps = false;
        self.agenda.put(later(now, panel.timings.boot), Task::Booted);
    }

    fn line(&mut self) -> &mut Line {
        &mut self.line
    }

    fn line_due(&self) -> Option<Instant> {
        self.line.next_due()
    }

    fn client(&self) -> &'static str {
        if self.line.is_up() { "connected" } else { "none" }
    }
}

/// The texts that LCD keypads hold: made up, except where the configuration gives them.
fn labels(config: &SimConfig) -> BTreeMap<u16, String> {
    let named = [(1, "Front Door"), (2, "Back Door"), (65, "Fire Alarm"), (66, "Failed to Arm"), (67, "Alarm Armed")];
    let zones = (1..=64).map(|n| (n, format!("Zone {n}")));
    let partitions = (101..=108).map(|n| (n, format!("Partition {}", n - 100)));
    let outputs = (120..=151).map(|n| (n, format!("Output {}-{}", (n - 120) / 4 + 1, (n - 120) % 4 + 1)));
    let mut labels: BTreeMap<u16, String> = zones.chain(partitions).chain(outputs).collect();
    labels.extend(named.map(|(n, text)| (n, text.to_owned())));
    labels.extend(config.labels.iter().map(|(n, text)| (*n, text.clone())));
    labels
}
