//! The Envisalink: TPI on TCP, login, one client, lights of partition 1 [doc TPI].

use std::time::{Duration, Instant};

use panel_driver::sim::PanicKey;
use panel_model::{Partition, PartitionSet, Password, Zone};

use super::commands::{self, BUFFER_OVERRUN, LENGTH, NOT_SUPPORTED, SYNTAX};
use super::front::{Arrival, Front, Inbox, answer_delay};
use super::keypad::Key;
use super::line::Line;
use super::options::{Interface, SimConfig};
use super::panel::Panel;
use super::signal::{Client, Signal};
use super::tell;
use crate::codec::{FrameError, Number};
use crate::message::{
    ErrorCode, Lights, LoginState, ModuleCommand, ModuleMessage, PartitionNotice, Switch, Transport, ZoneNotice,
};
use panel_driver::sim::{Agenda, later};

pub(super) struct Envisalink {
    line: Line,
    inbox: Inbox,
    agenda: Agenda<Task>,
    password: Password,
    logged_in: bool,
    time_broadcasts: bool,
    /// 510 and 511 as last sent; `None` sends them again.
    lamps_on: Option<u8>,
    lamps_flashing: Option<u8>,
    /// Zones that moved since the module forgot them.
    forgotten: Vec<Zone>,
    /// An acknowledgement that comes late on purpose.
    held_back: Option<ModuleMessage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Answer,
    HalfLine,
    LoginOver,
    TimeBroadcast,
    TroubleRepeat,
}

/// A half line is thrown away after so much silence.
const HALF_LINE: Duration = Duration::from_millis(500);
/// Commands that a module takes at a time, if it takes more than one.
const QUEUE: usize = 4;
/// Keys of one 071.
const MOST_KEYS: usize = 6;

impl Envisalink {
    pub(super) fn new(config: &SimConfig) -> Self {
        Self {
            line: Line::new(None, config.seed),
            inbox: Inbox::new(),
            agenda: Agenda::new(),
            password: config.password.clone(),
            logged_in: false,
            time_broadcasts: false,
            lamps_on: None,
            lamps_flashing: None,
            forgotten: Vec::new(),
            held_back: None,
        }
    }

    fn refuse(&mut self, now: Instant, panel: &mut Panel, error: ErrorCode) {
        self.send(now, panel, &ModuleMessage::SystemError(error));
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
        let command = ModuleCommand::decode(&frame, Transport::Envisalink);
        if !self.logged_in {
            // Before the login the module hears nothing else.
            if let Ok(ModuleCommand::Login(password)) = command {
                self.log_in(now, panel, &password);
            }
            return;
        }
        if let Some(error) = panel.hostile.take_refusal() {
            return self.refuse(now, panel, error);
        }
        match command {
            Ok(ModuleCommand::Login(password)) => self.log_in(now, panel, &password),
            Ok(ModuleCommand::KeyString { keys, .. }) if keys.expose().len() > MOST_KEYS => {
                self.send(now, panel, &ModuleMessage::ChecksumError);
            }
            Ok(command) => self.run(now, panel, frame.number(), &command),
            Err(error) => {
                panel.signal(Signal::BadFrame);
                self.refuse(now, panel, commands::misread(Interface::Envisalink, error));
            }
        }
    }

    fn bad_line(&mut self, now: Instant, panel: &mut Panel, error: FrameError) {
        panel.signal(Signal::BadFrame);
        match error {
            // Seen on a real one: a login is acknowledged whatever its checksum, and then refused.
            FrameError::Checksum { number, .. } | FrameError::LowerCase { number } if number.value() == 5 => {
                self.send(now, panel, &ModuleMessage::Ack(number));
                self.close(now, panel, LoginState::Refused, Client::Refused);
            }
            _ if !self.logged_in => {}
            FrameError::Checksum { .. } | FrameError::LowerCase { .. } | FrameError::NoChecksum { .. } => {
                self.send(now, panel, &ModuleMessage::ChecksumError);
            }
            _ => self.refuse(now, panel, SYNTAX),
        }
    }

    fn log_in(&mut self, now: Instant, panel: &mut Panel, password: &Password) {
        if *password != self.password {
            return self.close(now, panel, LoginState::Refused, Client::Refused);
        }
        self.agenda.cancel(&Task::LoginOver);
        self.ack(now, panel, 5);
        self.send(now, panel, &ModuleMessage::Login(LoginState::Accepted));
        self.logged_in = true;
        let lamps = first_lamps(panel);
        (self.lamps_on, self.lamps_flashing) = (Some(lamps.0), Some(lamps.1));
        self.agenda.put(later(now, panel.timings.trouble_repeat), Task::TroubleRepeat);
        panel.signal(Signal::Client(Client::LoggedIn));
    }

    fn close(&mut self, now: Instant, panel: &mut Panel, state: LoginState, what: Client) {
        self.send(now, panel, &ModuleMessage::Login(state));
        self.line.hang_up(Duration::ZERO);
        self.leave();
        panel.signal(Signal::Client(what));
    }

    /// The client is gone, for whatever reason.
    fn leave(&mut self) {
        self.inbox.clear();
        self.agenda.clear();
        self.held_back = None;
        (self.logged_in, self.time_broadcasts, self.line.timestamps) = (false, false, false);
    }

    fn ack(&mut self, now: Instant, panel: &mut Panel, number: u16) {
        if let Some(number) = Number::new(number) {
            self.send(now, panel, &ModuleMessage::Ack(number));
        }
    }

    /// 500 when taken, 502 in its place when not.
    fn run(&mut self, now: Instant, panel: &mut Panel, number: Number, command: &ModuleCommand) {
        let taken = commands::gate(panel, Interface::Envisalink, command)
            .and_then(|()| self.run_own(now, panel, command))
            .and_then(|done| match done {
                Done::Yes => Ok(()),
                Done::NotMine => commands::run(panel, now, Interface::Envisalink, command),
            });
        let ack = match taken {
            Ok(()) => ModuleMessage::Ack(number),
            Err(error) => ModuleMessage::SystemError(error),
        };
        if panel.hostile.ack_last {
            self.held_back = Some(ack);
        } else {
            self.send(now, panel, &ack);
        }
        match command {
            ModuleCommand::StatusReport if taken.is_ok() => self.report(now, panel),
            ModuleCommand::DumpZoneTimers if taken.is_ok() => {
                let timers = zone_timers(panel, now);
                self.send(now, panel, &ModuleMessage::ZoneTimers(timers));
            }
            _ => {}
        }
    }

    /// The commands that the module does by itself.
    fn run_own(&mut self, now: Instant, panel: &mut Panel, command: &ModuleCommand) -> Result<Done, ErrorCode> {
        match command {
            ModuleCommand::Poll
            | ModuleCommand::StatusReport
            | ModuleCommand::DumpZoneTimers
            | ModuleCommand::TemperatureBroadcasts(_)
            | ModuleCommand::RequestTemperature => {}
            ModuleCommand::Timestamps(switch) => self.line.timestamps = *switch == Switch::On,
            ModuleCommand::TimeBroadcasts(switch) => {
                self.time_broadcasts = *switch == Switch::On;
                self.agenda.put(later(now, panel.timings.time_broadcast), Task::TimeBroadcast);
            }
            ModuleCommand::Key(key) => return self.press(now, panel, key.expose()),
            ModuleCommand::Labels
            | ModuleCommand::VirtualKeypad(_)
            | ModuleCommand::DescriptiveArming(_)
            | ModuleCommand::BeginThermostat(_)
            | ModuleCommand::SetThermostat { .. }
            | ModuleCommand::EndThermostat(_)
            | ModuleCommand::SetBaud(_)
            | ModuleCommand::Unknown(_) => return Err(NOT_SUPPORTED),
            _ => return Ok(Done::NotMine),
        }
        Ok(Done::Yes)
    }

    /// 070: digits, `*`, `#` on partition 1, `A` for help; other keys are taken and ignored.
    fn press(&mut self, now: Instant, panel: &mut Panel, character: u8) -> Result<Done, ErrorCode> {
        let Some(partition) = commands::first(panel) else { return Err(LENGTH) };
        if character == b'A' {
            panel.keypad_alarm(now, partition, PanicKey::Medical);
        } else if let Some(key) = Key::of(character)
            && !panel.press_string(now, partition, std::iter::once(key))
        {
            return Err(ErrorCode(10));
        }
        Ok(Done::Yes)
    }

    /// The answer to 001, in the order seen on a real one `[capture]`.
    fn report(&mut self, now: Instant, panel: &mut Panel) {
        let zones: Vec<(Zone, bool)> = panel.zones.iter().map(|(zone, unit)| (*zone, unit.open)).collect();
        for (zone, open) in zones {
            let seen = open && !self.forgotten.contains(&zone);
            let notice = if seen { ZoneNotice::Opened } else { ZoneNotice::Closed };
            self.send(now, panel, &ModuleMessage::Zone(notice, zone));
        }
        let most = if panel.hostile.undefined_busy { 8 } else { panel.model.partitions() };
        for partition in PartitionSet::first(most).iter() {
            let message = if panel.unit(partition).is_some() {
                tell::status_report(panel, partition)
            } else {
                ModuleMessage::Partition(PartitionNotice::Busy, partition)
            };
            self.send(now, panel, &message);
        }
        let trouble = !panel.troubles.is_empty();
        for partition in panel.partitions().iter() {
            self.send(now, panel, &tell::trouble_light(partition, trouble));
        }
        self.repeat_trouble(now, panel);
        (self.lamps_on, self.lamps_flashing) = (None, None);
        self.look(now, panel);
    }

    fn repeat_trouble(&mut self, now: Instant, panel: &mut Panel) {
        if !panel.troubles.is_empty() {
            let bits = tell::trouble_bits(panel);
            self.send(now, panel, &ModuleMessage::VerboseTrouble(bits));
        }
    }

    /// 510 and 511, whichever changed.
    fn look(&mut self, now: Instant, panel: &mut Panel) {
        let (on, flashing) = first_lamps(panel);
        if self.lamps_on.replace(on) != Some(on) {
            self.send(now, panel, &ModuleMessage::Lights(Lights(on)));
        }
        if self.lamps_flashing.replace(flashing) != Some(flashing) {
            self.send(now, panel, &ModuleMessage::LightsFlashing(Lights(flashing)));
        }
    }
}

/// Whether the module did the command itself.
enum Done {
    Yes,
    NotMine,
}

impl Front for Envisalink {
    fn connect(&mut self, now: Instant, panel: &mut Panel) {
        self.leave();
        self.line.connect();
        self.send(now, panel, &ModuleMessage::Login(LoginState::PasswordWanted));
        self.agenda.put(now + panel.timings.login_wait, Task::LoginOver);
    }

    fn disconnect(&mut self) {
        self.leave();
        self.line.disconnect();
    }

    fn receive(&mut self, now: Instant, panel: &mut Panel, mut bytes: &[u8]) {
        if !self.line.is_up() || panel.hostile.mute {
            return;
        }
        let room = if panel.hostile.queues_commands { QUEUE } else { 1 };
        while let Some(arrival) = self.inbox.arrive(&mut bytes, room, panel, &self.line) {
            match arrival {
                Arrival::Open(delay) => self.agenda.put(now + delay, Task::Answer),
                Arrival::Overrun if self.logged_in => self.refuse(now, panel, BUFFER_OVERRUN),
                Arrival::Queued | Arrival::Overrun => {}
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
            Some(Task::LoginOver) => self.close(now, panel, LoginState::TimedOut, Client::TooSlow),
            Some(Task::TimeBroadcast) if self.time_broadcasts => {
                let time = panel.clock.read(now);
                self.send(now, panel, &ModuleMessage::Time(time));
                self.agenda.put(later(now, panel.timings.time_broadcast), Task::TimeBroadcast);
            }
            Some(Task::TroubleRepeat) => {
                self.repeat_trouble(now, panel);
                self.agenda.put(later(now, panel.timings.trouble_repeat), Task::TroubleRepeat);
            }
            Some(Task::TimeBroadcast) | None => {}
        }
    }

    fn tell(&mut self, now: Instant, panel: &mut Panel, signal: &Signal) -> bool {
        if let Signal::ZoneOpened(moved) | Signal::ZoneClosed(moved) = signal {
            self.forgotten.retain(|zone| zone != moved);
        }
        if !self.logged_in {
            return false;
        }
        match signal {
            Signal::Look => self.look(now, panel),
            // The lights are told again after a refused code [inferred].
            Signal::InvalidCode { partition, .. } if Some(*partition) == commands::first(panel) => self.lamps_on = None,
            _ => {}
        }
        let messages = tell::messages(panel, Interface::Envisalink, signal);
        self.send_all(now, panel, &messages)
    }

    fn send(&mut self, now: Instant, panel: &mut Panel, message: &ModuleMessage) -> bool {
        self.line.send(now, panel, message)
    }

    fn finish(&mut self, now: Instant, panel: &mut Panel) {
        if let Some(ack) = self.held_back.take() {
            self.send(now, panel, &ack);
        }
    }

    fn reboot(&mut self, _now: Instant, panel: &mut Panel) {
        self.leave();
        self.line.cut(panel.timings.boot);
        if panel.hostile.forgets_zones {
            self.forgotten = panel.zones.keys().copied().collect();
        }
    }

    fn line(&mut self) -> &mut Line {
        &mut self.line
    }

    fn line_due(&self) -> Option<Instant> {
        self.line.next_due()
    }

    fn client(&self) -> &'static str {
        match (self.line.is_up(), self.logged_in) {
            (_, true) => "logged_in",
            (true, false) => "connected",
            (false, false) => "none",
        }
    }
}

fn first_lamps(panel: &Panel) -> (u8, u8) {
    let lamps = commands::first(panel).map(|partition: Partition| panel.lamps(partition)).unwrap_or_default();
    (lamps.on, lamps.flashing)
}

/// 615: open zones are FFFF, closed ones count down by one for each tick since [doc TPI 3.3].
fn zone_timers(panel: &Panel, now: Instant) -> Vec<u16> {
    let count = if panel.hostile.wide_timers { 128 } else { 64 };
    let tick = panel.timings.zone_timer_tick.max(Duration::from_millis(1)).as_millis();
    let timer = |n: u32| {
        let unit = Zone::new(n).ok().and_then(|zone| panel.zones.get(&zone));
        match unit.map(|unit| (unit.open, unit.closed_at)) {
            Some((true, _)) => u16::MAX,
            Some((false, Some(closed))) => {
                let ticks = now.saturating_duration_since(closed).as_millis() / tick;
                // A zone that closed just now must not read as open.
                u16::MAX - u16::try_from(ticks.max(1)).unwrap_or(u16::MAX)
            }
            Some((false, None)) | None => 0,
        }
    };
    (1..=count).map(timer).collect()
}
