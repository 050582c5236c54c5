//! Times and limits, each with its source. What is inferred stands in the README too.

use std::time::Duration;

use crate::model::Family;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// An acknowledgement takes no longer [impl PX] [impl P4].
pub(crate) const ANSWER: Duration = secs(5);
/// A command that was not acknowledged is sent so many times in all [dossier 13.2, inferred].
pub(crate) const TRIES: u8 = 4;
/// After this pause a frame that is shorter than announced is taken [inferred].
pub(crate) const SHORT_PAUSE: Duration = ms(300);
/// A frame whose next byte is later is dropped [impl P4].
pub(crate) const HALF_FRAME: Duration = secs(2);
/// 3C follows the grant of download mode within [impl P4].
pub(crate) const PANEL_INFO: Duration = secs(7);
/// Between two download codes [impl P4].
pub(crate) const CODE_PAUSE: Duration = secs(4);
/// A block of memory follows its acknowledgement within [impl P4].
pub(crate) const BLOCK: Duration = secs(3);
/// A visit to the memory takes no longer [impl P4].
pub(crate) const VISIT: Duration = secs(90);
/// Status parts follow each other within; 100 to 250 ms on real panels [impl WW].
pub(crate) const PART: Duration = ms(1500);
/// While the panel says that it is downloading although nobody does, it is asked again after [impl P4].
pub(crate) const STUCK_PAUSE: Duration = secs(3);
/// And given up after [inferred].
pub(crate) const STUCK: Duration = secs(60);
/// Evidence for arming and the like [inferred].
pub(crate) const EVIDENCE: Duration = secs(5);
/// The panel asks for enrolment within this time of INIT; slow panels need ten seconds of silence [impl IZ].
pub(crate) const ENROL_REQUEST: Duration = secs(10);
/// No keep-alive of an enrolled panel for so long: the link is taken up again [impl OH: 60 s].
pub(crate) const WATCHDOG: Duration = secs(70);
/// Restores in a row without a keep-alive after which we count as not enrolled [impl NL].
pub(crate) const RESTORES: u8 = 3;
/// A refused or lost enrolment is tried again after [inferred].
pub(crate) const ENROL_AGAIN: Duration = secs(900);
/// Refusals of our enrolment in a connection after which we do not begin another [inferred].
pub(crate) const ENROL_REFUSALS: u8 = 3;
/// A panel that has just refused is not heard when it asks for enrolment again [inferred].
pub(crate) const REQUEST_PAUSE: Duration = secs(30);
/// The whole state is asked for so often, in case something was missed [inferred].
pub(crate) const SYNC: Duration = secs(300);
/// Visits that read zones and users, as long as they fail, and the time between them [impl OH].
pub(crate) const SETUP_TRIES: u8 = 3;
pub(crate) const SETUP_AGAIN: Duration = secs(45);
/// Without enrolment so often, since nothing else shows that the panel is there [impl P4: 25 and 88 s].
pub(crate) const POLL: Duration = secs(60);
/// So nothing may be heard of a panel that is well for so long: two polls, the second one's answer late [inferred].
pub(crate) const QUIET: Duration = secs(120);
/// Repeats of one A7 within this time are the panel's, because our acknowledgement was lost [inferred].
pub(crate) const REPEAT: Duration = secs(5);
/// After an event that may mean changed codes the users are read when it was quiet for so long [inferred].
pub(crate) const USERS_PAUSE: Duration = secs(10);
/// Sub-types that the panel wants to be asked for are asked no more often: floods were seen [impl P4].
pub(crate) const ASK_PAUSE: Duration = secs(2);
/// A busy B0 is asked again after, and so many times [impl P4].
pub(crate) const B0_BUSY: Duration = secs(1);
/// Times that a busy B0 is asked again.
pub(crate) const B0_TRIES: u8 = 5;

/// What differs between the families [impl P4 py_const.py, py_panel_type_data.py].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// Between two commands.
    pub(crate) gap: Duration,
    /// Between two of our keep-alives.
    pub(crate) alive: Duration,
}

impl Timing {
    pub(crate) fn of(family: Family) -> Self {
        match family {
            Family::PowerMax => Self { gap: ms(190), alive: secs(25) },
            Family::PowerMaster => Self { gap: ms(150), alive: secs(15) },
        }
    }
}
