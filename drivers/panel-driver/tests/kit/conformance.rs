//! The conformance kit: a good driver passes, and each planted bug is caught by the check that is meant for it.

use std::time::Instant;

use panel_driver::testkit::Failure;
use panel_driver::testkit::conformance::{self, Facts, Subject, Violations};
use panel_driver::{Credentials, DriverStart};
use panel_model::{AccessCode, Capabilities, Password, Slot};

use crate::toy::{Bug, PASSWORD, ToyPanel, ToySession, capabilities};

#[derive(Clone)]
struct Toy(Bug);

fn with_password(password: &str) -> DriverStart {
    let password = Some(Password::new(password.into()));
    DriverStart { credentials: Credentials { password, ..Credentials::default() }, residue: None }
}

impl Subject for Toy {
    type Session = ToySession;
    type Panel = ToyPanel;

    fn capabilities(&self) -> Capabilities {
        capabilities()
    }

    fn session(&self, start: DriverStart) -> ToySession {
        ToySession::new(start, self.0)
    }

    fn panel(&self, _now: Instant) -> ToyPanel {
        ToyPanel::default()
    }

    fn start(&self) -> DriverStart {
        with_password(PASSWORD)
    }

    fn wrong_start(&self) -> Option<DriverStart> {
        Some(with_password("mellon"))
    }

    fn facts(&self) -> Facts {
        Facts { slot: Slot::new(4).unwrap(), code: AccessCode::new("481516".into()), event: "open 3" }
    }
}

#[test]
fn a_good_driver_passes_every_check() -> Result<(), Violations> {
    conformance::all(&Toy(Bug::None))
}

type Check = fn(&Toy) -> Result<(), Failure>;

#[test]
fn each_planted_bug_is_caught_by_its_check() {
    let rows: [(Bug, Check, &str); _] = [
        (Bug::TellsBeforeSnapshot, conformance::the_snapshot_comes_first, "before the connection's first snapshot"),
        (
            Bug::ChangesCapabilities,
            conformance::capabilities_are_stable,
            "the next connection tells the same capabilities",
        ),
        (Bug::TakesRefusalForSilence, conformance::a_wrong_password_is_no_time_out, "the end is Auth, not"),
        (Bug::ChattersForEver, conformance::silence_is_noticed, "livelock"),
        (Bug::SendsUnsupported, conformance::what_is_unsupported_is_refused, "is refused at once as `unsupported`"),
        (Bug::SendsAnySlot, conformance::unknown_numbers_are_refused, "is refused at once as `slot_not_available`"),
        (Bug::SendsAnyCode, conformance::malformed_codes_are_refused, "is refused at once as `code_format`"),
        (Bug::TakesAnyNumberOfCommands, conformance::the_queue_is_bounded, "a thousand commands were taken"),
        (Bug::ShowsCodes, conformance::secrets_are_not_shown, "a secret stands in the wire log"),
        (Bug::IgnoresShutdown, conformance::it_stops_in_time, "no end within 10s of handle_shutdown"),
        (Bug::NeedsWholeLines, conformance::any_chunking_will_do, "did not settle"),
        (Bug::PanicsOnGarbage, conformance::garbage_is_survived, "panicked: only text is expected"),
        (Bug::StopsOnGarbage, conformance::garbage_is_survived, "noise does not end the driver for good"),
        (Bug::TripsOverResidue, conformance::cut_lines_are_survived, "after a cut in the middle of work"),
        (Bug::NeverGivesUp, conformance::silence_is_noticed, "the line is dead and the connection should end"),
        (Bug::LeavesTimerInThePast, conformance::nasty_lines_are_survived, "time-out stays in the past"),
        (Bug::ForgetsToAnswer, conformance::it_stops_in_time, "not reached within"),
        (Bug::AnswersTwice, conformance::it_stops_in_time, "was answered twice"),
        (Bug::SpeaksAfterEnd, conformance::it_stops_in_time, "an output came after End"),
    ];
    for (bug, check, text) in rows {
        let failure = check(&Toy(bug)).expect_err(&format!("{bug:?} is caught"));
        assert!(failure.what.contains(text), "{bug:?}: {failure}");
    }
    let Violations(violations) = conformance::all(&Toy(Bug::SendsAnySlot)).unwrap_err();
    let names: Vec<_> = violations.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["unknown_numbers_are_refused"], "all checks run, and only this one fails");
}
