//! What the answers and commands of B0 hold, sub-type by sub-type (dossier 6.3 to 6.8).
//! [impl PX b0_formatters.py] [impl P4]

use super::{
    B0, B0Kind, B0LogRow, Chunk, ClassIndex, ClockTime, Flags, Help, Hidden, MessageError, Setting, SystemStatus,
    TroubleRow, WireCode, sub,
};

/// The meaning of an answer or a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum B0Content {
    /// 06: what was not done, and why.
    Errors(Vec<B0Error>),
    /// 39, 51: these sub-types have news; ask for them.
    AskMe(Vec<u8>),
    /// 24: the panel's state.
    State(PanelStatus),
    /// 18: open zones, a bit each.
    Open(Vec<u8>),
    /// 19: bypassed zones, a bit each.
    Bypassed(Vec<u8>),
    /// 13: triggered zones, a bit each.
    Triggered(Vec<u8>),
    /// 0B: zones whose tamper contact is open, a bit each.
    Tampered(Vec<u8>),
    /// 1D: enrolled devices, a bit each, per class.
    Enrolled(Vec<(ClassIndex, Vec<u8>)>),
    /// 20: partitions of each device, user or tag, per class.
    PartitionAccess(Vec<(ClassIndex, Vec<u8>)>),
    /// 21: index of each zone's name.
    ZoneNames(Vec<u8>),
    /// 2D: type of each zone.
    ZoneTypes(Vec<u8>),
    /// 4B: what each zone did last, on a page.
    LastEvents(Vec<ZoneSign>),
    /// 2A: a page of the event log.
    Log(Vec<B0LogRow>),
    /// 36: the newest row of the event log.
    NewestRow(B0LogRow),
    /// 54: troubles.
    Troubles(Vec<TroubleRow>),
    /// 3B: somebody called for help.
    Help(Help),
    /// 35, 42: settings.
    Settings(Vec<Setting>),
    /// 6A: the panel is here.
    Alive,
    /// A sub-type that we do not look into.
    Other,
}

/// One refusal out of B0 06.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct B0Error {
    /// 0D busy, ask again; 02 unknown sub-type; 04 refused [impl P4].
    pub code: u8,
    /// The sub-type that was asked for.
    pub sub: u8,
}

impl B0Error {
    /// Unknown sub-type.
    pub const UNKNOWN: u8 = 0x02;
    /// Refused.
    pub const REFUSED: u8 = 0x04;
    /// Busy: ask again.
    pub const BUSY: u8 = 0x0D;
}

/// The panel's state, B0 24.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelStatus {
    /// Mostly undecoded. Byte 4: bit 1 battery, bit 5 communication, bit 6 tamper.
    pub head: [u8; 8],
    /// The panel's local time.
    pub clock: ClockTime,
    /// Day of the week.
    pub weekday: u8,
    /// All partitions, also inactive ones.
    pub partitions: Vec<PartitionStatus>,
}

/// One partition of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct PartitionStatus {
    pub status: SystemStatus,
    /// Bits 0 to 6 as in A5.
    pub flags: Flags,
    pub instant: u8,
    pub unknown: u8,
}

impl PartitionStatus {
    /// Bit 7 of the flags.
    pub const ACTIVE: u8 = 0x80;

    /// Whether the partition is in use.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.flags.has(Self::ACTIVE)
    }

    /// The status of A5: there "instant" is a bit of the status, here it has a byte of its own [impl HA].
    #[must_use]
    pub fn system(&self) -> SystemStatus {
        let code = self.status.code();
        let has_instant_form = code <= SystemStatus::LAST_WITH_INSTANT;
        SystemStatus(if has_instant_form && self.instant & 1 != 0 { code | SystemStatus::INSTANT } else { code })
    }
}

impl PanelStatus {
    /// Battery low, in byte 4 of the head.
    pub const BATTERY: u8 = 0x02;
    /// Communication trouble, in byte 4 of the head.
    pub const COMMUNICATION: u8 = 0x20;
    /// Tamper of the panel, in byte 4 of the head.
    pub const TAMPER: u8 = 0x40;

    /// The byte of troubles.
    #[must_use]
    pub fn troubles(&self) -> u8 {
        self.head.get(4).copied().unwrap_or(0)
    }

    /// Data with the count of partitions (21 or 29 bytes), or three partitions without it (28), as one panel sends
    /// it. Other lengths say nothing that can be told apart from a wrong reading [impl P4]; and one partition is
    /// always active, else the bytes are read at the wrong places.
    fn of(data: &[u8]) -> Option<Self> {
        let (head, rest) = data.split_first_chunk::<8>()?;
        let (time, rest) = rest.split_first_chunk::<6>()?;
        let [_century, weekday, rest @ ..] = rest else { return None };
        let partitions = match rest {
            without if without.len() == 12 => without,
            [count, all @ ..] if all.len() == 4 * usize::from(*count) => all,
            _ => return None,
        };
        let (partitions, _) = partitions.as_chunks::<4>();
        let partition = |[status, flags, instant, unknown]: &[u8; 4]| PartitionStatus {
            status: SystemStatus(*status),
            flags: Flags(*flags),
            instant: *instant,
            unknown: *unknown,
        };
        let partitions: Vec<_> = partitions.iter().map(partition).collect();
        partitions.iter().any(PartitionStatus::is_active).then(|| Self {
            head: *head,
            clock: ClockTime::from_bytes(*time),
            weekday: *weekday,
            partitions,
        })
    }

    /// The data of its chunk, with the count of partitions.
    #[must_use]
    pub fn data(&self) -> Vec<u8> {
        let mut data = self.head.to_vec();
        data.extend_from_slice(&self.clock.bytes());
        data.extend_from_slice(&[0x14, self.weekday]);
        data.push(u8::try_from(self.partitions.len()).unwrap_or(u8::MAX));
        for partition in &self.partitions {
            data.extend_from_slice(&[partition.status.0, partition.flags.0, partition.instant, partition.unknown]);
        }
        data
    }

    /// The message.
    #[must_use]
    pub fn message(&self, counter: u8) -> B0 {
        let chunk = Chunk::new(0x08, ClassIndex::MIXED, &self.data());
        B0::response(B0Kind::Response, sub::PANEL_STATE, &[chunk], counter)
    }
}

/// What a zone did last, and when (local wall clock, seconds since 1970).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ZoneSign {
    pub time: u32,
    /// 1 opened, 2 closed, 3 moved, 4 checked in.
    pub code: u8,
}

/// The numbers, from 1, whose bits are set.
pub fn bits(mask: &[u8]) -> impl Iterator<Item = u16> {
    let all = mask.iter().flat_map(|byte| (0..8).map(move |bit| byte & (1 << bit) != 0));
    (1..).zip(all).filter(|(_, set)| *set).map(|(number, _)| number)
}

/// A mask of `bytes` bytes with the bits of these numbers, from 1.
#[must_use]
pub fn bitmap(bytes: usize, numbers: impl IntoIterator<Item = u16>) -> Vec<u8> {
    let mut mask = vec![0_u8; bytes];
    for number in numbers {
        let at = usize::from(number.saturating_sub(1));
        if let Some(byte) = mask.get_mut(at / 8) {
            *byte |= 1 << (at % 8);
        }
    }
    mask
}

impl B0 {
    /// What an answer or notice says.
    ///
    /// # Errors
    /// [`MessageError::Chunks`] when a sub-type that we know does not add up.
    pub fn content(&self) -> Result<B0Content, MessageError> {
        let wrong = MessageError::Chunks { sub: self.sub };
        Ok(match self.sub {
            sub::ERROR => B0Content::Errors(self.errors().ok_or(wrong)?),
            sub::ASK_ME | sub::ASK_ME_TOO => B0Content::AskMe(self.joined()?),
            sub::PANEL_STATE => {
                let chunks = self.chunks()?.chunks;
                let state = chunks.first().and_then(|chunk| PanelStatus::of(&chunk.data));
                B0Content::State(state.ok_or(wrong)?)
            }
            sub::OPEN => B0Content::Open(self.of_class(ClassIndex::ZONE)?),
            sub::BYPASS => B0Content::Bypassed(self.of_class(ClassIndex::ZONE)?),
            sub::TRIGGERED => B0Content::Triggered(self.of_class(ClassIndex::ZONE)?),
            sub::TAMPERED => B0Content::Tampered(self.of_class(ClassIndex::ZONE)?),
            sub::EVENT_LOG => B0Content::Log(self.log_rows()?),
            sub::LEGACY_LOG => B0Content::NewestRow(*self.log_rows()?.first().ok_or(wrong)?),
            sub::TROUBLES => {
                let data = self.joined()?;
                let (rows, _) = data.as_chunks::<9>();
                B0Content::Troubles(rows.iter().copied().map(TroubleRow::of).collect())
            }
            sub::HELP => Help::of(&self.joined()?).map_or(B0Content::Other, B0Content::Help),
            sub::ENROLLED => B0Content::Enrolled(self.by_class()?),
            sub::PARTITION_ACCESS => B0Content::PartitionAccess(self.by_class()?),
            sub::ZONE_NAMES => B0Content::ZoneNames(self.joined()?),
            sub::ZONE_TYPES => B0Content::ZoneTypes(self.joined()?),
            sub::LAST_EVENTS => {
                let data = self.joined()?;
                let (rows, _) = data.as_chunks::<5>();
                let sign =
                    |[a, b, c, d, code]: &[u8; 5]| ZoneSign { time: u32::from_le_bytes([*a, *b, *c, *d]), code: *code };
                B0Content::LastEvents(rows.iter().map(sign).collect())
            }
            sub::SETTINGS | sub::SETTING => B0Content::Settings(self.settings()?),
            sub::ALIVE => B0Content::Alive,
            _ => B0Content::Other,
        })
    }

    fn log_rows(&self) -> Result<Vec<B0LogRow>, MessageError> {
        let data = self.joined()?;
        let (rows, _) = data.as_chunks::<10>();
        Ok(rows.iter().copied().map(B0LogRow::of).collect())
    }

    /// Pairs of code and sub-type; `06 2k pairs [counter]`, without a chunk [cap].
    fn errors(&self) -> Option<Vec<B0Error>> {
        let (pairs, _counter) = self.body.as_chunks::<2>();
        let errors = pairs.iter().map(|[code, sub]| B0Error { code: *code, sub: *sub });
        (!pairs.is_empty()).then(|| errors.collect())
    }

    /// A refusal of these.
    #[must_use]
    pub fn refusal(errors: &[B0Error]) -> Self {
        let body: Vec<u8> = errors.iter().flat_map(|error| [error.code, error.sub]).collect();
        Self { kind: B0Kind::Response, sub: sub::ERROR, body: Hidden::new(body) }
    }

    fn joined(&self) -> Result<Vec<u8>, MessageError> {
        Ok(self.chunks()?.chunks.iter().flat_map(|chunk| chunk.data.to_vec()).collect())
    }

    fn by_class(&self) -> Result<Vec<(ClassIndex, Vec<u8>)>, MessageError> {
        Ok(self.chunks()?.chunks.into_iter().map(|chunk| (chunk.class, chunk.data.to_vec())).collect())
    }

    fn of_class(&self, class: ClassIndex) -> Result<Vec<u8>, MessageError> {
        let wrong = MessageError::Chunks { sub: self.sub };
        let found = self.by_class()?.into_iter().find(|(found, _)| *found == class);
        found.map(|(_, data)| data).ok_or(wrong)
    }

    /// The code, the argument and the chunk of a command (kinds Set and Clear); what follows the chunk is left out.
    #[must_use]
    pub fn command(&self) -> Option<(WireCode, u8, Chunk)> {
        if !matches!(self.kind, B0Kind::Set | B0Kind::Clear) {
            return None;
        }
        let [high, low, argument, rest @ ..] = &self.body[..] else { return None };
        let (chunk, _) = Chunk::read(rest)?;
        Some((WireCode::from_bytes([*high, *low]), *argument, chunk))
    }

    fn command_of(kind: B0Kind, sub: u8, code: &WireCode, argument: u8, chunk: &Chunk, tail: &[u8]) -> Self {
        let mut body = code.bytes().to_vec();
        body.push(argument);
        chunk.write(&mut body);
        body.extend_from_slice(tail);
        Self { kind, sub, body: Hidden::new(body) }
    }
}

/// Bypasses zones, or takes bypasses back, with the download code. [cap: PX]
#[must_use]
pub fn bypass_command(code: &WireCode, kind: B0Kind, zones: &[u8; 8]) -> B0 {
    B0::command_of(kind, sub::BYPASS, code, 0x00, &Chunk::new(0x01, ClassIndex::ZONE, zones), &[])
}

/// Switches the PGM output, with the download code. [cap: PX]
#[must_use]
pub fn pgm_command(code: &WireCode, on: bool) -> B0 {
    let argument = if on { 0x11 } else { 0x10 };
    B0::command_of(B0Kind::Set, sub::PGM, code, argument, &Chunk::new(0x08, ClassIndex::PGM, &[0x01, 0x00]), &[])
}

/// Sounds the siren, with a user's code. [cap: PX]
#[must_use]
pub fn siren_command(code: &WireCode) -> B0 {
    B0::command_of(B0Kind::Set, sub::SIREN, code, 0x05, &Chunk::new(0x08, ClassIndex::SIREN, &[0, 0, 1]), &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_count_from_one() {
        assert_eq!(bits(&[0b1000_0001, 0b10]).collect::<Vec<_>>(), [1, 8, 10]);
        assert_eq!(bitmap(8, [2, 64]), [2, 0, 0, 0, 0, 0, 0, 0x80]);
        assert_eq!(bitmap(1, [9, 0]), [1], "what does not fit is left out, 0 is taken for 1");
    }

    #[test]
    fn a_state_is_read_in_all_its_lengths() {
        let partition = PartitionStatus { status: SystemStatus(0), flags: Flags(0x81), instant: 0, unknown: 0 };
        let clock = ClockTime::from_bytes([1, 2, 3, 4, 5, 26]);
        for count in [1, 3] {
            let state = PanelStatus { head: [0; 8], clock, weekday: 1, partitions: vec![partition; count] };
            let with_count = state.data();
            assert_eq!(PanelStatus::of(&with_count), Some(state.clone()));
            let mut without = with_count.clone();
            without.remove(16);
            assert_eq!(PanelStatus::of(&without), (count == 3).then(|| state.clone()));
            assert_eq!(PanelStatus::of(&with_count[..with_count.len() - 2]), None);
        }
    }

    #[test]
    fn a_refusal_needs_no_counter() {
        let refused = B0::refusal(&[B0Error { code: B0Error::UNKNOWN, sub: 0x69 }]);
        assert_eq!(refused.content(), Ok(B0Content::Errors(vec![B0Error { code: 2, sub: 0x69 }])));
        let counted = B0 { body: Hidden::new([0x0D, 0x24, 0x07]), ..refused };
        assert_eq!(counted.content(), Ok(B0Content::Errors(vec![B0Error { code: 0x0D, sub: 0x24 }])));
    }

    #[test]
    fn commands_give_back_their_parts() {
        let code = WireCode::from_bytes([0xAA, 0xAA]);
        let (found, argument, chunk) = pgm_command(&code, true).command().expect("a command");
        assert_eq!((found, argument, &chunk.data[..]), (code.clone(), 0x11, &[1, 0][..]));
        assert!(B0::request(0x24).command().is_none());
        let zones = [2, 0, 0, 0, 0, 0, 0, 0];
        let (_, _, chunk) = bypass_command(&code, B0Kind::Clear, &zones).command().expect("a command");
        assert_eq!(&chunk.data[..], &zones);
    }
}
