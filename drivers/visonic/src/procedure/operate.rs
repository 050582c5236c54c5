//! Arming, disarming, the siren, bypassing, the output: one command, then what proves it. What the state does not show within
//! five seconds is not reported as done.

use std::time::{Duration, Instant};

use panel_driver::{Command, CommandId, Outcome};
use panel_model::{AccessCode, ArmMode, ArmState, Evidence, PanelError, Partition, Readiness, Zone};

use crate::error::{code_refused, denied_while_shared, lost, not_shown};
use crate::map::{partition_mask, wire_code};
use crate::message::{
    ArmCommand, B0, B0Content, B0Error, B0Kind, Form, HostMessage, OutputCommand, PanelMessage, WireCode, bitmap,
    bypass_command, pgm_command, sub,
};
use crate::model::Family;
use crate::quirks::EVIDENCE;
use crate::session::{Answer, Site};

use super::{Next, Procedure};

/// The panel is asked for its state so often while evidence is waited for.
const LOOK: Duration = Duration::from_secs(1);
/// Bit of the PGM output.
const PGM: u16 = 0x01;

/// What is to be done.
#[derive(Debug)]
enum Task {
    Arm { partition: Partition, mode: ArmMode, code: Option<AccessCode> },
    Disarm { partition: Partition, code: AccessCode },
    Silence { partition: Partition, code: AccessCode },
    Bypass { zone: Zone, bypassed: bool },
    Output,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Act,
    /// Waiting for evidence, until then; asking at the second time.
    Look {
        until: Instant,
        ask: Instant,
    },
    Ask {
        until: Instant,
    },
    Over,
}

/// One command under way.
#[derive(Debug)]
pub(crate) struct Operate {
    id: CommandId,
    task: Task,
    stage: Stage,
    /// How often its partition's state had been told when the panel took the command.
    seen: u64,
    /// A state came after the command was sent.
    fresh: bool,
    outcome: Option<Outcome>,
}

impl Operate {
    /// `None`: it is a command of another sort.
    pub(crate) fn new(id: CommandId, command: Command) -> Option<Self> {
        let task = match command {
            Command::Arm { partition, mode, code } => Task::Arm { partition, mode, code },
            Command::Disarm { partition, code } => Task::Disarm { partition, code },
            Command::SilenceSiren { partition, code } => Task::Silence { partition, code },
            Command::Bypass { zone, bypassed } => Task::Bypass { zone, bypassed },
            Command::Output { .. } => Task::Output,
            _ => return None,
        };
        Some(Self { id, task, stage: Stage::Act, seen: 0, fresh: false, outcome: None })
    }

    fn act(&self, site: &Site) -> Result<HostMessage, Outcome> {
        // Never all partitions where several are configured, whatever the panel is thought to use.
        let whole = site.tracker.is_one_area() && site.capabilities.partitions.iter().count() == 1;
        let arm = |command, partition, code: Option<&AccessCode>| {
            let code = wire_code(code).unwrap_or_else(WireCode::none);
            HostMessage::Arm { command, code, partitions: partition_mask(partition, whole) }
        };
        match &self.task {
            Task::Arm { code: None, .. } if site.options.is_some_and(|options| !options.quick_arm) => {
                let text = "quick arm is off in the panel: arming needs a code";
                Err(Outcome::Failed(PanelError::lasting("quick_arm_off", text)))
            }
            Task::Arm { partition, mode, code } => Ok(arm(arm_command(*mode), *partition, code.as_ref())),
            Task::Disarm { partition, code } => Ok(arm(ArmCommand::Disarm, *partition, Some(code))),
            Task::Silence { partition, code } => Ok(arm(ArmCommand::MuteSiren, *partition, Some(code))),
            Task::Bypass { zone, bypassed } => bypass(*zone, *bypassed, site),
            Task::Output if site.model.family == Family::PowerMaster => {
                Ok(HostMessage::B0(pgm_command(&site.download_code(), true)))
            }
            Task::Output => Ok(HostMessage::Output { command: OutputCommand::On, devices: PGM }),
        }
    }

    /// Asks for that part of the state which shows it.
    fn question(&self, site: &Site) -> HostMessage {
        let master = site.model.family == Family::PowerMaster;
        match self.task {
            Task::Bypass { .. } if master => HostMessage::B0(B0::request_several(&[sub::BYPASS])),
            Task::Bypass { .. } => HostMessage::GetStatus(0x20),
            Task::Output | Task::Silence { .. } => HostMessage::GetStatus(0x08),
            Task::Arm { .. } | Task::Disarm { .. } if master => {
                HostMessage::B0(B0::request_several(&[sub::PANEL_STATE]))
            }
            Task::Arm { .. } | Task::Disarm { .. } => HostMessage::GetStatus(0x08),
        }
    }

    fn is_shown(&self, site: &Site) -> bool {
        let arm_of = |partition: &Partition| {
            let fresh = site.tracker.seen(*partition) > self.seen;
            site.tracker.state().partitions.get(partition).filter(|_| fresh).map(|p| p.arm)
        };
        match &self.task {
            Task::Arm { partition, mode, .. } => match arm_of(partition) {
                Some(ArmState::ExitDelay) => true,
                Some(ArmState::Armed(shown)) => shown == *mode,
                Some(ArmState::Disarmed | ArmState::EntryDelay) | None => false,
            },
            Task::Disarm { partition, .. } => arm_of(partition) == Some(ArmState::Disarmed),
            Task::Bypass { zone, bypassed } => {
                let is = site.tracker.state().zones.get(zone).is_some_and(|z| z.bypassed);
                self.fresh && is == *bypassed
            }
            // No message says whether a siren sounds: the acknowledgement is all there is.
            Task::Silence { .. } => false,
            Task::Output => self.fresh && site.tracker.outputs() & PGM != 0,
        }
    }

    /// What is said when the time is over.
    fn without_evidence(&self, site: &Site) -> Outcome {
        match &self.task {
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
            // Its state may be nowhere to be seen; the panel took it all the same.
            Task::Output | Task::Silence { .. } => Outcome::Applied(Evidence::Acknowledged),
        }
    }

    fn finish(&mut self, outcome: Outcome) {
        self.outcome.get_or_insert(outcome);
        self.stage = Stage::Over;
    }
}

/// What a denial means: the code, unless somebody else keeps the panel busy.
fn denied(site: &Site) -> Outcome {
    if site.shared { denied_while_shared() } else { code_refused() }
}

fn arm_command(mode: ArmMode) -> ArmCommand {
    match mode {
        ArmMode::Away => ArmCommand::Away,
        ArmMode::AwayNoEntry => ArmCommand::AwayInstant,
        ArmMode::StayNoEntry => ArmCommand::HomeInstant,
        // There is no command for night; the capabilities do not offer it.
        ArmMode::Stay | ArmMode::Night => ArmCommand::Home,
    }
}

fn bypass(zone: Zone, bypassed: bool, site: &Site) -> Result<HostMessage, Outcome> {
    if site.model.family == Family::PowerMaster {
        let mut zones = [0; 8];
        zones.copy_from_slice(bitmap(8, [zone.number()]).get(..8).unwrap_or(&[0; 8]));
        let kind = if bypassed { B0Kind::Set } else { B0Kind::Clear };
        return Ok(HostMessage::B0(bypass_command(&site.download_code(), kind, &zones)));
    }
    let master = site.credentials.master.as_ref();
    let Some(code) = master.and_then(|code| wire_code(Some(code))) else {
        let text = "bypassing a zone of this model needs the master code; store it";
        return Err(Outcome::Failed(PanelError::lasting("master_code_needed", text)));
    };
    let bit = 1_u32.checked_shl(u32::from(zone.number()) - 1).unwrap_or(0);
    let (bypass, unbypass) = if bypassed { (bit, 0) } else { (0, bit) };
    Ok(HostMessage::Bypass { code, bypass, unbypass })
}

impl Procedure for Operate {
    fn next(&mut self, now: Instant, site: &mut Site) -> Next {
        match self.stage {
            Stage::Act => match self.act(site) {
                Ok(message) => return Next::Send(message),
                Err(outcome) => self.finish(outcome),
            },
            Stage::Look { .. } | Stage::Ask { .. } if self.is_shown(site) => {
                self.finish(Outcome::Applied(Evidence::ReadBack));
            }
            Stage::Look { until, .. } | Stage::Ask { until } if now >= until => {
                let outcome = self.without_evidence(site);
                self.finish(outcome);
            }
            Stage::Look { until, ask } if now >= ask => {
                self.stage = Stage::Ask { until };
                return Next::Send(self.question(site));
            }
            Stage::Look { until, ask } => return Next::Wait(until.min(ask)),
            Stage::Ask { .. } => return Next::Send(self.question(site)),
            Stage::Over => {}
        }
        if let Some(outcome) = self.outcome.take() {
            site.done(self.id, outcome);
        }
        Next::Done
    }

    fn settled(&mut self, now: Instant, answer: Answer, site: &mut Site) {
        match (self.stage, answer) {
            (Stage::Act, Answer::Taken) if matches!(self.task, Task::Silence { .. }) => {
                self.finish(Outcome::Applied(Evidence::Acknowledged));
            }
            (Stage::Act, Answer::Taken) => {
                if let Task::Arm { partition, .. } | Task::Disarm { partition, .. } = &self.task {
                    self.seen = site.tracker.seen(*partition);
                }
                self.stage = Stage::Look { until: now + EVIDENCE, ask: now + LOOK };
            }
            (Stage::Act, Answer::Denied) => self.finish(denied(site)),
            (Stage::Act, Answer::Lost) => self.finish(lost()),
            (Stage::Ask { until }, _) => self.stage = Stage::Look { until, ask: now + LOOK },
            _ => {}
        }
    }

    fn heard(&mut self, _now: Instant, message: &PanelMessage, site: &mut Site) {
        let waits = matches!(self.stage, Stage::Look { .. } | Stage::Ask { .. });
        match message {
            // Some panels acknowledge first and deny then.
            PanelMessage::Denied(Form::PowerLink) if matches!(self.stage, Stage::Look { .. }) => {
                self.finish(denied(site))
            }
            PanelMessage::Status { part: 4, .. } => self.fresh |= waits && matches!(self.task, Task::Output),
            PanelMessage::Status { part: 6, .. } => self.fresh |= waits && matches!(self.task, Task::Bypass { .. }),
            PanelMessage::B0(b0) => match b0.content() {
                Ok(B0Content::Bypassed(_)) => self.fresh |= waits && matches!(self.task, Task::Bypass { .. }),
                Ok(B0Content::Errors(errors)) if waits => {
                    let refused = |error: &B0Error| error.code == B0Error::REFUSED;
                    if matches!(self.task, Task::Bypass { .. } | Task::Output) && errors.iter().any(refused) {
                        let text = "the panel refused it; its download code may be another one";
                        self.finish(Outcome::Failed(PanelError::lasting("b0 04", text)));
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn abandon(&mut self, site: &mut Site) {
        let outcome = self.outcome.take().unwrap_or_else(Outcome::interrupted);
        site.done(self.id, outcome);
    }
}
