//! How the communicator speaks, where implementations and captures differ or say nothing (dossier 6.2).

use std::time::Duration;

use super::text::Filler;
use crate::codec::SequenceMode;
use crate::message::{CompactWidth, PartitionForm};

/// How requests are answered (dossier 2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerPattern {
    /// Commands: the response acknowledges the request.
    A,
    /// Commands: SimpleAck, later the response in a message of its own.
    B,
    /// Commands: the response in a 0623 next to notifications.
    C,
    /// 0800: SimpleAck, then the data.
    D1,
    /// 0800: CommandResponse 0, then the data.
    D2,
    /// 0800: the data acknowledges the request.
    D3,
}

/// Which TLink header is taken from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderRule {
    /// Empty or the panel's own.
    Any,
    /// The panel's own only.
    Own,
    /// Empty only.
    Empty,
}

/// Whether type 3 is offered before the type that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstOffer {
    /// No.
    Meant,
    /// Yes, and 550 ms later the other on the same connection.
    Type3Same,
    /// Yes, and 550 ms later the other on a new connection.
    Type3New,
}

/// What stands behind a frame in its last cipher block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaddingKind {
    /// Zeros.
    Zero,
    /// Random bytes.
    Random,
    /// What was left in the buffer of the frame before.
    Leftover,
}

/// How bytes are cut into segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segments {
    /// One packet each.
    Whole,
    /// Cut at random places.
    Split,
    /// What is sent within a few milliseconds comes together.
    Joined,
}

/// The sequence numbers of what is replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayNumbers {
    /// As everything else.
    Fresh,
    /// Those that it got when it was queued: they jump `[impl NH errata]`.
    Old,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// How exactly the server's sequence numbers and mirrored fields are checked.
    pub sequence: SequenceMode,
    /// One pattern for all commands (A to C); by kind of command if not given: A for writes, B for reads.
    pub command_pattern: Option<AnswerPattern>,
    /// The pattern of 0800 (D1 to D3).
    pub request_pattern: AnswerPattern,
    /// A pattern drawn by lot for each request, in the place of both.
    pub any_pattern: bool,
    /// Which header is taken.
    pub header_from_server: HeaderRule,
    /// How wide compact integers are written.
    pub compact_width: CompactWidth,
    /// The four unknown bytes of firmware 5.63.
    pub open_session_trailer: bool,
    /// Type 3 first.
    pub first_offer: FirstOffer,
    /// After the first encrypted message nothing comes for so long, then the session is reset (NH#48); zero: no.
    pub stall_after_encrypted: Duration,
    /// What the first field of 0812 is.
    pub partition_status_form: PartitionForm,
    /// 0811 for several zones is answered; if not, it is acknowledged only.
    pub multi_zone_status: bool,
    /// Notifications that are queued when the panel is switched on.
    pub replay: u16,
    /// How those are numbered.
    pub replay_numbers: ReplayNumbers,
    /// How bytes are cut.
    pub segments: Segments,
    /// Padding of cipher blocks.
    pub padding: PaddingKind,
    /// What user labels end with.
    pub label_trailing: Filler,
    /// 0811 also comes unasked when a zone's tamper, fault or battery changes.
    pub pushes_zone_status: bool,
    /// A lead-in follows a successful enter.
    pub leads_in: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            sequence: SequenceMode::Lenient,
            command_pattern: None,
            request_pattern: AnswerPattern::D1,
            any_pattern: false,
            header_from_server: HeaderRule::Any,
            compact_width: CompactWidth::Minimal,
            open_session_trailer: false,
            first_offer: FirstOffer::Meant,
            stall_after_encrypted: Duration::ZERO,
            partition_status_form: PartitionForm::Mask,
            multi_zone_status: true,
            replay: 0,
            replay_numbers: ReplayNumbers::Fresh,
            segments: Segments::Whole,
            padding: PaddingKind::Zero,
            label_trailing: Filler::Spaces,
            pushes_zone_status: false,
            leads_in: true,
        }
    }
}
