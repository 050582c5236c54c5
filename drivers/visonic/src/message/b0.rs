//! B0, the envelope of everything that only PowerMasters say: kind, sub-type, and a body of chunks.
//! [impl PX b0_decoder.py] [impl P4 py_visonic_message_b0_chunk.py]

use crate::codec::{Frame, TERMINATOR};

use super::{Hidden, MessageError};

/// Sub-types by name (dossier 6.3).
#[allow(missing_docs, reason = "the names say it")]
pub mod sub {
    pub const ERROR: u8 = 0x06;
    pub const TAMPERED: u8 = 0x0B;
    pub const SHORT_STATE: u8 = 0x0F;
    pub const TRIGGERED: u8 = 0x13;
    pub const SEVERAL: u8 = 0x17;
    pub const OPEN: u8 = 0x18;
    pub const BYPASS: u8 = 0x19;
    pub const ENROLLED: u8 = 0x1D;
    pub const DEVICE_TYPES: u8 = 0x1F;
    pub const PARTITION_ACCESS: u8 = 0x20;
    pub const ZONE_NAMES: u8 = 0x21;
    pub const CAPACITIES: u8 = 0x22;
    pub const PANEL_STATE: u8 = 0x24;
    pub const ENROL_DEVICE: u8 = 0x25;
    pub const PGM: u8 = 0x27;
    pub const EVENT_LOG: u8 = 0x2A;
    pub const ZONE_TYPES: u8 = 0x2D;
    pub const SETTINGS: u8 = 0x35;
    pub const LEGACY_LOG: u8 = 0x36;
    pub const ASK_ME: u8 = 0x39;
    pub const HELP: u8 = 0x3B;
    pub const SIREN: u8 = 0x3E;
    pub const BAUD: u8 = 0x41;
    pub const SETTING: u8 = 0x42;
    pub const SIREN_MODE: u8 = 0x47;
    pub const LAST_EVENTS: u8 = 0x4B;
    pub const ASK_ME_TOO: u8 = 0x51;
    pub const TROUBLES: u8 = 0x54;
    pub const ALIVE: u8 = 0x6A;
    pub const PGM_TIMED: u8 = 0x7A;
}

/// The second byte of B0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum B0Kind {
    /// 00: add, set.
    Set,
    /// 01: request.
    Request,
    /// 02: an answer with more to follow.
    Page,
    /// 03: an answer, or its last page.
    Response,
    /// 04: remove, clear.
    Clear,
    /// 05: seen seldom, unknown.
    Other,
}

impl B0Kind {
    const ALL: [Self; 6] = [Self::Set, Self::Request, Self::Page, Self::Response, Self::Clear, Self::Other];

    /// The byte on the wire.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Self::Set => 0,
            Self::Request => 1,
            Self::Page => 2,
            Self::Response => 3,
            Self::Clear => 4,
            Self::Other => 5,
        }
    }

    /// The kind of that byte.
    #[must_use]
    pub fn of(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.byte() == byte)
    }
}

/// Classes of devices in the index byte of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClassIndex(pub u8);

#[allow(missing_docs, reason = "the names say it")]
impl ClassIndex {
    pub const REPEATER: Self = Self(0x00);
    pub const PANIC_BUTTON: Self = Self(0x01);
    pub const SIREN: Self = Self(0x02);
    pub const ZONE: Self = Self(0x03);
    pub const KEYPAD: Self = Self(0x04);
    pub const KEYFOB: Self = Self(0x05);
    pub const USER: Self = Self(0x06);
    pub const TAG: Self = Self(0x0A);
    pub const PGM: Self = Self(0x0B);
    pub const PANEL: Self = Self(0x0C);
    pub const MIXED: Self = Self(0xFF);

    /// A name for `decode`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            0x00 => "repeater",
            0x01 => "panic_button",
            0x02 => "siren",
            0x03 => "zone",
            0x04 => "keypad",
            0x05 => "keyfob",
            0x06 => "user",
            0x07 => "x10",
            0x08 => "gsm",
            0x09 => "powerlink",
            0x0A => "tag",
            0x0B => "pgm",
            0x0C => "panel",
            0x0D => "guard",
            0x0E => "event",
            0x0F => "partition",
            0x11 => "expander",
            0x12 => "io",
            0xFF => "mixed",
            _ => "unknown",
        }
    }
}

/// One B0 message. The body may hold codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct B0 {
    /// What is done.
    pub kind: B0Kind,
    /// With what; see [`sub`].
    pub sub: u8,
    /// All between the length byte and the terminator. In an answer the last byte is a counter.
    pub body: Hidden,
}

impl B0 {
    /// Reads the payload of a frame, `B0` first. A body that is shorter than announced is taken [impl P4], a longer one
    /// is not: the line never brings one.
    pub(super) fn decode(payload: &[u8]) -> Result<Self, MessageError> {
        match payload {
            [0xB0, kind, sub, length, body @ .., TERMINATOR] if body.len() <= usize::from(*length) => {
                let kind = B0Kind::of(*kind).ok_or(MessageError::Chunks { sub: *sub })?;
                Ok(Self { kind, sub: *sub, body: Hidden::new(body) })
            }
            _ => Err(MessageError::Length { kind: 0xB0, length: payload.len() }),
        }
    }

    /// The frame. A body of more than 255 bytes is cut; none is that long.
    pub(super) fn encode(&self) -> Frame {
        let body = self.body.get(..255).unwrap_or(&self.body);
        let length = u8::try_from(body.len()).unwrap_or(u8::MAX);
        let mut payload = vec![0xB0, self.kind.byte(), self.sub, length];
        payload.extend_from_slice(body);
        payload.push(TERMINATOR);
        Frame::new(payload)
    }

    /// Asks for one sub-type.
    #[must_use]
    pub fn request(sub: u8) -> Self {
        Self { kind: B0Kind::Request, sub, body: Hidden::new([0x05]) }
    }

    /// Asks for several sub-types at once: the better form.
    #[must_use]
    pub fn request_several(subs: &[u8]) -> Self {
        let mut body = vec![0x01];
        Chunk::new(0x08, ClassIndex::MIXED, subs).write(&mut body);
        Self { kind: B0Kind::Request, sub: sub::SEVERAL, body: Hidden::new(body) }
    }

    /// Asks for settings by their numbers, in the old form.
    #[must_use]
    pub fn request_settings(ids: &[u16]) -> Self {
        let mut body = vec![0x02];
        let ids: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        Chunk::new(0x08, ClassIndex::MIXED, &ids).write(&mut body);
        Self { kind: B0Kind::Request, sub: sub::SETTINGS, body: Hidden::new(body) }
    }

    /// Asks for one setting, whole, in the new form.
    #[must_use]
    pub fn request_setting(id: u16) -> Self {
        let [low, high] = id.to_le_bytes();
        let mut body = vec![0x02];
        Chunk::new(0x08, ClassIndex::PANEL, &[low, high, 0, 0, 0xFF, 0xFF]).write(&mut body);
        Self { kind: B0Kind::Request, sub: sub::SETTING, body: Hidden::new(body) }
    }

    /// The keep-alive of a PowerLink 3.1.
    #[must_use]
    pub fn alive() -> Self {
        Self { kind: B0Kind::Request, sub: sub::ALIVE, body: Hidden::default() }
    }

    /// An answer made of chunks, with its counter.
    #[must_use]
    pub fn response(kind: B0Kind, sub: u8, chunks: &[Chunk], counter: u8) -> Self {
        let mut body = Vec::new();
        chunks.iter().for_each(|chunk| chunk.write(&mut body));
        body.push(counter);
        Self { kind, sub, body: Hidden::new(body) }
    }

    /// What a request asks for: sub-types of the list form, or its own.
    #[must_use]
    pub fn requested_subs(&self) -> Vec<u8> {
        match (self.sub, self.request_chunk()) {
            (sub::SEVERAL, Some(chunk)) => chunk.data.to_vec(),
            _ => vec![self.sub],
        }
    }

    /// The settings that a request in either form asks for.
    #[must_use]
    pub fn requested_settings(&self) -> Vec<u16> {
        let Some(chunk) = self.request_chunk() else { return Vec::new() };
        let (pairs, _) = chunk.data.as_chunks::<2>();
        let ids = pairs.iter().map(|pair| u16::from_le_bytes(*pair));
        match self.sub {
            sub::SETTINGS => ids.collect(),
            sub::SETTING => ids.take(1).collect(),
            _ => Vec::new(),
        }
    }

    /// The one chunk of a request, behind its item size.
    fn request_chunk(&self) -> Option<Chunk> {
        let (_, rest) = self.body.split_first()?;
        Chunk::read(rest).map(|(chunk, _)| chunk)
    }

    /// The chunks of an answer and its counter.
    ///
    /// A zero byte that got lost does not change the checksum, and panels that send less than they announce make us
    /// take such a frame: only the counter behind the last chunk shows that all of it is there.
    ///
    /// # Errors
    /// [`MessageError::Chunks`] when they do not add up, or the counter is missing.
    pub fn chunks(&self) -> Result<Chunks, MessageError> {
        let mut rest = &self.body[..];
        let mut chunks = Vec::new();
        while rest.len() > 1 {
            let (chunk, behind) = Chunk::read(rest).ok_or(MessageError::Chunks { sub: self.sub })?;
            chunks.push(chunk);
            rest = behind;
        }
        let [counter] = rest else { return Err(MessageError::Chunks { sub: self.sub }) };
        Ok(Chunks { chunks, counter: *counter })
    }
}

/// The parts of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunks {
    /// In their order.
    pub chunks: Vec<Chunk>,
    /// Counts the panel's answers, from 01 to FF.
    pub counter: u8,
}

/// `page datatype index length data`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// FF: the last or only page.
    pub page: u8,
    /// Bits per item: 01 a bit mask, 08 bytes, 10 words and so on. From the two bytes behind it where that is 00.
    pub bits: u16,
    /// What the items are about.
    pub class: ClassIndex,
    /// The items. They may be codes.
    pub data: Hidden,
}

impl Chunk {
    /// The only page of a list.
    #[must_use]
    pub fn new(bits: u8, class: ClassIndex, data: &[u8]) -> Self {
        Self { page: 0xFF, bits: u16::from(bits), class, data: Hidden::new(data) }
    }

    /// The same, as a certain page.
    #[must_use]
    pub fn on_page(self, page: u8) -> Self {
        Self { page, ..self }
    }

    pub(super) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (page, bits, rest) = match bytes {
            [page, 0x00, low, high, rest @ ..] => (*page, u16::from_le_bytes([*low, *high]), rest),
            [page, bits, rest @ ..] => (*page, u16::from(*bits), rest),
            _ => return None,
        };
        let [class, length, rest @ ..] = rest else { return None };
        let (data, behind) = rest.split_at_checked(usize::from(*length))?;
        Some((Self { page, bits, class: ClassIndex(*class), data: Hidden::new(data) }, behind))
    }

    /// Appends the chunk's bytes. Data of more than 255 bytes is cut; none is that long.
    pub(super) fn write(&self, body: &mut Vec<u8>) {
        let data = self.data.get(..255).unwrap_or(&self.data);
        body.push(self.page);
        match u8::try_from(self.bits) {
            Ok(bits) if bits != 0 => body.push(bits),
            _ => {
                body.push(0);
                body.extend_from_slice(&self.bits.to_le_bytes());
            }
        }
        body.push(self.class.0);
        body.push(u8::try_from(data.len()).unwrap_or(u8::MAX));
        body.extend_from_slice(data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_come_back_as_they_were_written() {
        let wide = Chunk { bits: 0x148, ..Chunk::new(0x08, ClassIndex::USER, &[9; 41]) };
        let chunks = [Chunk::new(0x01, ClassIndex::ZONE, &[1, 2, 3]).on_page(1), wide];
        let answer = B0::response(B0Kind::Response, sub::ENROLLED, &chunks, 0x2C);
        let read = answer.chunks().expect("whole");
        assert_eq!(read, Chunks { chunks: chunks.to_vec(), counter: 0x2C });
    }

    #[test]
    fn what_does_not_add_up_is_an_error_and_no_panic() {
        // The last one lost a byte out of its data: its counter is taken for one.
        let lost = &[0xFF, 0x01, 0x03, 0x04, 0, 0, 0, 0x2C];
        for body in [&[0xFF, 0x08, 0xFF, 0x09, 1, 2][..], lost, &[0xFF, 0x08], &[0xFF, 0x00, 0x01]] {
            let b0 = B0 { kind: B0Kind::Response, sub: 0x18, body: Hidden::new(body) };
            assert_eq!(b0.chunks(), Err(MessageError::Chunks { sub: 0x18 }));
        }
    }

    #[test]
    fn requests_say_what_they_ask_for() {
        assert_eq!(B0::request_several(&[0x18, 0x24]).requested_subs(), [0x18, 0x24]);
        assert_eq!(B0::request(0x24).requested_subs(), [0x24]);
        assert_eq!(B0::request_settings(&[0x0F, 0x0106]).requested_settings(), [0x0F, 0x0106]);
        assert_eq!(B0::request_setting(8).requested_settings(), [8]);
    }
}
