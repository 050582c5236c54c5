//! What differs between firmwares or is only inferred, in one place: times, limits, and the switches of a panel.

use std::time::Duration;

use crate::message::PartitionForm;

/// Switches that a panel's configuration may set where its firmware differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quirks {
    /// How 0812 names partitions (dossier 3.7).
    pub partition_form: PartitionForm,
    /// What our packets carry as TLink header.
    pub header: ServerHeader,
}

/// The TLink header of our packets: panels take both [impl RM, NH].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ServerHeader {
    /// As the official server does.
    #[default]
    Empty,
    /// The panel's own identifier, as open implementations do.
    Echo,
}

/// An awaited step of the handshake [inferred].
pub(crate) const HANDSHAKE_STEP: Duration = Duration::from_secs(10);
/// A message of ours that is not acknowledged is sent again after this time, with the same number: a panel that
/// only missed to acknowledge then knows it as a repetition [inferred].
pub(crate) const ACK_LIMIT: Duration = Duration::from_secs(5);
/// How often it is sent in all.
pub(crate) const SENDS: u8 = 3;
/// An answer that stays out although the request was acknowledged [inferred]. The next try has a new number.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// The same while a programming mode is open.
pub(crate) const ANSWER_LIMIT_PROGRAMMING: Duration = Duration::from_secs(30);
/// A request that older panels may not know at all.
pub(crate) const ANSWER_LIMIT_OPTIONAL: Duration = Duration::from_secs(4);
/// How often a request is tried in all.
pub(crate) const TRIES: u8 = 3;
/// After the handshake the panel first tells what it queued, and is deaf meanwhile [impl NH].
pub(crate) const QUIET: Duration = Duration::from_secs(2);
/// A panel that never falls quiet is asked nevertheless [impl ABS].
pub(crate) const QUIET_AT_MOST: Duration = Duration::from_secs(40);
/// State is compared this often [inferred].
pub(crate) const RECONCILE: Duration = Duration::from_secs(300);
/// A comparison after a notification waits for the ones that come with it.
pub(crate) const RECONCILE_SOON: Duration = Duration::from_millis(500);
/// Signs of life are told no more often than this.
pub(crate) const ALIVE: Duration = Duration::from_secs(5);
/// A lead-in after a successful enter [impl NH].
pub(crate) const LEAD_IN: Duration = Duration::from_secs(10);
/// Between leaving a mode that was still open and entering [impl NH].
pub(crate) const AFTER_STALE_EXIT: Duration = Duration::from_millis(500);
/// A programming mode is left after this time, for keypads are busy meanwhile [inferred].
pub(crate) const VISIT: Duration = Duration::from_secs(20);
/// With nothing left to do it stays open this long for the next command: wishes come field by field.
pub(crate) const LINGER: Duration = Duration::from_millis(800);
/// Keypads get a turn between two long visits.
pub(crate) const BETWEEN_VISITS: Duration = Duration::from_secs(3);
/// Back-off after "busy", doubling to a limit [inferred].
pub(crate) const BUSY: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(120));
/// Slots that could not be read now are tried again after this time.
pub(crate) const READ_AGAIN: Duration = Duration::from_secs(10);
/// No programming while an alarm or arming is fresh [inferred].
pub(crate) const AFTER_EMERGENCY: Duration = Duration::from_secs(30);
/// Wrong installer codes that may be tried by themselves, and in which time: remote lock-out is six in an hour by
/// default [doc RF].
pub(crate) const INSTALLER_TRIES: (usize, Duration) = (2, Duration::from_secs(3600));
/// Leaving modes and saying good-bye may take so long when we are to stop.
pub(crate) const STOP: Duration = Duration::from_secs(8);
/// Packets in a row that cannot be read, after which the session is given up.
pub(crate) const BAD_IN_A_ROW: u8 = 8;
/// Records per request (dossier 3.4): an answer stays within 255 bytes.
pub(crate) const CODES_PER_READ: u32 = 62;
/// Attributes, partitions, kinds per request.
pub(crate) const BYTES_PER_READ: u32 = 100;
/// Labels of zones and partitions per request: twice as long as those of users [impl NH].
pub(crate) const LONG_LABELS_PER_READ: u32 = 4;
/// Labels of users per request [impl NH].
pub(crate) const LABELS_PER_READ: u32 = 8;
/// Zones per status request.
pub(crate) const ZONES_PER_READ: u32 = 128;
/// Live notifications kept before the first snapshot, and the alarms among them.
pub(crate) const HELD: usize = 512;
/// Requests of ours that may wait.
pub(crate) const QUEUE: usize = 32;
