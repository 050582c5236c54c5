use panel_model::{Partition, Slot, Zone};

use super::MessageError;
use crate::codec::{Frame, Number, unhex};

/// Reads the data of a frame field by field.
pub(super) struct Fields<'a> {
    number: Number,
    length: usize,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn of(frame: &'a Frame) -> Self {
        Self { number: frame.number(), length: frame.data().len(), rest: frame.data() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Nothing may be left.
    pub(super) fn end<T>(self, value: T) -> Result<T, MessageError> {
        if self.rest.is_empty() { Ok(value) } else { Err(self.length_error()) }
    }

    pub(super) fn length_error(&self) -> MessageError {
        MessageError::Length { number: self.number, length: self.length }
    }

    pub(super) fn error(&self, field: &'static str) -> MessageError {
        MessageError::Field { number: self.number, field }
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], MessageError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(|| self.length_error())?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(super) fn byte(&mut self) -> Result<u8, MessageError> {
        self.take(1)?.first().copied().ok_or_else(|| self.length_error())
    }

    /// A decimal number of exactly `digits` digits, at most 4.
    pub(super) fn decimal(&mut self, digits: usize, field: &'static str) -> Result<u16, MessageError> {
        let text = self.take(digits)?;
        if digits > 4 || !text.iter().all(u8::is_ascii_digit) {
            return Err(self.error(field));
        }
        Ok(text.iter().fold(0, |value, d| value * 10 + u16::from(d - b'0')))
    }

    /// As [`Self::decimal`], for at most two digits.
    pub(super) fn small(&mut self, digits: usize, field: &'static str) -> Result<u8, MessageError> {
        let value = self.decimal(digits, field)?;
        u8::try_from(value).map_err(|_| self.error(field))
    }

    pub(super) fn hex_byte(&mut self, field: &'static str) -> Result<u8, MessageError> {
        let digits = self.take(2)?.first_chunk::<2>().copied();
        digits.and_then(unhex).ok_or_else(|| self.error(field))
    }

    pub(super) fn partition(&mut self) -> Result<Partition, MessageError> {
        let digit = self.decimal(1, "partition")?;
        // Panels of this family have eight.
        let partition = Partition::new(digit.into()).ok().filter(|_| digit <= 8);
        partition.ok_or_else(|| self.error("partition"))
    }

    pub(super) fn zone(&mut self) -> Result<Zone, MessageError> {
        let value = self.decimal(3, "zone")?;
        Zone::new(value.into()).map_err(|_| self.error("zone"))
    }

    /// A user's slot; 0 is nobody in particular.
    pub(super) fn slot(&mut self) -> Result<Option<Slot>, MessageError> {
        Ok(Slot::new(self.decimal(4, "slot")?.into()).ok())
    }

    pub(super) fn number(&mut self, field: &'static str) -> Result<Number, MessageError> {
        Number::parse(self.take(3)?).ok_or_else(|| self.error(field))
    }

    /// The rest as text that must consist of decimal digits, so many.
    pub(super) fn digits(&mut self, lengths: std::ops::RangeInclusive<usize>) -> Result<String, MessageError> {
        if !lengths.contains(&self.left()) {
            return Err(self.length_error());
        }
        let digits = self.rest();
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(self.error("code"));
        }
        Ok(digits.iter().map(|b| char::from(*b)).collect())
    }
}
