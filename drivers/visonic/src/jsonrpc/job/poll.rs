//! A look at the partitions every ten seconds, and at the zones when something is different there; else at one device
//! after the other.

use std::collections::VecDeque;
use std::time::Instant;

use panel_driver::DriverError;

use crate::jsonrpc::answer::{DeviceStatuses, read};
use crate::jsonrpc::call::{Call, DeviceId};
use crate::jsonrpc::error::CallError;
use crate::jsonrpc::quirks::{FAILURES, LINK_EVERY, POLL};
use crate::jsonrpc::session::Site;

use super::{Answer, Job, Next};

/// Where the walk over the devices stands, from one poll to the next.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Round {
    polls: u8,
    device: usize,
}

/// One poll.
#[derive(Debug)]
pub(crate) struct Poll {
    /// Partitions are to be read, for the first time or again in a long walk.
    partitions: bool,
    link: bool,
    devices: VecDeque<DeviceId>,
    asked: Option<Asked>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Partitions,
    Link,
    Device,
}

impl Poll {
    pub(crate) fn new(round: &mut Round, site: &Site) -> Self {
        round.polls = (round.polls + 1) % LINK_EVERY;
        let devices: Vec<_> = site.tracker.all_devices().collect();
        round.device = (round.device + 1).checked_rem(devices.len()).unwrap_or(0);
        let device = devices.get(round.device).copied();
        let link = (round.polls == 0 || site.belief.is_frozen()) && site.methods.takes(&Call::IsPanelConnected);
        Self { partitions: true, link, devices: device.into_iter().collect(), asked: None }
    }
}

impl Job for Poll {
    fn next(&mut self, now: Instant, site: &mut Site) -> Next {
        if site.unread >= FAILURES {
            return Next::End(DriverError::Protocol("the module does not tell the state in any known shape".into()));
        }
        // A walk over many zones takes longer than the time between two polls.
        let old = site.state_at.is_none_or(|at| now.saturating_duration_since(at) >= POLL);
        let (asked, call) = if self.partitions || (old && !self.devices.is_empty()) {
            (Asked::Partitions, Call::GetPanelStatuses)
        } else if self.link {
            (Asked::Link, Call::IsPanelConnected)
        } else if let Some(device) = self.devices.front() {
            (Asked::Device, Call::GetDeviceStatuses(*device))
        } else {
            return Next::Done;
        };
        self.asked = Some(asked);
        Next::Call(call)
    }

    fn answered(&mut self, now: Instant, answer: Answer, site: &mut Site) {
        match (self.asked.take(), answer) {
            (Some(Asked::Partitions), Ok(value)) => {
                self.partitions = false;
                match site.heard(now, &value) {
                    Ok(true) => self.devices = site.tracker.zone_devices().collect(),
                    Ok(false) => {}
                    Err(_) => {
                        site.unread = site.unread.saturating_add(1);
                        self.devices.clear();
                    }
                }
            }
            (Some(Asked::Link), Ok(value)) => {
                self.link = false;
                site.linked(value.as_bool().unwrap_or(true));
            }
            (Some(Asked::Device), Ok(value)) => {
                self.devices.pop_front();
                if let Ok(statuses) = read::<DeviceStatuses>(&value) {
                    let events = site.tracker.device(&statuses);
                    site.happened(events);
                }
            }
            // Gone since the devices were listed.
            (Some(Asked::Device), Err(error)) if !error.is_failure() => {
                self.devices.pop_front();
            }
            // The next poll comes soon enough. A no of the module's is not counted as a failure elsewhere.
            (asked, answer) => {
                let told_no = answer.is_err_and(|e| !e.is_failure() && e != CallError::NotRegistered);
                if asked == Some(Asked::Partitions) && told_no {
                    site.unread = site.unread.saturating_add(1);
                }
                (self.partitions, self.link, self.devices) = (false, false, VecDeque::new());
            }
        }
    }
}
