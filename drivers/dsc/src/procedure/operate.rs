//! Arming, disarming, outputs, the clock: one command of the module, then what the panel makes of it.

use std::collections::VecDeque;
use std::time::Instant;

use panel_driver::{CivilTime, Command, CommandId, Outcome};
use panel_model::{AccessCode, ArmMode, ArmState, Evidence, NotNow, PanelError, Partition};

use super::{Interruption, Procedure, Standing};
use crate::map::map_time;
use crate::message::{
    CodeForm, ErrorCode, Key, Keys, ModuleCommand, ModuleMessage, PartitionNotice as N, QuickArm, Transport,
};
use crate::quirks::{OPERATION, SHORT_OPERATION, UNBLANK};
use crate::session::{Answer, Site};

#[derive(Debug)]
pub(crate) struct Operate {
    id: CommandId,
    action: Action,
    waiting: VecDeque<ModuleCommand>,
    in_flight: bool,
    /// Nothing is sent before this.
    not_before: Option<Instant>,
    /// The panel shows until then what it made of it.
    until: Option<Instant>,
    /// The keypad was woken once already.
    woken: bool,
    /// The command is to be sent again when the keypad is awake.
    waking: bool,
    /// The code was given when it was asked for.
    code_given: bool,
    outcome: Option<Outcome>,
}

#[derive(Debug)]
enum Action {
    Arm { partition: Partition, mode: ArmMode, code: Option<AccessCode> },
    Disarm { partition: Partition, code: AccessCode },
    Output { partition: Partition, output: u8 },
    Clock(CivilTime),
}

impl Operate {
    /// `None` for commands of another kind.
    pub(crate) fn new(id: CommandId, command: Command, site: &Site) -> Option<Self> {
        let action = match command {
            Command::Arm { partition, mode, code } => Action::Arm { partition, mode, code },
            Command::Disarm { partition, code } => Action::Disarm { partition, code },
            Command::Output { partition, output } => Action::Output { partition, output },
            Command::SetClock(time) => Action::Clock(time),
            _ => return None,
        };
        let first = action.command(site.transport);
        Some(Self {
            id,
            action,
            waiting: VecDeque::from([first]),
            in_flight: false,
            not_before: None,
            until: None,
            woken: false,
            waking: false,
            code_given: false,
            outcome: None,
        })
    }

    fn end(&mut self, outcome: Outcome) {
        self.outcome.get_or_insert(outcome);
        self.waiting.clear();
    }

    /// A question that will not be answered is taken back, else the keypad waits for digits.
    fn end_at_prompt(&mut self, outcome: Outcome, site: &Site) {
        self.end(outcome);
        self.waiting.extend(press(b"#", self.action.partition(), site.transport));
    }

    fn code_wanted(&mut self, site: &Site) {
        let text = match &self.action {
            Action::Arm { code: Some(code), partition, .. } if !self.code_given => {
                self.code_given = true;
                match site.transport {
                    Transport::Envisalink => {
                        self.waiting.push_back(ModuleCommand::SendCode(CodeForm::Raw.lay_out(*partition, code)));
                    }
                    // How an IT-100 wants its 200 is disputed; its keypad takes the digits anyway.
                    Transport::It100 => {
                        self.waiting.extend(press(code.expose().as_bytes(), Some(*partition), site.transport));
                    }
                }
                return;
            }
            Action::Arm { code: Some(_), .. } | Action::Disarm { .. } => return,
            Action::Arm { .. } => "the panel wants a code for arming; give one, or turn on quick arm (section 015)",
            Action::Output { .. } => "the panel wants a code for this output; change the output's options",
            Action::Clock(_) => "the panel wants a code for setting its clock (section 019)",
        };
        self.end_at_prompt(Outcome::Failed(PanelError::lasting("code_wanted", text)), site);
    }

    fn partition_says(&mut self, notice: N, partition: Partition, site: &Site) {
        if self.action.partition() != Some(partition) {
            return;
        }
        match (notice, &self.action) {
            (N::ExitDelay, Action::Arm { .. }) => self.end(Outcome::Applied(Evidence::Acknowledged)),
            (N::FailedToArm | N::FailureToArm, Action::Arm { .. }) => {
                self.end(Outcome::Failed(PanelError::passing("arm_failed", "the panel could not arm")));
            }
            (N::Disarmed, Action::Disarm { .. }) => self.end(Outcome::Applied(Evidence::ReadBack)),
            (N::OutputRunning, Action::Output { .. }) => self.end(Outcome::Applied(Evidence::Acknowledged)),
            (N::InvalidCode, Action::Arm { .. } | Action::Disarm { .. }) => {
                let outcome = Outcome::Failed(PanelError::lasting("670", "the panel refused the code"));
                if self.code_given { self.end_at_prompt(outcome, site) } else { self.end(outcome) }
            }
            (N::FunctionUnavailable, _) => {
                let text = "the panel says that the function is not available now";
                self.end(Outcome::Failed(PanelError::passing("671", text)));
            }
            (N::KeypadLockout, _) => {
                self.end(Outcome::NotNow(NotNow { why: "keypads are locked after wrong codes".into() }));
            }
            _ => {}
        }
    }

    fn refused(&mut self, now: Instant, code: ErrorCode, site: &mut Site) {
        site.module_refused(now, code);
        let arm = self.action.partition().and_then(|p| site.tracker.state().partitions.get(&p));
        match (&self.action, code) {
            // Nothing to disarm: it is as it was wished.
            (Action::Disarm { .. }, ErrorCode::NOT_ARMED)
                if arm.is_some_and(|p| p.arm == ArmState::Disarmed && !p.alarm) =>
            {
                self.end(Outcome::Applied(Evidence::ReadBack));
            }
            // A blanked keypad makes the module believe that the partition is neither ready nor armed.
            (_, ErrorCode::NOT_ARMED | ErrorCode::NOT_READY) if !self.woken => {
                (self.woken, self.waking) = (true, true);
                self.waiting.extend(press(b"#", self.action.partition(), site.transport));
                self.waiting.push_back(self.action.command(site.transport));
            }
            (_, code) => self.end(code.outcome()),
        }
    }

    fn given_up(&self, site: &Site) -> Outcome {
        let armed = |p: &Partition| site.tracker.state().partitions.get(p).is_some_and(|p| p.arm != ArmState::Disarmed);
        match &self.action {
            Action::Arm { partition, .. } if armed(partition) => Outcome::Applied(Evidence::ReadBack),
            Action::Disarm { partition, .. } if !armed(partition) => Outcome::Applied(Evidence::Acknowledged),
            Action::Output { .. } | Action::Clock(_) => Outcome::Applied(Evidence::WrittenBlind),
            Action::Arm { .. } | Action::Disarm { .. } => {
                Outcome::Failed(PanelError::passing("no_reaction", "the panel took the command and did not act on it"))
            }
        }
    }
}

impl Action {
    fn partition(&self) -> Option<Partition> {
        match self {
            Self::Arm { partition, .. } | Self::Disarm { partition, .. } | Self::Output { partition, .. } => {
                Some(*partition)
            }
            Self::Clock(_) => None,
        }
    }

    fn command(&self, transport: Transport) -> ModuleCommand {
        match self {
            // 033 arms away; other modes are asked for first and get their code when the panel wants it.
            Self::Arm { partition, mode: ArmMode::Away, code: Some(code) } => {
                ModuleCommand::ArmWithCode { partition: *partition, code: ModuleCommand::padded(code, transport) }
            }
            Self::Arm { partition, mode, .. } => {
                let how = match mode {
                    ArmMode::Stay => QuickArm::Stay,
                    ArmMode::AwayNoEntry => QuickArm::NoEntryDelay,
                    _ => QuickArm::Away,
                };
                ModuleCommand::Arm { partition: *partition, how }
            }
            Self::Disarm { partition, code } => {
                ModuleCommand::Disarm { partition: *partition, code: ModuleCommand::padded(code, transport) }
            }
            Self::Output { partition, output } => ModuleCommand::Output { partition: *partition, output: *output },
            Self::Clock(time) => ModuleCommand::SetClock(map_time(*time)),
        }
    }
}

/// Keys outside any menu, on the partition's keypad.
fn press(keys: &[u8], partition: Option<Partition>, transport: Transport) -> Vec<ModuleCommand> {
    match transport {
        Transport::Envisalink => {
            let partition = partition.or_else(|| Partition::new(1).ok());
            let string = Keys::new(keys).zip(partition);
            string.map(|(keys, partition)| ModuleCommand::KeyString { partition, keys }).into_iter().collect()
        }
        Transport::It100 => keys
            .iter()
            .filter_map(|key| Key::new(*key))
            .flat_map(|key| [ModuleCommand::Key(key), ModuleCommand::Key(Key::RELEASE)])
            .collect(),
    }
}

impl Procedure for Operate {
    fn observe(&mut self, _now: Instant, message: &ModuleMessage, site: &mut Site) {
        match message {
            ModuleMessage::Partition(notice, partition) => self.partition_says(*notice, *partition, site),
            ModuleMessage::Armed { partition, .. }
                if matches!(self.action, Action::Arm { .. }) && self.action.partition() == Some(*partition) =>
            {
                self.end(Outcome::Applied(Evidence::ReadBack));
            }
            ModuleMessage::OutputPressed { partition, output } => {
                if let Action::Output { partition: p, output: o } = &self.action
                    && (p, o) == (partition, output)
                {
                    self.end(Outcome::Applied(Evidence::Acknowledged));
                }
            }
            ModuleMessage::CodeRequired(_) => self.code_wanted(site),
            _ => {}
        }
    }

    fn next(&mut self, now: Instant, _site: &mut Site) -> Option<ModuleCommand> {
        if self.in_flight || self.not_before.is_some_and(|at| now < at) {
            return None;
        }
        let command = self.waiting.pop_front()?;
        self.in_flight = true;
        Some(command)
    }

    fn settled(&mut self, now: Instant, answer: Answer, site: &mut Site) {
        self.in_flight = false;
        if self.outcome.is_some() {
            return;
        }
        match answer {
            Answer::Taken if self.waiting.is_empty() => {
                let quick = matches!(self.action, Action::Output { .. } | Action::Clock(_));
                self.until = Some(now + if quick { SHORT_OPERATION } else { OPERATION });
            }
            Answer::Taken if self.waking && self.waiting.len() == 1 => {
                self.waking = false;
                self.not_before = Some(now + UNBLANK);
            }
            Answer::Taken => {}
            Answer::Refused(code) => self.refused(now, code, site),
            Answer::Lost => {
                let text = "the module did not answer";
                self.end(Outcome::Failed(PanelError::passing("timeout", text)));
            }
        }
    }

    fn late_refusal(&mut self, now: Instant, code: ErrorCode, site: &mut Site) {
        if self.outcome.is_none() {
            self.until = None;
            self.refused(now, code, site);
        }
    }

    fn advance(&mut self, now: Instant, site: &mut Site) -> Standing {
        if self.outcome.is_none() && self.waiting.is_empty() && self.until.is_some_and(|at| now >= at) {
            self.outcome = Some(self.given_up(site));
        }
        if self.in_flight || !self.waiting.is_empty() {
            return Standing::Running;
        }
        match self.outcome.take() {
            Some(outcome) => {
                site.done(self.id, outcome);
                Standing::Finished
            }
            None => Standing::Running,
        }
    }

    fn wake(&self, _now: Instant, _site: &Site) -> Option<Instant> {
        if self.in_flight {
            None
        } else if self.waiting.is_empty() {
            self.until
        } else {
            self.not_before
        }
    }

    fn interrupt(&mut self, why: Interruption) {
        // What is sent is sent; only the wait for the panel's reaction is cut short.
        let waits = !self.in_flight && self.waiting.is_empty();
        if why == Interruption::Shutdown || (why == Interruption::Disarm && waits) {
            self.end(Outcome::interrupted());
        }
    }

    fn abandon(&mut self, site: &mut Site) {
        site.done(self.id, self.outcome.take().unwrap_or_else(Outcome::interrupted));
    }
}
