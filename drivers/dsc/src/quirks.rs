//! Times and oddities of the two modules, each with its source. Change them here after a test on hardware.

use std::time::Duration;

use crate::message::Transport;

/// How a module wants to be talked to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// No answer for so long: the command is lost [impl PYE].
    pub(crate) answer: Duration,
    /// After an acknowledgement a refusal may still come; meanwhile nothing else is sent. On an IT-100 the 500 says
    /// only that the checksum was right, and faster commands overrun its buffer [impl J100, MH] [inferred: 300 ms].
    pub(crate) late_refusal: Duration,
    /// The same for single keys, of which there are many [impl EMU: 250 ms].
    pub(crate) key_gap: Duration,
    /// Between two key strings, after the acknowledgement: sooner gives 502 010 [impl HUB, PYE issues].
    pub(crate) string_gap: Duration,
    /// A half line that stays silent so long is thrown away [impl EMU].
    pub(crate) half_line: Duration,
}

impl Timing {
    pub(crate) fn of(transport: Transport) -> Self {
        match transport {
            Transport::Envisalink => Self {
                answer: Duration::from_secs(5),
                late_refusal: Duration::ZERO,
                key_gap: Duration::ZERO,
                string_gap: Duration::from_millis(1500),
                half_line: Duration::from_millis(500),
            },
            Transport::It100 => Self {
                answer: Duration::from_secs(5),
                late_refusal: Duration::from_millis(300),
                key_gap: Duration::from_millis(250),
                string_gap: Duration::ZERO,
                half_line: Duration::from_secs(1),
            },
        }
    }
}

/// Keep-alive [impl PYE]; an Envisalink without it and without internet reboots every 20 minutes [doc TPI 3.2].
pub(crate) const POLL: Duration = Duration::from_secs(30);
/// The module asks for the password at once [doc TPI 2.2].
pub(crate) const LOGIN_PROMPT: Duration = Duration::from_secs(10);
/// 001 has no end mark: so much silence ends its answer, ...
pub(crate) const REPORT_QUIET: Duration = Duration::from_millis(1000);
/// ... or so much when everything that it must contain was there.
pub(crate) const REPORT_QUIET_WHEN_COMPLETE: Duration = Duration::from_millis(150);
/// A report that lacks zones or partitions, or was disturbed, is asked for again, so often in all [inferred]. What is not
/// there then is not told by this module.
pub(crate) const REPORT_ASKED_AT_MOST: u8 = 3;
/// A report that never ends is taken as it is.
pub(crate) const REPORT_LIMIT: Duration = Duration::from_secs(10);
/// Status is asked for again after doubt, but not more often than this [inferred].
pub(crate) const REPORT_PAUSE: Duration = Duration::from_secs(10);

/// The panel shows within this time that it asks for a code [impl HUB: 3 s].
pub(crate) const PROMPT: Duration = Duration::from_secs(3);
/// The panel shows within this time that it took what was typed; silence is a refusal (rule 4 of dossier 8.1). The
/// panel itself holds "invalid code" for 2.7 s [impl KEY].
pub(crate) const VERDICT: Duration = Duration::from_secs(4);
/// Between two `#` that leave a menu.
pub(crate) const LEAVE: Duration = Duration::from_secs(2);
/// A menu stays open so long for the next user, so that pushes of many users form batches.
pub(crate) const LINGER: Duration = Duration::from_secs(1);
/// Users per opening, then a pause: keypads of partition 1 show "busy" meanwhile [inferred, dossier 7.1].
pub(crate) const BATCH_USERS: u8 = 5;
/// Longest time in a menu between two pauses.
pub(crate) const BATCH_TIME: Duration = Duration::from_secs(60);
/// No new user is begun when less than this is left of the batch.
pub(crate) const BATCH_RESERVE: Duration = Duration::from_secs(15);
/// The pause between batches.
pub(crate) const BATCH_PAUSE: Duration = Duration::from_secs(30);
/// How long a keypad lock-out is respected when section 012 is not known [inferred].
pub(crate) const LOCKOUT: Duration = Duration::from_secs(300);
/// After an alarm, a panic key or an entry delay the keypads are left to people for so long.
pub(crate) const AFTER_EMERGENCY: Duration = Duration::from_secs(60);
/// When leaving a menu could not be proved, it is tried again after this time.
pub(crate) const RECOVER_AGAIN: Duration = Duration::from_secs(60);

/// Two-line updates may come as two messages: a screen is read when it stayed as it is for so long [inferred].
pub(crate) const SCREEN_SETTLED: Duration = Duration::from_millis(60);

/// An arming or disarming shows within this time.
pub(crate) const OPERATION: Duration = Duration::from_secs(10);
/// An output, or the question for a code, shows within this time.
pub(crate) const SHORT_OPERATION: Duration = Duration::from_secs(3);
/// After `#` a blanked keypad is awake [impl: pyenvisalink PR 36].
pub(crate) const UNBLANK: Duration = Duration::from_secs(1);
/// 107 labels at 9600 baud take 4.7 s; so much silence ends them.
pub(crate) const LABELS_QUIET: Duration = Duration::from_secs(2);
