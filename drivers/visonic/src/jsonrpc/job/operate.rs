//! Arming, disarming, bypassing, the output: one call, then what proves it. "Success" of the service means that it took the wish
//! (dossier 2.3); what the state does not show in time is not reported as done.

use std::time::Instant;

use panel_driver::{Command, CommandId, Outcome};
use panel_model::{AccessCode, ArmMode, ArmState, Evidence, PanelError, Partition, Readiness, Zone};

use crate::jsonrpc::answer::{ZONE, read};
use crate::jsonrpc::call::{Call, DeviceId, Wanted};
use crate::jsonrpc::error::{CallError, not_shown};
use crate::jsonrpc::quirks::{EVIDENCE, LOOK};
use crate::jsonrpc::session::{Site, Use};

use super::{Answer, Job, Next};

#[derive(Debug)]
enum Task {
    Arm { partition: Partition, mode: ArmMode, code: Option<AccessCode> },
    Disarm { partition: Partition, code: AccessCode },
    Bypass { zone: Zone, bypassed: bool },
    Output(u8),
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Act,
    /// Looking until then, not before the second time.
    Look {
        until: Instant,
        at: Instant,
    },
    Over,
}

/// One command under way.
#[derive(Debug)]
pub(crate) struct Operate {
    id: CommandId,
    task: Task,
    stage: Stage,
    /// What to say when nothing shows it: the call's own error, where it had a doubtful one.
    doubt: Option<CallError>,
    outcome: Option<Outcome>,
}

impl Operate {
    /// `None`: it is a command of another sort.
    pub(crate) fn new(id: CommandId, command: Command) -> Option<Self> {
        let task = match command {
            Command::Arm { partition, mode, code } => Task::Arm { partition, mode, code },
            Command::Disarm { partition, code } => Task::Disarm { partition, code },
            Command::Bypass { zone, bypassed } => Task::Bypass { zone, bypassed },
            Command::Output { partition: _, output } => Task::Output(output),
            _ => return None,
        };
        Some(Self { id, task, stage: Stage::Act, doubt: None, outcome: None })
    }

    /// What a stored code is used for; `None`: somebody typed one.
    fn purpose(&self) -> Option<Use> {
        match &self.task {
            Task::Arm { partition, code: None, .. } => Some(Use::Arm(*partition)),
            Task::Arm { .. } | Task::Disarm { .. } => None,
            Task::Bypass { .. } => Some(Use::Bypass),
            Task::Output(_) => Some(Use::Output),
        }
    }

    fn act(&self, site: &Site) -> Result<Call, Outcome> {
        Ok(match &self.task {
            Task::Arm { partition, mode, code } => {
                let wanted = if *mode == ArmMode::Stay { Wanted::Home } else { Wanted::Away };
                let code = code.clone().map_or_else(|| site.code_for(Use::Arm(*partition)), Ok)?;
                Call::SetPanelState { code, wanted, partition: *partition }
            }
            Task::Disarm { partition, code } => {
                Call::SetPanelState { code: code.clone(), wanted: Wanted::Disarm, partition: *partition }
            }
            Task::Bypass { zone, bypassed } => {
                let code = site.code_for(Use::Bypass)?;
                Call::SetZoneDeviceBypass { code, zone: zone.number(), bypassed: *bypassed }
            }
            Task::Output(output) => Call::SetPgmState { code: site.code_for(Use::Output)?, output: *output, on: true },
        })
    }

    fn question(&self) -> Call {
        match &self.task {
            Task::Arm { .. } | Task::Disarm { .. } | Task::Output(_) => Call::GetPanelStatuses,
            Task::Bypass { zone, .. } => Call::GetDeviceStatuses(DeviceId { kind: ZONE, id: zone.number() }),
        }
    }

    fn is_shown(&self, site: &Site) -> bool {
        if !site.belief.holds() {
            return false;
        }
        let state = site.tracker.state();
        match &self.task {
            Task::Arm { partition, mode, .. } => match state.partitions.get(partition).map(|p| p.arm) {
                Some(ArmState::ExitDelay) => true,
                Some(ArmState::Armed(shown)) => shown == *mode,
                Some(ArmState::Disarmed | ArmState::EntryDelay) | None => false,
            },
            Task::Disarm { partition, .. } => {
                state.partitions.get(partition).is_some_and(|p| p.arm == ArmState::Disarmed && !p.alarm)
            }
            Task::Bypass { zone, bypassed } => state.zones.get(zone).is_some_and(|z| z.bypassed == *bypassed),
            // Nothing that the module tells says whether it is on.
            Task::Output(_) => false,
        }
    }

    fn without_evidence(&self, site: &Site) -> Outcome {
        if let Some(doubt) = &self.doubt {
            return doubt.outcome();
        }
        match &self.task {
            _ if !site.belief.holds() => not_shown("does not hear the panel now"),
            Task::Arm { partition, .. } => {
                let partition = site.tracker.state().partitions.get(partition);
                if partition.is_some_and(|p| p.arm == ArmState::Disarmed && p.ready == Readiness::NotReady) {
                    let text = "the partition is not ready: close or bypass its open zones";
                    return Outcome::Failed(PanelError::passing("not_ready", text));
                }
                not_shown("its state does not show that it arms")
            }
            Task::Disarm { .. } => not_shown("its state does not show that it disarmed"),
            Task::Bypass { .. } => not_shown("the zone's bypass did not change; it may be off in the panel's options"),
            Task::Output(_) => Outcome::Applied(Evidence::WrittenBlind),
        }
    }

    fn finish(&mut self, outcome: Outcome) {
        self.outcome.get_or_insert(outcome);
        self.stage = Stage::Over;
    }

    fn acted(&mut self, now: Instant, answer: Answer, site: &mut Site) {
        if let (Err(CallError::WrongCode), Some(purpose)) = (&answer, self.purpose()) {
            site.refused(purpose);
        }
        match (answer, &self.task) {
            // There is nothing to look at.
            (Ok(_), Task::Output(_)) => return self.finish(Outcome::Applied(Evidence::WrittenBlind)),
            (Err(error), Task::Output(_)) => return self.finish(error.outcome()),
            (Ok(_), _) => {}
            // It may have been done all the same: the state says it.
            (Err(error), _) if error.is_doubtful() => self.doubt = Some(error),
            (Err(error), _) => return self.finish(error.outcome()),
        }
        self.stage = Stage::Look { until: now + EVIDENCE, at: now };
    }

    fn looked(&mut self, now: Instant, until: Instant, answer: Answer, site: &mut Site) {
        let heard = answer.and_then(|value| match &self.task {
            Task::Bypass { .. } => read(&value).map(|device| {
                let events = site.tracker.device(&device);
                site.happened(events);
            }),
            Task::Arm { .. } | Task::Disarm { .. } | Task::Output(_) => site.heard(now, &value).map(|_| ()),
        });
        match heard {
            Ok(()) if self.is_shown(site) => self.finish(Outcome::Applied(Evidence::ReadBack)),
            _ if now >= until => {
                let outcome = self.without_evidence(site);
                self.finish(outcome);
            }
            _ => self.stage = Stage::Look { until, at: now + LOOK },
        }
    }
}

impl Job for Operate {
    fn next(&mut self, now: Instant, site: &mut Site) -> Next {
        match self.stage {
            Stage::Act => match self.act(site) {
                Ok(call) => return Next::Call(call),
                Err(outcome) => self.finish(outcome),
            },
            Stage::Look { at, .. } if now < at => return Next::Wait(at),
            Stage::Look { .. } => return Next::Call(self.question()),
            Stage::Over => {}
        }
        if let Some(outcome) = self.outcome.take() {
            site.done(self.id, outcome);
        }
        Next::Done
    }

    fn answered(&mut self, now: Instant, answer: Answer, site: &mut Site) {
        match self.stage {
            Stage::Act => self.acted(now, answer, site),
            Stage::Look { until, .. } => self.looked(now, until, answer, site),
            Stage::Over => {}
        }
    }

    fn abandon(&mut self, site: &mut Site) {
        let outcome = self.outcome.take().unwrap_or_else(Outcome::interrupted);
        site.done(self.id, outcome);
    }
}
