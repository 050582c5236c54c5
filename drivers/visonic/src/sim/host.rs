//! What the host asks for, and what it gets (dossier 4.1, 9.1).

use std::time::Instant;

use panel_driver::sim::later;
use serde_json::json;

use super::clock::PanelClock;
use super::devices::{Device, event};
use super::eeprom;
use super::hostile::Step;
use super::models::Model;
use super::options::StopAnswer;
use super::panel::Panel;
use super::port::{Port, Timer};
use super::signal::Signal;
use super::status;
use crate::codec::Frame;
use crate::message::{ClockTime, Form, Hidden, HostMessage, LogRow, OutputCommand, PanelMessage, Restart, TextVersion};

/// `AB 03` with the version of each family [cap].
pub(super) fn keep_alive(model: Model) -> PanelMessage {
    let version = if model.is_master() { *b"3314" } else { *b"1.15" };
    PanelMessage::Alive { interval: 30, version: TextVersion(version) }
}

impl Port {
    /// Answers one command.
    pub(super) fn answer(&mut self, now: Instant, panel: &mut Panel, frame: &Frame) {
        let form = Self::form_of(frame);
        // What does not fit its type is acknowledged like any unknown one.
        let message = HostMessage::decode(frame).unwrap_or(HostMessage::Unknown(Hidden::default()));
        if let Some(step) = step_of(&message)
            && panel.hostile.denies(step)
        {
            return self.deny(now, panel, form, step);
        }
        self.touch_download(now, panel);
        self.serve(now, panel, form, message);
        if let Some(form) = self.late_ack.take() {
            self.reply(now, panel, PanelMessage::Ack(form));
        }
    }

    fn serve(&mut self, now: Instant, panel: &mut Panel, form: Form, message: HostMessage) {
        match message {
            HostMessage::Ack(_) => {}
            HostMessage::EnterDownload(code) => self.enter_download(now, panel, code.bytes()),
            HostMessage::ReadEeprom { address, length } => self.read_memory(now, panel, address, length),
            HostMessage::ReadSecondMemory { .. } => self.deny(now, panel, form, Step::Read),
            HostMessage::StartDump => self.start_dump(now, panel),
            HostMessage::Stop => self.stop(now, panel),
            HostMessage::ExitDownload => self.exit_download(now, panel),
            HostMessage::SetClock(time) => self.set_clock(now, panel, time),
            HostMessage::GetSerial => {
                self.acknowledge(now, panel, form);
                self.send_row(now, panel, eeprom::SERIAL);
            }
            HostMessage::EventLog(code) => self.event_log(now, panel, code.bytes()),
            HostMessage::Arm { command, code, partitions } => {
                let done = match self.download {
                    Some(_) => Err(super::users::Denied),
                    None => panel.operate(now, command.byte(), code.bytes(), partitions),
                };
                self.acknowledge_or_deny(now, panel, form, Step::Arm, done.is_ok());
            }
            HostMessage::Bypass { code, bypass, unbypass } => {
                let done = panel.judge(now, code.bytes());
                let done = done.and_then(|_| panel.bypass_zones(bypass.into(), unbypass.into()));
                self.acknowledge_or_deny(now, panel, form, Step::Bypass, done.is_ok());
            }
            HostMessage::Output { command, devices } => {
                let outputs = match command {
                    OutputCommand::Off => panel.outputs & !devices,
                    OutputCommand::On => panel.outputs | devices,
                    _ => panel.outputs,
                };
                panel.set_outputs(outputs);
                self.acknowledge(now, panel, form);
            }
            HostMessage::GetStatus(mask) => {
                self.acknowledge(now, panel, form);
                for what in status::round(panel, mask) {
                    self.reply_status(now, panel, what);
                }
            }
            HostMessage::GetZoneNames => {
                self.acknowledge(now, panel, form);
                self.zone_rows(now, panel, |total, row, names| PanelMessage::ZoneNames { total, row, names });
            }
            HostMessage::GetZoneTypes => {
                self.acknowledge(now, panel, form);
                self.zone_rows(now, panel, |total, row, types| PanelMessage::ZoneTypes { total, row, types });
            }
            HostMessage::GetClock => {
                self.acknowledge(now, panel, form);
                let clock = clock_time(panel.clock.read(now));
                self.reply(now, panel, PanelMessage::Clock(clock));
            }
            HostMessage::Restart(Restart::Link) => {
                self.acknowledge(now, panel, form);
                self.revive(now, panel);
                for what in status::round(panel, 0) {
                    self.tell_status(now, panel, what);
                }
            }
            HostMessage::Restart(Restart::Enrolment) => self.init(now, panel),
            HostMessage::Enrol(code) => self.enrol(now, panel, code.bytes()),
            HostMessage::B0(b0) => {
                self.acknowledge(now, panel, form);
                // A PowerMax makes nothing of it.
                if panel.model.is_master() {
                    self.power_master(now, panel, &b0);
                }
            }
            HostMessage::Unknown(payload) => self.unknown(now, panel, form, &payload),
            HostMessage::Hello
            | HostMessage::Bump
            | HostMessage::Alive
            | HostMessage::ImageFeedback(_)
            | HostMessage::GetX10Names
            | HostMessage::Image(_)
            | HostMessage::Bridge { .. } => self.acknowledge(now, panel, form),
        }
    }

    fn acknowledge_or_deny(&mut self, now: Instant, panel: &mut Panel, form: Form, step: Step, done: bool) {
        if done { self.acknowledge(now, panel, form) } else { self.deny(now, panel, form, step) }
    }

    /// `0B`: real panels acknowledge it, deny it, or say nothing.
    fn stop(&mut self, now: Instant, panel: &mut Panel) {
        self.take_back(|message| matches!(message, PanelMessage::Row { .. } | PanelMessage::EndOfDump));
        match panel.hostile.stop_answer.unwrap_or(panel.options.stop_answer) {
            StopAnswer::Acknowledge => self.acknowledge(now, panel, Form::Plain),
            StopAnswer::Deny => self.deny(now, panel, Form::Plain, Step::Stop),
            StopAnswer::Nothing => {}
        }
    }

    fn set_clock(&mut self, now: Instant, panel: &mut Panel, time: ClockTime) {
        let [second, minute, hour, day, month, year] = time.bytes();
        let wanted = PanelClock { year, month, day, hour, minute, second };
        if self.download.is_some() && panel.clock.set(now, wanted) {
            self.acknowledge(now, panel, Form::Plain);
            let json = json!({"event": "clock_set"});
            if panel.model.is_master() {
                panel.event(Device::System, event::CLOCK_CHANGED, 0, Some(json));
            } else {
                panel.signal(Signal::watch(json));
            }
        } else {
            self.deny(now, panel, Form::Plain, Step::SetClock);
        }
    }

    /// INIT: types from 4 on ask to be enrolled a second later.
    fn init(&mut self, now: Instant, panel: &mut Panel) {
        if !panel.model.knows_init() {
            return self.deny(now, panel, Form::PowerLink, Step::Init);
        }
        self.acknowledge(now, panel, Form::PowerLink);
        if !panel.model.has_own_powerlink() {
            self.timers.put(later(now, panel.timings.enrol_request), Timer::EnrolRequest);
        }
    }

    /// Who is not invited must know the download code; who is brings his own. A panel that has a PowerLink takes no
    /// other until it is taken out.
    fn enrol(&mut self, now: Instant, panel: &mut Panel, code: [u8; 2]) {
        let known = panel.eeprom.code(eeprom::CODES + 4) == code || panel.eeprom.code(eeprom::CODES + 6) == code;
        let welcome = self.invited || (known && panel.model.enrols_by_command());
        let free = self.powerlink.is_none_or(|enrolled| enrolled == code);
        if !welcome || !free || code == [0, 0] || panel.model.has_own_powerlink() {
            return self.deny(now, panel, Form::PowerLink, Step::Enrol);
        }
        self.acknowledge(now, panel, Form::PowerLink);
        self.invited = false;
        self.powerlink = Some(code);
        panel.signal(Signal::watch(json!({"event": "enrolled"})));
    }

    pub(super) fn forget_enrolment(&mut self, panel: &mut Panel) {
        self.powerlink = None;
        self.alive = None;
        self.timers.cancel(&Timer::KeepAlive);
        panel.signal(Signal::watch(json!({"event": "enrolment_forgotten"})));
    }

    /// A3 and A6: eight zones a row.
    fn zone_rows(&mut self, now: Instant, panel: &mut Panel, row: impl Fn(u8, u8, [u8; 8]) -> PanelMessage) {
        let zones = panel.model.zones();
        let total = zones.div_ceil(8);
        for number in 1..=total {
            let cells = std::array::from_fn(|column| {
                let zone = (number - 1) * 8 + u8::try_from(column).unwrap_or(0) + 1;
                match row(total, number, [0; 8]) {
                    _ if zone > zones => 0x1F,
                    PanelMessage::ZoneNames { .. } => panel.eeprom.byte(panel.eeprom.zone_name_at(zone)),
                    _ => panel.eeprom.zone_type(zone) + 0x1E,
                }
            });
            self.reply_status(now, panel, row(total, number, cells));
        }
    }

    /// A0: a head row, then the events, newest first.
    fn event_log(&mut self, now: Instant, panel: &mut Panel, code: [u8; 2]) {
        if panel.judge(now, code).is_err() {
            return self.deny(now, panel, Form::PowerLink, Step::Log);
        }
        self.acknowledge(now, panel, Form::PowerLink);
        // The row's number has one byte, so of a thousand events 254 can be told.
        let model = panel.model;
        let rows: Vec<[u8; 8]> = panel.log.entries().take(254).map(|entry| status::log_row(model, entry)).collect();
        let total = u8::try_from(rows.len() + 1).unwrap_or(u8::MAX);
        let rows = std::iter::once([0; 8]).chain(rows);
        for (index, body) in (1..=total).zip(rows) {
            self.reply(now, panel, PanelMessage::Log(LogRow { total, index, body }));
        }
    }

    fn unknown(&mut self, now: Instant, panel: &mut Panel, form: Form, payload: &[u8]) {
        match payload {
            [0x3D, index, page, low, high, data @ ..] => {
                let (address, length) = (u16::from_le_bytes([*index, *page]), u16::from_le_bytes([*low, *high]));
                let whole = usize::from(length) == data.len();
                if panel.options.hypothetical_writes && self.download.is_some() && whole {
                    panel.eeprom.write(address, data);
                    self.acknowledge(now, panel, form);
                    panel.signal(Signal::watch(json!({"event": "memory_written", "address": address})));
                } else {
                    self.deny(now, panel, form, Step::Read);
                }
            }
            _ => self.acknowledge(now, panel, form),
        }
    }
}

/// What a message asks for, as far as it can be denied.
fn step_of(message: &HostMessage) -> Option<Step> {
    Some(match message {
        HostMessage::EnterDownload(_) => Step::Download,
        HostMessage::ReadEeprom { .. } | HostMessage::ReadSecondMemory { .. } | HostMessage::GetSerial => Step::Read,
        HostMessage::StartDump => Step::Start,
        HostMessage::Stop => Step::Stop,
        HostMessage::ExitDownload => Step::Exit,
        HostMessage::SetClock(_) => Step::SetClock,
        HostMessage::Restart(Restart::Enrolment) => Step::Init,
        HostMessage::Enrol(_) => Step::Enrol,
        HostMessage::Restart(Restart::Link) => Step::Restore,
        HostMessage::Alive => Step::Alive,
        HostMessage::GetClock => Step::Clock,
        HostMessage::GetStatus(_) => Step::Status,
        HostMessage::Arm { .. } => Step::Arm,
        HostMessage::Bypass { .. } => Step::Bypass,
        HostMessage::EventLog(_) => Step::Log,
        HostMessage::GetZoneNames | HostMessage::GetZoneTypes | HostMessage::GetX10Names => Step::Names,
        HostMessage::Output { .. } => Step::Output,
        HostMessage::B0(_) => Step::PowerMaster,
        _ => return None,
    })
}

pub(super) fn clock_time(time: PanelClock) -> ClockTime {
    let PanelClock { year, month, day, hour, minute, second } = time;
    ClockTime { second, minute, hour, day, month, year }
}
