//! The protocol's data types: compact integers, masks, BCD, texts, date and time (dossier 2.2).

use panel_driver::CivilTime;
use panel_model::{AccessCode, PartitionSet};
use zeroize::Zeroizing;

use super::MessageError;

/// How wide compact integers are written. All widths are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CompactWidth {
    /// The fewest bytes.
    #[default]
    Minimal,
    /// Two bytes at least, as panels write some fields.
    Two,
}

/// Takes fields from the front of a payload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], MessageError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(MessageError::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], MessageError> {
        self.take(N)?.try_into().map_err(|_| MessageError::Short)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, MessageError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(crate) fn u16(&mut self) -> Result<u16, MessageError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, MessageError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// A length byte and that many bytes.
    pub(crate) fn bytes8(&mut self) -> Result<&'a [u8], MessageError> {
        let length = self.u8()?;
        self.take(length.into())
    }

    /// `None`: the whole system. Wider forms than needed are taken [impl NH#42].
    pub(crate) fn optional(&mut self) -> Result<Option<u32>, MessageError> {
        match self.bytes8()? {
            [] => Ok(None),
            bytes => bytes
                .iter()
                .try_fold(0_u32, |value, byte| Some(value.checked_mul(256)? + u32::from(*byte)))
                .map(Some)
                .ok_or(MessageError::Value("compact integer")),
        }
    }

    /// A compact integer; none counts as 0.
    pub(crate) fn compact(&mut self) -> Result<u32, MessageError> {
        Ok(self.optional()?.unwrap_or(0))
    }

    /// A compact integer that is a number of bytes or records.
    pub(crate) fn count(&mut self) -> Result<usize, MessageError> {
        usize::try_from(self.compact()?).map_err(|_| MessageError::Value("count"))
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// All that is left, without taking it.
    pub(crate) fn rest_copy(&self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `count` records of `width` bytes each.
    pub(crate) fn records(&mut self, count: usize, width: u8) -> Result<std::slice::ChunksExact<'a, u8>, MessageError> {
        if width == 0 {
            return Err(MessageError::Value("record width"));
        }
        let width = usize::from(width);
        Ok(self.take(count.checked_mul(width).ok_or(MessageError::Short)?)?.chunks_exact(width))
    }
}

/// Puts fields behind one another. Wiped on drop, since codes are among them.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Zeroizing<Vec<u8>>,
    width: CompactWidth,
}

impl Writer {
    pub(crate) fn new(width: CompactWidth) -> Self {
        Self { bytes: Zeroizing::default(), width }
    }

    pub(crate) fn width(&self) -> CompactWidth {
        self.width
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.raw(&[value])
    }

    pub(crate) fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// A length byte and the bytes; past 255 they are cut.
    pub(crate) fn bytes8(&mut self, bytes: &[u8]) -> &mut Self {
        let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
        let kept = bytes.get(..usize::from(length)).unwrap_or(bytes);
        self.u8(length).raw(kept)
    }

    pub(crate) fn compact(&mut self, value: u32) -> &mut Self {
        let bytes = value.to_be_bytes();
        let least = match self.width {
            CompactWidth::Minimal => 1,
            CompactWidth::Two => 2,
        };
        let skip = bytes.iter().take_while(|b| **b == 0).count().min(bytes.len() - least);
        self.bytes8(bytes.get(skip..).unwrap_or(&bytes))
    }

    pub(crate) fn optional(&mut self, value: Option<u32>) -> &mut Self {
        match value {
            Some(value) => self.compact(value),
            None => self.u8(0),
        }
    }

    pub(crate) fn count(&mut self, value: usize) -> &mut Self {
        self.compact(u32::try_from(value).unwrap_or(u32::MAX))
    }

    pub(crate) fn finish(&mut self) -> Zeroizing<Vec<u8>> {
        std::mem::take(&mut self.bytes)
    }
}

/// Digits as the panel stores them: two to a byte, `A` to `F` are no digits, and `A` is a blank one. Prints nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digits(AccessCode);

impl Digits {
    /// From text of digits and blanks (`A`); an odd number gets a 0 behind it. `None`: other characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.chars().all(|c| c.is_ascii_hexdigit()).then(|| {
            let mut text = text.to_ascii_uppercase();
            if text.len() % 2 == 1 {
                text.push('0');
            }
            Self(AccessCode::new(text))
        })
    }

    /// The digits of a code.
    #[must_use]
    pub fn of(code: &AccessCode) -> Option<Self> {
        Self::parse(code.expose())
    }

    /// An empty place of so many bytes.
    #[must_use]
    pub fn blank(width: u8) -> Self {
        Self(AccessCode::new("AA".repeat(width.into())))
    }

    /// From the bytes of the wire.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let digit = |n: u8| char::from_digit(n.into(), 16).unwrap_or('0').to_ascii_uppercase();
        Self(AccessCode::new(bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()))
    }

    /// The bytes of the wire.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let nibble = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok()).unwrap_or(0);
        let pair = |pair: &[u8]| pair.iter().fold(0_u8, |byte, b| byte << 4 | nibble(*b));
        Zeroizing::new(self.0.expose().as_bytes().chunks(2).map(pair).collect())
    }

    /// Whether it is an empty place.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.0.expose().bytes().all(|b| b == b'A')
    }

    /// The code, if all digits are decimal.
    #[must_use]
    pub fn code(&self) -> Option<AccessCode> {
        let text = self.0.expose();
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| self.0.clone())
    }
}

/// Numbers whose bits are set: byte 0, bit 0 is number 1.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mask(pub Vec<u8>);

impl Mask {
    /// A mask of these numbers (0 is ignored), as short as it can be.
    pub fn of(numbers: impl IntoIterator<Item = u32>) -> Self {
        let mut bytes: Vec<u8> = Vec::new();
        for place in numbers.into_iter().filter_map(|n| usize::try_from(n.checked_sub(1)?).ok()) {
            if place / 8 >= bytes.len() {
                bytes.resize(place / 8 + 1, 0);
            }
            if let Some(byte) = bytes.get_mut(place / 8) {
                *byte |= 1 << (place % 8);
            }
        }
        Self(bytes)
    }

    /// The numbers, rising.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.0.iter().zip(0_u32..).flat_map(|(byte, n)| {
            (0..8_u32).filter(move |bit| byte & (1_u8 << bit) != 0).map(move |bit| n * 8 + bit + 1)
        })
    }

    /// As partitions; numbers above 32 are left out.
    #[must_use]
    pub fn partitions(&self) -> PartitionSet {
        self.numbers().filter_map(|n| panel_model::Partition::new(n).ok()).collect()
    }

    /// Filled with zeros, or cut, to so many bytes.
    #[must_use]
    pub fn with_width(mut self, width: u8) -> Self {
        self.0.resize(width.into(), 0);
        self
    }
}

impl From<PartitionSet> for Mask {
    fn from(set: PartitionSet) -> Self {
        Self::of(set.iter().map(|p| p.number().into()))
    }
}

/// The panel's local date and time in 32 bits.
#[must_use]
pub(crate) fn decode_time(bits: u32) -> CivilTime {
    let field = |shift: u32, width: u32| {
        let value = bits >> shift & ((1 << width) - 1);
        u8::try_from(value).unwrap_or(0)
    };
    CivilTime {
        hour: field(27, 5),
        minute: field(21, 6),
        second: field(15, 6),
        year: 2000 + u16::from(field(9, 6)),
        month: field(5, 4),
        day: field(0, 5),
    }
}

/// The 32 bits of a date and time; the year is kept within 2000 to 2063.
#[must_use]
pub(crate) fn encode_time(time: CivilTime) -> u32 {
    let year = time.year.saturating_sub(2000).min(63);
    u32::from(time.hour & 31) << 27
        | u32::from(time.minute & 63) << 21
        | u32::from(time.second & 63) << 15
        | u32::from(year) << 9
        | u32::from(time.month & 15) << 5
        | u32::from(time.day & 31)
}

/// Text in UTF-16BE without its padding (blanks and NULs at the end).
#[must_use]
pub fn utf16_text(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| match pair {
        [high, low] => u16::from_be_bytes([*high, *low]),
        _ => 0,
    });
    let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    text.trim_end_matches([' ', '\0']).to_owned()
}

/// Text as UTF-16BE, padded with blanks to `units` characters; `None` if it is longer.
#[must_use]
pub fn utf16_padded(text: &str, units: usize) -> Option<Vec<u8>> {
    let mut all: Vec<u16> = text.encode_utf16().collect();
    if all.len() > units {
        return None;
    }
    all.resize(units, u16::from(b' '));
    Some(all.into_iter().flat_map(u16::to_be_bytes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_integers_have_any_width() {
        for (value, bytes) in [(0, &[1, 0][..]), (5, &[1, 5]), (300, &[2, 1, 0x2C]), (0x0100_0000, &[4, 1, 0, 0, 0])] {
            assert_eq!(**Writer::new(CompactWidth::Minimal).compact(value).finish(), *bytes);
            assert_eq!(Reader::new(bytes).compact(), Ok(value));
        }
        assert_eq!(**Writer::new(CompactWidth::Two).compact(5).finish(), [2, 0, 5]);
        assert_eq!(Reader::new(&[2, 0, 0xF0]).optional(), Ok(Some(240)));
        assert_eq!(Reader::new(&[0]).optional(), Ok(None));
        assert_eq!(Reader::new(&[6, 0, 0, 0, 0, 0, 9]).compact(), Ok(9));
        assert_eq!(Reader::new(&[5, 1, 0, 0, 0, 0]).compact(), Err(MessageError::Value("compact integer")));
        assert_eq!(Reader::new(&[2, 0]).compact(), Err(MessageError::Short));
    }

    #[test]
    fn blank_places_are_no_codes() {
        let blank = Digits::from_bytes(&[0xAA, 0xAA]);
        assert!(blank.is_blank() && blank.code().is_none());
        assert_eq!(blank, Digits::blank(2));
        let code = Digits::from_bytes(&[0x25, 0x80]);
        assert_eq!(code.code().map(|c| c.expose().to_owned()), Some("2580".to_owned()));
        assert_eq!(*Digits::parse("123").unwrap().to_bytes(), [0x12, 0x30]);
        assert!(Digits::parse("12x4").is_none());
        assert!(Digits::from_bytes(&[0x12, 0xAA]).code().is_none());
    }

    #[test]
    fn masks_count_from_the_lowest_bit() {
        assert_eq!(Mask::of([1, 3]), Mask(vec![5]));
        assert_eq!(Mask::of([9]), Mask(vec![0, 1]));
        assert_eq!(Mask(vec![0x81, 0x01]).numbers().collect::<Vec<_>>(), [1, 8, 9]);
        assert_eq!(Mask::of([2]).with_width(3), Mask(vec![2, 0, 0]));
    }

    #[test]
    fn date_and_time_match_the_dossier() {
        let time = CivilTime { year: 2026, month: 9, day: 3, hour: 14, minute: 5, second: 30 };
        assert_eq!(encode_time(time), 0x70AF_3523);
        assert_eq!(decode_time(0x70AF_3523), time);
        let first = CivilTime { year: 2000, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
        assert_eq!(decode_time(0x21), first);
    }

    #[test]
    fn texts_lose_their_padding_and_nothing_else() {
        let padded = utf16_padded("Küche", 14).unwrap();
        assert_eq!(padded.len(), 28);
        assert_eq!(utf16_text(&padded), "Küche");
        assert_eq!(utf16_text(&[0, 0x41, 0, 0, 0, 0]), "A");
        assert_eq!(utf16_padded("fifteen letters", 14), None);
    }
}
