//! The whole state: devices, partitions, every zone. Ends with a snapshot.

use std::collections::VecDeque;
use std::time::Instant;

use panel_driver::{DriverError, DriverEvent, Outcome};
use panel_model::Evidence;
use serde_json::Value;

use crate::jsonrpc::answer::{Device, read};
use crate::jsonrpc::call::{Call, DeviceId};
use crate::jsonrpc::error::CallError;
use crate::jsonrpc::map::zone_label;
use crate::jsonrpc::quirks::{AGAIN, FAILURES};
use crate::jsonrpc::session::Site;

use super::{Answer, Job, Next};

/// Reads everything once.
#[derive(Debug)]
pub(crate) struct Look {
    stage: Stage,
    zones: VecDeque<DeviceId>,
    not_before: Option<Instant>,
    /// Answers in a row that told nothing.
    bad: u8,
    end: Option<DriverError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Devices,
    Zones,
    /// Last, so that what is told is fresh where it matters most.
    Partitions,
    Tell,
}

impl Look {
    pub(crate) fn new(site: &mut Site) -> Self {
        site.look_wanted = false;
        let devices = std::mem::take(&mut site.devices_wanted);
        let stage = if devices { Stage::Devices } else { Stage::Zones };
        let zones = site.tracker.zone_devices().collect();
        Self { stage, zones, not_before: None, bad: 0, end: None }
    }

    fn take(&mut self, now: Instant, value: &Value, site: &mut Site) -> Result<(), CallError> {
        match self.stage {
            Stage::Devices => {
                site.tracker.set_devices(read::<Vec<Device>>(value)?);
                self.zones = site.tracker.zone_devices().collect();
                for (zone, label) in site.tracker.devices().iter().filter_map(zone_label).collect::<Vec<_>>() {
                    if zone.number() <= site.capabilities.zones {
                        site.event(DriverEvent::ZoneLabel(zone, label));
                    }
                }
                self.stage = Stage::Zones;
            }
            Stage::Zones => {
                let events = site.tracker.device(&read(value)?);
                site.happened(events);
                self.zones.pop_front();
            }
            Stage::Partitions => {
                site.heard(now, value)?;
                self.stage = Stage::Tell;
            }
            Stage::Tell => {}
        }
        Ok(())
    }
}

impl Job for Look {
    fn next(&mut self, now: Instant, site: &mut Site) -> Next {
        if let Some(end) = self.end.take() {
            return Next::End(end);
        }
        if let Some(at) = self.not_before.filter(|at| *at > now) {
            return Next::Wait(at);
        }
        if self.stage == Stage::Zones && self.zones.is_empty() {
            self.stage = Stage::Partitions;
        }
        match (self.stage, self.zones.front()) {
            (Stage::Devices, _) => Next::Call(Call::GetDevicesConfig),
            (Stage::Zones, Some(zone)) => Next::Call(Call::GetDeviceStatuses(*zone)),
            (Stage::Zones | Stage::Partitions, _) => Next::Call(Call::GetPanelStatuses),
            (Stage::Tell, _) => {
                (site.online, site.in_doubt) = (true, false);
                let state = site.tracker.state().clone();
                site.event(DriverEvent::Snapshot(Box::new(state)));
                for id in std::mem::take(&mut site.look_for) {
                    site.done(id, Outcome::Applied(Evidence::ReadBack));
                }
                Next::Done
            }
        }
    }

    fn answered(&mut self, now: Instant, answer: Answer, site: &mut Site) {
        self.not_before = None;
        match answer.and_then(|value| self.take(now, &value, site)) {
            Ok(()) => self.bad = 0,
            Err(error) if error.is_failure() && self.bad < FAILURES => {
                self.bad += 1;
                self.not_before = Some(now + AGAIN);
            }
            // Such as "not enrolled": the device is gone since they were listed.
            Err(_) if self.stage == Stage::Zones => {
                self.zones.pop_front();
            }
            Err(error) => {
                self.end = Some(DriverError::Protocol(format!("the module does not tell the state: {error}")))
            }
        }
    }
}
