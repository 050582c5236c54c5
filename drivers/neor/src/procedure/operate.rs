//! Arming, disarming, outputs: one order each. Bypassing: one order in its programming mode.

use std::time::Instant;

use panel_driver::{Command as Asked, CommandId, Outcome};
use panel_model::{Evidence, PanelError, Zone};

use super::{Item, Next, Procedure, Work, failure};
use crate::map::arming_mode;
use crate::message::{Command, Digits, Notice, ResponseCode, Wanted, ZoneStatus};
use crate::session::{Answer, Ask, Site};

/// State of an output that is switched on.
const OUTPUT_ON: u8 = 1;

/// One order outside of programming modes.
#[derive(Debug)]
pub(crate) struct Operate {
    id: CommandId,
    ask: Option<Ask>,
    over: Option<Outcome>,
}

impl Operate {
    /// `None`: the command is no such order.
    pub(crate) fn new(id: CommandId, command: &Asked, site: &Site) -> Option<Self> {
        let number = |partition: &panel_model::Partition| Some(u32::from(partition.number()));
        let ask = match command {
            Asked::Arm { partition, mode, code } => Ask::order(Command::Arm {
                partition: number(partition),
                mode: arming_mode(*mode),
                code: code.as_ref().and_then(Digits::of),
            }),
            Asked::Disarm { partition, code } => {
                // Once only: a wrong code that is repeated counts twice.
                Ask::order(Command::Disarm { partition: number(partition), code: Digits::of(code) }).once()
            }
            Asked::Output { partition, output } => {
                // Once only: what was switched on twice may run twice as long.
                Ask::order(Command::Output {
                    partition: number(partition),
                    output: (*output).into(),
                    state: OUTPUT_ON,
                    code: site.credentials.master.as_ref().and_then(Digits::of),
                })
                .once()
            }
            _ => return None,
        };
        Some(Self { id, ask: Some(ask), over: None })
    }
}

impl Procedure for Operate {
    fn next(&mut self, _now: Instant, site: &mut Site) -> Next {
        if let Some(ask) = self.ask.take() {
            return Next::Ask(ask);
        }
        site.done(self.id, self.over.take().unwrap_or_else(Outcome::interrupted));
        Next::Done
    }

    fn answered(&mut self, _now: Instant, answer: Answer, _site: &mut Site) {
        self.over = Some(match &answer {
            Answer::Done => Outcome::Applied(Evidence::Acknowledged),
            Answer::Refused(ResponseCode::WrongCode) => {
                Outcome::Failed(PanelError::lasting("invalid_code", "the panel refused the code"))
            }
            missed => failure(missed),
        });
    }

    fn abandon(&mut self, site: &mut Site) {
        site.done(self.id, Outcome::interrupted());
    }
}

/// Bypasses a zone and looks at it.
#[derive(Debug)]
pub(crate) struct Bypass {
    id: CommandId,
    zone: Zone,
    bypassed: bool,
    stage: Stage,
    over: Option<Outcome>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Write,
    Leave,
    Look,
}

impl Bypass {
    pub(crate) fn new(id: CommandId, zone: Zone, bypassed: bool) -> Self {
        Self { id, zone, bypassed, stage: Stage::Write, over: None }
    }
}

impl Item for Bypass {
    fn id(&self) -> Option<CommandId> {
        Some(self.id)
    }

    fn next(&mut self, _now: Instant, _site: &mut Site) -> Work {
        if let Some(outcome) = self.over.take() {
            return Work::Done(outcome);
        }
        let (zone, bypassed) = (u32::from(self.zone.number()), self.bypassed);
        match self.stage {
            Stage::Write => Work::Ask(Ask::order(Command::WriteZoneBypass { partition: Some(1), zone, bypassed })),
            Stage::Leave => {
                self.stage = Stage::Look;
                Work::Leave
            }
            Stage::Look => {
                let request = Command::Request(Wanted::ZoneStatus { first: zone, count: 1 });
                Work::Ask(Ask::data(
                    request,
                    move |notice| matches!(notice, Notice::ZoneStatus { first, statuses } if *first == zone && statuses.len() == 1),
                ))
            }
        }
    }

    fn answered(&mut self, answer: Answer, site: &mut Site) {
        match (self.stage, &answer) {
            (Stage::Write, Answer::Done) => self.stage = Stage::Leave,
            (Stage::Look, Answer::Data(notice)) => {
                let Notice::ZoneStatus { statuses, .. } = notice else { return };
                let shown = statuses.first().is_some_and(|s| s.has(ZoneStatus::BYPASSED));
                let error = "the panel confirmed the bypass and does not show it: perhaps the zone cannot be bypassed";
                self.over = Some(if shown == self.bypassed {
                    Outcome::Applied(Evidence::ReadBack)
                } else {
                    Outcome::Failed(PanelError::lasting("not_taken", error))
                });
                site.observe_answer(notice);
            }
            (_, missed) => self.over = Some(failure(missed)),
        }
    }

    fn restart(&mut self) {
        self.stage = Stage::Write;
    }
}
