//! What the panel tells by itself or when asked: A5, A7, rows of the log, notices of B0 (dossier 4.3 to 4.5, 6.8).

use std::time::Instant;

use panel_driver::sim::later;
use serde_json::Value;

use super::devices::Device;
use super::log::LogEntry;
use super::models::Model;
use super::out::What;
use super::panel::Panel;
use super::port::{Port, Timer};
use super::signal::{Sign, Signal, Wire};
use crate::message::{EventPairs, Flags, PanelMessage, StatusPart, SystemStatus, ZoneEvent, sub};

/// Parts of A5 that a PowerMax tells, and those of a PowerMaster [impl WW].
const PARTS: (u8, u8) = (6, 0x10);

impl Port {
    /// Tells the host what a signal says, and gives back the line for watchers.
    pub(super) fn tell(&mut self, now: Instant, panel: &mut Panel, signal: Signal) -> Option<Value> {
        let Signal { wire, json } = signal;
        if self.is_booting() {
            return json;
        }
        match wire {
            Wire::Event { device, code, partitions } => {
                let message = self.event(panel, device, code, partitions);
                self.tell_status(now, panel, message);
            }
            Wire::Zone { zone, sign } => self.zone_event(now, panel, zone, sign),
            Wire::Status { partition, arming } => {
                self.news.insert(sub::PANEL_STATE);
                let more = if arming { Flags::ARMING_CHANGED } else { 0 };
                self.tell_status(now, panel, What::System { partition, total: 0, more, zone: 0, event: 0 });
            }
            Wire::Alarms => {
                self.news.insert(sub::TRIGGERED);
                self.tell_status(now, panel, What::Part { part: 1, total: 0 });
            }
            Wire::Bypasses => {
                self.news.insert(sub::BYPASS);
                self.tell_status(now, panel, What::Part { part: 6, total: 0 });
            }
            Wire::Outputs => self.system_status(now, panel),
            Wire::Troubles => {
                self.news.insert(sub::TROUBLES);
            }
            Wire::Help(help) => self.help(now, panel, help),
            Wire::Nothing => {}
        }
        json
    }

    /// A PowerMaster says at the end of a step what has news.
    pub(super) fn finish(&mut self, now: Instant, panel: &mut Panel) {
        let news: Vec<u8> = std::mem::take(&mut self.news).into_iter().collect();
        if panel.model.is_master() && !news.is_empty() {
            self.ask_me(now, panel, &news);
        }
    }

    fn event(&mut self, panel: &mut Panel, device: Device, code: u8, partitions: u8) -> PanelMessage {
        let number = device.number(panel.model);
        if panel.hostile.a7_ff && panel.model.is_master() {
            // With partitions its content is stale or made up [impl P4].
            let doubtful = panel.units.len() > 1;
            let (class, index) = device.class();
            let stale = if doubtful { u8::try_from(panel.rng.below(0x56)).unwrap_or(0) } else { code };
            let valid = if doubtful { 0x00 } else { 0xFF };
            let data = [number, stale, partitions, valid, 0x11, class, index, 0];
            return PanelMessage::Events(EventPairs { count: 0xFF, head: self.count(), data });
        }
        // Behind the pair stands what was left there, as in the captured frame.
        PanelMessage::Events(EventPairs { count: 1, head: 0, data: [number, code, 0x01, 0xFF, 0, 1, 0, 0] })
    }

    fn zone_event(&mut self, now: Instant, panel: &mut Panel, zone: u8, sign: Sign) {
        let part = match sign {
            Sign::TamperOpened | Sign::TamperRestored | Sign::Lost | Sign::Found => {
                self.news.insert(sub::TROUBLES);
                3
            }
            Sign::LowBattery | Sign::BatteryRestored => {
                self.news.insert(sub::TROUBLES);
                2
            }
            Sign::Opened | Sign::Closed | Sign::Violated => {
                self.news.extend([sub::OPEN, sub::PANEL_STATE, sub::LAST_EVENTS]);
                2
            }
        };
        self.tell_status(now, panel, What::Part { part, total: 0 });
        if sign.byte() != 0 {
            let mask = panel.mask_of(zone);
            let partition = panel.partitions().find(|partition| mask & (1 << partition) != 0).unwrap_or(0);
            let more = Flags::ZONE_EVENT;
            self.tell_status(now, panel, What::System { partition, total: 0, more, zone, event: sign.byte() });
        }
    }

    /// Part 4, for each partition.
    pub(super) fn system_status(&mut self, now: Instant, panel: &mut Panel) {
        for what in systems(panel, 0) {
            self.tell_status(now, panel, what);
        }
    }

    /// What waited to be said, as it is now.
    pub(super) fn message_of(&mut self, now: Instant, panel: &Panel, what: &What) -> PanelMessage {
        match *what {
            What::Message(ref message) => message.clone(),
            What::Part { part, total } => {
                let (part, data) = content_of(panel, part).bytes();
                PanelMessage::Status { total, part, data }
            }
            What::System { partition, total, more, zone, event } => {
                let (status, flags) = self.shown(panel, partition);
                let system = StatusPart::System {
                    status: SystemStatus(status),
                    flags: Flags(flags | more),
                    zone,
                    event: ZoneEvent(event),
                    unknown: [0, 0],
                    outputs: panel.outputs,
                };
                let (part, data) = system.bytes();
                PanelMessage::Status { total, part, data }
            }
            What::State => self.state_message(now, panel),
        }
    }

    /// Status and flags as hosts see them: while memory is read it stands for everything else.
    pub(super) fn shown(&self, panel: &Panel, partition: u8) -> (u8, u8) {
        let face = panel.face(partition);
        let downloading = self.download.is_some() || panel.hostile.stuck_download;
        let status = if downloading { SystemStatus::DOWNLOADING.0 } else { face.status };
        (if panel.hostile.status_bit5 { status | 0x20 } else { status }, face.flags)
    }

    pub(super) fn flood(&mut self, now: Instant, panel: &mut Panel) {
        if !panel.hostile.flood {
            return;
        }
        self.timers.put(later(now, panel.timings.second), Timer::Flood);
        if panel.partitions().any(|partition| !panel.is_disarmed(partition)) {
            self.system_status(now, panel);
            self.news.insert(sub::PANEL_STATE);
        }
    }
}

/// The parts of A5 that a mask asks for, bit n-1 for part n; all for 0.
pub(super) fn round(panel: &Panel, mask: u8) -> Vec<What> {
    let most = if panel.model.is_master() { PARTS.1 } else { PARTS.0 };
    let wanted = |part: u8| mask == 0 || (part <= 8 && mask & (1 << (part - 1)) != 0);
    let parts: Vec<u8> = (1..=most).filter(|part| wanted(*part)).collect();
    let total = if parts.len() > 1 { most } else { 0 };
    let part = |part: u8| if part == 4 { systems(panel, total) } else { vec![What::Part { part, total }] };
    parts.into_iter().flat_map(part).collect()
}

/// Part 4, once for each partition; it does not say which.
fn systems(panel: &Panel, total: u8) -> Vec<What> {
    panel.partitions().map(|partition| What::System { partition, total, more: 0, zone: 0, event: 0 }).collect()
}

fn content_of(panel: &Panel, part: u8) -> StatusPart {
    match part {
        1 => StatusPart::Alarms {
            alarm: low(panel.zone_mask(|zone| zone.in_alarm.is_some())),
            tamper_memory: low(panel.zone_mask(|zone| zone.tamper_memory)),
        },
        2 => StatusPart::Open {
            open: low(panel.zone_mask(|zone| zone.open && !zone.motion)),
            low_battery: low(panel.zone_mask(|zone| zone.low_battery)),
        },
        3 => StatusPart::Tamper {
            inactive: low(panel.zone_mask(|zone| zone.lost)),
            tamper: low(panel.zone_mask(|zone| zone.tampered)),
        },
        6 => StatusPart::Enrolled {
            enrolled: low(panel.zone_mask(|_| true)),
            bypassed: low(panel.zone_mask(|zone| zone.bypassed)),
        },
        other => StatusPart::Other(other, [0; 8]),
    }
}

/// Zones 1 to 32; the others do not fit into A5.
fn low(mask: u64) -> u32 {
    u32::try_from(mask & u64::from(u32::MAX)).unwrap_or(0)
}

/// Bytes 3 to 10 of A0.
pub(super) fn log_row(model: Model, entry: &LogEntry) -> [u8; 8] {
    let (device, time) = (entry.device.number(model), entry.time);
    if model.is_master() {
        let [a, b, c, d] = entry.unix.to_le_bytes();
        [u8::from(entry.partitions & 1 != 0), a, b, c, d, 0, device, entry.code]
    } else {
        [time.second, time.minute, time.hour, time.day, time.month, time.year, device, entry.code & 0x7F]
    }
}
